"""A log that cannot be written holds up nobody, and says so once."""
import os
import signal
import socket
import subprocess

from harness import Client, Freshet
from harness.origin import wait_until
from harness.proxy import BINARY


def test_full_disk_under_the_access_log_is_told_once_and_recovers(origin):
    with Freshet(access_log='"/dev/full"') as proxy, proxy.client() as client:
        for _ in range(50):
            assert client.get(origin.url()).status == 200
        assert wait_until(lambda: "No space left" in proxy.stderr())
        assert proxy.stderr().count("No space left") == 1
        assert "reloaded" in proxy.reload(access_log=f'"{proxy.log_file}"')
        assert client.get(origin.url("/after")).status == 200
        assert proxy.record("/after")
        assert "50 lines were lost" in proxy.stderr()


def test_reader_of_the_access_log_that_stops_reading_holds_up_nobody(origin, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with Freshet(access_log=f'"{pipe}"') as proxy, proxy.client() as client:
        for _ in range(1500):
            assert client.get(origin.url()).status == 200
        os.close(reader)
        assert client.get(origin.url()).status == 200
        assert wait_until(lambda: "Broken pipe" in proxy.stderr())
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(5) == 0


def test_no_socket_takes_the_place_of_standard_error_that_was_closed(origin):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(["sh", "-c", f"exec {BINARY} -c /dev/null -p {port} --access-log=off <&- >&- 2>&-"])
    try:
        def answer():
            try:
                with Client(port) as client:
                    return client.get(origin.url()).status
            except OSError:
                return None
        assert wait_until(answer, 5) == 200
        names = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
        assert names == ["/dev/null"] * 3
    finally:
        process.terminate()
        process.wait(10)
