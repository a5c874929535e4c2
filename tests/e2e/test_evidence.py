"""What caches in between said is told: as a verdict, layer by layer, and in Cache-Status.  Real caches, and heads."""
import email.utils
import re

import pytest

from harness import Client, Freshet, response
from harness.caches import Squid, Varnish, nginx_cache
from harness.origin import shut, wait_until

SAYS_STATUS = "add_header X-Cache-Status $upstream_cache_status always;"
VALIDATOR = 'ETag: "v1"'


@pytest.fixture(scope="module")
def observing():
    with Freshet(mode="observe") as running:
        yield running


@pytest.fixture(scope="module")
def busting():
    """Whose answers are as caches give them."""
    with Freshet(pierce="never") as running:
        yield running


def ask(proxy, url):
    """One request on a connection of its own; what the log says of caches: verdict and layers."""
    before = len(proxy.read_records(url))
    with Client(proxy.port) as client:
        assert client.get(url).status == 200
    record = proxy.records(before + 1, url)[-1]
    return record["freshet.verdict"], record.get("freshet.layers")


class At:
    """What a cache needs to know of an origin."""

    def __init__(self, port):
        self.authority = f"127.0.0.1:{port}"


def told(proxy, origin):
    """What the client is told of caches."""
    with Client(proxy.port) as client:
        return client.get(origin.url("/a")).all("Cache-Status")


def answer(*fields):
    return response(b"news", "Date: " + email.utils.formatdate(usegmt=True), *fields)


def revalidating(*fields):
    """An origin that confirms what the asker has."""
    def decide(request):
        if request.has("If-None-Match") or request.has("If-Modified-Since"):
            return b"HTTP/1.1 304 Not Modified\r\n" + "\r\n".join(fields).encode() + b"\r\n\r\n"
        return answer(*fields)
    return decide


def test_nginx_that_tells_is_a_layer(observing, origin):
    origin.answer = answer("Cache-Control: max-age=60")
    with nginx_cache(origin, SAYS_STATUS) as cache:
        assert ask(observing, cache.url("/a")) == ("fresh", ["x-cache-status:miss?"])
        assert ask(observing, cache.url("/a")) == ("from-cache(x-cache-status)", ["x-cache-status:hit?"])
    assert len(origin.requests) == 1


def test_nginx_that_tells_nothing_leaves_the_verdict_unknown(observing, origin):
    origin.answer = answer("Cache-Control: max-age=60")
    with nginx_cache(origin) as cache:
        assert [ask(observing, cache.url("/a")) for _ in range(2)] == [("unknown", None)] * 2
    assert len(origin.requests) == 1


def test_nginx_that_revalidates_is_told_from_one_that_hits(observing, origin):
    origin.answer = revalidating("Cache-Control: max-age=1", VALIDATOR)
    with nginx_cache(origin, SAYS_STATUS + "proxy_cache_revalidate on;") as cache:
        url = cache.url("/a")
        ask(observing, url)
        assert wait_until(lambda: ask(observing, url) == ("revalidated", ["x-cache-status:revalidated?"]))
    assert origin.last.has("If-None-Match")


def test_nginx_that_serves_stale_is_found_out(observing, origin):
    origin.answer = answer("Cache-Control: max-age=1")
    with nginx_cache(origin, SAYS_STATUS + "proxy_cache_use_stale error timeout;") as cache:
        url = cache.url("/a")
        ask(observing, url)
        origin.stop_listening()
        for conn in list(origin.connections):
            shut(conn.sock)
        assert wait_until(lambda: ask(observing, url) == ("stale(x-cache-status)", ["x-cache-status:stale?"]))


def test_varnish_is_a_layer_with_its_age(observing, origin):
    origin.answer = answer("Cache-Control: max-age=1")
    with Varnish(origin) as cache:
        url = cache.url("/a")
        assert ask(observing, url) == ("fresh", ["varnish:miss"])
        origin.stop_listening()
        for conn in list(origin.connections):
            shut(conn.sock)
        # Its grace: for ten seconds it hands out the old copy while it tries to fetch a new one.
        seen = []
        assert wait_until(lambda: seen.append(ask(observing, url)) or seen[-1][0].startswith("stale"))
        by_s = int(re.fullmatch(r"stale\(varnish, (\d+) s\)", seen[-1][0]).group(1))
        assert by_s >= 1 and seen[-1][1] == [f"varnish:hit:{by_s + 1}s"]


def test_squid_is_a_layer_that_names_itself(observing, origin):
    origin.answer = answer("Cache-Control: max-age=60", VALIDATOR)
    with Squid(origin) as cache:
        assert ask(observing, cache.url("/a")) == ("fresh", ["squid.test:miss"])
        verdict, layers = ask(observing, cache.url("/a"))
        assert verdict.startswith("from-cache(squid.test, ") and layers[0].startswith("squid.test:hit:")
    assert len(origin.requests) == 1


def test_chain_is_told_from_the_client_to_the_origin(observing, origin):
    origin.answer = answer("Cache-Control: max-age=60")
    with nginx_cache(origin, SAYS_STATUS) as inner, Varnish(At(inner.port)) as outer:
        assert ask(observing, outer.url("/a")) == ("fresh", ["varnish:miss", "x-cache-status:miss?"])
        verdict, layers = ask(observing, outer.url("/a"))
        assert verdict.startswith("from-cache(varnish") and layers[1] == "x-cache-status:miss?"


def test_busting_asks_squid_for_a_fresh_answer_and_sees_that_it_came(proxy, origin):
    origin.answer = answer("Cache-Control: max-age=60")
    with Squid(origin) as cache:
        assert [ask(proxy, cache.url("/a"))[0] for _ in range(2)] == ["fresh", "fresh"]
    assert len(origin.requests) == 2


def test_verdict_on_a_busted_answer_is_in_cache_status(busting, origin):
    origin.answer = answer("Age: 90", "Cache-Control: max-age=60", "CF-Cache-Status: HIT")
    assert told(busting, origin) == ['freshet; fwd=bypass; detail="stale(cloudflare, 30 s)"']


def test_cache_status_stays_short_where_no_cache_answered(busting, origin):
    origin.answer = answer("CF-Cache-Status: DYNAMIC")
    assert told(busting, origin) == ["freshet; fwd=bypass; detail=fields"]


def test_cache_status_stays_well_formed_whatever_a_cache_calls_itself(busting, origin):
    origin.answer = answer('X-Cache: HIT from a"b\\c"')
    assert told(busting, origin) == ['freshet; fwd=bypass; detail="from-cache(a?b?c?)"']


def test_layers_are_in_text_lines_too(origin):
    origin.answer = answer("CF-Cache-Status: HIT", "X-Cache-Status: MISS", "Age: 7")
    with Freshet(mode="observe", access_log_format="text") as proxy, Client(proxy.port) as client:
        client.get(origin.url("/a"))
        assert wait_until(lambda: " layers=cloudflare:hit:7s,x-cache-status:miss? " in proxy.log_file.read_text())
        assert ' verdict="from-cache(cloudflare, 7 s)" ' in proxy.log_file.read_text()


def told_if_asked(request):
    """An origin behind Akamai's network, which tells of its caches only if the request asks."""
    words = [word.strip() for line in request.all("Pragma") for word in line.split(",")]
    return answer("X-Cache: TCP_MEM_HIT from a1-2 (AkamaiGHost/1) (-)") if "akamai-x-cache-on" in words else answer()


@pytest.mark.parametrize("mode", ["observe", "bust"])
def test_delivery_network_tells_of_its_caches_where_it_is_asked(origin, mode):
    origin.answer = told_if_asked
    with Freshet('site "*/asked" { evidence = ask }', mode=mode, pierce="never") as proxy:
        assert ask(proxy, origin.url("/unasked"))[1] is None
        assert not origin.last.has("Fastly-Debug")
        assert ask(proxy, origin.url("/asked")) == ("from-cache(a1-2)", ["a1-2:hit"])
        assert origin.last.one("Fastly-Debug") == "1"
