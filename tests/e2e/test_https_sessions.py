"""What TLS adds to connections: resumption, ends that say nothing, renegotiation, memory, many at once."""
import concurrent.futures
import os
import resource
import socket
import ssl
import subprocess
import time

import pytest

from harness import Client, Origin, chunked, response
from harness.http1 import Incomplete
from harness.https import intercepting_proxy, tls_origin  # noqa: F401 (fixtures)
from harness.origin import wait_until
from harness.proxy import sanitized
from harness.tls import Interceptor, Server, TlsOrigin, server_context

# OpenSSL's own structures make most of it: SSL 7.6 kB, ciphers 2.  Sanitizers keep what was freed.
IDLE_CLIENT_BYTES = (512 if sanitized() else 20) * 1024


def old_and_new(proxy):
    """A context per version; sessions only resume within the context that they were made in."""
    return {name: proxy.context(maximum=version) for name, version in
            (("TLSv1.2", ssl.TLSVersion.TLSv1_2), ("TLSv1.3", ssl.TLSVersion.TLSv1_3))}


def resumes(proxy, origin, context, session=None):
    """(whether the session was resumed, a new session)"""
    with proxy.secure(origin, context, session=session) as client:
        assert client.get("/").body == b"hello"  # in TLS 1.3 the ticket comes with the first bytes
        return client.sock.session_reused, client.sock.session


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_clients_resume_their_sessions(proxy, origin, version):
    context = old_and_new(proxy)[version]
    _, session = resumes(proxy, origin, context)
    assert resumes(proxy, origin, context, session)[0]


def test_resumed_connection_gives_a_ticket_for_the_next(proxy, origin):
    context = old_and_new(proxy)["TLSv1.3"]
    _, first = resumes(proxy, origin, context)
    _, second = resumes(proxy, origin, context, first)
    assert second.id != first.id  # clients use a ticket only once
    assert resumes(proxy, origin, context, second)[0]


def test_sessions_are_resumed_by_all_workers_and_after_a_reload(pki, origin):
    with Interceptor(pki, workers=3) as proxy:
        context = proxy.context()
        _, session = resumes(proxy, origin, context)
        assert all(resumes(proxy, origin, context, session)[0] for _ in range(12))
        proxy.reload()
        assert all(resumes(proxy, origin, context, session)[0] for _ in range(6))


def test_session_of_one_site_is_not_resumed_with_another(proxy, pki, origin):
    context = proxy.context()
    _, session = resumes(proxy, origin, context)
    with TlsOrigin(pki.good, name="127.0.0.1") as other:
        assert not resumes(proxy, other, context, session)[0]


def test_s_client_resumes_from_a_file(proxy, origin, tmp_path):
    def s_client(*arguments):
        command = ["openssl", "s_client", "-proxy", f"127.0.0.1:{proxy.port}", "-connect", origin.authority,
                   "-servername", "localhost", "-CAfile", str(proxy.pki.proxy_ca), "-verify_return_error", "-ign_eof",
                   *arguments]
        asked = f"GET / HTTP/1.1\r\nHost: {origin.authority}\r\nConnection: close\r\n\r\n".encode()
        return subprocess.run(command, input=asked, capture_output=True, timeout=20, check=True).stdout
    ticket = str(tmp_path / "ticket")
    assert b"New, TLSv1.3" in s_client("-sess_out", ticket)
    assert b"Reused, TLSv1.3" in s_client("-sess_in", ticket)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("says_goodbye", [True, False])
def test_sessions_with_origins_are_resumed_however_they_end(proxy, pki, version, says_goodbye):
    def script(conn):
        conn.read_request()
        with_body_until_close = b"HTTP/1.1 200 OK\r\n\r\nbye"  # read to its end, whichever that is
        conn.send(with_body_until_close)
        if says_goodbye:
            conn.sock.unwrap()
    context = server_context(pki.good, minimum=version, maximum=version)
    with TlsOrigin(pki.good, script=script, context=context) as origin:
        for _ in range(3):
            with proxy.secure(origin) as client:
                client.request("GET", "/")
                client.read_head()
        assert wait_until(lambda: [handshake["reused"] for handshake in origin.handshakes] == [False, True, True])


# ---- ends


def body_without_end(conn):
    conn.read_request()
    conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart")


def test_body_until_close_that_ends_without_close_notify_is_shown_truncated(proxy, pki):
    with TlsOrigin(pki.good, script=body_without_end) as origin, proxy.secure(origin) as client:
        with pytest.raises((Incomplete, OSError)) as broken:
            client.get("/cut")
        if isinstance(broken.value, Incomplete):
            assert broken.value.message.body == b"part"
        assert proxy.record(origin.url("/cut"))["freshet.truncated"] is True


def test_body_until_close_that_ends_without_close_notify_is_no_orderly_end_for_http_1_0(proxy, pki):
    with TlsOrigin(pki.good, script=body_without_end) as origin, proxy.secure(origin) as client:
        client.request("GET", "/cut10", version="HTTP/1.0")
        with pytest.raises(OSError):
            client.source.rest()
        assert proxy.record(origin.url("/cut10"))["freshet.truncated"] is True


def test_body_until_close_that_ends_with_close_notify_is_whole(proxy, pki):
    def script(conn):
        body_without_end(conn)
        conn.sock.unwrap()
    with TlsOrigin(pki.good, script=script) as origin:
        assert proxy.get(origin, "/whole").body == b"part"
        assert proxy.record(origin.url("/whole"))["freshet.truncated"] is False


@pytest.mark.parametrize("answer", [response(b"all of it"), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                    chunked(b"all ", b"of it")])
def test_body_whose_framing_is_complete_needs_no_close_notify(proxy, pki, answer):
    def script(conn):
        conn.read_request()
        conn.send(answer)
    with TlsOrigin(pki.good, script=script) as origin:
        assert proxy.get(origin, "/framed").body == b"all of it"
        assert proxy.record(origin.url("/framed"))["freshet.truncated"] is False


def test_upload_that_ends_without_close_notify_is_not_taken_for_whole(proxy, pki):
    ends = []

    def script(conn):
        conn.read_head_only()
        try:
            ends.append(conn.source.exactly(100))
        except OSError as broken:
            ends.append(broken)
    with TlsOrigin(pki.good, script=script) as origin:
        client = proxy.secure(origin)
        client.request("PUT", "/", "Content-Length: 100")
        client.send(b"half")
        client.raw_end()
        assert wait_until(lambda: ends)
        client.close()
    assert isinstance(ends[0], OSError) or len(ends[0]) < 100


def test_client_that_says_close_notify_is_answered_by_one(proxy, origin):
    with proxy.secure(origin) as client:
        assert client.get("/").body == b"hello"
        bare = client.sock.unwrap()  # waits for the proxy's close_notify
        assert bare.recv(1) == b""


def test_request_and_close_notify_together_are_still_answered(proxy, origin):
    """A client that has nothing more to say, as `openssl s_client` at the end of its input."""
    with Client(proxy.port) as client:
        client.connect_to(origin.authority)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = proxy.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(outgoing.read())
                incoming.write(client.sock.recv(65536))
        tls.write(f"GET / HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        client.send(outgoing.read())
        got = b""
        while data := client.sock.recv(65536):
            incoming.write(data)
            try:
                got += tls.read(65536)
            except ssl.SSLError:
                pass
        assert got.endswith(b"hello")


def test_answer_to_the_last_request_ends_with_close_notify(proxy, origin):
    with proxy.secure(origin) as client:
        assert client.get("/", "Connection: close").body == b"hello"
        assert client.source.rest() == b""  # an end without would be an error here


def test_idle_client_is_told_of_the_end(pki, origin):
    with Interceptor(pki, timeout_client_idle="200ms") as proxy, proxy.secure(origin) as client:
        assert client.get("/").body == b"hello"
        assert client.source.rest() == b""


def test_draining_tells_clients_inside_of_tunnels(pki, origin):
    with Interceptor(pki) as proxy, proxy.secure(origin) as client:
        assert client.get("/").body == b"hello"
        proxy.signal(15)
        assert wait_until(lambda: proxy.process.poll() is not None) is not None
        assert client.source.rest() == b""


def test_origins_are_told_of_the_end(proxy, pki):
    ends = []

    def script(conn):
        conn.read_request()
        conn.send(response(b"x", "Connection: close"))
        ends.append(conn.source.rest())  # an end without close_notify would raise
    with TlsOrigin(pki.good, script=script) as origin:
        assert proxy.get(origin).body == b"x"
        assert wait_until(lambda: ends) == [b""]


# ---- broken and slow peers

GARBAGE = b"\x17\x03\x03\x00\x40" + bytes(64)


def send_bare(sock, data):
    """Past TLS, on the socket under it."""
    with socket.socket(fileno=os.dup(sock.fileno())) as bare:
        bare.sendall(data)


def test_client_that_breaks_tls_is_told_and_cut_off(proxy, origin):
    with proxy.secure(origin) as client:
        assert client.get("/").body == b"hello"
        send_bare(client.sock, GARBAGE)
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.source.rest()
    assert proxy.get(origin).body == b"hello"


def test_origin_that_breaks_tls_in_its_body_is_shown_truncated(proxy, pki):
    def script(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        send_bare(conn.sock, GARBAGE)
        conn.sock.recv(1)
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin) as client:
        with pytest.raises((Incomplete, OSError)):
            client.get("/broken")
        assert proxy.record(origin.url("/broken"))["freshet.truncated"] is True


def test_origin_that_breaks_tls_instead_of_answering_is_a_page(proxy, pki):
    def script(conn):
        conn.read_request()
        send_bare(conn.sock, GARBAGE)
        conn.sock.recv(1)
    with TlsOrigin(pki.good, script=script) as origin:
        assert proxy.get(origin).status == 502


def test_origin_that_is_silent_in_the_handshake_is_a_page_in_time(pki):
    with Interceptor(pki, timeout_connect="300ms") as proxy, Origin(script=lambda conn: conn.source.rest()) as origin:
        with proxy.secure(origin) as client:
            answer = client.get("/")
    assert answer.status == 504


def test_client_that_stalls_in_the_handshake_is_given_up_and_has_not_refused(pki, origin):
    with Interceptor(pki, timeout_client_head="300ms") as proxy:
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            with pytest.raises(ssl.SSLWantReadError):
                proxy.context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
            client.send(outgoing.read())
            assert client.sock.recv(1)  # our flight
            client.read_to_end()
        assert "freshet.passed_for_s" not in proxy.record(origin.authority)
        assert proxy.get(origin).body == b"hello"


# ---- renegotiation


def test_renegotiation_by_the_client_is_refused(proxy, origin):
    command = ["openssl", "s_client", "-proxy", f"127.0.0.1:{proxy.port}", "-connect", origin.authority, "-tls1_2",
               "-servername", "localhost", "-CAfile", str(proxy.pki.proxy_ca)]
    done = subprocess.run(command, input=b"R\n", capture_output=True, timeout=20, check=False)
    assert b"no renegotiation" in done.stderr or b"NO_RENEGOTIATION" in done.stderr.upper()
    assert proxy.get(origin).body == b"hello"


# ---- many


def test_idle_intercepted_client_costs_at_most_20_kib(pki, origin):
    count = 100 if sanitized() else 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Interceptor(pki, max_clients_per_address=0) as proxy:
        context = proxy.context()

        def opened(number):
            clients = [proxy.secure(origin, context) for _ in range(number)]
            assert all(client.get("/").status == 200 for client in clients)
            return clients
        warm = opened(50)
        for _ in range(1200):  # touches every slot of the ring that leads to the access log
            assert warm[0].get("/").status == 200
        time.sleep(1.5)  # until their buffers are given back
        before = proxy.settled_memory_kib()
        clients = opened(count)
        assert wait_until(lambda: (proxy.memory_kib() - before) * 1024 / count <= IDLE_CLIENT_BYTES), \
            f"{(proxy.memory_kib() - before) * 1024 / count:.0f} bytes per idle client"
        assert clients[-1].get("/").body == b"hello"  # and wakes up again
        for client in warm + clients:
            client.close()


def test_200_parallel_connections_to_mixed_sites_get_their_certificate_and_body(pki):
    sites = [f"site{i}.test" for i in range(10)]
    answers = [TlsOrigin(pki.root.issue(site, san=f"DNS:{site}"), name="127.0.0.1",
                         answer=lambda request, site=site: response(f"{site} {request.target}".encode()))
               for site in sites]

    def visit(number):
        site, origin = sites[number % 10], answers[number % 10]
        with proxy.secure(origin, contexts[number % 4], server_name=site) as client:
            names = client.sock.getpeercert()["subjectAltName"]
            bodies = [client.get(f"/{number}/{i}", f"Host: {site}:{origin.port}").body for i in range(3)]
        return names == (("DNS", site),) and bodies == [f"{site} /{number}/{i}".encode() for i in range(3)]
    for origin in answers:
        origin.__enter__()
    try:
        with Interceptor(pki, workers=2) as proxy, concurrent.futures.ThreadPoolExecutor(200) as pool:
            contexts = [proxy.context() for _ in range(4)]
            assert all(pool.map(visit, range(200)))
    finally:
        for origin in answers:
            origin.__exit__(None)


def test_reload_amid_tls_breaks_nothing(pki, origin):
    with Interceptor(pki, workers=2) as proxy:
        context = proxy.context()

        def visit(number):
            for _ in range(8):
                with proxy.secure(origin, context) as client:
                    assert [client.get(f"/{number}").body for _ in range(3)] == [b"hello"] * 3
            return True
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            visits = pool.map(visit, range(4))
            for _ in range(5):
                proxy.reload()
            assert all(visits)


def test_records_of_one_byte_are_put_together(proxy, origin):
    """An origin by s_server that splits its answer into the smallest records."""
    with Server("-cert", proxy.pki.good.file, "-key", proxy.pki.good.key, "-www", "-max_send_frag", 512,
                "-split_send_frag", 512) as small:
        answer = proxy.get(small)
        assert b"s_server" in answer.body
    with proxy.secure(origin) as client:
        for byte in f"GET /slow HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode():
            client.send(bytes([byte]))
        assert client.response().body == b"hello"
