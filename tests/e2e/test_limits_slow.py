"""Peers that take their time: each limit bites, others are served meanwhile, memory stays bounded.

What one such peer may hold, in KiB: HEAD a head and the read behind it, BODY what was read and the other side does not
take, in one direction.  Each is one large buffer (160 KiB, base/buf.h) beside the exchange (8 KiB).
"""
import signal
import time

import pytest

from harness import Client, Freshet, Origin, response
from harness.attack import Attackers, GoodClient, assert_peak, warm_up
from harness.client import request_bytes
from harness.origin import wait_until

HEAD_KIB = BODY_KIB = 176
EXCHANGE_KIB = 24  # an exchange and the small buffers of both connections
MIB = 1 << 20
SLOW_HEAD = "the request's head did not arrive within timeout-client-head"


def assert_told(answers, status, word):
    for answer in answers:
        head = answer.split(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
        assert b"Proxy-Status: freshet; " in head and word in head


def test_slow_heads_are_cut_off_in_total_time(origin):
    count = 60
    with Freshet(timeout_client_head="700ms") as proxy:
        before = warm_up(proxy, origin.url())
        began = time.monotonic()
        first = request_bytes("GET", origin.url("/slow"))[:-2] + b"X: " + b"x" * 60000
        with GoodClient(proxy, origin.url()), Attackers(proxy, count, first) as slow:
            answers = slow.until_all_ended(b"x")
            assert time.monotonic() - began < 4
        assert_told(answers, 408, b"timeout-client-head")
        assert_peak(proxy, before, count, HEAD_KIB)
        assert wait_until(lambda: errors(proxy).count(SLOW_HEAD) == count)


def errors(proxy):
    return [record.get("freshet.error") for record in proxy.read_records()]


def test_silent_connections_are_closed(origin):
    with Freshet(timeout_client_idle="1s") as proxy:  # the good client, too, is idle between its requests
        with GoodClient(proxy, origin.url()), Attackers(proxy, 200) as silent:
            assert silent.until_all_ended() == [b""] * 200


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_uploads_that_stop_are_cut_off(framing, origin):
    count = 60
    piece = b"x" if "Length" in framing else b"1\r\nx\r\n"
    with Freshet(timeout_body="500ms") as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()):
            with Attackers(proxy, count, request_bytes("POST", origin.url("/up"), framing) + piece) as slow:
                answers = slow.until_all_ended()
        assert_told(answers, 408, b"timeout-body")
        assert_peak(proxy, before, count, EXCHANGE_KIB)
    assert not [request for request in origin.requests if request.target == "/up"]


ENDLESS = {"extension": (b"1;ext=", b"x"), "size": (b"0", b"0"), "trailers": (b"0\r\nX: ", b"x")}


@pytest.mark.parametrize("name", ENDLESS)
def test_framing_that_trickles_is_no_body_and_is_cut_off(name, origin):
    start, piece = ENDLESS[name]
    with Freshet(timeout_body="500ms") as proxy:
        head = request_bytes("POST", origin.url("/up"), "Transfer-Encoding: chunked")
        with GoodClient(proxy, origin.url()), Attackers(proxy, 20, head + b"1\r\nx\r\n" + start) as slow:
            answers = slow.until_all_ended(piece)
        assert_told(answers, 408, b"timeout-body")


def bulk(framing):
    def script(conn):
        conn.read_request()
        if framing == "length":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
        else:
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = bytes(65536) if framing == "length" else b"10000\r\n" + bytes(65536) + b"\r\n"
        while True:
            conn.send(piece)
    return script


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_readers_that_stop_are_cut_off_in_bounded_memory(framing, origin):
    count = 20
    with Origin(script=bulk(framing)) as big, Freshet(timeout_body="700ms") as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()):
            readers = [Client(proxy.port, receive_buffer=4096) for _ in range(count)]
            for reader in readers:
                reader.request("GET", big.url("/big"))
            records = proxy.records(count, "/big", timeout_s=6)
        assert_peak(proxy, before, count, BODY_KIB)
        assert {record["freshet.truncated"] for record in records} == {True}
        assert {record["freshet.error"] for record in records} == {"nothing moved within timeout-body"}
        for reader in readers:
            reader.close()


def drip(first, piece):
    """An origin that never comes to an end."""
    def script(conn):
        conn.read_request()
        conn.send(first)
        while True:
            time.sleep(0.1)
            conn.send(piece)
    return script


def never(conn):
    conn.read_request()
    conn.source.rest()


ORIGINS = {
    "silence": never,
    "head": drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "interim": drip(b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 102 P\r\nX: "),
    "interims": drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
}


@pytest.mark.parametrize("name", ORIGINS)
def test_origins_that_do_not_come_to_an_answer_are_given_up(name, origin):
    count = 30
    with Origin(script=ORIGINS[name]) as slow, Freshet(timeout_origin_head="700ms") as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()):
            with Attackers(proxy, count, request_bytes("GET", slow.url("/slow"), "Connection: close")) as waiting:
                began = time.monotonic()
                answers = waiting.until_all_ended(at_most_s=4)
                assert time.monotonic() - began > 0.3
        finals = [answer[answer.rfind(b"HTTP/1.1 5"):] for answer in answers]
        assert_told(finals, 502 if b"too many 1xx" in finals[0] else 504, b"")
        assert all(b"timeout-origin-head" in final for final in finals) or name == "interims"
        assert_peak(proxy, before, count, EXCHANGE_KIB)


def pipelined(proxy, origin, count):
    """A client with so many answers of 16 KiB on the way that the last one taken on does not fit into the socket."""
    client = Client(proxy.port, receive_buffer=4096)
    client.sock.setblocking(False)
    data = request_bytes("GET", origin.url("/many")) * count
    while data:
        try:
            data = data[client.sock.send(data):]
        except BlockingIOError:
            break
    client.sock.settimeout(5)
    seen = -1
    while seen != (seen := len(origin.requests)):
        time.sleep(0.25)
    assert 0 < seen < count, "the client must be behind"
    return client


@pytest.fixture
def kib16():
    with Origin(response(bytes(16384))) as listening:
        yield listening


def test_end_of_an_answer_that_is_taken_late_is_not_lost(kib16):
    with Freshet(timeout_client_idle="200ms", timeout_body="5s") as proxy:
        with pipelined(proxy, kib16, 1500) as client:
            for _ in range(len(kib16.requests)):
                assert client.response().body == bytes(16384)


def test_end_of_an_answer_is_not_lost_to_a_drain(kib16):
    with Freshet(timeout_drain="8s", timeout_body="7s") as proxy:
        with pipelined(proxy, kib16, 1500) as client:
            answers = len(kib16.requests)
            proxy.signal(signal.SIGTERM)
            time.sleep(2.5)  # what is done with clients that only have to read the end takes 2 s at most
            for _ in range(answers):
                assert client.response().body == bytes(16384)


def test_answer_whose_end_nobody_takes_ends_in_a_reset(kib16):
    with Freshet(timeout_client_idle="30s", timeout_body="500ms") as proxy:
        with pipelined(proxy, kib16, 1500) as client:
            time.sleep(0.8)
            with pytest.raises(ConnectionResetError):
                while client.sock.recv(1 << 20):
                    pass


def test_requests_sent_without_reading_answers_cost_bounded_memory(kib16, origin):
    count = 12
    with Freshet(timeout_body="20s") as proxy:
        before = warm_up(proxy, origin.url())
        with GoodClient(proxy, origin.url()):
            with Attackers(proxy, count, receive_buffer=4096) as pushing:
                stop = time.monotonic() + 2
                while time.monotonic() < stop:
                    for _ in range(20):
                        pushing.send(request_bytes("GET", kib16.url("/p")) * 50)
                    time.sleep(0.01)
                served = len(kib16.requests)
        assert_peak(proxy, before, count, 2 * BODY_KIB)
        assert served < count * 1500
        assert wait_until(lambda: len(kib16.requests) == served, 1)
