"""Calls that move bytes fail or move one at a time: what arrives is exact or visibly cut, and nobody waits for ever.

Mixed load as in test_faults; the proxy's own recv, send and splice fail by a fixed seed.
"""
import errno
import random
import threading
import time

import pytest

from faults import LIMIT_S, Plan, Visitor, misbehave
from harness import Origin
from harness.faults import FaultyFreshet, build_library
from harness.http1 import Incomplete
from harness.origin import wait_until
from harness.tls import SecureClient, TlsOrigin, client_context

SECONDS = 1.3
CLIENTS = 8
SEED = 20261122
DESCRIPTORS_KEPT = 2 * 16 + 8  # pipes and pooled connections, for the next exchange
SHORT = 0

# Nothing is lost by these: everything must be as if they had not been.
HARMLESS = {
    "again": {"recv": (4, errno.EAGAIN), "send": (4, errno.EAGAIN), "splice": (3, errno.EAGAIN)},
    "one-byte": {"recv_short": (3, SHORT), "send_short": (3, SHORT), "splice": (3, SHORT)},
    "interrupted": {"recv": (4, errno.EINTR), "recv_short": (5, SHORT), "send": (4, errno.EINTR),
                    "send_short": (5, SHORT), "splice": (4, errno.EINTR)},
}
HARMFUL = {
    "reset": {"recv": (60, errno.ECONNRESET), "send": (60, errno.ECONNRESET), "splice": (20, errno.ECONNRESET)},
    "broken-pipe": {"recv_short": (5, SHORT), "send": (40, errno.EPIPE), "splice": (20, errno.EPIPE)},
    "no-buffers": {"recv": (60, errno.ENOBUFS), "send": (40, errno.ENOBUFS), "splice": (20, errno.ENOMEM)},
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_library(tmp_path_factory.mktemp("preload"))


class SecureVisitor(threading.Thread):
    """Requests inside of intercepted tunnels, one after the other: Python's ssl has one thread for both directions."""

    def __init__(self, proxy, origin, seed, deadline, lossy=False):
        super().__init__(daemon=True)
        self.proxy, self.origin, self.deadline, self.lossy = proxy, origin, deadline, lossy
        self.context = client_context(proxy.ca_file)
        self.rnd = random.Random(seed)
        self.problems, self.answers = [], []

    def run(self):
        while time.monotonic() < self.deadline:
            try:
                with SecureClient(self.proxy.port, self.origin.authority, self.context, timeout_s=LIMIT_S) as client:
                    if client.tunnel.status == 200:
                        self.visit(client)
                    else:
                        assert self.lossy, f"CONNECT: {client.tunnel.status}"
            except TimeoutError:
                self.problems.append("waits too long")
            except (AssertionError, ValueError) as problem:
                self.problems.append(repr(problem))
            except (OSError, Incomplete) as cut:
                if not self.lossy:
                    self.problems.append(repr(cut))

    def visit(self, client):
        for _ in range(self.rnd.randint(1, 6)):
            plan = Plan.random(self.rnd)
            plan.fault = self.rnd.choice(["ok", "ok", "interim", "drip"])
            if plan.framing == "close":  # the origin here ends without close_notify, which is a cut
                plan.framing = "chunked"
            client.send(plan.wire(self.origin).replace(self.origin.url("/").encode(), b"/", 1))
            got = client.response(plan.method)
            plan.judge(got, (503, 500) if self.lossy else ())
            assert self.lossy or got.status == 200
            self.answers.append(got.status)
            if got.all("Connection") == ["close"]:
                return


def visit(proxy, origin, visitor, lossy):
    deadline = time.monotonic() + SECONDS
    visitors = [visitor(proxy, origin, SEED + number, deadline, lossy) for number in range(CLIENTS)]
    for each in visitors:
        each.start()
    for each in visitors:
        each.join(60)
        assert not each.is_alive(), "a client hangs"
    problems = [problem for each in visitors for problem in each.problems]
    assert problems == [], f"{len(problems)} problems, the first: {problems[0]}"
    return [status for each in visitors for status in each.answers]


def load_with_faults(proxy, origin, calls, visitor, lossy):
    """The statuses that came of it; afterwards the service is whole, idle, and nothing is kept."""
    before = proxy.descriptors()
    for call, (one_in, error) in calls.items():
        proxy.faults.rate(call, one_in, error)
    proxy.faults.on(SEED)
    statuses = visit(proxy, origin, visitor, lossy)
    for call in calls:
        assert proxy.faults.hits(call) or call == "splice", f"no {call} failed"
    proxy.faults.off()
    assert wait_until(lambda: proxy.descriptors() <= before + DESCRIPTORS_KEPT)
    with Origin() as calm, proxy.client() as client:
        assert client.get(calm.url()).body == b"hello"
    busy = proxy.cpu_s()
    time.sleep(0.5)
    assert proxy.cpu_s() - busy < 0.25, "spins"
    assert len([line for line in proxy.stderr().splitlines() if " info " not in line]) < 6, proxy.stderr()
    return statuses


@pytest.mark.parametrize("calls", [*HARMLESS.values(), *HARMFUL.values()], ids=[*HARMLESS, *HARMFUL])
def test_load_while_calls_fail_is_exact_or_visibly_cut(library, calls):
    lossy = calls in HARMFUL.values()
    with Origin(script=misbehave) as origin, FaultyFreshet(library, pool_idle=8) as proxy:
        statuses = load_with_faults(proxy, origin, calls, Visitor, lossy)
        assert statuses.count(200) > 20
        assert proxy.faults.hits("splice"), "no splice failed"


@pytest.mark.parametrize("calls", [*HARMLESS.values(), HARMFUL["reset"], HARMFUL["no-buffers"]],
                         ids=[*HARMLESS, "reset", "no-buffers"])
def test_intercepted_load_while_calls_fail_is_exact_or_visibly_cut(library, pki, calls):
    lossy = calls in HARMFUL.values()
    with TlsOrigin(pki.good, script=misbehave) as origin, \
            FaultyFreshet(library, pool_idle=8, intercept="strict", trust=f'"{pki.root.file}"',
                          env=pki.environment()) as proxy:
        proxy.ca_file = pki.proxy_ca
        with SecureClient(proxy.port, origin.authority, client_context(pki.proxy_ca)) as client:
            assert client.get("/?id=1&size=5").status == 200
        statuses = load_with_faults(proxy, origin, calls, SecureVisitor, lossy)
        assert statuses.count(200) > 20
