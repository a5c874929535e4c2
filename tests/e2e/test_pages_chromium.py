"""What all pages of freshet's own have in common, in Chromium: text that can be read, keys that reach everything."""
import contextlib

import pytest

from harness import Freshet, Origin, response
from harness.switches import Switches

PATHS = ("/", "/switches#127.0.0.1", "/check", "/connect")
ANSWERS = {
    "/stale": response(b"x", "Cache-Control: max-age=60", "Age: 99", "X-Cache: HIT", "Content-Type: text/html"),
    "/stored": response(b"x", "Cache-Control: max-age=60", "Age: 9", "X-Cache: HIT", "Set-Cookie: a=b"),
    "/fresh": response(b"x", "X-Cache: MISS", "Expires: 0"),
    "/revalidated": response(b"x", "Cache-Status: edge; fwd=stale; fwd-status=304"),
    "/unknown": response(b"x", status="404 Not Found"),
}
CONTRAST = """(() => {
    const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const channels = color => {
        pixel.clearRect(0, 0, 1, 1);
        pixel.fillStyle = color;
        pixel.fillRect(0, 0, 1, 1);
        return pixel.getImageData(0, 0, 1, 1).data;
    };
    const linear = value => value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = e => {
        const color = channels(getComputedStyle(e).backgroundColor);
        return color[3] === 255 || !e.parentElement ? color : behind(e.parentElement);
    };
    const ratio = (color, e) => {
        const [light, dark] = [luminance(channels(color)), luminance(behind(e))].sort((a, b) => b - a);
        return (light + 0.05) / (dark + 0.05);
    };
    const hasText = e => [...e.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    const told = (e, part) => [ratio(getComputedStyle(e, part).color, e), `${e.tagName} ${e.id} ${e.className} ${e.textContent.slice(0, 20)}`];
    const visible = [...document.querySelectorAll("body *")].filter(e => e.checkVisibility());
    return [...visible.filter(e => hasText(e) || e.matches("input, select")).map(e => told(e)),
        ...visible.filter(e => e.placeholder).map(e => told(e, "::placeholder"))];
})()"""
CONTROLS = "[...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex=\"0\"]')].filter(e => e.checkVisibility())"
NAME = "(e.id || e.getAttribute('href') || e.textContent.trim())"
OUTLINED = """(() => {
    const e = document.activeElement, style = getComputedStyle(e);
    e.dataset.reached = "yes";
    return [e.tagName, e.id, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
})()"""


@pytest.fixture(scope="module")
def pages(chromium):
    """A page in Chromium, and the address of a proxy that has seen something of every kind."""
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Freshet(workers=1, pierce="never"))
        origin = stack.enter_context(Origin(answer=lambda request: ANSWERS[request.target]))
        page = stack.enter_context(chromium.context()).page()
        Switches(proxy).set("127.0.0.1", "pierce", "never")
        with proxy.client() as client:
            for path in ANSWERS:
                client.get(origin.url(path), 'If-None-Match: "1"', "Cookie: a=b")
            client.get("http://127.0.0.1:1/refused")
        with proxy.client() as client:
            client.connect_to(origin.authority)
        numbers = [record["freshet.id"] for record in proxy.records(len(ANSWERS) + 2)]
        yield page, f"http://127.0.0.1:{proxy.port}", [f"/#{number}" for number in numbers]


def visit(page, url):
    page.visit("about:blank")  # or another fragment would be the same page
    page.visit(url)
    page.wait_for("document.fonts.status == 'loaded' && !document.querySelector('#state[data-state=wait], #again:disabled')")
    if "/#" in url:
        page.wait_for("document.querySelector('#detail:not([hidden]) .facts') !== null && "
                      "document.querySelector('[role=option][aria-selected=true]') !== null")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(pages, scheme):
    page, own, details = pages
    page.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    pale = set()
    for path in (*PATHS, *details):
        visit(page, own + path)
        seen = page.evaluate(CONTRAST)
        assert len(seen) > 10
        pale |= {(path, about, round(ratio, 2)) for ratio, about in seen if ratio < 4.5}
    assert pale == set()


@pytest.mark.parametrize("path", PATHS)
def test_tab_reaches_every_control_and_shows_where_it_is(pages, path):
    page, own, _ = pages
    visit(page, own + path)
    reached = []
    for _ in range(page.evaluate(f"{CONTROLS}.length") + 5):  # what can be scrolled has a place among them, too
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(page.evaluate(OUTLINED))
    assert [control for *control, outlined in reached if not outlined and control[0] != "BODY"] == []
    assert page.evaluate(f"{CONTROLS}.filter(e => !e.dataset.reached).map(e => {NAME})") == []
