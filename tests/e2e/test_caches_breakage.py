"""What cache busting might break: each flow must work through every real cache, while it pierces them."""
import itertools

import pytest

from harness import Client, sigv4
from harness.application import COOKIE, ENCODERS
from harness.laboratory import CACHES

NUMBER = itertools.count(1)
WAYS = ["auto", "always"]
CODINGS = [*ENCODERS, "identity"]


@pytest.fixture(scope="module")
def filled(laboratory):
    """A laboratory whose caches hold these, which have changed since."""
    for way in WAYS:
        laboratory.fill(f"/film/seen-{way}", f"/film/resumed-{way}", f"/max-age/beside-{way}")
        for coding in CODINGS:
            laboratory.fill(f"/text/{coding}-{way}", fields=[f"Accept-Encoding: {coding}"])
    laboratory.wait_until_aged(f"/film/seen-{WAYS[-1]}")
    laboratory.site.change()
    return laboratory


@pytest.fixture(scope="module", params=WAYS)
def piercing(request, laboratory):
    with laboratory.proxy(pierce=request.param) as running:
        running.way = request.param
        yield running


@pytest.fixture(params=CACHES)
def place(request, laboratory):
    return laboratory.place(request.param)


@pytest.fixture
def ask(piercing, place):
    """ask(method, path, *fields): through freshet and this cache."""
    def exchange(method, path, *fields, **kwargs):
        with Client(piercing.port) as client:
            return client.exchange(method, place.url(path), *fields, **kwargs)
    return exchange


def fresh(kind):
    """A path of that kind that nobody has asked for yet."""
    return f"/{kind}/{next(NUMBER)}"


def test_update_is_refused_if_somebody_else_was_quicker(ask):
    path = fresh("document")
    tag = ask("GET", path).one("ETag")
    assert ask("PUT", path, f"If-Match: {tag}", body=b"mine").status == 200
    assert ask("PUT", path, f"If-Match: {tag}", body=b"too late").status == 412


def test_resumed_download_is_of_one_version_though_the_file_changed(filled, piercing, place, ask):
    path, film = f"/film/resumed-{piercing.way}", filled.site.application.film_of
    begun = ask("GET", path, "Range: bytes=0-9999")
    filled.site.change()
    rest = ask("GET", path, "Range: bytes=10000-", f"If-Range: {begun.one('ETag')}")
    whole = rest.body if rest.status == 200 else begun.body + rest.body
    version = filled.site.version if place.is_reached(piercing.way) else int(rest.one("ETag").strip('"'))
    assert whole == film(version)


def test_pieces_of_a_film_are_of_one_version(filled, piercing, place, ask):
    path, film = f"/film/seen-{piercing.way}", filled.site.application.film_of
    ranges = [range(start, start + 6000) for start in (0, 60000, 30000, 70000, 10)]
    answers = [ask("GET", path, f"Range: bytes={piece.start}-{piece.stop - 1}") for piece in ranges]
    assert [answer.status for answer in answers] == [206] * len(ranges)
    version = filled.site.version if place.is_reached(piercing.way) else int(answers[0].one("ETag").strip('"'))
    assert [answer.body for answer in answers] == [film(version)[piece.start:piece.stop] for piece in ranges]


def host_for_origin(laboratory, place):
    """The Host that the origin gets through this cache, which signatures cover."""
    path = fresh("max-age")
    place.get(path)
    return laboratory.site.asked(path)[-1].one("Host")


def test_url_with_a_signature_is_let_in(laboratory, place, ask):
    target = sigv4.presigned(host_for_origin(laboratory, place), fresh("signed"))
    assert [ask("GET", target).body for _ in range(2)] == [b"let in"] * 2


def test_request_with_a_signature_is_let_in(laboratory, place, ask):
    path = fresh("signed")
    fields = sigv4.signed_fields("GET", host_for_origin(laboratory, place), path, {"X-Amz-Meta-Of": "anna"})
    assert [ask("GET", path, *fields).body for _ in range(2)] == [b"let in"] * 2


def test_server_that_knows_its_urls_in_one_spelling_only_goes_on_answering(place, ask):
    path = fresh("strict")
    place.get(path)
    assert [ask("GET", path).status for _ in range(3)] == [200] * 3


def test_part_of_a_site_that_refuses_changed_urls_keeps_no_other_part_old(filled, piercing, place, ask):
    picky, path = fresh("strict"), f"/max-age/beside-{piercing.way}"
    place.get(picky)
    ask("GET", picky)
    now = f"version {filled.site.version} of {path}\n".encode()
    assert (ask("GET", path).body == now) == place.is_reached(piercing.way)


def test_login_with_a_cookie_opens_the_account_and_nobody_elses(ask):
    path = fresh("account")
    assert ask("GET", f"{path}/home").status == 302
    login = ask("POST", f"{path}/login", body=b"anna")
    assert (login.status, login.all("Set-Cookie")) == (303, [f"{COOKIE}; Path=/; HttpOnly"])
    assert ask("GET", f"{path}/home", f"Cookie: {COOKIE}").body == b"account of anna"
    assert ask("GET", f"{path}/home").status == 302


def test_event_arrives_before_the_next_is_made_and_once(laboratory, piercing, place):
    path = fresh("stream")
    with Client(piercing.port) as client:
        client.request("GET", place.url(path), "Accept: text/event-stream")
        assert client.source.until(b"data: first\n\n")
        laboratory.site.application.more[path].set()
        assert client.source.until(b"data: second\n\n")
    assert len(laboratory.site.asked(path)) == 1


@pytest.mark.parametrize("coding", CODINGS)
def test_encoded_text_arrives_as_the_origin_encoded_it(filled, piercing, place, ask, coding):
    path = f"/text/{coding}-{piercing.way}"
    answer = ask("GET", path, f"Accept-Encoding: {coding}")
    got = "".join(answer.all("Content-Encoding"))
    oldest = filled.site.version if place.is_reached(piercing.way) else 1
    texts = [f"version {version} of {path}\n".encode() for version in range(oldest, filled.site.version + 1)]
    assert got in (coding, "") and answer.body in [ENCODERS.get(got, bytes)(text) for text in texts]


WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
             "Sec-WebSocket-Version: 13")


def test_websocket_through_nginx_is_opened_once_at_its_own_url(laboratory, piercing):
    path = fresh("chat")
    with Client(piercing.port) as client:
        assert client.get(laboratory.place("nginx that tells").url(path), *WEBSOCKET).status == 101
        client.send(b"to and fro")
        assert client.read_exactly(10) == b"to and fro"
    assert [request.target for request in laboratory.site.asked(path)] == [path]


def test_websocket_through_a_tunnel_of_squid_as_parent_works(laboratory, piercing):
    with Client(piercing.port) as client:
        assert client.connect_to(laboratory.site.authority).status == 200
        client.send("\r\n".join([f"GET {fresh('chat')} HTTP/1.1", "Host: chat", *WEBSOCKET, "", ""]).encode())
        assert client.response().status == 101
        client.send(b"to and fro")
        assert client.read_exactly(10) == b"to and fro"
