"""Many clients and a capricious origin at once: whatever fails, it fails for itself alone."""
import collections
import pathlib
import signal
import time

from faults import Visitor, misbehave
from harness import Freshet, Origin, response
from harness.origin import wait_until
from harness.proxy import sanitized

SECONDS = 8
SEED = 20261122
CLIENTS = 16
WORKERS = 2
POOL_IDLE = 8
PIPES_KEPT = 16  # by each worker, for the next big body; two descriptors each


def descriptors(proxy):
    return len(list(pathlib.Path(f"/proc/{proxy.process.pid}/fd").iterdir()))


def run_visitors(proxy, origin):
    deadline = time.monotonic() + SECONDS
    visitors = [Visitor(proxy, origin, SEED + number, deadline) for number in range(CLIENTS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(60)
        assert not visitor.is_alive(), "a client hangs"
    return visitors


def assert_descriptors_return(proxy, before, allowed):
    assert wait_until(lambda: descriptors(proxy) <= before + allowed), (
        f"{descriptors(proxy)} descriptors; {before} before, {allowed} more allowed")


def test_faults_of_peers_stay_with_their_own_exchange_and_leave_nothing_behind():
    with Freshet(workers=WORKERS, pool_idle=POOL_IDLE) as proxy:
        with Origin(response(b"hello")) as calm, proxy.client() as client:
            assert client.get(calm.url()).body == b"hello"
        pipes = 2 * PIPES_KEPT * WORKERS
        with Origin(script=misbehave) as origin:
            before = descriptors(proxy)
            visitors = run_visitors(proxy, origin)
            problems = [problem for visitor in visitors for problem in visitor.problems]
            assert problems == [], f"{len(problems)} problems, the first: {problems[0]}"
            assert_descriptors_return(proxy, before, pipes + POOL_IDLE * WORKERS)
        assert_descriptors_return(proxy, before, pipes)
        statuses = collections.Counter(status for visitor in visitors for status in visitor.answers)
        assert statuses[200] > (50 if sanitized() else 200)
        assert statuses[502] and statuses[413] and sum(visitor.tunnels for visitor in visitors)
        with Origin(response(b"hello")) as calm, proxy.client() as client:
            assert client.get(calm.url()).body == b"hello"
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(5) == 0
