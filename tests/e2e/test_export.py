"""What is remembered, as HAR and as JSON lines: all of it, in order, valid, honest, without secrets, and in bounded memory."""
import json

import pytest

from harness import Client, Freshet, Origin, response
from harness import har
from harness.origin import wait_until
from harness.proxy import sanitized

SECRETS = ["Cookie: sid=hidden1; theme=hidden2", "Authorization: Bearer hidden3"]


@pytest.fixture(scope="module")
def remembering():
    with Freshet(workers=2, pierce="never") as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def forgetting(remembering):
    """Each test begins with an empty memory."""
    with remembering.client() as client:
        token = json.loads(client.get("http://freshet.internal/live/about").body)["token"]
        assert client.exchange("POST", "http://freshet.internal/live/forget", f"X-Freshet-Token: {token}").status == 200


def export(proxy, path, *fields):
    with proxy.client() as client:
        answer = client.get(f"http://freshet.internal{path}", *fields)
    assert answer.status == 200, answer.body
    return answer


def entries(proxy, query=""):
    return har.validate(json.loads(export(proxy, "/export.har" + query).body))


def lines(proxy, query=""):
    return [json.loads(line) for line in export(proxy, "/export.jsonl" + query).body.decode().splitlines()]


def fetch_all(proxy, origin, paths, *fields):
    logged = len(proxy.read_records(origin.url("/")))
    for number, path in enumerate(paths, 1):
        with proxy.client() as client: # each connection may be another worker's
            assert client.get(origin.url(path), *fields).status
        proxy.records(logged + number, origin.url("/")) # an answer is out before it is remembered, and that before it is logged


def fields_of(part):
    return [(field["name"], field["value"]) for field in part]


# -- what is in it

def test_archive_and_lines_have_all_workers_exchanges_in_the_order_of_their_end(remembering, origin):
    paths = [f"/{number}" for number in range(20)]
    fetch_all(remembering, origin, paths)
    assert [entry["request"]["url"] for entry in entries(remembering)] == [origin.url(path) for path in paths]
    assert [line["url.original"] for line in lines(remembering)] == [origin.url(path) for path in paths]


def test_nothing_remembered_is_a_valid_archive_and_no_line(remembering):
    assert entries(remembering) == []
    assert export(remembering, "/export.jsonl").body == b""


def test_without_records_the_export_is_empty(origin):
    with Freshet(records=0) as proxy:
        fetch_all(proxy, origin, ["/a"])
        assert entries(proxy) == []


def test_file_has_a_name_and_is_stored_rather_than_shown(remembering):
    for path, kind in (("/export.har", "application/json"), ("/export.jsonl", "application/jsonl")):
        answer = export(remembering, path)
        assert answer.one("Content-Type") == kind
        name = answer.one("Content-Disposition")
        assert name.startswith('attachment; filename="freshet-20') and name.endswith(path[path.index("."):] + '"')


def test_entry_tells_the_clients_request_and_the_clients_answer(remembering, origin):
    origin.answer = response(b"12345", "Content-Type: text/html; charset=utf-8", "Cache-Control: max-age=60", "Location: /next",
                             "Set-Cookie: s=1; Path=/; Domain=example.org; HttpOnly; Secure; Expires=Sun, 06 Nov 2033 08:49:37 GMT",
                             "Set-Cookie: nameless", status="201 Made")
    url = origin.url("/a?x=1&y=a%20b+c&z&=&e=100%25")
    with remembering.client() as client:
        client.exchange("POST", url, 'If-None-Match: "1"', "Cookie: a=b; c=d=e", body=b"body")
    remembering.record(url)
    entry, = entries(remembering, "?secrets=1")
    asked, told = entry["request"], entry["response"]
    assert (asked["method"], asked["url"], asked["httpVersion"], asked["bodySize"]) == ("POST", url, "HTTP/1.1", 4)
    assert fields_of(asked["queryString"]) == [("x", "1"), ("y", "a b c"), ("z", ""), ("", ""), ("e", "100%")]
    assert fields_of(asked["cookies"]) == [("a", "b"), ("c", "d=e")]
    assert ("If-None-Match", '"1"') in fields_of(asked["headers"]) and "not kept" in asked["comment"]
    assert (told["status"], told["statusText"], told["bodySize"], told["content"]["size"]) == (201, "Made", 5, 5)
    assert told["content"]["mimeType"] == "text/html; charset=utf-8" and told["redirectURL"] == "/next"
    assert told["cookies"] == [
        {"name": "s", "value": "1", "path": "/", "domain": "example.org", "expires": "2033-11-06T08:49:37.000Z",
         "httpOnly": True, "secure": True},
        {"name": "", "value": "nameless", "httpOnly": False, "secure": False}]
    assert entry["serverIPAddress"] == "127.0.0.1"


def test_entry_tells_beside_har_what_the_origin_was_sent_and_why(remembering, origin):
    origin.answer = response(b"x", "Cache-Control: max-age=60", "Age: 9", "X-Cache: HIT")
    fetch_all(remembering, origin, ["/a"], 'If-None-Match: "1"')
    entry, = entries(remembering)
    own = entry["_freshet"]
    assert own["facts"]["freshet.verdict"].startswith("from-cache") and own["facts"]["freshet.layers"]
    assert own["facts"]["freshet.mode"] == "bust" and own["id"] == str(own["facts"]["freshet.id"])
    assert ["Cache-Control", "no-cache, no-store, must-revalidate"] in own["request_sent"]["fields"]
    assert ["Cache-Control", "max-age=60"] in own["response_received"]["fields"]
    assert ("Cache-Control", "no-cache, no-store, must-revalidate") in fields_of(entry["response"]["headers"])
    assert any(edit["why"].startswith("bust") for edit in own["edits"]["request"])


def test_lines_are_those_of_the_access_log_with_heads_and_edits(remembering, origin):
    fetch_all(remembering, origin, ["/a"])
    line, = lines(remembering)
    heads, edits = line.pop("heads"), line.pop("edits")
    assert line == remembering.record(origin.url("/a"))
    assert heads["request_sent"]["start"] == "GET /a HTTP/1.1" and edits["request"]


def test_answer_that_never_came_has_the_status_of_ours_and_its_reason(remembering):
    with remembering.client() as client:
        assert client.get("http://127.0.0.1:1/refused").status == 502
    remembering.record("/refused")
    entry, = entries(remembering)
    assert entry["response"]["status"] == 502 and "refused" in entry["response"]["_error"]
    assert "response_received" not in entry["_freshet"]


def test_tunnel_is_an_entry_with_all_its_bytes(remembering, origin):
    with remembering.client() as client:
        assert client.connect_to(f"127.0.0.1:{origin.port}").status == 200
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.response()
    assert wait_until(lambda: entries(remembering))
    entry, = entries(remembering)
    assert (entry["request"]["method"], entry["request"]["url"]) == ("CONNECT", f"https://127.0.0.1:{origin.port}/")
    assert entry["response"]["status"] == 200 and entry["response"]["bodySize"] > 40 and "tunnel" in entry["comment"]


def test_unreadable_request_is_a_valid_entry_too(remembering, origin):
    for junk in (b"\x00\x01 nonsense\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n"):
        with remembering.client() as client:
            client.send(junk)
            client.response()
    assert wait_until(lambda: [entry["request"]["url"] for entry in entries(remembering)] == ["about:invalid"] * 3)


HOSTILE = ["/%", "/%zz", "/a|b^c`{}\\", "/[x]?[y]=<z>", "/?a=%ff&%00=%", "/\"'<script>", "/?" + "&" * 50, "/?" + "a=b&" * 3000]


def test_hostile_addresses_and_fields_stay_valid(remembering, origin):
    for path in HOSTILE:
        with remembering.client() as client:
            client.get(origin.url(path), 'Cookie: ;;=; "; a="b;c"', "X-Hostile: \"}]\\</script>\xff\x80\t'")
    assert wait_until(lambda: len(entries(remembering)) == len(HOSTILE))
    assert len(lines(remembering)) == len(HOSTILE)


def test_address_longer_than_a_record_holds_is_whole_in_the_archive(remembering, origin):
    fetch_all(remembering, origin, ["/" + "x" * 4000])
    assert entries(remembering)[0]["request"]["url"] == origin.url("/" + "x" * 4000)


def test_compressed_body_has_its_transferred_size_and_that_is_said(remembering, origin):
    origin.answer = response(b"z" * 30, "Content-Encoding: gzip")
    fetch_all(remembering, origin, ["/z"])
    content = entries(remembering)[0]["response"]["content"]
    assert content["size"] == 30 and "coded" in content["comment"]


# -- what may be chosen

def test_host_chooses_exactly_its_own(remembering, origin):
    with Origin() as other:
        fetch_all(remembering, origin, ["/a", "/b"])
        fetch_all(remembering, other, ["/c"])
        for chosen, expected in ((f"127.0.0.1:{other.port}", 1), ("127.0.0.1", 3), ("127.0.0", 0), ("example.org", 0)):
            assert len(entries(remembering, f"?host={chosen}")) == len(lines(remembering, f"?host={chosen}")) == expected


def test_id_chooses_one_and_an_unknown_one_is_not_found(remembering, origin):
    fetch_all(remembering, origin, ["/a", "/b", "/c"])
    number = remembering.record(origin.url("/b"))["freshet.id"]
    assert [entry["request"]["url"] for entry in entries(remembering, f"?id={number}")] == [origin.url("/b")]
    assert [line["freshet.id"] for line in lines(remembering, f"?id={number}")] == [number]
    with remembering.client() as client:
        for unknown in ("1", "x", "-1"):
            assert client.get(f"http://freshet.internal/export.har?id={unknown}").status == 404


def test_secrets_are_left_out_unless_asked_for(remembering, origin):
    origin.answer = response(b"x", "Set-Cookie: s=hidden4; Path=/", "Location: /?code=hidden5")
    fetch_all(remembering, origin, ["/a?access_token=hidden6"], *SECRETS)
    for path in ("/export.har", "/export.jsonl"):
        assert b"hidden" not in export(remembering, path).body
        shown = export(remembering, path + "?secrets=1").body
        assert all(f"hidden{number}".encode() in shown for number in range(1, 7))


# -- who may

@pytest.mark.parametrize("path", ["/export.har", "/export.jsonl"])
def test_export_is_for_this_machine_and_not_for_other_sites(remembering, path):
    with remembering.client() as client:
        for field in ("X-Forwarded-For: 192.0.2.1", "Sec-Fetch-Site: cross-site", "Origin: http://attacker.example"):
            assert client.get(f"http://freshet.internal{path}", field).status == 403
        assert client.exchange("POST", f"http://freshet.internal{path}").status == 405


# -- how it is sent

def test_old_client_gets_the_end_of_the_connection_as_the_end(remembering, origin):
    fetch_all(remembering, origin, ["/a"])
    with remembering.client() as client:
        answer = client.exchange("GET", "http://freshet.internal/export.har", version="HTTP/1.0")
        assert not answer.has("Transfer-Encoding") and len(har.validate(json.loads(answer.body))) == 1


def test_connection_is_of_use_after_an_export(remembering, origin):
    with remembering.client() as client:
        assert client.get("http://freshet.internal/export.har").status == 200
        assert client.exchange("HEAD", "http://freshet.internal/export.har").status == 200
        assert client.get(origin.url("/a")).body == b"hello"


def test_large_export_to_a_slow_client_costs_little_memory_and_holds_nobody_up(origin):
    with Freshet(workers=1, records_bytes="32M") as proxy:
        with proxy.client() as client:
            for _ in range(1500):
                client.get(origin.url("/" + "x" * 1000), "X-Long: " + "y" * 4000)
        before = proxy.settled_memory_kib()
        with Client(proxy.port, receive_buffer=4096) as lazy, proxy.client() as other:
            lazy.send(b"GET http://freshet.internal/export.har HTTP/1.1\r\nHost: freshet.internal\r\n\r\n")
            lazy.read_head()
            assert other.get(origin.url("/meanwhile")).body == b"hello"
            assert proxy.settled_memory_kib() - before < (8192 if sanitized() else 2048) # red zones, quarantine
        assert len(entries(proxy)) == 1501


def test_exports_at_a_time_are_bounded_and_a_place_comes_free_with_each_that_leaves(origin):
    ask = b"GET http://freshet.internal/export.har HTTP/1.1\r\nHost: freshet.internal\r\n\r\n"
    with Freshet(workers=1, records_bytes="32M") as proxy:
        with proxy.client() as client:
            for _ in range(1500):
                client.get(origin.url("/" + "x" * 1000), "X-Long: " + "y" * 4000)
        lazy = [Client(proxy.port, receive_buffer=4096) for _ in range(4)]
        for client in lazy:
            client.send(ask)
            assert b" 200 " in client.read_head()
        with proxy.client() as client:
            assert client.get("http://freshet.internal/export.har").status == 503
        for client in lazy:
            client.reset()
        assert wait_until(lambda: export_status(proxy) == 200)


def export_status(proxy):
    with proxy.client() as client:
        return client.get("http://freshet.internal/export.har?host=nobody").status
