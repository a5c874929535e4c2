"""An address checked by the running proxy: by the requests that the page for it makes."""
import json
import time
import urllib.parse

import pytest

from harness import DnsServer, Freshet, Origin
from harness.check import Site, dated
from harness.dns import Name
from harness.origin import wait_until

KEPT = "Cache-Control: max-age=600"
LONGER_THAN_IS_READ = 17 * 1024 * 1024


@pytest.fixture(scope="module", name="proxy")
def shared_proxy():
    with Freshet(workers=2) as running:
        yield running


def ask(proxy, path, method="GET", *fields):
    lines = "".join(f"{field}\r\n" for field in fields)
    with proxy.client() as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n{lines}\r\n".encode())
        answer = client.response(method)
    return answer.status, answer.body


def start(proxy, url):
    """(status, what was said)"""
    token = json.loads(ask(proxy, "/live/about")[1])["token"]
    status, said = ask(proxy, f"/check/start?url={urllib.parse.quote(url, safe='')}", "POST", f"X-Freshet-Token: {token}")
    return status, json.loads(said)


def result(proxy, number):
    status, said = ask(proxy, f"/check/result?id={number}")
    return status, json.loads(said)


def check(proxy, url):
    """The report's only place."""
    status, said = start(proxy, url)
    assert status == 200, said
    wait_until(lambda: "state" not in result(proxy, said["id"])[1], timeout_s=10)
    (place,) = result(proxy, said["id"])[1]["places"]
    return place


def test_what_a_cache_kept_is_proven_stale_and_what_it_renewed_is_not(proxy):
    with Site(lambda _: dated(b"old", KEPT), says=["Age: 60", "X-Cache: HIT"]) as site:
        assert check(proxy, site.url("/b"))["verdict"] == "fresh"
        site.page = lambda _: dated(b"new", KEPT)
        stale = check(proxy, site.url("/b"))
    assert (stale["verdict"], stale["witness"], "sha256" in stale["differs"]) == ("stale", "changed", True)


def test_start_takes_the_token_and_post(proxy, origin):
    address = "/check/start?url=" + urllib.parse.quote(origin.url(), safe="")
    assert ask(proxy, address, "POST")[0] == 403
    assert ask(proxy, address, "POST", "X-Freshet-Token: " + "0" * 32)[0] == 403
    assert ask(proxy, address)[0] == 405
    assert origin.requests == []


@pytest.mark.parametrize("url, status, words", [
    ("", 400, "no address"),
    ("ftp://site.test/", 400, ""),
    ("/just/a/path", 400, "http://"),
    ("http://freshet.internal/", 403, "own name"),
])
def test_what_cannot_or_may_not_be_asked_is_refused_with_a_reason(proxy, url, status, words):
    got, said = start(proxy, url)
    assert got == status and words in said["error"] and said["error"]


def test_proxy_never_asks_itself(proxy):
    place = check(proxy, f"http://127.0.0.1:{proxy.port}/metrics")
    assert place["verdict"] == "failed" and place["answers"][0]["answered"] is False


def test_client_is_taken_nowhere_that_it_could_not_go_by_itself(origin):
    with DnsServer({"site.test": Name(a=("127.0.0.1",))}) as dns, Freshet(
            f'local-clients = {{"192.0.2.1/32"}}\nresolver = "127.0.0.1:{dns.port}"\nconnect-ports = {{443}}') as strict:
        assert start(strict, origin.url())[0] == 403
        assert "connect-ports" in start(strict, "https://site.test:25/")[1]["error"]
        place = check(strict, f"http://site.test:{origin.port}/")
    assert place["verdict"] == "failed" and origin.requests == []


def test_long_body_is_not_fetched_and_the_report_says_so(proxy):
    def script(conn):
        conn.read_request()
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Length: {LONGER_THAN_IS_READ}\r\n\r\n".encode())
        conn.source.fill()
    with Origin(script=script) as origin:
        place = check(proxy, origin.url())
    assert place["verdict"] == "failed" and "longer than" in place["reason"]


def test_unknown_number_is_not_found(proxy):
    assert result(proxy, 10 ** 9)[0] == 404


def test_too_many_at_once_are_told_to_wait_and_the_end_does_not_wait_for_them():
    def silent(conn):
        conn.read_request()
        conn.source.fill()
    with Origin(script=silent) as origin, Freshet() as proxy:
        started = [start(proxy, origin.url(f"/{i}")) for i in range(11)]
        assert [status for status, _ in started[:8]] == [200] * 8
        status, said = started[-1]
        assert status == 429 and "try again" in said["error"]
        assert result(proxy, started[7][1]["id"])[1] == {"state": "waits"}
        began = time.monotonic()
        proxy.stop()
        assert time.monotonic() - began < 5, "each would have taken ten seconds"
