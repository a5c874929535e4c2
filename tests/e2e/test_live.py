"""What the live page is made of, without a browser: its events, one exchange's story, who may see them."""
import base64
import contextlib
import json
import threading

import pytest

from harness import Client, Freshet, Origin, response
from harness.events import Events
from harness.origin import wait_until

VIEWERS_MAX = 16
PARTS = ["/live/live.js", "/live/events", "/live/exchange?id=0"]
# Of "open sesame"; bcrypt at its cheapest.
USERS = "Aladdin:$2b$04$pV8zPk1NZV4OyJAyqutw5en/rw2NZkBB0ve9cFjE0SYGDqMfBeqDu\n"
GOOD = "Authorization: Basic " + base64.b64encode(b"Aladdin:open sesame").decode()


def ask(proxy, path, *fields, method="GET", host=None):
    """The answer to a request as to a web server."""
    lines = "".join(f"{field}\r\n" for field in fields)
    with proxy.client() as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{proxy.port}'}\r\n{lines}\r\n".encode())
        return client.response(method)


def about(proxy):
    return json.loads(ask(proxy, "/live/about").body)


def fetch_all(proxy, origin, paths, *fields):
    with proxy.client() as client:
        for path in paths:
            assert client.get(origin.url(path), *fields).status == 200


def paths_of(rows):
    return [row["facts"]["url.original"].rsplit("/", 1)[1] for row in rows]


@pytest.fixture
def remembering():
    """A proxy whose history nobody else has written; targets go on as they come."""
    with Freshet(workers=2, pierce="never") as proxy:
        yield proxy


# -- events

def test_viewer_sees_what_was_before_and_what_comes(remembering, origin):
    fetch_all(remembering, origin, ["/a", "/b"])
    with Events(remembering) as events:
        assert "text/event-stream" in events.head and "no-store" in events.head
        assert paths_of(events.take(2)) == ["a", "b"]
        fetch_all(remembering, origin, ["/c"])
        assert paths_of(events.take(1)) == ["c"]


def test_viewer_comes_back_with_the_last_id_and_goes_on_from_there(remembering, origin):
    fetch_all(remembering, origin, ["/a", "/b"])
    with Events(remembering) as events:
        events.take(2)
        last = events.last_id
    fetch_all(remembering, origin, ["/c", "/d"])
    with Events(remembering, f"Last-Event-ID: {last}") as events:
        assert paths_of(events.take(2)) == ["c", "d"]


@pytest.mark.parametrize("strange", ["", "x", "1.2.3", "99999999999999999999.1.1", "." * 500])
def test_id_of_another_process_or_none_at_all_begins_anew(remembering, origin, strange):
    fetch_all(remembering, origin, ["/a"])
    with Events(remembering, f"Last-Event-ID: {strange}") as events:
        assert paths_of(events.take(1)) == ["a"]


def test_exchanges_of_all_workers_are_seen_by_each_viewer(origin):
    with Freshet(workers=3) as proxy:
        for number in range(12):
            fetch_all(proxy, origin, [f"/{number}"])
        with Events(proxy) as first, Events(proxy) as second:
            for events in (first, second):
                assert sorted(map(int, paths_of(events.take(12)))) == list(range(12))


def test_number_of_records_is_bounded_and_what_was_missed_is_told(origin):
    with Freshet(workers=1, records=10) as proxy:
        fetch_all(proxy, origin, ["/first"])
        with Events(proxy) as events:
            events.take(1)
            last = events.last_id
        fetch_all(proxy, origin, [f"/{number}" for number in range(50)])
        with Events(proxy, f"Last-Event-ID: {last}") as events:
            assert paths_of(events.take(10)) == [str(number) for number in range(40, 50)]
            assert events.lost == 40


def test_without_records_there_is_a_page_but_nothing_in_it(origin):
    with Freshet(workers=1, records=0) as proxy:
        fetch_all(proxy, origin, ["/a"])
        with Events(proxy) as events:
            assert events.hello["records"] == 0
            assert events.silent_for(0.5)


def test_who_looks_does_not_see_himself(remembering, origin):
    assert ask(remembering, "/").status == 200
    assert ask(remembering, "/live/live.js").status == 200
    fetch_all(remembering, origin, ["/a"])
    with Events(remembering) as events:
        assert paths_of(events.take(1)) == ["a"]


def test_viewers_are_bounded_and_a_place_comes_free_with_each_that_leaves(remembering):
    viewers = [Events(remembering) for _ in range(VIEWERS_MAX)]
    assert ask(remembering, "/live/events").status == 503
    viewers.pop().close()
    assert wait_until(lambda: Events(remembering).head.startswith("HTTP/1.1 200"))
    for viewer in viewers:
        viewer.close()


def test_viewer_that_does_not_read_costs_no_more_than_a_few_events(origin):
    with Freshet(workers=1) as proxy, Client(proxy.port, receive_buffer=4096) as lazy:
        lazy.send(b"GET /live/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        fetch_all(proxy, origin, ["/" + "x" * 1000] * 2000)
        before = proxy.settled_memory_kib()
        fetch_all(proxy, origin, ["/" + "x" * 1000] * 2000)
        assert proxy.settled_memory_kib() - before < 2048


def test_viewers_do_not_hold_up_the_end():
    with Freshet(workers=1, timeout_drain="20s") as proxy, Events(proxy) as events:
        proxy.stop()
        assert events.closed_by_peer()


# -- what has not ended

def row_of(rows, about):
    return next((row for row in rows if about in row["facts"]["url.original"]), None)


def ended(events, about):
    """The final row of an exchange; what is told of it as running until then is left aside."""
    while (row := row_of(events.take(1), about)) is None:
        pass
    return row


def gone(events, about):
    """The final row of what was the only thing to run, once nothing is told of as running: in one order or the other."""
    row, runs = None, True
    while row is None or runs:
        event = events.next()
        if event.name == "running":
            runs = bool(event.data["rows"])
        elif event.name == "message" and event.data:
            row = row_of(event.data["rows"], about) or row
    return row


def test_tunnel_is_seen_while_it_is_open_and_ends_under_the_same_number(origin):
    with Freshet(workers=2) as proxy, Events(proxy) as first, Events(proxy) as second:
        with proxy.client() as client:
            assert client.connect_to(f"127.0.0.1:{origin.port}").status == 200
            numbers = set()
            for events in (first, second):
                rows, passed = events.running(lambda rows: row_of(rows, str(origin.port)))
                row = row_of(rows, str(origin.port))
                assert row["facts"]["freshet.tunnel"] and row["facts"]["http.response.status_code"] == 200
                assert all(event.id == "" for event in passed if event.name == "running")
                numbers.add(row["id"])
        for events in (first, second):
            numbers.add(gone(events, str(origin.port))["id"])
        number = numbers.pop()
        assert not numbers
        assert str(proxy.record(str(origin.port))["freshet.id"]) == number
        story = json.loads(ask(proxy, f"/live/exchange?id={number}").body)
        assert story["id"] == number and str(origin.port) in story["facts"]["url.original"]


def test_ended_tunnels_are_no_longer_told_of_though_their_workers_rest(origin):
    with Freshet(workers=4) as proxy, Events(proxy) as events:
        for _ in range(3):
            with contextlib.ExitStack() as tunnels:
                for _ in range(8):
                    tunnels.enter_context(proxy.client()).connect_to(f"127.0.0.1:{origin.port}")
                events.running(lambda rows: len(rows) == 8)
            events.running(lambda rows: not rows)


def test_slow_answer_is_seen_with_what_has_come_of_it_and_quick_ones_are_not():
    go_on = threading.Event()

    def answer(conn):
        while (request := conn.read_request()) is not None:
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\nhello")
            if request.target == "/slow":
                go_on.wait(10)
            conn.send(b" you")

    with Origin(script=answer) as origin, Freshet(workers=1) as proxy, Events(proxy) as events, proxy.client() as client:
        client.request("GET", origin.url("/slow"))
        fetch_all(proxy, origin, ["/quick"])
        rows, passed = events.running(lambda rows: rows)
        row = row_of(rows, "/slow")
        assert len(rows) == 1 and (row["type"], row["facts"]["http.response.body.bytes"]) == ("text/event-stream", 5)
        assert not any(row_of(event.data["rows"], "/quick") for event in passed if event.name == "running")
        go_on.set()
        assert client.response().body == b"hello you"
        final = ended(events, "/slow")
        assert final["id"] == row["id"] and final["facts"]["http.response.body.bytes"] == 9


def test_numbers_of_what_ended_in_another_order_than_it_was_seen_in_are_found(origin):
    with Freshet(workers=1) as proxy, Events(proxy) as events, proxy.client() as client:
        client.connect_to(f"127.0.0.1:{origin.port}")
        rows, _ = events.running(lambda rows: rows)
        fetch_all(proxy, origin, [f"/{number}" for number in range(5)])
        client.close()
        assert events.take(6)[-1]["id"] == rows[0]["id"]
        for record in proxy.records(6):
            story = json.loads(ask(proxy, f"/live/exchange?id={record['freshet.id']}").body)
            assert story["facts"]["url.original"] == record["url.original"]


def test_who_comes_later_is_not_told_of_what_ran_before(origin):
    with Freshet(workers=1) as proxy:
        with proxy.client() as client:
            client.connect_to(f"127.0.0.1:{origin.port}")
            with Events(proxy) as events:
                events.running(lambda rows: rows)
        proxy.record(str(origin.port))
        with Events(proxy) as events:
            events.take(1)
            with proxy.client() as client:
                client.connect_to(f"127.0.0.1:{origin.port}")
                _, passed = events.running(lambda rows: rows)
                assert [len(event.data["rows"]) for event in passed if event.name == "running" and event.data["rows"]] == [1]


def test_of_many_that_run_some_are_told_and_the_rest_is_counted(origin):
    with Freshet(workers=1) as proxy, Events(proxy) as events, contextlib.ExitStack() as stack:
        for _ in range(70):
            stack.enter_context(proxy.client()).connect_to(f"127.0.0.1:{origin.port}")
        _, passed = events.running(lambda rows: len(rows) == 64)
        while passed[-1].data["more"] < 6:
            passed.append(events.next())
        assert passed[-1].data["more"] == 6 and len({row["id"] for row in passed[-1].data["rows"]}) == 64


# -- one exchange

def story(proxy, about, *parameters):
    number = proxy.record(about)["freshet.id"]
    answer = ask(proxy, "/live/exchange?" + "&".join((f"id={number}", *parameters)))
    assert (answer.status, answer.one("Content-Type")) == (200, "application/json")
    return json.loads(answer.body)


def test_story_has_the_four_heads_and_the_rule_behind_each_edit(remembering, origin):
    origin.answer = response(b"x", "Cache-Control: max-age=60", "Age: 9", "Connection: x-hop", "X-Hop: 1")
    fetch_all(remembering, origin, ["/a"], 'If-None-Match: "1"')
    told = story(remembering, "/a")
    heads = told["heads"]
    assert heads["request_received"]["start"] == f"GET {origin.url('/a')} HTTP/1.1"
    assert heads["request_sent"]["start"] == "GET /a HTTP/1.1"
    assert ["If-None-Match", '"1"'] in heads["request_received"]["fields"]
    assert ["Cache-Control", "max-age=60"] in heads["response_received"]["fields"]
    assert ["Cache-Control", "no-cache, no-store, must-revalidate"] in heads["response_sent"]["fields"]
    whys = {(edit["op"], edit["field"]): edit["why"] for edit in told["edits"]["request"] + told["edits"]["response"]}
    assert whys["remove", "if-none-match"].startswith("bust")
    dropped = [edit for edit in told["edits"]["response"] if edit["op"] == "drop"]
    assert heads["response_received"]["fields"][dropped[-1]["line"]][0] in ("Connection", "X-Hop")
    assert told["shared"]["lifetime_s"] == 60 and told["shared"]["age_s"] == 9


def test_answer_made_here_is_told_with_what_was_asked(remembering):
    with remembering.client() as client:
        assert client.get("http://127.0.0.1:1/refused").status == 502
    heads = story(remembering, "/refused")["heads"]
    assert heads["response_sent"]["start"].startswith("HTTP/1.1 502")
    assert "response_received" not in heads


SECRETS = ["Cookie: a=hidden1", "Authorization: Bearer hidden2", "X-Api-Key: hidden3", "Referer: http://x/?token=hidden4"]


def test_secrets_are_shown_only_when_asked_for(remembering, origin):
    origin.answer = response(b"x", "Set-Cookie: s=hidden5", "Location: /?code=hidden6",
                             "Refresh: 9; url=http://u:hidden8@a.test/?to=%2F%3Fcsrf_token%3Dhidden9")
    fetch_all(remembering, origin, ["/a?access_token=hidden7"], *SECRETS)
    assert "hidden" not in json.dumps(story(remembering, "/a"))
    with Events(remembering) as events:
        assert "hidden" not in json.dumps(events.take(1))
    shown = json.dumps(story(remembering, "/a", "secrets=1"))
    assert all(f"hidden{number}" in shown for number in range(1, 10))


@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?id=-1", "?id=99999999", "?id=18446744073709551615", "?x&id"])
def test_exchange_that_is_not_there_is_not_found(proxy, query):
    assert ask(proxy, "/live/exchange" + query).status == 404


# -- who may

@pytest.mark.parametrize("path", ["/", *PARTS])
def test_name_that_was_made_to_resolve_to_us_is_refused(proxy, path):
    assert ask(proxy, path, host="attacker.example").status == 421


@pytest.mark.parametrize("field", ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null",
                                   "Origin: http://attacker.example", "Origin: https://127.0.0.1"])
@pytest.mark.parametrize("path", PARTS)
def test_other_sites_get_no_part_of_the_page(proxy, path, field):
    assert ask(proxy, path, field).status == 403


def test_page_itself_may_be_opened_from_anywhere_but_framed_nowhere(proxy):
    answer = ask(proxy, "/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    assert answer.status == 200
    policy = answer.one("Content-Security-Policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert b"<style" not in answer.body and b"onclick" not in answer.body and b" style=" not in answer.body
    assert answer.body.count(b"<script") == answer.body.count(b"<script type=\"module\" src=\"/live/")


@pytest.mark.parametrize("path, field, status", [
    ("/nowhere", "Accept: text/html", 404), ("/live/exchange?id=1", "Accept: */*", 404),
    ("/live/about", "Sec-Fetch-Site: cross-site", 403), ("/", "Via: 1.1 somebody", 403)])
def test_refusals_of_pages_are_framed_nowhere_either(proxy, path, field, status):
    answer = ask(proxy, path, field)
    assert (answer.status, answer.one("X-Frame-Options"), answer.one("Referrer-Policy")) == (status, "DENY", "no-referrer")
    assert "frame-ancestors 'none'" in answer.one("Content-Security-Policy")
    assert answer.one("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("field", ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 somebody"])
@pytest.mark.parametrize("path", ["/", *PARTS])
def test_who_comes_through_another_proxy_is_not_taken_for_this_machine(proxy, path, field):
    assert ask(proxy, path, field).status == 403


def test_page_is_closed_to_other_machines_and_metrics_are_not():
    with Freshet(allow_any_client="yes", proxy_protocol='{"127.0.0.1:0"}', proxy_protocol_from='{"127.0.0.1"}') as proxy:
        for path, status in (("/", 403), ("/live/events", 403), ("/metrics", 200)):
            with proxy.client() as client:
                client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n")
                client.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                assert client.response().status == status


def test_with_users_the_page_asks_for_a_password_as_a_site_does(tmp_path):
    users = tmp_path / "users"
    users.write_text(USERS)
    users.chmod(0o600)
    with Freshet(proxy_users=f'"{users}"') as proxy:
        answer = ask(proxy, "/")
        assert (answer.status, answer.one("WWW-Authenticate")) == (401, 'Basic realm="freshet", charset="UTF-8"')
        assert ask(proxy, "/", GOOD).status == 200
        assert ask(proxy, "/", GOOD, "X-Forwarded-For: 192.0.2.1").status == 200
        with proxy.client() as client:
            assert client.get("http://freshet.internal/").status == 407


# -- doing something

def test_forgetting_takes_post_and_the_token_of_the_page(remembering, origin):
    fetch_all(remembering, origin, ["/a"])
    token = f"X-Freshet-Token: {about(remembering)['token']}"
    assert ask(remembering, "/live/forget", token).status == 405
    assert ask(remembering, "/live/forget", method="POST").status == 403
    assert ask(remembering, "/live/forget", "X-Freshet-Token: 0", method="POST").status == 403
    assert ask(remembering, "/live/forget", token, "Origin: http://attacker.example", method="POST").status == 403
    assert story(remembering, "/a")
    assert ask(remembering, "/live/forget", token, method="POST").status == 200
    number = remembering.record("/a")["freshet.id"]
    assert ask(remembering, f"/live/exchange?id={number}").status == 404


def test_token_is_another_in_every_process(origin):
    tokens = set()
    for _ in range(2):
        with Freshet(workers=1) as proxy:
            tokens.add(about(proxy)["token"])
    assert len(tokens) == 2
