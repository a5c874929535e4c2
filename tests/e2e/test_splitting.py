"""Every message of a table, sent in two pieces cut at every byte: the result never differs.

The pieces leave by separate sends with a pause between them, so that the proxy really reads
the first one alone.
"""
import pytest

import splitting
from harness import Client, Freshet, Origin, response
from harness.http1 import Incomplete

VOLATILE = ("date",)


@pytest.fixture(scope="module")
def proxy():
    """Without piercing, which treats the first answer of a cache otherwise than those that follow."""
    with Freshet(pierce="never") as running:
        yield running


def seen(message):
    """What a peer can tell of a message, for comparison."""
    fields = [field for field in message.fields if field[0].lower() not in VOLATILE]
    return message.start, fields, message.body, message.trailers


def request_bytes(text, origin):
    return text.format(url=origin.url("/split"), host=origin.authority).encode()


def count_requests(name):
    return 2 if name == "pipelined-pair" else 1


def send_and_see(client, origin, name, data, at):
    """Send a request cut at `at`; what the origin saw and what the client got."""
    before = len(origin.requests)
    client.send_in_two(data, at)
    method = "HEAD" if name == "head" else "GET"
    answers = [seen(client.response(method)) for _ in range(count_requests(name))]
    return [seen(request) for request in origin.requests[before:]], answers


@pytest.mark.parametrize("name", splitting.REQUESTS)
def test_request_split_anywhere_is_the_same_request(proxy, origin, name):
    data = request_bytes(splitting.REQUESTS[name], origin)
    with Client(proxy.port) as client:
        origin.answer = lambda request: response(b"" if request.method == "HEAD" else b"answer")
        whole = send_and_see(client, origin, name, data, 0)
        assert len(whole[0]) == count_requests(name)
        for at in range(1, len(data)):
            assert send_and_see(client, origin, name, data, at) == whole, f"cut at {at}: {data[:at]!r}"


def refusal(proxy, data, at):
    with Client(proxy.port) as client:
        try:
            client.send_in_two(data, at)
        except (BrokenPipeError, ConnectionResetError):
            pass
        status = client.response().status
        client.read_to_end()
        return status


@pytest.mark.parametrize("name", splitting.BAD_REQUESTS)
def test_bad_request_split_anywhere_is_refused_alike(proxy, origin, name):
    data = request_bytes(splitting.BAD_REQUESTS[name], origin)
    whole = refusal(proxy, data, 0)
    assert whole in (400, 505)
    for at in range(1, len(data)):
        assert refusal(proxy, data, at) == whole, f"cut at {at}: {data[:at]!r}"
    assert origin.requests == []


class SplitOrigin(Origin):
    """Answers each request with the same bytes, cut where .at says."""

    def __init__(self, data, closing):
        super().__init__(script=self.send_split)
        self.data = data
        self.closing = closing
        self.at = 0

    def send_split(self, conn):
        while conn.read_request() is not None:
            conn.send_in_two(self.data, self.at)
            if self.closing:
                return


def fetch(client, origin):
    answer = client.get(origin.url("/split"))
    return seen(answer), [seen(interim) for interim in answer.interim]


@pytest.mark.parametrize("name", [*splitting.RESPONSES, *splitting.CLOSING_RESPONSES])
def test_response_split_anywhere_is_the_same_response(proxy, name):
    closing = name in splitting.CLOSING_RESPONSES or name in ("origin-says-close", "http-1.0")
    data = {**splitting.RESPONSES, **splitting.CLOSING_RESPONSES}[name].encode()
    with SplitOrigin(data, closing) as origin, Client(proxy.port) as client:
        whole = fetch(client, origin)
        assert whole[0][0].split(" ")[1] in ("200", "204", "304", "404")
        for origin.at in range(1, len(data)):
            assert fetch(client, origin) == whole, f"cut at {origin.at}: {data[:origin.at]!r}"


@pytest.mark.parametrize("name", splitting.BAD_RESPONSES)
def test_bad_response_split_anywhere_is_a_bad_gateway(proxy, name):
    data = splitting.BAD_RESPONSES[name].encode()
    with SplitOrigin(data, closing=True) as origin, Client(proxy.port) as client:
        for origin.at in range(len(data)):
            answer = client.get(origin.url("/split"))
            assert answer.status == 502, f"cut at {origin.at}: {data[:origin.at]!r}"
            assert "http_protocol_error" in answer.one("Proxy-Status"), f"cut at {origin.at}"


def truncated_at(proxy, origin, at):
    """The body that a client gets when the origin closes after `at` bytes, and whether it looked whole."""
    origin.at = at
    with Client(proxy.port) as client:
        client.request("GET", origin.url("/cut"))
        try:
            answer = client.response()
            return answer.status, answer.body, True
        except Incomplete as cut:
            return getattr(cut.message, "status", 0), getattr(cut.message, "body", b""), False


class CutOrigin(SplitOrigin):
    def send_split(self, conn):
        conn.read_request()
        conn.send(self.data[:self.at])


@pytest.mark.parametrize("name", ["length", "chunked", "chunked-trailers", "chunked-extensions"])
def test_response_cut_off_anywhere_never_looks_whole(proxy, name):
    data = splitting.RESPONSES[name].encode()
    head_end = data.index(b"\r\n\r\n") + 4
    with CutOrigin(data, closing=True) as origin:
        for at in range(len(data)):
            status, _, whole = truncated_at(proxy, origin, at)
            if at < head_end:
                assert (status, whole) == (502, True), f"cut at {at}"
            else:
                assert (status, whole) == (200, False), f"cut at {at}: {data[:at]!r}"
        assert truncated_at(proxy, origin, len(data))[2]
