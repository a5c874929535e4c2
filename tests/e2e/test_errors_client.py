"""Malformed and refused requests: the right status, an explanation, and the end of the connection."""
import socket
import threading

import pytest

from harness import Client, Freshet
from harness.client import request_bytes
from harness.http1 import read_response

LINE = "GET http://a.test/ HTTP/1.1\r\n"
HOST = "Host: a.test\r\n"
POST = "POST http://a.test/ HTTP/1.1\r\n" + HOST

BAD = {
    "no-version": "GET http://a.test/\r\n\r\n",
    "two-spaces": "GET  http://a.test/ HTTP/1.1\r\n" + HOST + "\r\n",
    "trailing-space": "GET http://a.test/ HTTP/1.1 \r\n" + HOST + "\r\n",
    "space-in-target": "GET http://a.test/a b HTTP/1.1\r\n" + HOST + "\r\n",
    "method-not-a-token": "G(T http://a.test/ HTTP/1.1\r\n" + HOST + "\r\n",
    "fragment": "GET http://a.test/#top HTTP/1.1\r\n" + HOST + "\r\n",
    "userinfo": "GET http://user:pass@a.test/ HTTP/1.1\r\n" + HOST + "\r\n",
    "other-scheme": "GET ftp://a.test/ HTTP/1.1\r\n" + HOST + "\r\n",
    "empty-host-in-target": "GET http:///path HTTP/1.1\r\n" + HOST + "\r\n",
    "port-too-large": "GET http://a.test:65536/ HTTP/1.1\r\n" + HOST + "\r\n",
    "port-not-a-number": "GET http://a.test:8o/ HTTP/1.1\r\n" + HOST + "\r\n",
    "raw-utf8-in-target": "GET http://a.test/\xe4 HTTP/1.1\r\n" + HOST + "\r\n",
    "control-in-target": "GET http://a.test/\x01 HTTP/1.1\r\n" + HOST + "\r\n",
    "no-host": LINE + "\r\n",
    "two-hosts": LINE + HOST + HOST + "\r\n",
    "bad-host": LINE + "Host: a b\r\n\r\n",
    "bare-lf-line": "GET http://a.test/ HTTP/1.1\n" + HOST + "\r\n",
    "bare-lf-field": LINE + HOST + "X: 1\nY: 2\r\n\r\n",
    "bare-lf-end": LINE + HOST + "\n",
    "bare-cr": LINE + HOST + "X: a\rb\r\n\r\n",
    "nul": LINE + HOST + "X: a\0b\r\n\r\n",
    "delete": LINE + HOST + "X: a\x7fb\r\n\r\n",
    "obs-fold": LINE + HOST + "X: 1\r\n 2\r\n\r\n",
    "leading-blank-field": LINE + " " + HOST + "\r\n",
    "no-colon": LINE + HOST + "nonsense\r\n\r\n",
    "empty-name": LINE + HOST + ": value\r\n\r\n",
    "blank-before-colon": LINE + HOST + "X : 1\r\n\r\n",
    "blank-in-name": LINE + HOST + "X Y: 1\r\n\r\n",
    "two-lengths": POST + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "different-lengths": POST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "length-list": POST + "Content-Length: 1, 1\r\n\r\nx",
    "signed-length": POST + "Content-Length: +1\r\n\r\nx",
    "hex-length": POST + "Content-Length: 0x1\r\n\r\nx",
    "empty-length": POST + "Content-Length: \r\n\r\nx",
    "huge-length": POST + "Content-Length: 9999999999999999999\r\n\r\nx",
    "length-and-chunked": POST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked-and-length": POST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "gzip-chunked": POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two-codings": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "hidden-coding": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": POST + "Transfer-Encoding: identity\r\n\r\n",
    "chunked-on-1.0": "POST http://a.test/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two-empty-lines-first": "\r\n\r\n" + LINE + HOST + "\r\n",
    "garbage": "\x00\x01\x02\x03\r\n\r\n",
}


def talk(proxy, data):
    """Send bytes; the answer, once the proxy has closed the connection."""
    with Client(proxy.port) as client:
        try:
            client.send(data.encode("latin-1") if isinstance(data, str) else data)
        except OSError:
            pass
        answer = read_response(client.source)
        assert client.closed_by_peer(), "connection must end after a parse error"
        return answer


def assert_ours(answer):
    assert "freshet" in answer.one("Proxy-Status")
    assert answer.one("Connection").lower() == "close"
    assert len(answer.body) > 20
    assert "no-store" in answer.one("Cache-Control")


@pytest.mark.parametrize("name", BAD)
def test_malformed_request_is_refused_and_the_connection_ends(proxy, name):
    answer = talk(proxy, BAD[name])
    assert answer.status == 400
    assert_ours(answer)


@pytest.mark.parametrize("chunk", ["zz\r\n", "5\nhello\r\n", "5\r\nhelloXX", "-1\r\n", "\r\n",
                                   "fffffffffffffffff\r\n", "5 ;x\r\nhello\r\n"])
def test_malformed_chunk_of_an_upload_ends_the_exchange(proxy, origin, chunk):
    head = f"POST {origin.url('/chunk')} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = talk(proxy, head + "1\r\nx\r\n" + chunk)
    assert answer.status == 400
    assert origin.requests == [], "an upload cut short must not look whole"


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/1.2", "HTTP/3.7", "HTTP/0.9", "http/1.1"])
def test_unsupported_version_is_named(proxy, version):
    answer = talk(proxy, f"GET http://a.test/ {version}\r\n{HOST}\r\n")
    assert answer.status == 505
    assert_ours(answer)


def test_http2_preface_is_refused_as_an_unsupported_version(proxy):
    assert talk(proxy, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 505


def test_tls_on_the_plain_port_is_explained(proxy):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200))
    answer = talk(proxy, hello)
    assert answer.status == 400
    assert b"TLS" in answer.body or b"https" in answer.body.lower()


def test_asterisk_for_another_method_than_options_ends_the_connection(proxy):
    answer = talk(proxy, f"GET * HTTP/1.1\r\n{HOST}\r\n")
    assert answer.status == 400
    assert_ours(answer)


def test_own_answer_to_a_request_whose_body_nobody_reads_says_that_it_closes(proxy):
    answer = talk(proxy, f"OPTIONS * HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello")
    assert answer.status == 200
    assert answer.one("Connection") == "close"


def test_head_beyond_the_limit_is_too_large(proxy):
    answer = talk(proxy, LINE + HOST + "X: " + "x" * 66000 + "\r\n\r\n")
    assert answer.status == 431
    assert_ours(answer)


def test_head_without_end_is_cut_off_at_the_limit(proxy):
    assert talk(proxy, LINE + HOST + "X: 1\r\n" * 20000).status == 431


def test_too_many_fields_are_too_large(proxy):
    assert talk(proxy, LINE + HOST + "".join(f"X-{n}: 1\r\n" for n in range(201)) + "\r\n").status == 431


def test_target_beyond_the_limit_is_too_long(proxy):
    answer = talk(proxy, f"GET http://a.test/{'x' * 17000} HTTP/1.1\r\n{HOST}\r\n")
    assert answer.status == 414
    assert_ours(answer)


def test_limits_are_options():
    with Freshet(max_head="4k", max_fields="20") as proxy:
        assert talk(proxy, LINE + HOST + "X: " + "x" * 5000 + "\r\n\r\n").status == 431
        assert talk(proxy, LINE + HOST + "X: 1\r\n" * 25 + "\r\n").status == 431


def test_denied_connect_port_is_forbidden_and_explained():
    with Freshet(connect_ports="{443}") as proxy, proxy.client() as client:
        answer = client.connect_to("example.test:25")
        assert answer.status == 403
        assert "freshet" in answer.one("Proxy-Status")
        assert b"25" in answer.body
        assert proxy.record("example.test:25")["http.response.status_code"] == 403


def test_https_to_an_origin_without_tls_is_a_protocol_error(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_plainly():
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                sock.recv(65536)

        thread = threading.Thread(target=answer_plainly, daemon=True)
        thread.start()
        answer = client.get(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join(5)
    assert answer.status == 502
    assert "error=tls_protocol_error" in answer.one("Proxy-Status")


def test_client_outside_the_allowed_networks_is_refused(origin):
    with Freshet(allow='{"127.0.0.2/32"}') as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        rest = client.read_to_end()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 403 ")
    assert origin.requests == []


def test_malformed_request_is_logged_with_its_reason(proxy):
    before = len(proxy.read_records())
    assert talk(proxy, BAD["two-lengths"]).status == 400
    records = proxy.records(before + 1)
    assert records[-1]["http.response.status_code"] == 400
    assert "length" in records[-1]["freshet.error"].lower()


def test_control_bytes_cannot_forge_log_lines(proxy, client, origin):
    client.get(origin.url("/a%0d%0a{\"forged\":1}"), "User-Agent: x")
    talk(proxy, "GET http://a.test/\x1b[31m HTTP/1.1\r\n\r\n")
    assert all("forged" not in record for record in proxy.records(2))
    assert b"\x1b" not in proxy.log_file.read_bytes()


def test_upload_cut_off_by_its_client_does_not_look_whole(proxy, origin):
    with Client(proxy.port) as client:
        client.send(request_bytes("POST", origin.url("/cut"), "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
        assert origin.wait_for_connections(1)
        client.reset()
    assert origin.connections[0].closed.wait(3)
    assert origin.requests == []
    assert b"\r\n0\r\n" not in origin.connections[0].received
