"""Single measurements: one contender, one kind of load, some seconds."""
import http.client
import os
import re
import select
import socket
import time

import quota
from contenders import TRIPLE, Freshet
from lab import HERE, Failed, anonymous_kib, family_cpu_s, machine_cpu_s, process_cpu_s

GIB = 1 << 30
BODIES_SECONDS = 1
STRACE_SECONDS = (1, 3)
WORKERS_SECONDS = 1
WARM_SECONDS = 1
WORKER_CPUS = 0.25  # so little that load and origin, who have two CPUs to share with two workers, can keep up
FEW_CLIENTS = 100


class Noise:
    """What everybody else on the machine used meanwhile, in CPUs."""

    def __init__(self):
        self.samples = []

    def note(self, ours_s, all_s, wall_s):
        self.samples.append(max(0.0, (all_s - ours_s) / wall_s))


class Window:
    """Reads the clocks at both ends of a `with` block."""

    def __init__(self, lab, proxy, noise):
        self.lab, self.proxy, self.noise = lab, proxy, noise

    def read(self):
        loaders = os.times()
        proxy = family_cpu_s(self.proxy.pid)
        ours = proxy + sum(process_cpu_s(origin.pid) for origin in self.lab.origins()) + sum(loaders[:4])
        return proxy, ours, machine_cpu_s(), time.monotonic()

    def __enter__(self):
        self.before = self.read()
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        proxy, ours, machine, wall = (b - a for a, b in zip(self.before, self.read()))
        self.cpu_s = proxy
        self.noise.note(ours, machine, wall)


def check_rewriting(lab, contender):
    """Fails unless it forwards, and rewrites what all are asked to rewrite."""
    with lab.running(contender) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        connection.request("GET", f"http://127.0.0.1:{lab.origin_port}/seen",
                           headers={"If-None-Match": '"x"', "Cache-Control": "max-age=0"})
        answer = connection.getresponse()
        seen = answer.read().decode("latin-1").lower()
        connection.close()
        if answer.status != 200:
            raise Failed(f"it answered {answer.status}")
        if not contender.can_edit_requests:
            return
        if "pragma: no-cache" not in seen or "expires: 0" not in seen:
            raise Failed(f"the origin was sent:\n{seen}")
        if not contender.can_edit_answers:
            return
        if seen.count("cache-control:") != 1 or f"cache-control: {TRIPLE}" not in seen or "if-none-match" in seen:
            raise Failed(f"the origin was sent:\n{seen}")
        if answer.headers.get_all("cache-control") != [TRIPLE] or answer.headers["age"]:
            raise Failed(f"the client was sent:\n{answer.headers}")


def wrk(lab, contender, proxy, connections, seconds, each_new=False, pause_ms=None):
    each_new = each_new or not contender.keeps_clients
    output = lab.load(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.join(HERE, "requests.lua"),
                       f"http://127.0.0.1:{proxy.port}/"], seconds,
                      ORIGIN=f"127.0.0.1:{lab.origin_port}", EACH="new" if each_new else "",
                      PAUSE_MS=str(pause_ms or ""))
    result = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", output, re.MULTILINE)
    requests, duration_us, errors, hang_ups, p50_us, p99_us = (int(n) for n in result.groups())
    if contender.keeps_clients:  # one that does not hangs up without saying so
        errors += hang_ups
    if not requests or errors * 1000 > requests:
        raise Failed(f"{errors} errors in {requests} requests")
    return requests, {"rate": requests * 1e6 / duration_us, "p50": p50_us, "p99": p99_us}


def requests(lab, contender, noise, connections, seconds, **how):
    with lab.running(contender) as proxy:
        if not contender.for_scale:
            wrk(lab, contender, proxy, connections, WARM_SECONDS, **how)  # what is met once counts for nobody
        with Window(lab, proxy, noise) as window:
            count, values = wrk(lab, contender, proxy, connections, seconds, **how)
    return {"cpu": window.cpu_s * 1e6 / count, **values}


def workers(lab, contender):
    """Requests/s of one worker and of two, where each has so little CPU time that nothing else is short of it."""
    rates = []
    for count in (1, 2):
        with lab.running(Freshet(contender.binary, count), cpus=f"{lab.load_cpu},{lab.proxy_cpu}") as proxy:
            with quota.limited(proxy.pid, count * WORKER_CPUS):
                rates.append(wrk(lab, contender, proxy, 100, WORKERS_SECONDS)[1]["rate"])
    return {"one": rates[0], "two": rates[1], "gain": rates[1] / rates[0]}


def bodies(lab, contender, noise, kind, body_bytes, connections):
    with lab.running(contender, bulk=True) as proxy:
        with Window(lab, proxy, noise) as window:
            output = lab.load([lab.path("bodies"), kind, str(proxy.port), str(lab.origin_port), str(body_bytes),
                               str(connections), str(BODIES_SECONDS)], BODIES_SECONDS)
    moved, exchanges, errors = (int(n) for n in output.split())
    if not moved or errors:
        raise Failed(f"{errors} errors, {exchanges} exchanges, {moved} bytes")
    return {"cpu": window.cpu_s * GIB / moved}


def open_clients(lab, proxy, count):
    """That many connections, each of which has had an answer and could ask again."""
    head = f"GET http://127.0.0.1:{lab.origin_port}/1024 HTTP/1.1\r\nHost: 127.0.0.1:{lab.origin_port}\r\n\r\n".encode()
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", proxy.port), 5)
        clients.append(client)
        client.sendall(head)
        answer = b""
        while len(answer.partition(b"\r\n\r\n")[2]) < 1024:
            received = client.recv(8192)
            if not received:
                raise Failed(f"client {len(clients)} got no answer")
            answer += received
    return clients


def kib_with_clients(lab, contender, limit, count):
    with lab.running(contender, clients=limit) as proxy:
        wrk(lab, contender, proxy, 50, WARM_SECONDS)  # fills what is bounded by itself: freshet's records
        clients = open_clients(lab, proxy, count)
        poll = select.poll()
        for client in clients:
            poll.register(client, select.POLLIN)
        try:
            if poll.poll(200):
                raise Failed("idle clients were hung up on")
            return anonymous_kib(proxy.pid)
        finally:
            for client in clients:
                client.close()


def idle_clients(lab, contender, count):
    """
    Against the same proxy configured for, and holding, a few clients: so that what some reserve beforehand for the
    many counts too.
    """
    few = kib_with_clients(lab, contender, 2 * FEW_CLIENTS, FEW_CLIENTS)
    many = kib_with_clients(lab, contender, count + 2 * FEW_CLIENTS, count)
    return {"kib": (many - few) / (count - FEW_CLIENTS)}


def strace(lab, contender, connections, seconds):
    """How many system calls it made from its start to its end, and how many requests it answered in between."""
    counts = lab.path("strace")
    with lab.running(contender, under=["strace", "-f", "-c", "-o", counts]) as proxy:
        answered, _ = wrk(lab, contender, proxy, connections, seconds)
    with open(counts, encoding="ascii") as file:
        total = [line.split() for line in file if line.rstrip().endswith("total")]
    if not total:
        raise Failed("strace counted nothing")
    return int(total[0][3]), answered


def system_calls(lab, contender, connections):
    """
    By what a longer run has more than a shorter one, so that start, end and the first connections do not count.
    Nothing else is measured meanwhile: strace slows the proxy down.
    """
    short, long = (strace(lab, contender, connections, seconds) for seconds in STRACE_SECONDS)
    return {"calls": (long[0] - short[0]) / (long[1] - short[1])}
