"""Mixed load with faults on both sides, for test_faults.

What the origin is to do travels in the query of each request, its number comes back in X-Id and
the checksum of what it was sent in X-Got: so each answer can be judged by itself, whichever
client reads it and whatever went before.  All choices follow from one seed.
"""
import dataclasses
import random
import socket
import threading
import time
import urllib.parse
import zlib

from harness import Client, chunked, response
from harness.client import request_bytes
from harness.http1 import Incomplete, read_request

STRANGER = response(b"STRANGER")
LIMIT_S = 8  # no client waits longer than this for anything

# What the origin does, and the status that a GET must then get, alone on its connection.
FAULTS = {"ok": 200, "slow": 200, "interim": 200, "extra": 200, "drip": 200, "close-after": 200,
          "reset": 502, "close": 502, "junk": 502, "too-many-interim": 502, "early": 413,
          "reset-upload": 200, "cut": None}
INTERIM = {"interim": (1, 16), "too-many-interim": (17, 30)}
WEIGHTS = [12] + [1] * (len(FAULTS) - 1)
EXPECTED = (200, 400, 413, 502)


def pattern(number, size):
    """size bytes that no other number has."""
    return (b"%013d," % number * (size // 14 + 1))[:size]


@dataclasses.dataclass
class Plan:
    """One request: how it is sent and what the origin does with it."""
    method: str
    size: int
    fault: str
    framing: str
    number: int
    upload: bytes = b""
    upload_chunked: bool = False

    @classmethod
    def random(cls, rnd):
        method = rnd.choice(["GET"] * 3 + ["HEAD", "POST", "PUT", "POST"])
        size = rnd.choice([0, 1, 10, 1000, 70000, 1500000]) if rnd.random() < 0.5 else 100
        plan = cls(method, size, rnd.choices(list(FAULTS), WEIGHTS)[0],
                   rnd.choice(["length", "length", "chunked", "close"]), rnd.getrandbits(40))
        if method == "HEAD":
            plan.framing, plan.size = "length", 0
            plan.fault = "ok" if plan.fault in ("cut", "drip", "extra") else plan.fault
        if method in ("POST", "PUT"):
            plan.upload_chunked = method == "POST" and rnd.random() < 0.5
            plan.upload = pattern(plan.number, rnd.choice([1, 5, 3000, 100000, 400000]))
        return plan

    def wire(self, origin):
        url = origin.url(f"/?size={self.size}&fault={self.fault}&framing={self.framing}&id={self.number}")
        if self.upload_chunked:
            return request_bytes(self.method, url, "Transfer-Encoding: chunked", body=chunked(self.upload))
        return request_bytes(self.method, url, body=self.upload)

    def judge(self, answer, also=()):
        """Raise unless the answer is the one to this request, whole and byte for byte.  `also`: more failures allowed."""
        assert answer.status in (*EXPECTED, *also), f"status {answer.status}"
        if answer.status != 200:
            return
        assert answer.one("X-Id") == str(self.number), f"the answer to {answer.one('X-Id')}"
        assert answer.one("X-Got") == str(zlib.crc32(self.upload)), "the upload was not whole"
        assert answer.one("Cache-Control").startswith("no-cache")
        if self.method == "HEAD":
            return
        want = pattern(self.number, self.size)
        if self.framing == "close" and self.fault in ("cut", "extra"):  # all of it is the body
            assert want.startswith(answer.body) or answer.body == want + STRANGER, "other bytes"
            return
        assert answer.body == want, f"{len(answer.body)} bytes of {self.size}"

    def judge_alone(self, status):
        """A GET alone on its connection has one outcome only; None: none is certain."""
        want = FAULTS[self.fault] if self.method == "GET" else None
        assert want in (None, status), f"{status} instead of {want}"


def misbehave(conn):
    """The origin's script: answers until a request asks for the end of the connection."""
    conn.source.limit = 0
    while (head := conn.source.until(b"\r\n\r\n")) is not None:
        query = dict(urllib.parse.parse_qsl(head.split(b" ", 2)[1].decode().partition("?")[2]))
        rnd = random.Random(query.get("id", ""))
        fault = query.get("fault", "ok")
        conn.source.buffer = head + conn.source.buffer
        if fault == "reset" or (fault == "reset-upload" and not head.startswith((b"GET", b"HEAD"))):
            time.sleep(rnd.random() * 0.002)
            conn.reset()
            return
        if fault == "early":
            conn.send(response(b"no", "Connection: close", status="413 No"))
            time.sleep(rnd.random() * 0.05)
            return
        request = read_request(conn.source)
        if fault == "close" or not answer(conn, rnd, query, request):
            return


def answer(conn, rnd, query, request):
    """Answer one whole request; false when the connection is to end."""
    fault, framing = query.get("fault", "ok"), query.get("framing", "length")
    if fault == "junk":
        conn.send(rnd.randbytes(50) + b"\r\n\r\n")
        return False
    if fault == "slow":
        time.sleep(rnd.random() * 0.2)
    if fault in INTERIM:
        conn.send(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * rnd.randint(*INTERIM[fault]))
    out = ordinary(rnd, int(query["id"]), int(query["size"]), framing, request.body)
    if fault == "cut":
        conn.send(out[:max(20, len(out) // 2)])
        if rnd.random() < 0.5:
            conn.reset()
        return False
    if fault == "drip":
        step = max(1, len(out) // 20)
        for at in range(0, len(out), step):
            conn.send(out[at:at + step])
            time.sleep(0.002)
    else:
        conn.send(out + (STRANGER if fault == "extra" else b""))
    return framing != "close" and fault != "close-after"


def ordinary(rnd, number, size, framing, upload):
    body = pattern(number, size)
    fields = ["Cache-Control: max-age=5", f"X-Id: {number}", f"X-Got: {zlib.crc32(upload)}"]
    if framing == "length":
        return response(body, *fields)
    if framing == "close":
        return response(b"", *fields, length=False) + body
    parts = []
    while body:
        cut = rnd.randint(1, 70000)
        parts.append(body[:cut])
        body = body[cut:]
    trailers = ["X-Trailer: 1"] if size % 2 else []
    head = response(b"", *fields, "Transfer-Encoding: chunked", length=False)
    return head + chunked(*parts, trailers=trailers)


class Visitor(threading.Thread):
    """One client after the other until the deadline; what was wrong is in .problems.

    Where the proxy's own calls fail (lossy), a request alone on its connection may fail too, in any visible way.
    """

    def __init__(self, proxy, origin, seed, deadline, lossy=False):
        super().__init__(daemon=True)
        self.lossy = lossy
        self.proxy, self.origin, self.deadline = proxy, origin, deadline
        self.rnd = random.Random(seed)
        self.problems = []
        self.answers = []
        self.tunnels = 0

    def run(self):
        while time.monotonic() < self.deadline:
            plans = []
            try:
                with Client(self.proxy.port, timeout_s=LIMIT_S) as client:
                    self.visit(client, plans)
            except TimeoutError:
                self.problems.append(("waits too long", plans))
            except (AssertionError, ValueError) as problem:
                self.problems.append((repr(problem), plans))
            except (OSError, Incomplete):
                pass  # cut off, and told so; judge_alone() has seen the cases where it must not be

    def visit(self, client, plans):
        if self.rnd.random() < 0.08:
            self.tunnel(client)
            return
        for _ in range(self.rnd.randint(1, 8)):
            plans[:] = [Plan.random(self.rnd) for _ in range(self.rnd.choice([1, 1, 1, 1, 2, 6]))]
            data, whim = b"".join(plan.wire(self.origin) for plan in plans), self.rnd.random()
            part = data[:self.rnd.randint(1, len(data))]
            if whim < 0.05:
                client.send(part)
                client.reset()
                return
            if whim < 0.08:
                client.send(part)
                client.half_close()
            alone = len(plans) == 1 and whim >= 0.08
            if not self.read_answers(client, plans, b"" if whim < 0.08 else data, alone):
                return

    def read_answers(self, client, plans, data, alone):
        """Send while reading; false when the proxy said that it closes."""
        sender = threading.Thread(target=send_what_it_takes, args=(client, data), daemon=True)
        sender.start()
        try:
            for plan in plans:
                got = self.read_answer(client, plan, alone)
                self.answers.append(got.status)
                if got.all("Connection") == ["close"]:
                    return False
            return True
        except (OSError, Incomplete):
            shut_down(client)
            raise
        finally:
            sender.join(LIMIT_S)

    def read_answer(self, client, plan, alone):
        try:
            got = client.response(plan.method)
        except TimeoutError:
            raise
        except (OSError, Incomplete):
            if alone and not self.lossy:
                plan.judge_alone("no answer")
            raise
        plan.judge(got, (503, 500) if self.lossy else ())
        if alone and not self.lossy:
            plan.judge_alone(got.status)
        return got

    def tunnel(self, client):
        number, size = self.rnd.getrandbits(40), self.rnd.choice([10, 1000000])
        status = client.connect_to(self.origin.authority).status
        if self.lossy and status in (502, 503):
            return
        assert status == 200
        plan = Plan("GET", size, "ok", "length", number)
        client.send(plan.wire(self.origin))
        if self.rnd.random() < 0.3:
            client.reset()
            return
        got = client.response()
        assert (got.status, got.body) == (200, pattern(number, size)), "tunnel"
        self.tunnels += 1


def send_what_it_takes(client, data):
    try:
        client.send(data)
    except OSError:
        shut_down(client, socket.SHUT_WR)


def shut_down(client, how=socket.SHUT_RDWR):
    try:
        client.sock.shutdown(how)
    except OSError:
        pass
