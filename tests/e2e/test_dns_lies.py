"""A name server that is gone, silent or lies: the one name fails clearly, all others are served, nothing spins."""
import random
import socket
import struct
import time

import pytest

from harness import DnsServer, Freshet
from harness.dns import (SERVFAIL, TRUNCATED, TYPE_A, TYPE_AAAA, Name, alias, framed, raw_record, record,
                         wire_name)
from harness.faults import FaultyFreshet, build_library
from harness.origin import wait_until
from harness.proxy import sanitized

CONNECT_S = 1.5 if sanitized() else 0.5  # timeout-connect: how long lies are waited for
FORGED = "127.0.0.66"  # where nobody listens
SERVED, FAILED, UNANSWERED = (200, None), (502, "dns_error"), (504, "dns_timeout")


def forged(asked):
    return asked.message(record(TYPE_A, 60, FORGED)) if asked.kind == TYPE_A else asked.honest


def other_id(message):
    return struct.pack("!H", struct.unpack("!H", message[:2])[0] ^ 1) + message[2:]


def other_question(message):
    """The same for another name of the same length."""
    return message[:13] + bytes([message[13] ^ 1]) + message[14:]


def wrong_id(asked):
    asked.say(other_id(asked.honest))


def wrong_question(asked):
    asked.say(other_question(asked.honest))


def no_question(asked):
    asked.say(asked.query[:2] + b"\x85\x80" + struct.pack("!HHHH", 0, 1, 0, 0) + record(TYPE_A, 60, FORGED, b"\0"))


def a_question_back(asked):
    asked.say(asked.query)


def other_port(asked):
    asked.say_from_another_port(asked.honest)


def forgeries_before_the_answer(asked):
    asked.say_from_another_port(forged(asked))
    for number in range(100):
        asked.say(other_id(forged(asked)) if number % 2 else other_question(forged(asked)))
    asked.say(asked.honest)


def garbage(asked):
    rnd = random.Random(asked.kind)
    for size in [0, 1, 2, 11, 12, 13, 40, 512, 1400]:
        asked.say(asked.query[:min(size, 2)] + rnd.randbytes(max(size - 2, 0)))


def nothing(asked):
    """Datagrams without a byte in them."""
    for _ in range(10):
        asked.say(b"")
        time.sleep(0.005)


def header_alone(asked):
    asked.say(asked.query[:2] + b"\x85\x80" + bytes(8))


def alias_loop(asked):
    back = b"\xc0\x0c"
    asked.say(asked.message(alias(back, wire_name("other.test")), alias(wire_name("other.test"), back)))


def alias_to_itself(asked):
    asked.say(asked.message(*[alias(b"\xc0\x0c", b"\xc0\x0c")] * 20))


def alias_chain(asked):
    """As long as a datagram holds, with the address at its end."""
    names = [b"\xc0\x0c"] + [wire_name(f"c{number}.test") for number in range(40)]
    chain = [alias(*pair) for pair in zip(names, names[1:])]
    asked.say(asked.message(*chain, record(TYPE_A, 60, "127.0.0.1", names[-1])) if asked.kind == TYPE_A else asked.honest)


def alias_without_address(asked):
    asked.say(asked.message(alias(b"\xc0\x0c", wire_name("nowhere.test"))))


def pointer_to_itself(asked):
    at = 12 + len(asked.question)
    asked.say(asked.message(record(TYPE_A, 60, FORGED, struct.pack("!H", 0xc000 | at))))


def pointers_in_a_circle(asked):
    at = 12 + len(asked.question)
    there, back = struct.pack("!H", 0xc000 | (at + 12)), struct.pack("!H", 0xc000 | at)
    asked.say(asked.message(alias(there, back), alias(back, there)))


def pointer_beyond_the_end(asked):
    asked.say(asked.message(record(TYPE_A, 60, FORGED, b"\xff\xff")))


def pointer_in_the_question(asked):
    asked.say(asked.query[:2] + struct.pack("!HHHHH", 0x8580, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1")


def more_records_promised(asked):
    asked.say(asked.message(record(TYPE_A, 60, FORGED), count=65535))


def record_longer_than_the_message(asked):
    asked.say(asked.message(b"\xc0\x0c" + struct.pack("!HHIH", TYPE_A, 1, 60, 65535) + b"\x7f\0\0\1"))


def address_of_three_bytes(asked):
    asked.say(asked.message(raw_record(asked.kind, 60, b"\x7f\0\0")))


def address_of_no_bytes(asked):
    asked.say(asked.message(raw_record(asked.kind, 60, b"")))


def only_unknown_records(asked):
    asked.say(asked.message(*[raw_record(kind, 60, b"\0" * 16) for kind in (2, 6, 15, 16, 33, 65, 255, 65535)]))


def truncated(asked):
    """Says so by UDP; by TCP true, for the caller to go on."""
    if asked.transport == "udp":
        asked.say(asked.message(flags=0x8580 | TRUNCATED))
    return asked.transport == "tcp"


def thousands_of_addresses(asked):
    if truncated(asked):
        asked.say(asked.message(*[record(TYPE_A, 60, "127.0.0.1")] * 4000) if asked.kind == TYPE_A else asked.honest)


def truncated_both_ways(asked):
    asked.say(asked.message(flags=0x8580 | TRUNCATED))


def truncated_then_less_than_promised(asked):
    if truncated(asked):
        asked.say_bytes(b"\xff\xff" + asked.honest)


def truncated_then_nothing(asked):
    truncated(asked)


def truncated_then_closed(asked):
    if truncated(asked):
        raise OSError


def truncated_then_empty_messages(asked):
    if truncated(asked):
        asked.say_bytes(b"\0\0" * 1000)


def truncated_then_dripped(asked):
    for byte in framed(asked.honest) if truncated(asked) else b"":
        asked.say_bytes(bytes([byte]))
        time.sleep(0.001)


def ipv6_never(asked):
    if asked.kind == TYPE_A:
        asked.say(asked.honest)


def ipv6_garbage(asked):
    asked.say(asked.honest if asked.kind == TYPE_A else asked.message(raw_record(TYPE_AAAA, 60, b"x")))


def ipv6_refused(asked):
    asked.say(asked.honest if asked.kind == TYPE_A else asked.message(flags=0x8585))


def answered_a_thousand_times(asked):
    for _ in range(1000):
        asked.say(asked.honest)


def silence(asked):
    pass


def result_code(number):
    def lie(asked):
        asked.say(asked.message(flags=0x8580 | number))
    lie.__name__ = f"result_code_{number}"
    return lie


def time_to_live(ttl):
    def lie(asked):
        asked.say(asked.message(record(TYPE_A, ttl, "127.0.0.1")) if asked.kind == TYPE_A else asked.honest)
    lie.__name__ = f"time_to_live_{ttl}"
    return lie


# What a client gets who asks for the name.
LIES = [
    (wrong_id, UNANSWERED), (wrong_question, UNANSWERED), (no_question, UNANSWERED), (a_question_back, FAILED),
    (other_port, UNANSWERED), (forgeries_before_the_answer, SERVED), (garbage, UNANSWERED),
    (header_alone, UNANSWERED), (alias_loop, FAILED), (alias_to_itself, FAILED), (alias_chain, SERVED),
    (alias_without_address, FAILED), (pointer_to_itself, FAILED), (pointers_in_a_circle, FAILED),
    (pointer_beyond_the_end, FAILED), (pointer_in_the_question, UNANSWERED), (more_records_promised, FAILED),
    (record_longer_than_the_message, FAILED), (address_of_three_bytes, FAILED), (address_of_no_bytes, FAILED),
    (only_unknown_records, FAILED), (thousands_of_addresses, SERVED), (truncated_both_ways, FAILED),
    (truncated_then_less_than_promised, UNANSWERED), (truncated_then_nothing, UNANSWERED),
    (truncated_then_closed, FAILED), (truncated_then_empty_messages, FAILED), (truncated_then_dripped, SERVED),
    (ipv6_never, SERVED), (ipv6_garbage, SERVED), (ipv6_refused, SERVED), (answered_a_thousand_times, SERVED),
    (silence, UNANSWERED), (result_code(0), FAILED), (result_code(1), FAILED), (result_code(SERVFAIL), FAILED),
    (result_code(4), FAILED), (result_code(5), FAILED), (result_code(15), FAILED),
    (time_to_live(0), SERVED), (time_to_live(2**31 - 1), SERVED), (time_to_live(2**32 - 1), SERVED),
]


@pytest.fixture(scope="module")
def names():
    table = {host_of(lie): Name(a=("127.0.0.1",), lie=lie) for lie, _ in LIES}
    with DnsServer({**table, "honest.test": Name(a=("127.0.0.1",), ttl=0)}) as server:
        yield server


@pytest.fixture(scope="module")
def resolving(names):
    with Freshet(resolver=names.option, timeout_connect=f"{CONNECT_S * 1000:.0f}ms") as running:
        yield running


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_library(tmp_path_factory.mktemp("preload"))


def host_of(lie):
    return f"{lie.__name__.replace('_', '-')}.test"


def status_and_error(answer):
    """The status, and of an answer of our own what Proxy-Status says went wrong."""
    if answer.status == 200:
        return answer.status, None
    return answer.status, answer.one("Proxy-Status").partition("error=")[2].split(";")[0]


@pytest.mark.parametrize("lie, expected", LIES, ids=[lie.__name__ for lie, _ in LIES])
def test_lie_about_one_name_is_told_from_an_answer_and_holds_up_no_other(resolving, origin, lie, expected):
    said, busy = len(resolving.stderr()), resolving.cpu_s()
    with resolving.client() as client, resolving.client() as other:
        started = time.monotonic()
        client.request("GET", f"http://{host_of(lie)}:{origin.port}/")
        assert other.get(f"http://honest.test:{origin.port}/").status == 200
        assert time.monotonic() - started < CONNECT_S, "another name had to wait"
        assert status_and_error(client.response()) == expected
        assert time.monotonic() - started < CONNECT_S + 1
    record_of = resolving.record(host_of(lie))
    assert record_of["http.response.status_code"] == expected[0] and (expected == SERVED or record_of["freshet.error"])
    assert resolving.cpu_s() - busy < 0.6 * CONNECT_S, "spins"
    assert len(resolving.stderr()[said:].splitlines()) <= 1, resolving.stderr()[said:]


@pytest.mark.parametrize("lie", [truncated_then_closed, truncated_then_less_than_promised,
                                 truncated_then_empty_messages, nothing], ids=lambda lie: lie.__name__)
def test_name_that_cannot_be_had_disturbs_no_question_that_is_on_its_way(origin, lie):
    """Name servers whose TCP is closed are common; the answer to the other name takes its usual time."""
    slow = Name(a=("127.0.0.1",), delay_s=0.1)
    with DnsServer({"lie.test": Name(lie=lie), "slow.test": slow}) as names, \
            Freshet(resolver=names.option, timeout_connect="1s") as running, \
            running.client() as client, running.client() as other:
        other.request("GET", f"http://slow.test:{origin.port}/")
        client.request("GET", f"http://lie.test:{origin.port}/")
        assert other.response().status == 200
        assert names.asked("slow.test") == 2, "A and AAAA, once each"
        assert status_and_error(client.response()) in (FAILED, UNANSWERED)


def told(proxy):
    return [line for line in proxy.stderr().splitlines() if " info " not in line and "max-clients" not in line]


def get(proxy, name, port=80):
    with proxy.client() as client:
        return client.get(f"http://{name}:{port}/")


def test_name_server_that_is_gone_is_told_once_and_used_again_when_it_is_back(origin):
    with DnsServer() as gone:
        port = gone.port
    with Freshet(resolver=gone.option) as proxy:
        busy, started = proxy.cpu_s(), time.monotonic()
        answers = {status_and_error(get(proxy, f"n{number}.test")) for number in range(50)}
        assert answers == {FAILED}
        assert time.monotonic() - started < 5 and proxy.cpu_s() - busy < 0.5
        assert proxy.record("n0.test")["freshet.error"] == "the name server cannot be reached"
        assert len(told(proxy)) == 1 and "the name server cannot be reached" in told(proxy)[0], told(proxy)
        with DnsServer({f"{name}.test": Name(a=("127.0.0.1",)) for name in ("new", "n0")}, port=port):
            assert get(proxy, "new.test", origin.port).body == b"hello"
            assert wait_until(lambda: get(proxy, "n0.test", origin.port).status == 200, 4), "failures are kept briefly"


def test_name_server_that_is_silent_for_long_is_told_once_and_keeps_nobody(library, origin):
    mute = Name(lie=silence)
    with DnsServer({**{f"n{number}.test": mute for number in range(20)}, "honest.test": Name(a=("127.0.0.1",))}) as names, \
            FaultyFreshet(library, resolver=names.option, timeout_connect="300ms") as proxy:
        assert {status_and_error(get(proxy, f"n{number}.test")) for number in range(4)} == {UNANSWERED}
        for leap in range(1, 6):  # over all tries of c-ares
            proxy.faults.shift_monotonic_clock(leap * 20)
            assert get(proxy, "honest.test", origin.port).status == 200
        assert wait_until(lambda: told(proxy))
        assert len(told(proxy)) == 1 and "the name server does not answer" in told(proxy)[0], told(proxy)
        busy = proxy.cpu_s()
        time.sleep(0.5)
        assert proxy.cpu_s() - busy < 0.25, "spins"


def test_truncated_answer_of_a_server_without_tcp_is_a_failure(origin):
    with DnsServer({"big.test": Name(truncate=True), "small.test": Name(a=("127.0.0.1",))}) as names, \
            Freshet(resolver=names.option) as proxy:
        names.tcp.shutdown(socket.SHUT_RDWR)
        names.tcp.close()
        started = time.monotonic()
        assert status_and_error(get(proxy, "big.test")) == FAILED
        assert time.monotonic() - started < 1
        assert get(proxy, "small.test", origin.port).status == 200
