"""Start, drain, stop, reload, log rotation, and what systemd hands over and wants to hear."""
import os
import signal
import socket
import sys
import threading
import time

import pytest

from harness import Client, Freshet, Origin, chunked, response
from harness.origin import wait_until

ACTIVATE = ("import os, sys\n"
            "fd = int(sys.argv[1])\n"
            "os.dup2(fd, 3)\n"
            "os.set_inheritable(3, True)\n"
            "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
            "os.execv(sys.argv[2], sys.argv[2:])\n")


class Gate:
    """An origin's answer that comes in two halves, the second once opened."""

    def __init__(self):
        self.open = threading.Event()

    def __call__(self, conn):
        while conn.read_request() is not None:
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            self.open.wait(8)
            conn.send(b"later")


@pytest.fixture
def gated():
    gate = Gate()
    with Origin(script=gate) as listening:
        listening.gate = gate.open
        yield listening
        gate.open.set()


def silent(conn):
    conn.read_request()
    conn.source.rest()


def test_sigterm_lets_the_running_exchange_finish(gated):
    with Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.request("GET", gated.url())
        client.read_head()
        assert client.read_exactly(5) == b"first"
        proxy.signal(signal.SIGTERM)
        time.sleep(0.3)
        assert proxy.process.poll() is None
        gated.gate.set()
        assert client.read_to_end() == b"later"
        assert proxy.process.wait(3) == 0


def test_answer_given_while_draining_says_close():
    release = threading.Event()

    def hold(request):
        release.wait(5)
        return response(b"drained")
    with Origin(hold) as origin, Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        assert origin.wait_for_requests(1)
        proxy.signal(signal.SIGTERM)
        time.sleep(0.2)
        release.set()
        answer = client.response()
        assert (answer.body, answer.one("Connection").lower()) == (b"drained", "close")
        assert client.closed_by_peer()
        assert proxy.process.wait(3) == 0


def test_idle_clients_are_closed_while_draining(origin):
    with Freshet(timeout_drain="10s") as proxy, proxy.client() as client:
        assert client.get(origin.url()).status == 200
        proxy.signal(signal.SIGTERM)
        assert client.closed_by_peer()
        assert proxy.process.wait(3) == 0


def test_no_new_clients_while_draining(gated):
    with Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.request("GET", gated.url())
        client.read_head()
        proxy.signal(signal.SIGTERM)
        assert wait_until(lambda: not proxy.accepts(), 2)
        gated.gate.set()
        assert client.read_to_end() == b"firstlater"


def test_drain_ends_at_its_deadline():
    with Origin(script=silent) as origin, Freshet(timeout_drain="1s") as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        assert origin.wait_for_requests(1)
        started = time.monotonic()
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(4) == 0
        assert 0.7 < time.monotonic() - started < 3


def test_second_sigterm_stops_at_once():
    with Origin(script=silent) as origin, Freshet(timeout_drain="30s") as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        assert origin.wait_for_requests(1)
        proxy.signal(signal.SIGTERM)
        time.sleep(0.2)
        assert proxy.process.poll() is None
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(2) == 0


def test_sigint_stops_like_sigterm(origin):
    with Freshet() as proxy, proxy.client() as client:
        assert client.get(origin.url()).status == 200
        proxy.signal(signal.SIGINT)
        assert proxy.process.wait(3) == 0


def test_tunnel_survives_until_the_deadline_of_the_drain():
    def echo_once(conn):
        conn.send(conn.source.exactly(4))
    with Origin(script=echo_once) as origin, Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.connect_to(origin.authority)
        proxy.signal(signal.SIGTERM)
        time.sleep(0.2)
        client.send(b"ping")
        assert client.read_to_end() == b"ping"
        client.close()
        assert proxy.process.wait(3) == 0


def test_reload_changes_what_new_requests_get(origin):
    with Freshet() as proxy, proxy.client() as client:
        client.get(origin.url("/1"))
        proxy.reload(mode="off")
        assert wait_until(lambda: client.get(origin.url("/2")) and not origin.last.has("Pragma"))
        assert origin.requests[0].has("Pragma")


def test_reload_keeps_idle_clients_and_pooled_connections(origin):
    with Freshet() as proxy, proxy.client() as client:
        client.get(origin.url("/1"))
        proxy.reload(mode="observe")
        assert client.get(origin.url("/2")).status == 200
        assert client.get(origin.url("/3")).status == 200
        assert len(origin.connections) == 1


def test_reload_does_not_disturb_a_running_exchange(gated):
    with Freshet() as proxy, proxy.client() as client:
        client.request("GET", gated.url())
        client.read_head()
        for mode in ("off", "observe", "bust"):
            proxy.reload(mode=mode)
        gated.gate.set()
        assert client.read_exactly(10) == b"firstlater"


def test_running_exchange_keeps_the_policy_it_began_with():
    release = threading.Event()

    def hold(request):
        release.wait(5)
        return response(b"x", "Cache-Control: max-age=60")
    with Origin(hold) as origin, Freshet(mode="bust") as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        assert origin.wait_for_requests(1)
        proxy.reload(mode="off")
        release.set()
        assert client.response().one("Cache-Control") == "no-cache, no-store, must-revalidate"


@pytest.mark.parametrize("bad", ["mode = nonsense", "no-such-option = 1", "site \"x\" {",
                                 "timeout-body = never"])
def test_bad_file_at_reload_changes_nothing_and_is_reported(origin, bad):
    with Freshet(mode="observe") as proxy, proxy.client() as client:
        client.get(origin.url("/1"), "Cache-Control: max-age=1")
        said = proxy.reload(config=bad, mode="off")
        assert str(proxy.config_file) in said
        client.get(origin.url("/2"), "Cache-Control: max-age=1")
        assert proxy.record(origin.url("/2"))["freshet.mode"] == "observe"
        with proxy.client() as other:
            assert other.get(origin.url("/3")).status == 200


def test_good_file_after_a_bad_one_is_taken(origin):
    with Freshet() as proxy, proxy.client() as client:
        proxy.reload(config="mode = nonsense")
        proxy.reload(mode="off")
        client.get(origin.url("/x"))
        assert proxy.record(origin.url("/x"))["freshet.mode"] == "off"


def test_many_reloads_under_traffic_lose_nothing(origin):
    origin.answer = response(chunked(b"a", b"b"), "Transfer-Encoding: chunked", length=False)
    with Freshet(workers="2") as proxy:
        stop, failures = threading.Event(), []

        def traffic():
            try:
                with Client(proxy.port) as client:
                    while not stop.is_set():
                        assert client.get(origin.url()).body == b"ab"
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)
        threads = [threading.Thread(target=traffic, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(10):
            proxy.reload(mode=("off", "bust")[number % 2])
        stop.set()
        for thread in threads:
            thread.join(5)
        assert failures == []


def test_reload_does_not_close_the_listening_socket():
    with Freshet() as proxy:
        proxy.reload(mode="off")
        assert proxy.accepts()
        assert proxy.process.poll() is None


def test_sigusr1_reopens_the_access_log(origin):
    with Freshet() as proxy, proxy.client() as client:
        client.get(origin.url("/before"))
        proxy.record("/before")
        rotated = proxy.log_file.rename(proxy.directory / "access.log.1")
        proxy.signal(signal.SIGUSR1)
        assert wait_until(proxy.log_file.exists)
        client.get(origin.url("/after"))
        assert proxy.record("/after")
        assert "/after" not in rotated.read_text()


def test_leaving_clients_do_not_kill_the_proxy(origin):
    origin.answer = response(b"x" * 1_000_000)
    with Freshet() as proxy:
        for _ in range(20):
            with Client(proxy.port) as client:
                client.request("GET", origin.url())
                client.reset()
        with proxy.client() as client:
            assert client.get(origin.url()).status == 200


def test_socket_activation_serves_on_the_inherited_socket(origin):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = os.dup(listener.fileno())
        port = listener.getsockname()[1]
        wrapper = (sys.executable, "-c", ACTIVATE, str(fd))
        with Freshet(wrapper=wrapper, pass_fds=(fd,)):
            os.close(fd)
            with Client(port) as client:
                assert client.get(origin.url()).body == b"hello"


def test_listen_pid_of_another_process_is_ignored(origin):
    with Freshet(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"}) as proxy, proxy.client() as client:
        assert client.get(origin.url()).body == b"hello"


@pytest.fixture
def notify(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.settimeout(5)
        yield path, sock


def hear(sock, word):
    """Messages up to and including the first that has the word."""
    heard = ""
    while word not in heard:
        heard += sock.recv(4096).decode() + "\n"
    return heard


def test_reload_asked_for_before_the_configuration_is_read_comes_after_the_start(origin):
    """The configuration is a pipe: freshet waits for what is written to it, at the start and at the reload."""
    proxy = Freshet()
    text = proxy.config_file.read_text()
    proxy.config_file.unlink()
    os.mkfifo(proxy.config_file)

    def feed():
        with open(proxy.config_file, "w") as start:
            proxy.signal(signal.SIGHUP)
            start.write(text)
        assert wait_until(lambda: "listening" in proxy.stderr())
        with open(proxy.config_file, "w") as reload:
            reload.write(text)
    feeding = threading.Thread(target=feed)
    feeding.start()
    with proxy, proxy.client() as client:
        feeding.join(10)
        assert wait_until(lambda: "reloaded" in proxy.stderr())
        assert client.get(origin.url()).status == 200


def test_systemd_is_told_when_ready_reloading_and_stopping(notify):
    path, sock = notify
    with Freshet(env={"NOTIFY_SOCKET": path}) as proxy:
        hear(sock, "READY=1")
        proxy.signal(signal.SIGHUP)
        reloading = hear(sock, "READY=1")
        assert "RELOADING=1" in reloading
        assert "MONOTONIC_USEC=" in reloading
        proxy.signal(signal.SIGTERM)
        hear(sock, "STOPPING=1")


def test_ready_is_only_said_once_clients_are_accepted(notify):
    path, sock = notify
    with Freshet(env={"NOTIFY_SOCKET": path}) as proxy:
        hear(sock, "READY=1")
        assert proxy.accepts()


def test_every_worker_serves(origin):
    with Freshet(workers="2") as proxy:
        for _ in range(40):
            with Client(proxy.port) as client:
                assert client.get(origin.url()).status == 200
        assert len(origin.connections) == 2


def test_all_listen_addresses_are_served(origin):
    with Freshet(listen='{"127.0.0.1:0", "127.0.0.2:0"}') as proxy:
        ports = wait_until(lambda: (found := ports_by_host(proxy.stderr())) and len(found) == 2 and found)
        for host, port in ports.items():
            with Client(port, host=host) as client:
                assert client.get(origin.url()).status == 200


def ports_by_host(text):
    lines = [line.split("listening on ")[1].split()[0] for line in text.splitlines() if "listening on " in line]
    return {address.rpartition(":")[0]: int(address.rpartition(":")[2]) for address in lines}
