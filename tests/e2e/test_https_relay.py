"""Inside of an intercepted tunnel everything works as over plain http."""
import hashlib
import random
import ssl
import threading
import time

import pytest

from harness import chunked, response
from harness.https import intercepting_proxy, tls_origin  # noqa: F401 (fixtures)
from harness.origin import shut, wait_until
from harness.proxy import sanitized
from harness.tls import Interceptor, TlsOrigin
from harness.triple import assert_exactly_the_triple

# What the proxy may grow by while a body of any size passes.
GROWTH_KIB = 32768 if sanitized() else 2048



def test_seed_triple_goes_both_ways(proxy, origin):
    origin.answer = response(b"seed", "Cache-Control: private, max-age=3600", "Expires: Thu, 01 Jan 2037 00:00:00 GMT")
    answer = proxy.get(origin, "/seed", "Cache-Control: max-stale=600", "If-None-Match: x")
    assert (answer.status, answer.body) == (200, b"seed")
    assert_exactly_the_triple(answer)
    assert_exactly_the_triple(origin.last)
    assert not origin.last.has("If-None-Match")


def test_client_and_origin_see_the_certificates_name_and_http_1_1(proxy, origin):
    with proxy.secure(origin) as client:
        client.get("/")
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert ("DNS", "localhost") in client.sock.getpeercert()["subjectAltName"]
    assert origin.handshakes[-1]["server_name"] == "localhost"
    assert origin.handshakes[-1]["alpn"] == "http/1.1"


def test_record_has_the_https_url_and_tls_version(proxy, origin):
    proxy.get(origin, "/recorded?a=b")
    record = proxy.record("/recorded")
    assert record["url.original"] == origin.url("/recorded?a=b")
    assert (record["freshet.busted"], record["tls.version"]) == (True, "TLSv1.3")
    tunnel = proxy.records(2, origin.authority)[0]
    assert tunnel["url.original"] == origin.authority
    assert tunnel["freshet.intercepted"] is True


def test_connections_are_kept_alive_and_pooled(proxy, origin):
    with proxy.secure(origin) as client:
        for _ in range(5):
            assert client.get("/").body == b"hello"
    with proxy.secure(origin) as client:
        assert client.get("/").body == b"hello"
    assert len(origin.connections) == 1


def test_pipelined_requests_are_answered_in_order(proxy, origin):
    origin.answer = lambda request: response(request.target.encode())
    with proxy.secure(origin) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: x.localhost\r\n\r\n".replace(b"x.localhost",
                    origin.authority.encode()) % i for i in range(20)))
        assert [client.response().body for _ in range(20)] == [b"/%d" % i for i in range(20)]


def test_chunks_and_trailers_pass_both_ways(proxy, origin):
    origin.answer = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n" +
                     chunked(b"one", b"two", trailers=["X-End: yes"]))
    with proxy.secure(origin) as client:
        answer = client.exchange("POST", "/", "Transfer-Encoding: chunked", "TE: trailers",
                                 body=chunked(b"up", b"load", trailers=["X-Sum: 1"]))
    assert (answer.body, answer.trailer("X-End")) == (b"onetwo", ["yes"])
    assert (origin.last.body, origin.last.trailer("X-Sum")) == (b"upload", ["1"])


@pytest.mark.parametrize("method, status", [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")])
def test_answers_without_body_leave_the_connection_usable(proxy, origin, method, status):
    length = "Content-Length: 9\r\n" if method == "HEAD" else ""
    bare = f"HTTP/1.1 {status}\r\n{length}\r\n".encode()
    origin.answer = lambda request: response(b"next") if request.target == "/next" else bare
    with proxy.secure(origin) as client:
        assert client.exchange(method, "/").status == int(status[:3])
        assert client.get("/next").body == b"next"


def test_upload_waits_for_100_continue_and_gets_it(proxy, pki):
    def script(conn):
        conn.read_head_only()
        conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert conn.source.exactly(5) == b"photo"
        conn.send(response(b"got it"))
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin) as client:
        client.request("PUT", "/", "Expect: 100-continue", "Content-Length: 5")
        assert b"100 Continue" in client.read_head()
        client.send(b"photo")
        assert client.response().body == b"got it"


def test_early_answer_to_an_upload_reaches_the_client(proxy, pki):
    def script(conn):
        conn.read_head_only()
        conn.send(response(b"too large", "Connection: close", status="413 Content Too Large"))
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin) as client:
        client.request("POST", "/", "Content-Length: 100000")
        client.send(bytes(1000))
        assert client.response().status == 413


WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
             "Sec-WebSocket-Version: 13")
SWITCHED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: x\r\n\r\n")


def test_websocket_bytes_pass_both_ways_and_its_ends_too(proxy, pki):
    def script(conn):
        conn.read_head_only()
        conn.send(SWITCHED + b"first")
        while data := conn.sock.recv(1000):
            conn.send(data.upper())
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin) as client:
        client.request("GET", "/", *WEBSOCKET)
        assert b" 101 " in client.read_head()
        assert client.read_exactly(5) == b"first"
        client.send(b"ping")
        assert client.read_exactly(4) == b"PING"


def test_last_words_of_a_websocket_survive_an_end_without_close_notify(proxy, pki):
    body = bytes(range(256)) * 4096

    def script(conn):
        conn.read_head_only()
        conn.send(SWITCHED + body)
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin, receive_buffer=8192) as client:
        client.request("GET", "/", *WEBSOCKET)
        assert b" 101 " in client.read_head()
        assert client.read_exactly(len(body)) == body
        with pytest.raises(ssl.SSLError, match="UNEXPECTED_EOF"):  # and the end is passed on as it came
            client.read_exactly(1)


def test_events_of_a_stream_arrive_one_by_one(proxy, pki):
    asked = threading.Semaphore(0)

    def script(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for i in range(5):
            assert asked.acquire(timeout=5)
            conn.send(b"data: %d\n\n" % i)
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin) as client:
        client.request("GET", "/")
        client.read_head()
        for i in range(5):
            asked.release()
            assert b"data: %d" % i in client.source.until(b"\n\n")


class Hashing:
    """Bytes that can be checked at the other end without being kept."""

    def __init__(self, seed):
        self.block = random.Random(seed).randbytes(1 << 20)
        self.hash = hashlib.sha256()

    def blocks(self, count):
        for i in range(count):
            block = self.block[i:] + self.block[:i]
            self.hash.update(block)
            yield block


def receive(sock, source, total):
    """The digest of the next `total` bytes."""
    digest = hashlib.sha256(source.buffer[:total])
    have = len(source.buffer)
    while have < total:
        data = sock.recv(1 << 16)
        assert data, f"ended after {have} of {total} bytes"
        digest.update(data)
        have += len(data)
    source.buffer = b""
    return digest.digest()


BULK_MIB = 32


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_large_download_arrives_intact_in_little_memory(proxy, pki, framing):
    sent = Hashing(1)

    def script(conn):
        conn.read_request()
        if framing == "length":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BULK_MIB << 20))
        else:
            conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for block in sent.blocks(BULK_MIB):
            conn.send(block)
        conn.sock.unwrap()
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin, timeout_s=20) as client:
        before = proxy.settled_memory_kib()
        client.request("GET", "/", version="HTTP/1.1" if framing == "length" else "HTTP/1.0")
        client.read_head()
        assert receive(client.sock, client.source, BULK_MIB << 20) == sent.hash.digest()
        assert proxy.memory_kib() - before < GROWTH_KIB


def test_large_upload_arrives_intact_in_little_memory(proxy, pki):
    sent = Hashing(2)

    def script(conn):
        conn.read_head_only()
        digest = receive(conn.sock, conn.source, BULK_MIB << 20)
        conn.send(response(digest))
    with TlsOrigin(pki.good, script=script) as origin, proxy.secure(origin, timeout_s=20) as client:
        before = proxy.settled_memory_kib()
        client.request("PUT", "/", f"Content-Length: {BULK_MIB << 20}")
        for block in sent.blocks(BULK_MIB):
            client.send(block)
        assert client.response().body == sent.hash.digest()
        assert proxy.memory_kib() - before < GROWTH_KIB


def test_client_that_reads_nothing_blocks_the_origin_and_costs_no_memory(proxy, pki):
    total, sent = 100 * (1 << 20), [0]
    block = bytes(65536)

    def script(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent[0] < total:
            conn.send(block)
            sent[0] += len(block)
    with TlsOrigin(pki.good, script=script) as origin, \
            proxy.secure(origin, timeout_s=20, receive_buffer=65536) as client:
        before = proxy.settled_memory_kib()
        client.request("GET", "/")
        assert wait_until(lambda: stalled(sent))
        assert sent[0] < 64 << 20
        assert proxy.memory_kib() - before < GROWTH_KIB
        client.read_head()
        assert receive(client.sock, client.source, total) == hashlib.sha256(bytes(total)).digest()


def stalled(counter):
    before = counter[0]
    time.sleep(0.3)
    return before and counter[0] == before


def test_http_1_0_inside_of_tls_gets_its_answer_and_the_end(proxy, origin):
    origin.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"old", b"style")
    with proxy.secure(origin) as client:
        answer = client.exchange("GET", "/", version="HTTP/1.0")
        assert (answer.body, answer.framing) == (b"oldstyle", "close")  # suppress_ragged_eofs is off: close_notify came


def test_options_asterisk_goes_to_the_origin_as_such(proxy, origin):
    with proxy.secure(origin) as client:
        assert client.exchange("OPTIONS", "*").status == 200
    assert origin.last.start == "OPTIONS * HTTP/1.1"


def test_absolute_target_of_the_same_site_is_fine_inside(proxy, origin):
    with proxy.secure(origin) as client:
        assert client.get(origin.url("/absolute"), f"Host: {origin.authority}").body == b"hello"
    assert origin.last.target == "/absolute"


@pytest.mark.parametrize("target, host", [
    ("/", "other.test"), ("https://other.test/", "localhost"), ("http://localhost/", "localhost"),
    ("/", "localhost:1"),
])
def test_another_site_inside_of_the_tunnel_is_misdirected(proxy, origin, target, host):
    with proxy.secure(origin) as client:
        assert client.get(target, f"Host: {host}").status == 421
    assert not origin.requests


def test_host_without_port_belongs_to_the_tunnel(proxy, origin):
    with proxy.secure(origin) as client:
        assert client.get("/", "Host: localhost").status == 200
    assert origin.last.one("Host") == "localhost"


def test_connect_inside_of_a_tunnel_is_refused(proxy, origin):
    with proxy.secure(origin) as client:
        client.send(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n")
        assert client.response().status == 400


def test_proxy_fields_inside_of_the_tunnel_do_not_reach_the_origin(proxy, origin):
    with proxy.secure(origin) as client:
        client.get("/", "Proxy-Authorization: Basic eDp5", "Proxy-Connection: keep-alive")
    assert not origin.last.has("Proxy-Authorization") and not origin.last.has("Proxy-Connection")


def test_unknown_name_is_a_page_inside_of_tls(proxy):
    with proxy.secure("nowhere.invalid:443") as client:
        answer = client.get("/")
    assert answer.status in (502, 504)
    assert "dns_" in answer.one("Proxy-Status")


def test_refused_connection_is_a_page_inside_of_tls(proxy, pki):
    with TlsOrigin(pki.good) as gone:
        pass
    with proxy.secure(gone) as client:
        answer = client.get("/")
        assert answer.status == 502
        assert "connection_refused" in answer.one("Proxy-Status")
    assert proxy.record(gone.url())["http.response.status_code"] == 502


def test_bad_request_inside_of_tls_is_answered(proxy, origin):
    with proxy.secure(origin) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.response().status == 400


def test_origin_that_closes_idle_connections_is_asked_anew(proxy, origin):
    origin.answer = response(b"x")
    with proxy.secure(origin) as client:
        assert client.get("/1").body == b"x"
        for conn in origin.connections:
            shut(conn.sock)
        assert client.get("/2").body == b"x"


def test_own_pages_are_reached_by_https_too(proxy):
    with proxy.secure("freshet.internal:443") as client:
        assert client.get("/-/ready").status == 200


def test_slow_head_inside_of_tls_is_answered_408(pki, origin):
    with Interceptor(pki, timeout_client_head="300ms") as proxy, proxy.secure(origin) as client:
        client.send(b"GET / HT")
        assert client.response().status == 408
