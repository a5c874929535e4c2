"""What mode bust does to responses, field by field."""
import pytest

from harness import Freshet, Client, chunked, response
from harness.http1 import Incomplete

TRIPLE = "no-cache, no-store, must-revalidate"
THEN = "Thu, 01 Jan 2026 00:00:00 GMT"
NOW = "Sun, 22 Nov 2026 12:00:00 GMT"


def answer_with(client, origin, *fields, method="GET", ask=(), body=b"x", status="200 OK"):
    origin.answer = response(b"" if method == "HEAD" else body, *fields, status=status)
    return client.exchange(method, origin.url("/a"), *ask, body=b"" if method in ("GET", "HEAD") else b"q")


@pytest.mark.parametrize("field", [
    "Age: 300", 'Warning: 110 - "stale"', "CDN-Cache-Control: max-age=600",
    "Cloudflare-CDN-Cache-Control: max-age=600",
    "Netlify-CDN-Cache-Control: public", "vercel-cdn-cache-control: max-age=1",
    "X-Own-Cache-Control: max-age=1",
    "Surrogate-Control: max-age=3600", "Edge-Control: cache-maxage=1d", "X-Accel-Expires: 3600",
    'Alt-Svc: h3=":443"; ma=86400',
    'Use-As-Dictionary: match="/*"', "No-Vary-Search: params", 'Cache-Groups: "a"'])
def test_field_that_lets_copies_live_is_removed(client, origin, field):
    assert not answer_with(client, origin, field).has(field.split(":")[0])


@pytest.mark.parametrize("field", [
    "Vary: Accept-Encoding, Cookie", f"Date: {NOW}", "Set-Cookie: a=1; Path=/; HttpOnly", 'ETag: "v1"',
    'ETag: W/"v1"',
    f"Last-Modified: {THEN}", "Content-Type: text/html; charset=utf-8",
    "Strict-Transport-Security: max-age=31536000",
    "Access-Control-Allow-Origin: *", "X-Cache: HIT", "Location: /next", "Server: o/1",
    "Link: </a.css>; rel=preload",
    "WWW-Authenticate: Basic realm=\"x\"", "X-Cache-Controller: a", "Clear-Site-Data: \"cache\""])
def test_other_field_is_kept_byte_for_byte(client, origin, field):
    name, value = field.split(": ", 1)
    assert (name, value) in answer_with(client, origin, field).fields


def test_response_fields_keep_order_and_case(client, origin):
    fields = ["server: x", "SET-COOKIE: b=2", "Vary: *", "Set-Cookie: a=1", "date: " + NOW, "ETAG: \"q\"",
              "X-Last:"]
    answer = answer_with(client, origin, *fields)
    sent = [line.split(":")[0] for line in fields]
    assert [name for name in answer.names() if name in sent] == sent
    assert answer.all("set-cookie") == ["b=2", "a=1"]


def test_every_set_cookie_stays_a_field_of_its_own(client, origin):
    cookies = [f"c{n}={n}; Expires={THEN}" for n in range(20)]
    assert answer_with(client, origin, *(f"Set-Cookie: {cookie}"
                                         for cookie in cookies)).all("Set-Cookie") == cookies


def test_preflight_answers_may_not_be_remembered(client, origin):
    answer = answer_with(client, origin, "Access-Control-Max-Age: 86400", method="OPTIONS",
                         ask=("Origin: http://a.test", "Access-Control-Request-Method: PUT"))
    assert answer.all("Access-Control-Max-Age") == ["0"]


def test_absent_access_control_max_age_is_not_invented(client, origin):
    assert not answer_with(client, origin).has("Access-Control-Max-Age")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_answer_to_unsafe_method_may_be_kept_for_history(client, origin, method):
    answer = answer_with(client, origin, "Cache-Control: max-age=60", method=method)
    assert answer.all("Cache-Control") == ["no-cache, must-revalidate"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "QUERY"])
def test_answer_to_safe_method_gets_the_triple(client, origin, method):
    answer = answer_with(client, origin, "Cache-Control: max-age=60", method=method)
    assert answer.all("Cache-Control") == [TRIPLE]


@pytest.mark.parametrize("status", ["200 OK", "203 Non-Authoritative", "206 Partial Content", "301 Moved",
                                    "404 Not Found",
                                    "410 Gone", "500 Oops", "503 Busy"])
def test_answer_of_any_status_gets_the_triple(client, origin, status):
    answer = answer_with(client, origin, "Cache-Control: max-age=60", status=status)
    assert answer.status == int(status[:3])
    assert answer.all("Cache-Control") == [TRIPLE]


def test_last_modified_becomes_date_when_if_modified_since_was_removed(client, origin):
    answer = answer_with(client, origin, f"Last-Modified: {THEN}", f"Date: {NOW}",
                         ask=(f"If-Modified-Since: {THEN}",))
    assert answer.all("Last-Modified") == [NOW]
    assert answer.all("Date") == [NOW]


def test_last_modified_is_kept_when_nothing_was_removed(client, origin):
    answer = answer_with(client, origin, f"Last-Modified: {THEN}", f"Date: {NOW}", ask=('If-None-Match: "v1"',))
    assert answer.all("Last-Modified") == [THEN]


def test_last_modified_is_not_invented_for_the_conditional_client(client, origin):
    answer = answer_with(client, origin, f"Date: {NOW}", ask=(f"If-Modified-Since: {THEN}",))
    assert not answer.has("Last-Modified")


def test_received_cache_status_members_stay_before_ours(client, origin):
    answer = answer_with(client, origin, 'Cache-Status: "edge"; hit; ttl=30', "Cache-Status: shield; fwd=miss")
    members = answer.all("Cache-Status")
    assert members[:2] == ['"edge"; hit; ttl=30', "shield; fwd=miss"]
    assert len(members) == 3
    assert members[2].startswith("freshet; fwd=bypass")


@pytest.mark.parametrize("trailer", ["Cache-Control: max-age=3600", "Expires: " + THEN, "Age: 5",
                                     "CDN-Cache-Control: max-age=9",
                                     "Alt-Svc: h3=\":443\"", "Content-Length: 5", "Host: x",
                                     "Connection: close", "Pragma: cache", "Surrogate-Control: max-age=1"])
def test_trailer_cannot_bring_a_field_back(client, origin, trailer):
    origin.answer = response(chunked(b"abc", trailers=[trailer, "X-Checksum: 1"]), "Transfer-Encoding: chunked",
                             "Trailer: X-Checksum", length=False)
    answer = client.get(origin.url("/trailers"), "TE: trailers", "Connection: TE")
    assert answer.body == b"abc"
    assert answer.trailers == [("X-Checksum", "1")]


def test_trailer_that_frames_again_leaves_the_answer_cut_short(client, origin):
    origin.answer = response(chunked(b"abc", trailers=["Transfer-Encoding: chunked", "X-Checksum: 1"]),
                             "Transfer-Encoding: chunked", length=False)
    with pytest.raises(Incomplete):
        client.get(origin.url("/trailers"), "TE: trailers", "Connection: TE")
    assert client.closed_by_peer()


def test_permanent_redirect_is_kept_by_default(client, origin):
    answer = answer_with(client, origin, "Location: http://a.test/", status="301 Moved Permanently")
    assert (answer.status, answer.one("Location")) == (301, "http://a.test/")


@pytest.fixture(scope="module")
def temporary():
    with Freshet(redirects="temporary") as running:
        yield running


@pytest.mark.parametrize("sent, seen", [(301, 302), (308, 307), (302, 302), (307, 307), (303, 303), (200, 200)])
def test_redirects_option_makes_permanent_ones_temporary(temporary, origin, sent, seen):
    with Client(temporary.port) as client:
        answer = answer_with(client, origin, "Location: /there", status=f"{sent} Reason")
    assert (answer.status, answer.one("Location")) == (seen, "/there")


@pytest.fixture(scope="module")
def stripping():
    with Freshet(validators="strip") as running:
        yield running


def test_validators_option_strips_etag_and_last_modified(stripping, origin):
    with Client(stripping.port) as client:
        answer = answer_with(client, origin, 'ETag: "v1"', f"Last-Modified: {THEN}", "X-Kept: 1")
    assert (answer.has("ETag"), answer.has("Last-Modified")) == (False, False)
    assert answer.one("X-Kept") == "1"
