"""A scripted origin server on a raw socket, one thread per connection.

Either answers every request the same way (bytes, or a function of the request), or runs a
script per connection that may send what it likes, when it likes.  It remembers each byte
that it received, so that a test can say what the proxy really sent.
"""
import socket
import struct
import threading
import time

from .http1 import Incomplete, Source, read_request, response

TIMEOUT_S = 20


class OriginConn:
    """One accepted connection: index, the requests read so far, all received bytes."""

    def __init__(self, sock, index):
        self.sock = sock
        self.index = index
        self.requests = []
        self.source = RecordingSource(sock)
        self.closed = threading.Event()

    @property
    def received(self):
        return bytes(self.source.record)

    def read_request(self):
        request = read_request(self.source)
        if request is not None:
            self.requests.append(request)
        return request

    def read_head_only(self):
        """The head of the next request, its body left unread."""
        return self.source.until(b"\r\n\r\n")

    def send(self, data):
        self.sock.sendall(data)

    def send_in_two(self, data, at, pause_s=0.0004):
        self.send(data[:at])
        time.sleep(pause_s)
        self.send(data[at:])

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


class RecordingSource(Source):
    def __init__(self, sock):
        super().__init__(sock)
        self.record = bytearray()
        self.limit = 1 << 20

    def fill(self):
        data = self.sock.recv(65536)
        if len(self.record) < self.limit:
            self.record += data
        self.buffer += data
        return bool(data)


class Origin:
    """Listens on loopback; .url("/path") names it, .requests is what it was asked."""

    def __init__(self, answer=None, script=None, host="127.0.0.1"):
        self.answer = response(b"hello") if answer is None else answer
        self.script = script or self.answer_all
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family, backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.connections = []
        self.failures = []
        self.lock = threading.Lock()
        self.stopping = False

    def __enter__(self):
        self.thread = threading.Thread(target=self.accept_all, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop_listening()
        for conn in list(self.connections):
            if not conn.closed.wait(0.05):
                shut(conn.sock)
            conn.closed.wait(2)
        if kind is None and self.failures:
            raise self.failures[0]

    def stop_listening(self):
        """Refuse new connections from here on; the accepted ones stay."""
        self.stopping = True
        shut(self.listener)
        self.listener.close()
        self.thread.join(2)

    @property
    def authority(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def url(self, path="/"):
        return f"http://{self.authority}{path}"

    @property
    def requests(self):
        return [request for conn in self.connections for request in conn.requests]

    @property
    def last(self):
        return self.requests[-1]

    def wait_for_connections(self, count, timeout_s=10):
        return wait_until(lambda: len(self.connections) >= count, timeout_s)

    def wait_for_requests(self, count, timeout_s=10):
        return wait_until(lambda: len(self.requests) >= count, timeout_s)

    def accept_all(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = OriginConn(sock, len(self.connections))
            self.connections.append(conn)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            self.script(conn)
        except (OSError, Incomplete):
            pass
        except Exception as failure:  # pylint: disable=broad-except
            self.failures.append(failure)
        finally:
            conn.sock.close()
            conn.closed.set()

    def answer_all(self, conn):
        while (request := conn.read_request()) is not None:
            answer = self.answer(request) if callable(self.answer) else self.answer
            conn.send(answer)
            if b"connection: close" in answer.split(b"\r\n\r\n")[0].lower():
                return


def shut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def wait_until(fact, timeout_s=10):
    """Poll until fact() is true; the last value of it is returned."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = fact()
        if value:
            return value
        time.sleep(0.005)
    return fact()
