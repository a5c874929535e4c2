"""Connections on the client's side: keep-alive, pipelining, HTTP/1.0, half-closes, versions."""
import pytest

from harness import Client, Freshet, Origin, chunked, response
from harness.client import request_bytes
from harness.origin import wait_until


def echo_target(request):
    return response(request.target.encode())


def test_many_requests_share_one_client_and_one_origin_connection(client, origin):
    origin.answer = echo_target
    for number in range(50):
        assert client.get(origin.url(f"/{number}")).body == b"/%d" % number
    assert len(origin.connections) == 1


def test_second_client_reuses_the_pooled_origin_connection(proxy, origin):
    for _ in range(5):
        with Client(proxy.port) as client:
            assert client.get(origin.url()).status == 200
    assert len(origin.connections) == 1


def test_reuse_is_logged(proxy, client, origin):
    client.get(origin.url("/first"))
    client.get(origin.url("/second"))
    assert proxy.record(origin.url("/first"))["freshet.connection.reused"] is False
    assert proxy.record(origin.url("/second"))["freshet.connection.reused"] is True


def test_one_client_connection_reaches_many_origins(client):
    with Origin(response(b"one")) as one, Origin(response(b"two")) as two:
        bodies = [client.get(peer.url()).body for peer in (one, two, one, two)]
    assert bodies == [b"one", b"two", b"one", b"two"]


@pytest.mark.parametrize("depth", [2, 10])
def test_pipelined_requests_are_answered_in_order(client, origin, depth):
    origin.answer = echo_target
    client.send(b"".join(request_bytes("GET", origin.url(f"/{n}")) for n in range(depth)))
    assert [client.response().body for _ in range(depth)] == [b"/%d" % n for n in range(depth)]


def test_pipelined_requests_with_bodies_keep_their_bodies(client, origin):
    origin.answer = lambda request: response(request.body)
    requests = [request_bytes("POST", origin.url(), body=b"body %d" % n) for n in range(5)]
    requests.insert(2, request_bytes("POST", origin.url(), "Transfer-Encoding: chunked")
                    + chunked(b"in ", b"chunks"))
    client.send(b"".join(requests))
    bodies = [client.response().body for _ in range(6)]
    assert bodies == [b"body 0", b"body 1", b"in chunks", b"body 2", b"body 3", b"body 4"]


def test_pipeline_deeper_than_the_bound_is_answered_completely(client, origin):
    origin.answer = echo_target
    client.send(b"".join(request_bytes("GET", origin.url(f"/{n}")) for n in range(300)))
    assert [client.response().body for _ in range(300)] == [b"/%d" % n for n in range(300)]


def test_pipelined_requests_before_a_bad_one_are_answered_first(client, origin):
    origin.answer = echo_target
    client.send(request_bytes("GET", origin.url("/good")) + b"BAD\r\n\r\n")
    assert client.response().body == b"/good"
    assert client.response().status == 400
    assert client.closed_by_peer()


def test_connection_close_of_the_client_is_obeyed(client, origin):
    answer = client.get(origin.url(), "Connection: close")
    assert (answer.body, answer.one("Connection").lower()) == (b"hello", "close")
    assert client.closed_by_peer()


def test_requests_after_connection_close_are_not_served(client, origin):
    client.send(request_bytes("GET", origin.url("/1"), "Connection: close")
                + request_bytes("GET", origin.url("/2")))
    assert client.response().status == 200
    assert client.closed_by_peer()
    assert [request.target for request in origin.requests] == ["/1"]


def test_connection_close_of_the_client_does_not_cost_the_pooled_connection(proxy, origin):
    for _ in range(3):
        with Client(proxy.port) as client:
            client.get(origin.url(), "Connection: close")
    assert len(origin.connections) == 1


@pytest.mark.parametrize("host", ["", "Host: elsewhere.test"])
def test_http_1_0_request_gets_a_host_from_its_target(client, origin, host):
    lines = [f"GET {origin.url('/old')} HTTP/1.0"] + ([host] if host else [])
    client.send("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert client.response().body == b"hello"
    assert origin.last.one("Host") == origin.authority
    assert origin.last.start == "GET /old HTTP/1.1"


def test_http_1_0_connection_is_closed_by_default(client, origin):
    client.send(f"GET {origin.url()} HTTP/1.0\r\n\r\n".encode())
    assert client.response().body == b"hello"
    assert client.closed_by_peer()


@pytest.mark.parametrize("name", ["Connection", "Proxy-Connection"])
def test_http_1_0_keep_alive_is_honoured_and_confirmed(client, origin, name):
    for _ in range(3):
        client.send(f"GET {origin.url()} HTTP/1.0\r\n{name}: keep-alive\r\n\r\n".encode())
        answer = client.response()
        assert answer.body == b"hello"
        assert [value.lower() for value in answer.all("Connection")
                + answer.all("Proxy-Connection")][:1] == ["keep-alive"]


def test_http_1_0_client_gets_chunked_answers_unchunked_and_closed(client, origin):
    origin.answer = response(chunked(b"one ", b"two", trailers=["X-T: 1"]), "Transfer-Encoding: chunked",
                             length=False)
    client.send(f"GET {origin.url()} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode())
    answer = client.response()
    assert not answer.has("Transfer-Encoding")
    assert (answer.framing, answer.body) == ("close", b"one two")


def test_http_1_0_client_never_sees_an_interim_answer(client, origin):
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    origin.answer = interim + response(b"final")
    client.send(f"GET {origin.url()} HTTP/1.0\r\n\r\n".encode())
    answer = client.response()
    assert (answer.interim, answer.body) == ([], b"final")


def test_http_1_0_post_body_reaches_the_origin(client, origin):
    client.send(f"POST {origin.url()} HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody".encode())
    assert client.response().status == 200
    assert origin.last.body == b"body"


def test_http_1_0_origin_is_understood(client, origin):
    origin.script = lambda conn: (conn.read_request(),
                                  conn.send(b"HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\nold body"))
    answer = client.get(origin.url())
    assert (answer.status, answer.body, answer.one("X-Old")) == (200, b"old body", "1")
    assert answer.version == "HTTP/1.1"
    assert answer.framing == "chunked"


def test_http_1_0_origin_with_keep_alive_is_reused_only_when_it_said_so(client):
    def plain(request):
        return response(b"1").replace(b"HTTP/1.1", b"HTTP/1.0")

    def keeping(request):
        return response(b"1", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    with Origin(plain) as one, Origin(keeping) as two:
        for _ in range(3):
            assert client.get(one.url()).body == b"1"
            assert client.get(two.url()).body == b"1"
        assert (len(one.connections), len(two.connections)) == (3, 1)


def test_half_closed_client_still_gets_its_answer(client, origin):
    client.request("GET", origin.url("/half"))
    client.half_close()
    assert client.response().body == b"hello"
    assert client.closed_by_peer()


def test_half_closed_client_still_gets_all_pipelined_answers(client, origin):
    origin.answer = echo_target
    client.send(b"".join(request_bytes("GET", origin.url(f"/{n}")) for n in range(5)))
    client.half_close()
    assert [client.response().body for _ in range(5)] == [b"/%d" % n for n in range(5)]
    assert client.closed_by_peer()


def test_client_that_leaves_is_noticed_at_the_origin(proxy, origin):
    origin.script = lambda conn: (conn.read_request(),
                                  conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
                                  conn.read_request())
    with Client(proxy.port) as client:
        client.request("GET", origin.url())
        assert b"200" in client.read_head()
        client.reset()
    assert wait_until(lambda: origin.connections[0].closed.is_set())


def test_one_empty_line_before_a_request_is_forgiven(client, origin):
    client.send(b"\r\n" + request_bytes("GET", origin.url()))
    assert client.response().status == 200


def test_idle_client_is_closed_after_its_timeout(origin):
    with Freshet(timeout_client_idle="1s") as proxy, proxy.client() as client:
        assert client.get(origin.url()).status == 200
        assert client.silent_for(0.3)
        assert client.closed_by_peer()


def test_slow_request_head_is_closed_after_its_timeout():
    with Freshet(timeout_client_head="1s") as proxy, proxy.client() as client:
        client.send(b"GET http://a.test/ HTTP/1.1\r\nX-Slow:")
        rest = client.read_to_end()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


def test_ipv6_literal_origin_is_reached(client, loopbacks):
    for host in loopbacks:
        with Origin(host=host) as origin:
            assert client.get(origin.url()).body == b"hello"
            assert origin.last.one("Host") == origin.authority


def test_listener_on_ipv6_serves_clients(loopbacks):
    for host in loopbacks:
        listen = f'{{"[{host}]:0"}}' if ":" in host else f'{{"{host}:0"}}'
        with Origin(host=host) as origin, Freshet(listen=listen, host=host) as proxy, proxy.client() as client:
            assert client.get(origin.url()).body == b"hello"
