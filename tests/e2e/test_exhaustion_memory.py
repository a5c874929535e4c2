"""Memory is out: one exchange fails, clearly; the process, its descriptors and the next request do not.

Each allocation of an exchange is made to fail once, in a fresh process so that nothing is kept
for reuse; of a start and a reload, with a library of certificates, the later ones only here and there.  Memory that libconfuse asks for is spared: it aborts, and freshet gives it no occasion.
"""
import os
import pathlib
import resource
import signal
import subprocess
import time

import pytest

from harness import DnsServer, Freshet, Origin
from harness.client import request_bytes
from harness.dns import Name
from harness.faults import EVER, PLAIN, FaultyFreshet, Faults, build_library, preload
from harness.http1 import Incomplete
from harness.origin import wait_until
from harness.proxy import sanitized

LIMIT_S = 4     # c-ares asks again after two seconds when it could not keep an answer
ALLOCATIONS = 200
STEP = 7 if sanitized() else 1  # a process takes ten times as long to start under a sanitizer


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_library(tmp_path_factory.mktemp("preload"))


def get(proxy, origin):
    with proxy.client() as client:
        return client.get(origin.url("/?a=1")).status


def get_with_a_large_head(proxy, origin):
    with proxy.client() as client:
        client.send(request_bytes("GET", origin.url(), *[f"X-{n}: {'y' * 300}" for n in range(60)]))
        return client.response().status


def post(proxy, origin):
    with proxy.client() as client:
        return client.exchange("POST", origin.url(), body=b"x" * 300000).status


def tunnel(proxy, origin):
    with proxy.client() as client:
        status = client.connect_to(origin.authority).status
        if status != 200:
            return status
        client.send(request_bytes("GET", f"http://{origin.authority}/"))
        return client.response().status


def get_by_name(proxy, origin):
    with proxy.client() as client:
        return client.get(f"http://named.test:{origin.port}/").status


EXCHANGES = [get, get_with_a_large_head, post, tunnel, get_by_name]


def ask(proxy, origin, exchange):
    """The status, or the name of the error by which the client learns that it is not served."""
    started = time.monotonic()
    try:
        return exchange(proxy, origin)
    except (Incomplete, ConnectionError, BrokenPipeError) as refusal:
        return type(refusal).__name__
    finally:
        assert time.monotonic() - started < LIMIT_S, "the client was left waiting"


def fail_each_allocation(library, origin, exchange, step=STEP, **options):
    """Serve one exchange for each of its allocations, which fails; what came of it."""
    outcomes = []
    for number in range(1, ALLOCATIONS, step):
        with FaultyFreshet(library, **options) as proxy:
            before = proxy.descriptors()
            proxy.faults.fail_malloc(number)
            proxy.faults.on()
            outcomes.append(ask(proxy, origin, exchange))
            reached = proxy.faults.mallocs >= number
            proxy.faults.off()
            assert ask(proxy, origin, exchange) == 200, f"after allocation {number} failed: {proxy.stderr()}"
            # One pooled connection, one of the resolver's, a pipe for each direction.
            assert wait_until(lambda: proxy.descriptors() <= before + 6), f"allocation {number} leaks descriptors"
        if not reached:
            return outcomes
    raise AssertionError(f"more than {ALLOCATIONS} allocations")


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.__name__)
def test_any_allocation_of_an_exchange_may_fail(library, exchange):
    with DnsServer({"named.test": Name(a=("127.0.0.1",))}) as names, Origin() as origin:
        step = 2 * STEP if exchange is get_by_name else STEP  # some of its take c-ares two seconds
        outcomes = fail_each_allocation(library, origin, exchange, step, resolver=names.option, timeout_connect="3s")
    assert outcomes[-1] == 200 and set(outcomes) <= {200, 503, "Incomplete", "ConnectionResetError",
                                                     "BrokenPipeError"}, outcomes
    assert STEP > 1 or 503 in outcomes


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_any_allocation_of_a_tunnel_through_a_parent_may_fail(library, scheme):
    def greet(conn):
        if scheme == "socks5":
            conn.read_exactly = conn.source.exactly
            conn.read_exactly(3)
            conn.send(b"\5\0")
            conn.read_exactly(10)
            conn.send(b"\5\0\0\1\x7f\0\0\1\0\1")
        else:
            conn.read_head_only()
            conn.send(b"HTTP/1.1 200 OK\r\n\r\n")
        conn.answer_all()
    with Origin() as origin:
        def script(conn):
            conn.answer_all = lambda: origin.answer_all(conn)
            greet(conn)
        with Origin(script=script) as parent:
            outcomes = fail_each_allocation(library, origin, tunnel, parent=f'"{scheme}://127.0.0.1:{parent.port}"')
    assert outcomes[-1] == 200 and set(outcomes) <= {200, 503, "Incomplete", "ConnectionResetError"}, outcomes


def test_any_allocation_of_a_reload_may_fail(library, origin):
    site = 'site "*.example" { mode = observe\n method = {"GET"} }\n'
    with FaultyFreshet(library) as proxy:
        assert get(proxy, origin) == 200
        before, outcomes, number = proxy.descriptors(), set(), 0
        while number == 0 or proxy.faults.mallocs >= number:
            number += STEP + number // 10
            proxy.faults.fail_malloc(number)
            proxy.faults.on()
            said = proxy.reload(site, access_log=f'"{proxy.directory}/log"', no_parent='{"127.0.0.1"}',
                                parent='"http://user:word@127.0.0.1:3128"')
            proxy.faults.off()
            assert said, f"no word of the reload after allocation {number} failed"
            outcomes.add("failed" in said)
            assert get(proxy, origin) == 200, f"after allocation {number} failed: {said}"
        assert outcomes == {True, False}
        assert wait_until(lambda: proxy.descriptors() <= before + 1)


def test_any_allocation_of_a_reopened_log_may_fail(library, origin):
    with FaultyFreshet(library) as proxy:
        for number in range(1, 6):
            get(proxy, origin)
            proxy.records(1)
            proxy.log_file.rename(proxy.directory / f"old{number}")
            proxy.faults.fail_malloc(number)
            proxy.faults.on()
            proxy.signal(signal.SIGUSR1)
            assert wait_until(proxy.log_file.exists)
            proxy.faults.off()


def run_configured(library, folder, number, *arguments):
    """freshet, without a sanitizer, on a configuration of its own; its allocation of that number fails."""
    faults = Faults(folder / "schedule")
    faults.fail_malloc(number)
    faults.on()
    file = folder / "freshet.conf"
    file.write_text(f'listen = {{"127.0.0.1:0"}}\nworkers = 1\naccess-log = "{folder}/log"\n'
                    'site "*.example" { mode = observe\n method = {"GET"} }\nresolver = "127.0.0.1:53"\n'
                    'parent = "http://user:word@127.0.0.1:3128"\nno-parent = {"*.local", "10.0.0.1"}\n')
    process = subprocess.Popen([str(PLAIN), "-c", str(file), *arguments], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, **preload(library, PLAIN),
                                                            "FAULTS_FILE": str(faults.path)})
    return process, faults


def test_configuration_read_with_failing_memory_is_whole_or_refused(library, tmp_path):
    outcomes, whole = set(), None
    for number in range(ALLOCATIONS, 0, -1):
        process, faults = run_configured(library, tmp_path, number, "-T")
        out, err = process.communicate(timeout=10)
        whole = whole or out
        assert process.returncode in (0, 1), f"allocation {number}: {err}"
        assert (process.returncode == 0 and out == whole) or err.strip(), f"allocation {number}: {out}"
        outcomes.add(process.returncode)
    assert faults.mallocs and outcomes == {0, 1}


def test_start_with_failing_memory_ends_with_a_reason(library, tmp_path):
    """Or serves, where the allocation was one that can be done without."""
    number, outcomes = 0, set()
    while number == 0 or faults.mallocs >= number:
        number += 1 + number // 5
        process, faults = run_configured(library, tmp_path, number)
        os.set_blocking(process.stderr.fileno(), False)
        err = wait_until(lambda: (process.stderr.read() if process.poll() is not None else "") or
                         ("serves" if pathlib.Path(f"/proc/{process.pid}/task").exists() and
                          len(os.listdir(f"/proc/{process.pid}/task")) == 3 else ""), 5)
        if err == "serves":
            process.send_signal(signal.SIGTERM)
        status = process.wait(10)
        outcomes.add(status)
        assert status in (0, 1) and err, f"allocation {number}: {status} {err}"
        process.stdout.close()
        process.stderr.close()
    assert outcomes == {0, 1}


def test_memory_that_is_out_for_long_is_survived_and_told_once(library, origin):
    with FaultyFreshet(library) as proxy, proxy.client() as client:
        assert client.connect_to(origin.authority).status == 200
        proxy.faults.fail_malloc(1, EVER)
        proxy.faults.on()
        busy, end = proxy.cpu_s(), time.monotonic() + 1
        while time.monotonic() < end:
            assert ask(proxy, origin, tunnel) in (503, "Incomplete", "ConnectionResetError")
            time.sleep(0.02)
        assert proxy.cpu_s() - busy < 0.5, "spins"
        told = [line for line in proxy.stderr().splitlines() if "listening" not in line and "max-clients" not in line]
        assert told and all("memory" in line or "no room" in line for line in told), told
        assert len(told) <= 2, told
        proxy.faults.off()
        assert [get(proxy, origin), post(proxy, origin), tunnel(proxy, origin)] == [200] * 3


@pytest.mark.parametrize("seed", range(2))
def test_service_returns_after_random_allocations_failed_under_load(library, seed):
    with DnsServer({"named.test": Name(a=("127.0.0.1",))}) as names, Origin() as origin:
        with FaultyFreshet(library, resolver=names.option, timeout_connect="3s", pool_idle=0) as proxy:
            assert get_by_name(proxy, origin) == 200
            before = proxy.descriptors()
            proxy.faults.rate("malloc", 4)
            proxy.faults.on(seed)
            outcomes = [ask(proxy, origin, exchange) for _ in range(30) for exchange in EXCHANGES]
            assert proxy.faults.hits("malloc") > 10
            proxy.faults.off()
            assert [exchange(proxy, origin) for exchange in EXCHANGES] == [200] * len(EXCHANGES), outcomes
            assert wait_until(lambda: proxy.descriptors() <= before + 6)


def test_reload_without_address_space_is_refused_and_kills_nobody(origin):
    """libconfuse would abort: the reload must not let it come to that."""
    with Freshet(binary=PLAIN) as proxy:  # a sanitizer takes terabytes of address space: no limit would fit
        assert get(proxy, origin) == 200
        size = int(pathlib.Path(f"/proc/{proxy.process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(proxy.process.pid, resource.RLIMIT_AS, (size + 512 * 1024, resource.RLIM_INFINITY))
        said = proxy.reload('site "*.example" { mode = observe }\n' * 5)
        assert "memory is out" in said and "stays as it was" in said
        assert get(proxy, origin) == 200
        resource.prlimit(proxy.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert "reloaded" in proxy.reload('site "*.example" { mode = observe }\n')
