"""What relaying itself does to heads: Via, Host, hop-by-hop fields, Max-Forwards, loops."""
import pytest

from harness import Client, Freshet, Origin, response
from harness.client import request_bytes


def test_via_is_added_in_both_directions(client, origin):
    answer = client.get(origin.url())
    assert origin.last.one("Via").startswith("1.1 freshet")
    assert answer.one("Via").startswith("1.1 freshet")


def test_via_is_appended_to_what_was_received(client, origin):
    origin.answer = response(b"x", "Via: 1.1 edge, 1.0 inner")
    answer = client.get(origin.url(), "Via: 1.0 first, 1.1 second")
    for message, before in ((origin.last, ["1.0 first", "1.1 second"]), (answer, ["1.1 edge", "1.0 inner"])):
        members = [member.strip() for value in message.all("Via") for member in value.split(",")]
        assert members[:-1] == before
        assert members[-1].startswith("1.1 freshet")


def test_via_tells_the_version_of_an_old_client(client, origin):
    client.send(f"GET {origin.url()} HTTP/1.0\r\n\r\n".encode())
    client.response()
    assert origin.last.one("Via").startswith("1.0 freshet")


def test_via_has_the_configured_pseudonym(origin):
    with Freshet(via='"nemo"') as proxy, proxy.client() as client:
        answer = client.get(origin.url())
    assert origin.last.one("Via").startswith("1.1 nemo")
    assert answer.one("Via").startswith("1.1 nemo")


def test_empty_pseudonym_adds_no_via(origin):
    with Freshet(via='""') as proxy, proxy.client() as client:
        answer = client.get(origin.url(), "Via: 1.1 kept")
    assert origin.last.all("Via") == ["1.1 kept"]
    assert not answer.has("Via")


HOP_BY_HOP = ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: gzip",
              "Proxy-Authorization: Basic dTpw", "Upgrade: h2c"]


@pytest.mark.parametrize("field", HOP_BY_HOP)
def test_hop_by_hop_request_field_is_dropped(client, origin, field):
    client.get(origin.url(), field, "X-Kept: 1")
    assert not origin.last.has(field.split(":")[0])
    assert origin.last.one("X-Kept") == "1"


@pytest.mark.parametrize("field", ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Upgrade: h2c",
                                   "Proxy-Authentication-Info: x"])
def test_hop_by_hop_response_field_is_dropped(client, origin, field):
    origin.answer = response(b"x", field, "X-Kept: 1")
    answer = client.get(origin.url())
    assert not answer.has(field.split(":")[0])
    assert answer.one("X-Kept") == "1"


def test_proxy_credentials_never_reach_the_origin(client, origin):
    client.get(origin.url(), "Proxy-Authorization: Basic c2VjcmV0", "Authorization: Basic b3JpZ2lu")
    assert b"c2VjcmV0" not in origin.connections[0].received
    assert origin.last.one("Authorization") == "Basic b3JpZ2lu"


@pytest.mark.parametrize("connection", ["X-Private", "x-private, close", "keep-alive,X-PRIVATE",
                                        " , X-Private ,"])
def test_field_named_by_connection_is_dropped_from_requests(client, origin, connection):
    client.get(origin.url(), f"Connection: {connection}", "X-Private: 1", "X-Kept: 2")
    assert (origin.last.has("X-Private"), origin.last.one("X-Kept")) == (False, "2")


def test_field_named_by_connection_is_dropped_from_responses(client, origin):
    origin.answer = response(b"x", "Connection: X-Private", "X-Private: 1", "X-Kept: 2")
    answer = client.get(origin.url())
    assert (answer.has("X-Private"), answer.one("X-Kept")) == (False, "2")


def test_connection_cannot_name_away_routing_framing_or_policy(client, origin):
    client.exchange("POST", origin.url(),
                    "Connection: Host, Content-Length, Cache-Control, Pragma, Via, Content-Type",
                    "Content-Type: text/plain", "Cache-Control: max-age=1", body=b"four")
    assert origin.last.one("Host") == origin.authority
    assert (origin.last.one("Content-Length"), origin.last.body) == ("4", b"four")
    assert origin.last.one("Cache-Control") == "no-cache, no-store, must-revalidate"
    assert origin.last.has("Via")


def test_connection_of_a_response_cannot_name_away_framing_or_policy(client, origin):
    origin.answer = response(b"four", "Connection: Content-Length, Cache-Control, Expires",
                             "Cache-Control: max-age=1")
    answer = client.get(origin.url())
    assert answer.body == b"four"
    assert answer.one("Cache-Control") == "no-cache, no-store, must-revalidate"
    assert answer.one("Expires") == "0"
    assert client.get(origin.url()).body == b"four"


def test_connection_fields_of_one_hop_are_not_passed_to_the_next(client, origin):
    origin.answer = response(b"x", "Connection: keep-alive, foo")
    answer = client.get(origin.url(), "Connection: bar")
    assert all("bar" not in value for value in origin.last.all("Connection"))
    assert all("foo" not in value for value in answer.all("Connection"))


def test_target_wins_over_host(client, origin):
    client.send(f"GET {origin.url('/p')} HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n".encode())
    assert client.response().status == 200
    assert (origin.last.one("Host"), origin.last.target) == (origin.authority, "/p")


def test_name_from_the_hosts_file_is_reached_whatever_its_case(client):
    with Origin() as origin:
        client.get(origin.url().replace("127.0.0.1", "LOCALHOST"))
        assert origin.last.one("Host").lower() == f"localhost:{origin.port}"


@pytest.mark.parametrize("method", ["QUERY", "PROPFIND", "RPC_IN_DATA", "M-SEARCH", "PURGE", "X"])
def test_unknown_method_passes(client, origin, method):
    assert client.exchange(method, origin.url()).body == b"hello"
    assert origin.last.method == method


def test_max_forwards_of_options_is_counted_down(client, origin):
    client.exchange("OPTIONS", origin.url(), "Max-Forwards: 5")
    assert origin.last.one("Max-Forwards") == "4"


def test_options_with_no_forwards_left_is_answered_here(client, origin):
    answer = client.exchange("OPTIONS", origin.url(), "Max-Forwards: 0")
    assert answer.status in (200, 204)
    assert origin.requests == []


def test_trace_with_no_forwards_left_shows_the_request_but_no_secrets(client, origin):
    answer = client.exchange("TRACE", origin.url("/t"), "Max-Forwards: 0", "Cookie: s3cret=1",
                             "Authorization: Basic s3cret", "X-Seen: 1")
    assert answer.status == 200
    assert answer.one("Content-Type").startswith("message/http")
    assert b"X-Seen: 1" in answer.body
    assert b"s3cret" not in answer.body
    assert origin.requests == []


def test_max_forwards_of_other_methods_is_left_alone(client, origin):
    assert client.get(origin.url(), "Max-Forwards: 0").body == b"hello"
    assert origin.last.one("Max-Forwards") == "0"


def test_options_star_in_absolute_form_reaches_the_origin_as_star(client, origin):
    client.exchange("OPTIONS", f"http://{origin.authority}")
    assert origin.last.target == "*"


def test_options_star_is_answered_here(client, proxy):
    client.send(f"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n\r\n".encode())
    assert client.response().status in (200, 204)


def test_request_to_the_proxy_itself_never_storms(proxy):
    with Client(proxy.port) as client:
        answer = client.get(f"http://127.0.0.1:{proxy.port}/loop")
        assert answer.status in (200, 404, 508)
    assert len(proxy.records(1, "/loop")) <= 2


def test_connect_to_the_proxy_itself_never_storms(proxy):
    authority = f"127.0.0.1:{proxy.port}"
    with Client(proxy.port) as client:
        client.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        answer = client.response("CONNECT")
        assert answer.status in (200, 403, 508)
    assert len(proxy.records(1, authority)) <= 2


def test_request_that_already_passed_here_is_refused_as_a_loop(client, origin):
    client.get(origin.url())
    came_back = [f"{name}: {value}" for name, value in origin.last.fields
                 if name.lower() not in ("host", "connection")]
    client.request("GET", origin.url("/again"), *came_back)
    answer = client.response()
    assert answer.status == 508
    assert "proxy_loop_detected" in answer.one("Proxy-Status")
    assert len(origin.requests) == 1


def test_via_of_another_freshet_is_not_a_loop(client, origin):
    with Freshet() as other, other.client() as first:
        first.get(origin.url())
        via = origin.last.one("Via")
    assert client.get(origin.url(), f"Via: {via}").status == 200


def test_origin_form_request_to_the_listener_is_answered_here(proxy):
    with Client(proxy.port) as client:
        client.send(f"GET /no-such-page HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n\r\n".encode())
        answer = client.response()
        assert 400 <= answer.status < 500
        assert b"freshet" in answer.body.lower()


def test_reason_phrase_and_unknown_status_pass(client, origin):
    origin.answer = response(b"x", status="299 Quite Fine, Thanks")
    answer = client.get(origin.url())
    assert (answer.status, answer.body) == (299, b"x")


def test_status_line_without_reason_passes(client, origin):
    origin.answer = b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"
    assert client.get(origin.url()).body == b"ok"


def test_head_of_many_fields_below_the_limit_passes(client, origin):
    fields = [f"X-{n}: {n}" for n in range(180)]
    client.get(origin.url(), *fields)
    assert [value for name, value in origin.last.fields if name.startswith("X-")] == [str(n) for n in range(180)]


def test_large_head_below_the_limit_passes_both_ways(client, origin):
    big = "b" * 50000
    origin.answer = response(b"x", f"X-Big: {big}")
    answer = client.get(origin.url(), f"X-Big: {big}")
    assert (origin.last.one("X-Big"), answer.one("X-Big")) == (big, big)


def test_pipelined_heads_do_not_leak_fields_into_each_other(client, origin):
    client.send(request_bytes("GET", origin.url("/1"), "X-One: 1")
                + request_bytes("GET", origin.url("/2"), "X-Two: 2"))
    client.response(), client.response()
    one, two = origin.requests
    assert (one.has("X-One"), one.has("X-Two"), two.has("X-One"), two.has("X-Two")) == (True, False, False, True)
