"""What piercing must not break: servers that mind changed URLs, redirects, downloads in pieces, signatures, https."""
import re

import pytest

from harness import Client, Freshet, Origin, response
from harness.cached_site import CachedSite, decoded, decoded_path, page, raw
from harness.origin import wait_until
from harness.sigv4 import presigned, signed_fields, verify
from harness.tls import Interceptor, TlsOrigin

PATH = "/articles/index-of-all.html"
NOT_FOUND = page("none", status="404 Not Found")


@pytest.fixture(scope="module")
def always():
    with Freshet(pierce="always") as running:
        yield running


def ask(proxy, url, *fields, method="GET"):
    with Client(proxy.port) as client:
        return client.exchange(method, url, *fields)


def rung_of(request):
    if "_freshet=" in request.target:
        return "query"
    if re.search(r"[?&]&+$", request.target):
        return "empty"
    return "path" if "%" in request.target else "original"


def rungs(site):
    return [rung_of(request) for request in site.requests]


def only(*accepted):
    """A server that knows these ways to write a URL, and has nothing under others."""
    return lambda request, version: page(version) if rung_of(request) in accepted else NOT_FOUND


def shown(record):
    return record.get("freshet.pierced"), record.get("freshet.repeats")


# ---- servers that take offence


def test_server_that_routes_on_undecoded_paths_gets_the_query(proxy):
    with CachedSite(raw, make=only("original", "query")) as site:
        site.publish(PATH)
        assert ask(proxy, site.url(PATH)).body == b"version 2"
        assert rungs(site) == ["original", "path", "query"]
        ask(proxy, site.url(PATH))
        assert rungs(site)[3:] == ["query"]


def test_server_that_minds_parameters_gets_empty_ones(proxy):
    with CachedSite(decoded, make=only("original", "empty")) as site:
        site.publish("/")
        assert ask(proxy, site.url("/")).body == b"version 2"
        assert rungs(site) == ["original", "query", "empty"]
        assert shown(proxy.record(site.url("/"))) == ("empty", 2)


def test_server_that_knows_the_original_only_is_left_alone_from_then_on(proxy):
    with CachedSite(raw, make=only("original")) as site:
        site.publish(PATH)
        answer = ask(proxy, site.url(PATH))
        assert (answer.status, answer.body) == (200, b"version 1")
        assert rungs(site) == ["original", "path", "query", "empty", "original"]
        record = proxy.record(site.url(PATH))
        assert record["freshet.not_busted_reason"].startswith("could not be pierced")
        assert shown(record) == (None, 4)
        assert ask(proxy, site.url(PATH)).status == 200
        assert rungs(site)[5:] == ["original"]


def test_always_goes_back_to_the_original_as_well(always):
    with CachedSite(raw, make=only("original"), silent=True) as site:
        assert ask(always, site.url(PATH)).body == b"version 1"
        assert rungs(site) == ["path", "original", "query", "original"]
        assert ask(always, site.url(PATH)).body == b"version 1"
        assert rungs(site)[4:] == ["original"]


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "414 URI Too Long",
                                    "500 Internal Server Error"])
def test_any_status_that_may_be_about_the_url_leads_back(always, status):
    def make(request, version):
        return page(version) if rung_of(request) == "original" else page("x", status=status)

    with CachedSite(raw, make=make) as site:
        assert ask(always, site.url("/")).body == b"version 1"


@pytest.mark.parametrize("status", ["412 Precondition Failed", "416 Range Not Satisfiable", "429 Too Many Requests",
                                    "503 Service Unavailable"])
def test_status_that_is_not_about_the_url_is_the_clients(always, status):
    with Origin(page("x", status=status)) as origin:
        assert ask(always, origin.url("/")).status == int(status[:3])
        assert len(origin.requests) == 1


def test_server_that_closes_on_changed_urls_is_asked_for_the_original(always):
    def script(conn):
        if rung_of(conn.read_request()) == "original":
            conn.send(page("here", "Connection: close"))

    with Origin(script=script) as origin:
        assert ask(always, origin.url("/")).body == b"version here"


def test_page_that_is_missing_is_missing(proxy, always):
    with CachedSite(decoded, make=lambda *_: NOT_FOUND) as site:
        site.publish(PATH)
        assert ask(proxy, site.url(PATH)).status == 404
    with CachedSite(raw, make=lambda *_: NOT_FOUND, silent=True) as site:
        assert ask(always, site.url(PATH)).status == 404
        assert rungs(site) == ["path", "original"]


def test_stored_404_of_a_page_that_is_there_now_is_passed_by(proxy):
    with CachedSite(decoded, make=lambda _, version: page(version) if version > 1 else NOT_FOUND) as site:
        site.publish("/")
        answer = ask(proxy, site.url("/"))
        assert (answer.status, answer.body) == (200, b"version 2")


def test_stored_page_that_is_gone_now_is_gone(proxy):
    def make(request, version):
        return page(version) if version < 3 or "other" in request.target else NOT_FOUND

    with CachedSite(decoded, make=make) as site:
        site.publish("/", "/other")
        ask(proxy, site.url("/other"))
        site.version = 3
        assert ask(proxy, site.url("/")).status == 404


def test_start_page_that_answers_for_unknown_routes_is_not_taken_for_the_answer(proxy):
    def make(request, version):
        if rung_of(request) == "path":
            return page("start page")
        return page(version, kind="application/json")

    with CachedSite(raw, make=make) as site:
        site.publish("/api/articles/latest")
        assert ask(proxy, site.url("/api/articles/latest")).body == b"version 2"
        assert rungs(site) == ["original", "path", "query"]


# ---- redirects


def redirecting(request, location, status="302 Found"):
    return response(b"", f"Location: {location}", "Content-Location: " + request.target,
                    f"Link: <{request.target}>; rel=canonical, </a.css>; rel=preload", f"Refresh: 5; url={request.target}",
                    status=status)


@pytest.mark.parametrize("target,rung", [("/", "query"), ("/?a=1&b", "query"), (PATH, "path"), (PATH + "?q", "path")])
def test_client_sees_its_own_urls(always, target, rung):
    def make(request, _):
        return redirecting(request, "https://else.test" + request.target)

    with CachedSite(raw, make=make) as site:
        answer = ask(always, site.url(target))
        assert rungs(site) == [rung]
        assert answer.one("Location") == "https://else.test" + target
        assert answer.one("Content-Location") == target
        assert answer.all("Link") == [f"<{target}>; rel=canonical, </a.css>; rel=preload"]
        assert answer.one("Refresh") == f"5; url={target}"


def test_address_to_come_back_to_after_login_is_the_clients_own(always):
    def make(request, _):
        quoted = request.target.replace("%", "%25").replace("/", "%2F").replace("?", "%3F").replace("=", "%3D")
        return response(b"", "Location: /login?next=" + quoted, status="302 Found")

    with CachedSite(raw, make=make) as site:
        assert ask(always, site.url(PATH)).one("Location") == "/login?next=" + PATH.replace("/", "%2F")
        assert ask(always, site.url("/me")).one("Location") == "/login?next=%2Fme"


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("target", ["/", PATH])
def test_server_that_redirects_to_the_canonical_url_does_not_loop_the_client(always, target, absolute):
    def make(request, version):
        if rung_of(request) == "original":
            return page(version)
        return response(b"", "Location: " + ("http://" + request.one("Host") if absolute else "") + target,
                        status="301 Moved Permanently")

    with CachedSite(raw, make=make) as site:
        assert ask(always, site.url(target)).body == b"version 1"
        assert ask(always, site.url(target)).body == b"version 1"
        assert rungs(site)[-1] == "original"


def test_redirect_to_https_is_a_redirect(always):
    with CachedSite(raw, make=lambda r, _: redirecting(r, f"https://{r.one('Host')}{r.target}", "301 x")) as site:
        answer = ask(always, site.url("/"))
        assert (answer.status, answer.one("Location")) == (301, f"https://{site.authority}/")
        assert len(site.requests) == 1


def test_request_from_a_page_that_shows_a_changed_url_is_put_right(always, origin):
    old = "_freshet=0123456789abcdef"
    ask(always, origin.url(f"/?a&{old}"), f"Referer: {origin.url('/b?' + old)}")
    assert origin.last.target.startswith("/?a&_freshet=") and old not in origin.last.target
    assert origin.last.one("Referer") == origin.url("/b")
    assert always.record(origin.url("/?a"))["url.original"] == origin.url("/?a")
    ask(always, origin.url(f"/?{old}"), method="POST")
    assert origin.last.target == "/"


def test_parameter_of_the_same_name_that_is_not_ours_stays(always, origin):
    ask(always, origin.url("/?_freshet=mine"), f"Referer: {origin.url('/?_freshet=mine')}")
    assert origin.last.target.startswith("/?_freshet=mine&_freshet=")
    assert origin.last.one("Referer") == origin.url("/?_freshet=mine")


# ---- pieces


def test_pieces_of_a_file_are_of_one_version(always):
    with CachedSite(decoded, make=lambda _, version: page(version, status="206 Partial Content")) as site:
        for first in (0, 10, 20):
            assert ask(always, site.url("/film"), f"Range: bytes={first}-{first + 9}").body == b"version 1"
            site.version += 1
        assert len({request.target for request in site.requests}) == 1
        assert rung_of(site.last) == "query"


def test_pieces_of_different_files_or_clients_are_not_related(always, loopbacks):
    with CachedSite(decoded, make=lambda _, version: page(version, status="206 Partial Content")) as site:
        ask(always, site.url("/film"), "Range: bytes=10-19")
        ask(always, site.url("/film?2"), "Range: bytes=10-19")
        with Client(always.port, source="127.0.0.2") as client:
            client.get(site.url("/film"), "Range: bytes=10-19")
        assert len({request.target.rpartition("=")[2] for request in site.requests}) == 3


def test_whole_files_are_fresh_whatever_is_fetched_in_pieces(always):
    with CachedSite(decoded) as site:
        ask(always, site.url("/film"), "Range: bytes=10-19")
        site.version = 2
        assert ask(always, site.url("/film")).body == b"version 2"


# ---- signatures


SIGNED_URLS = ["/?X-Amz-Signature=0&X-Amz-Credential=a", "/?sig=0&sv=2020-01-01", "/?Signature=0&Key-Pair-Id=a",
               "/?X-Goog-Signature=0", "/?oauth_signature=0", "/?token=abc", "/?Expires=1&x=y", "/?auth_key=0",
               "/files/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln/x"]
SIGNED_FIELDS = ["Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
                 "Authorization: SharedKey a:b", 'Authorization: OAuth oauth_signature="x"',
                 "Authorization: X-Own abc", "Cookie: CloudFront-Signature=a; b=c",
                 'Signature-Input: sig1=("@target-uri");created=1']


@pytest.mark.parametrize("target,fields", [*((url, ()) for url in SIGNED_URLS), *(("/", (f,)) for f in SIGNED_FIELDS)])
def test_signed_url_stays_as_it_is_and_the_log_says_whose_it_is(proxy, always, origin, target, fields):
    origin.answer = page(1, "Age: 30", "Cache-Control: max-age=3600")
    for asked in (proxy, always):
        ask(asked, origin.url(target), *fields)
        known = origin.url(target.partition("=")[0]) # of the signature the log hides the value
        assert "signed" in asked.record(known)["freshet.not_busted_reason"]
    assert [request.target for request in origin.requests] == [target, target]


def test_store_that_verifies_signatures_accepts_every_signed_request(always):
    def guarded(request):
        return response(b"open") if verify(request) else response(b"no", status="403 Forbidden")

    with Origin(answer=guarded) as store:
        fields = signed_fields("GET", store.authority, "/bucket/object-name.txt?versionId=1", {"Range": "bytes=5-"})
        assert ask(always, store.url("/bucket/object-name.txt?versionId=1"), *fields).status == 200
        assert ask(always, store.url(presigned(store.authority, "/bucket/object-name.txt"))).status == 200
        assert len(store.requests) == 2


# ---- connections


def test_server_that_is_gone_when_asked_again_is_an_error_at_once(proxy):
    with Origin(page(1, "Age: 9", "Connection: close")) as origin:
        def script(conn):
            conn.read_request()
            origin.stop_listening()
            conn.send(page(1, "Age: 9", "Connection: close"))
        origin.script = script
        answer = ask(proxy, origin.url("/"))
    assert answer.status == 502 and "connection_refused" in answer.one("Proxy-Status")


def test_early_hints_of_the_answer_that_counts_come_through(proxy):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    with CachedSite(decoded, make=lambda _, version: hints + page(version)) as site:
        site.publish("/")
        site.store = {key: answer.replace(hints, b"") for key, answer in site.store.items()}
        with Client(proxy.port) as client:
            client.request("GET", site.url("/"))
            assert client.read_head().startswith(b"HTTP/1.1 103 ")
            assert client.response().body == b"version 2"


def test_client_that_leaves_while_the_request_is_made_again_is_no_trouble(proxy):
    def script(conn):
        while (request := conn.read_request()) is not None:
            if rung_of(request) == "original":
                conn.send(page(1, "Age: 9"))

    with Origin(script=script) as origin:
        with Client(proxy.port) as client:
            client.request("GET", origin.url("/"))
            assert origin.wait_for_requests(2)
            client.reset()
        assert wait_until(lambda: proxy.record(origin.url("/"))["freshet.error"] == "the client went away")


def test_https_is_pierced_where_it_is_read(pki):
    with CachedSite(decoded) as site, TlsOrigin(pki.good, answer=site.answer_from_cache) as secure, \
            Interceptor(pki) as proxy:
        site.publish("/")
        assert proxy.get(secure, "/").body == b"version 2"
        assert rungs(secure) == ["original", "query"]
        assert proxy.record(secure.url("/"))["freshet.pierced"] == "query"


def test_parent_proxy_is_given_whole_changed_urls(origin):
    with Freshet(pierce="always", parent=f'"http://{origin.authority}"') as proxy:
        ask(proxy, "http://site.test/a?b")
        assert re.fullmatch(r"http://site\.test/a\?b&_freshet=[0-9a-f]{16}", origin.last.target)


def test_decoded_path_key_is_not_mistaken_for_pierced(always):
    with CachedSite(decoded_path) as site:
        site.publish("/")
        assert ask(always, site.url("/")).body == b"version 1"
        assert always.record(site.url("/"))["freshet.not_busted_reason"].startswith("could not be pierced")
