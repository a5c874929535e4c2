"""A raw-socket HTTP client: sends the bytes it is told to, reads what comes back."""
import socket
import struct
import time

from .http1 import Source, read_response

TIMEOUT_S = 15


class Client:
    """One connection to the proxy, from the address `source` if given.  Usable as a context manager."""

    def __init__(self, port, host="127.0.0.1", timeout_s=TIMEOUT_S, receive_buffer=None, source=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((host, port))
        self.source = Source(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_in_two(self, data, at, pause_s=0.0004):
        """Send data so that the peer can read data[:at] before the rest is there."""
        self.send(data[:at])
        time.sleep(pause_s)
        self.send(data[at:])

    def request(self, method, url, *fields, body=b"", version="HTTP/1.1"):
        """Send one request with a Host made from the URL; fields are "Name: value"."""
        self.send(request_bytes(method, url, *fields, body=body, version=version))

    def exchange(self, method, url, *fields, body=b"", version="HTTP/1.1"):
        self.request(method, url, *fields, body=body, version=version)
        return self.response(method)

    def get(self, url, *fields):
        return self.exchange("GET", url, *fields)

    def response(self, method="GET"):
        return read_response(self.source, method)

    def connect_to(self, authority):
        """Open a CONNECT tunnel; returns the proxy's answer."""
        self.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        return self.response("CONNECT")

    def read_head(self):
        return self.source.until(b"\r\n\r\n")

    def read_exactly(self, count):
        return self.source.exactly(count)

    def read_to_end(self):
        """All bytes until the proxy closes (a reset counts as the end, too)."""
        try:
            return self.source.rest()
        except ConnectionResetError:
            return b""

    def closed_by_peer(self):
        """True when the proxy closes without sending anything more."""
        return self.read_to_end() == b""

    def silent_for(self, seconds):
        """True when nothing arrives for that long and the connection stays open."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            self.source.buffer or self.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(before)
        return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def request_bytes(method, url, *fields, body=b"", version="HTTP/1.1"):
    host = url.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0]
    lines = [f"{method} {url} {version}", f"Host: {host}", *fields]
    has_framing = any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in fields)
    if body and not has_framing:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
