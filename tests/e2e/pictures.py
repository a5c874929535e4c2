#!/usr/bin/python3
"""Takes README's pictures: a shop whose prices have changed, behind a cache that nobody told.

    tests/e2e/pictures.py [FOLDER]     src/live/pictures by default; FRESHET is the binary
"""
import base64
import contextlib
import pathlib
import sys
import tempfile
import time

from harness import Freshet, Origin, response
from harness.caches import Varnish
from harness.chromium import Chromium

FOLDER = pathlib.Path(__file__).parents[2] / "src/live/pictures"
SHOP = "http://shop.example"
PARTS = {
    "/": ("text/html", 5200, "max-age=60"), "/prices": ("text/html", 8300, "max-age=5"),
    "/style.css": ("text/css", 12400, "max-age=3600"), "/shop.js": ("text/javascript", 48200, "max-age=3600"),
    "/logo.svg": ("image/svg+xml", 2100, "max-age=86400"), "/basket": ("application/json", 140, "no-store"),
}


class Shop(Origin):
    def __init__(self):
        super().__init__(answer=self.tell)
        self.price = 10

    def tell(self, request):
        path = request.target.removeprefix(SHOP).split("?")[0]
        kind, length, control = PARTS[path]
        body = f"<p>{self.price} €</p>".encode() if kind == "text/html" else b""
        return response(body.ljust(length), f"Content-Type: {kind}", f"Cache-Control: {control}",
                        f'ETag: "{self.price}-{length}"')


def browse(proxy, *paths):
    with proxy.client() as client:
        for path in paths:
            client.get(SHOP + path, "User-Agent: Mozilla/5.0", "Accept: */*", "Accept-Language: en")


def take(page, name, height, folder):
    page.call("Emulation.setDeviceMetricsOverride", width=1280, height=height, deviceScaleFactor=1, mobile=False)
    page.wait_for("document.fonts.status == 'loaded'")
    time.sleep(0.3)  # for what it draws after that
    picture = page.call("Page.captureScreenshot", format="png")["data"]
    (folder / f"{name}.png").write_bytes(base64.b64decode(picture))


def take_all(proxy, page, own, folder):
    page.visit(own)
    page.wait_for("document.querySelectorAll('[role=option]:not([hidden])').length >= 10")
    take(page, "exchanges", 420, folder)
    page.evaluate(f"void (location.hash = '{proxy.records(2, '/prices')[-1]['freshet.id']}')")
    page.wait_for("document.querySelector('#detail:not([hidden]) .sentence') !== null")
    take(page, "exchange", 900, folder)
    page.visit(f"{own}check#{SHOP}/")
    page.evaluate("void document.querySelector('form button').click()")
    page.wait_for("document.querySelector('#verdict[data-verdict=stale]') !== null")
    take(page, "check", 820, folder)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        shop = stack.enter_context(Shop())
        cache = stack.enter_context(Varnish(shop))
        proxy = stack.enter_context(Freshet(pierce="never", parent=f'"http://127.0.0.1:{cache.port}"'))
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        page = stack.enter_context(stack.enter_context(Chromium(home)).context()).page()
        browse(proxy, *PARTS)
        shop.price = 12
        time.sleep(7)  # until the price's five seconds are over
        browse(proxy, *PARTS)
        take_all(proxy, page, f"http://127.0.0.1:{proxy.port}/", folder)


if __name__ == "__main__":
    main()
