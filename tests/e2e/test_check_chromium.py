"""The page for checking an address in Chromium: the verdict with its proof, and that hostile fields stay text.

Pictures of it are left in the test's folder (pytest --basetemp): by day and by night, wide and on a phone.
"""
import base64

import pytest

from harness import Freshet
from harness.check import Site, dated

KEPT = "Cache-Control: max-age=600"
HOSTILE = "\"<img/src=x/onerror=document.title=1><script>document.title=2</script>\""


@pytest.fixture(scope="module", name="proxy")
def shared_proxy():
    with Freshet() as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium, proxy):
    with chromium.context() as context:
        opened = context.page()
        opened.call("Runtime.enable")
        yield opened
        assert opened.seen("Runtime.exceptionThrown") == []


def open_for(page, proxy, url=""):
    page.visit("about:blank")
    page.visit(f"http://127.0.0.1:{proxy.port}/check#{url}")
    page.wait_for("document.readyState == 'complete'")


def press_enter(page):
    for kind in ("rawKeyDown", "char", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")


def report(page):
    page.wait_for("!document.getElementById('report').hidden")
    return page.evaluate("document.getElementById('report').innerText")


def picture(page, file, width, dark=False):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=1100, deviceScaleFactor=1, mobile=width < 500)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    file.write_bytes(base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"]))


def test_address_in_the_fragment_is_checked_by_one_key_and_hostile_fields_stay_text(page, proxy, tmp_path):
    with Site(lambda _: dated(b"old", KEPT, f"ETag: {HOSTILE}"), says=["Age: 60", "X-Cache: HIT"]) as site:
        url = site.url("/<script>document.title=3</script>".replace("<", "%3C").replace(">", "%3E"))
        open_for(page, proxy, url)
        page.wait_for("document.getElementById('url').value.startsWith('http')")
        assert site.requests == [], "the fragment alone starts nothing"
        press_enter(page)
        assert "FRESH" in report(page).upper()
        site.page = lambda _: dated(b"new", KEPT)
        page.evaluate("void document.getElementById('go').click()")
        page.wait_for("document.getElementById('verdict')?.dataset.verdict === 'stale'"
                      " && !document.getElementById('report').hidden")
    text = report(page)
    assert "answered with an old copy, stored 1 min ago" in text and HOSTILE in text
    assert "with a parameter added, twice" in text and "max-age, RFC 9111" in text
    assert page.evaluate("document.querySelectorAll('#proof .differs').length") >= 2
    assert page.evaluate("document.title") == "Check – freshet"
    assert page.evaluate("document.querySelectorAll('#report img, #report script').length") == 0
    for name, width, dark in (("day", 1200, False), ("night", 1200, True), ("phone", 400, False)):
        picture(page, tmp_path / f"check-{name}.png", width, dark)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_what_cannot_be_checked_is_told_in_words(page, proxy):
    open_for(page, proxy, "ftp://site.test/")
    page.evaluate("void document.getElementById('go').click()")
    page.wait_for("!document.getElementById('trouble').hidden")
    assert "Not checked" in page.evaluate("document.getElementById('trouble').textContent")
