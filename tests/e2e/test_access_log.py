"""The access log: one line per exchange, in JSON with ECS names and as text, and its timings."""
import datetime
import json
import time

from harness import Client, Freshet, Origin, response
from harness.origin import wait_until
from harness.proxy import run_freshet

KEYS = {"@timestamp", "client.address", "http.request.method", "url.original", "http.version",
        "http.response.status_code",
        "http.request.body.bytes", "http.response.body.bytes", "event.duration", "freshet.mode",
        "freshet.busted"}


def test_record_has_the_common_facts(proxy, client, origin):
    origin.answer = response(b"12345", status="404 Not Found")
    client.exchange("POST", origin.url("/facts?a=b"), body=b"123")
    record = proxy.record(origin.url("/facts"))
    assert KEYS <= set(record)
    assert record["http.request.method"] == "POST"
    assert record["url.original"] == origin.url("/facts?a=b")
    assert record["http.version"] == "1.1"
    assert record["http.response.status_code"] == 404
    assert (record["http.request.body.bytes"], record["http.response.body.bytes"]) == (3, 5)
    assert record["client.address"].startswith("127.0.0.1")
    assert origin.authority in record["freshet.origin.address"]


def test_timestamp_is_now_in_utc(proxy, client, origin):
    client.get(origin.url("/now"))
    stamp = datetime.datetime.fromisoformat(proxy.record(origin.url("/now"))["@timestamp"].replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - stamp).total_seconds()) < 10


def test_times_add_up(proxy, client, origin):
    def slowly(request):
        time.sleep(0.2)
        return response(b"slow")
    origin.answer = slowly
    client.get(origin.url("/slow"))
    record = proxy.record(origin.url("/slow"))
    assert 180_000 < record["freshet.time.first_byte_us"] < 2_000_000
    assert record["event.duration"] >= record["freshet.time.first_byte_us"] * 1000
    assert record["freshet.time.connect_us"] < 180_000


def test_every_exchange_gets_one_line(proxy, client, origin):
    for number in range(200):
        client.get(origin.url(f"/each/{number}"))
    records = proxy.records(200, origin.url("/each/"))
    assert [record["url.original"] for record in records] == [origin.url(f"/each/{number}")
                                                              for number in range(200)]


def test_version_of_the_client_is_logged(proxy, client, origin):
    client.send(f"GET {origin.url('/old')} HTTP/1.0\r\n\r\n".encode())
    client.response()
    assert proxy.record(origin.url("/old"))["http.version"] == "1.0"


def test_secrets_are_not_logged(proxy, client, origin):
    client.get(origin.url("/secret"), "Authorization: Bearer s3cr3t", "Cookie: sid=s3cr3t",
               "Proxy-Authorization: Basic s3cr3t")
    proxy.record(origin.url("/secret"))
    assert "s3cr3t" not in proxy.log_file.read_text() + proxy.stderr()


def test_tokens_in_addresses_are_not_logged(proxy, client, origin):
    client.get(origin.url("/reset?user=7&access_token=hidden&page=2"))
    record = proxy.record("/reset")
    assert record["url.original"] == origin.url("/reset?user=7&access_token=***&page=2")
    assert "hidden" not in proxy.log_file.read_text()


def test_stale_copy_is_given_a_verdict(proxy, client, origin):
    origin.answer = response(b"x", "Age: 500", "Cache-Control: max-age=100", 'Cache-Status: edge; hit')
    client.get(origin.url("/verdict"))
    assert "stale" in proxy.record(origin.url("/verdict"))["freshet.verdict"]


def test_very_long_url_is_still_one_valid_line(proxy, client, origin):
    client.get(origin.url("/" + "long" * 2000))
    record = proxy.record(origin.url("/longlong"))
    assert record["http.response.status_code"] == 200


def test_quotes_and_backslashes_are_escaped(proxy, client, origin):
    client.get(origin.url('/q?"quoted"\\back'))
    assert proxy.record(origin.url("/q"))["url.original"] == origin.url('/q?"quoted"\\back')


def test_text_format_is_one_readable_line(origin):
    with Freshet(access_log_format="text") as proxy, proxy.client() as client:
        client.get(origin.url("/text"))
        line = wait_until(lambda: proxy.log_file.exists() and proxy.log_file.read_text())
    assert line.count("\n") == 1
    for part in ("127.0.0.1", "GET", origin.url("/text"), "200", "bust"):
        assert part in line


def test_log_on_standard_output_is_the_default(origin):
    assert 'access-log = "-"' in run_freshet("-T", config="").stdout


def test_log_can_be_off(origin):
    with Freshet(access_log='"off"') as proxy, proxy.client() as client:
        assert client.get(origin.url()).status == 200
        assert not proxy.log_file.exists()
        assert not (proxy.directory / "off").exists()


def test_lines_of_two_workers_are_never_mixed():
    with Origin() as origin, Freshet(workers="2") as proxy:
        clients = [Client(proxy.port) for _ in range(8)]
        for number in range(100):
            for client in clients:
                client.request("GET", origin.url(f"/mixed/{number}"))
            for client in clients:
                client.response()
        records = proxy.records(800, "/mixed/")
        for client in clients:
            client.close()
        lines = proxy.log_file.read_text().splitlines()
    assert len(records) == 800
    assert all(json.loads(line) for line in lines)


def test_log_that_cannot_be_written_does_not_stop_the_exchanges(origin):
    with Freshet(access_log='"/dev/full"') as proxy, proxy.client() as client:
        for _ in range(100):
            assert client.get(origin.url()).status == 200
