"""The switches' page in Chromium: what people see of it and do with it, and that hostile patterns stay text.

Pictures of it are left in the test's folder (pytest --basetemp): by day and by night, wide and on a phone.
"""
import base64

import pytest

from harness import Freshet
from harness.switches import Switches

HOSTILE = "evil.example/</td><img/src=x/onerror=document.title=1><script>document.title=2</script>\"'`${document.title=3}"
ROWS = "[...document.querySelectorAll('#in-force tbody tr')]"


@pytest.fixture(scope="module", name="proxy")
def shared_proxy():
    with Freshet('site "*.configured.example" { mode = observe pierce = never }\n'
                 'site "posted.example" { method = {"POST"} mode = off }', workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium, proxy):
    """One page for all tests; each takes back what it switches."""
    with chromium.context() as context:
        opened = context.page()
        opened.call("Runtime.enable")
        yield opened
        assert opened.seen("Runtime.exceptionThrown") == []


@pytest.fixture
def switches(proxy, page):
    """The page opened anew, and the board behind it."""
    page.visit("about:blank")
    page.visit(f"http://127.0.0.1:{proxy.port}/switches")
    page.wait_for("document.getElementById('setting').options.length == 3")
    board = Switches(proxy)
    yield board
    for site, setting, _ in board.in_force():
        board.do("undo", site=site, setting=setting)


def fill(page, **fields):
    for name, value in fields.items():
        page.evaluate(f"void (box => {{ box.value = {value!r}; box.dispatchEvent(new Event('change')); }})"
                      f"(document.getElementById('{name}'))")


def submit(page, form):
    page.evaluate(f"void document.querySelector('#{form} [type=submit]').click()")


def wait_for_said(page, text):
    page.wait_for(f"document.getElementById('said').textContent.includes({text!r})")


def in_force(page):
    return page.evaluate(f"{ROWS}.map(row => [...row.cells].slice(0, 3).map(cell => cell.textContent))")


def picture(page, file, width, dark=False):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=1100, deviceScaleFactor=1, mobile=width < 500)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    file.write_bytes(base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"]))


def test_form_switches_and_the_list_shows_it_with_the_time_left(page, switches):
    assert "Nothing is switched" in page.text()
    fill(page, site="www.example.com", setting="mode", value="observe")
    assert "what caches did is told" in page.evaluate("document.getElementById('meaning').textContent")
    submit(page, "set")
    wait_for_said(page, "Done. www.example.com: mode = observe for 600 s.")
    page.wait_for(f"{ROWS}.length == 1")
    assert switches.in_force() == [("www.example.com", "mode", "observe")]
    [[site, setting, left]] = in_force(page)
    assert (site, setting) == ("www.example.com", "mode = observe")
    assert left in ("10 min", "9 min 59 s", "9 min 58 s")
    fill(page, **{"for": ""})
    submit(page, "set")
    page.wait_for(f"{ROWS}[0]?.cells[2].textContent == 'until taken back'")


def test_values_follow_the_setting(page, switches):
    fill(page, setting="intercept")
    assert page.evaluate("[...document.getElementById('value').options].map(o => o.value)") == ["no", "yes", "strict"]


def test_button_takes_back(page, switches):
    fill(page, site="a.example", setting="pierce", value="always")
    submit(page, "set")
    page.wait_for(f"{ROWS}.length == 1")
    page.evaluate(f"void {ROWS}[0].querySelector('button').click()")
    wait_for_said(page, "Done. a.example: pierce as configured.")
    page.wait_for("document.getElementById('in-force').hidden")
    assert switches.in_force() == []


def test_switch_disappears_when_its_time_is_over(page, switches):
    switches.set("short.example", "mode", "off", **{"for": "2s"})
    page.reload()
    page.wait_for(f"{ROWS}.length == 1")
    page.wait_for("document.getElementById('in-force').hidden")


def test_wish_that_cannot_be_says_why(page, switches):
    fill(page, site="http://example.com/")
    submit(page, "set")
    wait_for_said(page, "Not done: pattern is a URL: leave the scheme out.")
    assert in_force(page) == []


def test_hash_fills_in_the_host_and_shows_what_applies_to_it(page, switches):
    switches.set("www.configured.example", "pierce", "always")
    page.evaluate("void (location.hash = 'www.configured.example%3A80')")
    page.wait_for("document.getElementById('applies').textContent.includes('switched for www.configured.example')")
    text = page.evaluate("document.getElementById('applies').innerText")
    assert "observe by the site section *.configured.example" in text
    assert "no by the configuration" in text
    assert page.evaluate("document.getElementById('site').value") == "www.configured.example:80"


def test_configuration_below_is_shown(page, switches):
    rows = page.evaluate("[...document.querySelectorAll('#configuration tbody tr')].map(row => row.innerText)")
    assert [row.split("\t") for row in rows] == [
        ["*.configured.example", "observe", "never", "no"],
        ["posted.example for some methods or clients", "off", "auto", "no"],
        ["all others", "bust", "auto", "no"]]


def test_forgetting_tells_what_was_forgotten(page, switches):
    page.evaluate("void document.querySelector('#flush button').click()")
    wait_for_said(page, "Done. forgotten: the addresses of names")


def test_hostile_pattern_stays_text(page, switches):
    fill(page, site=HOSTILE, setting="mode", value="off")
    submit(page, "set")
    page.wait_for(f"{ROWS}.length == 1")
    assert in_force(page)[0][0] == HOSTILE
    page.evaluate(f"void (location.hash = encodeURIComponent({HOSTILE!r}))")
    page.wait_for("document.getElementById('applies').textContent.includes('switched for')")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert page.evaluate("document.title") == "Switches – freshet"


def test_controls_are_labelled_and_nothing_is_wider_than_a_phone(page, switches, tmp_path):
    for site, setting, value, time in (("*.example.com", "mode", "observe", "10m"), ("api.example.com:8443", "intercept", "no", "1h"),
                                       ("www.a-rather-long-name-of-a-host.example.org/with/a/path/*", "pierce", "always", "")):
        switches.set(site, setting, value, **{"for": time})
    page.evaluate("void (location.hash = 'www.configured.example')")
    page.wait_for(f"{ROWS}.length == 3")
    assert page.evaluate("[...document.querySelectorAll('input, select, button')]"
                         ".filter(e => !e.labels?.length && !e.textContent.trim()).length") == 0
    for name, width, dark in (("switches", 1200, False), ("switches-dark", 1200, True), ("switches-phone", 390, True)):
        picture(page, tmp_path / f"{name}.png", width, dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
