"""Interim answers, Expect, Upgrade and answers that come before the upload is over."""
import threading

import pytest

from harness import Client, Origin, response
from harness.client import request_bytes

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WEBSOCKET = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
             "Sec-WebSocket-Version: 13"]
SWITCHING = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def test_continue_is_forwarded_before_the_upload_starts(client):
    def ask_for_it(conn):
        assert b"Expect: 100-continue" in conn.read_head_only()
        conn.send(CONTINUE)
        conn.send(response(conn.source.exactly(6)))
    with Origin(script=ask_for_it) as origin:
        client.request("POST", origin.url(), "Expect: 100-continue", "Content-Length: 6")
        assert client.read_head().startswith(b"HTTP/1.1 100 ")
        client.send(b"upload")
        assert client.response().body == b"upload"


def test_refused_expectation_reaches_the_client_without_upload(client):
    refusal = response(b"too big", status="413 Content Too Large")
    with Origin(script=lambda conn: (conn.read_head_only(), conn.send(refusal), conn.source.rest())) as origin:
        client.request("POST", origin.url(), "Expect: 100-continue", "Content-Length: 6")
        answer = client.response()
        assert (answer.status, answer.body, answer.interim) == (413, b"too big", [])


def test_client_that_does_not_wait_for_continue_is_served(client):
    with Origin(script=lambda conn: (conn.read_request(), conn.send(CONTINUE + response(b"both")))) as origin:
        client.request("POST", origin.url(), "Expect: 100-continue", body=b"at once")
        answer = client.response()
        assert answer.body == b"both"
        assert origin.last.body == b"at once"


def test_early_hints_are_forwarded_with_their_fields(client, origin):
    origin.answer = (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                     b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>; rel=preload\r\n\r\n") + response(b"page")
    answer = client.get(origin.url())
    assert [interim.status for interim in answer.interim] == [103, 103]
    assert [interim.one("Link") for interim in answer.interim] == ["</a.css>; rel=preload",
                                                                   "</b.css>; rel=preload"]
    assert answer.body == b"page"


def test_early_hints_arrive_before_the_final_answer(client):
    hint_seen = threading.Event()
    def hint(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        assert hint_seen.wait(4)
        conn.send(response(b"late"))
    with Origin(script=hint) as origin:
        client.request("GET", origin.url())
        assert client.read_head().startswith(b"HTTP/1.1 103 ")
        hint_seen.set()
        assert client.response().body == b"late"


def test_websocket_is_tunnelled_both_ways(client):
    def talk(conn):
        conn.read_request()
        conn.send(SWITCHING)
        conn.send(conn.source.exactly(4).upper())
        conn.send(conn.source.exactly(4).upper())
    with Origin(script=talk) as origin:
        client.request("GET", origin.url("/ws"), *WEBSOCKET)
        answer = client.response()
        assert (answer.status, answer.one("Upgrade").lower()) == (101, "websocket")
        assert "upgrade" in answer.one("Connection").lower()
        assert answer.one("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        client.send(b"ping")
        assert client.read_exactly(4) == b"PING"
        client.send(b"pong")
        assert client.read_exactly(4) == b"PONG"
        assert client.closed_by_peer()
        assert origin.last.one("Upgrade").lower() == "websocket"
        assert "upgrade" in origin.last.one("Connection").lower()


def test_websocket_bytes_right_behind_both_heads_are_not_lost(client):
    def talk(conn):
        conn.read_request()
        conn.send(SWITCHING + b"server speaks first")
        conn.send(conn.source.exactly(5))
    with Origin(script=talk) as origin:
        client.send(request_bytes("GET", origin.url("/ws"), *WEBSOCKET) + b"early")
        assert client.response().status == 101
        assert client.read_exactly(19 + 5) == b"server speaks firstearly"


def test_refused_websocket_leaves_the_connection_usable(client, origin):
    origin.answer = response(b"no", status="403 Forbidden")
    assert client.get(origin.url("/ws"), *WEBSOCKET).status == 403
    origin.answer = response(b"yes")
    assert client.get(origin.url("/page")).body == b"yes"


def test_websocket_half_close_reaches_the_origin_and_its_answer_the_client(client):
    def talk(conn):
        conn.read_request()
        conn.send(SWITCHING)
        conn.send(b"got " + conn.source.rest())
    with Origin(script=talk) as origin:
        client.request("GET", origin.url("/ws"), *WEBSOCKET)
        assert client.response().status == 101
        client.send(b"all")
        client.half_close()
        assert client.read_to_end() == b"got all"


@pytest.mark.parametrize("method, upgrade",
                         [("GET", "h2c"), ("GET", "TLS/1.0"), ("POST", "websocket"), ("GET", "h2c, foo")])
def test_other_upgrades_are_stripped(client, origin, method, upgrade):
    answer = client.exchange(method, origin.url(), "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}",
                             "HTTP2-Settings: AAMAAABkAAQAAP__", "Content-Length: 0")
    assert answer.status == 200
    assert not origin.last.has("Upgrade")
    assert not origin.last.has("HTTP2-Settings")
    assert all("upgrade" not in value.lower() for value in origin.last.all("Connection"))


def test_switching_without_being_asked_is_not_a_tunnel(client, origin):
    origin.answer = SWITCHING
    client.request("GET", origin.url())
    assert client.response().status == 502


def test_early_final_answer_during_an_upload_reaches_the_client(client):
    refusal = response(b"enough", "Connection: close", status="413 Content Too Large")

    def refuse(conn):
        conn.read_head_only()
        conn.source.exactly(1000)
        conn.send(refusal)
        conn.half_close()
        conn.source.rest()
    with Origin(script=refuse) as origin:
        client.send(request_bytes("POST", origin.url(), "Content-Length: 100000000") + b"x" * 1000)
        answer = client.response()
        assert (answer.status, answer.body) == (413, b"enough")


def test_early_answer_reaches_a_client_that_keeps_uploading(proxy):
    refusal = response(b"enough", status="413 Content Too Large")

    def refuse(conn):
        conn.read_head_only()
        conn.send(refusal)
        conn.source.exactly(100)

    def upload(client):
        try:
            for _ in range(2000):
                client.send(b"x" * 10000)
        except OSError:
            pass
    with Origin(script=refuse) as origin, Client(proxy.port) as client:
        client.send(request_bytes("POST", origin.url("/up"), "Content-Length: 20000000"))
        sender = threading.Thread(target=upload, args=(client,), daemon=True)
        sender.start()
        assert client.response().status == 413
        client.read_to_end()
        sender.join(5)
        assert not sender.is_alive()
        assert proxy.record(origin.url("/up"))["http.response.status_code"] == 413


def test_connection_with_an_unfinished_upload_is_not_pooled(client, proxy):
    with Origin(script=lambda conn: (conn.read_head_only(), conn.send(response(b"early")),
                                     conn.source.rest())) as origin:
        client.send(request_bytes("POST", origin.url(), "Content-Length: 50") + b"x" * 10)
        assert client.response().body == b"early"
        with Client(proxy.port) as other:
            other.request("GET", origin.url("/second"))
            assert other.response().body == b"early"
        assert len(origin.connections) == 2
