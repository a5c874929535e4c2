"""What mode bust does to requests, field by field, on safe and on unsafe methods."""
import pytest

TRIPLE = "no-cache, no-store, must-revalidate"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
SAFE = ["GET", "HEAD", "QUERY"]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "PROPPATCH"]


def ask(client, origin, method, *fields, path="/r"):
    client.exchange(method, origin.url(path), *fields, body=b"{}" if method not in ("GET", "HEAD") else b"")
    return origin.last


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize("field", ['If-None-Match: "v1"', 'If-None-Match: W/"v1", "v2"',
                                   f"If-Modified-Since: {DATE}"])
def test_safe_request_loses_its_validators(client, origin, method, field):
    assert not ask(client, origin, method, field).has(field.split(":")[0])


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("field", ["If-None-Match: *", 'If-None-Match: "v1"', f"If-Modified-Since: {DATE}",
                                   "Range: bytes=0-1", 'If-Range: "v1"'])
def test_unsafe_request_keeps_its_conditions(client, origin, method, field):
    name, value = field.split(": ", 1)
    assert ask(client, origin, method, field).all(name) == [value]


@pytest.mark.parametrize("method", SAFE + UNSAFE)
@pytest.mark.parametrize("field", ['If-Match: "v1"', "If-Match: *", f"If-Unmodified-Since: {DATE}"])
def test_lost_update_guard_is_kept_on_every_method(client, origin, method, field):
    name, value = field.split(": ", 1)
    assert ask(client, origin, method, field).all(name) == [value]


@pytest.mark.parametrize("method", SAFE + UNSAFE + ["OPTIONS", "PROPFIND", "BREW"])
def test_every_method_gets_the_request_triple(client, origin, method):
    request = ask(client, origin, method, "Cache-Control: max-age=100", "Pragma: x")
    assert request.method == method
    assert request.all("Cache-Control") == [TRIPLE]
    assert request.all("Pragma") == ["no-cache"]
    assert request.all("Expires") == ["0"]


def test_plain_range_is_kept(client, origin):
    assert ask(client, origin, "GET", "Range: bytes=100-").one("Range") == "bytes=100-"


@pytest.mark.parametrize("if_range", ['"v1"', DATE])
def test_range_and_if_range_leave_together(client, origin, if_range):
    request = ask(client, origin, "GET", "Range: bytes=100-", f"If-Range: {if_range}")
    assert (request.has("Range"), request.has("If-Range")) == (False, False)


def test_range_of_an_upload_keeps_its_if_range(client, origin):
    request = ask(client, origin, "PATCH", "Range: bytes=0-1", 'If-Range: "v1"')
    assert (request.one("Range"), request.one("If-Range")) == ("bytes=0-1", '"v1"')


def test_dictionary_negotiation_is_removed(client, origin):
    request = ask(client, origin, "GET", "Available-Dictionary: :abc=:", "Accept-Encoding: gzip, dcb, br, dcz")
    assert not request.has("Available-Dictionary")
    codings = [coding.strip() for coding in request.one("Accept-Encoding").split(",")]
    assert codings == ["gzip", "br"]


@pytest.mark.parametrize("value", ["gzip, deflate, br, zstd", "gzip;q=0.5,identity;q=0", "*", "dcbx"])
def test_accept_encoding_without_dictionaries_is_untouched(client, origin, value):
    assert ask(client, origin, "GET", f"Accept-Encoding: {value}").all("Accept-Encoding") == [value]


SIGV4 = ("Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/x/s3/aws4_request, "
         "SignedHeaders=cache-control;host;if-none-match;x-amz-date, Signature=00ff")
RFC9421 = 'Signature-Input: sig1=("@method" "cache-control" "if-none-match" "host");created=1618884473;keyid="k"'


@pytest.mark.parametrize("signature", [SIGV4, RFC9421], ids=["sigv4", "rfc9421"])
def test_signed_fields_are_untouched(proxy, client, origin, signature):
    request = ask(client, origin, "GET", signature, "Cache-Control: max-age=0", 'If-None-Match: "v1"',
                  f"If-Modified-Since: {DATE}", path="/signed")
    assert request.all("Cache-Control") == ["max-age=0"]
    assert request.all("If-None-Match") == ['"v1"']
    assert request.one(signature.split(":")[0]) == signature.split(": ", 1)[1]


@pytest.mark.parametrize("signature", [SIGV4, RFC9421], ids=["sigv4", "rfc9421"])
def test_unsigned_fields_of_a_signed_request_are_still_busted(client, origin, signature):
    request = ask(client, origin, "GET", signature, "Cache-Control: max-age=0", f"If-Modified-Since: {DATE}",
                  "Pragma: x")
    assert not request.has("If-Modified-Since")
    assert request.all("Pragma") == ["no-cache"]


def test_reason_for_leaving_signed_fields_is_recorded(proxy, client, origin):
    ask(client, origin, "GET", SIGV4, 'If-None-Match: "v1"', path="/why")
    assert "sign" in proxy.record(origin.url("/why"))["freshet.not_busted_reason"].lower()


def test_signature_that_signs_only_other_fields_prevents_nothing(client, origin):
    harmless = SIGV4.replace("cache-control;host;if-none-match;", "host;")
    request = ask(client, origin, "GET", harmless, 'If-None-Match: "v1"', "Cache-Control: max-age=0")
    assert request.all("Cache-Control") == [TRIPLE]
    assert not request.has("If-None-Match")


def test_other_request_fields_keep_order_case_and_bytes(client, origin):
    fields = ["user-agent: Curl/1 (x; y)", "ACCEPT: text/html;q=0.5,  */*", "X-Empty:", "Cookie: a=1; b=\"2\"",
              "x-dup: one", "X-Dup: two", "Accept-Language: de, en;q=0.3", "X-High: caf\xe9", "X-Tab: a\tb",
              "Authorization: Bearer abc.def"]
    request = ask(client, origin, "GET", *fields)
    sent = [line.split(":", 1)[0] for line in fields]
    kept = [(name, value) for name, value in request.fields if name in sent]
    assert kept == [(name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in fields)]


@pytest.mark.parametrize("path", ["/a%62c?x=1&y=%20", "/?", "/a//b/../c;p=1", "/~u/!$&'()*+,;=:@",
                                  "/%C3%A4?q=a?b/c", "/\"<>\\^`{|}"])
def test_target_is_forwarded_byte_for_byte(client, origin, path):
    assert ask(client, origin, "GET", path=path).target == path


def test_url_without_path_becomes_a_slash(client, origin):
    client.get(f"http://{origin.authority}")
    assert origin.last.target == "/"


def test_query_without_path_gets_a_slash(client, origin):
    client.get(f"http://{origin.authority}?q=1")
    assert origin.last.target == "/?q=1"


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "prefetch; anonymous-client-ip"])
def test_speculative_request_is_refused_without_asking_the_origin(client, origin, purpose):
    answer = client.get(origin.url("/speculative"), f"Sec-Purpose: {purpose}")
    assert answer.status == 503
    assert "no-store" in answer.one("Cache-Control")
    assert origin.requests == []


def test_connection_survives_a_refused_speculative_request(client, origin):
    client.get(origin.url("/speculative"), "Sec-Purpose: prefetch")
    assert client.get(origin.url("/real")).body == b"hello"
