"""Clocks that jump: wall time decides nothing, and a leap of the other ends waits, not the service."""
import contextlib
import time

import pytest

from harness import Origin
from harness.faults import FaultyFreshet, build_library

HOUR_S = 3600


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_library(tmp_path_factory.mktemp("preload"))


@pytest.mark.parametrize("seconds", [-20 * 365 * 24 * HOUR_S, HOUR_S])
def test_wall_clock_that_jumps_changes_no_wait(library, origin, seconds):
    with FaultyFreshet(library, timeout_client_idle="2s") as proxy, proxy.client() as idle, proxy.client() as busy:
        assert idle.get(origin.url()).status == 200
        proxy.faults.shift_wall_clock(seconds)
        started = time.monotonic()
        for _ in range(5):
            assert busy.get(origin.url()).status == 200
        assert len(origin.connections) == 1, "pooled connections outlive the jump"
        assert idle.silent_for(1), "the idle client was not cut off"
        proxy.faults.shift_wall_clock(0)
        assert idle.closed_by_peer()
        assert 1.5 < time.monotonic() - started < 4


def test_leap_of_the_monotonic_clock_ends_waits_and_not_the_service(library):
    def slow(conn):
        conn.read_request()
        conn.closed.wait(3)
    with Origin() as origin, Origin(script=slow) as silent, FaultyFreshet(library) as proxy, \
            contextlib.ExitStack() as stack:
        waiting, idle = (stack.enter_context(proxy.client()) for _ in range(2))
        assert idle.get(origin.url()).status == 200
        waiting.request("GET", silent.url())
        assert silent.wait_for_requests(1)
        proxy.faults.shift_monotonic_clock(10 * HOUR_S)
        assert waiting.response().status == 504
        assert idle.closed_by_peer()
        with proxy.client() as client:
            assert client.get(origin.url()).status == 200
