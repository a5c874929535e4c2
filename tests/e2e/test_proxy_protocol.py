"""PROXY protocol: whose connection it is, told by a load balancer that is trusted, and by nobody else."""
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import pytest

from harness import Client, Freshet
from harness.client import request_bytes
from harness.origin import wait_until
from harness.ports import free_port
from harness.proxy import run_freshet

V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 8080\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source, port=4711, command=0x21, vectors=b""):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) * 2 + struct.pack("!HH", port, 8080) + vectors
    return SIGNATURE + struct.pack("!BBH", command, 0x21 if ":" in source else 0x11, len(ends)) + ends


LISTEN = {"listen": '{"127.0.0.1:0"}', "proxy-protocol": '{"127.0.0.1:0"}'}
EVERYBODY = '{"127.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"}'


class Balanced(Freshet):
    """freshet whose only address wants a header."""

    def __init__(self, config="", **options):
        options = {"allow": EVERYBODY, "deny-destinations": "{}", "proxy-protocol-from": '{"127.0.0.1"}', **LISTEN, **options}
        super().__init__(config, **options)


@pytest.fixture(scope="module")
def proxy():
    with Balanced() as running:
        yield running


def client_of(proxy, url):
    record = proxy.record(url)
    return record["client.address"], record["client.port"]


HEADERS = {
    "v1-tcp4": (V1, ("192.0.2.7", 4711)),
    "v1-tcp6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 8080\r\n", ("2001:db8::7", 4711)),
    "v2-inet": (v2("192.0.2.7"), ("192.0.2.7", 4711)),
    "v2-inet6": (v2("2001:db8::7"), ("2001:db8::7", 4711)),
    "v2-vectors": (v2("192.0.2.7", vectors=b"\x02\0\x0bexample.org\x04\x03\xe8" + bytes(1000)), ("192.0.2.7", 4711)),
}


@pytest.mark.parametrize("header, expected", HEADERS.values(), ids=HEADERS)
def test_client_is_who_the_header_says(proxy, client, origin, header, expected):
    client.send(header + request_bytes("GET", origin.url("/whose")))
    assert client.response().body == b"hello"
    assert client.get(origin.url("/whose-still")).status == 200
    assert client_of(proxy, origin.url("/whose-still")) == expected


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2("192.0.2.7", command=0x20), SIGNATURE + b"\x21\0\0\0"],
                         ids=["v1-unknown", "v2-local", "v2-unspecified"])
def test_balancer_itself_is_the_client_where_the_header_names_none(proxy, client, origin, header):
    client.send(header + request_bytes("GET", origin.url("/own")))
    assert client.response().status == 200
    assert client_of(proxy, origin.url("/own")) == client.sock.getsockname()


@pytest.mark.parametrize("header", [V1, v2("192.0.2.7", vectors=b"\4\0\5hello")], ids=["v1", "v2"])
def test_header_may_arrive_split_at_any_byte(proxy, origin, header):
    request = request_bytes("GET", origin.url("/split"))
    for at in range(1, len(header) + 2):
        with Client(proxy.port) as client:
            client.send_in_two(header + request, at)
            assert client.response().body == b"hello"
    assert client_of(proxy, origin.url("/split"))[0] == "192.0.2.7"


def test_header_byte_by_byte_is_read(proxy, client, origin):
    for byte in V1 + request_bytes("GET", origin.url("/bytes")):
        client.send(bytes([byte]))
    assert client.response().body == b"hello"


@pytest.mark.parametrize("beginning", [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01",
                                       b"PROXY TCP4 localhost 192.0.2.1 1 2\r\n", V1[:-2] + b"\n",
                                       SIGNATURE + b"\x31\x11\0\x0c" + bytes(12), b"PROXY " + b"x" * 200],
                         ids=["none", "tls", "name", "lf", "version-3", "long"])
def test_connection_without_a_proper_header_is_closed_unanswered(proxy, client, origin, beginning):
    client.send(beginning)
    assert client.closed_by_peer()
    assert "PROXY protocol header: " in proxy.stderr()
    with Client(proxy.port) as other:
        other.send(V1 + request_bytes("GET", origin.url()))
        assert other.response().status == 200


def test_second_header_is_a_bad_request(client, origin):
    client.send(V1 + V1 + request_bytes("GET", origin.url()))
    assert client.response().status == 400
    assert origin.requests == []


def test_header_that_does_not_come_in_time_ends_the_connection():
    with Balanced(timeout_client_head="200ms") as proxy, Client(proxy.port) as client:
        client.send(V1[:10])
        started = time.monotonic()
        assert client.closed_by_peer()
        assert time.monotonic() - started < 2
        assert "did not arrive within timeout-client-head" in proxy.stderr()


def test_sender_that_is_not_trusted_is_closed_at_once_and_logged_once():
    with Balanced(proxy_protocol_from='{"127.0.0.9"}') as proxy:
        for _ in range(20):
            with Client(proxy.port) as client:
                assert client.closed_by_peer()
        assert wait_until(lambda: "is not in proxy-protocol-from" in proxy.stderr())
        assert proxy.stderr().count("is not in proxy-protocol-from") == 1


def test_allow_and_deny_judge_the_client_in_the_header(origin):
    with Balanced(allow='{"192.0.2.0/24"}', deny='{"192.0.2.66"}') as proxy:
        for source, status in (("192.0.2.7", 200), ("192.0.2.66", 403), ("198.51.100.1", 403)):
            with Client(proxy.port) as client:
                client.send(v2(source) + request_bytes("GET", origin.url()))
                assert client.response().status == status
        with Client(proxy.port) as client:  # the load balancer's own address is not in allow
            client.send(b"PROXY UNKNOWN\r\n" + request_bytes("GET", origin.url()))
            assert client.response().status == 403


def test_ipv4_inside_ipv6_is_denied_as_ipv4(origin):
    with Balanced(deny='{"192.0.2.66"}') as proxy, Client(proxy.port) as client:
        client.send(v2("::ffff:192.0.2.66") + request_bytes("GET", origin.url()))
        assert client.response().status == 403


def test_site_section_for_a_client_network_matches_the_client_in_the_header(origin):
    site = 'site "*" {\n client = {"192.0.2.7"}\n mode = off\n}\n'
    with Balanced(site) as proxy:
        for source, mode in (("192.0.2.7", "off"), ("192.0.2.8", "bust")):
            with Client(proxy.port) as client:
                client.send(v2(source) + request_bytes("GET", origin.url("/" + source)))
                assert client.response().status == 200
            assert proxy.record(origin.url("/" + source))["freshet.mode"] == mode


def test_cap_of_connections_counts_the_client_in_the_header(origin):
    with Balanced(max_clients_per_address="2") as proxy:
        clients = [Client(proxy.port) for _ in range(6)]
        for number, client in enumerate(clients):
            client.send(v2(f"192.0.2.{10 + number % 3}") + request_bytes("GET", origin.url()))
            assert client.response().status == 200
        with Client(proxy.port) as third:
            third.send(v2("192.0.2.10") + request_bytes("GET", origin.url()))
            assert third.response().status in (429, 503)
        for client in clients:
            client.close()


def test_other_addresses_want_no_header(origin):
    plain, balanced = free_port(), free_port()
    options = {"listen": f'{{"127.0.0.1:{plain}", "127.0.0.1:{balanced}"}}',
               "proxy-protocol": f'{{"127.0.0.1:{balanced}"}}'}
    with Freshet(**options, **{"proxy-protocol-from": '{"127.0.0.1"}'}) as proxy, Client(plain) as client:
        assert client.get(origin.url()).status == 200
        with Client(plain) as pretender:
            pretender.send(V1 + request_bytes("GET", origin.url()))
            assert pretender.response().status == 400
        with Client(balanced) as other:
            other.send(b"PROXY TCP4 127.0.0.5 127.0.0.1 1 2\r\n" + request_bytes("GET", origin.url("/5")))
            assert other.response().status == 200
        assert client_of(proxy, origin.url("/5")) == ("127.0.0.5", 1)


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_haproxy_passes_its_clients_on(proxy, origin, version):
    port = free_port()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="freshet-haproxy-"))
    (folder / "haproxy.cfg").write_text(f"""
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen front
    bind 127.0.0.1:{port}
    server freshet 127.0.0.1:{proxy.port} {version}
""")
    haproxy = subprocess.Popen([shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "-db", "-f",
                                str(folder / "haproxy.cfg")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = wait_until(lambda: connected(port))
        with client:
            assert client.get(origin.url("/" + version)).body == b"hello"
            assert client_of(proxy, origin.url("/" + version)) == client.sock.getsockname()
    finally:
        haproxy.terminate()
        haproxy.wait(5)
        shutil.rmtree(folder)


def connected(port):
    try:
        return Client(port)
    except OSError:
        return None


def test_curl_with_its_own_header_is_served(proxy, origin):
    said = subprocess.run(["curl", "-sS", "--haproxy-protocol", "-H", "Host: 127.0.0.1",
                           f"http://127.0.0.1:{proxy.port}/-/healthy"], capture_output=True, text=True, timeout=10,
                          check=True)
    assert said.stdout == "healthy\n"


@pytest.mark.parametrize("options, complaint", [
    ('proxy-protocol = {"127.0.0.1:81"}\nproxy-protocol-from = {"127.0.0.1"}', 'proxy-protocol: "127.0.0.1:81" is not in'),
    ('proxy-protocol = {"127.0.0.1:8080"}', "say with proxy-protocol-from"),
])
def test_option_that_would_do_nothing_or_trust_anybody_is_an_error(options, complaint):
    said = run_freshet("-t", config=options)
    assert (said.returncode, complaint in said.stderr) == (1, True), said.stderr
