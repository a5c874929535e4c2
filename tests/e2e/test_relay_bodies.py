"""Bodies: every framing in both directions, re-framed and otherwise untouched."""
import threading

import pytest

from harness import Origin, chunked, response
from harness.client import request_bytes

CHUNKED = "Transfer-Encoding: chunked"


def test_length_delimited_upload_arrives_with_its_length(client, origin):
    client.exchange("POST", origin.url(), body=b"x" * 100000)
    assert origin.last.one("Content-Length") == "100000"
    assert origin.last.body == b"x" * 100000


def test_leading_zeros_of_a_length_are_normalised(client, origin):
    client.exchange("POST", origin.url(), "Content-Length: 0004", body=b"body")
    assert (origin.last.one("Content-Length"), origin.last.body) == ("4", b"body")


def test_chunked_upload_arrives_chunked_with_its_trailers(client, origin):
    client.send(request_bytes("PUT", origin.url(), CHUNKED, "Trailer: X-Sum")
                + chunked(b"one", b"two", b"three", trailers=["X-Sum: 42"]))
    assert client.response().status == 200
    assert (origin.last.framing, origin.last.body) == ("chunked", b"onetwothree")
    assert origin.last.trailers == [("X-Sum", "42")]
    assert not origin.last.has("Content-Length")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_empty_upload_says_length_zero(client, origin, method):
    client.exchange(method, origin.url(), "Content-Length: 0")
    assert origin.last.one("Content-Length") == "0"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_request_without_body_gets_no_framing(client, origin, method):
    client.exchange(method, origin.url())
    assert (origin.last.has("Content-Length"), origin.last.has("Transfer-Encoding")) == (False, False)


@pytest.mark.parametrize("method", ["GET", "DELETE", "QUERY", "SEARCH"])
def test_body_of_an_unusual_method_arrives(client, origin, method):
    client.exchange(method, origin.url(), body=b"select *")
    assert (origin.last.method, origin.last.body) == (method, b"select *")


def test_chunked_answer_reaches_the_client_chunked_with_trailers(client, origin):
    origin.answer = response(chunked(b"abc", b"defg", trailers=["X-Sum: 7", "x-other: 8"]), CHUNKED,
                             "Trailer: X-Sum", length=False)
    answer = client.get(origin.url(), "TE: trailers", "Connection: TE")
    assert (answer.framing, answer.body) == ("chunked", b"abcdefg")
    assert answer.trailers == [("X-Sum", "7"), ("x-other", "8")]
    assert answer.all("Transfer-Encoding") == ["chunked"]


def test_chunk_extensions_and_odd_sizes_are_not_forwarded(client, origin):
    origin.answer = response(b"0003;a=b\r\nabc\r\n1;x\r\nd\r\n000;last=1\r\n\r\n", CHUNKED, length=False)
    answer = client.get(origin.url())
    assert answer.body == b"abcd"
    assert not any(b";" in line or line.startswith(b"00") for line in answer.chunk_lines)


def test_chunk_extensions_of_uploads_are_not_forwarded(client, origin):
    client.send(request_bytes("POST", origin.url(), CHUNKED) + b"03;secret=1\r\nabc\r\n0;x=y\r\n\r\n")
    assert client.response().status == 200
    assert origin.last.body == b"abc"
    assert not any(b";" in line for line in origin.last.chunk_lines)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 4095, 65535, 65536, 65537, 1000003])
def test_body_of_any_size_survives_both_framings(client, origin, size):
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    origin.answer = lambda request: response(request.body) if request.target == "/length" else response(
        chunked(*([body] if body else [])), CHUNKED, length=False)
    assert client.exchange("POST", origin.url("/length"), f"Content-Length: {size}", body=body).body == body
    assert client.get(origin.url("/chunked")).body == body


def test_many_tiny_chunks_survive(client, origin):
    parts = [b"%d" % (n % 10) for n in range(5000)]
    origin.answer = response(chunked(*parts), CHUNKED, length=False)
    assert client.get(origin.url()).body == b"".join(parts)
    assert client.get(origin.url()).body == b"".join(parts)


def test_close_delimited_answer_becomes_chunked(client):
    with Origin(script=lambda conn: (conn.read_request(),
                                     conn.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"))) as origin:
        answer = client.get(origin.url())
        assert (answer.framing, answer.body) == ("chunked", b"until the end")
        assert client.get(origin.url()).body == b"until the end"


def test_body_is_streamed_and_not_gathered(client):
    first_seen = threading.Event()
    def slow(conn):
        conn.read_request()
        conn.send(response(b"7\r\nevent 1\r\n", "Content-Type: text/event-stream", CHUNKED, length=False))
        assert first_seen.wait(4)
        conn.send(b"7\r\nevent 2\r\n0\r\n\r\n")
    with Origin(script=slow) as origin:
        client.request("GET", origin.url())
        client.read_head()
        assert b"event 1" in client.read_exactly(12)
        first_seen.set()
        assert b"event 2" in client.read_exactly(12)


def test_upload_is_streamed_and_not_gathered(client):
    arrived = []

    def collect(conn):
        conn.read_head_only()
        arrived.append(conn.source.exactly(5))
        conn.send(response(b"early enough"))
    with Origin(script=collect) as origin:
        client.send(request_bytes("POST", origin.url(), "Content-Length: 10") + b"first")
        assert client.response().body == b"early enough"
        assert arrived == [b"first"]


def bodyless_answers():
    lying = "Content-Length: 5"
    yield "head-with-length", "HEAD", response(b"", lying, length=False)
    yield "head-chunked", "HEAD", response(b"", CHUNKED, length=False)
    yield "head-unframed", "HEAD", response(b"", length=False)
    yield "204-plain", "GET", response(b"", status="204 No Content", length=False)
    yield "204-lying", "GET", response(b"", lying, status="204 No Content", length=False)
    yield "204-chunked", "GET", response(b"", CHUNKED, status="204 No Content", length=False)
    yield "304-plain", "POST", response(b"", status="304 Not Modified", length=False)
    yield "304-lying", "POST", response(b"", lying, status="304 Not Modified", length=False)
    yield "head-404", "HEAD", response(b"", lying, status="404 Not Found", length=False)


@pytest.mark.parametrize("name, method, bytes_", list(bodyless_answers()), ids=lambda value: value
                         if isinstance(value, str) else "")
def test_answer_without_body_does_not_swallow_the_next(client, origin, name, method, bytes_):
    origin.answer = lambda request: bytes_ if request.target == "/none" else response(b"the next")
    answer = client.exchange(method, origin.url("/none"))
    assert (answer.status, answer.body) == (int(bytes_[9:12]), b"")
    assert client.get(origin.url("/next")).body == b"the next"
    assert len(origin.connections) == 1


def test_head_keeps_the_length_that_get_would_have(client, origin):
    origin.answer = response(b"", "Content-Length: 12345", length=False)
    assert client.exchange("HEAD", origin.url()).one("Content-Length") == "12345"


def test_no_content_carries_no_framing(client, origin):
    origin.answer = response(b"", "Content-Length: 5", status="204 No Content", length=False)
    answer = client.get(origin.url())
    assert (answer.has("Content-Length"), answer.has("Transfer-Encoding")) == (False, False)


def test_body_bytes_are_logged_in_both_directions(proxy, client, origin):
    origin.answer = response(chunked(b"x" * 500, b"y" * 500), CHUNKED, length=False)
    client.exchange("POST", origin.url("/counted"), body=b"z" * 300)
    record = proxy.record(origin.url("/counted"))
    assert (record["http.request.body.bytes"], record["http.response.body.bytes"]) == (300, 1000)
