"""In Chromium: copying an exchange as a program, and storing what the list shows as a file."""
import json

import pytest

from harness import Freshet, Origin, har, response
from harness.copy_as import CopyAs
from harness.origin import wait_until

EVIL = "</textarea><img src=x onerror=document.title=1>'\"`$(x)\\"
ROWS = "[...document.querySelectorAll('[role=option]:not([hidden])')]"


@pytest.fixture(scope="module")
def browsed():
    """A proxy through which two sites were asked for something."""
    with Freshet(workers=2, pierce="never") as proxy, Origin() as site, Origin(response(b"no", status="404 Not Found")) as other:
        with proxy.client() as client:
            client.get(site.url("/evil?a='b"), f"X-Evil: {EVIL}", "Cookie: sid=hidden", "Cache-Control: max-age=1")
            client.get(site.url("/plain"))
        with proxy.client() as client:
            client.get(other.url("/gone"))
        proxy.records(3)
        yield proxy


def open_page(page, proxy, host=None, about=None):
    number = proxy.record(about)["freshet.id"] if about else ""
    page.visit(f"http://{host or f'127.0.0.1:{proxy.port}'}/#{number}")
    page.wait_for(f"{ROWS}.length >= 3 || document.body.classList.contains('open')")
    if about:
        page.wait_for("document.getElementById('copy') !== null")
    return number


@pytest.fixture(params=["listener", "freshet.internal"])
def opened(request, chromium, browsed):
    """The hostile exchange's detail; under freshet's own name the page is no secure context."""
    through = browsed if request.param == "freshet.internal" else None
    with chromium.context(through) as context:
        page = context.page()
        page.call("Runtime.enable")
        open_page(page, browsed, through and "freshet.internal", "/evil")
        page.evaluate("void document.addEventListener('copy', () => { const e = document.activeElement;"
                      "window.copied = e.value.slice(e.selectionStart, e.selectionEnd); })")
        yield page
        assert page.seen("Runtime.exceptionThrown") == []


def choose(page, tool, fresh=False):
    page.evaluate(f"void (() => {{ const s = document.getElementById('copy-tool');"
                  f"s.selectedIndex = [...s.options].findIndex(o => o.text == {tool!r}); s.dispatchEvent(new Event('input'));"
                  f"const f = document.getElementById('copy-fresh'); if (f.checked != {json.dumps(fresh)}) f.click(); }})()")
    return page.evaluate("document.getElementById('copy-text').value")


def click(page, selector):
    """As a person does, which is what clipboards want."""
    x, y = page.evaluate(f"(e => {{ e.scrollIntoView(); const r = e.getBoundingClientRect();"
                         f"return [r.x + r.width / 2, r.y + r.height / 2]; }})(document.querySelector({selector!r}))")
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def test_snippet_is_what_the_module_writes_and_stays_text(opened, browsed, tmp_path):
    with browsed.client() as client:
        number = browsed.record("/evil")["freshet.id"]
        story = json.loads(client.get(f"http://freshet.internal/live/exchange?id={number}").body)
    written, = CopyAs(tmp_path).snippets([story])
    for tool, (plain, fresh) in written.items():
        assert choose(opened, tool) == plain
        assert choose(opened, tool, fresh=True) == fresh and "no-store" in fresh
    assert EVIL.replace("'", "'\\''") in written["curl"][0] and "hidden" not in written["curl"][0]
    assert opened.evaluate("document.querySelectorAll('#detail img').length") == 0
    assert opened.evaluate("document.title") == "freshet"


def test_copy_button_copies_it_in_secure_contexts_and_others(opened):
    text = choose(opened, "curl")
    opened.evaluate("void (window.written = null, navigator.clipboard && (navigator.clipboard.writeText = async t => {"
                    "window.written = t; }))")
    click(opened, "#copy")
    opened.wait_for("document.getElementById('copy-told').textContent == 'Copied.'")
    assert opened.evaluate("window.written ?? window.copied") == text
    assert opened.evaluate("isSecureContext") == (opened.evaluate("window.written") is not None)


def test_where_nothing_can_be_copied_the_snippet_is_selected(opened):
    choose(opened, "curl")
    opened.evaluate("void (navigator.clipboard && (navigator.clipboard.writeText = () => Promise.reject()),"
                    "document.execCommand = () => false)")
    click(opened, "#copy")
    opened.wait_for("document.getElementById('copy-told').textContent.includes('selected')")
    assert opened.evaluate("(e => e.selectionEnd - e.selectionStart == e.value.length)(document.getElementById('copy-text'))")


def test_shown_secrets_are_copied(opened):
    assert "sid=***" in choose(opened, "curl")
    opened.evaluate("document.getElementById('secrets').click()")
    opened.wait_for("document.getElementById('copy-text').value.includes('sid=hidden')")


# -- files

@pytest.fixture
def downloads(chromium, browsed, tmp_path):
    """The page with its list, and the folder that downloads go to."""
    with chromium.context() as context:
        context.pipe.call("Browser.setDownloadBehavior", behavior="allow", browserContextId=context.number,
                          downloadPath=str(tmp_path))
        page = context.page()
        open_page(page, browsed)
        yield page, tmp_path


def stored(folder, suffix):
    file, = wait_until(lambda: list(folder.glob(f"freshet-*{suffix}")))
    return file.read_text()


def test_export_is_all_that_is_remembered(downloads):
    page, folder = downloads
    click(page, "#export-har")
    urls = [entry["request"]["url"] for entry in har.validate(json.loads(stored(folder, ".har")))]
    assert [url.rpartition("/")[2] for url in urls][:3] == ["evil?a='b", "plain", "gone"]


def test_export_with_a_filter_is_what_the_list_shows(downloads):
    page, folder = downloads
    page.evaluate("void (e => { e.value = '4'; e.dispatchEvent(new Event('input')); })(document.getElementById('filter-status'))")
    click(page, "#export-har")
    click(page, "#export-jsonl")
    entry, = har.validate(json.loads(stored(folder, ".har")))
    line, = stored(folder, ".jsonl").splitlines()
    assert entry["request"]["url"].endswith("/gone") and json.loads(line)["url.original"].endswith("/gone")


def test_one_exchange_is_stored_by_its_link(downloads, browsed):
    page, folder = downloads
    page.evaluate(f"void (location.hash = '{browsed.record('/plain')['freshet.id']}')")
    page.wait_for("document.getElementById('copy') !== null")
    click(page, ".copy a")
    entry, = har.validate(json.loads(stored(folder, ".har")))
    assert entry["request"]["url"].endswith("/plain")


# The developer tools' own importer, by its place in them; it moves if Chromium rearranges them.
IMPORT = """(async archive => {
  const {HARFormat, Importer} = await import("devtools://devtools/bundled/models/har/har.js");
  const read = Importer.Importer.requestsFromHARLog(new HARFormat.HARRoot(archive).log);
  return read.map(r => [r.requestMethod, r.url(), r.statusCode, r.resourceSize]);
})"""


def test_chromiums_developer_tools_open_the_archive(chromium, browsed):
    with browsed.client() as client:
        client.get("http://127.0.0.1:1/refused")
        archive = client.get("http://freshet.internal/export.har?host=127.0.0.1").body.decode()
    page = chromium.page()
    page.visit("devtools://devtools/bundled/devtools_app.html")
    read = page.evaluate(f"{IMPORT}({archive})")
    page.close()
    entries = har.validate(json.loads(archive))
    assert read == [[entry["request"]["method"], entry["request"]["url"], entry["response"]["status"],
                     entry["response"]["content"]["size"]] for entry in entries]
    assert ["GET", "http://127.0.0.1:1/refused", 502] == read[-1][:3]
