"""Many bad peers at once, and a good client beside them that wants to be served all the while."""
import re
import selectors
import threading
import time

from .client import Client
from .proxy import sanitized

# The machine is shared and so is Python's lock; an attack that bites costs a timeout or more.
PROMPT_S = 3.0 if sanitized() else 1.0
LEAST_ANSWERS = 5


class GoodClient(threading.Thread):
    """Asks for a URL again and again on its own connection; fails where an answer is wrong or late."""

    def __init__(self, proxy, url, body=b"hello"):
        super().__init__(daemon=True)
        self.proxy, self.url, self.body = proxy, url, body
        self.over = threading.Event()
        self.answers, self.slowest_s, self.failure = 0, 0.0, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.join(10)
        if kind is None:
            assert self.failure is None, f"the good client failed: {self.failure!r}"
            assert self.answers >= LEAST_ANSWERS, f"only {self.answers} answers"
            assert self.slowest_s < PROMPT_S, f"an answer took {self.slowest_s:.3f} s"

    def run(self):
        try:
            with self.proxy.client(timeout_s=8) as client:
                while self.answers < LEAST_ANSWERS or not self.over.wait(0.01):
                    self.ask(client)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def ask(self, client):
        began = time.monotonic()
        answer = client.get(self.url)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        assert (answer.status, answer.body) == (200, self.body)
        self.answers += 1


class Attackers:
    """Connections that keep sending pieces of bytes and notice when they are closed."""

    def __init__(self, proxy, count, first=b"", **options):
        self.clients = [Client(proxy.port, host=proxy.host, **options) for _ in range(count)]
        self.received = {client: bytearray() for client in self.clients}
        self.ended = set()
        self.selector = selectors.DefaultSelector()
        for client in self.clients:
            client.send(first)
            client.sock.setblocking(False)
            self.selector.register(client.sock, selectors.EVENT_READ, client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.selector.close()
        for client in self.clients:
            client.close()

    def read(self, wait_s):
        """What comes within wait_s is kept; ends are noticed."""
        for key, _ in self.selector.select(wait_s):
            client = key.data
            try:
                data = client.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            self.received[client] += data
            if not data:
                self.ended.add(client)
                self.selector.unregister(client.sock)

    def send(self, piece):
        for client in self.clients:
            if client in self.ended:
                continue
            try:
                client.sock.send(piece)
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                pass  # the answer, if any, is still to be read

    def until_all_ended(self, piece=b"", every_s=0.05, at_most_s=6):
        """Sends a piece on each every so often; returns what each received.  Fails when some are never closed."""
        began = time.monotonic()
        while len(self.ended) < len(self.clients):
            assert time.monotonic() - began < at_most_s, f"{len(self.clients) - len(self.ended)} are still open"
            if piece:
                self.send(piece)
            self.settle(every_s)
        return [bytes(data) for data in self.received.values()]

    def settle(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.selector.get_map():
            self.read(left)


def peak_kib(proxy):
    """The most memory that the process ever had."""
    with open(f"/proc/{proxy.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


def warm_up(proxy, url):
    """Touches every slot of the ring that leads to the access log; returns the peak after that."""
    with proxy.client() as client:
        for _ in range(1200):
            assert client.get(url).status == 200
    return peak_kib(proxy)


def assert_peak(proxy, before, count, each_kib):
    """The peak rose by no more than so much for each of so many peers, and 2 MiB for the rest."""
    bound = count * each_kib + 2048
    if sanitized():  # red zones, quarantine, shadow
        bound = 4 * bound + 65536
    grown = peak_kib(proxy) - before
    print(f"{count} peers raised the peak by {grown} KiB; {bound} are allowed")  # shown with -rP
    assert grown < bound, f"the peak rose by {grown} KiB, more than {bound}"
