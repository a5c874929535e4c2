"""A log that cannot be written holds up nobody, and says so once."""
import os
import signal

from harness import Freshet
from harness.origin import wait_until


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
