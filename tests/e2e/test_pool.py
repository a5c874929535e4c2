"""The pool of origin connections: reuse, repeat on a stale one, poisoning, limits, timeouts."""
import threading
import time

import pytest

from harness import Client, Freshet, Origin, response
from harness.client import request_bytes
from harness.origin import wait_until


def stale_after_first(answer=response(b"fresh")):
    """First connection: answers once, then reads the next request and closes without a word."""
    def script(conn):
        if conn.index == 0:
            conn.read_request()
            conn.send(response(b"first"))
            conn.read_request()
            return
        while conn.read_request() is not None:
            conn.send(answer)
    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"])
def test_idempotent_request_on_a_stale_connection_is_repeated_once(client, method):
    with Origin(script=stale_after_first()) as origin:
        assert client.get(origin.url()).body == b"first"
        answer = client.exchange(method, origin.url("/again"))
        assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"fresh")
        assert [len(conn.requests) for conn in origin.connections] == [2, 1]
        assert [request.target for request in origin.requests] == ["/", "/again", "/again"]


def test_repeated_request_is_the_same_to_the_byte(client):
    with Origin(script=stale_after_first()) as origin:
        client.get(origin.url())
        client.get(origin.url("/again"), "X-A: 1", "Cookie: a=b")
        assert origin.requests[1].head == origin.requests[2].head


@pytest.mark.parametrize("method, body", [("POST", b"order"), ("POST", b""), ("PATCH", b"x")])
def test_post_on_a_stale_connection_is_never_repeated(client, method, body):
    with Origin(script=stale_after_first()) as origin:
        client.get(origin.url())
        answer = client.exchange(method, origin.url("/order"), f"Content-Length: {len(body)}", body=body)
        assert answer.status == 502
        assert [request.method for request in origin.requests].count(method) == 1
        assert client.get(origin.url("/next")).body == b"fresh"


def test_large_put_on_a_stale_connection_is_not_half_repeated(client):
    with Origin(script=stale_after_first()) as origin:
        client.get(origin.url())
        body = b"p" * 3_000_000
        answer = client.exchange("PUT", origin.url("/big"), body=body)
        assert answer.status in (200, 502)
        complete = [request.body for request in origin.requests if request.method == "PUT" and request.body]
        assert all(got == body for got in complete)


def test_fresh_connection_that_dies_is_not_tried_again(client):
    with Origin(script=lambda conn: conn.read_request()) as origin:
        assert client.get(origin.url()).status == 502
        assert len(origin.requests) == 1


def test_repeat_happens_at_most_once(client):
    def dies(conn):
        conn.read_request()
        if conn.index == 0:
            conn.send(response(b"first"))
            conn.read_request()
    with Origin(script=dies) as origin:
        client.get(origin.url())
        assert client.get(origin.url("/again")).status == 502
        assert len(origin.requests) == 3


def test_connection_that_died_after_the_first_answer_byte_is_not_repeated(client):
    def partial(conn):
        conn.read_request()
        if conn.index == 0:
            conn.send(response(b"first"))
            conn.read_request()
        conn.send(b"HTTP/1.1 200 O")
    with Origin(script=partial) as origin:
        client.get(origin.url())
        assert client.get(origin.url("/again")).status == 502
        assert len(origin.requests) == 2


def test_idle_connection_closed_by_the_origin_is_noticed_before_a_post(client):
    with Origin(script=lambda conn: (conn.read_request(), conn.send(response(b"one")))) as origin:
        for _ in range(3):
            assert client.exchange("POST", origin.url(), body=b"x").body == b"one"
            assert origin.connections[-1].closed.wait(2)
            time.sleep(0.05)
        assert len(origin.requests) == 3


def test_extra_bytes_behind_an_answer_poison_the_connection(client):
    evil = response(b"evil", "X-Evil: 1")

    def smuggle(conn):
        while conn.read_request() is not None:
            conn.send(response(b"good") + (evil if conn.index == 0 else b""))
    with Origin(script=smuggle) as origin:
        assert client.get(origin.url()).body == b"good"
        assert client.get(origin.url()).body == b"good"
        assert len(origin.connections) == 2


def test_bytes_on_an_idle_pooled_connection_poison_it(client):
    def late(conn):
        while conn.read_request() is not None:
            conn.send(response(b"good"))
            if conn.index == 0:
                time.sleep(0.1)
                conn.send(response(b"evil"))
    with Origin(script=late) as origin:
        assert client.get(origin.url()).body == b"good"
        assert origin.connections[0].closed.wait(4)
        assert client.get(origin.url()).body == b"good"
        assert len(origin.connections) == 2


def test_bytes_behind_a_head_answer_poison_the_connection(client):
    def lying(conn):
        while (request := conn.read_request()) is not None:
            conn.send(response(b"hello"))
    with Origin(script=lying) as origin:
        assert client.exchange("HEAD", origin.url()).status == 200
        assert client.get(origin.url()).body == b"hello"
        assert len(origin.connections) == 2


@pytest.mark.parametrize("close", ["Connection: close", "connection: foo, CLOSE", "Connection: Close"])
def test_origin_that_says_close_is_not_reused(client, close):
    def keeps_open(conn):
        while conn.read_request() is not None:
            conn.send(response(b"x", close))
    with Origin(script=keeps_open) as origin:
        for _ in range(3):
            assert client.get(origin.url()).body == b"x"
        assert [len(conn.requests) for conn in origin.connections] == [1, 1, 1]


def test_close_of_the_origin_does_not_close_the_client(client, origin):
    origin.answer = response(b"x", "Connection: close")
    assert [client.get(origin.url()).body for _ in range(3)] == [b"x"] * 3


def test_pool_keeps_origins_apart_by_port(client):
    with Origin(response(b"a")) as one, Origin(response(b"b")) as two:
        for _ in range(3):
            assert (client.get(one.url()).body, client.get(two.url()).body) == (b"a", b"b")
        assert (len(one.connections), len(two.connections)) == (1, 1)


def in_parallel(proxy, origin, count):
    """count exchanges at once, each on its own client; returns the bodies."""
    clients = [Client(proxy.port, timeout_s=8) for _ in range(count)]
    for number, client in enumerate(clients):
        client.request("GET", origin.url(f"/{number}"))
    bodies = [client.response().body for client in clients]
    for client in clients:
        client.close()
    return bodies


def slow_echo(delay_s):
    def answer(request):
        time.sleep(delay_s)
        return response(request.target.encode())
    return answer


def test_parallel_exchanges_get_connections_of_their_own(proxy, origin):
    origin.answer = slow_echo(0.2)
    assert in_parallel(proxy, origin, 20) == [b"/%d" % n for n in range(20)]
    assert len(origin.connections) > 10


def test_pool_keeps_no_more_idle_connections_than_allowed(origin):
    origin.answer = slow_echo(0.2)
    with Freshet(pool_idle=3) as proxy:
        in_parallel(proxy, origin, 12)
        still_open = [conn for conn in origin.connections if not conn.closed.wait(0.1)]
        assert len(still_open) <= 3
        assert in_parallel(proxy, origin, 3) == [b"/0", b"/1", b"/2"]


def test_pooled_connections_are_closed_when_the_proxy_stops(origin):
    with Freshet() as proxy, proxy.client() as client:
        client.get(origin.url())
    assert origin.connections[0].closed.wait(2)


def test_requests_of_two_clients_never_share_a_busy_connection(proxy):
    release = threading.Event()

    def hold(request):
        if request.target == "/slow":
            release.wait(3)
        return response(request.target.encode())
    with Origin(hold) as origin, Client(proxy.port) as slow, Client(proxy.port) as quick:
        slow.request("GET", origin.url("/slow"))
        assert origin.wait_for_requests(1)
        assert quick.get(origin.url("/quick")).body == b"/quick"
        release.set()
        assert slow.response().body == b"/slow"
        assert len(origin.connections) == 2


def test_client_that_leaves_early_does_not_poison_the_next(proxy):
    def half(conn):
        while conn.read_request() is not None:
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
            time.sleep(0.2)
            conn.send(b"def")
    with Origin(script=half) as origin:
        with Client(proxy.port) as leaver:
            leaver.send(request_bytes("GET", origin.url("/left")))
            leaver.read_head()
        with Client(proxy.port) as next_one:
            assert next_one.get(origin.url("/next")).body == b"abcdef"
        assert wait_until(lambda: len(origin.requests) == 2)
