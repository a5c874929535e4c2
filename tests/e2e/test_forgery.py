"""Logs and pages that cannot be forged: whatever peers send, a line stays a line and text stays text."""
import json
import re

import pytest

from harness import DnsServer, Freshet, Origin, response
from harness.client import request_bytes
from harness.origin import wait_until
from harness.proxy import run_freshet

# What a reader of logs could take for something else.
NASTY = {
    "line-end": b"\n", "carriage-return": b"\r", "escape": b"\x1b[2J", "nul": b"\0", "delete": b"\x7f", "tab": b"\t",
    "bell": b"\a", "c1": b"\xc2\x9b31m", "raw-c1": b"\x9b31m", "line-separator": b"\xe2\x80\xa8",
    "right-to-left": b"\xe2\x80\xae", "byte-order-mark": b"\xef\xbb\xbf", "overlong": b"\xc0\xae",
    "cut-character": b"\xe2\x82", "umlaut": b"\xc3\xa4", "quote": b'"', "backslash": b"\\", "apostrophe": b"'",
    "markup": b"<script>alert(1)</script>", "format": b"%s%n%x", "json": b'","forged":"1', "field": b" forged=1 ",
    "blanks": b"   ", "percent": b"%0a%00", "long": b"x" * 5000,
}
LINE = b"2026-01-01T00:00:00.000Z 1.2.3.4 GET http://forged/ 200"


def requests_with(nasty, url):
    """The piece in every place of a request that could be told of."""
    bare = url.encode()
    yield b"GET " + bare + nasty + b" HTTP/1.1\r\nHost: a.test\r\n\r\n"
    yield b"GET " + bare + nasty + b"\n" + LINE + b" HTTP/1.1\r\nHost: a.test\r\n\r\n"
    yield b"GE" + nasty + b"T " + bare + b" HTTP/1.1\r\nHost: a.test\r\n\r\n"
    yield b"GET http://a" + nasty + b".invalid/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
    yield b"GET http://user" + nasty + b"@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
    yield b"CONNECT a" + nasty + b":443 HTTP/1.1\r\nHost: a.test\r\n\r\n"
    yield b"GET " + bare + b" HTTP/1.1\r\nHost: a" + nasty + b"\r\n\r\n"
    yield b"GET " + bare + b" HTTP/1.1\r\nHost: a.test\r\nUser-Agent: a" + nasty + b"\r\n\r\n"
    yield b"GET " + bare + b" HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 " + nasty + b"\r\n\r\n"
    yield b"GET " + bare + b" HTTP/1." + nasty + b"\r\nHost: a.test\r\n\r\n"
    yield b"GET " + bare + b" HTTP/1.1\r\nX" + nasty + b": 1\r\nHost: a.test\r\n\r\n"


def answers_with(nasty):
    head = b"HTTP/1.1 200 OK" + b"\r\nContent-Length: 0\r\nAge: 50\r\n"
    yield b"HTTP/1.1 200 O" + nasty + b"K\r\nContent-Length: 0\r\n\r\n"
    yield head + b"Cache-Status: edge" + nasty + b"; hit; ttl=-5\r\n\r\n"
    yield head + b'Cache-Status: "edge' + nasty + b'"; hit\r\n\r\n'
    yield head + b"X-Cache: HIT from edge" + nasty + b"\r\n\r\n"
    yield head + b"Via: 1.1 edge" + nasty + b"\r\n\r\n"
    yield head + b'Warning: 110 edge' + nasty + b' "Response is Stale"\r\n\r\n'
    yield head + b"X" + nasty + b": 1\r\n\r\n"
    yield b"HTTP/1.1 " + nasty + b"\r\n\r\n"


def assert_ours(answer):
    """A reply of our own: its fields and its page hold nothing of the peer's making."""
    for status in answer.all("Proxy-Status"):
        assert re.fullmatch(r'freshet(; error=[a-z_]+)?; details="[ !#-\[\]-~]*"', status), status
        assert b"<script" not in answer.body and b"forged" not in answer.body.replace(b"&quot;", b"")
        assert re.fullmatch(rb"[\n -~]*", answer.body), answer.body


class Watched(Freshet):
    """A proxy whose log must grow by exactly as many lines as it served exchanges."""

    def __init__(self, log_format, **options):
        super().__init__(access_log_format=log_format, log_level="trace", **options)
        self.log_format, self.lines = log_format, 0

    def assert_lines(self, more):
        self.lines += more
        assert wait_until(lambda: self.log_file.read_bytes().count(b"\n") >= self.lines)
        lines = self.log_file.read_bytes().split(b"\n")
        assert (len(lines), lines[-1]) == (self.lines + 1, b"")
        for line in lines[-more - 1:-1]:
            assert re.fullmatch(rb"[ -~]{,5000}", line), line
            if self.log_format == "json":
                record = json.loads(line)
                assert "forged" not in record and len(record.get("url.original", "")) <= 1024
            else:
                assert re.match(rb"20\d\d-\d\d-\d\dT\S+Z 127\.0\.0\.1:\d+ ", line) and b" forged=1" not in line, line
        assert re.fullmatch(r"[\n -~]*", self.stderr())


@pytest.fixture(scope="module", params=["json", "text"])
def watched(request):
    with DnsServer() as dns, Watched(request.param, resolver=dns.option, pierce="never") as running:
        yield running


@pytest.mark.parametrize("name", NASTY)
def test_nothing_that_a_client_sends_forges_a_line(watched, origin, name):
    requests = list(requests_with(NASTY[name], origin.url("/p")))
    for data in requests:
        with watched.client() as client:
            client.send(data[:-2] + b"Accept: text/html\r\nConnection: close\r\n\r\n")
            client.half_close()
            assert_ours(client.response(data.partition(b" ")[0].decode("latin-1")))
    watched.assert_lines(len(requests))


@pytest.mark.parametrize("name", NASTY)
def test_nothing_that_an_origin_sends_forges_a_line(watched, name):
    answers = list(answers_with(NASTY[name]))

    def script(conn):
        conn.read_request()
        conn.send(answers[conn.index])
    with Origin(script=script) as origin:
        for _ in answers:
            with watched.client() as client:
                client.send(request_bytes("GET", origin.url(), "Accept: text/html", "Connection: close"))
                assert_ours(client.response())
        watched.assert_lines(len(answers))


@pytest.mark.parametrize("name", [name for name in NASTY if name not in ("nul", "long")])
def test_configuration_does_not_forge_messages(name):
    """Its own text comes back in them."""
    nasty = NASTY[name].decode("latin-1")
    for config in (f'mode = "{nasty}"\n', f"{nasty} = 1\n", f'site "{nasty}[" {{ }}\n', f'no{nasty}such = 1\n'):
        result = run_freshet("-t", config=config)
        for line in result.stderr.splitlines():
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line), line
            assert not re.match(r"2026-01-01|error: forged", line)


def test_long_address_is_cut_visibly():
    with Origin(response(b"x")) as origin, Freshet() as proxy, proxy.client() as client:
        client.get(origin.url("/" + "y" * 3000))
        record = proxy.record(origin.url("/y"))
        assert (len(record["url.original"]), record["freshet.url_cut"]) == (1024, True)
