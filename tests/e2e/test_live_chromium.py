"""The live page in Chromium: what people see of it, what keys do, and that hostile traffic stays text.

Pictures of it are left in the test's folder (pytest --basetemp): by day and by night, wide and on a phone.
"""
import contextlib
import json

import pytest

from harness import Freshet, Origin, response
from harness.relay import Relay
from harness.switches import Switches

OWN = "http://freshet.internal/"
ROWS = "[...document.querySelectorAll('[role=option]:not([hidden])')]"
ANSWERS = {
    "/stale.html": response(b"x" * 3000, "Content-Type: text/html; charset=utf-8", "Cache-Control: max-age=60, s-maxage=300",
                            "Age: 420", "Cache-Status: shield; hit; ttl=-20, edge; fwd=miss", "Set-Cookie: a=hidden"),
    "/stored.css": response(b"y", "Content-Type: text/css", "Cache-Control: max-age=600", "Age: 42", "X-Cache: HIT"),
    "/fresh.js": response(b"z", "Content-Type: text/javascript", "Cache-Status: edge; fwd=miss"),
    "/gone": response(b"no", "Content-Type: text/plain", status="404 Not Found"),
}
GUESSED = response(b"x", "Age: 42", "Via: 1.1 proxy.test:3128")
HOSTILE = "</span><img src=x onerror=document.title=1><script>document.title=2</script>\"'`${document.title=3}"


def answer_all(conn):
    while (request := conn.read_request()) is not None:
        path = request.target.split("?")[0]
        hostile = response(b"x", f"Content-Type: {HOSTILE}", f"ETag: {HOSTILE}", f"X-{'a' * 20}: {HOSTILE}", f"Cache-Status: {HOSTILE}")
        conn.send(ANSWERS.get(path, hostile if path.startswith("/hostile") else response(b"hello")))


@pytest.fixture(scope="module")
def site():
    with Origin(script=answer_all) as origin:
        yield origin


@pytest.fixture
def seen(chromium, site):
    """A proxy with a history of its own, and its live page open in Chromium."""
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Freshet(workers=2, pierce="never"))
        page = stack.enter_context(chromium.context()).page()
        page.call("Runtime.enable")
        page.visit(f"http://127.0.0.1:{proxy.port}/")
        page.wait_for("document.getElementById('state').dataset.state == 'live'")
        yield Seen(proxy, page, site)
        assert page.seen("Runtime.exceptionThrown") == []


class Seen:
    def __init__(self, proxy, page, site):
        self.proxy, self.page, self.site = proxy, page, site

    def browse(self, *paths, fields=()):
        with self.proxy.client() as client:
            for path in paths:
                client.get(self.site.url(path), *fields)

    def rows(self, column="url"):
        return self.page.evaluate(f"{ROWS}.map(row => row.querySelector('.{column}').textContent)")

    def wait_for_rows(self, count):
        self.page.wait_for(f"{ROWS}.length == {count}")

    def filter(self, field, value):
        self.page.evaluate(f"void (e => {{ e.value = {value!r}; e.dispatchEvent(new Event('input')); }})"
                           f"(document.getElementById('filter-{field}'))")

    def press(self, key, code=0):
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.page.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def open(self, about):
        number = self.proxy.record(about)["freshet.id"]
        self.page.evaluate(f"void (location.hash = '{number}')")
        self.page.wait_for("document.querySelector('#detail:not([hidden]) .sentence') !== null")

    def detail(self, selector=""):
        return self.page.evaluate(f"document.querySelector('#detail {selector}').innerText")


def test_exchanges_appear_as_they_happen_with_their_verdict(seen):
    assert "Nothing has passed through yet" in seen.page.text()
    seen.browse(*ANSWERS)
    seen.wait_for_rows(4)
    assert seen.rows("verdict") == ["stale", "from-cache", "fresh", "unknown"]
    assert seen.rows("status") == ["200", "200", "200", "404"]
    assert seen.rows("path") == list(ANSWERS)
    seen.browse("/later")
    seen.wait_for_rows(5)


def test_page_is_also_served_through_the_proxy(chromium, site):
    with Freshet(workers=1) as proxy, chromium.context(proxy) as context:
        with proxy.client() as client:
            client.get(site.url("/fresh.js"))
        page = context.page()
        page.visit(OWN)
        page.wait_for(f"{ROWS}.some(row => row.innerText.includes('/fresh.js'))")


def test_exchanges_of_all_workers_stand_in_the_order_of_their_end(chromium, site):
    with Freshet(workers=2, pierce="never") as proxy, chromium.context() as context:
        for number in range(20):
            with proxy.client() as client:  # one connection each, so that both workers get some
                client.get(site.url(f"/{number}"))
            proxy.records(number + 1)  # the client may have its answer before the exchange ends
        page = context.page()
        page.visit(f"http://127.0.0.1:{proxy.port}/")
        page.wait_for("document.getElementById('count').textContent == '20 of 20'")
        last = [int(url.rpartition("/")[2]) for url in Seen(proxy, page, site).rows()]
        assert len(last) > 10 and last == list(range(20 - len(last), 20))


def test_page_goes_on_where_it_was_when_its_connection_broke(seen):
    with Relay(seen.proxy.port) as relay:
        seen.page.visit(f"http://127.0.0.1:{relay.port}/")
        seen.browse("/fresh.js")
        seen.wait_for_rows(1)
        relay.cut()
        seen.page.wait_for("document.getElementById('state').dataset.state == 'wait'")
        seen.browse("/gone", "/stored.css")
        relay.mend()
        seen.page.wait_for("document.getElementById('count').textContent == '3 of 3'")
        assert seen.rows("path") == ["/fresh.js", "/gone", "/stored.css"]
        assert seen.page.evaluate("document.getElementById('state').dataset.state") == "live"


def test_page_begins_anew_with_another_process_whose_exchanges_have_the_same_numbers(seen):
    seen.browse("/fresh.js", "/gone")
    seen.wait_for_rows(2)
    seen.proxy.stop()
    seen.page.wait_for("document.getElementById('state').dataset.state == 'wait'")
    seen.proxy.write_config("", listen=f'{{"127.0.0.1:{seen.proxy.port}"}}')
    seen.proxy.start()
    seen.browse("/stored.css")
    seen.page.wait_for("document.getElementById('count').textContent == '1 of 1'")
    assert seen.rows("path") == ["/stored.css"]


@pytest.mark.parametrize("field, value, left", [
    ("text", "STALE", ["/stale.html"]),
    ("text", "get .css", ["/stored.css"]),
    ("host", "127.0", list(ANSWERS)),
    ("host", "example", []),
    ("verdict", "stale", ["/stale.html"]),
    ("status", "4", ["/gone"]),
    ("type", "script", ["/fresh.js"]),
])
def test_filters_leave_what_matches(shared_seen, field, value, left):
    shared_seen.filter(field, value)
    try:
        assert shared_seen.rows("path") == left
    finally:
        shared_seen.filter(field, "")


@pytest.fixture(scope="module")
def shared_seen(chromium, site):
    """One page with the usual exchanges, for tests that leave it as it was."""
    with Freshet(workers=1, pierce="never") as proxy, chromium.context() as context:
        page = context.page()
        page.visit(f"http://127.0.0.1:{proxy.port}/")
        shown = Seen(proxy, page, site)
        shown.browse(*ANSWERS, fields=("Cookie: a=hidden", 'If-None-Match: "1"'))
        shown.wait_for_rows(4)
        yield shown


def test_detail_tells_the_verdict_in_a_sentence_and_each_edit_with_its_rule(shared_seen):
    shared_seen.open("/stale.html")
    where = f"the cache “shield” on the way to 127.0.0.1:{shared_seen.site.port}"
    assert f"Stale: served by {where}, 7 min old, 20 s beyond its lifetime, although freshet asked" in shared_seen.detail(".sentence")
    chain = shared_seen.page.evaluate("[...document.querySelectorAll('.chain li')].map(box => box.innerText)")
    assert [box.split("\n")[0] for box in chain] == ["your program", "freshet", "edge", "shield", "origin"]
    assert "7 min old" in chain[3] and "not asked" in chain[4]
    changes = shared_seen.page.evaluate(
        "[...document.querySelectorAll('.heads tr:not(.same):not(.start)')].map(row => row.className + ' ' + row.innerText)")
    assert any(row.startswith("removed If-None-Match") and "bust" in row for row in changes)
    assert any(row.startswith("changed Cache-Control: max-age=60") and "no-store" in row for row in changes)
    assert "too old" in shared_seen.detail(".lifetimes")


def test_detail_says_which_rules_are_of_a_mode_that_was_switched(seen):
    with Origin(answer=GUESSED) as origin:
        Switches(seen.proxy).set("127.0.0.1", "mode", "revalidate")
        with seen.proxy.client() as client:
            client.get(origin.url("/switched"))
        seen.open("/switched")
        rules = seen.page.evaluate("[...document.querySelectorAll('.heads tbody tr:not(.same):not(.start)')]"
                                   ".map(row => `${row.querySelector('.name').textContent} ${row.querySelector('.why').textContent}`)")
    assert any(rule.startswith("Cache-Control added: revalidate: ") and rule.endswith("(switched)") for rule in rules)
    assert not any("Via" in rule and "switched" in rule for rule in rules)
    assert "mode: by hand, not as configured" in seen.detail(".facts")


def test_cache_that_is_only_inferred_is_shown_as_doubtful_by_its_name_with_the_port(seen):
    with Origin(answer=GUESSED) as origin:
        with seen.proxy.client() as client:
            client.get(origin.url("/guessed"))
        seen.open("/guessed")
        box, sentence = seen.detail(".chain .cache").split("\n"), seen.detail(".sentence")
    assert box == ["proxy.test:3128", "answered from its store", "42 s old", "so far as one can tell"]
    assert "“proxy.test:3128”" in sentence and ", stored 42 s ago, without asking the origin" in sentence


def test_sentence_says_how_much_older_the_copy_was_that_was_passed_by(chromium):
    copies = {"old": ("10:00:00", "7 3"), "new": ("10:03:20", "8")}

    def answer(request):
        time, varnish = copies["new" if "?" in request.target or "%" in request.target else "old"]
        return response(b"x", f"Last-Modified: Sun, 22 Nov 2026 {time} GMT", f"X-Varnish: {varnish}")

    with Origin(answer=answer) as origin, Freshet(workers=1) as proxy, chromium.context() as context:
        page = context.page()
        page.visit(f"http://127.0.0.1:{proxy.port}/")
        shown = Seen(proxy, page, origin)
        shown.browse("/news.html")
        shown.open("/news.html")
        assert (f"Varnish at 127.0.0.1:{origin.port} had a copy 3 min 20 s older than the origin’s; nobody was given that. "
                "To get past caches, freshet asked with letters of the path percent-encoded.") in shown.detail(".sentence")
        assert "passed by: a copy 3 min 20 s older" in shown.detail(".chain .cache")


@pytest.mark.parametrize("facts, said", [
    ({"stored_copy": "changed", "stored_copy_layer": "edge", "stored_copy_age_s": 90},
     "The cache “edge” on the way to a.example had another version, stored 1 min 30 s ago; nobody was given that."),
    ({"stored_copy": "changed"}, "A cache on the way to a.example had another version; nobody was given that."),
    ({"stored_copy": "same", "stored_copy_layer": "cloudflare", "stored_copy_age_s": 5},
     "Cloudflare at a.example had a copy, stored 5 s ago, with the same content; nobody was given that."),
    ({"stored_copy_layer": "edge", "stored_copy_older_s": 7}, "but that is not proven."),
    ({"verdict": "from-cache(x-cache, 9 s)"}, "served by a cache on the way to a.example, stored 9 s ago, without asking the origin."),
    ({"verdict": "from-cache(9 s)"}, "served by a cache on the way to a.example, stored 9 s ago, without asking the origin."),
    ({"verdict": "stale(edge)"}, "served by the cache “edge” on the way to a.example, beyond its lifetime."),
    ({"verdict": "stale(edge)", "edits.request": ["cache-control="]}, "beyond its lifetime, although freshet asked for a fresh copy."),
])
def test_sentence_says_of_caches_what_is_known_and_no_more(shared_seen, facts, said):
    facts = {f"freshet.{name}": value for name, value in {"verdict": "unknown", **facts}.items()} | {"url.original": "http://a.example/"}
    text = shared_seen.page.evaluate(
        "Promise.all([import('/live/words.js'), import('/live/sentence.js')])"
        f".then(([words, {{sentence}}]) => sentence(words.read({{facts: {json.dumps(facts)}}})))")
    assert text.endswith(said)


def test_secrets_are_shown_at_the_viewers_wish(shared_seen):
    shared_seen.open("/stale.html")
    assert "hidden" not in shared_seen.detail()
    shared_seen.page.evaluate("document.getElementById('secrets').click()")
    shared_seen.page.wait_for("document.getElementById('detail').innerText.includes('a=hidden')")


def test_deep_link_opens_its_exchange(shared_seen):
    number = shared_seen.proxy.record("/gone")["freshet.id"]
    shared_seen.page.visit("about:blank")
    shared_seen.page.visit(f"http://127.0.0.1:{shared_seen.proxy.port}/#{number}")
    shared_seen.page.wait_for("document.querySelector('#detail:not([hidden]) h2')?.innerText.includes('/gone')")
    shared_seen.wait_for_rows(4)


def test_digest_says_whether_the_content_is_that_of_the_time_before(seen):
    seen.browse("/fresh.js", "/gone", "/fresh.js")
    first, second = (record["freshet.id"] for record in seen.proxy.records(2, "/fresh.js"))
    ANSWERS["/fresh.js"], before = response(b"changed", "Content-Type: text/javascript"), ANSWERS["/fresh.js"]
    seen.browse("/fresh.js")
    ANSWERS["/fresh.js"] = before
    seen.wait_for_rows(4)
    third, = {record["freshet.id"] for record in seen.proxy.records(3, "/fresh.js")} - {first, second}
    for number, compared in ((second, "The same content as the exchange before."), (third, "Other content than the exchange before.")):
        seen.page.evaluate(f"void (location.hash = '{number}')")
        seen.page.wait_for(f"document.getElementById('compared')?.textContent == {compared!r}")
    assert seen.page.evaluate("document.querySelector('#compared a').hash") == f"#{second}"
    seen.page.evaluate(f"void (location.hash = '{first}')")
    seen.page.wait_for("document.getElementById('digest') !== null && document.getElementById('compared') === null")


def test_keys_walk_open_close_search_and_pause(seen):
    seen.browse(*ANSWERS)
    seen.wait_for_rows(4)
    for _ in range(3):
        seen.press("j")
    seen.press("k")
    seen.press("Enter", 13)
    seen.page.wait_for("document.querySelector('#detail:not([hidden]) h2')?.innerText.includes('/stored.css')")
    seen.press("Escape", 27)
    assert seen.page.evaluate("document.getElementById('detail').hidden && location.hash == ''")
    seen.press("/")
    assert seen.page.evaluate("document.activeElement.id") == "filter-text"
    seen.page.evaluate("document.activeElement.blur()")
    seen.press("p")
    seen.browse("/later")
    seen.page.wait_for("document.getElementById('count').textContent.includes('1 waiting')")
    seen.press("p")
    seen.wait_for_rows(5)
    seen.press("c")
    seen.wait_for_rows(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_focus_goes_to_what_a_key_opened_and_back_to_the_list(seen, width):
    seen.page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    seen.browse("/fresh.js")
    seen.wait_for_rows(1)
    seen.press("j")
    seen.press("Enter", 13)
    seen.page.wait_for("document.activeElement.id == 'detail'")
    seen.press("Escape", 27)
    assert seen.page.evaluate("document.activeElement.id") == "rows"
    seen.page.evaluate("document.querySelector('[role=option]').click()")
    seen.page.wait_for("!document.getElementById('detail').hidden")
    seen.press("Enter", 13)
    assert seen.page.evaluate("document.activeElement.id") == "detail"


def test_answer_that_broke_off_has_no_digest_and_says_so(seen):
    def break_off(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        conn.close()

    with Origin(script=break_off) as origin, seen.proxy.client() as client:
        client.request("GET", origin.url("/half"))
        assert client.read_to_end().endswith(b"half")
        seen.open("/half")
    told = seen.detail(".facts")
    assert "the client was shown that the answer broke off" in told and "4 B" in told and "SHA-256" not in told


def test_links_are_followed_by_the_keyboard(seen):
    seen.page.evaluate("document.querySelector('nav a[href=\"/switches\"]').focus()")
    seen.press("Enter", 13)
    seen.page.wait_for("location.pathname == '/switches'")


def test_forget_all_empties_the_page_and_the_proxy(seen):
    seen.browse("/fresh.js")
    seen.wait_for_rows(1)
    seen.page.evaluate("document.getElementById('forget').click()")
    seen.wait_for_rows(0)
    seen.page.reload()
    seen.browse("/gone")
    seen.wait_for_rows(1)
    assert seen.rows("path") == ["/gone"]


def test_tunnel_stands_there_while_it_is_open_and_its_detail_follows_it_to_its_end(seen, tmp_path):
    with seen.proxy.client() as client:
        client.connect_to(f"127.0.0.1:{seen.site.port}")
        seen.wait_for_rows(1)
        assert seen.rows("verdict") == ["open"] and seen.rows("status") == ["200"]
        seen.browse("/later")
        seen.page.wait_for(f"{ROWS}.length == 2 && {ROWS}[1].querySelector('.verdict').textContent == 'open'")
        seen.page.evaluate(f"{ROWS}[1].click()")
        seen.page.wait_for("document.querySelector('#detail:not([hidden]) .sentence')?.innerText.includes('is open')")
        seen.page.picture(tmp_path / "open-tunnel.png", 1280, 500)
        seen.filter("verdict", "running")
        seen.wait_for_rows(1)
    seen.wait_for_rows(0)
    seen.page.wait_for("document.querySelector('#detail .sentence').innerText.includes('Passed through unread')")
    seen.filter("verdict", "")
    seen.page.wait_for(f"{ROWS}.map(row => row.querySelector('.verdict').textContent).join() == 'unknown,tunnel'")


def test_hostile_traffic_stays_text(seen):
    seen.browse("/hostile?" + HOSTILE.replace(" ", "%20"), fields=(f"X-Hostile: {HOSTILE}", f"User-Agent: {HOSTILE}"))
    seen.wait_for_rows(1)
    seen.open("/hostile")
    assert HOSTILE in seen.detail(".heads")
    assert seen.page.evaluate("document.querySelectorAll('#rows img, #rows script, #detail img, #detail script').length") == 0
    assert seen.page.evaluate("document.title") == "freshet"
    for address in (f"javascript:document.title=4//{HOSTILE}", f"http://{HOSTILE}/"):
        with seen.proxy.client() as client:
            client.send(f"GET {address.replace(' ', '%20')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.response()
    seen.wait_for_rows(3)
    assert seen.page.evaluate("document.title") == "freshet"


def test_another_sites_page_can_neither_read_nor_frame_it_nor_have_it_forget(seen, chromium):
    target = f"http://127.0.0.1:{seen.proxy.port}"
    seen.browse("/attacked")
    with chromium.context() as context:
        page = context.page()
        page.call("Log.enable")
        page.visit(seen.site.url("/attacker"))
        for path in ("/live/events", "/live/exchange?id=0", "/metrics", "/"):
            assert page.evaluate(f"fetch('{target}{path}').then(() => 'read', () => 'refused')") == "refused"
        page.evaluate(f"fetch('{target}/live/forget', {{method: 'POST', mode: 'no-cors'}}).then(() => 0, () => 0)")
        page.evaluate(f"new Promise(done => {{ const frame = document.createElement('iframe'); frame.src = '{target}/';"
                      "frame.onload = done; document.body.append(frame); })")
        page.wait(lambda: "frame-ancestors" in str(page.seen("Log.entryAdded")), "a refusal to frame")
    number = seen.proxy.record("/attacked")["freshet.id"]
    assert seen.page.evaluate(f"fetch('/live/exchange?id={number}').then(answer => answer.status)") == 200


def test_thousands_of_exchanges_need_only_a_screenful_of_elements(chromium, site):
    with Freshet(workers=1, records=5000, records_bytes="32m") as proxy, chromium.context() as context:
        with proxy.client() as client:
            for number in range(4000):
                client.get(f"http://127.0.0.1:{site.port}/n{number}")
        page = context.page()
        page.visit(f"http://127.0.0.1:{proxy.port}/")
        page.wait_for("document.getElementById('count').textContent.startsWith('4000 of 4000')")
        assert page.evaluate("document.querySelectorAll('[role=option]').length") < 100
        page.wait_for(f"{ROWS}.some(row => row.innerText.includes('/n3999'))")
        page.evaluate("document.getElementById('rows').scrollTop = 0")
        page.wait_for(f"{ROWS}.some(row => row.innerText.includes('/n0'))")


def test_news_that_come_together_are_drawn_once(seen):
    drawn = seen.page.evaluate("""(async () => {
        const [{Rows}, {read}] = await Promise.all([import('/live/rows.js'), import('/live/words.js')]);
        const rows = new Rows({learn() {}, shows: () => true}, () => {}, () => {}), draw = rows.draw, drawn = [];
        rows.draw = function () { drawn.push(this.shown.length); draw.call(this); };
        for (let number = 0; number < 50; number++)
            rows.add([read({id: String(number), ended_us: number, facts: {'@timestamp': '2026-11-23T00:00:00Z'}})]);
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return drawn;
    })()""")
    assert set(drawn) == {50} and len(drawn) < 10  # again for its size, and for what it scrolled


def test_end_stays_in_view_when_a_scroll_event_comes_before_the_frame(seen):
    at_end = seen.page.evaluate("""(async () => {
        const [{Rows}, {read}] = await Promise.all([import('/live/rows.js'), import('/live/words.js')]);
        const rows = new Rows({learn() {}, shows: () => true}, () => {}, () => {});
        const news = first => Array.from({length: 200}, (_, n) => read(
            {id: String(first + n), ended_us: first + n, facts: {'@timestamp': '2026-11-23T00:00:00Z'}}));
        for (let round = 0; round < 3; round++) {
            rows.add(news(round * 200));
            rows.box.dispatchEvent(new Event('scroll'));
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        }
        return rows.atEnd() && rows.box.scrollTop > 0;
    })()""")
    assert at_end


def test_controls_are_labelled_and_nothing_is_wider_than_a_phone(shared_seen, tmp_path):
    unlabelled = shared_seen.page.evaluate(
        "[...document.querySelectorAll('input, select, button')].filter(e => !e.labels?.length && !e.textContent.trim()).length")
    assert unlabelled == 0
    shared_seen.open("/stale.html")
    for name, width, dark in (("detail", 1400, False), ("detail-dark", 1400, True), ("detail-phone", 390, True)):
        shared_seen.page.picture(tmp_path / f"{name}.png", width, 1400, dark)
        assert shared_seen.page.evaluate("document.documentElement.scrollWidth") <= width
    shared_seen.page.evaluate("document.querySelector('#detail .close').click()")
    for name, width, dark in (("list", 1280, False), ("list-dark", 1280, True), ("list-phone", 390, False)):
        shared_seen.page.picture(tmp_path / f"{name}.png", width, 800, dark)
        assert shared_seen.page.evaluate("document.documentElement.scrollWidth") <= width
