"""Settings changed while freshet runs, and what it has learned forgotten: by the requests that the switches' page makes."""
import json
import ssl
import threading

import pytest

from harness import Client, DnsServer, Freshet, Origin, response
from harness.dns import TYPE_A, Name
from harness.origin import wait_until
from harness.switches import Switches
from harness.tls import Interceptor, TlsOrigin, client_context

STORED = response(b"stored", "Cache-Control: max-age=600", "Age: 42", "X-Cache: HIT")


@pytest.fixture(scope="module", name="proxy")
def shared_proxy():
    """Two workers, so that a change is seen by one that did not make it; each test takes back what it changes."""
    with Freshet('site "configured.example" { mode = observe }\nsite "get.example" { method = {"POST"} pierce = always }',
                 workers=2) as running:
        yield running


@pytest.fixture
def switches(proxy):
    board = Switches(proxy)
    yield board
    for site, setting, _ in board.in_force():
        board.do("undo", site=site, setting=setting)


def is_busted(origin):
    return origin.last.has("Cache-Control")


# -- what takes effect

def test_mode_counts_from_the_next_request_on_also_of_connections_that_stand(proxy, switches, origin):
    with proxy.client() as one, proxy.client() as two:
        def are_busted(step):
            """Whether the requests of both are, each to an address of its own: their workers have different connections."""
            paths = [f"/{step}/{number}" for number in (1, 2)]
            for client, path in zip((one, two), paths):
                client.get(origin.url(path))
            return [request.has("Cache-Control") for path in paths for request in origin.requests if request.target == path]

        assert are_busted("before") == [True, True]
        said = switches.set("127.0.0.1", "mode", "off")
        assert said == "127.0.0.1: mode = off until it is taken back"
        assert are_busted("switched") == [False, False]
        switches.do("undo", site="127.0.0.1", setting="mode")
        assert are_busted("after") == [True, True]


def test_switch_is_for_the_sites_that_its_pattern_names(proxy, switches, client, origin):
    switches.set(f"127.0.0.1:{origin.port}/left/*", "mode", "off")
    client.get(origin.url("/left/alone"))
    assert not is_busted(origin)
    client.get(origin.url("/right"))
    assert is_busted(origin)


def test_other_settings_of_the_site_stay(origin):
    with Freshet('site "127.0.0.1" { mode = observe validators = strip }') as proxy, proxy.client() as client:
        origin.answer = response(b"x", 'ETag: "1"')
        assert client.get(origin.url()).has("ETag")
        Switches(proxy).set("*", "mode", "bust")
        assert not client.get(origin.url()).has("ETag")


@pytest.mark.parametrize("settings, told", [
    ({"mode": "observe"}, "mode"),
    ({"mode": "bust", "pierce": "never", "intercept": "no"}, "mode,pierce"),
    ({"intercept": "no"}, None),
])
def test_log_says_which_settings_were_switches(proxy, switches, client, origin, settings, told):
    client.get(origin.url("/as-configured"))
    for setting, value in settings.items():
        switches.set("127.0.0.1", setting, value)
    path = f"/switched/{'/'.join(settings.values())}"
    client.get(origin.url(path))
    assert proxy.record(path).get("freshet.switched") == told
    assert "freshet.switched" not in proxy.record("/as-configured")


def test_log_of_a_tunnel_says_that_intercept_was_a_switch(proxy, switches, client, origin):
    switches.set("127.0.0.1", "intercept", "no")
    switches.set("127.0.0.1", "mode", "off")
    client.connect_to(origin.authority)
    client.close()
    assert proxy.record(f"127.0.0.1:{origin.port}")["freshet.switched"] == "intercept"


def test_pierce_is_switched(switches, client, origin):
    origin.answer = STORED
    switches.set("127.0.0.1", "pierce", "never")
    client.get(origin.url("/page.html"))
    assert len(origin.requests) == 1
    switches.set("127.0.0.1", "pierce", "auto")
    client.get(origin.url("/page.html"))
    assert len(origin.requests) > 2


def test_exchange_that_runs_ends_with_the_settings_it_began_with(proxy, switches):
    asked, go_on = threading.Event(), threading.Event()

    def script(conn):
        while conn.read_request() is not None:
            asked.set()
            go_on.wait(5)
            conn.send(STORED)

    with Origin(script=script) as origin, proxy.client() as client:
        client.request("GET", origin.url("/slow"))
        assert asked.wait(5)
        switches.set("*", "mode", "off")
        go_on.set()
        assert "no-store" in client.response().one("Cache-Control")
        assert "no-store" not in client.get(origin.url("/slow")).one("Cache-Control")


def test_intercept_is_switched_on_where_nothing_was_read_and_off_again(pki):
    with TlsOrigin(pki.good) as origin, Interceptor(pki, intercept="no") as proxy:
        switches = Switches(proxy)
        switches.set("localhost", "intercept", "yes")
        assert proxy.get(origin).body == b"hello"
        proxy.reload()
        assert proxy.get(origin).body == b"hello"
        switches.do("undo", site="localhost")
        with proxy.secure(origin, client_context(pki.root.file)) as client:
            assert client.get("/").body == b"hello"


def test_intercept_that_cannot_be_is_refused_with_the_reason(tmp_path):
    nowhere = tmp_path / "file"
    nowhere.write_text("in the way")
    with Freshet(env={"STATE_DIRECTORY": str(nowhere)}) as proxy:
        switches = Switches(proxy)
        assert str(nowhere) in switches.fault("set", site="*", setting="intercept", value="yes")
        assert switches.in_force() == []
        switches.set("*", "intercept", "no")


# -- how long

def test_switch_expires_and_the_log_tells(proxy, switches, client, origin):
    assert switches.set("127.0.0.1", "mode", "off", **{"for": "1s"}) == "127.0.0.1: mode = off for 1 s"
    client.get(origin.url())
    assert not is_busted(origin)
    switches.wait_until_none()
    client.get(origin.url())
    assert is_busted(origin)
    assert "127.0.0.1: mode = off has expired" in proxy.stderr()


def test_switch_goes_on_for_as_long_as_it_is_said_last(switches):
    switches.set("a.example", "mode", "off", **{"for": "1s"})
    switches.set("b.example", "mode", "off", **{"for": "1s"})
    switches.set("a.example", "mode", "off", **{"for": "10m"})
    assert wait_until(lambda: switches.in_force() == [("a.example", "mode", "off")])
    left_ms = switches.state()["switches"][0]["left_ms"]
    assert 590_000 < left_ms <= 600_000


def test_switches_survive_reloads_good_and_bad(origin):
    with Freshet() as proxy, proxy.client() as client:
        switches = Switches(proxy)
        switches.set("127.0.0.1", "mode", "off")
        assert "reloaded" in proxy.reload()
        assert "failed" in proxy.reload("nonsense = 1")
        client.get(origin.url())
        assert not is_busted(origin)
        assert switches.in_force() == [("127.0.0.1", "mode", "off")]


def test_each_change_is_one_line_of_the_log_that_says_who(proxy, switches):
    switches.set("log.example", "pierce", "always", **{"for": "2m"})
    assert "switches: log.example: pierce = always for 120 s (by 127.0.0.1)" in proxy.stderr()
    switches.do("undo", site="LOG.example")
    assert "switches: LOG.example: all as configured (by 127.0.0.1)" in proxy.stderr()


# -- what is shown

def test_state_shows_switches_and_the_configuration_below_them(switches):
    switches.set("*.example", "mode", "revalidate", **{"for": "1h"})
    switches.set("*", "pierce", "never")
    state = switches.state()
    assert switches.in_force() == [("*", "pierce", "never"), ("*.example", "mode", "revalidate")]
    assert "left_ms" not in state["switches"][0]
    assert state["configuration"] == {"mode": "bust", "pierce": "auto", "intercept": "no"}
    assert state["sites"] == [
        {"site": "configured.example", "mode": "observe", "pierce": "auto", "intercept": "no", "limited": False},
        {"site": "get.example", "mode": "bust", "pierce": "always", "intercept": "no", "limited": True}]
    assert state["values"]["intercept"] == ["no", "yes", "strict"]


@pytest.mark.parametrize("url, mode, pierce", [
    ("configured.example", {"value": "observe", "by": "site", "site": "configured.example"},
     {"value": "auto", "by": "configuration"}),
    ("https://switched.example/x", {"value": "off", "by": "switch", "site": "switched.example:443"},
     {"value": "auto", "by": "configuration"}),
    ("switched.example:443/x", {"value": "off", "by": "switch", "site": "switched.example:443"},
     {"value": "auto", "by": "configuration"}),
    ("http://switched.example/x", {"value": "bust", "by": "configuration"}, {"value": "auto", "by": "configuration"}),
])
def test_what_applies_to_a_host_is_told_with_what_says_so(switches, url, mode, pierce):
    switches.set("switched.example:443", "mode", "off")
    told = switches.ask("/switches/applies", url=url)
    assert (told["mode"], told["pierce"]) == (mode, pierce)


@pytest.mark.parametrize("url", ["", " ", "a b", "http://", "x" * 3000, "<script>"])
def test_what_is_no_host_is_told_to_be_none(switches, url):
    answer = switches.answer("/switches/applies", url=url)
    assert answer.status == 400 and json.loads(answer.body)["error"]


def test_metrics_count_what_is_in_force(switches):
    switches.set("*", "mode", "off")
    assert b"\nfreshet_switches 1\n" in switches.answer("/metrics").body


# -- what is refused

@pytest.mark.parametrize("parameters, reason", [
    ({"setting": "mode", "value": "off"}, "no site"),
    ({"site": "a.example", "setting": "Mode", "value": "off"}, "the setting is"),
    ({"site": "a.example", "setting": "mode", "value": "never"}, "mode is off, observe"),
    ({"site": "a.example", "setting": "pierce", "value": ""}, "pierce is never"),
    ({"site": "a.example", "setting": "mode", "value": "off", "for": "10"}, "the time is"),
    ({"site": "a.example", "setting": "mode", "value": "off", "for": "31d"}, "the time is"),
    ({"site": "<img src=x>", "setting": "mode", "value": "off"}, "character"),
    ({"site": "a.example\r\nforged", "setting": "mode", "value": "off"}, "character"),
    ({"site": "x" * 600, "setting": "mode", "value": "off"}, "too long"),
    ({"site": "a.example/path", "setting": "intercept", "value": "no"}, "no path"),
])
def test_wish_that_cannot_be_is_refused_with_the_reason(switches, parameters, reason):
    assert reason in switches.fault("set", **parameters)
    assert switches.in_force() == []


def test_undoing_what_is_not_there_says_so(switches):
    assert "nothing was changed" in switches.fault("undo", site="a.example")


def test_switches_are_bounded(switches):
    for number in range(64):
        switches.set(f"{number}.example", "mode", "off")
    assert "as many" in switches.fault("set", site="one.more", setting="mode", value="off")
    switches.set("7.example", "mode", "observe")
    assert switches.in_force()[0] == ("7.example", "mode", "observe")


@pytest.mark.parametrize("what", ["set", "undo", "flush"])
def test_changing_takes_post_the_token_and_our_own_page(switches, what):
    parameters = {"site": "*", "setting": "mode", "value": "off", "what": "history"}
    path = f"/switches/{what}"
    assert switches.answer(path, switches.token, **parameters).status == 405
    assert switches.answer(path, method="POST", **parameters).status == 403
    assert switches.answer(path, "X-Freshet-Token: 0", method="POST", **parameters).status == 403
    assert switches.answer(path, switches.token, "Origin: http://a.example", method="POST", **parameters).status == 403
    assert switches.in_force() == []


def test_state_is_not_for_other_machines():
    with Freshet(allow='{"127.0.0.0/8"}') as proxy, proxy.client() as client:
        client.send(b"GET /switches/state HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
        assert client.response().status == 403


# -- what is forgotten

def test_flushed_names_are_asked_for_again(origin):
    with DnsServer({"site.test": Name(a=("127.0.0.1",), ttl=300)}) as names, Freshet(resolver=names.option) as proxy:
        def fetch():
            with Client(proxy.port) as client:  # a connection of its own to the origin each time
                return client.get(f"http://site.test:{origin.port}/", "Connection: close").status

        origin.answer = response(b"hello", "Connection: close")
        assert fetch() == fetch() == 200
        assert names.asked("site.test", TYPE_A) == 1
        Switches(proxy).do("flush", what="dns")
        assert fetch() == 200
        assert names.asked("site.test", TYPE_A) == 2


def test_flushed_pools_connect_anew(proxy, switches, client, origin):
    client.get(origin.url())
    client.get(origin.url())
    assert len(origin.connections) == 1
    switches.do("flush", what="pools")
    client.get(origin.url())
    assert len(origin.connections) == 2


def test_connection_that_is_in_use_while_pools_are_flushed_is_not_used_again():
    asked, go_on = threading.Event(), threading.Event()

    def script(conn):
        while conn.read_request() is not None:
            asked.set()
            go_on.wait(5)
            conn.send(response(b"hello"))

    with Origin(script=script) as origin, Freshet() as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        assert asked.wait(5)
        Switches(proxy).do("flush", what="pools")
        go_on.set()
        assert client.response().body == b"hello"
        assert client.get(origin.url()).body == b"hello"
        assert len(origin.connections) == 2


def test_client_that_refused_our_certificate_is_shown_it_again_once_that_is_flushed(pki):
    with TlsOrigin(pki.good) as origin, Interceptor(pki) as proxy:
        with pytest.raises(ssl.SSLCertVerificationError):
            proxy.secure(origin, client_context(pki.root.file))
        with proxy.secure(origin, client_context(pki.root.file)) as client:
            assert client.get("/").body == b"hello"  # left alone, by its own trust in the origin
        Switches(proxy).do("flush", what="learned")
        assert proxy.get(origin).body == b"hello"


def test_flushed_pierced_hosts_are_climbed_from_the_start(proxy, switches, client, origin):
    origin.answer = lambda request: response(b"fresh") if "?" in request.target else STORED
    client.get(origin.url("/page.html"))
    first = len(origin.requests)
    client.get(origin.url("/page.html"))
    learned = len(origin.requests) - first
    switches.do("flush", what="pierced")
    client.get(origin.url("/page.html"))
    assert learned < first == len(origin.requests) - first - learned


def test_flushed_history_is_empty(proxy, switches, client, origin):
    client.get(origin.url("/remembered"))
    number = proxy.record("/remembered")["freshet.id"]
    assert switches.answer("/live/exchange", id=number).status == 200
    switches.do("flush", what="history")
    assert switches.answer("/live/exchange", id=number).status == 404


def test_all_is_flushed_at_once(proxy, switches, client, origin):
    client.get(origin.url("/everything"))
    number = proxy.record("/everything")["freshet.id"]
    switches.do("flush", what="all")
    client.get(origin.url())
    assert len(origin.connections) == 2
    assert switches.answer("/live/exchange", id=number).status == 404


def test_unknown_things_are_not_flushed(switches):
    assert "there are dns, pools" in switches.fault("flush", what="everything")
    assert json.loads(switches.answer("/switches/flush", switches.token, method="POST").body)["error"]
