"""Caches that ignore what requests say do not keep the newest from the client, and nothing else changes for it."""
import re

import pytest

from harness import Client, Freshet
from harness.cached_site import CachedSite, aged, decoded, decoded_path, decoded_path_and_agent, page, raw, raw_path

PATH = "/articles/index-of-all.html"
TOKEN = re.compile(r"_freshet=[0-9a-f]{16}$")


@pytest.fixture(scope="module")
def always():
    with Freshet(pierce="always") as running:
        yield running


def site_of(key, **options):
    return CachedSite(key, **options)


def ask(proxy, url, *fields, method="GET"):
    with Client(proxy.port) as client:
        return client.exchange(method, url, *fields)


def rungs(site):
    """How the requests that the site got were written."""
    return [rung_of(request.target) for request in site.requests]


def rung_of(target):
    if TOKEN.search(target):
        return "query"
    if re.search(r"\?&+$", target):
        return "empty"
    return "path" if "%" in target else "original"


@pytest.mark.parametrize("key,climbed,worked", [
    (raw, ["original", "path"], "path"),
    (decoded, ["original", "path", "query"], "query"),
    (raw_path, ["original", "path"], "path"),
])
def test_stored_copy_is_passed_by_already_in_the_first_answer(proxy, key, climbed, worked):
    with site_of(key) as site:
        site.publish(PATH)
        answer = ask(proxy, site.url(PATH))
        assert answer.body == b"version 2"
        assert rungs(site) == climbed
        record = proxy.record(site.url(PATH))
        assert record["url.original"] == site.url(PATH)
        assert record["freshet.pierced"] == worked and record["freshet.repeats"] == len(climbed) - 1
        assert "freshet.not_busted_reason" not in record and record["freshet.verdict"] == "unknown"
        assert answer.all("Cache-Status") == [f'freshet; fwd=bypass; detail="pierced={worked}"']


def test_answers_that_vary_by_user_agent_are_pierced_by_a_product(proxy):
    with site_of(decoded_path_and_agent, make=lambda _, version: page(version, "Vary: User-Agent")) as site:
        site.publish("/")
        assert ask(proxy, site.url("/"), "User-Agent: visitor/1").body == b"version 2"
        assert [request.one("User-Agent").split("/")[:2] for request in site.requests] == \
            [["visitor", "1"], ["visitor", "1 freshet"]]
        site.version = 3
        assert ask(proxy, site.url("/"), "User-Agent: visitor/1").body == b"version 3"
        assert len(site.requests) == 3


def test_without_evidence_no_request_is_changed_or_repeated(proxy, origin):
    assert ask(proxy, origin.url(PATH)).body == b"hello"
    assert [request.target for request in origin.requests] == [PATH]
    assert "freshet.pierced" not in proxy.record(origin.url(PATH))


def test_what_worked_is_used_from_then_on(proxy):
    with site_of(decoded) as site:
        site.publish(PATH)
        ask(proxy, site.url(PATH))
        for version in range(3, 6):
            site.version = version
            assert ask(proxy, site.url(PATH)).body == f"version {version}".encode()
        assert rungs(site) == ["original", "path", "query", "query", "query", "query"]


def test_no_two_requests_are_written_alike(proxy):
    with site_of(raw) as site:
        site.publish(PATH)
        for _ in range(40):
            ask(proxy, site.url(PATH))
        targets = [request.target for request in site.requests]
        assert len(set(targets)) == len(targets) == 41


def test_key_that_nothing_changes_is_said_to_be_so_and_not_climbed_again(proxy):
    with site_of(decoded_path) as site:
        site.publish(PATH)
        answer = ask(proxy, site.url(PATH))
        assert answer.body == b"version 1" and answer.status == 200
        assert answer.all("Cache-Status")[0].endswith(', could-not-be-pierced"')
        assert proxy.record(site.url(PATH))["freshet.not_busted_reason"].startswith("could not be pierced")
        assert len(site.requests) == 3
        assert ask(proxy, site.url(PATH)).body == b"version 1"
        assert len(site.requests) == 4
        assert proxy.records(2, site.url(PATH))[1]["freshet.not_busted_reason"].startswith("could not be pierced")


def test_what_was_learned_expires(origin):
    with Freshet(pierce_memory="200ms") as proxy, site_of(decoded) as site:
        site.publish(PATH)
        ask(proxy, site.url(PATH))
        assert rungs(site) == ["original", "path", "query"]
        site.store.clear()
        origin.wait_for_requests(1, 0.3)
        ask(proxy, site.url(PATH))
        assert rungs(site)[3:] == ["original"]


def test_silent_cache_is_pierced_only_when_that_is_wanted(proxy, always):
    with site_of(raw, silent=True) as site:
        site.publish(PATH)
        assert ask(proxy, site.url(PATH)).body == b"version 1"
        assert ask(always, site.url(PATH)).body == b"version 2"
        site.version = 3
        assert ask(always, site.url(PATH)).body == b"version 3"
        assert rungs(site) == ["original", "path", "path"]


def test_short_paths_get_a_parameter_where_no_evidence_would_show_a_second_copy(always):
    with site_of(raw, silent=True) as site:
        site.publish("/", "/a.js?v=1")
        assert ask(always, site.url("/")).body == b"version 2"
        assert ask(always, site.url("/a.js?v=1")).body == b"version 2"
        assert rungs(site) == ["query", "query"]
        assert site.last.target.startswith("/a.js?v=1&_freshet=")


def test_never_means_never():
    with Freshet(pierce="never") as proxy, site_of(raw) as site:
        site.publish(PATH)
        assert ask(proxy, site.url(PATH)).body == b"version 1"
        assert [request.target for request in site.requests] == [PATH]


def test_parameter_has_the_name_that_is_configured():
    with Freshet(pierce="always", pierce_parameter="nocache") as proxy, site_of(raw) as site:
        ask(proxy, site.url("/?a"))
        assert re.fullmatch(r"/\?a&nocache=[0-9a-f]{16}", site.last.target)


def test_head_is_pierced_like_get(proxy):
    with site_of(raw, make=lambda _, version: page(version, f"X-Version: {version}").partition(b"version")[0]) as site:
        site.publish(PATH, method="HEAD")
        assert ask(proxy, site.url(PATH), method="HEAD").one("X-Version") == "2"
        assert rungs(site) == ["original", "path"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_other_methods_are_neither_changed_nor_repeated(proxy, always, origin, method):
    origin.answer = page(1, "Age: 30", "Cache-Control: max-age=60")
    for asked in (proxy, always):
        ask(asked, origin.url(PATH), method=method)
    assert [request.target for request in origin.requests] == [PATH, PATH]


@pytest.mark.parametrize("fields", [("Content-Length: 3",), ("Transfer-Encoding: chunked",)])
def test_get_with_a_body_is_neither_changed_nor_repeated(always, origin, fields):
    origin.answer = page(1, "Age: 30")
    with Client(always.port) as client:
        body = b"3\r\nabc\r\n0\r\n\r\n" if "chunked" in fields[0] else b"abc"
        assert client.exchange("GET", origin.url(PATH), *fields, body=body).status == 200
    assert [request.target for request in origin.requests] == [PATH]


def test_event_stream_is_asked_for_once(proxy, always, origin):
    origin.answer = page(1, "Age: 30", kind="text/event-stream")
    for asked in (proxy, always):
        ask(asked, origin.url(PATH), "Accept: text/event-stream")
    ask(proxy, origin.url(PATH))
    assert [request.target for request in origin.requests] == [PATH, PATH, PATH]


def test_credentials_are_not_sent_with_a_parameter(proxy, always):
    with site_of(decoded) as site:
        site.publish(PATH, "/")
        assert ask(proxy, site.url(PATH), "Authorization: Bearer x").body == b"version 1"
        assert ask(always, site.url("/"), "Authorization: Bearer x").body == b"version 1"
        assert "query" not in rungs(site)


def test_pipelined_requests_get_their_own_answers(proxy):
    def make(request, version):
        return page(f"{version} of {request.target.partition('?')[0]}")

    with site_of(decoded, make=make) as site, Client(proxy.port) as client:
        paths = [f"/{name}" for name in "abcdef"]
        site.publish(*paths)
        client.send(b"".join(f"GET {site.url(path)} HTTP/1.1\r\nHost: {site.authority}\r\n\r\n".encode()
                             for path in paths))
        assert [client.response().body for _ in paths] == [f"version 2 of {path}".encode() for path in paths]


@pytest.mark.parametrize("fields,copy", [
    (['ETag: "{0}"'], "changed"), (['ETag: "same"'], "same"), (['ETag: W/"same"'], None),
    (["Last-Modified: Thu, 0{0} Jan 2026 00:00:00 GMT"], "changed"),
    (["Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT"], "same"), ([], None),
])
def test_log_says_whether_the_stored_copy_was_the_same(proxy, fields, copy):
    def make(_, version):
        return page(version, *(field.format(version) for field in fields))

    with site_of(raw, make=make) as site:
        site.publish(PATH)
        ask(proxy, site.url(PATH))
        assert proxy.record(site.url(PATH)).get("freshet.stored_copy") == copy


def test_log_says_in_which_cache_the_copy_was_and_by_how_much_it_was_older(proxy):
    def make(_, version):
        return page(version, f"Last-Modified: Thu, 01 Jan 2026 00:0{version}:00 GMT", "Via: 1.1 front")

    with site_of(raw, make=make) as site:
        site.publish(PATH)
        ask(proxy, site.url(PATH))
        record = proxy.record(site.url(PATH))
    told = {name: record.get(f"freshet.stored_copy{name}") for name in ("", "_layer", "_older_s", "_age_s")}
    assert told == {"": "changed", "_layer": "front", "_older_s": 60, "_age_s": 30}


def test_costs_are_told_at_the_end_and_counted():
    with Freshet() as proxy, site_of(decoded) as site:
        site.publish(PATH)
        ask(proxy, site.url(PATH))
        ask(proxy, site.url(PATH))
        metrics = ask(proxy, f"http://127.0.0.1:{proxy.port}/metrics").body.decode()
        assert 'freshet_pierces_total{rung="query",outcome="passed"} 2' in metrics
        assert 'freshet_pierces_total{rung="path",outcome="cached"} 1' in metrics
        assert "freshet_pierce_repeats_total 2" in metrics
        assert 'freshet_pierce_copies_total{copy="unknown"} 1' in metrics
        given_up = int(re.search(r"freshet_pierce_given_up_bytes_total (\d+)", metrics)[1])
        assert given_up == 2 * len(aged(page(1)))
        proxy.stop()
        assert f"pierce: asked again for 1 requests, 2 times, and gave up {given_up} bytes" in proxy.stderr()


def test_given_up_answer_with_its_body_there_leaves_the_connection_in_use(proxy):
    with site_of(raw) as site:
        site.publish(PATH)
        ask(proxy, site.url(PATH))
        assert len(site.requests) == 2 and len(site.connections) == 1


def test_long_body_of_a_given_up_answer_is_not_waited_for(proxy):
    def script(conn):
        while (request := conn.read_request()) is not None:
            if request.target == PATH:
                conn.send(b"HTTP/1.1 200 OK\r\nAge: 9\r\nContent-Length: 1000000\r\n\r\nold")
            else:
                conn.send(page("new"))

    with CachedSite(raw) as site:
        site.script = script
        assert ask(proxy, site.url(PATH)).body == b"version new"
        assert len(site.connections) == 2
