"""https asked for in clear: for programs without TLS the proxy speaks it."""
import ssl

import pytest

from harness import Origin, response
from harness.https import intercepting_proxy, tls_origin  # noqa: F401 (fixtures)
from harness.tls import Interceptor, TlsOrigin, server_context


def test_https_url_asked_in_clear_is_fetched_over_tls_and_busted(proxy, origin):
    origin.answer = response(b"secret", "Cache-Control: max-age=60")
    with proxy.client() as client:
        answer = client.get(origin.url("/clear"), "Cache-Control: max-stale=9")
        assert (answer.body, answer.one("Cache-Control")) == (b"secret", "no-cache, no-store, must-revalidate")
        assert origin.last.start == "GET /clear HTTP/1.1"
        assert origin.last.one("Host") == origin.authority
        assert origin.last.one("Cache-Control") == "no-cache, no-store, must-revalidate"
        assert client.exchange("POST", origin.url("/post"), body=b"x" * 1000).body == b"secret"
    assert origin.last.body == b"x" * 1000
    record = proxy.record(origin.url("/clear"))
    assert (record["tls.version"], record["freshet.busted"]) == ("TLSv1.3", True)


def test_http_1_0_client_gets_https_too(proxy, origin):
    with proxy.client() as client:
        assert client.exchange("GET", origin.url("/old"), version="HTTP/1.0").body == b"hello"


def test_it_works_without_intercept(pki, origin):
    with Interceptor(pki, intercept="no") as proxy, proxy.client() as client:
        assert client.get(origin.url()).body == b"hello"


def test_clear_and_secure_clients_share_pooled_connections(proxy, origin):
    with proxy.client() as client:
        assert client.get(origin.url()).body == b"hello"
    assert proxy.get(origin).body == b"hello"
    assert len(origin.connections) == 1


@pytest.mark.parametrize("make, status, error", [
    (lambda pki: pki.unknown.issue(), 502, "tls_certificate_error"),
    (lambda pki: pki.root.issue(san="DNS:other.test"), 502, "tls_certificate_error"),
])
def test_failed_proof_is_a_page(proxy, pki, make, status, error):
    with TlsOrigin(make(pki)) as origin, proxy.client() as client:
        answer = client.get(origin.url())
        assert (answer.status, f"error={error}" in answer.one("Proxy-Status")) == (status, True)
        assert not origin.requests


def test_plain_server_behind_https_url_is_a_page(proxy):
    with Origin(script=lambda conn: conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as origin, proxy.client() as client:
        answer = client.get(f"https://{origin.authority}/")
        assert (answer.status, "error=tls_protocol_error" in answer.one("Proxy-Status")) == (502, True)


def test_origin_that_wants_a_certificate_is_a_page(proxy, pki):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = server_context(pki.good, minimum=version, maximum=version)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki.root.file)
        with TlsOrigin(pki.good, context=context) as origin, proxy.client() as client:
            answer = client.get(origin.url())
            assert answer.status == 502, version
            assert b"client certificate" in answer.body, version


def test_https_by_way_of_an_http_parent_goes_through_its_connect(pki, origin):
    with Interceptor(pki, intercept="no") as parent:
        with Interceptor(pki, parent=f'"http://127.0.0.1:{parent.port}"') as proxy:
            with proxy.client() as client:
                assert client.get(origin.url("/by-parent")).body == b"hello"
            assert proxy.get(origin, "/tunnel").body == b"hello"
        assert parent.record(origin.authority)["http.request.method"] == "CONNECT"
    assert [request.target for request in origin.requests] == ["/by-parent", "/tunnel"]
