#!/usr/bin/python3
"""A fuzzer of live exchanges: both sides of the proxy send messages from a grammar, with mistakes in them.

    tests/e2e/fuzz_exchange.py [--seed N] [--first N] [--seconds S]

Everything follows from seed and number of an exchange.  What must hold, whatever is sent:
  - freshet stays up, and each exchange ends within its time limits;
  - the origin gets only requests that are beyond doubt (strict.py), each one that the client sent, with the same
    method, path and body, and not more often than it was sent;
  - the client gets only answers that are beyond doubt, or visibly cut ones; what is said to be the origin's answer
    has the body that the origin sent;
  - nothing of one exchange is ever seen in another;
  - an ordinary exchange now and then is perfect.
"""
import argparse
import collections
import dataclasses
import pathlib
import random
import re
import socket
import sys
import threading
import time
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import strict  # noqa: E402
from harness import Client, DnsServer, Freshet, Origin, response  # noqa: E402
from harness.http1 import Incomplete, read_request  # noqa: E402
from harness.origin import wait_until  # noqa: E402
from mutate import Mutator  # noqa: E402

THREADS = 3
LIMIT_S = 8  # an exchange takes no longer; freshet's own limits are far below
CONTROL_EVERY = 50
OPTIONS = {"workers": 2, "max_head": "8k", "pool_idle_timeout": "400ms", "timeout_client_idle": "2s",
           "timeout_connect": "1s", "timeout_tunnel": "300ms", "timeout_body": "300ms",
           "timeout_client_head": "300ms", "timeout_origin_head": "300ms"}
PAUSE_S = 0.0004
TOKEN = re.compile(rb"~(([0-9a-f]{4})-([0-9a-f]{8})([a-f]))-([0-9a-f]{4})~")
UNREADABLE = (400, 408, 414, 431, 505)  # answers to what is no request: nobody knows that it was a HEAD
REPEATABLE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "QUERY", "TRACE")


def token_of(number, part, run):
    """What marks everything that belongs to one request; run tells this fuzzer from an earlier one."""
    name = b"%04x-%08x%s" % (run, number, b"abcdef"[part:part + 1])
    return b"~%s-%04x~" % (name, check_of(name))


def check_of(name):
    """Tells a token from one that a mistake made of another."""
    return zlib.crc32(name) & 0xffff


def tokens_in(data, run):
    return {match[0] for match in TOKEN.finditer(data)
            if int(match[2], 16) == run and int(match[5], 16) == check_of(match[1])}


def number_of(token):
    return int(TOKEN.fullmatch(token)[3], 16)


@dataclasses.dataclass
class Case:
    """One exchange: what its client sends, and what came of it."""
    number: int
    data: bytes
    pieces: list
    half_close: bool
    requests: list        # that are whole and beyond doubt
    why_no_more: str | None
    tokens: set
    received: bytes = b""
    reset: bool = False


def make_case(seed, number, authority, run):
    rnd = random.Random(f"{seed}/{number}/client")
    mutator = Mutator(rnd)
    count = rnd.choice([1, 1, 1, 2, 3])
    parts = [mutator.mutate(mutator.request(authority, token_of(number, part, run)), True) for part in range(count)]
    data = b"".join(parts)
    requests, why = strict.requests_in(data)
    half_close = why is not None or rnd.random() < 0.5
    half_close = half_close and rnd.random() < 0.98  # the others are ended by a time limit
    return Case(number, data, mutator.pieces(data), half_close, requests, why, tokens_in(data, run))


class Failures(list):
    """What was wrong, with what is needed to see it again."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def report(self, number, why, *evidence):
        shown = "\n".join(f"    {item!r:.1500}" for item in evidence)
        self.append(f"{why} (seed {self.seed}, exchange {number})\n{shown}")


class FuzzOrigin:
    """Answers by the token in the path, as the mutator of that exchange's number wants."""

    def __init__(self, seed, run, failures):
        self.seed, self.run, self.failures = seed, run, failures
        self.seen = collections.defaultdict(list)  # token: requests
        self.sent = collections.defaultdict(list)  # token: (method, bytes) of answers
        self.lock = threading.Lock()

    def serve(self, conn):
        conn.switched = False
        try:
            while not conn.switched and (request := read_request(conn.source)) is not None:
                if not self.answer(conn, request):
                    return
        except Incomplete:
            pass
        finally:
            self.check_stream(conn)

    def check_stream(self, conn):
        """All that came on this connection was beyond doubt; its last request may have broken off."""
        if conn.received.startswith(b"\x16\x03"):
            return  # a TLS hello: some mistakes make http:// into https://
        requests, why = strict.requests_in(conn.received)
        if why not in (None, "short") and not conn.switched:
            self.failures.report(-1, f"the origin got what is no HTTP: {why}", conn.received)
        with self.lock:
            for request in requests:
                for token in tokens_in(request.start[1].encode("latin-1"), self.run):
                    self.seen[token].append(request)

    def answer(self, conn, request):
        """True when another request may follow."""
        found = sorted(tokens_in(request.target.encode("latin-1"), self.run))
        if request.target.startswith("/control") or not found:
            conn.send(response(b"" if request.method == "HEAD" else request.target.encode(), "X-Control: 1"))
            return True
        token = found[0]
        rnd = random.Random(f"{self.seed}/{number_of(token)}{token[14]}/origin")
        mutator = Mutator(rnd)
        data = mutator.mutate(mutator.response(request.method, token), False)
        with self.lock:
            self.sent[token].append((request.method, data))
        conn.switched = b" 101" in data
        exact = is_exact(data, request.method)
        # A surplus that comes later could not be told from the next answer: it goes out with the answer, at once.
        for piece in mutator.pieces(data) if exact is not None else [data]:
            conn.send(piece)
            time.sleep(PAUSE_S)
        if exact and rnd.random() < 0.9:
            return True
        return self.leave(conn, rnd)

    def leave(self, conn, rnd):
        whim = rnd.random()
        if whim < 0.2:
            conn.reset()
        elif whim < 0.4:
            conn.half_close()
            conn.source.rest()
        elif whim < 0.42:
            conn.source.rest()  # waits, so that a time limit has to end it
        return False


def is_exact(data, method):
    """True: one whole answer that leaves the connection open; None: one with more behind it; else False."""
    reader = strict.Reader(data)
    try:
        message, _ = strict.read_response(reader, method)
    except (strict.Bad, strict.Short):
        return False
    if reader.at < len(data):
        return None
    return message.framing != "close" or message.start[0] in (204, 304) or method == "HEAD"


class Fuzzer:
    """Runs cases against one proxy and one origin, and judges them."""

    def __init__(self, seed, first=0):
        self.seed, self.next_number = seed, first
        self.run_id = random.Random().randrange(0x10000)
        self.failures = Failures(seed)
        self.origin_side = FuzzOrigin(seed, self.run_id, self.failures)
        self.cases = {}
        self.lock = threading.Lock()
        self.outcomes = collections.Counter()

    def run(self, seconds):
        """Until the time is up; what was wrong is in .failures, what happened in .outcomes."""
        deadline = time.monotonic() + seconds
        with DnsServer() as dns, Freshet(**OPTIONS, resolver=dns.option) as proxy:
            with Origin(script=self.origin_side.serve) as origin:
                threads = [threading.Thread(target=self.work, args=(proxy, origin, deadline), daemon=True)
                           for _ in range(THREADS)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(seconds + 10 * LIMIT_S)
                if proxy.process.poll() is not None:
                    self.failures.report(-1, f"freshet is gone: {proxy.stderr()[-3000:]}")
                    return
                self.control(proxy, origin, -1)
                wait_until(lambda: all(conn.closed.is_set() for conn in origin.connections), 4)
        for case in self.cases.values():
            self.judge_forwarded(case)

    def work(self, proxy, origin, deadline):
        while time.monotonic() < deadline and proxy.process.poll() is None and len(self.failures) < 10:
            with self.lock:
                number = self.next_number
                self.next_number += 1
            if number % CONTROL_EVERY == 0:
                self.control(proxy, origin, number)
            case = make_case(self.seed, number, origin.authority.encode(), self.run_id)
            self.cases[number] = case
            try:
                self.exchange(proxy, case)
                self.judge(case)
            except TimeoutError:
                self.failures.report(number, "the exchange does not end", case.data, case.received)
            except OSError as error:
                self.failures.report(number, f"no connection: {error!r}", case.data)

    def control(self, proxy, origin, number):
        """An ordinary exchange, among all that: a GET, which is said again when a pooled connection turns out dead."""
        try:
            with Client(proxy.port, timeout_s=LIMIT_S) as client:
                got = client.get(origin.url(f"/control/{number}"))
        except (OSError, Incomplete, ValueError) as error:
            self.failures.report(number, f"the control exchange failed: {error!r}")
            return
        if (got.status, got.body) != (200, b"/control/%d" % number):
            self.failures.report(number, "the control exchange is not perfect", got, got.body)

    def exchange(self, proxy, case):
        """Send the pieces, then read to the end, or to the answers that are due."""
        with Client(proxy.port, timeout_s=LIMIT_S) as client:
            client.sock.settimeout(LIMIT_S)
            try:
                for piece in case.pieces:
                    client.send(piece)
                    time.sleep(PAUSE_S)
                if case.half_close:
                    client.half_close()
            except OSError:  # gone already; who is told so once is not told again
                case.reset = True
            self.receive(client.sock, case)

    def receive(self, sock, case):
        due = len(case.requests) if not case.half_close and case.why_no_more is None else None
        try:
            while data := sock.recv(65536):
                case.received += data
                answers = answers_to(case)[0] if due else []
                if due and len(answers) >= due and answers[-1].framing not in ("close", "cut"):
                    return
        except ConnectionResetError:
            case.reset = True

    # -- judgement

    def judge(self, case):
        answers, why = answers_to(case)
        strangers = tokens_in(case.received, self.run_id) - case.tokens
        if any(self.belongs_to_another(token, case) for token in strangers):
            self.failures.report(case.number, f"bytes of another exchange: {strangers}", case.data, case.received)
        if why not in (None, "short"):
            self.failures.report(case.number, f"the client got what is no HTTP: {why}", case.data, case.received)
        for request, answer in zip(case.requests + [None] * len(answers), answers):
            self.judge_answer(case, request, answer)
        self.outcomes[answers[0].start[0] if answers else why or "nothing"] += 1

    def belongs_to_another(self, token, case):
        other = self.cases.get(number_of(token))
        return other is not None and other is not case and token in other.tokens

    def judge_answer(self, case, request, answer):
        if answer.all("proxy-status"):
            return  # the proxy's own
        if request is None and answer.all("x-id"):
            self.failures.report(case.number, "an answer to what is no request", case.data, case.received)
        if request is None or answer.framing == "cut" or answer.all("x-control"):
            return
        found = tokens_in(request.start[1].encode("latin-1"), self.run_id)
        sent = [strict_answer(method, data) for token in found for method, data in self.origin_side.sent.get(token, [])]
        if sent and not any(one and one.start == answer.start and one.body == answer.body for one in sent):
            self.failures.report(case.number, "an answer that the origin did not give", case.data, case.received, sent,
                                 [self.origin_side.sent.get(token) for token in found])

    def judge_forwarded(self, case):
        """Everything that reached the origin is what the client sent, and not more often."""
        for token in case.tokens:
            seen = self.origin_side.seen.get(token, [])
            asked = [request for request in case.requests if token in tokens_in(request.start[1].encode(), self.run_id)]
            for request in seen:
                if not any(same_request(request, one) for one in asked):
                    self.failures.report(case.number, "a request that nobody made", case.data, request)
            again = sum(request.start[0] in REPEATABLE and not request.body for request in asked)
            if len(seen) > len(asked) + again:
                self.failures.report(case.number, f"{len(asked)} requests became {len(seen)}", case.data, seen)


def same_request(seen, asked):
    return (seen.start[0], seen.body) == (asked.start[0], asked.body)


def strict_answer(method, data):
    try:
        return strict.read_response(strict.Reader(data), method)[0]
    except (strict.Bad, strict.Short):
        return None


def answers_to(case):
    """The answers at the front of what the client received; the last one may be cut.  Why there are no more."""
    reader, found = strict.Reader(case.received), []
    methods = [request.start[0] for request in case.requests]
    while reader.at < len(case.received):
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        try:
            message, _ = strict.read_response(reader, method)
        except strict.Short as short:
            if short.message:
                short.message.framing = "cut"
                found.append(short.message)
            return found, "short"
        except strict.Bad as bad:
            return found, str(bad)
        if method == "HEAD" and message.start[0] in UNREADABLE and message.all("proxy-status"):
            message.body = reader.take(int(message.all("content-length")[0]))
        if message.framing == "close" and case.reset:
            message.framing = "cut"
        found.append(message)
        if message.start[0] == 101:
            return found, None
    return found, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--first", type=int, default=0, help="number of the first exchange")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    fuzzer = Fuzzer(args.seed, args.first)
    fuzzer.run(args.seconds)
    for failure in fuzzer.failures:
        print(failure)
    print(f"fuzz_exchange: {len(fuzzer.cases)} exchanges, {len(fuzzer.failures)} failures; first outcomes "
          + ", ".join(f"{outcome} {count}" for outcome, count in fuzzer.outcomes.most_common()))
    return 1 if fuzzer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
