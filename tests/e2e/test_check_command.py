"""`freshet check` as a command: whom it asks and how, what stops it, what it prints, how it ends."""
import hashlib
import re
import time

import pytest

from harness import DnsServer, Origin, chunked
from harness.check import EARLIER, LATER, Site, check, check_json, dated
from harness.dns import Name
from harness.proxy import Freshet
from harness.tls import TlsOrigin

KEPT = "Cache-Control: max-age=600"
ESCAPE = re.compile("\x1b\\[[0-9;]*m")


def page(body):
    return dated(body, KEPT)


@pytest.fixture
def dns_of_site():
    """site.test has two addresses."""
    with DnsServer({"site.test": Name(a=("127.0.0.1", "127.0.0.2"))}) as server:
        yield server


# -- fetching

def test_bodies_are_hashed_whole_however_they_are_framed():
    body = bytes(range(256)) * 4096
    pieces = [body[at:at + 10007] for at in range(0, len(body), 10007)]
    framed = {
        "/length": dated(body),
        "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(*pieces, trailers=["X-End: 1"]),
        "/close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body,
        "/interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + dated(body),
    }
    with Origin(lambda request: framed[request.target.partition("?")[0]]) as origin:
        for path in framed:
            answer = check_json(origin.url(path)).answer("plain")
            assert (answer["length"], answer["sha256"]) == (len(body), hashlib.sha256(body).hexdigest()), path


BROKEN = {
    "cut short": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "cut off"),
    "cut in a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "cut off"),
    "no answer": (b"", "closed before the answer"),
    "no HTTP": (b"220 mail.test ESMTP\r\n\r\n", ""),
    "framed twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc", ""),
    "endless interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" * 40, "interim"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_answer_is_a_failure_and_no_verdict(kind):
    answer, words = BROKEN[kind]

    def script(conn):
        conn.read_request()
        conn.send(answer)
    with Origin(script=script) as origin:
        checked = check_json(origin.url("/"))
    assert (checked.status, checked.verdict) == (2, "failed")
    assert words in checked.place["reason"] and checked.place["reason"]


def test_refused_connection_and_unknown_name_are_failures(origin):
    origin.stop_listening()
    assert check_json(origin.url("/")).place["reason"] == "connection refused"
    checked = check_json("http://no-such-host.invalid/")
    assert (checked.status, checked.verdict) == (2, "failed")


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
def test_answer_that_does_not_end_is_given_up_in_time(first):
    def script(conn):
        conn.read_request()
        conn.send(first)
        conn.source.fill()
    with Origin(script=script) as origin:
        began = time.monotonic()
        checked = check_json("--timeout=300ms", origin.url("/"))
    assert checked.status == 2 and time.monotonic() - began < 3
    assert checked.place["reason"] in ("it took too long to answer", "its answer did not come to an end in time")


def test_one_failure_among_changed_addresses_leaves_the_others_to_be_compared():
    def answer(request):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf" if "?" in request.target else page(b"page")
    with Origin(answer) as origin:
        checked = check_json(origin.url("/some/longer/address/of/a/page.html"))
    assert (checked.status, checked.verdict, checked.place["witness"]) == (0, "fresh", "path")


# -- https

def test_https_is_verified_as_the_proxy_does(pki):
    with TlsOrigin(pki.good, page(b"page")) as origin:
        trusting = check_json(f"--trust={pki.root.file}", origin.url("/"), env=pki.environment())
        doubting = check_json(origin.url("/"), env=pki.environment())
        careless = check_json("--tls-verify=no", origin.url("/"), env=pki.environment())
    assert [run.status for run in (trusting, doubting, careless)] == [0, 2, 0]
    assert "unable to get local issuer certificate" in doubting.place["reason"]


def test_name_that_the_certificate_is_not_for_is_a_failure(pki):
    with TlsOrigin(pki.root.issue("other", san="DNS:other.test"), page(b"page")) as origin:
        checked = check_json(f"--trust={pki.root.file}", origin.url("/"), env=pki.environment())
    assert (checked.status, "hostname mismatch" in checked.place["reason"]) == (2, True)


def test_end_of_tls_without_a_word_is_a_cut(pki):
    def script(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")  # and then a bare end of TCP
    with TlsOrigin(pki.good, script=script) as origin:
        checked = check_json(f"--trust={pki.root.file}", origin.url("/"), env=pki.environment())
    assert (checked.status, "cut off" in checked.place["reason"]) == (2, True)


# -- places

def test_places_are_compared_and_the_stale_one_is_named():
    with Site(lambda _: page(b"old")) as behind, Origin(page(b"new")) as ahead:
        check(behind.url("/a"))
        behind.page = lambda _: page(b"new")
        checked = check_json(f"--connect-to=site.test:80:127.0.0.1:{behind.port}",
                             f"--connect-to=::127.0.0.1:{ahead.port}", "http://site.test/a")
        assert {request.one("Host") for request in ahead.requests} == {"site.test"}
    (report,) = checked.reports
    assert (checked.status, report["places_differ"]) == (1, True)
    assert [(place["address"], place["verdict"]) for place in report["places"]] == [
        (behind.authority, "stale"), (ahead.authority, "fresh")]


def test_places_that_are_fresh_and_different_cannot_be_judged():
    with Origin(page(b"one")) as one, Origin(page(b"two")) as two:
        places = [f"--connect-to=::127.0.0.1:{place.port}" for place in (one, two)]
        checked = check(*places, "http://site.test/a")
    assert checked.status == 3
    assert "DIFFERENT ADDRESSES, DIFFERENT ANSWERS" in checked.text


def test_all_addresses_of_a_name_are_asked(dns_of_site):
    with Origin(page(b"page")) as origin:
        checked = check_json("--all-addresses", f"--resolver=127.0.0.1:{dns_of_site.port}",
                             f"http://site.test:{origin.port}/")
    (report,) = checked.reports
    assert [place["address"] for place in report["places"]] == [f"127.0.0.1:{origin.port}", f"127.0.0.2:{origin.port}"]
    assert [place["verdict"] for place in report["places"]] == ["fresh", "failed"]


def test_parent_proxy_is_on_the_way(origin):
    origin.answer = page(b"page")
    with Freshet(mode="observe") as parent:
        checked = check_json(f"--parent=http://127.0.0.1:{parent.port}", origin.url("/a"))
        assert len(parent.records(3, "/a")) == 3
        refused = check(f"--parent=http://127.0.0.1:{parent.port}", "--all-addresses", origin.url("/a"))
    assert (checked.status, checked.verdict) == (0, "fresh")
    assert refused.status == 2 and "there is a parent proxy" in refused.complaints


def test_parent_proxy_is_asked_as_proxies_are(origin):
    origin.answer = page(b"page")
    check_json(f"--parent=http://user:secret@{origin.authority}", "http://site.test/a?b")
    request = origin.requests[0]
    assert request.target == "http://site.test/a?b" and request.one("Host") == "site.test"
    assert request.one("Proxy-Authorization") == "Basic dXNlcjpzZWNyZXQ="


# -- questions

def test_given_fields_take_the_place_of_ours_and_empty_ones_leave_them_out(origin):
    check("-H", "User-Agent: probe", "--header=X-Tenant: 7", "-H", "Accept-Encoding:", origin.url("/"))
    assert origin.requests
    for request in origin.requests:
        assert request.all("User-Agent") == ["probe"] and request.all("X-Tenant") == ["7"]
        assert not request.has("Accept-Encoding")


def test_redirects_are_followed_only_if_asked_and_without_secrets_for_other_sites():
    with Origin(page(b"there")) as other:
        moved = dated(b"", f"Location: {other.url('/there')}", status="302 Found")
        with Origin(moved) as origin:
            assert len(check_json(origin.url("/here")).reports) == 1
            checked = check_json("--location", "-H", "Cookie: secret", "-H", "Authorization: Bearer secret",
                                 origin.url("/here"))
            assert origin.last.has("Cookie") and origin.last.has("Authorization")
        assert not any(request.has("Cookie") or request.has("Authorization") for request in other.requests)
        assert {request.one("Host") for request in other.requests} == {other.authority}
    assert [report["url"] for report in checked.reports] == [origin.url("/here"), other.url("/there")]


def test_circle_of_redirects_is_left_after_ten_steps(origin):
    origin.answer = dated(b"", "Location: /again", status="302 Found")
    checked = check("--location", origin.url("/"))
    assert checked.status == 2 and "more redirects than are followed" in checked.complaints
    assert checked.text.count("FRESH") == 11


def test_rounds_are_told_apart_and_the_worst_counts():
    with Site(lambda _: page(b"old")) as site:
        check(site.url("/a"))
        site.page = lambda _: page(b"new")
        checked = check_json("--repeat=2", "--interval=0", site.url("/a"), site.url("/b"))
    assert checked.status == 1
    assert [(report["round"], report["exit"]) for report in checked.reports] == [(1, 1), (1, 0), (2, 1), (2, 0)]


# -- printing

HOSTILE = b"\x1b]0;owned\x07\x1b[2J\x9b1m\xe2\x80\xae\xc2\x9b\xff"


def test_nothing_a_server_says_reaches_the_terminal_as_a_command():
    fields = [name + b": a" + HOSTILE.translate(None, b"\x1b\x07") + b"b" for name in
              (b"ETag", b"Last-Modified", b"Content-Type", b"Vary", b"Cache-Control", b"X-Cache", b"Location", b"Via")]
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + b"\r\n".join(fields) + b"\r\n\r\n"
    with Origin(head) as origin:
        text, lines = check(origin.url("/")), check_json(origin.url("/"))
    assert (text.status, lines.status) == (0, 0)
    assert all(" " <= letter <= "~" or letter == "\n" for letter in text.text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", lines.text)


def test_control_characters_in_a_head_are_a_failure():
    with Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: " + HOSTILE + b"\r\n\r\n") as origin:
        checked = check(origin.url("/"))
    assert checked.status == 2 and "\x1b" not in checked.text


def test_colors_are_for_terminals_or_on_demand(origin):
    plain = check(origin.url("/a"))
    colored = check("--color=always", origin.url("/a"), env={"NO_COLOR": "1"})
    assert not ESCAPE.search(plain.text)
    assert ESCAPE.search(colored.text)
    assert ESCAPE.sub("", colored.text).splitlines()[:2] == plain.text.splitlines()[:2]


def test_report_tells_what_may_be_kept_for_how_long_and_what_is_odd():
    fields = ["Cache-Control: s-maxage=7200, max-age=60, max-age=30", "Set-Cookie: id=1", "Vary: Cookie", "Age: 90",
              f"Last-Modified: {EARLIER}", "ETag: unquoted"]
    with Origin(dated(b"page", *fields)) as origin:
        checked, text = check_json(origin.url("/")), check(origin.url("/")).text
    caching = checked.place["caching"]
    assert (caching["browser"]["lifetime_s"], caching["browser"]["lifetime_from"]) == (30, "max-age")
    assert (caching["shared"]["lifetime_s"], caching["shared"]["lifetime_from"]) == (7200, "s-maxage")
    assert caching["shared"]["never_longer"] and caching["age_s"] >= 90
    assert checked.notes() >= {"directive-twice", "cookie-shared", "vary-cookie", "etag-invalid", "etag-ignored",
                               "date-ignored"}
    assert "! Set-Cookie: shared caches may keep it, cookie and all" in text


def test_validators_that_work_are_told_from_those_that_do_not(origin):
    def answer(request):
        if request.has("If-None-Match"):
            return b"HTTP/1.1 304 Not Modified\r\n\r\n"
        if request.has("If-Modified-Since"):
            return dated(b"oops", status="500 Internal Server Error")
        return dated(b"page", KEPT, 'ETag: "1"', f"Last-Modified: {LATER}")
    origin.answer = answer
    assert check_json(origin.url("/")).notes() >= {"confirmed-by-etag", "date-breaks"}


# -- ending

WRONG = {
    "no URL": [],
    "no scheme": ["example.org/a"],
    "another scheme": ["ftp://example.org/"],
    "a blank": ["http://127.0.0.1/a b"],
    "a control character": ["http://127.0.0.1/\x1b[2J"],
    "a field without a colon": ["-H", "X-Field", "http://127.0.0.1:1/"],
    "a field with a line end": ["-H", "X: a\r\nHost: b", "http://127.0.0.1:1/"],
    "a field of the connection": ["-H", "Content-Length: 5", "http://127.0.0.1:1/"],
    "a place without a port": ["--connect-to=a:b", "http://127.0.0.1:1/"],
    "a port beyond": ["--connect-to=::a:65536", "http://127.0.0.1:1/"],
    "no rounds": ["--repeat=0", "http://127.0.0.1:1/"],
    "no time": ["--timeout=soon", "http://127.0.0.1:1/"],
    "another color": ["--color=red", "http://127.0.0.1:1/"],
    "places twice": ["--all-addresses", "--connect-to=::a:1", "http://127.0.0.1:1/"],
    "a bad configuration": ["--mode=odd", "http://127.0.0.1:1/"],
    "no such file of anchors": ["--trust=/nonexistent", "http://127.0.0.1:1/"],
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_usage_is_explained_and_ends_with_2(kind):
    checked = check(*WRONG[kind])
    assert (checked.status, checked.text) == (2, "")
    assert checked.complaints and all(" " <= letter <= "~" or letter == "\n" for letter in checked.complaints)


def test_secret_in_a_wrong_field_is_not_repeated():
    assert "secret" not in check("-H", "Authorization secret", "http://127.0.0.1:1/").complaints


def test_one_stale_page_outweighs_one_that_cannot_be_reached():
    with Site(lambda _: page(b"old")) as site:
        check(site.url("/a"))
        site.page = lambda _: page(b"new")
        assert check("http://127.0.0.1:1/", site.url("/a")).status == 1
        assert check("http://127.0.0.1:1/", site.url("/b")).status == 2
