"""What a careless proxy breaks, as parts of the site behind the caches: each kind of path has its own behaviour.

document  changed by PUT, guarded by If-Match       signed  answers only what AWS Signature 4 has signed
film      a large file, read in ranges              account behind a login with a cookie
text      encoded as the client accepts it          api     for other origins' scripts, with credentials
sri       a page that pins its script by a hash     strict  knows its URLs in one spelling only
stream    events                                    chat    a WebSocket, echoing
"""
import base64
import email.utils
import gzip
import hashlib
import re
import threading

from . import sigv4
from .http1 import response

KEPT = "Cache-Control: public, max-age=3600"
COOKIE = "session=of-anna"
WAIT_S = 8


def answer(body, *fields, status="200 OK"):
    return response(body, f"Date: {email.utils.formatdate(usegmt=True)}", *fields, status=status)


class Application:
    """Answers for a site: .answers[kind](request, path) are bytes, .conversations[kind](conn, request, path) take the wire."""

    def __init__(self, site):
        self.site = site
        self.revisions = {}
        self.more = {}
        self.answers = {"document": self.document, "film": self.film, "signed": self.signed, "account": self.account,
                        "text": self.text, "api": self.api, "sri": self.sri, "strict": self.strict}
        self.conversations = {"stream": self.stream, "chat": self.chat}

    def document(self, request, path):
        tag = f'"{self.revisions.setdefault(path, 1)}"'
        if request.method == "GET":
            return answer(f"revision {tag}\n".encode(), KEPT, f"ETag: {tag}")
        if request.has("If-Match") and request.one("If-Match") != tag:
            return answer(b"", status="412 Precondition Failed")
        self.revisions[path] += 1
        return answer(b"", f'ETag: "{self.revisions[path]}"')

    @staticmethod
    def film_of(version):
        return b"frame of version %3d " % version * 4000

    def film(self, request, _):
        whole, tag = self.film_of(self.site.version), f'"{self.site.version}"'
        fields = [KEPT, f"ETag: {tag}", "Accept-Ranges: bytes", "Content-Type: video/mp4"]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", "".join(request.all("Range")))
        if not wanted or request.has("If-Range") and request.one("If-Range") != tag:
            return answer(whole, *fields)
        first, last = int(wanted[1]), min(int(wanted[2] or len(whole)), len(whole) - 1)
        return answer(whole[first:last + 1], *fields, f"Content-Range: bytes {first}-{last}/{len(whole)}",
                        status="206 Partial Content")

    @staticmethod
    def signed(request, _):
        return answer(b"let in", KEPT) if sigv4.verify(request) else answer(b"", status="403 Forbidden")

    @staticmethod
    def account(request, path):
        if path.endswith("/login"):
            return answer(b"", f"Set-Cookie: {COOKIE}; Path=/; HttpOnly", "Location: home", status="303 See Other")
        if COOKIE not in "; ".join(request.all("Cookie")):
            return answer(b"", "Location: login", status="302 Found")
        return answer(b"account of anna", "Cache-Control: private, max-age=3600", "Vary: Cookie")

    def text(self, request, path):
        plain = f"version {self.site.version} of {path}\n".encode()
        accepted = re.split(r"[ ,;]+", ", ".join(request.all("Accept-Encoding")))
        coding = next((name for name in ENCODERS if name in accepted), None)
        named = [f"Content-Encoding: {coding}"] if coding else []
        return answer(ENCODERS[coding](plain) if coding else plain, KEPT, "Vary: Accept-Encoding", *named)

    def api(self, request, _):
        allowed = [f"Access-Control-Allow-Origin: {''.join(request.all('Origin'))}", "Vary: Origin",
                   "Access-Control-Allow-Credentials: true"]
        if request.method == "OPTIONS":
            return answer(b"", *allowed, "Access-Control-Allow-Headers: x-custom",
                            "Access-Control-Allow-Methods: PUT", "Access-Control-Max-Age: 600")
        return answer(b"version %d" % self.site.version, *allowed, KEPT)

    def sri(self, _, path):
        script = f"document.title = 'version {self.site.version}'"
        if path.endswith(".js"):
            return answer(script.encode(), KEPT, "Content-Type: text/javascript")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        page = f'<!doctype html><body><script src=script.js integrity="sha256-{digest}"></script>'
        return answer(page.encode(), KEPT, "Content-Type: text/html")

    @staticmethod
    def strict(request, path):
        if request.target != path:
            return answer(b"what is that?", status="400 Bad Request")
        return answer(b"as ever", KEPT)

    def stream(self, conn, request, path):
        """One event, and the next when more[path] is set."""
        more = self.more[path] = threading.Event()
        chunks = request.version == "HTTP/1.1"  # Varnish hands on by chunks, but not what ends with the connection
        framing = "Transfer-Encoding: chunked" if chunks else "Connection: close"
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                  f"X-Accel-Buffering: no\r\n{framing}\r\n\r\n".encode())
        for event in (b"data: first\n\n", b"data: second\n\n"):
            conn.send(b"%x\r\n%s\r\n" % (len(event), event) if chunks else event)
            more.wait(WAIT_S)
        conn.send(b"0\r\n\r\n" if chunks else b"")

    @staticmethod
    def chat(conn, _, __):
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        while data := conn.sock.recv(4096):
            conn.send(data)


def stored_brotli(text):
    """As brotli (RFC 7932), uncompressed; for 3 to 256 bytes."""
    size = len(text) - 1
    return bytes([0x0b | (size & 1) << 7, size >> 1, 0x80]) + text + b"\x03"


def stored_zstd(text):
    """As Zstandard (RFC 8878), one raw block; for up to 255 bytes."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(text)]) + (len(text) << 3 | 1).to_bytes(3, "little") + text


ENCODERS = {"zstd": stored_zstd, "br": stored_brotli, "gzip": lambda text: gzip.compress(text, mtime=0)}
