"""What Chromium keeps beside plain copies: things fetched ahead, preflights, answers stretched to other URLs,
dictionaries.

Each is shown twice: with mode = observe, where Chromium does without the origin, and busted.
"""
import itertools

import pytest

from harness import response
from harness.tls import Interceptor, TlsOrigin

HOUR = "Cache-Control: public, max-age=3600"
AHEAD = {
    "link": b"<link rel=prefetch href=/page>",
    "rule": b'<script type=speculationrules>{"prefetch": [{"urls": ["/page"], "eagerness": "immediate"}]}</script>',
    "prerender": b'<script type=speculationrules>{"prerender": [{"urls": ["/page"], "eagerness": "immediate"}]}</script>',
}
CORS = ("Access-Control-Allow-Origin: *", "Access-Control-Allow-Headers: *", "Access-Control-Allow-Methods: *")


def site():
    count = itertools.count(1)

    def answer(request):
        path, _, query = request.target.lstrip("/").partition("?")
        if path in AHEAD:
            return response(b"<html><link rel=icon href=data:,>" + AHEAD[path], "Content-Type: text/html")
        if path == "api":
            lasting = [f"Access-Control-Max-Age: {query}"] if query else []
            return response(b"", *CORS, *(lasting if request.method == "OPTIONS" else ()))
        fields = {"page": (HOUR,), "any": (HOUR, "No-Vary-Search: params"),
                  "dictionary": (HOUR, 'Use-As-Dictionary: match="/data"')}
        return response(b"<html><link rel=icon href=data:,><body>number %d</body>" % next(count),
                        "Content-Type: text/html", *fields.get(path, ()))
    return answer


@pytest.fixture(name="origin")
def changing_origin(pki):
    with TlsOrigin(pki.good, site()) as listening:
        yield listening


@pytest.fixture(scope="module")
def observing(pki):
    with Interceptor(pki, mode="observe") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def busting(pki):
    with Interceptor(pki) as proxy:
        yield proxy


def asked(origin, target):
    return [request for request in origin.requests if request.target == target]


def visit_what_was_offered(page, origin, proxy, way):
    """The page that another one had Chromium fetch ahead, once the proxy has seen that it tried to."""
    page.visit(origin.url(f"/{way}"))
    ahead = proxy.record(origin.url("/page"))
    page.follow(origin.url("/page"))
    assert page.text().startswith("number ")
    return ahead["http.response.status_code"]


@pytest.mark.parametrize("way", AHEAD)
def test_chromium_shows_what_it_fetched_ahead(chromium, observing, origin, way):
    """The control: the page was asked for once, ahead of time."""
    with chromium.context(observing) as browser:
        assert visit_what_was_offered(browser.page(), origin, observing, way) == 200
    assert [request.one("Sec-Purpose").split(";")[0] for request in asked(origin, "/page")] == ["prefetch"]


@pytest.mark.parametrize("way", AHEAD)
def test_chromium_is_refused_what_it_fetches_ahead_and_asks_when_it_is_wanted(chromium, busting, origin, way):
    with chromium.context(busting) as browser:
        assert visit_what_was_offered(browser.page(), origin, busting, way) == 503
    assert [request.has("Sec-Purpose") for request in asked(origin, "/page")] == [False]


def preflights(chromium, proxy, pki, api):
    """How many a page of another origin needs for two requests."""
    with TlsOrigin(pki.good, site(), name="127.0.0.1") as origin, chromium.context(proxy) as browser:
        page = browser.page()
        page.visit(origin.url("/page"))
        for _ in range(2):
            page.fetch(api.url("/api?600"), headers={"X-Own": "1"})
        for _ in range(2):
            page.fetch(api.url("/api"), headers={"X-Own": "1"})
    return [sum(request.method == "OPTIONS" for request in asked(api, target)) for target in ("/api?600", "/api")]


def test_chromium_remembers_preflights_with_a_lifetime_and_without(chromium, observing, origin, pki):
    """The control; what says nothing is remembered for 5 seconds."""
    assert preflights(chromium, observing, pki, origin) == [1, 1]


def test_chromium_asks_preflights_again(chromium, busting, origin, pki):
    assert preflights(chromium, busting, pki, origin) == [2, 2]


def shown(browser, url):
    page = browser.page()
    page.visit(url)
    return page.text()


def test_chromium_takes_the_answer_to_another_query_for_this_one(chromium, observing, origin):
    """The control: No-Vary-Search says that the query does not matter."""
    with chromium.context(observing) as browser:
        assert [shown(browser, origin.url(f"/any?{n}")) for n in (1, 2)] == ["number 1", "number 1"]


def test_chromium_asks_for_each_query(chromium, busting, origin):
    with chromium.context(busting) as browser:
        assert [shown(browser, origin.url(f"/any?{n}")) for n in (1, 2)] == ["number 1", "number 2"]


def offered_dictionary(origin):
    request = asked(origin, "/data")[-1]
    return request.has("Available-Dictionary"), "dcb" in request.one("Accept-Encoding")


def test_dictionary_that_chromium_stored_before_is_not_offered_to_the_origin(chromium, origin, pki):
    with Interceptor(pki, mode="observe") as proxy, chromium.context(proxy) as browser:
        page = browser.page()
        page.visit(origin.url("/page"))
        page.fetch("/dictionary")

        def data():
            page.fetch("/data")
            return offered_dictionary(origin)
        assert page.wait(lambda: data() == (True, True), "an offered dictionary")
        proxy.reload(mode="bust")
        assert data() == (False, False)
