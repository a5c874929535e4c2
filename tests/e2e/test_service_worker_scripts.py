"""Scripts of service workers on the wire: busted, wrapped whatever their framing, answered here."""
import threading

import pytest

from harness import Freshet, chunked, response
from harness.http1 import Incomplete

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
TRIPLE = "no-cache, no-store, must-revalidate"
SCRIPT = "Service-Worker: script"
JAVASCRIPT = "Content-Type: text/javascript"
OPENINGS = {"plain": b"self.x = 1;", "strict": b"/* \xc3\xa9 */\n'use strict'; self.x = 1;",
            "hashbang": b"#!/usr/bin/env node\nself.x = 1;"}


@pytest.fixture(scope="module", name="wrapping")
def wrapping_proxy():
    with Freshet(service_workers="wrap") as proxy:
        yield proxy


@pytest.fixture(name="client")
def client_of_it(wrapping):
    with wrapping.client() as connection:
        yield connection


def framed(framing, script):
    """An answer as (head, body), on the wire."""
    head = f"HTTP/1.1 200 OK\r\n{JAVASCRIPT}\r\n".encode()
    if framing == "length":
        return head + b"Content-Length: %d\r\n\r\n" % len(script), script
    if framing == "close":
        return head + b"Connection: close\r\n\r\n", script
    middle = len(script) // 2
    return head + b"Transfer-Encoding: chunked\r\n\r\n", chunked(script[:middle], script[middle:])


def check_wrapped(body, kind, script):
    """Ours, in the form that suits the script, and then the script."""
    assert body.endswith(script)
    ours = body[:-len(script)]
    assert ours.startswith(b'"use strict";\n' if kind == "strict" else b" " * 13 + b"\n")
    assert ours.endswith(b"\n//" if kind == "hashbang" else b"\n  ")
    assert ours.count(b"self.skipWaiting()") == 1


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("kind", OPENINGS)
def test_script_comes_behind_ours_wherever_it_is_cut(client, wrapping, origin, framing, kind):
    head, body = framed(framing, OPENINGS[kind])

    def answer(conn):
        while (request := conn.read_request()) is not None:
            conn.send_in_two(head + body, len(head) + int(request.target[1:]))
            if framing == "close":
                return
    origin.script = answer
    got = [client.get(origin.url(f"/{at}"), SCRIPT) for at in range(len(body))]
    assert len({one.body for one in got}) == 1
    check_wrapped(got[0].body, kind, OPENINGS[kind])
    assert got[0].has("Content-Length") == (framing == "length")
    assert wrapping.record(origin.url("/0"))["freshet.service_worker"] == "wrapped"


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_large_script_streams_behind_ours(client, origin, framing):
    script = b"/* licence */" + bytes(range(32, 127)) * 30_000
    origin.answer = b"".join(framed(framing, script))
    check_wrapped(client.get(origin.url(), SCRIPT).body, "plain", script)


def test_long_licence_is_not_waited_for(client, origin):
    """Its script is not strict then; what is sent goes on, which is more."""
    licence = b"/*" + b"x" * 9000
    held = threading.Event()

    def answer(conn):
        conn.read_request()
        conn.send(framed("length", licence + b"*/'use strict';")[0] + licence)
        assert held.wait(5)
        conn.send(b"*/'use strict';")
    origin.script = answer
    client.request("GET", origin.url(), SCRIPT)
    client.read_head()
    assert client.source.until(licence[:8000])
    held.set()


def test_script_of_a_client_of_http_1_0_ends_with_the_connection(wrapping, origin):
    origin.answer = b"".join(framed("chunked", OPENINGS["strict"]))
    with wrapping.client() as client:
        client.request("GET", origin.url(), SCRIPT, version="HTTP/1.0")
        check_wrapped(client.response().body, "strict", OPENINGS["strict"])


def test_script_that_breaks_off_is_seen_to_be_cut(wrapping, origin):
    head, body = framed("length", OPENINGS["plain"])
    origin.script = lambda conn: conn.read_request() and conn.send(head + body[:-1])
    with wrapping.client() as client, pytest.raises(Incomplete):
        client.get(origin.url("/cut"), SCRIPT)
    assert wrapping.record(origin.url("/cut"))["freshet.truncated"] is True


def test_wrapped_answer_says_what_is_true_of_it(client, origin):
    origin.answer = response(b"x = 1", JAVASCRIPT, 'ETag: "a"', "Last-Modified: " + DATE, "Content-Digest: sha-256=:AA==:",
                             "Content-Security-Policy: connect-src *", "Service-Worker-Allowed: /")
    got = client.get(origin.url(), SCRIPT, "Accept-Encoding: gzip, br", 'If-None-Match: "a"')
    assert got.one("ETag") == 'W/"a"' and got.one("Last-Modified") == DATE
    assert not got.has("Content-Digest")
    assert got.one("Content-Security-Policy") == "connect-src *" and got.one("Service-Worker-Allowed") == "/"
    assert got.one("Content-Length") == str(len(got.body)) and got.one("Cache-Control") == TRIPLE
    assert origin.last.one("Accept-Encoding") == "identity" and not origin.last.has("If-None-Match")


def test_head_is_told_no_length_that_get_would_not_have(client, origin):
    origin.answer = b"".join(framed("length", b"x = 1"))[:-5].replace(b"ength: 5", b"ength: 5\r\nETag: \"a\"")
    got = client.exchange("HEAD", origin.url(), SCRIPT)
    assert not got.has("Content-Length") and got.one("ETag") == 'W/"a"'


UNFIT = {
    "encoded": (response(b"\x1f\x8b", JAVASCRIPT, "Content-Encoding: gzip"), "content-encoding"),
    "missing": (response(b"x = 1", JAVASCRIPT, status="404 Not Found"), "the status is not 200"),
    "page": (response(b"<p>", "Content-Type: text/html"), "the type is not JavaScript"),
    "forbidden": (response(b"x = 1", JAVASCRIPT, "Cache-Control: no-transform"), "no-transform"),
    "empty": (response(b"", JAVASCRIPT), "the script is empty"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_cannot_be_wrapped_passes_and_the_log_says_why(client, wrapping, origin, kind):
    origin.answer, why = UNFIT[kind]
    got = client.get(origin.url(f"/{kind}"), SCRIPT)
    assert got.body == origin.answer.partition(b"\r\n\r\n")[2]
    assert wrapping.record(origin.url(f"/{kind}"))["freshet.service_worker"] == f"not wrapped: {why}"


def test_part_of_a_script_passes_as_it_is(client, wrapping, origin):
    origin.answer = response(b"x = 1", JAVASCRIPT, "Content-Range: bytes 0-4/9", status="206 Partial Content")
    assert client.get(origin.url("/part"), SCRIPT, "Range: bytes=0-4").body == b"x = 1"
    assert wrapping.record(origin.url("/part"))["freshet.service_worker"] == "not wrapped: a part was asked for"


def test_other_scripts_are_not_wrapped(client, origin):
    origin.answer = response(b"x = 1", JAVASCRIPT)
    assert client.get(origin.url(), "Sec-Fetch-Dest: serviceworker").body == b"x = 1"
    assert client.get(origin.url(), "Sec-Fetch-Dest: script").body == b"x = 1"


# ---- kill and bust


def test_kill_answers_without_asking_the_origin(origin):
    with Freshet(service_workers="kill") as proxy, proxy.client() as client:
        got = client.get(origin.url("/worker.js"), SCRIPT)
        assert got.status == 200 and b"unregister()" in got.body
        assert got.one("Content-Type") == "text/javascript; charset=utf-8"
        assert got.one("Service-Worker-Allowed") == "/"
        assert [got.one(name) for name in ("Cache-Control", "Pragma", "Expires")] == [TRIPLE, "no-cache", "0"]
        assert proxy.record("/worker.js")["freshet.service_worker"] == "killed"
        head = client.exchange("HEAD", origin.url("/worker.js"), SCRIPT)
        assert head.one("Content-Length") == str(len(got.body)) and not origin.requests
        assert client.get(origin.url("/page")).body == b"hello"


@pytest.mark.parametrize("mode", ["off", "observe"])
@pytest.mark.parametrize("option", ["wrap", "kill"])
def test_workers_are_left_alone_where_the_mode_touches_nothing(origin, mode, option):
    origin.answer = response(b"x = 1", JAVASCRIPT)
    with Freshet(service_workers=option, mode=mode) as proxy, proxy.client() as client:
        assert client.get(origin.url("/worker.js"), SCRIPT).body == b"x = 1"
        assert origin.last.names()[:2] == ["Host", "Service-Worker"]


def test_worker_scripts_are_busted_also_where_the_rest_is_only_revalidated(origin):
    with Freshet(mode="revalidate") as proxy, proxy.client() as client:
        got = client.get(origin.url("/worker.js"), SCRIPT, 'If-None-Match: "a"')
        assert got.one("Cache-Control") == origin.last.one("Cache-Control") == TRIPLE
        assert not origin.last.has("If-None-Match")
        client.get(origin.url("/page"), 'If-None-Match: "a"')
        assert origin.last.one("If-None-Match") == '"a"'
