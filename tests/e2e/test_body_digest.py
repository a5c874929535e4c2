"""Digests of answers' bodies: right whatever the framing, of whole bodies only, and only when they are wanted."""
import hashlib

import pytest

from harness import Freshet, Origin, chunked, response
from harness.events import Events
from harness.origin import wait_until

BULK = bytes(range(256)) * 12000  # 3 MB: more than enough for splice
DIGEST = "freshet.body.sha256"
BODIES = {
    "/length": response(b"hello"),
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hel", b"lo"),
    "/close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    "/coded": response(b"\x1f\x8bcoded", "Content-Encoding: gzip"),
    "/bulk": response(BULK),
    "/bulk-close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BULK,
}


def answer(request):
    return BODIES.get(request.target, b"HTTP/1.1 304 Not Modified\r\n\r\n")


@pytest.fixture(scope="module")
def site():
    with Origin(answer) as origin:
        yield origin


@pytest.fixture(scope="module")
def always():
    with Freshet(records_digest="always", pierce="never") as proxy:
        yield proxy


def fetch(proxy, url, method="GET", version="HTTP/1.1"):
    """The body, and what the log says of its digest."""
    before = len(proxy.read_records(url))
    with proxy.client() as client:
        body = client.exchange(method, url, version=version).body
    return body, proxy.records(before + 1, url)[-1].get(DIGEST)


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("path", BODIES)
def test_digest_is_of_what_the_client_got_whatever_the_framing(always, site, path, version):
    body, digest = fetch(always, site.url(path), version=version)
    assert body and digest == hashlib.sha256(body).hexdigest()


def test_answers_without_body_have_none(always, site):
    assert fetch(always, site.url("/length"), method="HEAD") == (b"", None)
    assert fetch(always, site.url("/not-modified")) == (b"", None)


@pytest.mark.parametrize("cut", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
                                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"])
def test_answers_that_break_off_have_none(always, cut):
    def break_off(conn):
        conn.read_request()
        conn.send(cut)
    with Origin(script=break_off) as origin, always.client() as client:
        client.request("GET", origin.url("/cut"))
        client.read_to_end()
        record = always.record(origin.url("/cut"))
        assert record["freshet.truncated"] and DIGEST not in record


def test_client_that_leaves_in_the_middle_leaves_none(always):
    def halting(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        conn.closed.wait(5)
    with Origin(script=halting) as origin:
        with always.client() as client:
            client.request("GET", origin.url("/left"))
            client.read_head()
            client.reset()
        assert DIGEST not in always.record(origin.url("/left"))
        origin.connections[0].closed.set()


def test_wrapped_script_has_the_digest_of_what_the_client_got(site):
    BODIES["/worker.js"] = response(b"self.x = 1;", "Content-Type: text/javascript")
    with Freshet(records_digest="always", service_workers="wrap") as proxy, proxy.client() as client:
        body = client.get(site.url("/worker.js"), "Service-Worker: script").body
        assert len(body) > 100 and proxy.record("/worker.js")[DIGEST] == hashlib.sha256(body).hexdigest()


def test_by_default_digests_are_computed_while_somebody_looks(site):
    with Freshet(pierce="never") as proxy:
        assert fetch(proxy, site.url("/length"))[1] is None
        with Events(proxy):
            body, digest = fetch(proxy, site.url("/length"))
            assert digest == hashlib.sha256(body).hexdigest()
        assert wait_until(lambda: fetch(proxy, site.url("/length"))[1] is None)


def test_never_means_never(site):
    with Freshet(records_digest="never", pierce="never") as proxy, Events(proxy):
        assert fetch(proxy, site.url("/length"))[1] is None
