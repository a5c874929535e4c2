"""The page /connect in Chromium: what it finds out about the browser that it is open in, with and without proxy and trust.

Pictures of it are left in the test's folder (pytest --basetemp): by day, by night and on a phone.
"""
import pytest

from harness import Origin
from harness.chromium import Chromium
from harness.tls import Interceptor, openssl

OWN = "freshet.internal/connect"
CHECKS = ("proxy", "trust", "busted")


@pytest.fixture(scope="module")
def proxy(pki):
    with Interceptor(pki) as running:
        yield running


@pytest.fixture(scope="module")
def site():
    with Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def stranger(proxy, tmp_path_factory):
    """A browser that finds the proxy by its script, and knows nothing of its authority."""
    script = f"--proxy-pac-url=http://127.0.0.1:{proxy.port}/proxy.pac"
    with Chromium(tmp_path_factory.mktemp("stranger"), flags=(script,)) as browser:
        yield browser


def direct(proxy):
    return f"http://127.0.0.1:{proxy.port}/connect"


def visit(page, url):
    """Go there and wait until everything is found out: the states, in the order of CHECKS."""
    page.call("Runtime.enable")
    page.visit(url)
    page.wait_for("document.getElementById('again').disabled === false && !document.querySelector('[data-state=wait]')")
    assert page.seen("Runtime.exceptionThrown") == []
    return [page.evaluate(f"document.getElementById('check-{check}').dataset.state") for check in CHECKS]


def said(page, check):
    return page.evaluate(f"document.getElementById('check-{check}').innerText")


def test_browser_without_proxy_is_told_so_and_nothing_else_is_claimed(proxy, chromium):
    with chromium.context() as context:
        page = context.page()
        assert visit(page, direct(proxy)) == ["not", "unknown", "unknown"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_browser_with_proxy_and_authority_passes_all_checks(proxy, chromium, scheme):
    with chromium.context(proxy) as context:
        page = context.page()
        assert visit(page, f"{scheme}://{OWN}") == ["ok", "ok", "ok"]
        assert page.evaluate("location.protocol") == f"{scheme}:"


def test_page_loaded_by_the_proxys_address_asks_by_way_of_the_proxy(proxy, chromium):
    with chromium.context(proxy) as context:
        assert visit(context.page(), direct(proxy)) == ["ok", "ok", "ok"]


def test_browser_led_by_the_script_that_does_not_trust_the_authority_is_told_so(proxy, stranger):
    page = stranger.page()
    assert visit(page, direct(proxy)) == ["ok", "not", "ok"]
    assert "does not accept" in said(page, "trust")
    page.evaluate("document.getElementById('again').click()")
    page.wait_for("document.getElementById('again').disabled === false")
    assert visit(page, f"http://{OWN}") == ["ok", "not", "ok"]


@pytest.mark.parametrize("mode", ["off", "observe"])
def test_browser_that_answers_itself_is_found_out(pki, chromium, mode):
    with Interceptor(pki, mode=mode) as proxy, chromium.context(proxy) as context:
        page = context.page()
        assert visit(page, direct(proxy)) == ["ok", "ok", "not"]
        assert "its own cache" in said(page, "busted")


def test_where_nothing_is_intercepted_trust_is_not_claimed_either_way(pki, chromium, tmp_path):
    with Interceptor(pki, intercept="no") as idle, chromium.context(idle) as context:
        page = context.page()
        assert visit(page, direct(idle)) == ["ok", "unknown", "ok"]
        assert "intercept is off" in said(page, "trust")
    with Interceptor(pki, intercept="no", env={"STATE_DIRECTORY": str(tmp_path)}) as none, chromium.context(none) as context:
        page = context.page()
        assert visit(page, direct(none)) == ["ok", "unknown", "ok"]
        assert "no authority" in said(page, "trust") and "Before you trust it" not in page.text()


def test_another_proxy_is_not_taken_for_this_one(pki, proxy, chromium):
    with Interceptor(pki) as other, chromium.context(other) as context:
        assert visit(context.page(), direct(proxy))[0] == "not"


def test_another_sites_page_does_not_learn_that_its_visitor_uses_freshet(proxy, chromium, site):
    with chromium.context(proxy) as context:
        page = context.page()
        page.visit(site.url("/"))
        for what in ("seen", "kept", "seen?mark=" + "0" * 32):
            assert page.evaluate(f"fetch('http://freshet.internal/connect/{what}').then(() => 'read', () => 'refused')") == "refused"


def test_page_shows_the_address_and_the_fingerprint_to_compare(proxy, chromium):
    fingerprint = openssl("x509", "-in", proxy.pki.proxy_ca, "-noout", "-fingerprint", "-sha256").split("=")[1].strip()
    with chromium.context() as context:
        page = context.page()
        visit(page, direct(proxy))
        assert page.evaluate("document.getElementById('reached').innerText") == f"127.0.0.1:{proxy.port}"
        assert page.evaluate("document.getElementById('fingerprint').innerText") == fingerprint
        assert page.evaluate("[...document.querySelectorAll('details')].filter(e => e.open).length") == 1


def test_without_scripts_the_steps_stand_there(proxy, chromium):
    with chromium.context() as context:
        page = context.page()
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.visit(direct(proxy))
        text = page.text()
        assert "Only JavaScript can tell" in text and "SHA-256" in text and "Check again" not in text
        assert f"http://127.0.0.1:{proxy.port}" in page.evaluate("document.querySelector('[data-platform=shell]').textContent")


def test_blind_spot_is_shown_after_a_tunnel_and_hostile_names_stay_text(proxy, stranger, site):
    page = stranger.page()
    visit(page, direct(proxy))
    for authority in (f"127.0.0.1:{site.port}", "<img src=x onerror=document.title=1>:443", "a'b&amp;c:443"):
        with proxy.client() as client:
            client.connect_to(authority)
            client.send(b"\x00 not TLS")
    page.wait_for("document.getElementById('unread').innerText.includes('does not speak TLS')")
    assert f"127.0.0.1:{site.port}" in page.evaluate("document.getElementById('unread').innerText")
    assert page.evaluate("document.querySelectorAll('#unread img').length") == 0
    assert page.evaluate("document.title") == "Connect – freshet"


def test_nothing_is_wider_than_a_phone_by_day_and_by_night(proxy, stranger, tmp_path):
    page = stranger.page()
    visit(page, direct(proxy))
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    for name, width, dark in (("connect", 1280, False), ("connect-dark", 1280, True), ("connect-phone", 390, False)):
        page.picture(tmp_path / f"{name}.png", width, 1000, dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.getElementById('unread').scrollIntoView()")
    page.picture(tmp_path / "unread-phone.png", 390, 700)
    page.picture(tmp_path / "unread.png", 1280, 700)
