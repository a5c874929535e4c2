"""A log that cannot be written holds up nobody, and says so once."""
import contextlib
import fcntl
import json
import os
import re
import resource
import signal
import struct
import subprocess
import termios
import time

import pytest

from harness import Client, Freshet
from harness.origin import wait_until
from harness.ports import free_port
from harness.proxy import BINARY

ATOMIC_BYTES = 4096  # PIPE_BUF


def test_full_disk_under_the_access_log_is_told_once_and_recovers(origin):
    with Freshet(access_log='"/dev/full"') as proxy, proxy.client() as client:
        for _ in range(50):
            assert client.get(origin.url()).status == 200
        assert wait_until(lambda: "No space left" in proxy.stderr())
        assert proxy.stderr().count("No space left") == 1
        assert "reloaded" in proxy.reload(access_log=f'"{proxy.log_file}"')

        def written_again():  # what comes while the change is under way still goes to the old place
            client.get(origin.url("/after"))
            return proxy.read_records("/after")
        assert wait_until(written_again)
        assert re.search(r"5\d lines were lost", proxy.stderr())


def bytes_in(pipe):
    """How many bytes wait to be read."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


@pytest.fixture
def stuck_pipe(tmp_path):
    """A named pipe with a reader that does not read: its path, and the reader."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reader
    with contextlib.suppress(OSError):
        os.close(reader)


def ask_until_full(client, origin, pipe):
    """So many requests that the pipe fills up, and then more than are kept for the log."""
    for _ in range(1500):
        assert client.get(origin.url()).status == 200
    capacity = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    assert wait_until(lambda: bytes_in(pipe) > capacity * 3 // 4), "the pipe was not filled"


def test_reader_of_the_access_log_that_stops_reading_holds_up_nobody(origin, stuck_pipe):
    path, reader = stuck_pipe
    with Freshet(access_log=f'"{path}"') as proxy, proxy.client() as client:
        ask_until_full(client, origin, reader)
        os.close(reader)
        assert client.get(origin.url()).status == 200
        assert wait_until(lambda: "Broken pipe" in proxy.stderr())
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(5) == 0


def test_reader_of_the_access_log_that_stays_stuck_does_not_keep_the_process(origin, stuck_pipe):
    path, reader = stuck_pipe
    with Freshet(access_log=f'"{path}"') as proxy, proxy.client() as client:
        ask_until_full(client, origin, reader)
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(5) == 0
        assert proxy.stderr().count("whoever reads it is stuck") == 1


def test_reader_of_the_access_log_that_reads_again_gets_whole_lines_and_the_rest_is_counted(origin, stuck_pipe):
    path, reader = stuck_pipe
    with Freshet(access_log=f'"{path}"') as proxy, proxy.client() as client:
        ask_until_full(client, origin, reader)
        taken = [b""]

        def read_until_the_last():
            client.get(origin.url("/last"))
            with contextlib.suppress(BlockingIOError):
                taken[0] += os.read(reader, 1 << 20)
            return b"/last" in taken[0]
        assert wait_until(read_until_the_last)
        lines = taken[0].decode().splitlines(keepends=True)
        assert all(json.loads(line) for line in lines if line.endswith("\n"))
        assert wait_until(lambda: "access log lines were lost" in proxy.stderr())


@pytest.fixture
def started_with_a_pipe():
    """freshet with a small pipe as standard error, of which only the first lines are read."""
    with Freshet() as ready:  # for its configuration file
        process = subprocess.Popen([str(BINARY), "-c", str(ready.config_file)], stderr=subprocess.PIPE, bufsize=0)
        try:
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 2 * ATOMIC_BYTES)
            while not (found := re.search(rb"listening on \S*:(\d+)", process.stderr.readline())):
                pass
            process.port, process.config_file = int(found[1]), ready.config_file
            yield process
        finally:
            process.kill()
            process.wait(5)
            process.stderr.close()


def test_standard_error_that_nobody_reads_holds_up_nobody_and_losses_are_told(origin, started_with_a_pipe):
    process = started_with_a_pipe
    with Client(process.port, timeout_s=2) as client:
        assert client.get(origin.url()).status == 200
        process.config_file.write_text("".join(f"mistake{number} = yes\n" for number in range(200)))

        def is_full():
            process.send_signal(signal.SIGHUP)  # many mistakes are told
            assert client.get(origin.url()).status == 200
            return bytes_in(process.stderr) > ATOMIC_BYTES
        assert wait_until(is_full), "the pipe was not filled"
        for _ in range(20):
            is_full()
    time.sleep(0.3)  # until all was given up
    said = os.read(process.stderr.fileno(), 2 * ATOMIC_BYTES)
    started = time.monotonic()
    process.terminate()
    said += process.stderr.readall()
    assert process.wait(5) == 0 and time.monotonic() - started < 3
    assert re.search(rb"warn \d+ log lines were lost", said), said
    assert said.endswith(b"info stopped\n")
    assert all(line.startswith(b"20") for line in said.splitlines()), "a line is torn"


def test_files_that_may_not_grow_kill_nobody_and_are_written_again(origin):
    """RLIMIT_FSIZE: the kernel's word for it is a signal that kills."""
    with Freshet() as proxy, proxy.client() as client:
        assert client.get(origin.url("/before")).status == 200
        assert proxy.record("/before")
        size = proxy.log_file.stat().st_size
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
        for _ in range(30):
            assert client.get(origin.url("/lost")).status == 200
        assert wait_until(lambda: "File too large" in proxy.stderr())
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        proxy.write_config("", mode="observe")
        proxy.signal(signal.SIGHUP)  # of which is told on standard error, a file too
        assert wait_until(lambda: not client.get(origin.url("/lost")).has("Cache-Control"))
        time.sleep(0.1)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert client.get(origin.url("/after")).status == 200
        assert wait_until(lambda: "written again, " in proxy.stderr())
        assert proxy.stderr().count("File too large") == 1
        assert "log lines were lost: standard error could not be written" in proxy.stderr()
        assert json.loads(proxy.log_file.read_text().splitlines()[-1])["url.original"] == origin.url("/after")


def test_no_socket_takes_the_place_of_standard_error_that_was_closed(origin):
    port = free_port()
    process = subprocess.Popen(["sh", "-c", f"exec {BINARY} -c /dev/null -p {port} --access-log=off <&- >&- 2>&-"])
    try:
        def answer():
            try:
                with Client(port) as client:
                    return client.get(origin.url()).status
            except OSError:
                return None
        assert wait_until(answer) == 200
        names = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
        assert names == ["/dev/null"] * 3
    finally:
        process.terminate()
        process.wait(10)
