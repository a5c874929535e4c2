"""Messages with mistakes on both sides of live exchanges; and that the judges of them can tell right from wrong."""
import os
import random

import pytest

import strict
from fuzz_exchange import Case, Fuzzer, make_case, token_of
from mutate import Mutator

SECONDS = float(os.environ.get("E2E_FUZZ_SECONDS") or 8)
SEED = int(os.environ.get("E2E_FUZZ_SEED") or 20261122)


def test_mistakes_on_both_sides_of_exchanges_stay_without_consequence_for_others():
    fuzzer = Fuzzer(SEED)
    fuzzer.run(SECONDS)
    assert not fuzzer.failures, "\n".join(fuzzer.failures)
    assert sum(fuzzer.outcomes.values()) > 20 * SECONDS
    assert fuzzer.outcomes[200] and fuzzer.outcomes[400] and fuzzer.outcomes[502]


BAD_REQUESTS = [
    b"GET / HTTP/1.1\nHost: h\n\n", b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0\r\n\r\n",
    b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("data", BAD_REQUESTS)
def test_strict_reader_takes_no_doubtful_request(data):
    found, why = strict.requests_in(data)
    assert (found, why in (None, "short")) == ([], False)


def test_strict_reader_finds_every_request_of_a_stream_and_its_cut():
    one = b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: t\r\n\r\n"
    two = b"PUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy"
    found, why = strict.requests_in(one + two + two[:-1])
    assert [(request.start[1], request.body) for request in found] == [("/1", b"abc"), ("/2", b"xy")]
    assert why == "short"


def test_the_same_seed_makes_the_same_exchange():
    cases = [make_case(7, 3, b"127.0.0.1:1", 0) for _ in range(2)]
    assert (cases[0].data, cases[0].pieces) == (cases[1].data, cases[1].pieces)
    assert b"".join(cases[0].pieces) == cases[0].data


def test_a_message_without_mistakes_is_read_strictly():
    mutator = Mutator(random.Random(1))
    for number in range(200):
        token = token_of(number, 0, 0)
        request = b"".join(data for _, data in mutator.request(b"127.0.0.1:1", token))
        found, why = strict.requests_in(request)
        assert (len(found), why) == (1, None)
        assert found[0].start[1].encode().endswith(token)
        answer = b"".join(data for _, data in mutator.response("GET", token))
        assert strict.read_response(strict.Reader(answer), "GET")[0].all("x-id") == [token.decode()]


def asked(fuzzer, number):
    """A case whose client asked one thing, and whose origin answered it."""
    token = token_of(number, 0, fuzzer.run_id)
    data = b"GET http://h/f/%s HTTP/1.1\r\nHost: h\r\n\r\n" % token
    case = Case(number, data, [data], False, *strict.requests_in(data), {token})
    fuzzer.cases[number] = case
    fuzzer.origin_side.sent[token].append(("GET", answer_with(token)))
    return case, token


def answer_with(body):
    return b"HTTP/1.1 200 OK\r\nX-Id: 1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


RECEIVED = {
    "another's-bytes": lambda mine, other: answer_with(other),
    "other-bytes": lambda mine, other: answer_with(b"x" * len(mine)),
    "two-answers": lambda mine, other: answer_with(mine) * 2,
    "two-lengths": lambda mine, other: answer_with(mine).replace(b"X-Id: 1", b"Content-Length: 1"),
    "junk-behind": lambda mine, other: answer_with(mine) + b"junk\r\n",
}


@pytest.mark.parametrize("wrong", RECEIVED)
def test_the_judge_sees_a_wrong_answer(wrong):
    fuzzer = Fuzzer(1)
    case, mine = asked(fuzzer, 1)
    _, other = asked(fuzzer, 2)
    case.received = RECEIVED[wrong](mine, other)
    fuzzer.judge(case)
    assert fuzzer.failures


def test_the_judge_accepts_the_right_answer_and_a_visibly_cut_one():
    fuzzer = Fuzzer(1)
    case, mine = asked(fuzzer, 1)
    for cut in (None, -3):
        case.received = answer_with(mine)[:cut]
        fuzzer.judge(case)
    assert fuzzer.failures == []


@pytest.mark.parametrize("seen", [
    b"POST /f/%s HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /f/%s HTTP/1.1\r\nHost: h\r\n\r\n" * 3,
    b"GET /f/%s HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"])
def test_the_judge_sees_a_request_that_nobody_made_or_that_came_too_often(seen):
    fuzzer = Fuzzer(1)
    case, mine = asked(fuzzer, 1)
    fuzzer.origin_side.seen[mine] = strict.requests_in(seen.replace(b"%s", mine))[0]
    fuzzer.judge_forwarded(case)
    assert fuzzer.failures
