"""Plays one row of the payload table against a running freshet, and holds every byte against it.

One thread drives client and origin with poll: the origin answers as soon as it has as many bytes as it may
see, whatever they are, so that no parser of ours stands between.  Behind each row goes a probe, an ordinary
request, that shows whether both connections are where the row says.

Sent in small pieces, everything must come to the same, but for how chunks are joined.
"""
import re
import select
import socket
import time

from payloads import DATE, MARK, wire

TIMEOUT_S = 3
WHOLE = 1 << 30                               # a piece that holds everything
PROBE = ["GET http://{host}/probe HTTP/1.1", "Host: {host}", ""]
PROBE_SEEN = ["GET /probe HTTP/1.1", "Host: {host}", "{busted}", ""]
PROBE_ANSWER = ["HTTP/1.1 200 OK", "Content-Length: 5", "", "probe\\"]
PROBE_ANSWER_SEEN = ["HTTP/1.1 200 OK", "Content-Length: 5", "{nostore}", "", "probe\\"]

# Title and meaning of the answers that freshet makes itself, and their Proxy-Status error.
ANSWERS = {
    "400": ("Bad Request", "Bad request", "http_request_error",
            "The program that asked sent something that is not a proper HTTP request."),
    "400/tls": ("Bad Request", "TLS was sent to a plain HTTP port", "http_request_error",
                "The program spoke TLS to the proxy itself. "
                "Set the proxy's address with http://, also for https pages."),
    "404": ("Not Found", "There is no such page here", "",
            "This address belongs to the proxy itself, and it has no page of that name."),
    "414": ("URI Too Long", "The address is too long", "http_request_error",
            "The requested URL is longer than the proxy's limit, its max-target option."),
    "421": ("Misdirected Request", "This is a proxy, not that site", "",
            "The request came as if to a web server. "
            "Set this address as HTTP proxy in the program that asked."),
    "431": ("Request Header Fields Too Large", "The request's fields are too large", "http_request_error",
            "The head of the request, often its cookies, exceeds the proxy's limits max-head or max-fields."),
    "502": ("Bad Gateway", "The server's answer is not proper HTTP", "http_protocol_error",
            "What the server sent could be misunderstood, so the proxy does not pass it on."),
    "502/incomplete": ("Bad Gateway", "The server's answer broke off", "http_response_incomplete",
                       "The server closed the connection in the middle of its answer."),
    "502/tls": ("Bad Gateway", "The server speaks TLS on this port", "http_protocol_error",
                "The address says http, but the server answers with TLS. Try https."),
    "502/large": ("Bad Gateway", "The answer's fields are too large", "http_response_header_section_size",
                  "The head of the server's answer exceeds the proxy's limits max-head or max-fields."),
    "505": ("HTTP Version Not Supported", "This HTTP version is not spoken here", "http_request_error",
            "The proxy speaks HTTP/1.0 and HTTP/1.1."),
}


POLICIES = {
    "any": "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n",
    "own page": "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'\r\nCross-Origin-Resource-Policy: same-origin\r\nX-Frame-Options: DENY\r\n"
                "Referrer-Policy: no-referrer\r\n",
}


def own_answer(verdict, port, method):
    """Every byte of an answer that freshet makes itself."""
    phrase, title, error, meaning = ANSWERS[verdict.kind]
    status = verdict.kind[:3]
    authority = verdict.authority.replace("{host}", f"127.0.0.1:{port}").replace("{port}", str(port))
    body = f"{status} {title}\n{authority}{authority and chr(10)}\n{meaning}\n"
    body += f"In detail: {verdict.reason}.\n" if verdict.reason else ""
    body += "(said by the proxy freshet, not by the site)\n"
    return (f"HTTP/1.1 {status} {phrase}\r\nDate: {DATE}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Cache-Control: no-cache, no-store, must-revalidate\r\nPragma: no-cache\r\nExpires: 0\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            + POLICIES["own page" if status in ("404", "421") else "any"] +
            f"Proxy-Status: freshet{error and f'; error={error}'}; details=\"{verdict.reason or title}\"\r\n"
            + ("Connection: close\r\n" if verdict.closes else "") + "\r\n"
            + ("" if method == "HEAD" else body)).encode()


def without_mark(data):
    """Via with the mark of this process replaced: the only bytes of a relayed message that a row cannot know."""
    return re.sub(rb"(?m)^(Via: (?:[^\r]*, )?1\.[01] freshet )\([0-9a-f]{8}\)\r$",
                  rb"\1(" + MARK.encode() + rb")\r", data)


def without_date(data):
    """Date of an answer made by freshet replaced."""
    date = rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
    return re.sub(rb"\r\nDate: " + date + rb"\r\n", b"\r\nDate: " + DATE.encode() + b"\r\n", data, count=1)


def unchunked(data):
    """Messages with their chunked bodies joined: freshet joins chunks that come together, and only those.

    Returns the text, with {0} for the end of such a body, and the rest from a chunk on that is not complete.
    """
    out = b""
    while b"\r\n\r\n" in data:
        head, data = re.match(rb"(?s)(.*?\r\n\r\n)(.*)", data).groups()
        out += head
        if b"\r\ntransfer-encoding: chunked\r\n" not in head.lower():
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", head)
            size = int(length[1]) if length else 0
            out, data = out + data[:size], data[size:]
            continue
        while chunk := re.match(rb"([1-9a-f][0-9a-f]*)\r\n", data):
            end = chunk.end() + int(chunk[1], 16)
            if data[end:end + 2] != b"\r\n":
                return out, data
            out, data = out + data[chunk.end():end], data[end + 2:]
        if not data.startswith(b"0\r\n"):
            return out, data
        out, data = out + b"{0}", data[3:]
        if data.startswith(b"\r\n"):
            data = data[2:]
    return out + data, b""


class Peer:
    """One socket and all bytes that came over it."""

    def __init__(self, sock):
        self.sock = sock
        self.got = b""
        self.ended = False

    def read(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.got += data
        self.ended = not data


class Stage:
    """A client, a listening origin of its own, and whatever connects to it.  Both send `piece` bytes at a time."""

    def __init__(self, proxy_port, piece=WHOLE):
        self.proxy_port = proxy_port
        self.piece = piece
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.origins = []
        self.clients = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in [*self.clients, *self.origins]:
            peer.sock.close()
        self.listener.close()

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.proxy_port), TIMEOUT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients.append(Peer(sock))
        return self.clients[-1]

    def accept(self):
        sock, _ = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.origins.append(Peer(sock))

    def received(self):
        return b"".join(peer.got for peer in self.origins)

    def send(self, peer, data):
        piece = max(self.piece, len(data) // 256)
        try:
            for at in range(0, len(data), piece):
                peer.sock.sendall(data[at:at + piece])
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before its end: the answer tells why

    def text(self, data):
        """What is compared, and the rest that counts when all is over."""
        return (data, b"") if self.piece == WHOLE else unchunked(data)

    def has(self, data, expected):
        return len(self.text(data)[0]) >= len(self.text(expected)[0])

    def compare(self, what, got, may):
        got, may = b"".join(self.text(got)), b"".join(self.text(may))
        assert got == may, f"{what}\n{lines(got)}\ninstead of\n{lines(may)}"

    def play(self, client, script, is_over, since=0):
        """Answer by the script, [(bytes seen since then, answer), ...], and read until is_over()."""
        script = list(script)
        end = time.monotonic() + TIMEOUT_S
        while True:
            while script and self.origins and self.has(self.received()[since:], script[0][0]):
                self.send(self.origins[-1], script.pop(0)[1])
            if (not script and is_over()) or time.monotonic() > end:
                return
            peers = [peer for peer in [client, *self.origins] if not peer.ended]
            ready, _, _ = select.select([self.listener, *(peer.sock for peer in peers)], [], [], 0.25)
            for peer in peers:
                if peer.sock in ready:
                    peer.read()
            if self.listener in ready:
                self.accept()

    def nothing_dials(self):
        return not select.select([self.listener], [], [], 0)[0]


def origin_script(row, port):
    """What the origin has seen when it sends what."""
    steps, seen = [], b""
    for kind, part in row.script:
        if kind == ">>":
            seen += wire(part, port)
        else:
            steps.append((seen, wire(part, port)))
    return steps


def play_row(stage, row):
    """The bytes that origin and client saw, and those they may see."""
    may_reach = b"".join(wire(part, stage.port) for part in row.forwarded)
    may_return = own_answer(row.verdict, stage.port, row.method) if row.verdict else b""
    if row.sees:
        may_return = wire(row.sees, stage.port) + may_return
    client = stage.connect()
    stage.send(client, wire(row.sends, stage.port))
    if "client ends" in row.notes:
        shut(client.sock)

    def is_over():
        if "origin ends" in row.notes and stage.origins and stage.has(stage.received(), may_reach):
            shut(stage.origins[-1].sock)
        if row.client_is_closed and not client.ended:
            return False
        if row.reaches_origin and row.origin_is_closed and not all(peer.ended for peer in stage.origins):
            return False
        return stage.has(client.got, may_return) and stage.has(stage.received(), may_reach)

    stage.play(client, origin_script(row, stage.port), is_over)
    own = DATE.encode() in may_return
    return without_mark(stage.received()), may_reach, without_date(client.got) if own else client.got, may_return


def shut(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def probe(stage, row):
    """An ordinary request, over the row's own connections where those must have stayed."""
    is_tunnel = "becomes a tunnel" in row.notes
    client = stage.connect() if row.client_is_closed or is_tunnel else stage.clients[0]
    reached, returned, origins_before = stage.received(), client.got, len(stage.origins)
    may_reach, may_return = wire(PROBE_SEEN, stage.port), wire(PROBE_ANSWER_SEEN, stage.port)
    client.sock.sendall(wire(PROBE, stage.port))
    stage.play(client, [(may_reach, wire(PROBE_ANSWER, stage.port))],
               lambda: len(client.got) >= len(returned) + len(may_return), since=len(reached))
    stage.compare("the origin saw of the next request", without_mark(stage.received()[len(reached):]), may_reach)
    stage.compare("the client saw of the next answer", client.got[len(returned):], may_return)
    fresh = len(stage.origins) - origins_before
    if row.reaches_origin and not row.origin_is_closed and not is_tunnel:
        assert fresh == 0, "the origin's connection must be used again"
    else:
        assert fresh == 1, "the origin's connection must not be used again"


def lines(data):
    return "\n".join(repr(line)[2:-1] for line in data.splitlines(keepends=True)) or "(nothing)"


def check_row(proxy_port, row, piece=WHOLE):
    with Stage(proxy_port, piece) as stage:
        reached, may_reach, returned, may_return = play_row(stage, row)
        stage.compare("the origin saw", reached, may_reach)
        stage.compare("the client saw", returned, may_return)
        assert stage.clients[0].ended == row.client_is_closed, "whether the client's connection is closed"
        if row.reaches_origin:
            assert len(stage.origins) == 1
            assert stage.origins[0].ended == row.origin_is_closed, "whether the origin's connection is closed"
        else:
            assert stage.nothing_dials() and not stage.origins, "nothing may reach the origin"
        probe(stage, row)
