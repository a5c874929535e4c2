"""Origins that say more than they were asked: what is too much is for nobody, and is told once."""
import re
import subprocess
import time

import pytest

from harness import Client, Freshet, Origin, chunked, response
from harness.client import request_bytes
from harness.http1 import Incomplete
from harness.origin import wait_until
from harness.proxy import ROOT, sanitized
from test_malloc import PLAIN
from test_regressions import standing_still

STRANGER = response(b"STRANGER", "X-Stranger: 1")
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
MINE = response(b"mine")
MINE_CHUNKED = response(chunked(b"mine", trailers=["X-End: 1"]), "Transfer-Encoding: chunked", length=False)

# What the origin says to one request, all at once: method, bytes, the status that the client gets.
TOO_MUCH = {
    "second-answer": ("GET", MINE + STRANGER, 200),
    "second-answer-behind-chunks": ("GET", MINE_CHUNKED + STRANGER, 200),
    "second-answer-behind-an-empty-body": ("GET", response() + STRANGER, 200),
    "the-same-answer-twice": ("GET", MINE + MINE, 200),
    "half-a-head": ("GET", MINE + b"HTTP/1.1 200 OK\r\nX-Stranger: 1", 200),
    "one-byte": ("GET", MINE + b"H", 200),
    "no-http": ("GET", MINE + b"\0\1\2\r\n\r\n", 200),
    "interim-behind-the-answer": ("GET", MINE + HINT, 200),
    "chunks-behind-a-length": ("GET", MINE + chunked(b"STRANGER"), 200),
    "bytes-behind-the-last-chunk": ("GET", MINE_CHUNKED + b"8\r\nSTRANGER\r\n0\r\n\r\n", 200),
    "body-to-head": ("HEAD", response(b"STRANGER"), 200),
    "chunks-to-head": ("HEAD", MINE_CHUNKED, 200),
    "body-with-204": ("GET", response(b"STRANGER", status="204 No Content", length=False), 204),
    "body-with-304": ("GET", response(b"STRANGER", status="304 Not Modified"), 304),
    "second-answer-to-a-post": ("POST", MINE + STRANGER, 200),
}
# What cannot be used at all: bytes, and what is in the log about it.
UNUSABLE = {
    "flood-of-interim": (HINT * 30 + MINE, "too many 1xx responses"),
    "endless-interim": (HINT * 3000, "too many 1xx responses"),
    "switching-unasked": (SWITCHING + STRANGER, "the origin switched protocols unasked"),
}


def once(first):
    """The first connection answers one request with these bytes; all others answer with the target."""
    def script(conn):
        if conn.index == 0:
            conn.read_request()
            conn.send(first)
            conn.source.rest()
            return
        while (request := conn.read_request()) is not None:
            conn.send(response(request.target.encode()))
    return script


def lines_about(proxy, origin):
    return [line for line in proxy.stderr().splitlines() if f"origin {origin.authority}:" in line]


def assert_next_is_served(proxy, client, origin):
    """The first connection is closed; who asks next is answered on another."""
    for asker in (client, Client(proxy.port)):
        answer = asker.get(origin.url("/next"))
        assert (answer.status, answer.body) == (200, b"/next")
        assert not answer.has("X-Stranger")
    asker.close()
    assert origin.connections[0].closed.wait(2)
    assert len(origin.connections[0].requests) == 1


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_comes_behind_an_answer_is_for_nobody(proxy, client, name):
    method, sent, status = TOO_MUCH[name]
    with Origin(script=once(sent)) as origin:
        answer = client.exchange(method, origin.url("/first"))
        assert answer.status == status
        assert answer.body == (b"mine" if method != "HEAD" and b"mine" in sent else b"")
        assert_next_is_served(proxy, client, origin)
        record = proxy.record(origin.url("/first"))
        assert (record["freshet.error"], record["freshet.truncated"]) == (
            "the origin sent bytes behind its answer", False)
        assert len(lines_about(proxy, origin)) == 1
        assert not proxy.record(origin.url("/next")).get("freshet.error")


@pytest.mark.parametrize("name", UNUSABLE)
def test_answer_that_never_comes_to_the_point_is_a_bad_gateway(proxy, client, name):
    sent, reason = UNUSABLE[name]
    with Origin(script=once(sent)) as origin:
        answer = client.get(origin.url("/first"))
        assert (answer.status, len(answer.interim) <= 16) == (502, True)
        assert "error=http_protocol_error" in answer.one("Proxy-Status").replace(" ", "")
        assert_next_is_served(proxy, client, origin)
        assert proxy.record(origin.url("/first"))["freshet.error"] == reason


@pytest.mark.parametrize("first", ["origin", "client"])
def test_answer_that_waits_when_a_request_comes_is_not_its_answer(first):
    """Both were there before the proxy looked, whichever came first."""
    with Origin(lambda request: response(request.target.encode())) as origin, Freshet(pool_distrust="0ms") as proxy:
        for number in range(20):
            with proxy.client() as one, proxy.client() as other:
                assert one.get(origin.url("/one")).body == b"/one"
                with standing_still(proxy):
                    if first == "client":
                        other.request("GET", origin.url(f"/{number}"))
                    origin.connections[-1].send(STRANGER)
                    if first == "origin":
                        other.request("GET", origin.url(f"/{number}"))
                assert other.response().body == b"/%d" % number
        assert len(origin.connections) == 21


def test_answer_before_the_first_request_does_not_shift_the_others(proxy, client):
    def eager(conn):
        if conn.index == 0:
            conn.send(response(b"eager"))
        while (request := conn.read_request()) is not None:
            conn.send(response(request.target.encode()))
    with Origin(script=eager) as origin:
        assert client.get(origin.url("/one")).body == b"eager"
        assert origin.connections[0].closed.wait(2), "its own answer came behind, and nobody asked for that"
        with Client(proxy.port) as other:
            assert other.get(origin.url("/two")).body == b"/two"
        assert len(lines_about(proxy, origin)) == 1


# -- distrust --

def offend(conn):
    """The first connection speaks unasked, the others are faultless."""
    while (request := conn.read_request()) is not None:
        conn.send(response(request.target.encode()) + (STRANGER if conn.index == 0 else b""))


def test_origin_that_spoke_unasked_is_given_one_request_per_connection(proxy, client):
    with Origin(script=offend) as origin:
        for number in range(6):
            assert client.get(origin.url(f"/{number}")).body == b"/%d" % number
        assert [len(conn.requests) for conn in origin.connections] == [1] * 6
        with Origin() as another:
            for _ in range(3):
                client.get(another.url())
            assert len(another.connections) == 1
        assert len(lines_about(proxy, origin)) == 1


def test_distrust_ends_after_its_time():
    with Origin(script=offend) as origin, Freshet(pool_distrust="300ms") as proxy, proxy.client() as client:
        assert client.get(origin.url("/0")).body == b"/0"
        assert client.get(origin.url("/1")).body == b"/1"
        time.sleep(0.35)
        for number in range(3):
            assert client.get(origin.url(f"/{number}")).body == b"/%d" % number
        assert [len(conn.requests) for conn in origin.connections] == [1, 1, 3]


def test_idle_connections_to_an_origin_that_spoke_unasked_are_closed_too(proxy):
    with Origin(lambda request: response(request.target.encode())) as origin:
        clients = [Client(proxy.port) for _ in range(4)]
        with standing_still(proxy):
            for client in clients:
                client.request("GET", origin.url("/x"))
        for client in clients:
            assert client.response().body == b"/x"
            client.close()
        assert len(origin.connections) == 4
        origin.connections[0].send(STRANGER)
        for conn in origin.connections:
            assert conn.closed.wait(2)
        assert wait_until(lambda: len(lines_about(proxy, origin)) == 1)


def test_many_origins_at_fault_do_not_fill_the_log():
    with Freshet(pool_distrust="0ms") as proxy, proxy.client() as client, Origin(script=once(MINE)) as origin:
        origin.script = lambda conn: (conn.read_request(), conn.send(MINE + STRANGER), conn.source.rest())
        for _ in range(200):
            assert client.get(origin.url()).body == b"mine"
        lines = lines_about(proxy, origin)
        assert 1 <= len(lines) <= 60


# -- 408 --

FAREWELL = response(b"bye", "Connection: close", status="408 Request Timeout")


def test_farewell_on_an_idle_connection_is_no_offence(proxy, client):
    with Origin(lambda request: response(request.target.encode())) as origin:
        assert client.get(origin.url("/a")).body == b"/a"
        origin.connections[0].send(FAREWELL)
        assert origin.connections[0].closed.wait(2)
        for _ in range(3):
            assert client.get(origin.url("/b")).body == b"/b"
        assert (len(origin.connections), lines_about(proxy, origin)) == (2, [])


def test_farewell_that_crosses_a_request_is_not_its_answer(client):
    def script(conn):
        while (request := conn.read_request()) is not None:
            if len(conn.requests) == 2 and conn.index == 0:
                conn.send(FAREWELL)
                return
            conn.send(response(request.target.encode()))
    with Origin(script=script) as origin:
        assert client.get(origin.url("/a")).body == b"/a"
        assert client.get(origin.url("/b")).body == b"/b"
        assert len(origin.connections) == 2


def test_timeout_that_a_new_connection_answers_with_is_passed_on(client):
    with Origin(FAREWELL) as origin:
        assert client.get(origin.url()).status == 408


# -- answers that were under way before the request arrived --

@pytest.fixture(scope="module")
def far_away(tmp_path_factory):
    """A proxy whose peers seem far away as long as .far exists."""
    folder = tmp_path_factory.mktemp("unconfirmed")
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", folder / "unconfirmed.so",
                    ROOT / "tests" / "e2e" / "preload" / "unconfirmed.c"], check=True)
    environment = {"LD_PRELOAD": str(folder / "unconfirmed.so"), "UNCONFIRMED_FILE": str(folder / "far")}
    with Freshet(binary=PLAIN if sanitized() else None, env=environment) as running:
        running.far = folder / "far"
        yield running


@pytest.fixture
def far(far_away):
    far_away.far.unlink(missing_ok=True)
    yield far_away
    far_away.far.unlink(missing_ok=True)


def named(request):
    return response(request.target.encode() or b"?")


def test_answer_sent_before_the_request_arrived_is_not_its_answer(far):
    with Origin(named) as origin, far.client() as client:
        assert client.get(origin.url("/a")).body == b"/a"
        far.far.touch()
        assert client.get(origin.url("/b")).body == b"/b"
        assert [[request.target for request in conn.requests] for conn in origin.connections] == [
            ["/a", "/b"], ["/b"]]
        assert len(lines_about(far, origin)) == 1


def test_answer_sent_before_a_post_arrived_is_a_bad_gateway(far):
    with Origin(named) as origin, far.client() as client:
        assert client.get(origin.url("/a")).body == b"/a"
        far.far.touch()
        answer = client.exchange("POST", origin.url("/b"), body=b"order")
        assert answer.status == 502
        assert "error=http_protocol_error" in answer.one("Proxy-Status").replace(" ", "")
        assert [request.target for request in origin.requests] == ["/a", "/b"]


def test_connection_that_answered_before_its_first_request_is_used_once(far):
    with Origin(named) as origin, far.client() as client:
        far.far.touch()
        for number in range(3):
            assert client.get(origin.url(f"/{number}")).body == b"/%d" % number
        assert [len(conn.requests) for conn in origin.connections] == [1, 1, 1]


def test_early_answer_to_an_upload_is_taken(proxy):
    """Its head was confirmed, even if most of the body never is."""
    refusal = response(b"enough", status="413 Content Too Large")

    def refuse(conn):
        if conn.index == 0:
            conn.read_request()
            conn.send(response(b"warm"))
        conn.read_head_only()
        conn.send(refusal)
        conn.source.rest()
    with Origin(script=refuse) as origin, Client(proxy.port) as client:
        assert client.get(origin.url()).body == b"warm"
        client.send(request_bytes("PUT", origin.url(), "Content-Length: 10000000") + b"x" * 60000)
        try:
            assert client.response().status == 413
        except Incomplete:
            pytest.fail("no answer")
        assert re.search("unasked|before it was asked", "".join(lines_about(proxy, origin))) is None
