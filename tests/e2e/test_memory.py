"""Bounded memory: streaming with back-pressure, bulk bodies, the price of an idle client."""
import socket
import threading
import time

import pytest

from harness import Client, Freshet, Origin
from harness.client import request_bytes
from harness.proxy import sanitized

MIB = 1 << 20
BLOCK = bytes(65536)

# What the proxy may grow by while a body of any size passes: two relay buffers and some change.
# Sanitizers keep freed memory in quarantine and red zones around everything.
GROWTH_KIB = 32768 if sanitized() else 2048
IDLE_CLIENT_BYTES = 4096 if sanitized() else 512


class Counter:
    """Counts bytes moved by a thread; stalled() is true once it stops moving."""

    def __init__(self):
        self.bytes = 0

    def stalled(self, seconds=0.5, timeout_s=10):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            before = self.bytes
            time.sleep(seconds)
            if self.bytes == before:
                return True
        return False


def send_blocks(sock, total, counter):
    while counter.bytes < total:
        sock.sendall(BLOCK)
        counter.bytes += len(BLOCK)


def receive_blocks(sock, total, counter):
    scratch = bytearray(1 << 18)
    while counter.bytes < total:
        got = sock.recv_into(scratch)
        if not got:
            return
        counter.bytes += got


def download(total, counter):
    def script(conn):
        conn.read_request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        send_blocks(conn.sock, total, counter)
        conn.source.rest()
    return script


def test_client_that_reads_nothing_blocks_the_origin_and_costs_no_memory():
    total, sent = 200 * MIB, Counter()
    with Origin(script=download(total, sent)) as origin, Freshet() as proxy:
        with Client(proxy.port, timeout_s=20, receive_buffer=65536) as client:
            before = proxy.settled_memory_kib()
            client.request("GET", origin.url())
            assert sent.stalled()
            assert sent.bytes < 64 * MIB
            assert proxy.memory_kib() - before < GROWTH_KIB
            client.read_head()
            got = Counter()
            got.bytes = len(client.source.buffer)
            receive_blocks(client.sock, total, got)
            assert got.bytes == total


def test_origin_that_reads_nothing_blocks_the_client_and_costs_no_memory():
    total, sent = 200 * MIB, Counter()
    go = threading.Event()

    def late_reader(conn):
        conn.read_head_only()
        assert go.wait(15)
        got = Counter()
        got.bytes = len(conn.source.buffer)
        receive_blocks(conn.sock, total, got)
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%d" % (len(str(got.bytes)), got.bytes))
    with Origin(script=late_reader) as origin, Freshet() as proxy, proxy.client(timeout_s=20) as client:
        before = proxy.settled_memory_kib()
        client.send(request_bytes("POST", origin.url(), f"Content-Length: {total}"))
        sender = threading.Thread(target=send_blocks, args=(client.sock, total, sent), daemon=True)
        sender.start()
        assert sent.stalled()
        assert sent.bytes < 64 * MIB
        assert proxy.memory_kib() - before < GROWTH_KIB
        go.set()
        assert client.response().body == b"%d" % total
        sender.join(5)


def test_tunnel_whose_client_reads_nothing_blocks_the_origin():
    total, sent = 200 * MIB, Counter()
    with Origin(script=lambda conn: send_blocks(conn.sock, total, sent)) as origin, Freshet() as proxy:
        with Client(proxy.port, receive_buffer=65536) as client:
            before = proxy.settled_memory_kib()
            client.connect_to(origin.authority)
            assert sent.stalled()
            assert sent.bytes < 64 * MIB
            assert proxy.memory_kib() - before < GROWTH_KIB


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_big_download_needs_no_more_memory_than_a_small_one(framing):
    total, sent, got = 300 * MIB, Counter(), Counter()

    def script(conn):
        conn.read_request()
        if framing == "length":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
            send_blocks(conn.sock, total, sent)
            return
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % len(BLOCK) + BLOCK + b"\r\n"
        for _ in range(total // len(BLOCK)):
            conn.send(chunk)
        conn.send(b"0\r\n\r\n")
    with Origin(script=script) as origin, Freshet() as proxy, proxy.client(timeout_s=20) as client:
        before = proxy.settled_memory_kib()
        client.request("GET", origin.url(), "Connection: close")
        client.read_head()
        receive_blocks(client.sock, total * 3 // 4, got)
        assert proxy.memory_kib() - before < GROWTH_KIB
        receive_blocks(client.sock, 2 * total, got)
        assert got.bytes + len(client.source.buffer) >= total


def test_big_upload_needs_no_more_memory_than_a_small_one():
    total, sent, peak = 300 * MIB, Counter(), []

    def script(conn):
        conn.read_head_only()
        got = Counter()
        got.bytes = len(conn.source.buffer)
        receive_blocks(conn.sock, total // 2, got)
        peak.append(proxy.memory_kib())
        receive_blocks(conn.sock, total, got)
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    with Origin(script=script) as origin, Freshet() as proxy, proxy.client(timeout_s=20) as client:
        before = proxy.settled_memory_kib()
        client.send(request_bytes("PUT", origin.url(), f"Content-Length: {total}"))
        send_blocks(client.sock, total, sent)
        assert client.response().body == b"done"
        assert peak[0] - before < GROWTH_KIB


def idle_clients(proxy, url, count):
    clients = []
    for _ in range(count):
        client = Client(proxy.port)
        assert client.get(url).status == 200
        clients.append(client)
    return clients


def test_idle_keep_alive_client_costs_half_a_kibibyte(origin):
    count = 2000
    with Freshet(records=100) as proxy:  # soon all in use
        warm = idle_clients(proxy, origin.url(), 100)
        for _ in range(1200):  # touches every slot of the ring that leads to the access log
            assert warm[0].get(origin.url()).status == 200
        before = proxy.settled_memory_kib()
        clients = idle_clients(proxy, origin.url(), count)
        each = (proxy.settled_memory_kib() - before) * 1024 / count
        for client in warm + clients:
            client.close()
        assert each <= IDLE_CLIENT_BYTES, f"{each:.0f} bytes per idle client"


def test_memory_is_flat_over_many_exchanges_and_connections(origin):
    def round_of_traffic():
        for _ in range(60):
            with Client(proxy.port) as client:
                for _ in range(50):
                    assert client.get(origin.url()).status == 200
    with Freshet(records=100) as proxy:
        round_of_traffic()
        before = proxy.settled_memory_kib()
        round_of_traffic()
        assert proxy.settled_memory_kib() - before <= (8192 if sanitized() else 128)


def test_clients_beyond_the_limit_wait_and_the_others_work(origin):
    with Freshet(max_clients=5) as proxy:
        held = idle_clients(proxy, origin.url(), 5)
        with Client(proxy.port) as waiting:
            waiting.request("GET", origin.url("/waiting"))
            assert waiting.silent_for(0.4)
            assert held[0].get(origin.url("/held")).status == 200
            held.pop().close()
            assert waiting.response().status == 200
        for client in held:
            client.close()


def test_slow_reader_does_not_hold_up_other_clients(origin):
    sent = Counter()
    with Origin(script=download(50 * MIB, sent)) as bulk, Freshet() as proxy:
        with Client(proxy.port, receive_buffer=16384) as slow, proxy.client() as quick:
            slow.request("GET", bulk.url())
            assert sent.stalled(0.2)
            started = time.monotonic()
            assert quick.get(origin.url()).body == b"hello"
            assert time.monotonic() - started < 3, "the slow reader never makes way"
            slow.sock.shutdown(socket.SHUT_RDWR)
