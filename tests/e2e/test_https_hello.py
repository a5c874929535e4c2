"""From CONNECT to the first request: the ClientHello in any pieces, what it decides, who is dialled when."""
import socket
import ssl
import threading
import time

import pytest

from harness import Client, Origin
from harness.https import intercepting_proxy, tls_origin  # noqa: F401 (fixtures)
from harness.origin import wait_until
from harness.tls import Interceptor, TlsOrigin


class Speaker:
    """TLS over memory, so that the test decides in which pieces its bytes travel."""

    def __init__(self, client, context, server_name="localhost"):
        self.client = client
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)

    def hello(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def finish(self):
        """The rest of the handshake, in the usual way."""
        while True:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self.flush()
                self.receive()

    def get(self, path, host):
        self.tls.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        self.flush()
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.receive()

    def flush(self):
        self.client.send(self.outgoing.read())

    def receive(self):
        data = self.client.sock.recv(65536)
        assert data, "the proxy closed"
        self.incoming.write(data)


def records_of(hello, size):
    """The same handshake message in records of `size` bytes."""
    message = hello[5:]
    return b"".join(hello[:3] + len(part).to_bytes(2, "big") + part
                    for part in (message[i:i + size] for i in range(0, len(message), size)))


def talk(proxy, origin, in_pieces):
    with Client(proxy.port) as client:
        assert client.connect_to(origin.authority).status == 200
        speaker = Speaker(client, proxy.context())
        in_pieces(client, speaker.hello())
        speaker.finish()
        assert b"\r\n\r\nhello" in speaker.get("/", origin.authority)


def test_hello_that_comes_byte_by_byte_is_understood(proxy, origin):
    def pieces(client, hello):
        for i in range(len(hello)):
            client.send(hello[i:i + 1])
            if i % 8 == 0:
                time.sleep(0.0003)
    talk(proxy, origin, pieces)


def test_hello_split_anywhere_is_understood(proxy, origin):
    with Client(proxy.port) as client:
        length = len(Speaker(client, proxy.context()).hello())
    for at in [*range(1, 12), *range(12, length, 29), length - 1]:
        talk(proxy, origin, lambda client, hello, at=at: client.send_in_two(hello, at))


@pytest.mark.parametrize("size", [1, 2, 100])
def test_hello_in_many_small_records_is_understood(proxy, origin, size):
    talk(proxy, origin, lambda client, hello: client.send(records_of(hello, size)))


def test_hello_that_comes_with_the_connect_is_understood(proxy, origin):
    with Client(proxy.port) as client:
        speaker = Speaker(client, proxy.context())
        connect = f"CONNECT {origin.authority} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode()
        client.send(connect + speaker.hello())
        assert client.response("CONNECT").status == 200
        speaker.incoming.write(client.source.take(len(client.source.buffer)))
        speaker.finish()
        assert b"hello" in speaker.get("/", origin.authority)


def test_hello_of_more_than_16_kib_is_not_intercepted(proxy):
    got = []

    def script(conn):
        got.append(conn.source.exactly(20000))
    huge = b"\x16\x03\x01\x40\x00" + b"\x01\x00\x80\x00" + bytes(16380) + b"\x16\x03\x01\x40\x00" + bytes(16384)
    with Origin(script=script) as origin, Client(proxy.port) as client:
        client.connect_to(origin.authority)
        client.send(huge)
        assert wait_until(lambda: got)
        client.close()
        record = proxy.record(origin.authority)
    assert got == [huge[:20000]]
    assert "too large" in record["freshet.not_busted_reason"]


def test_name_of_the_hello_is_the_one_asked_of_the_origin_and_certified(pki):
    both = pki.root.issue("named", san="DNS:named.test,IP:127.0.0.1")
    with Interceptor(pki) as proxy, TlsOrigin(both, name="127.0.0.1") as origin:
        with proxy.secure(origin, server_name="named.test") as client:
            assert ("DNS", "named.test") in client.sock.getpeercert()["subjectAltName"]
            assert client.get("/", f"Host: named.test:{origin.port}").body == b"hello"
        assert origin.handshakes[-1]["server_name"] == "named.test"


def test_address_is_certified_as_an_address_and_no_name_is_sent(proxy, pki):
    with TlsOrigin(pki.good, name="127.0.0.1") as origin, proxy.secure(origin) as client:
        assert client.sock.getpeercert()["subjectAltName"] == (("IP Address", "127.0.0.1"),)
        assert client.get("/").body == b"hello"
        assert origin.handshakes[-1]["server_name"] is None


def test_first_contact_looks_at_the_origin_before_the_client_is_shown_anything(pki):
    """The client's hello is not answered until the origin's handshake was seen; afterwards it is at once."""
    gate = threading.Semaphore(0)
    with Interceptor(pki) as proxy, TlsOrigin(pki.good, before=lambda conn: gate.acquire(timeout=5)) as origin:
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            speaker = Speaker(client, proxy.context())
            client.send(speaker.hello())
            assert origin.wait_for_connections(1)
            assert client.silent_for(0.15)
            gate.release()
            speaker.finish()
            assert b"hello" in speaker.get("/", origin.authority)
        for conn in origin.connections:
            conn.sock.shutdown(socket.SHUT_RDWR)
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            speaker = Speaker(client, proxy.context())
            client.send(speaker.hello())
            speaker.finish()  # although the gate is closed: both handshakes go on at the same time
            assert origin.wait_for_connections(2)
            gate.release()
            assert b"hello" in speaker.get("/", origin.authority)


def test_hello_that_never_ends_is_given_up(pki, origin):
    with Interceptor(pki, timeout_client_head="300ms") as proxy, Client(proxy.port) as client:
        client.connect_to(origin.authority)
        client.send(b"\x16\x03\x01\x02\x00\x01")
        started = time.monotonic()
        assert client.closed_by_peer()
        assert 0.2 < time.monotonic() - started < 3
        assert "timeout-client-head" in proxy.record(origin.authority)["freshet.error"]
    assert not origin.connections


def test_client_that_leaves_after_its_hello_is_not_taken_for_one_that_refuses(pki):
    gate = threading.Semaphore(0)
    with Interceptor(pki) as proxy, TlsOrigin(pki.good, before=lambda conn: gate.acquire(timeout=5)) as origin:
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            client.send(Speaker(client, proxy.context()).hello())
            assert origin.wait_for_connections(1)
        gate.release()
        assert "freshet.passed_for_s" not in proxy.record(origin.authority)
        gate.release()
        assert proxy.get(origin).body == b"hello"
        assert proxy.records(3, origin.authority)[1]["freshet.intercepted"]


def test_client_that_leaves_with_its_hello_is_not_taken_for_one_that_refuses(pki, origin):
    with Interceptor(pki) as proxy:
        assert proxy.get(origin).body == b"hello"
        with Client(proxy.port) as client:
            client.connect_to(origin.authority)
            client.sock.send(Speaker(client, proxy.context()).hello(), socket.MSG_MORE)
            client.half_close()  # in the same segment
            client.read_to_end()
        assert wait_until(lambda: len(proxy.read_records(origin.authority)) == 3)
        assert "freshet.passed_for_s" not in proxy.record(origin.authority)
        assert proxy.get(origin).body == b"hello"
