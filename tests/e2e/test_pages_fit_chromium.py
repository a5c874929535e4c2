"""What all of freshet's own pages have in common, in Chromium: they fit narrow windows, and end where their text does."""
import base64
import re

import pytest

from harness import Freshet, Origin

PAGES = ["", "switches", "check", "connect"]
WIDTHS = [320, 390, 768, 1280]


@pytest.fixture(scope="module")
def proxy():
    with Freshet() as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium):
    with chromium.context() as context:
        yield context.page()


def visit(page, proxy, path):
    """Go there and have everything on it open, the table of blind spots among it."""
    with Origin() as origin, proxy.client() as client:
        client.connect_to(origin.authority)
    page.visit(f"http://127.0.0.1:{proxy.port}/{path}")
    if path == "connect":
        page.wait_for("!document.getElementById('unread').hidden")
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")


@pytest.mark.parametrize("path", PAGES)
def test_page_fits_into_windows_of_all_widths_and_ends_with_its_text(page, proxy, path, tmp_path):
    visit(page, proxy, path)
    for width in WIDTHS:
        page.picture(tmp_path / f"{path or 'exchanges'}-{width}.png", width, 700)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        assert page.evaluate("document.documentElement.scrollHeight - scrollY - "
                             "document.querySelector('main').getBoundingClientRect().bottom") < 1, width


def test_page_of_text_is_printed_to_its_end(page, proxy):
    visit(page, proxy, "connect")
    paper = base64.b64decode(page.call("Page.printToPDF")["data"])
    assert len(re.findall(rb"/Type /Page\b", paper)) > 2
