"""The four modes, the site sections that choose between them, and heal."""
import pytest

from harness import Client, DnsServer, Freshet, Origin, response
from harness.dns import Name

TRIPLE = "no-cache, no-store, must-revalidate"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
ASKED = ["Cache-Control: max-age=0", 'If-None-Match: "v1"', f"If-Modified-Since: {DATE}"]
ANSWERED = ["Cache-Control: max-age=600", "Expires: " + DATE, 'ETag: "v1"', "Last-Modified: " + DATE, "Age: 7",
            "Alt-Svc: h3=\":443\"", "CDN-Cache-Control: max-age=9", "Access-Control-Max-Age: 600"]


@pytest.fixture(scope="module", params=["off", "observe"])
def passive(request):
    with Freshet(mode=request.param) as running:
        running.mode = request.param
        yield running


def test_passive_mode_leaves_the_request_untouched(passive, origin):
    with passive.client() as client:
        client.get(origin.url(), *ASKED)
    kept = [field for field in origin.last.fields
            if field[0] in ("Cache-Control", "If-None-Match", "If-Modified-Since")]
    assert [": ".join(field) for field in kept] == ASKED
    assert (origin.last.has("Pragma"), origin.last.has("Expires")) == (False, False)


def test_passive_mode_leaves_the_response_untouched(passive, origin):
    origin.answer = response(b"x", *ANSWERED)
    with passive.client() as client:
        answer = client.get(origin.url())
    names = [line.split(":")[0] for line in ANSWERED]
    assert [": ".join(field) for field in answer.fields if field[0] in names] == ANSWERED
    assert (answer.has("Pragma"), answer.has("Cache-Status")) == (False, False)


def test_passive_mode_lets_not_modified_through(passive, origin):
    origin.answer = response(b"", 'ETag: "v1"', status="304 Not Modified", length=False)
    with passive.client() as client:
        assert client.get(origin.url(), 'If-None-Match: "v1"').status == 304
        assert client.get(origin.url(), 'If-None-Match: "v1"').status == 304


def test_passive_mode_lets_prefetches_through(passive, origin):
    with passive.client() as client:
        assert client.get(origin.url(), "Sec-Purpose: prefetch").status == 200


def test_passive_mode_is_logged_as_not_busted(passive, origin):
    with passive.client() as client:
        client.get(origin.url("/log"))
    record = passive.record(origin.url("/log"))
    assert (record["freshet.mode"], record["freshet.busted"]) == (passive.mode, False)
    edits = record.get("freshet.edits.request", []) + record.get("freshet.edits.response", [])
    assert set(edits) <= {"+via"}


@pytest.fixture(scope="module")
def revalidating():
    with Freshet(mode="revalidate") as running:
        yield running


def test_revalidate_asks_end_to_end_and_keeps_validators(revalidating, origin):
    with revalidating.client() as client:
        client.get(origin.url(), *ASKED)
    assert origin.last.all("Cache-Control") == ["no-cache"]
    assert origin.last.all("Pragma") == ["no-cache"]
    assert origin.last.all("If-None-Match") == ['"v1"']
    assert origin.last.all("If-Modified-Since") == [DATE]


def test_revalidate_makes_the_client_ask_again(revalidating, origin):
    origin.answer = response(b"x", *ANSWERED)
    with revalidating.client() as client:
        answer = client.get(origin.url())
    assert answer.all("Cache-Control") == ["no-cache"]
    assert answer.all("ETag") == ['"v1"']
    assert answer.all("Last-Modified") == [DATE]


def test_revalidate_lets_a_cheap_not_modified_through(revalidating, origin):
    origin.answer = response(b"", 'ETag: "v1"', "Cache-Control: max-age=5", status="304 Not Modified",
                             length=False)
    with revalidating.client() as client:
        answer = client.get(origin.url(), 'If-None-Match: "v1"')
        assert (answer.status, answer.all("Cache-Control")) == (304, ["no-cache"])
        assert client.get(origin.url(), 'If-None-Match: "v1"').status == 304


def test_heal_lets_obeying_caches_store_the_fresh_answer(origin):
    with Freshet(heal="yes") as proxy, proxy.client() as client:
        answer = client.get(origin.url(), "Cache-Control: max-age=9", 'If-None-Match: "v1"')
    assert origin.last.all("Cache-Control") == ["no-cache"]
    assert not origin.last.has("If-None-Match")
    assert answer.all("Cache-Control") == [TRIPLE]


def seen_mode(proxy, origin, path):
    with proxy.client() as client:
        client.get(origin.url(path))
    return proxy.record(origin.url(path))["freshet.mode"]


def test_first_matching_site_section_wins(origin):
    sites = f"""
site "{origin.authority}/api/*" {{ mode = observe }}
site "{origin.authority}/a*" {{ mode = revalidate }}
site "{origin.authority}" {{ mode = off }}
"""
    with Freshet(sites) as proxy:
        assert seen_mode(proxy, origin, "/api/1") == "observe"
        assert seen_mode(proxy, origin, "/about") == "revalidate"
        assert seen_mode(proxy, origin, "/other") == "off"


def test_site_without_match_leaves_the_default(origin):
    with Freshet('site "*.example.test" { mode = off }', mode="revalidate") as proxy:
        assert seen_mode(proxy, origin, "/x") == "revalidate"


def test_site_options_other_than_its_own_come_from_the_default(origin):
    site = f'site "{origin.authority}" {{ validators = strip }}'
    origin.answer = response(b"x", 'ETag: "v"')
    with Freshet(site, mode="bust", heal="yes") as proxy, proxy.client() as client:
        answer = client.get(origin.url())
    assert not answer.has("ETag")
    assert origin.last.all("Cache-Control") == ["no-cache"]


@pytest.mark.parametrize("host, mode", [
    ("www.example.test", "observe"), ("a.b.example.test", "observe"), ("WWW.Example.TEST", "observe"),
    ("example.test", "bust"), ("notexample.test", "bust"), ("exact.test", "off"), ("sub.exact.test", "bust")])
def test_site_pattern_chooses_by_host(sited, host, mode):
    proxy, origin = sited
    with proxy.client() as client:
        answer = client.get(f"http://{host}:{origin.port}/{host}")
    assert answer.status == 200
    assert proxy.record(f"/{host}")["freshet.mode"] == mode


@pytest.fixture(scope="module")
def sited():
    sites = 'site "*.example.test" { mode = observe }\nsite "exact.test" { mode = off }'
    names = ["www.example.test", "a.b.example.test", "example.test", "notexample.test", "exact.test",
             "sub.exact.test"]
    with DnsServer({name: Name(a=("127.0.0.1",)) for name in names}) as dns, Origin() as origin:
        with Freshet(sites, resolver=dns.option) as proxy:
            yield proxy, origin


def test_command_line_option_beats_the_file(origin):
    with Freshet(mode="bust", arguments=["--mode=off"]) as proxy, Client(proxy.port) as client:
        client.get(origin.url(), "Cache-Control: max-age=5")
    assert origin.last.all("Cache-Control") == ["max-age=5"]


def test_last_modified_of_a_passive_site_is_kept(passive, origin):
    origin.answer = response(b"x", "Last-Modified: " + DATE, "Date: Sun, 22 Nov 2026 12:00:00 GMT")
    with passive.client() as client:
        assert client.get(origin.url(), "If-Modified-Since: " + DATE).all("Last-Modified") == [DATE]
