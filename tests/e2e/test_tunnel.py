"""CONNECT tunnels: opaque bytes both ways, early bytes, half-closes, bulk, and what is refused."""
import hashlib
import threading

import pytest

from harness import Client, Freshet, Origin

MIB = 1 << 20


def echo(conn):
    while conn.source.buffer or conn.source.fill():
        conn.send(conn.source.take(len(conn.source.buffer)))


@pytest.fixture
def echo_origin():
    with Origin(script=echo) as listening:
        yield listening


def test_tunnel_carries_bytes_both_ways(client, echo_origin):
    answer = client.connect_to(echo_origin.authority)
    assert (answer.status, answer.has("Content-Length"), answer.has("Transfer-Encoding")) == (200, False, False)
    for message in (b"hello", bytes(range(256)), b"GET / HTTP/1.1\r\n\r\n"):
        client.send(message)
        assert client.read_exactly(len(message)) == message


def test_bytes_right_behind_the_connect_head_are_not_lost(client, echo_origin):
    client.send(f"CONNECT {echo_origin.authority} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + b"\x16\x03\x01early")
    assert client.response("CONNECT").status == 200
    assert client.read_exactly(8) == b"\x16\x03\x01early"


def test_origin_that_speaks_first_is_heard(client):
    with Origin(script=lambda conn: conn.send(b"220 mail\r\n")) as origin:
        assert client.connect_to(origin.authority).status == 200
        assert client.read_to_end() == b"220 mail\r\n"


def test_nothing_of_the_connect_head_reaches_the_origin(client, echo_origin):
    client.send(f"CONNECT {echo_origin.authority} HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n".encode())
    client.response("CONNECT")
    client.send(b"only this")
    assert client.read_exactly(9) == b"only this"
    assert echo_origin.connections[0].received == b"only this"


@pytest.mark.parametrize("version, host",
                         [("1.0", ""), ("1.1", "Host: elsewhere.test\r\n"), ("1.0", "User-Agent: old\r\n")])
def test_connect_target_alone_decides_where_to(client, echo_origin, version, host):
    client.send(f"CONNECT {echo_origin.authority} HTTP/{version}\r\n{host}\r\n".encode())
    assert client.response("CONNECT").status == 200
    client.send(b"here")
    assert client.read_exactly(4) == b"here"


def test_half_close_of_the_client_reaches_the_origin(client):
    with Origin(script=lambda conn: conn.send(b"got " + conn.source.rest())) as origin:
        client.connect_to(origin.authority)
        client.send(b"everything")
        client.half_close()
        assert client.read_to_end() == b"got everything"


def test_half_close_of_the_origin_reaches_the_client(client):
    got = []

    def first_close(conn):
        conn.send(b"bye")
        conn.half_close()
        got.append(conn.source.rest())
    with Origin(script=first_close) as origin:
        client.connect_to(origin.authority)
        assert client.read_to_end() == b"bye"
        client.send(b"still here")
        client.half_close()
        assert origin.connections[0].closed.wait(3)
        assert got == [b"still here"]


def test_reset_of_the_origin_ends_the_tunnel(client):
    with Origin(script=lambda conn: (conn.source.exactly(1), conn.reset())) as origin:
        client.connect_to(origin.authority)
        client.send(b"x")
        assert client.closed_by_peer()


def pump(client, size, block=bytes(range(256)) * 256):
    digest = hashlib.sha256()
    for _ in range(size // len(block)):
        client.send(block)
        digest.update(block)
    return digest.hexdigest()


def drain(source, size):
    digest, have = hashlib.sha256(), 0
    while have < size and (source.buffer or source.fill()):
        part = source.take(len(source.buffer))
        digest.update(part)
        have += len(part)
    return have, digest.hexdigest()


@pytest.mark.parametrize("options", [{}, {"workers": "2"}], ids=["one-worker", "two-workers"])
def test_bulk_through_a_tunnel_is_intact_and_costs_no_memory(options):
    size = 64 * MIB
    with Origin(script=echo) as origin, Freshet(**options) as proxy, proxy.client(timeout_s=20) as client:
        client.connect_to(origin.authority)
        client.send(b"warm")
        assert client.read_exactly(4) == b"warm"
        before = proxy.settled_memory_kib()
        sent = []
        sender = threading.Thread(target=lambda: sent.append(pump(client, size)), daemon=True)
        sender.start()
        have, digest = drain(client.source, size)
        during = proxy.memory_kib()
        sender.join(5)
        assert (have, digest) == (size, sent[0])
        assert during - before < 4096


def test_tunnel_is_logged_as_not_busted(proxy, echo_origin):
    with Client(proxy.port) as client:
        client.connect_to(echo_origin.authority)
        client.send(b"twelve bytes")
        client.read_exactly(12)
    record = proxy.record(str(echo_origin.port))
    assert (record["http.request.method"], record["http.response.status_code"]) == ("CONNECT", 200)
    assert record["freshet.busted"] is False
    assert "tunnel" in record["freshet.not_busted_reason"].lower()


def test_port_that_is_not_allowed_is_refused(origin):
    with Freshet(connect_ports="{443, 80}") as proxy, proxy.client() as client:
        answer = client.connect_to(origin.authority)
        assert answer.status == 403
    assert origin.connections == []


def test_port_of_a_range_is_allowed(echo_origin):
    ports = f'{{443, "{echo_origin.port - 1}-{echo_origin.port + 1}"}}'
    with Freshet(connect_ports=ports) as proxy, proxy.client() as client:
        assert client.connect_to(echo_origin.authority).status == 200


def test_port_beside_a_range_is_refused(echo_origin):
    with Freshet(connect_ports=f'{{443, "{echo_origin.port + 1}-65535"}}') as proxy, proxy.client() as client:
        assert client.connect_to(echo_origin.authority).status == 403


def refused(proxy, head):
    with Client(proxy.port) as client:
        client.send(head.encode() + b"\r\n\r\n")
        status = client.response().status
        client.read_to_end()
        return status


@pytest.mark.parametrize("head", [
    "CONNECT example.test HTTP/1.1\r\nHost: example.test", "CONNECT /path HTTP/1.1\r\nHost: a",
    "CONNECT http://example.test:443/ HTTP/1.1\r\nHost: a", "CONNECT user@example.test:443 HTTP/1.1\r\nHost: a",
    "CONNECT example.test:0 HTTP/1.1\r\nHost: a", "CONNECT example.test:65536 HTTP/1.1\r\nHost: a",
    "CONNECT example.test:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 4",
    "CONNECT example.test:443 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked",
    "CONNECT :443 HTTP/1.1\r\nHost: a"])
def test_malformed_connect_is_refused(proxy, head):
    assert refused(proxy, head) == 400


def test_connect_to_a_closed_port_says_refused(proxy):
    with Origin() as gone:
        authority = gone.authority
    with Client(proxy.port) as client:
        answer = client.connect_to(authority)
        assert answer.status == 502
        assert "error=connection_refused" in answer.one("Proxy-Status")


def test_connect_to_an_ipv6_literal_works(client, loopbacks):
    host = loopbacks[-1]
    with Origin(script=echo, host=host) as origin:
        assert client.connect_to(origin.authority).status == 200
        client.send(b"six")
        assert client.read_exactly(3) == b"six"


def test_idle_tunnel_is_closed_after_its_timeout(echo_origin):
    with Freshet(timeout_tunnel="1s") as proxy, proxy.client() as client:
        client.connect_to(echo_origin.authority)
        assert client.silent_for(0.3)
        assert client.closed_by_peer()
