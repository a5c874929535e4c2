"""The seed: the one request and the one response that freshet was written for."""
from harness import response
from harness.triple import assert_exactly_the_triple


def test_seed_request_arrives_with_exactly_the_triple(client, origin):
    client.get(origin.url("/echo"), "Cache-Control: no-cache, no-store, must-revalidate", "Pragma: no-cache",
               "Expires: 0")
    assert origin.last.start == "GET /echo HTTP/1.1"
    assert_exactly_the_triple(origin.last)


def test_request_without_the_fields_arrives_with_exactly_the_triple(client, origin):
    client.get(origin.url("/echo"), "User-Agent: seed", "Accept: */*")
    assert_exactly_the_triple(origin.last)


def test_request_that_asks_for_cached_copies_arrives_with_exactly_the_triple(client, origin):
    client.get(origin.url("/echo"), "cache-control: max-stale=600", "Cache-Control: only-if-cached",
               "PRAGMA: x-vendor", "Expires: Thu, 01 Jan 2037 00:00:00 GMT", "Expires: 0")
    assert_exactly_the_triple(origin.last)


def test_seed_response_reaches_the_client_as_exactly_the_triple(client, origin):
    origin.answer = response(b"seed", "Cache-Control: private, max-age=3600, must-revalidate",
                             "Expires: Thu, 01 Jan 2037 00:00:00 GMT", "Content-Type: text/plain")
    answer = client.get(origin.url("/seed"))
    assert (answer.status, answer.body) == (200, b"seed")
    assert_exactly_the_triple(answer)


def test_response_without_cache_fields_reaches_the_client_with_exactly_the_triple(client, origin):
    assert_exactly_the_triple(client.get(origin.url("/bare")))


def test_response_with_scattered_cache_fields_reaches_the_client_with_exactly_the_triple(client, origin):
    origin.answer = response(b"x", "Pragma: cache", "CACHE-CONTROL: public", "X-Between: 1",
                             "cache-control: immutable",
                             "expires: 0", "Expires: Thu, 01 Jan 2037 00:00:00 GMT", "pragma: no-cache")
    answer = client.get(origin.url("/scattered"))
    assert_exactly_the_triple(answer)
    assert answer.one("X-Between") == "1"


def test_body_of_the_seed_response_is_untouched(client, origin):
    body = bytes(range(256)) * 40
    origin.answer = response(body, "Cache-Control: max-age=3600")
    assert client.get(origin.url("/bytes")).body == body


def test_busted_answer_says_so_in_cache_status(client, origin):
    answer = client.get(origin.url("/status"))
    assert answer.one("Cache-Status").startswith("freshet; fwd=bypass")


def test_busted_exchange_is_logged_with_its_edits(proxy, client, origin):
    origin.answer = response(b"x", "Cache-Control: max-age=3600")
    client.get(origin.url("/logged"), 'If-None-Match: "v1"')
    record = proxy.record(origin.url("/logged"))
    assert record["freshet.mode"] == "bust"
    assert record["freshet.busted"] is True
    assert {"cache-control=", "-if-none-match"} <= set(record["freshet.edits.request"])
    assert "cache-control=" in record["freshet.edits.response"]
