"""Descriptors are out: clients wait or are told, nothing spins, and service is whole again afterwards."""
import contextlib
import errno
import resource
import time

import pytest

from harness import Client, DnsServer, Freshet, Origin
from harness.dns import Name
from harness.faults import FaultyFreshet, build_library
from harness.http1 import Incomplete
from harness.origin import wait_until

SHORTAGES = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_library(tmp_path_factory.mktemp("preload"))


@pytest.fixture
def faulty(library):
    with FaultyFreshet(library) as running:
        yield running


def limit_descriptors(proxy, more):
    """Let the process open so many descriptors more than it has now; None lifts that."""
    hard = resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE)[1]
    highest = max(map(int, proxy.descriptor_names()))
    resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (hard if more is None else highest + 1 + more, hard))


def told(proxy):
    """What it said, but for how it started."""
    return [line for line in proxy.stderr().splitlines() if " info " not in line and "max-clients" not in line]


def assert_idle(proxy, seconds=1.0):
    """The process sleeps most of the time."""
    before = proxy.cpu_s()
    time.sleep(seconds)
    assert proxy.cpu_s() - before < 0.4 * seconds, f"{proxy.cpu_s() - before} s of CPU in {seconds} s"


def status_of_tunnel(proxy, origin):
    with proxy.client() as client:
        return client.connect_to(origin.authority)


def test_accepting_pauses_while_descriptors_are_out(faulty, origin):
    with faulty.client() as client:
        assert client.get(origin.url()).status == 200
        limit_descriptors(faulty, 2)
        with contextlib.ExitStack() as stack:
            flood = [stack.enter_context(Client(faulty.port)) for _ in range(30)]
            for waiting in flood:
                waiting.request("GET", origin.url())
            assert_idle(faulty)
            assert client.get(origin.url()).status == 200, "who is in is served"
            limit_descriptors(faulty, None)
            statuses = [waiting.response().status for waiting in flood]
            assert statuses[2:] == [200] * (len(flood) - 2), "the first two may have found none for their origin"
    assert 1 <= len(told(faulty)) <= 2, told(faulty)
    assert "Too many open files" in told(faulty)[0]


def test_origin_that_gets_no_descriptor_is_told_to_be_our_shortage(faulty, origin):
    with faulty.client() as client:
        assert client.get(origin.url()).status == 200
        faulty.faults.rate("socket", 1, errno.EMFILE)
        faulty.faults.on()
        with Origin() as other:
            for _ in range(20):
                answer = client.get(other.url())
                assert answer.status == 503
                assert "proxy_internal_error" in answer.one("Proxy-Status")
            assert client.connect_to(other.authority).status == 503
            assert client.get(other.url()).status == 503
            faulty.faults.off()
            assert client.get(other.url()).body == b"hello"
    assert len(told(faulty)) == 1, told(faulty)
    assert "out of descriptors, ports or memory" in told(faulty)[0]


def test_name_server_that_gets_no_descriptor_is_told_to_be_our_shortage(library, origin):
    with DnsServer({"short.test": Name(a=("127.0.0.1",))}) as names, \
            FaultyFreshet(library, resolver=names.option) as proxy, proxy.client() as client:
        proxy.faults.rate("socket", 1, errno.EMFILE)
        proxy.faults.on()
        assert client.get(f"http://short.test:{origin.port}/").status == 503
        proxy.faults.off()
        assert client.get(f"http://short.test:{origin.port}/").status == 200, "the shortage was kept for the name"


def test_long_answer_that_gets_no_descriptor_is_told_to_be_our_shortage_and_can_be_had_later(library, origin):
    """By UDP it came already; what is short is asked for when it is to be had by TCP."""
    with DnsServer({"long.test": Name(a=("127.0.0.1",), truncate=True, delay_s=0.3)}) as names, \
            FaultyFreshet(library, resolver=names.option) as proxy, proxy.client() as client:
        client.request("GET", f"http://long.test:{origin.port}/")
        assert wait_until(lambda: names.asked("long.test") == 2)
        limit_descriptors(proxy, 0)
        answer = client.response()
        limit_descriptors(proxy, None)
        assert answer.status == 503
        assert names.asked("long.test", transport="tcp") == 0
        assert client.get(f"http://long.test:{origin.port}/").status == 200


def test_idle_pooled_connections_are_given_up_for_the_sake_of_new_ones(faulty):
    with contextlib.ExitStack() as stack:
        origins = [stack.enter_context(Origin()) for _ in range(12)]
        client = stack.enter_context(faulty.client())
        for origin in origins[:6]:
            assert client.get(origin.url()).status == 200
        limit_descriptors(faulty, 0)
        for origin in origins[6:]:
            assert client.get(origin.url()).status == 200
        assert client.connect_to(origins[0].authority).status == 200
        assert wait_until(lambda: origins[1].connections[0].closed.is_set()), "the oldest goes first"


@pytest.mark.parametrize("error", SHORTAGES, ids=lambda error: errno.errorcode[error])
@pytest.mark.parametrize("call", ["accept", "socket", "connect", "pipe", "epoll"])
def test_service_returns_after_a_call_ran_out_of_something(faulty, call, error):
    with Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\nConnection: close\r\n\r\n" + b"x" * 600000) as origin:
        before = faulty.descriptors()
        faulty.faults.rate(call, 1 if call == "pipe" else 2, error)
        faulty.faults.on(seed=error)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            assert status_and_length(faulty, origin) in [(200, 600000), (503, None), None]
        assert faulty.faults.hits(call) > 0
        faulty.faults.off()
        assert status_and_length(faulty, origin) == (200, 600000)
        assert wait_until(lambda: faulty.descriptors() <= before + 4)
    assert len(told(faulty)) <= 3, told(faulty)


def status_and_length(proxy, origin):
    """None when the proxy closed the connection."""
    try:
        with proxy.client() as client:
            answer = client.get(origin.url())
            return answer.status, len(answer.body) if answer.status == 200 else None
    except (Incomplete, ConnectionError):
        return None


def test_tunnel_that_epoll_refuses_ends_at_once(faulty, origin):
    with faulty.client() as client:
        assert client.connect_to(origin.authority).status == 200
    faulty.faults.rate("epoll", 1, errno.ENOMEM)
    faulty.faults.on()
    with faulty.client(timeout_s=3) as client:
        assert client.closed_by_peer()
    faulty.faults.off()
    assert status_of_tunnel(faulty, origin).status == 200


def test_clients_leave_descriptors_to_their_origins():
    """However many clients come, those that are let in can be served."""
    wrapper = ["prlimit", "--nofile=128:128"]
    with Origin() as origin, Freshet(wrapper=wrapper) as proxy, contextlib.ExitStack() as stack:
        flood = [stack.enter_context(Client(proxy.port)) for _ in range(150)]
        for waiting in flood:
            waiting.request("GET", origin.url())
        served = []
        for waiting in flood:
            waiting.sock.settimeout(0.3)
            try:
                served.append(waiting.response().status)
            except TimeoutError:
                break
        assert set(served) == {200} and 20 < len(served) < 100, served
        for waiting in flood[:len(served)]:
            waiting.close()
        flood[-1].sock.settimeout(5)
        for waiting in flood[len(served):]:
            waiting.close() if waiting is not flood[-1] else None
        assert flood[-1].response().status == 200
        assert "128 descriptors" in proxy.stderr()
