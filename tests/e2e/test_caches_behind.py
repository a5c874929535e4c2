"""Caches between freshet and its clients: what they would keep of answers, against their owner's Cache-Control."""
import itertools
import shutil

import pytest

from harness import Client, Freshet, Origin, response
from harness.caches import Squid, Varnish

SITES = 'site "*/kept/*" { mode = observe } site "*/temporary/*" { redirects = temporary }'


class SquidBehind(Squid):
    """Stands for the site, like a delivery network, and has everything from the proxy."""

    def __init__(self, origin, proxy):
        self.proxy = proxy
        super().__init__(origin, "never_direct allow all\nrefresh_pattern . 60 20% 60")

    def way(self):
        return f"""http_port 127.0.0.1:{self.port} accel no-vhost defaultsite={self.origin.authority}
cache_peer 127.0.0.1 parent {self.proxy.port} 0 no-query no-digest no-netdb-exchange default"""


class VarnishBehind(Varnish):
    """Keeps permanent redirects for a day, whatever they say: they are permanent."""

    def __init__(self, origin, proxy):
        super().__init__(origin)
        (self.folder / "vcl").write_text(f"""
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{proxy.port}"; }}
sub vcl_backend_fetch {{ set bereq.url = "http://{origin.authority}" + bereq.url; }}
sub vcl_backend_response {{
    if (beresp.status == 301 || beresp.status == 308) {{ set beresp.ttl = 1d; return (deliver); }}
}}
""")

    def way(self):
        return ["-f", str(self.folder / "vcl")]


@pytest.fixture(scope="module", name="proxy")
def proxy_by_path():
    with Freshet(SITES) as running:
        yield running


def ask(cache, path):
    with Client(cache.port) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: site.test\r\n\r\n".encode())
        return client.response()


@pytest.fixture(scope="module")
def squid(proxy):
    count = itertools.count(1)

    def answer(_):
        return response(b"%d" % next(count), "Cache-Control: no-store", "Surrogate-Control: max-age=3600")
    with Origin(answer) as origin, SquidBehind(origin, proxy) as cache:
        yield cache


def test_squid_keeps_what_surrogate_control_allows_against_no_store(squid):
    """The control."""
    assert len({ask(squid, "/kept/a").body for _ in range(2)}) == 1


def test_squid_keeps_nothing_of_a_busted_answer(squid):
    assert len({ask(squid, "/busted/a").body for _ in range(2)}) == 2


@pytest.fixture(scope="module")
def varnish(proxy):
    count = itertools.count(1)

    def answer(request):
        status = "308 Permanent Redirect" if "308" in request.target else "301 Moved Permanently"
        return response(b"", f"Location: /{next(count)}", status=status)
    with Origin(answer) as origin, VarnishBehind(origin, proxy) as cache:
        yield cache


@pytest.mark.parametrize("status", [301, 308])
def test_varnish_keeps_a_permanent_redirect_although_it_is_busted(varnish, status):
    """The control."""
    answers = [ask(varnish, f"/busted/{status}") for _ in range(2)]
    assert {answer.status for answer in answers} == {status}
    assert len({answer.one("Location") for answer in answers}) == 1


@pytest.mark.parametrize("status, seen", [(301, 302), (308, 307)])
def test_varnish_asks_again_for_a_redirect_made_temporary(varnish, status, seen):
    answers = [ask(varnish, f"/temporary/{status}") for _ in range(2)]
    assert {answer.status for answer in answers} == {seen}
    assert len({answer.one("Location") for answer in answers}) == 2
