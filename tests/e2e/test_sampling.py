"""Addresses checked beside the traffic: which are, which never, and what is told of those found stale."""
import contextlib
import json
import re
import signal
import time

import pytest

from harness import Freshet, Origin, response
from harness.caches import nginx_cache
from harness.origin import wait_until

KEEPS = "proxy_ignore_headers Cache-Control Expires; proxy_cache_valid 200 404 10m; add_header X-Cache-Status $upstream_cache_status;"


class Changing(Origin):
    """Publishes .version under every path."""

    def __init__(self):
        super().__init__(answer=self.tell)
        self.version = 1

    def tell(self, request):
        return response(b"version %d" % self.version, "Content-Type: text/html", f'ETag: "{self.version}"',
                        status="404 Not Found" if "gone" in request.target else "200 OK")


@contextlib.contextmanager
def sampled(origin_port, **options):
    with Freshet(**{"workers": 1, "pierce": "never", "probe": "100%", **options}) as proxy:
        proxy.site = f"http://127.0.0.1:{origin_port}"
        yield proxy


@pytest.fixture
def behind_a_cache():
    """A proxy that checks every address, in front of a cache that listens to nobody."""
    with Changing() as origin, nginx_cache(origin, KEEPS) as cache, sampled(cache.port) as proxy:
        yield proxy, origin


def fetch(proxy, path, *fields, method="GET"):
    with proxy.client() as client:
        client.request(method, proxy.site + path, *fields)
        return client.response(method)


def ask(proxy, path):
    with proxy.client() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n\r\n".encode())
        return client.response("GET").body.decode()


def stale(proxy):
    return json.loads(ask(proxy, "/check/stale"))


def probes(proxy):
    """How many checks came to which end."""
    lines = [line.split() for line in ask(proxy, "/metrics").splitlines() if line.startswith("freshet_probes_total{")]
    return {name.split('"')[1]: int(float(count)) for name, count in lines}


def wait_for_probes(proxy, count):
    assert wait_until(lambda: sum(probes(proxy).values()) >= count), probes(proxy)


def test_copy_that_is_as_new_is_not_listed(behind_a_cache):
    proxy, _ = behind_a_cache
    for path in ("/news?q=1", "/gone"):
        fetch(proxy, path)
    wait_for_probes(proxy, 2)
    assert (probes(proxy)["fresh"], stale(proxy)) == (2, [])


def test_stale_address_is_told_with_its_layer_and_times(behind_a_cache):
    proxy, origin = behind_a_cache
    proxy.reload(probe="0%")
    fetch(proxy, "/prices")
    origin.version = 2
    proxy.reload(probe="100%")
    assert fetch(proxy, "/prices").body == b"version 1"
    wait_for_probes(proxy, 1)
    (found,) = stale(proxy)
    assert (found["url"], found["count"], probes(proxy)["stale"]) == (proxy.site + "/prices", 1, 1)
    assert 0 <= found["last_s"] - found["first_s"] < 5
    assert "freshet_probe_stale_urls 1" in ask(proxy, "/metrics")


def test_page_lists_addresses_found_stale_as_text(behind_a_cache, chromium):
    proxy, origin = behind_a_cache
    hostile = "/<img/src=x/onerror=document.title=1>"
    proxy.reload(probe="0%")
    fetch(proxy, hostile)
    origin.version = 2
    proxy.reload(probe="100%")
    fetch(proxy, hostile)
    wait_for_probes(proxy, 1)
    with chromium.context() as context:
        page = context.page()
        page.visit(f"http://127.0.0.1:{proxy.port}/check")
        page.wait_for("document.querySelectorAll('#stale-urls tbody tr').length == 1")
        cells = page.evaluate("[...document.querySelectorAll('#stale-urls td')].map(cell => cell.textContent)")
        assert cells[0] == proxy.site + hostile and cells[1] == "a cache (x-cache-status)" and cells[2:4] == ["not told", "not known"]
        assert re.match(r"just now|\d+ s ago", cells[4]), cells  # starting a browser takes its time
        assert page.evaluate("document.title") == "Check – freshet"


def test_probe_asks_as_the_client_did(behind_a_cache):
    proxy, origin = behind_a_cache
    fetch(proxy, "/a", "User-Agent: Visitor/1", "Accept-Language: sv", "X-Secret: hidden1")
    wait_for_probes(proxy, 1)
    asked = [request for request in origin.requests if "_freshet" in request.target]
    assert asked and all(request.one("User-Agent") == "Visitor/1" and request.one("Accept-Language") == "sv" and
                         not request.all("X-Secret") for request in asked)


@pytest.mark.parametrize("method, path, fields", [
    ("POST", "/a", ["Content-Length: 0"]),
    ("HEAD", "/a", []),
    ("GET", "/a", ["Cookie: a=1"]),
    ("GET", "/a", ["Authorization: Basic eDp5"]),
    ("GET", "/a", ["Range: bytes=0-1"]),
    ("GET", "/a?X-Amz-Signature=0&X-Amz-Credential=a", []),
], ids=["POST", "HEAD", "cookie", "credentials", "range", "signed"])
def test_what_is_not_everybodys_is_never_checked(method, path, fields):
    with Changing() as origin, sampled(origin.port) as proxy:
        fetch(proxy, path, *fields, method=method)
        fetch(proxy, "/marker")
        wait_for_probes(proxy, 1)
        assert {request.target.split("?")[0] for request in origin.requests if "_freshet" in request.target} == {"/marker"}


def test_cookies_go_along_where_that_is_allowed():
    with Changing() as origin, sampled(origin.port, probe_cookies="yes") as proxy:
        fetch(proxy, "/a", "Cookie: a=1")
        wait_for_probes(proxy, 1)
        assert {request.one("Cookie") for request in origin.requests} == {"a=1"}


def test_same_address_is_not_checked_again_so_soon():
    with Changing() as origin, sampled(origin.port) as proxy:
        for _ in range(5):
            fetch(proxy, "/a")
        fetch(proxy, "/marker")
        wait_for_probes(proxy, 2)
        assert sum(probes(proxy).values()) == 2


def test_rate_is_kept():
    with Changing() as origin, sampled(origin.port, probe_rate=2) as proxy:
        for number in range(6):
            fetch(proxy, f"/{number}")
        wait_for_probes(proxy, 2)
        assert len({request.target.split("?")[0] for request in origin.requests if "_freshet" in request.target}) == 2


def test_only_sites_that_say_so_are_sampled():
    with Changing() as origin, Changing() as other:
        config = f'site "127.0.0.1:{origin.port}" {{ probe = 100% }}'
        with sampled(origin.port, config=config, probe="0%") as proxy, proxy.client() as client:
            client.get(other.url("/a"))
            client.get(origin.url("/b"))
            wait_for_probes(proxy, 1)
            assert len(other.requests) == 1


def test_by_default_nothing_is_asked_beside():
    with Changing() as origin, sampled(origin.port, probe="0%") as proxy:
        for number in range(20):
            fetch(proxy, f"/{number}")
        assert (len(origin.requests), sum(probes(proxy).values())) == (20, 0)


def answer_the_first(conn):
    """Clients get their answers; who asks under a changed address waits for ever."""
    while (request := conn.read_request()) is not None and "_freshet" not in request.target:
        conn.send(response(b"x"))
    conn.read_request()


def test_process_ends_while_probes_wait():
    with Origin(script=answer_the_first) as origin, sampled(origin.port) as proxy:
        for number in range(4):
            fetch(proxy, f"/{number}")
        assert wait_until(lambda: any("_freshet" in request.target for request in origin.requests))
        started = time.monotonic()
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(8) == 0
        assert time.monotonic() - started < 5
