"""freshet's own pages for machines: is it alive, may clients be sent to it."""
import signal
import threading

import pytest

from harness import Client, Freshet, Origin, response

PAGES = [("/-/healthy", b"healthy\n"), ("/-/ready", b"ready\n")]
OURS = "http://freshet.internal"


@pytest.mark.parametrize("path, body", PAGES)
def test_page_is_served_at_the_listening_address(client, path, body):
    client.send(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
    answer = client.response()
    assert (answer.status, answer.body) == (200, body)
    assert "no-store" in answer.one("Cache-Control")
    assert answer.one("Content-Type").startswith("text/plain")


@pytest.mark.parametrize("path, body", PAGES)
def test_page_is_served_through_the_proxy(client, path, body):
    answer = client.get(OURS + path)
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("path, body", PAGES)
def test_head_gets_the_same_without_a_body(client, path, body):
    answer = client.exchange("HEAD", OURS + path)
    assert (answer.status, answer.one("Content-Length"), answer.body) == (200, str(len(body)), b"")
    assert client.get(OURS + path).status == 200


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/-/ready"])
def test_other_methods_are_not_allowed_on_own_pages(client, path):
    answer = client.exchange("POST", OURS + path, body=b"x")
    assert (answer.status, answer.one("Allow")) == (405, "GET, HEAD")


def test_checker_without_host_and_keep_alive_is_answered(client):
    client.send(b"GET /-/ready HTTP/1.0\r\n\r\n")
    assert client.response().status == 200
    assert client.closed_by_peer()


def test_health_under_a_strange_name_is_not_answered(client):
    client.send(b"GET /-/ready HTTP/1.1\r\nHost: attacker.example\r\n\r\n")
    assert client.response().status == 421


def test_page_with_a_body_in_its_request_ends_the_connection_and_says_so(client):
    answer = client.exchange("GET", OURS + "/-/healthy", "Content-Length: 5")
    assert (answer.status, answer.one("Connection")) == (200, "close")


def test_health_pages_are_not_in_the_access_log(proxy, client, origin):
    for path, _ in PAGES:
        assert client.get(OURS + path).status == 200
    client.get(origin.url("/the-next"))
    assert proxy.record("/the-next")
    assert [record for record in proxy.read_records("/-/") if record["http.response.status_code"] == 200] == []


def test_unknown_page_beside_the_health_pages_is_not_found_and_logged(proxy, client):
    assert client.get(OURS + "/-/unknown").status == 404
    assert proxy.record("/-/unknown")


def test_client_outside_of_allow_gets_no_health():
    with Freshet(allow='{"127.0.0.9"}') as proxy, proxy.client() as client:
        assert client.get(OURS + "/-/healthy").status == 403


def test_ready_fails_while_draining_and_healthy_does_not():
    release = threading.Event()

    def hold(_):
        release.wait(5)
        return response(b"held")
    with Origin(hold) as origin, Freshet(timeout_drain="5s") as proxy:
        with Client(proxy.port) as busy, Client(proxy.port) as first, Client(proxy.port) as second:
            busy.request("GET", origin.url())
            assert origin.wait_for_requests(1)
            for client in (first, second):
                assert client.get(OURS + "/-/ready").status == 200
            proxy.signal(signal.SIGTERM)
            while (answer := first.get(OURS + "/-/ready")).status == 200:
                pass
            assert (answer.status, answer.body, answer.one("Connection")) == (503, b"draining\n", "close")
            assert second.get(OURS + "/-/healthy").status == 200
            release.set()
            assert busy.response().body == b"held"
        assert proxy.process.wait(3) == 0
