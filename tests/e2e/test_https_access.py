"""Who may do what, inside of intercepted tunnels as outside of them."""
import base64
import threading

import pytest

from harness import Client, DnsServer, response
from harness.dns import Name
from harness.origin import wait_until
from harness.tls import Interceptor, TlsOrigin

HASH = "$2b$04$pV8zPk1NZV4OyJAyqutw5en/rw2NZkBB0ve9cFjE0SYGDqMfBeqDu"  # of "open sesame"
LOGIN = "Proxy-Authorization: Basic " + base64.b64encode(b"Aladdin:open sesame").decode()


@pytest.fixture(name="origin")
def tls_origin(pki):
    with TlsOrigin(pki.good) as listening:
        yield listening


def inside(client, proxy, authority):
    """TLS on a connection whose CONNECT was answered."""
    client.sock = proxy.context().wrap_socket(client.sock, server_hostname="localhost")
    client.source.sock = client.sock
    client.send(f"GET /inside HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    return client.response()


def test_password_is_asked_for_the_tunnel_and_not_inside_of_it(pki, origin, tmp_path):
    users = tmp_path / "users"
    users.write_text(f"Aladdin:{HASH}\n")
    users.chmod(0o600)
    with Interceptor(pki, proxy_users=f'"{users}"') as proxy, proxy.client() as client:
        assert client.connect_to(origin.authority).status == 407
        client.send(f"CONNECT {origin.authority} HTTP/1.1\r\nHost: {origin.authority}\r\n{LOGIN}\r\n\r\n".encode())
        assert client.response("CONNECT").status == 200
        assert inside(client, proxy, origin.authority).body == b"hello"
        assert not origin.last.has("Proxy-Authorization")
        assert proxy.record("/inside")["user.name"] == "Aladdin"


def test_address_that_a_balancer_tells_counts_inside_of_the_tunnel(pki, origin):
    listen = {"listen": '{"127.0.0.1:0"}', "proxy_protocol": '{"127.0.0.1:0"}', "proxy_protocol_from": '{"127.0.0.1"}',
              "allow": '{"127.0.0.0/8", "192.0.2.0/24"}', "deny_destinations": "{}"}
    with Interceptor(pki, **listen) as proxy, Client(proxy.port) as client:
        client.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 8080\r\n")
        assert client.connect_to(origin.authority).status == 200
        assert inside(client, proxy, origin.authority).body == b"hello"
        assert proxy.record("/inside")["client.address"] == "192.0.2.7"


def test_requests_inside_of_tunnels_count_for_the_clients_address(pki):
    go = threading.Event()

    def answer(_):
        go.wait(5)
        return response(b"late")
    limits = {"max_requests_per_address": 1, "limit_exempt": "{}"}
    with Interceptor(pki, **limits) as proxy, TlsOrigin(pki.good, answer) as origin:
        with proxy.secure(origin) as first, proxy.secure(origin) as second:
            first.request("GET", "/1")
            assert origin.wait_for_requests(1)
            assert second.get("/2").status == 429
            go.set()
            assert first.response().body == b"late"
            assert second.get("/3").body == b"late"


def tunnel_status(proxy, origin):
    with proxy.client() as client:
        return client.connect_to(origin.authority).status


def test_tunnels_count_once_as_connections_of_their_address(pki, origin):
    with Interceptor(pki, max_clients_per_address=2, limit_exempt="{}") as proxy:
        with proxy.secure(origin) as first, proxy.secure(origin) as second:
            assert first.get("/").status == second.get("/").status == 200
            assert tunnel_status(proxy, origin) == 429
        assert wait_until(lambda: tunnel_status(proxy, origin) == 200)


def test_denied_destinations_are_denied_to_tunnels_and_inside(pki, origin):
    """By its number at once; by a name, when it turns out where that leads, as a page inside of TLS."""
    far = {"source": "127.0.0.9"}
    with DnsServer({"inner.test": Name(a=("127.0.0.1",))}) as dns:
        with Interceptor(pki, local_clients='{"127.0.0.1"}', resolver=dns.option) as proxy:
            with proxy.client(**far) as client:
                assert client.connect_to(f"127.0.0.1:{origin.port}").status == 403
                assert client.get(f"https://inner.test:{origin.port}/").status == 403
            with proxy.secure(f"inner.test:{origin.port}", **far) as client:
                answer = client.get("/")
    assert (answer.status, "destination_ip_prohibited" in answer.one("Proxy-Status")) == (403, True)
    assert not origin.connections


def test_port_that_connect_ports_does_not_name_is_refused(pki, origin):
    with Interceptor(pki, connect_ports='{"443"}') as proxy, proxy.client() as client:
        assert client.connect_to(origin.authority).status == 403


def test_tls_inside_of_tls_is_answered(pki, origin):
    with Interceptor(pki) as proxy, proxy.secure(origin) as client:
        client.send(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(160))
        assert client.response().status == 400


def test_name_with_many_labels_is_certified(pki):
    name = ".".join(["label" * 10] * 4) + ".test"
    with TlsOrigin(pki.root.issue("long", san=f"DNS:{name}"), name="127.0.0.1") as origin, Interceptor(pki) as proxy:
        with proxy.secure(origin, server_name=name) as client:
            assert ("DNS", name) in client.sock.getpeercert()["subjectAltName"]
            assert client.get("/", f"Host: {name}:{origin.port}").body == b"hello"
