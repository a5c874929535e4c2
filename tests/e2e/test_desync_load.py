"""Ten thousand exchanges with an origin at fault: whoever asks gets the own answer or an error, never a stranger's.

The number of a request travels in its target, with what the origin is to do to it.  Each answer names the number
that it is for, in a field and all over its body.  All choices follow from one seed.
"""
import random
import threading

import pytest

from harness import Client, Freshet, Origin, chunked, response
from harness.client import request_bytes
from harness.http1 import Incomplete

SEED = 20261122
EXCHANGES = 10_000
CLIENTS = 4
STRANGER = response(b"STRANGER", "X-Number: STRANGER")
HINT = b"HTTP/1.1 103 Early Hints\r\nX-Number: interim\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

# What the origin does; None: the client may see a broken answer.  Statuses are those to a GET.
HARMLESS = {"ok": 200, "hints": 200, "close-after": 200, "early": 200}
POISON = {"extra": 200, "twice": 200, "behind-chunks": 200, "hint-behind": 200, "junk-behind": 200,
          "one-byte-behind": 200, "body-with-204": 204, "body-with-304": 304}
BROKEN = {"flood": 502, "switching": 502, "junk": 502, "close": 502, "half": None, "reset": None}
FAULTS = {**HARMLESS, **POISON, **BROKEN}
WEIGHTS = [20] + [2] * (len(HARMLESS) - 1) + [2] * len(POISON) + [1] * len(BROKEN)


def body_of(number, size):
    return (b"%08d " % number * (size // 9 + 1))[:size]


def answer_to(fault, number, size):
    """All that is sent for one request, and whether the connection goes on."""
    mine = response(body_of(number, size), f"X-Number: {number}")
    if fault == "behind-chunks":
        body = body_of(number, size)
        mine = response(chunked(body[:9], body[9:]) if size > 9 else chunked(body) if size else chunked(),
                        f"X-Number: {number}", "Transfer-Encoding: chunked", length=False)
    bodyless = {"body-with-204": "204 No Content", "body-with-304": "304 Not Modified"}
    if fault in bodyless:
        head = response(b"", f"X-Number: {number}", status=bodyless[fault], length=False)
        return head + STRANGER, True
    behind = {"extra": STRANGER, "twice": mine, "behind-chunks": STRANGER, "hint-behind": HINT,
              "junk-behind": b"\0junk\r\n\r\n", "one-byte-behind": b"H"}
    before = {"hints": HINT * 3, "flood": HINT * 40, "switching": SWITCHING, "junk": b"junk\r\n\r\n"}
    if fault == "half":
        return mine[:len(mine) // 2], False
    if fault in ("close", "reset"):
        return b"", False
    return before.get(fault, b"") + mine + behind.get(fault, b""), fault not in ("close-after", "junk", "switching")


def faulty(conn):
    conn.source.limit = 0
    while (head := conn.source.until(b"\r\n\r\n")) is not None:
        method, target, _ = head.split(b" ", 2)
        _, fault, number, size = target.decode().split("/")
        upload = 40 if method == b"POST" else 0
        if fault != "early":
            conn.source.exactly(upload)
        data, goes_on = answer_to(fault, int(number), int(size))
        if data:
            conn.send(data)
        if fault == "early":
            conn.source.exactly(upload)
        if fault == "reset":
            conn.reset()
        if not goes_on:
            return


class Asker(threading.Thread):
    """Asks its share, some pipelined; .wrong holds what must not be, .statuses what came."""

    def __init__(self, proxy, origin, first, count):
        super().__init__(daemon=True)
        self.proxy, self.origin = proxy, origin
        self.numbers = list(range(first, first + count))
        self.rnd = random.Random(SEED + first)
        self.statuses, self.wrong, self.broken = [], [], 0

    def plan(self, number):
        fault = self.rnd.choices(list(FAULTS), WEIGHTS)[0]
        method = self.rnd.choice(["GET"] * 6 + ["HEAD", "HEAD", "POST"])
        return method, fault, number, self.rnd.choice([0, 1, 100, 100, 5000])

    def run(self):
        client = Client(self.proxy.port)
        while self.numbers:
            burst = [self.plan(self.numbers.pop()) for _ in range(min(len(self.numbers), self.rnd.choice([1, 1, 2, 5])))]
            if not self.ask(client, burst) or self.rnd.random() < 0.02:
                client.close()
                client = Client(self.proxy.port)
        client.close()

    def ask(self, client, burst):
        """False when the connection is of no more use."""
        try:
            client.send(b"".join(
                request_bytes(method, self.origin.url(f"/{fault}/{number}/{size}"),
                              body=b"u" * 40 if method == "POST" else b"")
                for method, fault, number, size in burst))
            for method, fault, number, size in burst:
                answer = client.response(method)
                self.statuses.append(answer.status)
                self.judge(answer, method, fault, number, size)
                if "close" in answer.all("Connection"):
                    return False
            return True
        except TimeoutError:
            self.wrong.append(("no answer", burst))
        except (Incomplete, OSError) as error:
            self.broken += 1
            if not any(FAULTS[fault] is None or method == "POST" for method, fault, _, _ in burst):
                self.wrong.append((repr(error)[:300], burst))
        return False

    def judge(self, answer, method, fault, number, size):
        expected = FAULTS[fault]
        if any(b"X-Number: interim" not in interim.head for interim in answer.interim):
            self.wrong.append(("interim", number, answer.interim))
        if answer.status == 502:
            if expected not in (502, None) and method != "POST":  # a POST is not repeated
                self.wrong.append(("502", method, fault, number, answer.body))
            return
        body = b"" if method == "HEAD" or expected in (204, 304) else body_of(number, size)
        if expected not in (answer.status, None) or answer.one("X-Number") != str(number) or answer.body != body:
            self.wrong.append(("not its answer", method, fault, number, answer.head, answer.body[:100]))


@pytest.mark.parametrize("workers", [1, 2])
def test_everybody_gets_the_own_answers_from_an_origin_at_fault(workers):
    with Origin(script=faulty) as origin, Freshet(workers=workers, pool_distrust="0ms", access_log="off") as proxy:
        share = EXCHANGES // CLIENTS
        askers = [Asker(proxy, origin, number * share, share) for number in range(CLIENTS)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(60)
            assert not asker.is_alive(), "a client hangs"
        wrong = [problem for asker in askers for problem in asker.wrong]
        assert wrong == [], f"{len(wrong)} wrong, the first: {wrong[0]}"
        statuses = [status for asker in askers for status in asker.statuses]
        broken = sum(asker.broken for asker in askers)
        assert len(statuses) > EXCHANGES * 0.8 and statuses.count(200) > EXCHANGES / 2
        assert statuses.count(502) > 100 and statuses.count(304) > 100 and broken > 50
        assert EXCHANGES / 10 < len(origin.connections) < EXCHANGES * 0.8, "connections were not reused, or always"
        told = [line for line in proxy.stderr().splitlines() if f"origin {origin.authority}:" in line]
        assert 1 <= len(told) <= 60 * workers
