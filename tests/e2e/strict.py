"""HTTP/1 read as strictly as RFC 9112 allows, from bytes that are all there, for the fuzzer to judge by.

Independent of the proxy and of harness/http1.py: what it takes for a message is one beyond doubt.  What is not is
reported, never repaired.
"""
import dataclasses
import re

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
FIELD = re.compile(rb"(%s):[ \t]*([\t\x20-\x7e\x80-\xff]*)" % TOKEN)
REQUEST_LINE = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/1\.([01])" % TOKEN)
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
INTERIM_MAX = 16


class Bad(Exception):
    """Not HTTP, or HTTP that two readers could take for different messages."""


class Short(Exception):
    """The bytes end before the message does; .message is what there is of it, or None."""

    def __init__(self, message=None):
        super().__init__()
        self.message = message


@dataclasses.dataclass
class Message:
    """One message: of its start line (method, target) or status, its fields, the body without framing."""
    start: tuple
    minor: int
    fields: list
    body: bytes = b""
    framing: str = "none"

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name]


class Reader:
    """A position in bytes."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def line(self):
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise Short
        line = self.data[self.at:end]
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Bad("a bare CR or LF")
        self.at = end + 1
        return line[:-1]

    def take(self, count):
        part = self.data[self.at:self.at + count]
        self.at += len(part)
        return part

    def fields(self):
        found = []
        while line := self.line():
            match = FIELD.fullmatch(line)
            if not match:
                raise Bad(f"not a field: {line[:80]!r}")
            found.append((match[1].decode(), match[2].rstrip(b" \t").decode("latin-1")))
        return found


def length_of(message):
    values = message.all("content-length")
    if len(values) > 1 or (values and not re.fullmatch("[0-9]{1,18}", values[0])):
        raise Bad(f"Content-Length: {values}")
    return int(values[0]) if values else None


def is_chunked(message):
    values = message.all("transfer-encoding")
    if values and (len(values) > 1 or values[0].lower() != "chunked" or message.minor == 0):
        raise Bad(f"Transfer-Encoding: {values}")
    return bool(values)


def read_chunks(reader, message):
    message.framing = "chunked"
    try:
        while True:
            line = reader.line()
            match = CHUNK_LINE.fullmatch(line)
            if not match:
                raise Bad(f"not a chunk line: {line[:80]!r}")
            size = int(match[1], 16)
            if size == 0:
                reader.fields()
                return
            part = reader.take(size)
            message.body += part
            if len(part) < size:
                raise Short
            if reader.line() != b"":
                raise Bad("a chunk without its end")
    except Short:
        raise Short(message) from None


def read_body(reader, message, until_close):
    """The body that the fields announce; until_close: without any, all there is."""
    chunked, length = is_chunked(message), length_of(message)
    if chunked and length is not None:
        raise Bad("two framings")
    if chunked:
        read_chunks(reader, message)
    elif length is not None:
        message.framing = "length"
        message.body = reader.take(length)
        if len(message.body) < length:
            raise Short(message)
    elif until_close:
        message.framing = "close"
        message.body = reader.take(len(reader.data))


def read_request(reader):
    if reader.data.startswith(b"\r\n", reader.at):
        reader.at += 2
    match = REQUEST_LINE.fullmatch(reader.line())
    if not match:
        raise Bad("not a request line")
    message = Message((match[1].decode(), match[2].decode()), int(match[3]), reader.fields())
    hosts = len(message.all("host"))
    if hosts > 1 or (hosts == 0 and message.minor):
        raise Bad(f"{hosts} Host fields")
    read_body(reader, message, until_close=False)
    return message


def read_response(reader, method):
    """The final response and how many interim ones came before it."""
    interim = 0
    while True:
        match = STATUS_LINE.fullmatch(reader.line())
        if not match:
            raise Bad("not a status line")
        message = Message((int(match[2]),), int(match[1]), reader.fields())
        status = message.start[0]
        if status >= 200 or status == 101:
            break
        interim += 1
    if status in (101, 204, 304) or method == "HEAD":
        is_chunked(message), length_of(message)
        return message, interim
    read_body(reader, message, until_close=True)
    return message, interim


def requests_in(data):
    """The whole requests at the front of a stream, and why there are no more: None, "short" or what is bad."""
    reader, found = Reader(data), []
    while reader.at < len(data):
        if data[reader.at:] == b"\r\n":
            break
        try:
            found.append(read_request(reader))
        except Short:
            return found, "short"
        except Bad as bad:
            return found, str(bad)
    return found, None
