"""/metrics: counted right, readable by strict parsers, and the dashboard asks for what is there."""
import json
import re
import ssl

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from harness import Client, Freshet, Origin, response
from harness.origin import wait_until
from harness.proxy import ROOT
from harness.tls import Interceptor, TlsOrigin, client_context

OPENMETRICS = "Accept: application/openmetrics-text;version=1.0.0"
DASHBOARD = ROOT / "conf" / "grafana-dashboard.json"


class Page:
    """One reading of /metrics; values by name and the labels that matter."""

    def __init__(self, proxy):
        with proxy.client() as client:
            client.send(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            self.answer = client.response()
        self.samples = [sample for family in parse_prometheus(self.answer.body.decode())
                        for sample in family.samples]

    def sum(self, name, **labels):
        found = [sample.value for sample in self.samples
                 if sample.name == name and labels.items() <= sample.labels.items()]
        assert found, f"no sample {name} {labels}"
        return sum(found)


def page_of(proxy, exchanges):
    """The page once that many have ended: the client has its answer before that, and the page may be another worker's."""
    wait_until(lambda: Page(proxy).sum("freshet_exchanges_total") >= exchanges)
    return Page(proxy)


@pytest.fixture
def counted():
    """A proxy that nobody used before."""
    with Freshet(workers=2) as proxy:
        yield proxy


def test_formats_are_valid_to_strict_parsers(client):
    plain = client.get("http://freshet.internal/metrics")
    assert plain.one("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert len(list(parse_prometheus(plain.body.decode()))) > 15
    openmetrics = client.get("http://freshet.internal/metrics", OPENMETRICS)
    assert openmetrics.one("Content-Type").startswith("application/openmetrics-text; version=1.0.0")
    names = [family.name for family in parse_openmetrics(openmetrics.body.decode())]
    assert "freshet_exchanges" in names and len(names) == len(set(names))


def test_exchange_is_counted_by_mode_verdict_and_status_by_whichever_worker_served_it(counted, origin):
    origin.answer = response(b"stored", "Age: 9", "Cache-Control: max-age=60")
    for _ in range(6):
        with counted.client() as client:
            assert client.get(origin.url()).status == 200
    page = page_of(counted, exchanges=6)
    assert page.sum("freshet_exchanges_total", mode="bust", verdict="from-cache", code="2xx") == 6
    assert page.sum("freshet_exchanges_total") == 6
    assert page.sum("freshet_body_bytes_total", message="response") == 6 * len(b"stored")
    assert page.sum("freshet_edits_total", message="request") >= 6 * 3
    assert page.sum("freshet_edits_total", message="response") >= 6 * 4


def test_durations_are_counted_once_for_each_exchange_and_connecting_once_for_each_connection(counted, origin):
    with counted.client() as client:
        for _ in range(5):
            client.get(origin.url())
    page = page_of(counted, exchanges=5)
    assert page.sum("freshet_exchange_duration_seconds_count") == 5
    assert page.sum("freshet_first_byte_duration_seconds_count") == 5
    assert page.sum("freshet_connect_duration_seconds_count") == 1
    assert page.sum("freshet_pool_requests_total", result="miss") == 1
    assert page.sum("freshet_pool_requests_total", result="hit") == 4
    assert page.sum("freshet_dials_total", outcome="made") == 1
    assert 0 < page.sum("freshet_exchange_duration_seconds_sum") < 5


def test_failed_dial_is_counted_with_the_answer_that_it_became(counted):
    with counted.client() as client:
        assert client.get("http://127.0.0.1:1/").status == 502
    # It is counted when it has ended, and the page may be another worker's.
    assert wait_until(lambda: Page(counted).sum("freshet_exchanges_total", mode="bust", verdict="none", code="5xx") == 1)
    assert Page(counted).sum("freshet_dials_total", outcome="failed") == 1


def test_connections_are_counted_while_they_are_there(counted, origin):
    with Client(counted.port) as first, Client(counted.port) as second:
        for client in (first, second):
            assert client.get(origin.url()).status == 200
        assert wait_until(lambda: connections(Page(counted)) == (2, 1, 0))  # busy is who asks
        assert Page(counted).sum("freshet_origin_connections", state="idle") >= 1


def connections(page):
    """Of clients idle and busy, to origins lent."""
    return (page.sum("freshet_client_connections", state="idle"), page.sum("freshet_client_connections", state="busy"),
            page.sum("freshet_origin_connections", state="lent"))


def test_opaque_tunnel_is_counted_with_the_reason_why_it_was_not_read(counted, origin):
    with counted.client() as client:
        client.send(f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.response(method="CONNECT").status == 200
    assert counted.record(str(origin.port))
    page = Page(counted)
    assert page.sum("freshet_tunnels_total", inside="not-intercepted") == 1
    assert page.sum("freshet_tunnels_total") == 1
    assert page.sum("freshet_exchange_duration_seconds_count") == 0


def test_interception_counts_both_handshakes_and_certificates(pki):
    with TlsOrigin(pki.good) as origin, Interceptor(pki) as proxy:
        for _ in range(2):
            with proxy.secure(origin) as client:
                assert client.get("/").status == 200
        assert wait_until(lambda: Page(proxy).sum("freshet_tunnels_total") >= 2)
        page = Page(proxy)
        assert page.sum("freshet_tls_handshakes_total", peer="client", outcome="full") == 2
        assert page.sum("freshet_tls_handshakes_total", peer="origin", outcome="full") == 1
        assert page.sum("freshet_leaf_certificates_total", result="forged") == 1
        assert page.sum("freshet_leaf_certificates_total", result="cached") == 1
        assert page.sum("freshet_tunnels_total", inside="read") == 2


def test_refused_certificate_counts_as_failed_handshake_and_then_as_tunnel_for_that_reason(pki):
    strangers = client_context(pki.root.file)
    with TlsOrigin(pki.good) as origin, Interceptor(pki) as proxy:
        with pytest.raises(ssl.SSLCertVerificationError):
            proxy.secure(origin, strangers)
        with proxy.secure(origin, strangers) as client:
            assert client.get("/").status == 200
        assert wait_until(lambda: proxy.record(origin.authority)["freshet.tunnel"])
        page = Page(proxy)
        assert page.sum("freshet_tls_handshakes_total", peer="client", outcome="failed") == 1
        assert page.sum("freshet_tunnels_total", inside="client-refused") == 1


def test_watching_does_not_count_as_use(counted):
    for _ in range(3):
        page = Page(counted)
    assert page.sum("freshet_exchanges_total") == 0
    assert counted.read_records("/metrics") == []


def test_process_is_measured(counted):
    page = Page(counted)
    assert abs(page.sum("process_resident_memory_bytes") / 1024 - counted.memory_kib()) < 64 * 1024
    assert 5 < page.sum("process_open_fds") < page.sum("process_max_fds")
    assert page.sum("freshet_build_info") == 1


def test_no_label_tells_a_host(counted, origin):
    with counted.client() as client:
        client.get(origin.url("/private"))
    text = page_of(counted, exchanges=1).answer.body.decode()
    assert str(origin.port) not in text and "private" not in text


def test_dashboard_asks_for_all_metrics_and_only_for_those_and_labels_that_are_there(counted):
    samples = Page(counted).samples
    names = {sample.name for sample in samples}
    asked = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for expression in (target["expr"] for target in panel["targets"]):
            for name, selector in re.findall(r"\b((?:freshet|process)_\w+)\{([^}]*)\}", expression):
                asked.add(name)
                for label in set(re.findall(r"(\w+)[!=]=?~?\"", selector)) - {"job", "instance"}:
                    assert any(label in sample.labels for sample in samples if sample.name == name)
    assert asked <= names
    families = {sample.name.removesuffix("_sum").removesuffix("_count").removesuffix("_bucket") for sample in samples}
    shown = {name.removesuffix("_bucket") for name in asked}
    assert families - shown <= {"process_virtual_memory_bytes"}, "dwarfs what is in use"
