"""A small HTTP/1 reader and writer for the peers of the proxy.

Reads exactly one message from a byte source and keeps it as it was on the wire: order and
letter case of fields, chunk lines, trailers.  It judges nothing; the tests do.
"""
import re


class Incomplete(Exception):
    """The peer closed in the middle of a message; .message holds what had arrived."""

    def __init__(self, message, why):
        super().__init__(f"{why}: {message!r}")
        self.message = message


class Source:
    """Bytes from a socket with put-back; read_some() returns b"" at the end of the stream."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def fill(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def until(self, mark):
        """Everything up to and including mark, or None when the stream ends first."""
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            start = max(0, len(self.buffer) - len(mark) + 1)
            if not self.fill():
                return None

    def exactly(self, count):
        """count bytes, fewer when the stream ends first."""
        parts, have = [], 0
        while have < count:
            if not self.buffer and not self.fill():
                break
            part = self.take(min(len(self.buffer), count - have))
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def rest(self):
        parts = [self.take(len(self.buffer))]
        while self.fill():
            parts.append(self.take(len(self.buffer)))
        return b"".join(parts)

    def take(self, count):
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part


class Message:
    """Start line, fields as (name, value) in wire order, body without framing, trailers."""

    def __init__(self, head):
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.fields = [field(line) for line in lines[1:] if line]
        self.body = b""
        self.trailers = []
        self.chunk_lines = []
        self.framing = "none"

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def one(self, name):
        """The value of a field that must occur once and once only."""
        values = self.all(name)
        assert len(values) == 1, f"{name} occurs {len(values)} times in {self.head!r}"
        return values[0]

    def has(self, name):
        return bool(self.all(name))

    def names(self):
        return [name for name, _ in self.fields]

    def trailer(self, name):
        return [value for key, value in self.trailers if key.lower() == name.lower()]

    def __repr__(self):
        return f"<{type(self).__name__} {self.head!r} body={len(self.body)} {self.framing}>"


class Request(Message):
    def __init__(self, head):
        super().__init__(head)
        self.method, self.target, self.version = self.start.split(" ", 2)


class Response(Message):
    def __init__(self, head):
        super().__init__(head)
        self.version, status, self.reason = (self.start.split(" ", 2) + [""])[:3]
        self.status = int(status)
        self.interim = []


def field(line):
    name, _, value = line.partition(":")
    return name, value.strip(" \t")


def read_request(source):
    """The next request, or None when the peer closed between two of them."""
    head = source.until(b"\r\n\r\n")
    if head is None:
        if source.buffer.strip():
            raise Incomplete(source.buffer, "stream ended inside a request head")
        return None
    request = Request(head)
    if request.method != "CONNECT":
        read_body(source, request, until_close=False)
    return request


def read_response(source, method="GET"):
    """The next final response; interim ones are kept in .interim."""
    interim = []
    while True:
        head = source.until(b"\r\n\r\n")
        if head is None:
            raise Incomplete(source.buffer, "stream ended before a response head")
        response_ = Response(head)
        if response_.status == 101 or response_.status >= 200:
            break
        interim.append(response_)
    response_.interim = interim
    if not bodyless(response_, method):
        read_body(source, response_, until_close=True)
    return response_


def bodyless(response_, method):
    if method == "CONNECT" and 200 <= response_.status < 300:
        return True
    return method == "HEAD" or response_.status in (101, 204, 304)


def read_body(source, message, until_close):
    if message.has("Transfer-Encoding"):
        message.framing = "chunked"
        read_chunks(source, message)
    elif message.has("Content-Length"):
        message.framing = "length"
        length = int(message.one("Content-Length"))
        message.body = source.exactly(length)
        if len(message.body) < length:
            raise Incomplete(message, f"body ended after {len(message.body)} of {length} bytes")
    elif until_close:
        message.framing = "close"
        message.body = source.rest()


def read_chunks(source, message):
    parts = []
    while True:
        line = source.until(b"\r\n")
        if line is None:
            message.body = b"".join(parts)
            raise Incomplete(message, "stream ended before the last chunk")
        message.chunk_lines.append(line)
        size = int(re.split(rb"[;\r]", line)[0], 16)
        if size == 0:
            break
        data = source.exactly(size)
        parts.append(data)
        message.body = b"".join(parts) if len(data) < size else message.body
        if len(data) < size or source.exactly(2) != b"\r\n":
            raise Incomplete(message, "chunk data ended early")
    message.body = b"".join(parts)
    read_trailers(source, message)


def read_trailers(source, message):
    while True:
        line = source.until(b"\r\n")
        if line is None:
            raise Incomplete(message, "stream ended inside the trailers")
        if line == b"\r\n":
            return
        message.trailers.append(field(line[:-2].decode("latin-1")))


def response(body=b"", *fields, status="200 OK", length=True):
    """The bytes of an ordinary response; fields are given as "Name: value"."""
    lines = [f"HTTP/1.1 {status}", *fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*parts, trailers=()):
    """A chunked body of the given parts, last chunk and trailers included."""
    out = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    lines = "".join(f"{line}\r\n" for line in trailers)
    return out + b"0\r\n" + lines.encode("latin-1") + b"\r\n"
