"""Where clients may be taken: deny-destinations, its exceptions, and whom they bind.

A client from 127.0.0.9 stands for one of another machine: local-clients leaves it out.
"""
import pytest

from harness import DnsServer, Freshet, Origin
from harness.dns import Name

FAR = "127.0.0.9"


def guarded(**options):
    return Freshet(**{"local_clients": '{"127.0.0.1"}', **options})


def assert_prohibited(answer):
    assert answer.status == 403
    assert "error=destination_ip_prohibited" in answer.one("Proxy-Status")


@pytest.fixture(scope="module")
def far_proxy():
    names = {
        "inner.test": Name(a=("127.0.0.1",)),
        "metadata.test": Name(a=("169.254.169.254",)),
        "mapped.test": Name(aaaa=("::ffff:127.0.0.1",)),
        "nat64.test": Name(aaaa=("64:ff9b::7f00:1",)),
        "six-to-four.test": Name(aaaa=("2002:7f00:1::",)),
        "compatible.test": Name(aaaa=("::7f00:1",)),
        "unspecified.test": Name(a=("0.0.0.0",)),
        "link-local.test": Name(aaaa=("fe80::1",)),
    }
    with DnsServer(names) as dns, guarded(resolver=dns.option) as proxy:
        yield proxy


@pytest.mark.parametrize("host", [
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "0.0.0.0", "0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::7f00:1]", "localhost",
    "LOCALHOST.", "app.localhost", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200",
    "inner.test", "metadata.test", "mapped.test", "nat64.test", "six-to-four.test", "compatible.test",
    "unspecified.test", "link-local.test",
])
def test_far_client_reaches_no_service_of_this_machine_or_its_cloud(far_proxy, origin, host):
    authority = f"{host}:{origin.port}"
    with far_proxy.client(source=FAR) as client:
        assert_prohibited(client.get(f"http://{authority}/"))
    with far_proxy.client(source=FAR) as client:
        assert_prohibited(client.connect_to(authority))
    assert not origin.connections


def test_denied_destination_is_logged_with_the_address_and_the_reason(far_proxy, origin):
    with far_proxy.client(source=FAR) as client:
        client.get(f"http://inner.test:{origin.port}/logged")
    record = far_proxy.record("/logged")
    assert record["freshet.origin.address"] == f"127.0.0.1:{origin.port}"
    assert record["freshet.proxy_error"] == "destination_ip_prohibited"
    assert "deny-destinations" in record["freshet.error"]


def test_answer_about_a_denied_name_does_not_tell_its_address(far_proxy, origin):
    with far_proxy.client(source=FAR) as client:
        answer = client.get(f"http://inner.test:{origin.port}/")
    assert b"127.0.0.1" not in answer.head + answer.body


def test_local_client_is_not_bound(far_proxy, origin):
    with far_proxy.client() as client:
        assert client.get(origin.url()).body == b"hello"
        assert client.get(f"http://inner.test:{origin.port}/").body == b"hello"


def test_pooled_connection_of_a_local_client_is_not_lent_to_a_far_one(far_proxy, origin):
    url = f"http://inner.test:{origin.port}/"
    with far_proxy.client() as local, far_proxy.client(source=FAR) as far:
        assert local.get(url).status == 200
        assert_prohibited(far.get(url))
        assert local.get(url).status == 200
    assert (len(origin.connections), len(origin.requests)) == (1, 2)


def test_denied_address_among_others_of_a_name_is_left_out():
    with Origin() as inner, DnsServer({"both.test": Name(a=("127.0.0.1", "127.0.0.2"))}) as dns:
        with guarded(resolver=dns.option, allow_destinations='{"127.0.0.2"}') as proxy:
            with proxy.client(source=FAR) as client:
                answer = client.get(f"http://both.test:{inner.port}/")
    assert (answer.status, "connection_refused" in answer.one("Proxy-Status")) == (502, True)
    assert not inner.connections


def test_name_that_changes_its_address_does_not_get_round_the_list(origin):
    with Origin(host="127.0.0.2") as outer, DnsServer({"turning.test": Name(a=("127.0.0.2",), ttl=0)}) as dns:
        with guarded(resolver=dns.option, allow_destinations='{"127.0.0.2"}', pool_idle="0") as proxy:
            with proxy.client(source=FAR) as client:
                assert client.get(f"http://turning.test:{outer.port}/").status == 200
                dns.names["turning.test"] = Name(a=("127.0.0.1",), ttl=0)
                proxy.reload()  # drops what was looked up, whatever its time to live
                assert_prohibited(client.get(f"http://turning.test:{origin.port}/"))
                assert_prohibited(client.get(f"http://turning.test:{outer.port}/"))
    assert not origin.connections


def test_exceptions_by_network_and_by_name(origin):
    with guarded(allow_destinations='{"127.0.0.1", "*.open.test"}',
                 deny_destinations='{"127.0.0.0/8", "*.test", "203.0.113.0/24"}') as proxy:
        with proxy.client(source=FAR) as client:
            assert client.get(origin.url()).status == 200
            assert_prohibited(client.get("http://127.0.0.2:1/"))
            assert_prohibited(client.get("http://www.test:1/"))
            assert_prohibited(client.get("http://203.0.113.7:1/"))


def test_empty_list_lets_far_clients_through(origin):
    with guarded(deny_destinations="{}") as proxy, proxy.client(source=FAR) as client:
        assert client.get(origin.url()).status == 200


def test_reload_closes_pooled_connections_to_what_it_denies(origin):
    with DnsServer({"inner.test": Name(a=("127.0.0.1",))}) as dns:
        with guarded(resolver=dns.option, deny_destinations="{}") as proxy, proxy.client(source=FAR) as client:
            url = f"http://inner.test:{origin.port}/"
            assert client.get(url).status == 200
            proxy.reload(deny_destinations='{"127.0.0.0/8"}', resolver=dns.option)
            assert_prohibited(client.get(url))
    assert len(origin.requests) == 1


def test_reload_judges_clients_that_are_connected_anew(origin):
    with guarded() as proxy, proxy.client(source=FAR) as client:
        assert_prohibited(client.get(origin.url()))
        proxy.reload(local_clients=f'{{"{FAR}"}}')
        assert client.get(origin.url()).status == 200
        proxy.reload(deny=f'{{"{FAR}"}}')
        answer = client.get(origin.url())
        assert (answer.status, answer.one("Connection")) == (403, "close")
        assert "http_request_denied" in answer.one("Proxy-Status")


def test_literals_and_names_are_denied_in_front_of_a_parent_too(origin):
    with Origin() as parent, guarded(parent=f'"http://127.0.0.1:{parent.port}"') as proxy:
        with proxy.client(source=FAR) as client:
            assert_prohibited(client.get(origin.url()))
            assert_prohibited(client.get("http://169.254.169.254/latest/meta-data/"))
            assert_prohibited(client.get(f"http://0x7f.1:{origin.port}/"))
            assert_prohibited(client.get(f"http://localhost:{origin.port}/"))
            assert not parent.connections
            assert client.get("http://somewhere.test/").status == 200
        assert parent.last.start == "GET http://somewhere.test/ HTTP/1.1"


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.*", "[::1]", "example.org/path"])
def test_entry_that_would_not_do_what_it_seems_to_is_refused_by_name(entry):
    with pytest.raises(AssertionError, match="deny-destinations"):
        with guarded(deny_destinations=f'{{"{entry}"}}'):
            pass
