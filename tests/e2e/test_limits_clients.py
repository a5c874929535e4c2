"""What one client address may have of the proxy: connections and requests in flight, all workers together."""
import threading

import pytest

from harness import Freshet, Origin, response
from harness.attack import Attackers, assert_peak, warm_up
from harness.client import request_bytes
from harness.origin import wait_until

NOBODY_EXEMPT = "{}"
CROWD, OTHER = "127.0.0.7", "127.0.0.9"  # not the address from which the harness looks whether the proxy is up


def warnings(proxy, option):
    return [line for line in proxy.stderr().splitlines() if option in line and " warn " in line]


def answered(client):
    """What a client is told that sends nothing, once the proxy closed the connection."""
    answer = client.response()
    assert client.closed_by_peer()
    return answer


def assert_refused(answer, option):
    assert answer.status == 429
    assert answer.one("Proxy-Status").startswith("freshet; error=http_request_denied; details=")
    assert option in answer.one("Proxy-Status")
    assert int(answer.one("Retry-After")) >= 1
    assert b"your address" in answer.body


class Hold:
    """An origin that answers /held only once let go, everything else at once."""

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, request):
        if request.target.startswith("/held"):
            self.go.wait(8)
        return response(b"hello")


@pytest.fixture
def holding():
    hold = Hold()
    with Origin(hold) as listening:
        listening.go = hold.go
        yield listening
        hold.go.set()


def test_connection_beyond_the_limit_is_told_so_while_the_others_are_served(origin):
    with Freshet(max_clients_per_address=3, limit_exempt=NOBODY_EXEMPT) as proxy:
        held = [proxy.client(source=CROWD) for _ in range(3)]
        for client in held:
            assert client.get(origin.url()).status == 200
        with proxy.client(source=CROWD) as refused:
            assert_refused(answered(refused), "max-clients-per-address")
        with proxy.client(source=OTHER) as other:
            assert other.get(origin.url("/other")).body == b"hello"
        assert held[0].get(origin.url("/held")).body == b"hello"
        assert [record["http.response.status_code"] for record in proxy.records(6)].count(429) == 1
        for client in held:
            client.close()


def test_request_on_a_refused_connection_gets_the_answer_and_no_reset(origin):
    with Freshet(max_clients_per_address=1, limit_exempt=NOBODY_EXEMPT) as proxy:
        with proxy.client(source=CROWD) as held:
            assert held.get(origin.url()).status == 200
            for _ in range(20):
                with proxy.client(source=CROWD) as refused:
                    refused.request("GET", origin.url("/never"), "X-Long: " + "x" * 3000)
                    assert refused.response().status == 429
                    assert refused.source.rest() == b"", "an orderly end, not a reset"
    assert len(origin.requests) == 1


def test_place_of_a_closed_connection_is_free_again(origin):
    with Freshet(max_clients_per_address=2, limit_exempt=NOBODY_EXEMPT) as proxy:
        for _ in range(20):
            with proxy.client(source=CROWD) as first, proxy.client(source=CROWD) as second:
                for client in (first, second):
                    assert client.get(origin.url()).status == 200
                for client in (first, second):  # once the proxy has closed it, it has counted it out
                    client.half_close()
                    assert client.closed_by_peer()


def test_connections_count_across_workers(origin):
    with Freshet(max_clients_per_address=4, limit_exempt=NOBODY_EXEMPT, workers=2) as proxy:
        clients = [proxy.client(source=CROWD) for _ in range(24)]
        for client in clients:
            client.request("GET", origin.url())
        statuses = [client.response().status for client in clients]
        assert (statuses.count(200), statuses.count(429)) == (4, 20)
        for client in clients:
            client.close()


def test_flood_of_connections_is_refused_in_bounded_memory_and_logged_once(origin):
    with Freshet(max_clients_per_address=10, limit_exempt=NOBODY_EXEMPT) as proxy:
        before = warm_up(proxy, origin.url())
        with proxy.client(source=OTHER) as good:
            flood = []
            for _ in range(600):
                flood.append(proxy.client(source=CROWD))
                if len(flood) % 20 == 0:
                    assert good.get(origin.url("/good")).body == b"hello"
            assert wait_until(lambda: sum(ended(client) for client in flood) == 590)
            assert good.get(origin.url("/good")).body == b"hello"
            assert_peak(proxy, before, 600, 0)
            for client in flood:
                client.close()
        lines = warnings(proxy, "max-clients-per-address")
        assert len(lines) == 1 and f"{CROWD} has reached" in lines[0]


def ended(client):
    """Whether the proxy has answered and closed, without waiting."""
    client.sock.setblocking(False)
    try:
        while data := client.sock.recv(65536):
            assert data.startswith(b"HTTP/1.1 429 ")
        return True
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_request_beyond_the_limit_is_told_so_and_its_connection_stays_usable(holding):
    with Freshet(max_requests_per_address=2, limit_exempt=NOBODY_EXEMPT) as proxy:
        busy = [proxy.client(source=CROWD) for _ in range(2)]
        for client in busy:
            client.request("GET", holding.url("/held"))
        assert holding.wait_for_requests(2)
        with proxy.client(source=CROWD) as third, proxy.client(source=OTHER) as other:
            for _ in range(3):
                assert_refused(third.get(holding.url("/third")), "max-requests-per-address")
            assert other.get(holding.url("/other")).body == b"hello"
            holding.go.set()
            assert [client.response().status for client in busy] == [200, 200]
            assert third.get(holding.url("/third")).body == b"hello"
        for client in busy:
            client.close()
        assert len(warnings(proxy, "max-requests-per-address")) == 1
        statuses = [record["http.response.status_code"] for record in proxy.records(4, "/third")]
        assert statuses == [429, 429, 429, 200]


def test_tunnel_is_a_request_in_flight_until_it_ends(holding):
    with Freshet(max_requests_per_address=1, limit_exempt=NOBODY_EXEMPT) as proxy:
        with proxy.client(source=CROWD) as tunnel, proxy.client(source=CROWD) as client:
            assert tunnel.connect_to(holding.authority).status == 200
            assert client.get(holding.url()).status == 429
            tunnel.close()
            assert wait_until(lambda: client.get(holding.url()).status == 200)


def test_request_that_failed_or_whose_client_left_is_not_counted_any_more(holding):
    with Freshet(max_requests_per_address=1, limit_exempt=NOBODY_EXEMPT, timeout_origin_head="500ms") as proxy:
        with proxy.client(source=CROWD) as client:
            assert client.get("http://127.0.0.1:1/").status == 502
            assert client.get(holding.url("/held")).status == 504
            with proxy.client(source=CROWD) as leaving:
                leaving.request("GET", holding.url("/held-too"))
                assert holding.wait_for_requests(2)
                assert client.get(holding.url()).status == 429
                leaving.reset()
            assert wait_until(lambda: client.get(holding.url()).status == 200)


def test_exempt_networks_have_no_limit(origin):
    with Freshet(max_clients_per_address=1, max_requests_per_address=1) as proxy:
        clients = [proxy.client(source=CROWD) for _ in range(5)]
        assert [client.get(origin.url()).status for client in clients] == [200] * 5
        for client in clients:
            client.close()


def first_client(proxy, url):
    """A connection that is served; until the proxy has noticed that the harness's is gone, it may not be."""
    client = proxy.client()
    if client.get(url).status == 200:
        return client
    client.close()
    return None


def test_ipv6_client_is_counted_too(origin, loopbacks):
    host = loopbacks[-1]
    listen = f'{{"[{host}]:0"}}' if ":" in host else f'{{"{host}:0"}}'
    with Freshet(max_clients_per_address=1, limit_exempt=NOBODY_EXEMPT, listen=listen, host=host) as proxy:
        with wait_until(lambda: first_client(proxy, origin.url())) as held, proxy.client() as refused:
            assert answered(refused).status == 429
            assert held.get(origin.url()).status == 200


def test_reload_changes_the_limits_of_later_requests_and_connections(origin):
    with Freshet(max_clients_per_address=1, limit_exempt=NOBODY_EXEMPT) as proxy:
        with proxy.client(source=CROWD) as held:
            assert held.get(origin.url()).status == 200
            with proxy.client(source=CROWD) as refused:
                assert answered(refused).status == 429
            assert "reloaded" in proxy.reload(max_clients_per_address=0)
            with proxy.client(source=CROWD) as second:
                assert second.get(origin.url()).status == 200
            assert held.get(origin.url()).status == 200


def test_uploads_that_trickle_for_ever_hold_no_more_than_their_share(origin):
    """Each byte restarts timeout-body: what bounds them is how many there may be."""
    count = 5
    with Freshet(max_requests_per_address=count, limit_exempt=NOBODY_EXEMPT, timeout_body="1s") as proxy:
        before = warm_up(proxy, origin.url())
        first = request_bytes("POST", origin.url("/up"), "Content-Length: 100000")
        with Attackers(proxy, count, first, source=CROWD) as slow, proxy.client(source=OTHER) as other:
            for _ in range(20):
                slow.send(b"x")
                assert other.get(origin.url("/other")).body == b"hello"
                slow.settle(0.1)
            assert not slow.ended, "they outlived timeout-body twice"
            with proxy.client(source=CROWD) as one_more:
                assert_refused(one_more.get(origin.url("/more")), "max-requests-per-address")
            assert_peak(proxy, before, count, 24)
            answers = slow.until_all_ended()
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
