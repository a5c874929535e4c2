"""Service workers: scripts fetched fresh, workers removed, in real life and on the wire."""
import pytest

from harness import Freshet, Origin, response

TRIPLE = "no-cache, no-store, must-revalidate"
SCRIPT = "Service-Worker: script"
FOR_A_YEAR = "Cache-Control: public, max-age=31536000"

PAGE = """<!doctype html><title>page</title><body>content {number}
<script>navigator.serviceWorker.register('worker.js', {options})</script>
"""
CACHE_FIRST = """
self.addEventListener('install', event =>
    event.waitUntil(caches.open('shell').then(cache => cache.addAll(['./']))));
self.addEventListener('activate', event => event.waitUntil(clients.claim()));
self.addEventListener('fetch', event =>
    event.respondWith(caches.match(event.request).then(stored => stored || fetch(event.request))));
"""


class Site:
    """Pages whose content has a number, each in a folder with a worker of its own; all may be kept for a year."""

    def __init__(self, **workers):
        self.workers = workers
        self.number = 1
        self.options = "{}"

    def __call__(self, request):
        folder, _, file = request.target.lstrip("/").partition("/")
        if folder not in self.workers:
            return response(b"", status="404 Not Found")
        if file == "worker.js":
            return response(self.workers[folder].encode(), "Content-Type: text/javascript", FOR_A_YEAR)
        page = PAGE.format(number=self.number, options=self.options)
        return response(page.encode(), "Content-Type: text/html", FOR_A_YEAR)


def controlled(page):
    return page.wait_for("!!navigator.serviceWorker.controller")


def test_killed_worker_leaves_nothing_of_itself_behind(chromium):
    site = Site(app=CACHE_FIRST)
    with Origin(site) as origin, Freshet(mode="off", service_workers="kill") as proxy, \
            chromium.context(proxy) as context:
        page = context.page()
        page.visit(origin.url("/app/#part"))
        controlled(page)
        site.number = 2
        page.reload()
        assert page.text() == "content 1"
        proxy.reload(mode="bust")
        page.reload()
        page.wait_for("document.body.innerText == 'content 2' && document.readyState == 'complete'")
        assert page.evaluate("location.hash") == "#part"
        assert page.evaluate("navigator.serviceWorker.controller") is None
        assert page.evaluate("caches.keys()") == []
        # The page registered its worker again, got the same answer, and is not loaded a third time.
        page.wait_for("navigator.serviceWorker.getRegistration().then(found => !found)")
        assert len(proxy.read_records("/app/worker.js")) >= 3
        assert len(page.seen("Page.frameNavigated")) == 4


def test_kill_answers_without_asking_the_origin(origin):
    with Freshet(service_workers="kill") as proxy, proxy.client() as client:
        got = client.get(origin.url("/worker.js"), SCRIPT)
        assert got.status == 200 and b"unregister()" in got.body
        assert got.one("Content-Type") == "text/javascript; charset=utf-8"
        assert got.one("Service-Worker-Allowed") == "/"
        assert [got.one(name) for name in ("Cache-Control", "Pragma", "Expires")] == [TRIPLE, "no-cache", "0"]
        assert not origin.requests
        assert proxy.record("/worker.js")["freshet.service_worker"] == "killed"
        assert client.get(origin.url("/page")).body == b"hello"


def test_kill_answers_head_as_it_answers_get(origin):
    with Freshet(service_workers="kill") as proxy, proxy.client() as client:
        whole = client.get(origin.url("/worker.js"), SCRIPT)
        head = client.exchange("HEAD", origin.url("/worker.js"), SCRIPT)
        assert head.one("Content-Length") == str(len(whole.body)) and not origin.requests


@pytest.mark.parametrize("mode", ["off", "observe"])
def test_kill_does_nothing_where_the_mode_touches_nothing(origin, mode):
    with Freshet(service_workers="kill", mode=mode) as proxy, proxy.client() as client:
        assert client.get(origin.url("/worker.js"), SCRIPT).body == b"hello"
        assert origin.last.names()[:2] == ["Host", "Service-Worker"]


def test_worker_scripts_are_busted_also_where_the_rest_is_only_revalidated(origin):
    with Freshet(mode="revalidate") as proxy, proxy.client() as client:
        got = client.get(origin.url("/worker.js"), SCRIPT, 'If-None-Match: "a"')
        assert got.one("Cache-Control") == origin.last.one("Cache-Control") == TRIPLE
        assert not origin.last.has("If-None-Match")
        client.get(origin.url("/page"), 'If-None-Match: "a"')
        assert origin.last.one("If-None-Match") == '"a"'
