"""Service workers in Chromium: wrapped ones show what the origin has now, killed ones are gone."""
import json

import pytest

from harness import Freshet, Origin, response
from harness.origin import shut
from harness.tls import Interceptor, TlsOrigin

FOR_A_YEAR = "Cache-Control: public, max-age=31536000"

PAGE = """<!doctype html><title>page</title><body>content {number}
<script>
navigator.serviceWorker.oncontrollerchange = () => window.taken = true;
navigator.serviceWorker.register('worker.js', {options});
</script>
"""
BEGIN = """
self.addEventListener('install', event =>
    event.waitUntil(caches.open('shell').then(cache => cache.addAll(['./']))));
self.addEventListener('activate', event => event.waitUntil(clients.claim()));
"""
CACHE_FIRST = BEGIN + """
self.addEventListener('fetch', event =>
    event.respondWith(caches.match(event.request).then(stored => stored || fetch(event.request))));
"""
STALE_WHILE_REVALIDATE = BEGIN + """
self.addEventListener('fetch', event => event.respondWith((async () => {
    const cache = await caches.open('shell');
    const stored = await cache.match(event.request);
    const fetched = fetch(event.request).then(response => {
        cache.put(event.request, response.clone());
        return response;
    });
    event.waitUntil(fetched.catch(() => {}));
    return stored || fetched;
})()));
"""
VERSIONED = """
const VERSION = 'v1';
self.oninstall = event => event.waitUntil((async () => {
    const cache = await caches.open(VERSION);
    await cache.put('./', await fetch('./'));
    await self.skipWaiting();
})());
self.onactivate = event => event.waitUntil((async () => {
    for (const name of await caches.keys())
        if (name.startsWith('v') && name !== VERSION)
            await caches.delete(name);
    await clients.claim();
})());
self.onfetch = event => event.respondWith((async () => {
    const [stored] = await (await caches.open(VERSION)).matchAll(event.request, {ignoreSearch: true});
    return stored || fetch(event.request);
})());
"""
MODULE = "import {serve} from './import.js';\n" + BEGIN + "self.addEventListener('fetch', serve);\n"
IMPORT = """
export const serve = event =>
    event.respondWith(caches.match(event.request).then(stored => stored || fetch(event.request)));
"""
UPDATED = {"first": CACHE_FIRST, "swr": STALE_WHILE_REVALIDATE, "versioned": VERSIONED, "module": MODULE}
KINDS = [*UPDATED, "never"]
OPTIONS = {"module": "{type: 'module'}", "never": "{updateViaCache: 'all'}"}


class Site:
    """Pages whose content has a number, each in a folder with a worker of its own; all may be kept for a year."""

    def __init__(self, workers):
        self.workers = workers
        self.number = 1

    def __call__(self, request):
        folder, _, file = request.target.lstrip("/").partition("/")
        if folder not in self.workers:
            return response(b"", status="404 Not Found")
        scripts = {"worker.js": self.workers[folder], "import.js": IMPORT}
        if file in scripts:
            return response(scripts[file].encode(), "Content-Type: text/javascript", FOR_A_YEAR)
        page = PAGE.format(number=self.number, options=OPTIONS.get(folder, "{}"))
        return response(page.encode(), "Content-Type: text/html", FOR_A_YEAR)


def controlled(page):
    return page.wait_for("!!navigator.serviceWorker.controller")


def cut_off(origin):
    """The origin is gone, also for those who are connected."""
    origin.stop_listening()
    for conn in origin.connections:
        shut(conn.sock)


class Visitor:
    """Pages with a worker of every kind in one browser: .pages by kind, .site, .origin, .proxy."""

    def __init__(self, context, origin, proxy):
        self.origin, self.site, self.proxy = origin, origin.answer, proxy
        self.pages = {kind: context.page() for kind in KINDS}

    def visit_all(self):
        for kind, page in self.pages.items():
            page.visit(self.origin.url(f"/{kind}/"))
        for page in self.pages.values():
            controlled(page)

    def reload_all(self):
        for page in self.pages.values():
            page.reload()

    def texts(self):
        return {kind: page.text() for kind, page in self.pages.items()}


@pytest.fixture(scope="module", name="before")
def workers_from_before(chromium):
    """Installed while the proxy touched nothing; then it is switched on, and each page opened once."""
    site = Site({**UPDATED, "never": CACHE_FIRST})
    with Origin(site) as origin, Freshet(mode="off", service_workers="wrap") as proxy, \
            chromium.context(proxy) as context:
        visitor = Visitor(context, origin, proxy)
        visitor.visit_all()
        site.number = 2
        visitor.reload_all()
        assert set(visitor.texts().values()) == {"content 1"}
        proxy.reload(mode="bust")
        visitor.reload_all()
        for kind in UPDATED:
            visitor.pages[kind].wait_for("!!window.taken")
        yield visitor


@pytest.mark.parametrize("kind", UPDATED)
def test_wrapped_worker_from_before_shows_what_the_origin_has_now(before, kind):
    before.site.number = 3
    before.pages[kind].reload()
    assert before.pages[kind].text() == "content 3"
    assert before.proxy.record(f"/{kind}/worker.js")["freshet.service_worker"] == "wrapped"


def test_imports_of_module_workers_say_whom_they_are_for(before):
    imports = [request for request in before.origin.requests if request.target == "/module/import.js"]
    assert {request.one("Sec-Fetch-Dest") for request in imports} == {"serviceworker"}


def test_worker_whose_script_the_browser_keeps_is_wrapped_once_its_http_cache_is_empty(before):
    before.site.number = 4
    page = before.pages["never"]
    page.evaluate("navigator.serviceWorker.getRegistration().then(found => found.update())")
    page.reload()
    assert page.text() == "content 1"
    page.call("Network.clearBrowserCache")
    page.evaluate("navigator.serviceWorker.getRegistration().then(found => found.update())")
    page.wait_for("!!window.taken")
    page.reload()
    assert page.text() == "content 4"


def test_wrapped_workers_fall_back_to_their_copies_when_the_origin_is_gone(chromium):
    site = Site({**UPDATED, "never": CACHE_FIRST})
    with Origin(site) as origin, Freshet(service_workers="wrap") as proxy, chromium.context(proxy) as context:
        visitor = Visitor(context, origin, proxy)
        visitor.visit_all()
        site.number = 2
        visitor.reload_all()
        assert set(visitor.texts().values()) == {"content 2"}, "wrapped from the first visit on"
        cut_off(origin)
        visitor.reload_all()
        assert visitor.texts() == dict.fromkeys(KINDS, "content 1") | {"swr": "content 2"}


def test_wrapped_worker_of_a_https_page_shows_what_the_origin_has_now(chromium, pki):
    site = Site({"first": CACHE_FIRST})
    with TlsOrigin(pki.good, site) as origin, Interceptor(pki, service_workers="wrap") as proxy, \
            chromium.context(proxy) as context:
        page = context.page()
        page.visit(origin.url("/first/"))
        controlled(page)
        site.number = 2
        page.reload()
        assert page.text() == "content 2"
        assert proxy.record(origin.url("/first/worker.js"))["freshet.service_worker"] == "wrapped"


def test_killed_worker_leaves_nothing_of_itself_behind(chromium):
    site = Site({"first": CACHE_FIRST})
    with Origin(site) as origin, Freshet(mode="off", service_workers="kill") as proxy, \
            chromium.context(proxy) as context:
        page = context.page()
        page.visit(origin.url("/first/#part"))
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
        proxy.records(3, "/first/worker.js", timeout_s=15)
        page.wait_for("navigator.serviceWorker.getRegistration().then(found => !found)")
        assert len(page.seen("Page.frameNavigated")) == 4


# ---- what the prelude does to the worker's own functions

LABORATORY = """%s
self.addEventListener('activate', event => event.waitUntil(clients.claim()));
self.strict = (function () { return this === undefined; })();
self.addEventListener('message', event =>
    event.waitUntil((0, eval)(event.data).then(result => event.ports[0].postMessage(result),
                                               error => event.ports[0].postMessage(String(error)))));
"""
EXPERIMENT = """new Promise(done => {
    const channel = new MessageChannel();
    channel.port1.onmessage = event => done(event.data);
    navigator.serviceWorker.controller.postMessage(%s, [channel.port2]);
})"""
STORE = "const cache = await caches.open('laboratory'); "
TOLD = "return [response.type, response.status, response.url.replace(/.*\\/\\/[^/]*/, ''), await response.text()];"


class Laboratory:
    """A page whose worker evaluates what it is sent; files whose content is the number of the request for them."""

    def __init__(self, page, origin):
        self.page = page
        self.origin = origin

    def __call__(self, script):
        """What the body of an async function returns in the worker."""
        return self.page.evaluate(EXPERIMENT % json.dumps(f"(async () => {{ {script} }})()"))


class Shelf:
    """Answers by path: what is asked for, and how often it was."""

    def __init__(self):
        self.counts = {}
        self.openings = {"plain": "", "strict": "// a licence\n'use strict';", "hashbang": "#!/usr/bin/env node"}

    def __call__(self, request):
        path = request.target.partition("?")[0].lstrip("/")
        folder, _, file = path.partition("/")
        count = self.counts[path] = self.counts.get(path, 0) + 1
        if file == "worker.js":
            return response((LABORATORY % self.openings[folder]).encode(), "Content-Type: text/javascript")
        if not file:
            page = PAGE.format(number=count, options="{}")
            return response(page.encode(), "Content-Type: text/html")
        if count > 1 and file[:3].isdigit():
            return response(b"error", status=f"{file[:3]} Error")
        if count > 1 and file == "hanging":
            return b""
        body = request.body or f"{count}".encode()
        return response(body, "Content-Type: text/plain", FOR_A_YEAR, "Access-Control-Allow-Origin: *")


@pytest.fixture(scope="module", name="shelf")
def shelf_of_files():
    with Origin(Shelf()) as origin:
        yield origin


@pytest.fixture(scope="module", name="wrapping")
def wrapping_proxy(shelf):
    """What is called kept passes untouched, so that the browser's HTTP cache has it."""
    untouched = f'site "127.0.0.1:{shelf.port}/plain/kept*" {{ mode = off }}'
    with Freshet(untouched, service_workers="wrap") as proxy:
        yield proxy


@pytest.fixture(scope="module", name="context")
def browser_context(chromium, wrapping):
    with chromium.context(wrapping) as context:
        yield context


def laboratory(context, origin, folder):
    page = context.page()
    page.visit(origin.url(f"/{folder}/"))
    controlled(page)
    return Laboratory(page, origin)


@pytest.fixture(scope="module", name="run")
def run_in_worker(context, shelf):
    return laboratory(context, shelf, "plain")


def test_hit_comes_from_the_origin_with_type_and_address(run):
    assert run(STORE + "await cache.add('hit'); const response = await cache.match('hit');" + TOLD) == [
        "basic", 200, "/plain/hit", "2"]
    assert run("const response = await caches.match(new Request('hit'));" + TOLD)[3] == "3"
    assert run(STORE + "const [response] = await cache.matchAll('hit');" + TOLD)[3] == "4"


def test_miss_stays_a_miss_and_asks_nobody(run):
    assert run("return await caches.match('missing') === undefined") is True
    assert "plain/missing" not in run.origin.answer.counts


def test_hit_that_ignores_the_query_is_asked_for_with_it(run):
    assert run(STORE + "await cache.add('query'); "
               "const response = await cache.match('query?a=1', {ignoreSearch: true});" + TOLD) == [
                   "basic", 200, "/plain/query?a=1", "2"]


def test_several_hits_are_asked_for_by_their_own_addresses(run):
    assert run(STORE + "await cache.addAll(['many?a', 'many?b']); "
               "const hits = await cache.matchAll('many', {ignoreSearch: true}); "
               "return hits.map(hit => hit.url.replace(/.*many/, ''));") == ["?a", "?b"]
    assert run.origin.answer.counts["plain/many"] == 4


def test_opaque_answers_of_other_sites_stay_opaque(run):
    other = run.origin.url("/plain/opaque").replace("127.0.0.1", "localhost")
    assert run(STORE + f"await cache.put('{other}', await fetch('{other}', {{mode: 'no-cors'}})); "
               f"const response = await cache.match('{other}');" + TOLD)[:2] == ["opaque", 0]
    assert run.origin.answer.counts["plain/opaque"] == 2


def test_answer_that_the_sites_code_made_stays_as_it_is(run):
    assert run(STORE + "await cache.put('made', new Response('made')); "
               "const response = await cache.match('made');" + TOLD) == ["default", 200, "", "made"]
    assert "plain/made" not in run.origin.answer.counts


def test_stored_file_is_cut_by_the_sites_own_code(run):
    assert run(STORE + "await cache.add('ranged'); "
               "const response = await cache.match(new Request('ranged', {headers: {Range: 'bytes=0-0'}}));"
               + TOLD)[3] == "1"
    assert run.origin.answer.counts["plain/ranged"] == 1


@pytest.mark.parametrize("status", [404, 408, 410, 429, 500, 503])
def test_error_falls_back_to_the_stored_file(run, status):
    assert run(STORE + f"await cache.add('{status}'); const response = await cache.match('{status}');" + TOLD) == [
        "basic", 200, f"/plain/{status}", "1"]


def test_what_scripts_ask_for_may_have_gone(run):
    assert run(STORE + "await cache.add('404-data'); "
               "const response = await cache.match(new Request('404-data'));" + TOLD)[1:2] == [404]
    assert run(STORE + "await cache.add('403'); const response = await cache.match('403');" + TOLD)[1] == 403


def test_slow_origin_falls_back_to_the_stored_file(run):
    assert run(STORE + "await cache.add('hanging'); const wait = self.setTimeout; "
               "self.setTimeout = (done, ms, value) => wait(done, ms / 50, value); "
               "try { const response = await cache.match('hanging');" + TOLD +
               "} finally { self.setTimeout = wait; }")[3] == "1"


def test_workers_fetches_go_past_the_http_cache(run):
    assert run.page.fetch("kept") == "1"
    assert run.page.fetch("kept", cache="force-cache") == "1", "the control: it is in the HTTP cache"
    assert run("return (await fetch('kept')).text()") == "2"
    assert run("return (await fetch(new Request('kept', {cache: 'force-cache'}))).text()") == "3"
    assert run(STORE + "await cache.add('kept'); return 0") == 0
    assert run.origin.answer.counts["plain/kept"] == 4


def test_fetch_that_wants_the_http_cache_only_gets_it(run):
    assert run.page.fetch("kept-only") == "1"
    assert run("return (await fetch('kept-only', {cache: 'only-if-cached', mode: 'same-origin'})).text()") == "1"


def test_fetch_keeps_body_fields_and_referrer(run):
    assert run("return (await fetch(new Request('echo', {method: 'POST', body: 'said'}))).text()") == "said"
    run("return (await fetch('told', {headers: {'X-Told': '1'}, referrer: 'elsewhere'})).text()")
    told = [request for request in run.origin.requests if request.target == "/plain/told"][-1]
    assert told.one("X-Told") == "1" and told.one("Referer") == run.origin.url("/plain/elsewhere")


def test_fetch_refuses_what_it_always_refused(run):
    assert run("return fetch('echo', {method: 'GET', body: 'x'}).then(() => 'taken', error => error.name)") == "TypeError"
    assert run("return fetch('echo', {signal: AbortSignal.abort()}).then(() => 'taken', error => error.name)") == \
        "AbortError"


def test_prelude_leaves_no_names_behind(run):
    assert run("return [typeof native, typeof renewed, typeof PATIENCE_MS, typeof replace, Object.keys(self).length > 0,"
               " fetch.name, caches.match.name]") == ["undefined"] * 4 + [True, "fetch", "match"]


@pytest.mark.parametrize("folder, strict", [("plain", False), ("strict", True), ("hashbang", False)])
def test_wrapped_worker_is_as_strict_as_its_script_says(context, shelf, folder, strict):
    assert laboratory(context, shelf, folder)("return self.strict") is strict
