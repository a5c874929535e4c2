"""purge-client: browsers forget what they stored before freshet was there, once per client and origin."""
import itertools

import pytest

from harness import Client, Freshet, Origin, response
from harness.chromium import Chromium
from harness.tls import Interceptor, TlsOrigin

ORDER = "Clear-Site-Data"
BROWSER = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none")
agents = itertools.count()


@pytest.fixture(scope="module", name="proxy")
def purging_proxy():
    with Freshet(purge_client="first-contact", workers=2) as running:
        yield running


@pytest.fixture(name="agent")
def new_agent():
    """A browser that has not been here yet."""
    return f"User-Agent: browser {next(agents)}"


def ask(proxy, origin, *fields, method="GET", source=None):
    """The orders that the answer to a browser carries."""
    with proxy.client(source=source) as client:
        return client.exchange(method, origin.url(), *BROWSER, *fields).all(ORDER)


def test_first_answer_tells_the_browser_and_later_ones_do_not(proxy, origin, agent):
    assert [ask(proxy, origin, agent) for _ in range(5)] == [['"cache"'], [], [], [], []]


def test_each_browser_address_and_origin_is_told(proxy, origin, agent):
    with Origin() as other:
        assert ask(proxy, origin, agent) == ['"cache"']
        assert ask(proxy, other, agent) == ['"cache"']
        assert ask(proxy, origin, agent, source="127.0.0.2") == ['"cache"']
        assert ask(proxy, origin, agent + " of somebody else") == ['"cache"']


def test_program_at_the_same_address_does_not_use_up_the_browsers_turn(proxy, origin, agent):
    with proxy.client() as client:
        assert not client.get(origin.url(), agent).has(ORDER)
    assert ask(proxy, origin, agent) == ['"cache"']


@pytest.mark.parametrize("status, method", [("200 OK", "HEAD"), ("304 Not Modified", "GET"), ("401 No", "GET")])
def test_answer_that_browsers_do_not_look_at_does_not_count(proxy, origin, agent, status, method):
    origin.answer = response(b"", status=status)
    assert ask(proxy, origin, agent, method=method) == []
    origin.answer = response(b"page")
    assert ask(proxy, origin, agent) == ['"cache"']


def test_origins_own_order_stays_and_is_completed(proxy, origin, agent):
    origin.answer = response(b"bye", 'Clear-Site-Data: "cookies"')
    assert [ask(proxy, origin, agent) for _ in range(2)] == [['"cookies"', '"cache"'], ['"cookies"']]


def test_answers_made_here_do_not_count(proxy, agent):
    with Origin() as origin:
        origin.stop_listening()
        with proxy.client() as client:
            answer = client.get(origin.url(), *BROWSER, agent)
    assert (answer.status, answer.has(ORDER)) == (502, False)


def test_browsers_are_not_told_again_after_a_reload(proxy, origin, agent):
    assert ask(proxy, origin, agent) == ['"cache"']
    proxy.reload()
    assert ask(proxy, origin, agent) == []


def test_nobody_is_told_by_default(origin, agent):
    with Freshet() as plain, plain.client() as client:
        assert not client.get(origin.url(), *BROWSER, agent).has(ORDER)


# ---- Chromium

def site():
    """A page that may not be kept, and its script, which may for a year; both differ at each request."""
    count = itertools.count(1)

    def answer(request):
        if request.target == "/":
            return response(b"<html><body><script src=/app.js></script></body>", "Content-Type: text/html",
                            "Cache-Control: no-cache")
        if request.target == "/app.js":
            return response(b"document.body.append('script %d')" % next(count), "Content-Type: text/javascript",
                            "Cache-Control: public, max-age=31536000, immutable")
        return response(b"", status="404 Not Found")
    return answer


def shown(browser, url):
    """What a new tab shows."""
    page = browser.page()
    page.visit(url)
    try:
        return page.text()
    finally:
        page.close()


def test_chromium_forgets_what_it_stored_without_the_proxy(pki, tmp_path):
    with TlsOrigin(pki.good, site()) as origin, Interceptor(pki) as proxy:
        with Chromium(tmp_path, [pki.root.file, pki.proxy_ca]) as direct:
            assert [shown(direct, origin.url()) for _ in range(2)] == ["script 1", "script 1"]
        way = (f"--proxy-server=127.0.0.1:{proxy.port}", "--proxy-bypass-list=<-loopback>")
        with Chromium(tmp_path, flags=way) as proxied:
            assert shown(proxied, origin.url()) == "script 1", "busting alone does not reach it"
            proxy.reload(purge_client="first-contact")
            assert [shown(proxied, origin.url()) for _ in range(2)] == ["script 2", "script 3"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_chromium_forgets_what_it_stored_of_loopback_by_http(chromium, host):
    with Origin(site()) as origin, Freshet(mode="off") as proxy, chromium.context(proxy) as browser:
        url = f"http://{host}:{origin.port}/"
        assert [shown(browser, url) for _ in range(2)] == ["script 1", "script 1"]
        proxy.reload(mode="bust", purge_client="first-contact")
        assert [shown(browser, url) for _ in range(2)] == ["script 2", "script 3"]


def test_chromium_keeps_the_cookies_that_it_has(chromium):
    with Origin() as origin, Freshet(purge_client="first-contact") as proxy, chromium.context(proxy) as browser:
        origin.answer = response(b"set", "Set-Cookie: login=1; Path=/", "Content-Type: text/html")
        shown(browser, origin.url())
        shown(browser, origin.url())
        assert origin.last.all("Cookie") == ["login=1"]
