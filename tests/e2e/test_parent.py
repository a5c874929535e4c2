"""Routes through a parent proxy: absolute-form and CONNECT over HTTP, SOCKS5, and the exceptions."""
import base64

import pytest

from harness import Client, Freshet, Origin, response


def through(parent, scheme="http", credentials="", **options):
    """A freshet that passes everything on to the given parent."""
    return Freshet(parent=f'"{scheme}://{credentials}127.0.0.1:{parent.port}"', **options)


def relayed(request):
    return response(b"by the parent")


def test_plain_request_goes_to_the_parent_in_absolute_form(origin):
    with Origin(relayed) as parent, through(parent) as proxy, proxy.client() as client:
        assert client.get(origin.url("/far?x=1")).body == b"by the parent"
        assert parent.last.start == f"GET {origin.url('/far?x=1')} HTTP/1.1"
        assert parent.last.one("Host") == origin.authority
    assert origin.requests == []


def test_request_through_the_parent_is_busted_all_the_same(origin):
    with Origin(relayed) as parent, through(parent) as proxy, proxy.client() as client:
        client.get(origin.url(), 'If-None-Match: "v"')
        assert parent.last.one("Cache-Control") == "no-cache, no-store, must-revalidate"
        assert not parent.last.has("If-None-Match")


def test_credentials_of_the_parent_are_sent_to_it_alone(origin):
    with Origin(relayed) as parent, through(parent, credentials="user:p%40ss@") as proxy, proxy.client() as client:
        client.get(origin.url(), "Proxy-Authorization: Basic from-the-client")
        assert parent.last.all("Proxy-Authorization") == ["Basic " + base64.b64encode(b"user:p@ss").decode()]


def test_connections_to_the_parent_are_pooled_for_all_origins():
    with Origin(relayed) as parent, through(parent) as proxy, proxy.client() as client:
        for number in range(5):
            assert client.get(f"http://host{number}.invalid/").body == b"by the parent"
        assert len(parent.connections) == 1


def test_tunnel_through_a_parent(origin):
    with Freshet() as parent, through(parent) as proxy, proxy.client() as client:
        assert client.connect_to(origin.authority).status == 200
        client.send(f"GET / HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
        assert client.response().body == b"hello"
        client.close()
        assert parent.record(origin.authority)["http.request.method"] == "CONNECT"


def test_chain_of_two_proxies_works_end_to_end(origin):
    with Freshet() as parent, through(parent) as proxy, proxy.client() as client:
        answer = client.get(origin.url("/chained"))
        assert (answer.status, answer.body) == (200, b"hello")
        assert len(",".join(origin.last.all("Via")).split(",")) == 2


def test_parent_that_refuses_a_tunnel_is_reported():
    refusal = response(b"no", status="403 Forbidden")
    with Origin(script=lambda conn: (conn.read_request(), conn.send(refusal))) as parent:
        with through(parent) as proxy, proxy.client() as client:
            assert client.connect_to("far.invalid:443").status in (403, 502)


def test_dead_parent_is_a_bad_gateway(origin):
    with Origin() as gone:
        pass
    with through(gone) as proxy, proxy.client() as client:
        answer = client.get(origin.url())
        assert (answer.status, "connection_refused" in answer.one("Proxy-Status")) == (502, True)
    assert origin.requests == []


@pytest.mark.parametrize("exception", ["127.0.0.1", "localhost, 127.0.0.1"])
def test_hosts_on_the_no_parent_list_are_reached_directly(origin, exception):
    entries = ", ".join(f'"{entry.strip()}"' for entry in exception.split(","))
    with Origin(relayed) as parent:
        with through(parent, no_parent=f"{{{entries}}}") as proxy, proxy.client() as client:
            assert client.get(origin.url()).body == b"hello"
            assert client.get("http://elsewhere.invalid/").body == b"by the parent"


def socks(conn, reply=0):
    """A SOCKS5 server without authentication that then behaves like an origin."""
    assert conn.source.exactly(3) == b"\x05\x01\x00"
    conn.send(b"\x05\x00")
    head = conn.source.exactly(5)
    assert head[:4] == b"\x05\x01\x00\x03"
    conn.asked_for = conn.source.exactly(head[4] + 2)
    conn.send(b"\x05" + bytes([reply]) + b"\x00\x01\x7f\x00\x00\x01\x00\x50")
    while reply == 0 and conn.read_request() is not None:
        conn.send(response(b"by socks"))


def test_socks_parent_is_given_the_name_and_the_origin_form():
    with Origin(script=socks) as parent, through(parent, "socks5") as proxy, proxy.client() as client:
        assert client.get("http://far.invalid:8080/path").body == b"by socks"
        assert parent.connections[0].asked_for == b"far.invalid" + (8080).to_bytes(2, "big")
        assert (parent.last.target, parent.last.one("Host")) == ("/path", "far.invalid:8080")


def test_socks_parent_that_refuses_is_a_bad_gateway():
    with Origin(script=lambda conn: socks(conn, reply=5)) as parent:
        with through(parent, "socks5") as proxy, Client(proxy.port) as client:
            assert client.get("http://far.invalid/").status == 502
