"""back-forward = evict: Chromium asks again on Back, where it would show the page that it has kept."""
import itertools

import pytest

from harness import Freshet, Origin, response
from harness.tls import Interceptor, TlsOrigin

SITES = 'site "*/evict/*" { back-forward = evict }'


def site():
    """Pages that say the how manieth they are, with a style sheet of their own, and nothing that scripts fetch or that
    Chromium fetches in their name, like an icon: with no-store, that keeps a page out of the history by itself."""
    count = itertools.count(1)

    def answer(request):
        if request.target.endswith(".css"):
            return response(b"", "Content-Type: text/css")
        login = () if request.has("Cookie") else ("Set-Cookie: login=1; Path=/; HttpOnly",)
        return response(b"<html><link rel=icon href=data:,><link rel=stylesheet href=own.css><body>page %d</body>" % next(count),
                        "Content-Type: text/html", *login)
    return answer


@pytest.fixture(scope="module")
def http():
    with Origin(site()) as origin, Freshet(SITES) as proxy:
        yield origin, proxy


@pytest.fixture(scope="module")
def https(pki):
    with TlsOrigin(pki.good, site()) as origin, Interceptor(pki, SITES) as proxy:
        yield origin, proxy


@pytest.fixture(params=["http", "https"], name="there")
def origin_and_proxy(request):
    return request.getfixturevalue(request.param)


def went_back(browser, first, second):
    """Whether Back, from the second page, showed the first as it had been."""
    page = browser.page()
    page.visit(first)
    before = page.text()
    page.follow(second)
    page.back()
    assert page.restored() == (page.text() == before)
    return page.restored()


def test_chromium_shows_the_page_that_it_kept_by_default(chromium, there):
    origin, proxy = there
    with chromium.context(proxy) as browser:
        assert went_back(browser, origin.url("/keep/1"), origin.url("/keep/2"))


def test_chromium_asks_again_on_back_with_evict(chromium, there):
    origin, proxy = there
    with chromium.context(proxy) as browser:
        assert not went_back(browser, origin.url("/evict/1"), origin.url("/evict/2"))


def test_chromium_asks_again_on_back_from_another_site(chromium, there):
    """What the page loads from its own origin has marked it."""
    origin, proxy = there
    with Origin(site()) as other, chromium.context(proxy) as browser:
        host = "localhost" if "127.0.0.1" in origin.url() else "127.0.0.1"
        elsewhere = f"http://{host}:{other.port}/keep/2"
        assert went_back(browser, origin.url("/keep/1"), elsewhere)
        assert not went_back(browser, origin.url("/evict/1"), elsewhere)


def test_origin_gets_its_own_cookies_and_never_that_of_freshet(chromium, there):
    origin, proxy = there
    before = len(origin.requests)
    with chromium.context(proxy) as browser:
        went_back(browser, origin.url("/evict/1"), origin.url("/evict/2"))
        cookies = {value for request in origin.requests[before:] for value in request.all("Cookie")}
        assert cookies == {"login=1"}
