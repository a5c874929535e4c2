"""freshet never calls itself, under no spelling of its address."""
import socket

import pytest

from harness import DnsServer, Freshet
from harness.dns import Name
from harness.origin import wait_until
from harness.ports import free_port

SPELLINGS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.1", "127.0.0.1.", "0.0.0.0", "0", "[::]",
    "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "localhost", "LocalHost", "loop.test", "any.test", "mapped.test",
]
NAMES = {
    "localhost": Name(a=("127.0.0.1",)),
    "loop.test": Name(a=("127.0.0.1",)),
    "any.test": Name(a=("0.0.0.0",)),
    "mapped.test": Name(aaaa=("::ffff:127.0.0.1",)),
}


def assert_no_loop(proxy, host):
    """A plain request gets the proxy's own answer or a refusal, a tunnel is not made; nothing comes round."""
    authority = f"{host}:{proxy.port}"
    with proxy.client() as client:
        answer = client.get(f"http://{authority}/round/{host}")
        refused = answer.status == 502 and host.lower() == "localhost"  # by ::1, where that is another name of it
        assert answer.status in (404, 508) or refused, answer.head
        assert answer.status == 404 or refused or "proxy_loop_detected" in answer.one("Proxy-Status")
    with proxy.client() as client:
        status = client.connect_to(authority).status
        assert status in (502, 504, 508), f"{authority}: {status}"
    urls = (f"http://{authority}/round/{host}", authority)
    def seen():
        return sum(record["url.original"] in urls for record in proxy.read_records())
    assert wait_until(lambda: seen() >= 2)
    assert seen() == 2


def own_addresses():
    """Addresses of this machine other than 127.0.0.1, those of its interfaces first if it has any."""
    found = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.connect((far, 9))  # sends nothing
                found.append(sock.getsockname()[0])
            except OSError:
                pass
    return [address for address in found if not address.startswith("fe80")] + ["127.0.0.5"]


@pytest.fixture(scope="module")
def dns():
    with DnsServer(NAMES) as running:
        yield running


@pytest.fixture(scope="module")
def on_loopback(dns):
    with Freshet(resolver=dns.option) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def everywhere(dns):
    """Listens on every address; serves every own one."""
    with Freshet(listen='{"0.0.0.0:0"}', allow_any_client="yes", resolver=dns.option) as proxy:
        yield proxy


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_the_own_address_loops(on_loopback, host):
    assert_no_loop(on_loopback, host)


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_loops_on_a_wildcard_listener(everywhere, host):
    assert_no_loop(everywhere, host)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost"])
def test_no_spelling_that_the_c_library_understands_loops(host):
    with Freshet(resolver='"system"') as proxy:
        assert_no_loop(proxy, host)


def test_own_interfaces_are_known_to_a_wildcard_listener(everywhere):
    for address in own_addresses():
        assert_no_loop(everywhere, f"[{address}]" if ":" in address else address)


def test_name_of_an_own_interface_does_not_loop(dns, everywhere):
    for number, address in enumerate(own_addresses()):
        kind = {"aaaa": (address,)} if ":" in address else {"a": (address,)}
        dns.names[f"interface{number}.test"] = Name(**kind)
        assert_no_loop(everywhere, f"interface{number}.test")


def test_other_port_of_the_own_machine_is_no_loop(everywhere, origin):
    with everywhere.client() as client:
        assert client.get(origin.url()).status == 200


def test_listener_added_by_a_reload_does_not_loop_either():
    with Freshet() as proxy, proxy.client() as client:
        port = free_port()
        said = proxy.reload(listen=f'{{"127.0.0.1:0", "127.0.0.1:{port}"}}')
        assert "reloaded" in said
        assert client.connect_to(f"127.0.0.1:{port}").status == 508
