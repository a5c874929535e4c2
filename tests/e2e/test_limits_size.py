"""Peers that send without end: each limit bites, others are served meanwhile, memory stays bounded."""
import threading

import pytest

from harness import Freshet, Origin
from harness.attack import Attackers, GoodClient, assert_peak, warm_up
from harness.client import request_bytes

HEAD_KIB = 176      # a large buffer (base/buf.h): a head of 64 KiB and one read; and the exchange that answers
BODY_KIB = 176      # the same for a body, in one direction
COUNT = 30

LINE = b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
POST = "Transfer-Encoding: chunked"

# What a request begins with, what then comes without end, the answer, a word of its reason.
REQUESTS = {
    "target": (b"GET http://a.test/", b"x" * 1000, 414, b"target"),
    "method": (b"G", b"G" * 1000, 400, b"method"),
    "field-value": (LINE + b"X: ", b"x" * 1000, 431, b""),
    "field-name": (LINE, b"x" * 1000, 431, b""),
    "fields": (LINE, b"X: 1\r\n" * 100, 431, b""),
    "cookies": (LINE, b"Cookie: " + b"c" * 500 + b"\r\n", 431, b""),
}

# The same for the chunks of an upload.
UPLOADS = {
    "extension": (b"1;", b"x" * 1000, b"extensions"),
    "extensions": (b"", b"1;" + b"x" * 1000 + b"\r\nB\r\n", b"extensions"),
    "size": (b"0", b"0" * 1000, b""),
    "trailer": (b"0\r\nX: ", b"x" * 1000, b""),
    "trailers": (b"0\r\n", b"X: 1\r\n" * 100, b""),
}

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </%s>\r\n\r\n" % (b"x" * 4000)

# What an origin begins with, and what then comes without end, before its answer's body.
HEADS = {
    "status-line": (b"HTTP/1.1 200 ", b"x" * 1000, b"http_response_header_section_size"),
    "field": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000, b"http_response_header_section_size"),
    "fields": (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 100, b"http_response_header_section_size"),
    "interim": (b"", HINTS, b"too many 1xx"),
}

# The same in the body.
BODIES = {
    "extension": (b"1\r\nx\r\n1;", b"x" * 1000),
    "extensions": (b"", b"1;" + b"x" * 1000 + b"\r\nB\r\n"),
    "trailers": (b"1\r\nx\r\n0\r\n", b"X: 1\r\n" * 100),
}


class Endless:
    """An origin that sends on until nobody wants more."""

    def __init__(self, first, piece):
        self.first, self.piece = first, piece
        self.cut_off = threading.Semaphore(0)

    def __call__(self, conn):
        conn.read_request()
        try:
            conn.send(self.first)
            while True:
                conn.send(self.piece)
        finally:
            self.cut_off.release()


def assert_status(answers, status, word):
    for answer in answers:
        head = answer.split(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
        assert b"Proxy-Status: freshet; error=" in head and word in head, head


@pytest.mark.parametrize("name", REQUESTS)
def test_request_without_end_is_refused_in_bounded_memory(name, origin):
    first, piece, status, word = REQUESTS[name]
    with Freshet() as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()), Attackers(proxy, COUNT, first) as endless:
            answers = endless.until_all_ended(piece, every_s=0.002)
        assert_status(answers, status, word)
        assert_peak(proxy, before, COUNT, HEAD_KIB)


@pytest.mark.parametrize("name", UPLOADS)
def test_upload_whose_framing_never_ends_is_refused_in_bounded_memory(name, origin):
    first, piece, word = UPLOADS[name]
    head = request_bytes("POST", origin.url("/up"), POST) + b"1\r\nx\r\n"
    with Freshet() as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()), Attackers(proxy, COUNT, head + first) as endless:
            answers = endless.until_all_ended(piece, every_s=0.002)
        assert_status(answers, 400, word)
        assert_peak(proxy, before, COUNT, BODY_KIB)
    assert not [request for request in origin.requests if request.target == "/up"]


@pytest.mark.parametrize("name", HEADS)
def test_answer_whose_head_never_ends_is_refused_in_bounded_memory(name, origin):
    first, piece, word = HEADS[name]
    endless = Endless(first, piece)
    with Origin(script=endless) as bad, Freshet() as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()):
            with Attackers(proxy, COUNT, request_bytes("GET", bad.url("/bad"), "Connection: close")) as asking:
                answers = asking.until_all_ended()
        assert_status([answer[answer.rfind(b"HTTP/1.1 "):] for answer in answers], 502, word)
        assert all(answer.count(b"HTTP/1.1 103") <= 16 for answer in answers)
        assert_peak(proxy, before, COUNT, HEAD_KIB + BODY_KIB)
        assert all(endless.cut_off.acquire(timeout=3) for _ in range(COUNT))


@pytest.mark.parametrize("name", BODIES)
def test_answer_whose_framing_never_ends_is_broken_off_in_bounded_memory(name, origin):
    first, piece = BODIES[name]
    endless = Endless(CHUNKED + first, piece)
    with Origin(script=endless) as bad, Freshet() as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()):
            with Attackers(proxy, COUNT, request_bytes("GET", bad.url("/bad"))) as asking:
                answers = asking.until_all_ended()
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
        assert not any(answer.endswith(b"0\r\n\r\n") for answer in answers), "it must not look whole"
        assert {record["freshet.truncated"] for record in proxy.records(COUNT, "/bad")} == {True}
        assert_peak(proxy, before, COUNT, HEAD_KIB + BODY_KIB)
        assert all(endless.cut_off.acquire(timeout=3) for _ in range(COUNT))
