"""Nothing is lost: under reloads, at the end, across restarts.  And the watchdog tells the truth."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness import Client, Freshet, Origin, response
from harness.client import request_bytes
from harness.load import Load
from harness.nginx import Nginx
from harness.origin import wait_until
from harness.ports import free_port
from harness.proxy import BINARY, ROOT, sanitized
from test_lifecycle import ACTIVATE, hear, notify, silent  # noqa: F401  pylint: disable=unused-import

# Sanitizers take their time; what is counted is then only failures.
REQUESTS = 10_000 if sanitized() else 100_000
RELOADS = 50
PLAIN = pathlib.Path(os.environ.get("FRESHET_PLAIN", ROOT / "build" / "freshet")) if sanitized() else BINARY


@pytest.fixture(scope="module")
def nginx():
    with Nginx() as running:
        yield running


# -- reload

def test_fifty_reloads_under_load_lose_none_of_a_hundred_thousand_requests(nginx):
    port, other = free_port(), free_port()
    with Freshet(workers="2", listen=f'{{"127.0.0.1:{port}"}}') as proxy:
        with Load(port, nginx, requests=REQUESTS) as load:
            number = 0
            while load.running:
                number += 1
                if number == RELOADS:
                    load.may_end()
                listen = [port] if number % 3 else [port, other]
                said = proxy.reload(mode=("off", "observe", "revalidate", "bust")[number % 4],
                                    listen="{" + ", ".join(f'"127.0.0.1:{p}"' for p in listen) + "}",
                                    access_log=f'"{proxy.directory}/access-{number % 2}.log"')
                assert "reloaded" in said
        logged = sum(len((proxy.directory / f"access-{n}.log").read_text().splitlines()) for n in (0, 1))
    assert (load.failures, load.said) == (0, "")
    assert load.requests >= REQUESTS
    assert number >= RELOADS
    assert logged > 0


@contextlib.contextmanager
def stopped(process):
    """What is done meanwhile, the process finds all at once when it goes on."""
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def ask_without_waiting(port, url, count):
    clients = [Client(port) for _ in range(count)]
    for client in clients:
        client.send(request_bytes("GET", url))
    return clients


def test_clients_queued_at_a_dropped_address_are_served(origin):
    first, second = free_port(), free_port()
    with Freshet(workers="2", listen=f'{{"127.0.0.1:{first}", "127.0.0.1:{second}"}}') as proxy:
        proxy.write_config("", listen=f'{{"127.0.0.1:{first}"}}')
        with stopped(proxy.process):
            clients = ask_without_waiting(second, origin.url(), 100)
            proxy.signal(signal.SIGHUP)
        assert [client.response().body for client in clients] == [b"hello"] * 100
        assert wait_until(lambda: refused(second))
        assert [client.get(origin.url()).status for client in clients] == [200] * 100
        for client in clients:
            client.close()


def test_address_added_and_dropped_while_a_worker_is_busy_is_not_left_open(half_stuck):
    """Its socket in that worker went with a list that the next list replaced: clients queued there for ever."""
    proxy, _, gate = half_stuck
    other = free_port()
    proxy.reload(listen=f'{{"127.0.0.1:{proxy.port}", "127.0.0.1:{other}"}}')
    assert not refused(other)
    proxy.reload(listen=f'{{"127.0.0.1:{proxy.port}"}}')
    gate.unlink()
    assert wait_until(lambda: refused(other))


def refused(port):
    """Nobody new gets in: at the end the kernel first drops those who ask, then the socket is closed."""
    try:
        Client(port, timeout_s=0.2).close()
    except OSError:
        return True
    return False


# -- the end

def test_clients_queued_when_told_to_stop_are_served(origin):
    with Freshet(workers="2", timeout_drain="5s") as proxy:
        with stopped(proxy.process):
            clients = ask_without_waiting(proxy.port, origin.url(), 200)
            proxy.signal(signal.SIGTERM)
        answers = [client.response() for client in clients]
        assert [answer.body for answer in answers] == [b"hello"] * 200
        assert proxy.process.wait(3) == 0
        assert refused(proxy.port)


def test_client_queued_without_a_request_may_ask_while_draining(origin):
    with Freshet(timeout_drain="5s") as proxy:
        with stopped(proxy.process):
            client = Client(proxy.port)
            proxy.signal(signal.SIGTERM)
        assert wait_until(lambda: refused(proxy.port))
        answer = client.get(origin.url())
        assert (answer.status, answer.one("Connection")) == (200, "close")
        assert client.closed_by_peer()


def test_client_that_just_asked_may_ask_again_while_draining_and_is_told_to_close(origin):
    with Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        assert not client.get(origin.url()).has("Connection")
        proxy.signal(signal.SIGTERM)
        assert wait_until(lambda: refused(proxy.port))
        answer = client.get(origin.url())
        assert (answer.body, answer.one("Connection")) == (b"hello", "close")
        assert client.closed_by_peer()
        assert proxy.process.wait(3) == 0


def test_answer_begun_before_the_drain_does_not_end_the_connection_unannounced():
    release = threading.Event()

    def halves(conn):
        while conn.read_request() is not None:
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            release.wait(5)
            conn.send(b"later")
    with Origin(script=halves) as origin, Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.request("GET", origin.url())
        assert b"Connection" not in client.read_head()
        proxy.signal(signal.SIGTERM)
        assert wait_until(lambda: refused(proxy.port))
        release.set()
        assert client.read_exactly(10) == b"firstlater"
        assert client.get(origin.url()).one("Connection") == "close"
        assert proxy.process.wait(3) == 0


def test_client_idle_for_long_is_closed_at_once_while_draining(origin):
    with Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.get(origin.url())
        time.sleep(0.6)  # longer than a draining proxy lets anybody be idle
        told = time.monotonic()
        proxy.signal(signal.SIGTERM)
        assert client.closed_by_peer()
        assert time.monotonic() - told < 0.4
        assert proxy.process.wait(3) == 0


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/no-such-page"])
def test_own_pages_say_close_while_draining(path):
    with Freshet(timeout_drain="5s") as proxy, proxy.client() as client:
        client.get(f"http://127.0.0.1:{proxy.port}/")
        proxy.signal(signal.SIGTERM)
        assert wait_until(lambda: refused(proxy.port))
        client.send(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        assert client.response().one("Connection") == "close"
        assert client.closed_by_peer()


def test_load_that_goes_elsewhere_when_told_loses_nothing_at_sigterm(nginx):
    """Clients that keep their connections only: nobody can be served who connects after the end."""
    with Freshet(workers="2", drain_delay="300ms", timeout_drain="5s") as proxy:
        with Load(proxy.port, nginx, keeping=8, coming=0) as load:
            assert wait_until(lambda: proxy.read_records("/echo/"))
            proxy.signal(signal.SIGTERM)
            proxy.process.wait(5)
    lines = [line for line in load.said.splitlines() if "cannot connect" not in line]
    assert lines == []


def test_drain_delay_accepts_but_is_not_ready_and_says_close(origin):
    with Freshet(drain_delay="1s", timeout_drain="5s") as proxy:
        with Client(proxy.port) as client:
            assert client.get(f"http://127.0.0.1:{proxy.port}/-/ready").status == 200
            proxy.signal(signal.SIGTERM)
            assert wait_until(lambda: ready(proxy.port) == 503)
            answer = client.get(origin.url())
            assert (answer.status, answer.one("Connection")) == (200, "close")
        with Client(proxy.port) as late:
            assert late.get(origin.url()).one("Connection") == "close"
        assert wait_until(lambda: refused(proxy.port))
        assert proxy.process.wait(3) == 0
        said = proxy.stderr()
        assert said.index("leaving: ") < said.index("stopping: ")


def ready(port):
    with Client(port) as client:
        return client.get(f"http://127.0.0.1:{port}/-/ready").status


def test_second_sigterm_stops_at_once_within_the_drain_delay(origin):
    with Freshet(drain_delay="30s") as proxy:
        proxy.signal(signal.SIGTERM)
        assert wait_until(lambda: "leaving: " in proxy.stderr())
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(2) == 0


def test_tunnel_is_cut_at_the_deadline_of_the_drain_and_the_log_says_how_many():
    with Origin(script=silent) as origin, Freshet(timeout_drain="500ms") as proxy:
        tunnels = [Client(proxy.port) for _ in range(3)]
        for tunnel in tunnels:
            assert tunnel.connect_to(origin.authority).status == 200
        with proxy.client() as client:
            client.request("GET", origin.url())
            assert origin.wait_for_requests(1)
            started = time.monotonic()
            proxy.signal(signal.SIGTERM)
            assert proxy.process.wait(3) == 0
            assert time.monotonic() - started > 0.4
        assert "cut off while they ran: 1 exchanges, 3 tunnels" in proxy.stderr()
        for tunnel in tunnels:
            tunnel.close()


def test_nothing_is_said_to_be_cut_when_all_ended_in_time(origin):
    with Freshet() as proxy, proxy.client() as client:
        client.get(origin.url())
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(3) == 0
        assert "cut off" not in proxy.stderr()


def stopped_when_it_says_listening(config):
    """The exit status of a proxy that hears SIGTERM with the first word that it listens."""
    with subprocess.Popen([BINARY, "-c", config], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "listening on" in line:
                process.send_signal(signal.SIGTERM)
        return process.wait(10)


def test_who_hears_that_it_listens_may_stop_it_at_once(tmp_path):
    config = tmp_path / "freshet.conf"
    config.write_text('listen = {"127.0.0.1:0"}\ncontrol = "off"\naccess-log = "off"\n')
    assert [stopped_when_it_says_listening(config) for _ in range(20)] == [0] * 20


# -- restart

class Activated:
    """freshet on a socket that somebody else holds, as systemd does: one process after the other."""

    def __init__(self, listener, **options):
        self.listener = listener
        self.options = options

    def __enter__(self):
        fd = os.dup(self.listener.fileno())
        self.proxy = Freshet(wrapper=(sys.executable, "-S", "-c", ACTIVATE, str(fd)), pass_fds=(fd,), **self.options)
        self.proxy.__enter__()
        os.close(fd)
        return self.proxy

    def __exit__(self, *args):
        self.proxy.__exit__(*args)


def test_ten_restarts_by_socket_activation_under_load_lose_nothing(nginx):
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        with Load(port, nginx) as load:
            for _ in range(10):
                with Activated(listener, workers="2", timeout_drain="5s") as proxy:
                    assert wait_until(lambda proxy=proxy: len(proxy.read_records("/echo/")) > 50)
            with Activated(listener) as proxy:
                assert proxy.accepts()
                load.may_end()
                load.process.wait(20)
    assert (load.failures, load.said) == (0, "")
    assert load.requests > 500


def test_client_queued_during_a_restart_is_served_by_the_next_process(origin):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with Activated(listener) as proxy:
            with stopped(proxy.process):
                client = Client(listener.getsockname()[1])
                client.send(request_bytes("GET", origin.url()))
                proxy.signal(signal.SIGTERM)
            proxy.process.wait(5)
        between = Client(listener.getsockname()[1])
        between.send(request_bytes("GET", origin.url()))
        with Activated(listener):
            assert client.response().body == b"hello"
            assert between.response().body == b"hello"
        client.close()
        between.close()


# -- the watchdog

def fed(sock, seconds):
    """How often the watchdog is fed within that time."""
    count, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            count += sock.recv(4096).decode().count("WATCHDOG=1")
        except TimeoutError:
            break
    return count


WATCHDOG_US = 150_000  # fed three times as often
EVERY_S = WATCHDOG_US / 3e6


def test_watchdog_is_fed_while_idle_workers_move(notify):  # noqa: F811
    path, sock = notify
    with Freshet(workers="3", env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(WATCHDOG_US)}):
        hear(sock, "READY=1")
        assert fed(sock, 10 * EVERY_S) >= 5


def test_watchdog_is_fed_while_one_worker_drains_longer_than_the_others(notify):  # noqa: F811
    path, sock = notify
    with Origin(script=silent) as origin, \
            Freshet(workers="3", timeout_drain="1s", env={"NOTIFY_SOCKET": path,
                                                          "WATCHDOG_USEC": str(WATCHDOG_US)}) as proxy:
        with proxy.client() as client:
            client.request("GET", origin.url())
            assert origin.wait_for_requests(1)
            proxy.signal(signal.SIGTERM)
            hear(sock, "STOPPING=1")
            fed(sock, 3 * EVERY_S)
            assert fed(sock, 10 * EVERY_S) >= 5


@pytest.fixture(scope="module")
def stuck(tmp_path_factory):
    """A library in which accepting blocks as long as a file is there."""
    built = tmp_path_factory.mktemp("stuck") / "stuck.so"
    source = pathlib.Path(__file__).parent / "preload" / "stuck.c"
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", built, source], check=True)
    return built


@pytest.fixture
def half_stuck(stuck, notify, tmp_path):  # noqa: F811
    """freshet with one of two workers stuck, the watchdog's socket, and the file that makes it so."""
    path, sock = notify
    gate = tmp_path / "stuck"
    env = {"LD_PRELOAD": str(stuck), "STUCK_FILE": str(gate), "NOTIFY_SOCKET": path,
           "WATCHDOG_USEC": str(WATCHDOG_US)}
    with Freshet(binary=PLAIN, workers="2", timeout_drain="200ms", env=env) as proxy:
        hear(sock, "READY=1")
        assert fed(sock, 5 * EVERY_S) > 0
        gate.write_text("")
        client = Client(proxy.port)
        assert wait_until((gate.parent / "stuck.now").exists)
        fed(sock, 3 * EVERY_S)
        yield proxy, sock, gate
        client.close()
        gate.unlink(missing_ok=True)


def test_watchdog_starves_while_one_worker_of_two_is_stuck(half_stuck):
    _, sock, gate = half_stuck
    assert fed(sock, 10 * EVERY_S) == 0
    gate.unlink()
    assert fed(sock, 20 * EVERY_S) > 0


def test_second_sigterm_ends_even_a_process_whose_worker_is_stuck(half_stuck):
    proxy, _, _ = half_stuck
    proxy.signal(signal.SIGTERM)
    proxy.signal(signal.SIGTERM)
    assert proxy.process.wait(6) == 1
    assert "a worker hangs" in proxy.stderr()
    proxy.process.returncode = 0  # as it should be


def test_stopping_is_announced_with_the_time_it_may_take(notify):  # noqa: F811
    path, sock = notify
    with Freshet(drain_delay="100ms", timeout_drain="1s", env={"NOTIFY_SOCKET": path}) as proxy:
        hear(sock, "READY=1")
        proxy.signal(signal.SIGTERM)
        assert "EXTEND_TIMEOUT_USEC=6100000" in hear(sock, "STOPPING=1")


def test_queued_pipelined_requests_are_answered_up_to_the_one_that_says_close():
    with Origin(lambda request: response(request.target.encode())) as origin, Freshet(timeout_drain="5s") as proxy:
        with stopped(proxy.process):
            client = Client(proxy.port)
            client.send(request_bytes("GET", origin.url("/1")) + request_bytes("GET", origin.url("/2")))
            proxy.signal(signal.SIGTERM)
        answers = [client.response()]
        if not answers[0].has("Connection"):
            answers.append(client.response())
        assert [answer.body for answer in answers] == [b"/1", b"/2"][:len(answers)]
        assert client.closed_by_peer()
