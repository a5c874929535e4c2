"""Names to addresses: a scripted name server, happy eyeballs, TCP after truncation, TTLs."""
import contextlib
import socket
import threading
import time

import pytest

from harness import Client, DnsServer, Freshet, Origin
from harness.dns import SERVFAIL, TYPE_A, TYPE_AAAA, Name
from harness.origin import wait_until

DEAD_V6 = "100::dead"  # RFC 6666: discarded wherever it is routed at all


@pytest.fixture
def names():
    with DnsServer() as server:
        yield server


@pytest.fixture
def resolving(names):
    with Freshet(resolver=names.option) as running:
        yield running


def fetch(proxy, name, port, path="/"):
    with Client(proxy.port) as client:
        return client.get(f"http://{name}:{port}{path}")


def test_name_with_only_an_ipv4_address_is_reached(names, resolving, origin):
    names.names["four.test"] = Name(a=("127.0.0.1",))
    assert fetch(resolving, "four.test", origin.port).body == b"hello"
    assert origin.last.one("Host") == f"four.test:{origin.port}"


def test_name_with_only_an_ipv6_address_is_reached(names, resolving, loopbacks):
    host = loopbacks[-1]
    names.names["six.test"] = Name(aaaa=(host,)) if ":" in host else Name(a=(host,))
    with Origin(host=host) as origin:
        assert fetch(resolving, "six.test", origin.port).body == b"hello"


def test_dead_ipv6_address_costs_a_moment_and_not_the_connection(names, resolving, origin):
    names.names["both.test"] = Name(a=("127.0.0.1",), aaaa=(DEAD_V6,))
    started = time.monotonic()
    assert fetch(resolving, "both.test", origin.port).body == b"hello"
    assert time.monotonic() - started < 1.5


def test_silent_first_address_is_overtaken_by_the_second(names, resolving):
    with socket.socket() as silent:
        silent.bind(("127.0.0.2", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.2", port))
        time.sleep(0.05)
        names.names["slow.test"] = Name(a=("127.0.0.2", "127.0.0.1"))
        with socket.create_server(("127.0.0.1", port)) as listener:
            threading.Thread(target=answer_once, args=(listener,), daemon=True).start()
            started = time.monotonic()
            assert fetch(resolving, "slow.test", port).body == b"second"
            assert time.monotonic() - started < 1.5
        for filler in fillers:
            filler.close()


def answer_once(listener):
    sock, _ = listener.accept()
    with sock:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond")


def test_refused_first_address_falls_through_to_the_next_at_once(names, resolving, origin):
    names.names["refused.test"] = Name(a=("127.0.0.3", "127.0.0.1"))
    started = time.monotonic()
    assert fetch(resolving, "refused.test", origin.port).body == b"hello"
    assert time.monotonic() - started < 1.5


def test_both_address_families_are_asked_for(names, resolving, origin):
    names.names["both.test"] = Name(a=("127.0.0.1",), aaaa=("::1",))
    assert fetch(resolving, "both.test", origin.port).body == b"hello"
    assert (names.asked("both.test", TYPE_A), names.asked("both.test", TYPE_AAAA)) == (1, 1)


def test_truncated_answer_is_asked_again_by_tcp(names, resolving, origin):
    many = tuple(f"127.0.0.{n}" for n in range(1, 31))
    names.names["big.test"] = Name(a=many, truncate=True)
    assert fetch(resolving, "big.test", origin.port).body == b"hello"
    assert names.asked("big.test", TYPE_A, "tcp") == 1


def test_name_server_that_closes_behind_each_answer_by_tcp_answers_them_all(names, resolving, origin):
    def one(asked):
        asked.say(asked.honest)
        if asked.transport == "tcp":
            raise OSError

    with contextlib.ExitStack() as stack:
        clients = {f"one-{number}.test": stack.enter_context(resolving.client()) for number in range(20)}
        for name, client in clients.items():
            names.names[name] = Name(a=("127.0.0.1",), truncate=True, delay_s=0.02, lie=one)
            client.request("GET", f"http://{name}:{origin.port}/")
        assert [client.response().status for client in clients.values()] == [200] * 20
    assert all(names.asked(name, TYPE_A, "tcp") == 1 for name in clients)


def test_name_server_without_tcp_for_a_long_answer_is_said_to_be_that(names, resolving):
    def cut_then_closed(asked):
        if asked.transport == "tcp":
            raise OSError
        asked.say(asked.honest)

    names.names["closed.test"] = Name(truncate=True, lie=cut_then_closed)
    answer = fetch(resolving, "closed.test", 80)
    assert answer.status == 502
    assert "does not give it by TCP" in answer.one("Proxy-Status")
    assert "cannot be reached" not in resolving.stderr()


def test_unknown_name_is_a_bad_gateway(names, resolving):
    answer = fetch(resolving, "gone.test", 80)
    assert answer.status == 502
    assert "dns_error" in answer.one("Proxy-Status")
    assert names.asked("gone.test") >= 1


def test_name_without_any_address_is_a_bad_gateway(names, resolving):
    names.names["empty.test"] = Name()
    answer = fetch(resolving, "empty.test", 80)
    assert (answer.status, "dns_error" in answer.one("Proxy-Status")) == (502, True)


def test_server_failure_is_a_bad_gateway(names, resolving):
    names.names["broken.test"] = Name(rcode=SERVFAIL)
    assert fetch(resolving, "broken.test", 80).status == 502


def test_silent_name_server_is_a_dns_timeout():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        with Freshet(resolver=f'"127.0.0.1:{deaf.getsockname()[1]}"', timeout_connect="2s") as proxy:
            with proxy.client(timeout_s=15) as client:
                answer = client.get("http://slow.test/")
    assert answer.status == 504
    assert "dns_timeout" in answer.one("Proxy-Status") or "connection_timeout" in answer.one("Proxy-Status")


def test_answer_is_kept_for_its_ttl(names, resolving, origin):
    names.names["kept.test"] = Name(a=("127.0.0.1",), ttl=60)
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    for _ in range(5):
        assert fetch(resolving, "kept.test", origin.port).status == 200
    assert len(origin.connections) == 5
    assert names.asked("kept.test", TYPE_A) == 1


def test_answer_is_not_kept_beyond_its_ttl(names, resolving, origin):
    names.names["brief.test"] = Name(a=("127.0.0.1",), ttl=1)
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    fetch(resolving, "brief.test", origin.port)
    time.sleep(1.3)
    fetch(resolving, "brief.test", origin.port)
    assert names.asked("brief.test", TYPE_A) == 2


def test_moved_name_is_followed_after_its_ttl(names, resolving):
    close = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    with Origin(close + b"old") as old:
        names.names["moving.test"] = Name(a=("127.0.0.1",), ttl=1)
        assert fetch(resolving, "moving.test", old.port).body == b"old"
        names.names["moving.test"] = Name(a=("127.0.0.9",), ttl=1)
        time.sleep(1.3)
        assert fetch(resolving, "moving.test", old.port).status == 502


def test_simultaneous_questions_for_one_name_are_asked_once(names, resolving, origin):
    names.names["popular.test"] = Name(a=("127.0.0.1",), delay_s=0.3)
    clients = [Client(resolving.port) for _ in range(10)]
    for client in clients:
        client.request("GET", f"http://popular.test:{origin.port}/")
    for client in clients:
        assert client.response().body == b"hello"
        client.close()
    assert names.asked("popular.test", TYPE_A) == 1


def test_names_differing_in_case_are_one_name(names, resolving, origin):
    names.names["case.test"] = Name(a=("127.0.0.1",))
    for name in ("case.test", "CASE.test", "Case.Test"):
        assert fetch(resolving, name, origin.port).status == 200
    assert names.asked("case.test", TYPE_A) == 1
    assert len(origin.connections) == 1


def test_literal_addresses_are_never_asked_for(names, resolving, origin):
    assert fetch(resolving, "127.0.0.1", origin.port).status == 200
    assert names.queries == []


def test_slow_question_does_not_hold_up_other_exchanges(names, resolving, origin):
    names.names["slow.test"] = Name(a=("127.0.0.1",), delay_s=2.0)
    with Client(resolving.port) as waiting:
        waiting.request("GET", f"http://slow.test:{origin.port}/slow")
        assert wait_until(lambda: names.asked("slow.test"))
        started = time.monotonic()
        assert fetch(resolving, "127.0.0.1", origin.port, "/quick").status == 200
        assert time.monotonic() - started < 1.5
        assert waiting.response().status == 200


def test_client_that_leaves_while_its_name_is_asked_for_harms_nobody(names, resolving, origin):
    names.names["left.test"] = Name(a=("127.0.0.1",), delay_s=0.3)
    with Client(resolving.port) as leaver:
        leaver.request("GET", f"http://left.test:{origin.port}/left")
        assert wait_until(lambda: names.asked("left.test"))
        leaver.reset()
    time.sleep(0.4)
    assert fetch(resolving, "left.test", origin.port).body == b"hello"


def test_tunnel_to_a_name_is_resolved_alike(names, resolving):
    names.names["tunnel.test"] = Name(a=("127.0.0.1",))
    with Origin(script=lambda conn: conn.send(b"hi")) as origin, Client(resolving.port) as client:
        assert client.connect_to(f"tunnel.test:{origin.port}").status == 200
        assert client.read_to_end() == b"hi"


def test_system_resolver_knows_the_hosts_file(origin):
    with Freshet(resolver='"system"') as proxy:
        assert fetch(proxy, "localhost", origin.port).body == b"hello"
