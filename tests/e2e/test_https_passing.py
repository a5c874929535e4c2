"""What would break by being read is passed through unread; the record says why, and for how long."""
import socket
import ssl
import subprocess
import threading

import pytest

from harness import Client, Origin, response
from harness.faults import FaultyFreshet, build_library
from harness.https import intercepting_proxy, tls_origin  # noqa: F401 (fixtures)
from harness.nginx import Nginx
from harness.origin import wait_until
from harness.tls import Interceptor, SecureClient, Server, TlsOrigin, client_context, server_context

HOUR_S, MINUTE_S = 3600, 60


def passed(proxy, origin, reason, for_s=None):
    """The latest record about this origin: a tunnel with this reason and duration."""
    assert wait_until(lambda: proxy.record(origin.authority)["freshet.tunnel"])
    record = proxy.record(origin.authority)
    assert reason in record["freshet.not_busted_reason"]
    if for_s is None:
        assert "freshet.passed_for_s" not in record
    else:
        assert for_s - 30 <= record["freshet.passed_for_s"] <= for_s


def unread(proxy, origin, pki, **kwargs):
    """The answer through the tunnel, with the origin's own certificate in it."""
    with proxy.secure(origin, client_context(pki.root.file, **kwargs)) as client:
        return client.get("/").body


def refuse(proxy, origin):
    """A client that knows nothing of the proxy's authority, and says so by an alert."""
    with pytest.raises(ssl.SSLCertVerificationError):
        proxy.secure(origin, client_context(proxy.pki.root.file))


def test_sites_without_intercept_are_not_read(pki, origin):
    with Interceptor(pki, intercept="no") as proxy:
        assert unread(proxy, origin, pki) == b"hello"
        passed(proxy, origin, "opaque tunnel")


def test_intercept_is_chosen_by_site(pki, origin):
    with Interceptor(pki, config='site "localhost" { intercept = no }') as proxy:
        assert unread(proxy, origin, pki) == b"hello"
        passed(proxy, origin, "opaque tunnel")


def test_client_that_refuses_by_an_alert_is_left_alone_for_an_hour(pki, origin):
    with Interceptor(pki) as proxy:
        refuse(proxy, origin)
        record = proxy.record(origin.authority)
        assert record["freshet.proxy_error"] == "tls_alert_received"
        assert record["freshet.passed_for_s"] == HOUR_S
        assert unread(proxy, origin, pki) == b"hello"
        passed(proxy, origin, "this client refused our certificate", HOUR_S)


def test_client_that_refuses_by_closing_is_left_alone_for_an_hour(pki, origin):
    with Interceptor(pki) as proxy:
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = proxy.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            client.send(outgoing.read())
            assert client.sock.recv(1)
        assert proxy.record(origin.authority)["freshet.passed_for_s"] == HOUR_S
        assert unread(proxy, origin, pki) == b"hello"


def test_refusal_counts_for_that_client_and_that_host_only(pki, origin):
    with Interceptor(pki) as proxy, TlsOrigin(pki.good) as another:
        refuse(proxy, origin)
        assert unread(proxy, origin, pki) == b"hello"
        assert proxy.get(another).body == b"hello"
        assert proxy.get(origin, source="127.0.0.9").body == b"hello"


def test_refusal_is_remembered_across_a_reload(pki, origin):
    with Interceptor(pki) as proxy:
        refuse(proxy, origin)
        proxy.reload()
        assert unread(proxy, origin, pki) == b"hello"


def test_client_without_http_1_1_in_its_alpn_is_passed_through(pki):
    context = server_context(pki.good)
    context.set_alpn_protocols(["h2"])
    with Interceptor(pki) as proxy, TlsOrigin(pki.good, context=context) as origin:
        with proxy.secure(origin, client_context(pki.root.file, alpn=("h2",))) as client:
            assert client.sock.selected_alpn_protocol() == "h2"
        passed(proxy, origin, "does not offer HTTP/1.1")


def test_client_with_h2_and_http_1_1_is_read(pki, origin):
    with Interceptor(pki) as proxy, proxy.secure(origin, proxy.context(alpn=("h2", "http/1.1"))) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


def test_client_without_alpn_is_read(pki, origin):
    with Interceptor(pki) as proxy:
        assert proxy.get(origin, context=proxy.context(alpn=())).body == b"hello"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("wish", [ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
def test_origin_that_asks_for_a_client_certificate_gets_the_clients_own(pki, version, wish):
    mine = pki.root.issue("client", extensions="basicConstraints = CA:FALSE\n")
    context = server_context(pki.good, minimum=version, maximum=version)
    context.verify_mode = wish
    context.load_verify_locations(pki.root.file)
    with Interceptor(pki) as proxy, TlsOrigin(pki.good, context=context) as origin:
        own = client_context(pki.root.file)
        own.load_cert_chain(mine.file, mine.key)
        for _ in range(2):
            with proxy.secure(origin, own) as client:
                assert client.get("/").body == b"hello"
            passed(proxy, origin, "asks for a client certificate", HOUR_S)
        assert origin.handshakes[-1]["client"] == ((("commonName", "client"),),)


def test_nginx_that_asks_for_a_client_certificate_gets_the_clients_own(pki):
    config = """
daemon off; pid {folder}/pid; user {user}; error_log {folder}/error.log; events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate CERT; ssl_certificate_key KEY;
    ssl_client_certificate ROOT; ssl_verify_client on; location / {{ return 200 "$ssl_client_s_dn"; }} }} }}
""".replace("CERT", str(pki.good.file)).replace("KEY", str(pki.good.key)).replace("ROOT", str(pki.root.file))
    mine = pki.root.issue("visitor", extensions="basicConstraints = CA:FALSE\n")
    own = client_context(pki.root.file)
    own.load_cert_chain(mine.file, mine.key)
    with Interceptor(pki) as proxy, Nginx(config) as nginx:
        nginx.authority = f"localhost:{nginx.port}"
        with proxy.secure(nginx, own) as client:
            assert client.get("/").body == b"CN=visitor"
        passed(proxy, nginx, "asks for a client certificate", HOUR_S)


def test_strict_fails_where_yes_would_pass(pki):
    context = server_context(pki.good)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pki.root.file)
    with Interceptor(pki, intercept="strict") as proxy, TlsOrigin(pki.good, context=context) as origin:
        for _ in range(2):
            with pytest.raises(OSError):
                proxy.secure(origin)
        record = proxy.record(origin.authority)
        assert record["freshet.tunnel"] is False
        assert "client certificate" in record["freshet.error"]


def test_strict_does_not_give_in_to_a_client_that_refuses(pki, origin):
    with Interceptor(pki, intercept="strict") as proxy:
        for _ in range(2):
            refuse(proxy, origin)
        assert not proxy.record(origin.authority)["freshet.tunnel"]
        assert proxy.get(origin).body == b"hello"


def test_server_that_speaks_first_is_heard(pki):
    def banner(conn):
        conn.send(b"SSH-2.0-test\r\n")
        conn.source.until(b"\r\n")
        conn.send(b"bye")
    with Interceptor(pki, timeout_client_hello="200ms") as proxy, Origin(script=banner) as origin:
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            assert client.read_exactly(14) == b"SSH-2.0-test\r\n"
            client.send(b"SSH-2.0-me\r\n")
            assert client.read_exactly(3) == b"bye"
        passed(proxy, origin, "the client does not begin")


def test_plain_http_inside_of_a_tunnel_is_passed_through(pki):
    with Interceptor(pki) as proxy, Origin() as origin, Client(proxy.port) as client:
        client.connect_to(origin.authority)
        client.send(f"GET /plain HTTP/1.1\r\nHost: {origin.authority}\r\nCache-Control: max-age=9\r\n\r\n".encode())
        assert client.response().body == b"hello"
        client.close()
        passed(proxy, origin, "does not speak TLS")
        assert origin.last.one("Cache-Control") == "max-age=9"


def test_origin_that_does_not_speak_tls_is_passed_through(pki):
    got = []

    def script(conn):
        conn.send(b"220 ready\r\n")
        got.append(conn.source.until(b"\r\n") or bytes(conn.received))
    with Interceptor(pki) as proxy, Origin(script=script) as origin:
        with Client(proxy.port) as client, pytest.raises(OSError):
            client.connect_to(origin.authority)
            proxy.context().wrap_socket(client.sock, server_hostname="localhost")
        passed(proxy, origin, "does not speak TLS", HOUR_S)
        assert len(origin.connections) == 2


def ech_hello(name):
    """A hello with an outer name and an encrypted one that nobody here can read."""
    def vector(size, data):
        return len(data).to_bytes(size, "big") + data

    def extension(number, data):
        return number.to_bytes(2, "big") + vector(2, data)
    names = vector(2, b"\0" + vector(2, name))
    protocols = vector(2, vector(1, b"http/1.1"))
    extensions = (extension(0, names) + extension(43, vector(1, b"\x03\x04")) + extension(16, protocols) +
                  extension(0xfe0d, bytes(64)))
    body = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\0") + vector(2, extensions)
    message = b"\x01" + vector(3, body)
    return b"\x16\x03\x01" + vector(2, message)


@pytest.mark.parametrize("outer, is_read", [(b"front.test", False), (b"localhost", True)])
def test_hidden_name_is_passed_through_unless_it_is_only_for_show(pki, outer, is_read):
    hello, got = ech_hello(outer), []

    def script(conn):
        got.append(conn.source.exactly(len(hello)))
    with Interceptor(pki) as proxy, Origin(script=script) as origin, Client(proxy.port) as client:
        client.connect_to(f"localhost:{origin.port}")
        client.send(hello)
        assert wait_until(lambda: got)
        assert (got == [hello]) is not is_read  # read: it is the proxy's own hello
        client.close()
        if not is_read:
            origin.host = "localhost"
            passed(proxy, origin, "hides the server's name")


def test_origin_without_a_common_version_is_passed_through_until_the_next_reload(pki):
    """Who then sets tls-legacy need not wait for an hour."""
    with Interceptor(pki) as proxy, Server("-tls1", "-cipher", "ALL:@SECLEVEL=0", "-cert", pki.good.file, "-key",
                                           pki.good.key, "-www") as origin:
        with pytest.raises(OSError):
            proxy.secure(origin)
        passed(proxy, origin, "no TLS handshake with the origin", HOUR_S)
        with pytest.raises(OSError):
            proxy.secure(origin)
        assert len(proxy.records(2, origin.authority)) == 2
        proxy.reload(tls_legacy="yes")
        assert proxy.get(origin).status == 200


def alert(number):
    """A fatal alert in place of an answer to the hello."""
    return lambda conn: (conn.source.exactly(5), conn.send(b"\x15\x03\x03\0\2\2" + bytes([number])))


def read_hello_and(end):
    return lambda conn: (conn.source.exactly(5), end(conn))


def reset_unread(conn):
    """With the first byte of the hello: sooner, the connection may not count as made, and be refused instead."""
    conn.sock.recv(1, socket.MSG_PEEK)
    conn.reset()


@pytest.mark.parametrize("before, for_s", [
    (alert(40), HOUR_S),  # handshake_failure
    (alert(70), HOUR_S),  # protocol_version
    (alert(112), HOUR_S),  # unrecognized_name
    (alert(80), MINUTE_S),  # internal_error
    (alert(20), MINUTE_S),  # bad_record_mac
    (reset_unread, MINUTE_S),
    (read_hello_and(lambda conn: conn.reset()), MINUTE_S),
    (read_hello_and(lambda conn: conn.close()), MINUTE_S),
], ids=["handshake_failure", "protocol_version", "unrecognized_name", "internal_error", "bad_record_mac",
        "reset unread", "reset", "closed"])
def test_refusal_of_the_origin_counts_for_an_hour_and_mishap_for_a_minute(proxy, pki, before, for_s):
    mishaps = [before]
    with TlsOrigin(pki.good, before=lambda conn: mishaps and mishaps.pop()(conn)) as origin:
        assert unread(proxy, origin, pki) == b"hello"
        passed(proxy, origin, "no TLS handshake with the origin" if for_s == HOUR_S else "broke off", for_s)


def test_host_whose_handshake_broke_off_is_read_again_after_a_minute(pki, tmp_path):
    mishaps = [reset_unread]
    with TlsOrigin(pki.good, before=lambda conn: mishaps and mishaps.pop()(conn)) as origin, \
            FaultyFreshet(build_library(tmp_path), env=pki.environment(), intercept="yes",
                          trust=f'"{pki.root.file}"') as proxy:
        for seconds, shown in ((0, pki.root.file), (50, pki.root.file), (61, pki.proxy_ca)):
            proxy.faults.shift_monotonic_clock(seconds)
            with SecureClient(proxy.port, origin.authority, client_context(shown)) as client:
                assert client.get("/").body == b"hello", f"after {seconds} s"


def test_origin_that_asks_for_a_certificate_and_closes_counts_as_asking(proxy, pki):
    """Some servers give no alert when they get none."""
    context = server_context(pki.good, maximum=ssl.TLSVersion.TLSv1_2)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(pki.root.file)

    def close_in_the_middle(conn):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(conn.sock.recv(4096))
        with pytest.raises(ssl.SSLWantReadError):
            context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
        conn.send(outgoing.read())
        conn.sock.recv(4096)
        conn.close()
    mishaps = [close_in_the_middle]
    with TlsOrigin(pki.good, before=lambda conn: mishaps and mishaps.pop()(conn)) as origin:
        assert unread(proxy, origin, pki) == b"hello"
        passed(proxy, origin, "asks for a client certificate", HOUR_S)


def test_text_log_tells_reason_and_expiry_in_seconds(pki, origin):
    with Interceptor(pki, access_log_format="text") as proxy:
        refuse(proxy, origin)
        assert unread(proxy, origin, pki) == b"hello"
        line = wait_until(lambda: [line for line in proxy.log_file.read_text().splitlines() if " tunnel " in line])[-1]
    assert 'left-alone="passed unread: this client refused our certificate"' in line
    assert "passed-for=3600s" in line or "passed-for=3599s" in line


def test_curl_that_does_not_trust_the_proxy_works_at_the_second_attempt(pki, origin, tmp_path):
    with Interceptor(pki) as proxy:
        def curl():
            return subprocess.run(["curl", "-sS", "-x", f"http://127.0.0.1:{proxy.port}", "--cacert", pki.root.file,
                                   origin.url()], capture_output=True, timeout=20, check=False, cwd=tmp_path)
        assert curl().returncode == 60
        assert curl().stdout == b"hello"


def test_two_clients_of_a_tunnel_that_is_passed_do_not_share_it(pki):
    """Passed-through connections are never pooled."""
    context = server_context(pki.good)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(pki.root.file)
    barrier = threading.Barrier(2)

    def answer(request):
        barrier.wait(5)
        return response(request.target.encode())
    with Interceptor(pki) as proxy, TlsOrigin(pki.good, answer, context=context) as origin:
        bodies = []

        def visit(path):
            with proxy.secure(origin, client_context(pki.root.file)) as client:
                bodies.append((path, client.get(path).body))
        threads = [threading.Thread(target=visit, args=(path,)) for path in ("/a", "/b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert sorted(bodies) == [("/a", b"/a"), ("/b", b"/b")]


def test_reset_of_a_passed_tunnel_reaches_the_other_side(pki):
    seen = []

    def script(conn):
        try:
            seen.append(conn.sock.recv(10))
            seen.append(conn.sock.recv(10))
        except ConnectionResetError as reset:
            seen.append(reset)
    with Interceptor(pki) as proxy, Origin(script=script) as origin:
        client = Client(proxy.port)
        client.connect_to(origin.authority)
        client.send(b"x")
        assert wait_until(lambda: seen)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        assert wait_until(lambda: len(seen) == 2)
    assert isinstance(seen[1], ConnectionResetError)
