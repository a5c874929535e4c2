"""`freshet check` finds out whether a cache answers with something old: real caches, and such as are hard to see through."""
import gzip
import itertools

import pytest

from harness import Origin
from harness.caches import Squid, Varnish, nginx_cache
from harness.check import (EARLIER, LATER, Site, as_written_plainly, check, check_json, dated, wants_fresh,
                           without_query)

KEPT = "Cache-Control: max-age=600"
SAYS_HIT = ("Age: 40", "X-Cache: HIT")
LONG_PATH = "/some/longer/address/of/a/page.html"  # with ways enough to write it


def news(body, changed):
    return dated(body, KEPT, f'ETag: "{body.decode()}"', f"Last-Modified: {changed}")


def make_stale(origin, url):
    """The cache behind the URL has stored what the origin no longer says."""
    origin.answer = news(b"old", EARLIER)
    assert check_json(url).verdict == "fresh"
    origin.answer = news(b"new", LATER)


def test_what_no_cache_touches_is_fresh_after_three_questions_and_one_for_each_validator(origin):
    origin.answer = news(b"page", EARLIER)
    checked = check_json(origin.url("/page.html"))
    assert (checked.status, checked.verdict) == (0, "fresh")
    asked = [answer["asked"] for answer in checked.place["answers"]]
    assert asked == ["plain", "changed", "changed-again", "If-None-Match", "If-Modified-Since"]
    assert len(set(request.target for request in origin.requests)) == 3


def test_nginx_that_says_nothing_is_found_to_be_stale(origin):
    with nginx_cache(origin) as cache:
        make_stale(origin, cache.url("/a"))
        checked = check_json(cache.url("/a"))
    assert (checked.status, checked.verdict) == (1, "stale")
    assert (checked.place["by_s"], checked.place["by"], "layer" in checked.place) == (3600, "Last-Modified", False)
    assert set(checked.place["differs"]) == {"sha256", "etag", "last_modified"}
    assert checked.place["triple_reaches"] is False


def test_varnish_is_named_as_the_layer_that_is_stale(origin):
    with Varnish(origin) as cache:
        make_stale(origin, cache.url("/a"))
        checked, text = check_json(cache.url("/a")), check(cache.url("/a")).text
    assert (checked.status, checked.verdict, checked.place["layer"]) == (1, "stale", "varnish")
    assert "STALE: varnish answered with an old copy, 1 h older than the origin's, by Last-Modified." in text


def test_squid_that_is_stale_is_found_to_heed_the_triple(origin):
    with Squid(origin) as cache:
        make_stale(origin, cache.url("/a"))
        checked = check_json(cache.url("/a"))
    assert (checked.status, checked.verdict, checked.place["layer"]) == (1, "stale", "squid.test")
    assert checked.place["triple_reaches"] is True


def test_copy_that_still_holds_is_fresh_and_called_a_copy(origin):
    origin.answer = news(b"page", EARLIER)
    with Varnish(origin) as cache:
        check(cache.url("/a"))
        checked = check(cache.url("/a"))
    assert checked.status == 0
    assert "FRESH: varnish answered with a copy, and the origin still says the same." in checked.text


def counting():
    numbers = itertools.count()
    return lambda request: dated(b"visit %d" % next(numbers), KEPT)


def test_what_is_different_each_time_is_dynamic():
    with Origin(counting()) as origin:
        checked = check_json(origin.url("/a"))
    assert (checked.status, checked.verdict, checked.place["perhaps_stored"]) == (0, "dynamic", False)


def test_stored_answer_of_a_dynamic_page_leaves_it_open_how_old_it_is():
    with Site(counting(), says=SAYS_HIT) as site:
        check(site.url("/a"))
        checked = check_json(site.url("/a"))
    assert (checked.status, checked.verdict, checked.place["perhaps_stored"]) == (3, "dynamic", True)
    assert "cannot be known" in checked.place["reason"]


def become_stale(site, path):
    """The site's cache has stored what its page no longer says."""
    site.page = lambda _: news(b"old", EARLIER)
    check(site.url(path))
    site.page = lambda _: news(b"new", LATER)


def test_cache_that_overlooks_parameters_is_seen_through_by_the_path():
    with Site(lambda _: news(b"old", EARLIER), key=without_query, says=SAYS_HIT) as site:
        still = check_json(site.url(LONG_PATH))
        site.stored.clear()
        become_stale(site, LONG_PATH)
        stale = check_json(site.url(LONG_PATH))
    assert (still.status, still.verdict, still.place["witness"]) == (0, "fresh", "path")
    assert (stale.status, stale.verdict, stale.place["witness"]) == (1, "stale", "path")


def test_cache_that_knows_equivalent_paths_is_seen_through_by_the_parameter():
    with Site(None, key=as_written_plainly) as site:
        become_stale(site, LONG_PATH)
        checked = check_json(site.url(LONG_PATH))
    assert (checked.status, checked.verdict, checked.place["witness"]) == (1, "stale", "changed")


def test_cache_that_overlooks_every_change_is_called_one():
    with Site(None, key=lambda _: "", says=SAYS_HIT) as site:
        become_stale(site, "/a")
        checked = check_json(site.url("/a"))
    assert (checked.status, checked.verdict) == (3, "key-ignored")


def test_cache_that_overlooks_every_change_but_heeds_the_triple_is_seen_through():
    with Site(None, key=lambda _: "", says=SAYS_HIT, obeys=wants_fresh) as site:
        become_stale(site, "/a")
        checked = check_json(site.url("/a"))
    assert (checked.status, checked.verdict, checked.place["witness"]) == (1, "stale", "triple")


def test_stored_error_of_a_page_that_is_back_is_stale():
    with Site(lambda _: dated(b"gone", KEPT, status="404 Not Found")) as site:
        check(site.url("/a"))
        site.page = lambda _: dated(b"here", KEPT)
        checked = check_json(site.url("/a"))
    assert (checked.status, checked.verdict) == (1, "stale")
    assert "status" in checked.place["differs"]


def compressing(request):
    """As nginx does with `gzip on`, and without a word in Vary."""
    if "gzip" in request.one("Accept-Encoding"):
        return dated(gzip.compress(b"page" * 100, mtime=0), KEPT, "Content-Encoding: gzip", 'ETag: W/"1"')
    return dated(b"page" * 100, KEPT, 'ETag: "1"')


def test_copy_that_is_not_compressed_is_not_stale_for_that():
    with Origin(compressing) as origin, nginx_cache(origin) as cache:
        assert check_json("-H", "Accept-Encoding: identity", cache.url("/a")).verdict == "fresh"
        checked = check_json(cache.url("/a"))
    assert (checked.status, checked.verdict) == (0, "fresh")
    assert (checked.answer("changed")["length"], checked.place["differs"]) == (400, [])


def test_copy_that_is_compressed_otherwise_is_called_uncertain_and_not_stale():
    with Site(lambda _: dated(gzip.compress(b"page" * 100, 9, mtime=0), KEPT, "Content-Encoding: gzip", 'ETag: W/"1"')) as site:
        check(site.url("/a"))
        site.page = lambda _: dated(gzip.compress(b"page" * 100, 0, mtime=0), KEPT, "Content-Encoding: gzip", 'ETag: W/"1"')
        checked = check_json(site.url("/a"))
    assert (checked.status, checked.verdict, checked.place["witness"]) == (3, "uncertain", "changed")
    assert "compressed anew" in checked.place["reason"]


def refusing(request):
    return dated(b"page", KEPT) if request.target == "/a" else dated(b"what?", status="404 Not Found")


def test_site_that_refuses_changed_addresses_cannot_be_judged():
    with Origin(refusing) as origin:
        checked = check_json(origin.url("/a"))
    assert (checked.status, checked.verdict) == (3, "uncertain")


def test_redirects_are_compared_by_where_they_lead_and_not_by_our_marks():
    def moved(request):
        return dated(request.target.encode(), f"Location: {request.target.replace('/a', '/b')}", status="302 Found")
    with Origin(moved) as origin:
        checked = check_json(origin.url("/a?x=1"))
    assert (checked.status, checked.verdict) == (0, "fresh")
    assert {answer["location"] for answer in checked.place["answers"]} == {"/b?x=1"}


def test_redirect_that_leads_elsewhere_by_now_is_stale():
    with Site(lambda _: dated(b"", KEPT, "Location: /old", status="301 Moved Permanently")) as site:
        check(site.url("/a"))
        site.page = lambda _: dated(b"", KEPT, "Location: /new", status="301 Moved Permanently")
        checked = check_json(site.url("/a"))
    assert (checked.status, checked.place["differs"]) == (1, ["location"])


@pytest.mark.parametrize("query", ["X-Amz-Signature=0a1b&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host",
                                   "sig=abc%3D&se=2030-01-01T00%3A00%3A00Z&sv=2022-11-02&sp=r"])
def test_signed_address_is_never_changed(query):
    with Site(lambda _: dated(b"page", KEPT)) as site:
        checked = check_json(site.url(f"/a?{query}"))
        assert set(site.targets) == {f"/a?{query}"}
    assert (checked.status, checked.verdict) == (3, "uncertain")
    assert "signature" in checked.place["reason"]


def test_request_with_credentials_gets_no_parameter_added():
    with Site(lambda _: dated(b"page", KEPT)) as site:
        check_json("-H", "Authorization: Basic YTpi", site.url(LONG_PATH))
        assert not [target for target in site.targets if "?" in target]
        assert len(set(site.targets)) == 3


def test_page_that_changes_while_it_is_looked_at_is_no_proof():
    def changing(request):
        return news(b"old", EARLIER) if not requests.append(request) and len(requests) == 1 else news(b"new", LATER)
    requests = []
    with Origin(changing) as origin:
        checked = check_json(origin.url("/a"))
    assert (checked.status, checked.verdict) == (3, "uncertain")
