"""Bugs that once were, each named for its symptom: ends, leftovers and failures at awkward moments."""
import contextlib
import pathlib
import signal
import threading
import time

import pytest

from harness import Client, Freshet, Origin, chunked, response
from harness.client import request_bytes
from harness.http1 import Incomplete
from harness.origin import wait_until

BIG = 1_500_000  # far beyond what is copied: such bodies are spliced
AT_ONCE_S = 2


def numbered(number):
    """A big body that says on every line which one it is."""
    return (b"%07d\n" % number * (BIG // 8 + 1))[:BIG]


def smuggler(stranger):
    """Answers with a big body that names its request, and one answer too many behind it."""
    def script(conn):
        while (request := conn.read_request()) is not None:
            number = int(request.target.strip("/"))
            conn.send(response(numbered(number), f"X-For: {number}") + stranger)
    return script


STRANGERS = {"small": response(b"stranger", "X-For: stranger"),
             "big": response(numbered(9_999_999), "X-For: stranger")}


def assert_is_for(answer, number):
    assert (answer.status, answer.one("X-For")) == (200, str(number))
    assert answer.body == numbered(number)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_bytes_behind_a_spliced_response_never_reach_the_next_client(stranger):
    with Origin(script=smuggler(STRANGERS[stranger])) as origin, Freshet() as proxy:
        for number in range(0, 20, 2):
            with proxy.client() as one, proxy.client() as other:
                for client, mine in ((one, number), (other, number + 1), (other, number + 100)):
                    assert_is_for(client.get(origin.url(f"/{mine}")), mine)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_bytes_behind_a_spliced_response_never_reach_a_client_that_waits(stranger):
    """The connection goes from one exchange to the next without resting in the pool."""
    with Origin(script=smuggler(STRANGERS[stranger])) as origin, Freshet(pool_max=1) as proxy:
        for number in range(10):
            with proxy.client() as one, proxy.client() as other:
                one.request("GET", origin.url(f"/{number}"))
                one.read_exactly(1)
                one.source.buffer = b"H" + one.source.buffer
                other.request("GET", origin.url(f"/{number + 100}"))
                assert_is_for(one.response(), number)
                assert_is_for(other.response(), number + 100)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_bytes_behind_a_spliced_response_never_reach_a_pipelined_request(stranger):
    with Origin(script=smuggler(STRANGERS[stranger])) as origin, Freshet() as proxy:
        for _ in range(4):
            with proxy.client() as client:
                client.send(b"".join(request_bytes("GET", origin.url(f"/{number}")) for number in range(4)))
                for number in range(4):
                    assert_is_for(client.response(), number)


@contextlib.contextmanager
def standing_still(proxy):
    """What happens to the sockets of the proxy in here, it is told all at once afterwards."""
    tasks = pathlib.Path(f"/proc/{proxy.process.pid}/task")
    proxy.signal(signal.SIGSTOP)
    try:
        assert wait_until(lambda: all(") T " in (task / "stat").read_text() for task in tasks.iterdir()))
        yield
    finally:
        proxy.signal(signal.SIGCONT)


def send_and_end(proxy, peer, data, ending):
    """The last bytes of data and the end of the peer's stream come in one go."""
    if len(data) > 65536:
        peer.send(data[:-50])
        time.sleep(0.02)
        data = data[-50:]
    with standing_still(proxy):
        if data:
            peer.send(data)
        getattr(peer, ending)()


CUT_ANSWERS = {
    "half-a-small-body": b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + b"x" * 100,
    "half-a-big-body": b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * BIG,
    "head-only": b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n",
    "half-a-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 50,
    "no-last-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
}


@pytest.mark.parametrize("ending", ["close", "half_close", "reset"])
@pytest.mark.parametrize("cut", CUT_ANSWERS)
def test_end_of_the_origin_that_arrives_with_the_bytes_is_noticed(proxy, cut, ending):
    stay = threading.Event()

    def script(conn):
        conn.read_request()
        send_and_end(proxy, conn, CUT_ANSWERS[cut], ending)
        stay.wait(2 * AT_ONCE_S)  # what half_close() leaves open must not matter
    with Origin(script=script) as origin:
        for _ in range(5):
            with Client(proxy.port, timeout_s=AT_ONCE_S) as client:
                client.request("GET", origin.url("/cut"))
                try:
                    answer = client.response()
                    assert (ending, answer.status) == ("reset", 502)  # it overtook the head
                except (Incomplete, ConnectionResetError):
                    pass
        stay.set()


@pytest.mark.parametrize("ending", ["close", "half_close", "reset"])
def test_end_of_the_origin_inside_its_head_is_a_bad_gateway_at_once(proxy, ending):
    stay = threading.Event()

    def script(conn):
        conn.read_request()
        send_and_end(proxy, conn, b"HTTP/1.1 200 OK\r\nContent-Le", ending)
        stay.wait(2 * AT_ONCE_S)
    with Origin(script=script) as origin:
        for _ in range(5):
            with Client(proxy.port, timeout_s=AT_ONCE_S) as client:
                assert client.get(origin.url("/half-head")).status == 502
        stay.set()


@pytest.mark.parametrize("head", [b"G", b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.", b"\r\n"])
def test_end_of_the_client_inside_its_head_closes_at_once(proxy, head):
    for _ in range(5):
        with Client(proxy.port, timeout_s=AT_ONCE_S) as client:
            send_and_end(proxy, client, head, "half_close")
            told = client.read_to_end()
            assert told == b"" or told.startswith(b"HTTP/1.1 400 ")


HALF_UPLOADS = {
    "length": ("Content-Length: 1000", b"u" * 500),
    "big-length": ("Content-Length: 3000000", b"u" * BIG),
    "nothing-of-it": ("Content-Length: 1000", b""),
    "half-a-chunk": ("Transfer-Encoding: chunked", b"64\r\n" + b"u" * 50),
    "no-last-chunk": ("Transfer-Encoding: chunked", b"4\r\nuuuu\r\n"),
}


@pytest.mark.parametrize("upload", HALF_UPLOADS)
def test_end_of_the_client_inside_its_upload_is_noticed(proxy, origin, upload):
    field, body = HALF_UPLOADS[upload]
    for _ in range(5):
        with Client(proxy.port, timeout_s=AT_ONCE_S) as client:
            data = request_bytes("POST", origin.url("/half"), field, body=body)
            send_and_end(proxy, client, data, "half_close")
            told = client.read_to_end()
            assert told == b"" or told.startswith(b"HTTP/1.1 400 ")
    assert origin.requests == []


@pytest.mark.parametrize("upload", ["chunked", "length"])
def test_failed_upload_does_not_swallow_the_next_pipelined_request(proxy, upload):
    pauses = [number * 0.0001 for number in range(10)]

    def script(conn):
        request = conn.read_request()
        conn.send(response(request.target.encode()))
        if request.target != "/warm":
            return
        if conn.read_head_only().startswith(b"POST"):
            time.sleep(pauses[conn.index % len(pauses)])
            conn.reset()

    failed = 0
    body = b"p" * 60_000
    post = (("Transfer-Encoding: chunked",), chunked(body)) if upload == "chunked" else ((), body)
    with Origin(script=script) as origin:
        for turn in range(30):
            with Client(proxy.port, timeout_s=3) as client:
                assert client.get(origin.url("/warm")).body == b"/warm"
                both = request_bytes("POST", origin.url("/order"), *post[0], body=post[1])
                both += request_bytes("GET", origin.url("/next"))
                client.send_in_two(both, (200, 30_000, 60_300)[turn % 3], pauses[turn % len(pauses)])
                answer = client.response("POST")
                failed += answer.status == 502
                if "close" in [value.lower() for value in answer.all("Connection")]:
                    assert client.closed_by_peer()
                else:
                    assert client.response().body == b"/next"
    assert failed > 20


def test_upload_to_a_connection_that_was_reset_while_idle_does_not_swallow_the_next_request(proxy):
    body = chunked(b"p" * 60_000)

    def script(conn):
        request = conn.read_request()
        conn.send(response(request.target.encode()))
        if request.target == "/warm":
            time.sleep(0.001 * (conn.index % 4))
            conn.reset()
    with Origin(script=script) as origin:
        for turn in range(30):
            with Client(proxy.port, timeout_s=3) as client:
                assert client.get(origin.url("/warm")).body == b"/warm"
                time.sleep(0.0007 * (turn % 5))
                both = request_bytes("POST", origin.url("/order"), "Transfer-Encoding: chunked", body=body)
                both += request_bytes("GET", origin.url("/next"))
                client.send(both)
                answer = client.response("POST")
                assert (answer.status, answer.body) == (200, b"/order") or answer.status == 502
                if "close" in [value.lower() for value in answer.all("Connection")]:
                    assert client.closed_by_peer()
                else:
                    assert client.response().body == b"/next"


def ask_until(stop, proxy, origin, keep, failures, answers):
    """Requests one after the other, on one connection or on a new one for each."""
    client = proxy.client()
    try:
        while not stop.is_set():
            if not keep:
                client.close()
                client = proxy.client()
            answer = client.get(origin.url("/page"))
            assert (answer.status, answer.body) == (200, b"hello")
            answers.append(answer.status)
    except (AssertionError, OSError, Incomplete) as failure:
        failures.append(failure)
    finally:
        client.close()


def test_reload_under_load_loses_nothing(origin):
    stop, failures, answers = threading.Event(), [], []
    with Freshet(workers=2) as proxy:
        threads = [threading.Thread(target=ask_until, daemon=True,
                                    args=(stop, proxy, origin, keep, failures, answers))
                   for keep in (True, True, False, False)]
        for thread in threads:
            thread.start()
        for done in range(1, 11):
            time.sleep(0.1)
            proxy.signal(signal.SIGHUP)
            # Two signals that wait are one: the next is sent when this one was heard.
            wait_until(lambda done=done: proxy.stderr().count("info reloaded") >= done)
        stop.set()
        for thread in threads:
            thread.join(5)
        assert failures == []
        assert len(answers) > 100
        assert proxy.stderr().count("info reloaded") == 10
