"""/echo: the request as an origin would get it, told without asking one."""
import json

import pytest

from harness import Freshet, response

SITES = """
site "left.example" { mode = off }
site "pierced.example" { pierce = always }
"""
FIELDS = ["User-Agent: tester", 'If-None-Match: "1"', "Cookie: a=b", "Connection: X-Hop", "X-Hop: 1", "Cache-Control: max-age=60"]
TRIPLE = [["Cache-Control", "no-cache, no-store, must-revalidate"], ["Pragma", "no-cache"]]


@pytest.fixture(scope="module", name="proxy")
def configured():
    with Freshet(SITES) as running:
        yield running


def told(client, path, *fields, method="GET"):
    answer = client.exchange(method, f"http://freshet.internal{path}", "Accept: application/json", *fields)
    assert (answer.status, answer.one("Content-Type")) == (200, "application/json")
    return json.loads(answer.body)


def without_via(fields):
    return [field for field in fields if field[0] != "Via"]


def test_echo_is_what_an_origin_gets(proxy, client, origin):
    client.get(origin.url("/a?b=c"), *FIELDS)
    got = origin.last
    echoed = client.get(f"http://freshet.internal/echo?url={origin.url('/a?b=c')}", *FIELDS)
    assert echoed.one("Content-Type").startswith("text/plain")
    head = echoed.body.decode()
    assert head.startswith("GET /a?b=c HTTP/1.1\r\n") and head.endswith("\r\n\r\n")
    lines = [tuple(line.split(": ", 1)) for line in head.split("\r\n")[1:-2]]
    assert lines == [(name, value) for name, value in got.fields]


def test_without_an_address_it_is_the_echo_that_is_asked_for(client):
    head = told(client, "/echo?x=1", *FIELDS)
    assert head["start"] == "GET /echo?x=1 HTTP/1.1"
    assert ["Host", "freshet.internal"] in head["fields"] and ["Cookie", "a=b"] in head["fields"]
    names = [name for name, _ in head["fields"]]
    assert not {"If-None-Match", "X-Hop", "Connection"} & set(names)


def test_listener_itself_echoes_with_its_own_address(proxy):
    with proxy.client() as client:
        host = f"127.0.0.1:{proxy.port}"
        client.send(f"GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert f"Host: {host}\r\n".encode() in client.response().body


def test_settings_are_those_of_the_site_that_is_named(client):
    busted = told(client, "/echo?url=http://other.example/", *FIELDS)["fields"]
    left = told(client, "/echo?url=http://left.example/", *FIELDS)["fields"]
    assert all(field in busted for field in TRIPLE)
    assert ["Cache-Control", "max-age=60"] in left and ["If-None-Match", '"1"'] in left
    assert told(client, "/echo?url=http://pierced.example/app.js")["start"] != "GET /app.js HTTP/1.1"
    assert ["Host", "other.example:81"] in told(client, "/echo?url=https://other.example:81/x")["fields"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_any_method_is_echoed(client, method):
    answer = client.exchange(method, "http://freshet.internal/echo")
    assert answer.status == 200
    assert method == "HEAD" or answer.body.startswith(f"{method} /echo HTTP/1.1\r\n".encode())


def test_body_is_not_echoed_and_that_is_said(client):
    answer = client.exchange("POST", "http://freshet.internal/echo", body=b"secret words")
    assert b"Content-Length: 12\r\n" in answer.body and b"does not echo bodies" in answer.body
    assert b"secret words" not in answer.body


@pytest.mark.parametrize("url", ["/path", "*", "ftp://x/", "http://", "http://a%20b/", "x:80", "http://x/%0d%0aX:%201"])
def test_address_that_could_not_be_asked_for_is_refused(client, url):
    assert client.get(f"http://freshet.internal/echo?url={url}").status == 400


def test_what_goes_no_further_is_not_echoed_either(client):
    answer = client.get("http://freshet.internal/echo?url=http://refusing.example/", "Sec-Purpose: prefetch")
    assert answer.status == 503 and answer.one("Proxy-Status")


def test_who_is_not_on_this_machine_gets_no_echo(client):
    assert client.get("http://freshet.internal/echo", "X-Forwarded-For: 192.0.2.1").status == 403


def test_echo_is_logged_as_a_page_of_our_own_and_with_the_address_it_was_asked_by(proxy, client):
    client.get("http://freshet.internal/echo?url=http://logged.example/")
    record = proxy.record("logged.example")
    assert record["url.original"] == "http://freshet.internal/echo?url=http://logged.example/"
    assert record["freshet.not_busted_reason"] == "the proxy's own page" and not record["freshet.busted"]
