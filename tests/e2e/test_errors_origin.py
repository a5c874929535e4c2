"""Failures on the origin's side: the right status, Proxy-Status, words for the person, a log line."""
import socket
import time

import pytest

from harness import Client, DnsServer, Freshet, Origin, chunked, response
from harness.dns import SERVFAIL, Name
from harness.http1 import Incomplete


def assert_explained(proxy, answer, status, error, about):
    """The answer is ours, names the failure for machines and for people, and is in the log."""
    assert answer.status == status
    member = answer.one("Proxy-Status")
    assert member.startswith("freshet")
    assert f"error={error}" in member.replace(" ", "")
    assert "no-store" in answer.one("Cache-Control")
    assert len(answer.body) > 20
    record = proxy.record(about)
    assert record["http.response.status_code"] == status
    assert record["freshet.error"]


def closed_port():
    with Origin() as gone:
        return gone.authority


def test_unknown_name_is_a_dns_error():
    with DnsServer() as dns, Freshet(resolver=dns.option) as proxy, proxy.client() as client:
        answer = client.get("http://nonexistent.invalid/page")
        assert_explained(proxy, answer, 502, "dns_error", "nonexistent.invalid")
        assert b"nonexistent.invalid" in answer.body


def test_failing_name_server_is_a_dns_error():
    with DnsServer({"broken.test": Name(rcode=SERVFAIL)}) as dns, Freshet(resolver=dns.option) as proxy:
        with proxy.client(timeout_s=20) as client:
            assert_explained(proxy, client.get("http://broken.test/"), 502, "dns_error", "broken.test")


def test_refused_connection_says_so(proxy, client):
    authority = closed_port()
    answer = client.get(f"http://{authority}/page")
    assert_explained(proxy, answer, 502, "connection_refused", authority)
    assert authority.encode() in answer.body


@pytest.fixture
def full_backlog():
    """A listening port that answers no more SYN: its queue is full and nobody accepts."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    time.sleep(0.05)
    yield listener.getsockname()[1]
    for sock in (*fillers, listener):
        sock.close()


def test_connect_timeout_is_a_gateway_timeout(full_backlog):
    with Freshet(timeout_connect="1s") as proxy, proxy.client() as client:
        started = time.monotonic()
        answer = client.get(f"http://127.0.0.1:{full_backlog}/")
        assert 0.8 < time.monotonic() - started < 3
        assert_explained(proxy, answer, 504, "connection_timeout", str(full_backlog))


def test_origin_that_never_answers_is_a_gateway_timeout():
    with Origin(script=lambda conn: (conn.read_request(), conn.source.rest())) as origin:
        with Freshet(timeout_origin_head="1s") as proxy, proxy.client() as client:
            answer = client.get(origin.url("/slow"))
            assert_explained(proxy, answer, 504, "http_response_timeout", origin.url("/slow"))
            assert origin.connections[0].closed.wait(2)


def test_body_that_stalls_is_shown_as_truncated():
    def stall(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        conn.source.rest()
    with Origin(script=stall) as origin, Freshet(timeout_body="1s") as proxy, proxy.client() as client:
        client.request("GET", origin.url("/stall"))
        with pytest.raises(Incomplete):
            client.response()
        assert proxy.record(origin.url("/stall"))["freshet.truncated"] is True


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_origin_that_leaves_before_its_head_is_a_bad_gateway(proxy, client, ending):
    with Origin(script=lambda conn: (conn.read_request(), getattr(conn, ending)())) as origin:
        answer = client.get(origin.url("/left"))
        assert_explained(proxy, answer, 502, "connection_terminated", origin.url("/left"))


MALFORMED = {
    "not-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "tls-alert": b"\x15\x03\x03\x00\x02\x02\x46" * 4,
    "http-0.9": b"<html>hello</html>\r\n\r\n",
    "status-too-short": b"HTTP/1.1 20 OK\r\n\r\n",
    "status-too-long": b"HTTP/1.1 2000 OK\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "length-list": b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "bare-cr": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "blank-before-colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "no-colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "length-overflow": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "head-too-large": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\nContent-Length: 0\r\n\r\n",
    "too-many-fields": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 300 + b"Content-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_answer_is_a_bad_gateway(proxy, client, name):
    with Origin(script=lambda conn: (conn.read_request(), conn.send(MALFORMED[name]),
                                     conn.source.rest())) as origin:
        answer = client.get(origin.url("/bad"))
        assert answer.status == 502
        assert answer.one("Proxy-Status").startswith("freshet")
        assert "error=http_" in answer.one("Proxy-Status").replace(" ", "")
        assert b"X: 1" not in answer.head
        assert proxy.record(origin.url("/bad"))["freshet.error"]
        assert origin.connections[0].closed.wait(2), "the connection must not be kept"


def test_client_connection_survives_a_bad_gateway(client, origin):
    with Origin(b"garbage\r\n\r\n") as bad:
        assert client.get(bad.url()).status == 502
    assert client.get(origin.url()).body == b"hello"


def test_upload_to_a_refused_origin_keeps_the_client_in_step(client, origin):
    authority = closed_port()
    assert client.exchange("POST", f"http://{authority}/", body=b"GET / HTTP/1.1\r\n\r\n").status == 502
    try:
        assert client.get(origin.url("/next")).body == b"hello"
    except (OSError, Incomplete):
        pass  # closing after an unread body is as good
    assert [request.target for request in origin.requests] in ([], ["/next"])


def truncated(proxy, origin, answer_start):
    with Client(proxy.port) as client:
        client.request("GET", origin.url(answer_start))
        with pytest.raises(Incomplete) as cut:
            client.response()
        assert client.closed_by_peer()
        return cut.value.message


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_truncated_length_delimited_answer_stays_truncated(proxy, ending):
    def cut(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        time.sleep(0.1)
        getattr(conn, ending)()
    with Origin(script=cut) as origin:
        answer = truncated(proxy, origin, "/length")
        assert (answer.status, answer.one("Content-Length"), answer.body) == (200, "100", b"0123456789")
        record = proxy.record(origin.url("/length"))
        assert (record["freshet.truncated"], record["http.response.body.bytes"]) == (True, 10)


@pytest.mark.parametrize("sent", [b"5\r\nhello\r\n", b"5\r\nhello", b"5\r\nhello\r\n0\r\n", b"5\r\nhello\r\n5"])
def test_truncated_chunked_answer_has_no_last_chunk(proxy, sent):
    def cut(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)
    with Origin(script=cut) as origin:
        answer = truncated(proxy, origin, "/chunked")
        assert b"hello".startswith(answer.body)
        assert b"0\r\n" not in answer.chunk_lines
        assert proxy.record(origin.url("/chunked"))["freshet.truncated"] is True


@pytest.mark.parametrize("sent", [b"zz\r\nhello\r\n", b"5\r\nhelloXX0\r\n\r\n", b"-5\r\nhello\r\n",
                                  b"ffffffffffffffffff\r\nhello\r\n"])
def test_malformed_chunk_truncates_the_answer(proxy, sent):
    def cut(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" + sent)
        conn.source.rest()
    with Origin(script=cut) as origin:
        answer = truncated(proxy, origin, "/chunk")
        assert b"0\r\n" not in answer.chunk_lines
        assert origin.connections[0].closed.wait(2)


def test_truncated_answer_to_an_old_client_ends_in_a_reset_or_early_end(proxy):
    def cut(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    with Origin(script=cut) as origin, Client(proxy.port) as client:
        client.send(f"GET {origin.url()} HTTP/1.0\r\n\r\n".encode())
        with pytest.raises((Incomplete, ConnectionResetError)):
            client.response()


def test_whole_answer_is_not_logged_as_truncated(proxy, client, origin):
    origin.answer = response(chunked(b"all"), "Transfer-Encoding: chunked", length=False)
    client.get(origin.url("/whole"))
    record = proxy.record(origin.url("/whole"))
    assert record["freshet.truncated"] is False
    assert not record.get("freshet.error")


@pytest.mark.parametrize("accept, kind", [
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"), ("text/plain", "text/plain"),
    ("*/*", "text/plain"),
    ("application/json", "text/plain"), (None, "text/plain"), ("TEXT/HTML", "text/html")])
def test_error_page_suits_what_the_client_accepts(client, accept, kind):
    fields = [f"Accept: {accept}"] if accept else []
    answer = client.get(f"http://{closed_port()}/", *fields)
    assert answer.one("Content-Type").startswith(kind)
    assert (b"<" in answer.body) == (kind == "text/html")
    assert int(answer.one("Content-Length")) == len(answer.body)


def test_error_page_cannot_be_made_to_carry_markup():
    url = "http://nonexistent.invalid/<script>alert(1)</script>"
    with DnsServer() as dns, Freshet(resolver=dns.option) as proxy, proxy.client() as client:
        answer = client.get(url, "Accept: text/html")
        assert b"<script>alert" not in answer.body


def test_error_answer_to_head_has_no_body(client, origin):
    answer = client.exchange("HEAD", f"http://{closed_port()}/")
    assert answer.status == 502
    assert client.get(origin.url()).body == b"hello"
