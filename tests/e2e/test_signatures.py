"""Signed requests arrive as they were signed: at an origin that computes AWS Signature Version 4 from what it got."""
import pytest

from harness import Freshet, Origin, response
from harness.sigv4 import presigned, signed_fields, verify

TRIPLE = "no-cache, no-store, must-revalidate"
DATE = "Sun, 22 Nov 2026 11:00:00 GMT"

# What bust would set or remove, had it not been signed.
BUSTED = {
    "cache-control": {"Cache-Control": "max-age=0"},
    "pragma-and-expires": {"Pragma": "x", "Expires": "1"},
    "if-none-match": {"If-None-Match": '"v1"'},
    "if-modified-since": {"If-Modified-Since": DATE},
    "range": {"Range": "bytes=5-", "If-Range": '"v1"'},
    "range-alone": {"Range": "bytes=5-"},
    "accept-encoding": {"Accept-Encoding": "gzip, dcb"},
    "dictionary": {"Available-Dictionary": ":abc=:"},
    "everything": {"Cache-Control": "no-transform", "Pragma": "y", "If-None-Match": '"v1"', "If-Match": '"v2"',
                   "Range": "bytes=0-1", "If-Range": '"v1"', "Content-Type": "a/b", "Date": DATE},
}


def guarded(request):
    return response(b"open") if verify(request) else response(b"SignatureDoesNotMatch", status="403 Forbidden")


@pytest.fixture
def store():
    with Origin(answer=guarded) as listening:
        yield listening


def test_store_refuses_what_was_changed(client, store):
    fields = signed_fields("GET", store.authority, "/b/o", {"If-None-Match": '"v1"'})
    assert client.get(store.url("/b/o"), *fields).status == 200
    assert client.get(store.url("/b/x"), *fields).status == 403
    assert client.get(store.url("/b/o?x"), *fields).status == 403
    assert client.get(store.url("/b/o"), *[field.replace("v1", "v2") for field in fields]).status == 403


@pytest.mark.parametrize("mode", ["bust", "revalidate"])
@pytest.mark.parametrize("name", BUSTED)
def test_request_with_a_signature_is_accepted(proxies, store, name, mode):
    fields = signed_fields("GET", store.authority, "/b/o?versionId=1&a", BUSTED[name])
    with proxies[mode].client() as client:
        assert client.get(store.url("/b/o?versionId=1&a"), *fields).status == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
def test_signature_covers_other_methods_too(client, store, method):
    fields = signed_fields(method, store.authority, "/b/o", BUSTED["everything"])
    assert client.exchange(method, store.url("/b/o"), *fields).status == 200


@pytest.mark.parametrize("name", BUSTED)
def test_presigned_url_is_accepted(client, store, name):
    target = presigned(store.authority, "/b/o%20o", BUSTED[name])
    fields = [f"{field}: {value}" for field, value in BUSTED[name].items()]
    assert client.get(store.url(target), *fields).status == 200
    assert store.last.target == target


def test_fields_that_a_presigned_url_does_not_cover_are_busted(client, store):
    target = presigned(store.authority, "/b/o")
    assert client.get(store.url(target), 'If-None-Match: "v1"', "Cache-Control: max-age=0").status == 200
    assert not store.last.has("If-None-Match")
    assert store.last.all("Cache-Control") == [TRIPLE]


def test_log_says_what_a_signature_prevented(proxy, client, store):
    client.get(store.url("/b/why"), *signed_fields("GET", store.authority, "/b/why", {"If-None-Match": '"v1"'}))
    assert proxy.record(store.url("/b/why"))["freshet.not_busted_reason"] == "a signed field was left as it was"


@pytest.fixture(scope="module")
def proxies(proxy):
    with Freshet(mode="revalidate") as revalidating:
        yield {"bust": proxy, "revalidate": revalidating}
