"""Limits of the pool: connections per origin, the waiting queue, idle time, lifetime."""
import socket
import threading
import time

import pytest

from harness import Client, DnsServer, Freshet, Origin, response
from harness.dns import Name
from harness.origin import wait_until
from test_pool import in_parallel, slow_echo


def test_no_more_connections_than_allowed_are_opened(origin):
    origin.answer = slow_echo(0.1)
    with Freshet(pool_max=3) as proxy:
        assert in_parallel(proxy, origin, 12) == [b"/%d" % n for n in range(12)]
        assert len(origin.connections) <= 3


def test_time_in_the_queue_is_logged(origin):
    origin.answer = slow_echo(0.3)
    with Freshet(pool_max=1) as proxy:
        in_parallel(proxy, origin, 2)
        waits = sorted(record["freshet.time.queue_us"] for record in proxy.records(2, origin.url()))
        assert waits[0] < 100_000 < 200_000 < waits[1]


@pytest.fixture
def holding():
    """An origin that answers only once told to."""
    release = threading.Event()

    def hold(request):
        release.wait(5)
        return response(request.target.encode())
    with Origin(hold) as listening:
        listening.release = release
        yield listening
        release.set()


def waiting_clients(proxy, origin, count):
    clients = []
    for number in range(count):
        clients.append(Client(proxy.port))
        clients[-1].request("GET", origin.url(f"/{number}"))
        time.sleep(0.02)
    return clients


def test_exchange_beyond_the_queue_is_refused_at_once(holding):
    with Freshet(pool_max=1, pool_queue=2) as proxy:
        clients = waiting_clients(proxy, holding, 4)
        assert clients[3].response().status == 503
        holding.release.set()
        assert [client.response().body for client in clients[:3]] == [b"/0", b"/1", b"/2"]
        for client in clients:
            client.close()


def test_exchange_that_waits_too_long_is_refused(holding):
    with Freshet(pool_max=1, timeout_queue="500ms") as proxy:
        clients = waiting_clients(proxy, holding, 2)
        started = time.monotonic()
        assert clients[1].response().status == 503
        assert time.monotonic() - started < 2
        holding.release.set()
        assert clients[0].response().body == b"/0"
        for client in clients:
            client.close()


def test_client_that_leaves_the_queue_is_never_sent_on(holding):
    with Freshet(pool_max=1) as proxy:
        clients = waiting_clients(proxy, holding, 3)
        clients[1].reset()
        time.sleep(0.1)
        holding.release.set()
        assert clients[0].response().body == b"/0"
        assert clients[2].response().body == b"/2"
        assert [request.target for request in holding.requests] == ["/0", "/2"]
        clients[0].close(), clients[2].close()


def test_busy_origin_does_not_hold_up_another(holding, origin):
    with Freshet(pool_max=1) as proxy:
        clients = waiting_clients(proxy, holding, 2)
        with proxy.client() as other:
            assert other.get(origin.url()).body == b"hello"
        holding.release.set()
        for client in clients:
            assert client.response().status == 200
            client.close()


def test_idle_origin_connection_is_closed_after_its_timeout(origin):
    with Freshet(pool_idle_timeout="500ms") as proxy, proxy.client() as client:
        client.get(origin.url())
        assert origin.connections[0].closed.wait(3)
        assert client.get(origin.url()).body == b"hello"
        assert len(origin.connections) == 2


def test_old_origin_connection_is_not_used_again(origin):
    with Freshet(pool_lifetime="1s") as proxy, proxy.client() as client:
        for _ in range(8):
            assert client.get(origin.url()).body == b"hello"
            time.sleep(0.2)
        assert len(origin.connections) == 2


def test_pool_of_zero_idle_connections_keeps_none(origin):
    with Freshet(pool_idle=0) as proxy, proxy.client() as client:
        for _ in range(3):
            assert client.get(origin.url()).body == b"hello"
        assert len(origin.connections) == 3


def test_upload_cut_short_makes_room_for_those_in_line(holding):
    with Freshet(pool_max=1, timeout_queue="30s") as proxy:
        uploading = Client(proxy.port)
        uploading.send(f"PUT {holding.url('/cut')} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf".encode())
        assert wait_until(lambda: holding.connections)
        waiting = waiting_clients(proxy, holding, 1)[0]
        holding.release.set()
        uploading.reset()
        assert waiting.response().body == b"/0"
        waiting.close()


def test_failed_dial_leaves_nobody_in_line_without_another():
    """The name is looked up for a while, so that three stand in line when the connection is refused."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://late.test:{nobody.getsockname()[1]}/"
        late = Name(a=("127.0.0.1",), delay_s=0.5)
        with DnsServer({"late.test": late}) as dns, \
                Freshet(resolver=dns.option, pool_max=1, timeout_queue="30s") as proxy:
            clients = [Client(proxy.port) for _ in range(3)]
            for client in clients:
                client.request("GET", address)
            assert [client.response().status for client in clients] == [502, 502, 502]
            for client in clients:
                client.close()
