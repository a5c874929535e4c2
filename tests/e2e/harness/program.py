"""A server program of our own: own folder, own port, stopped by its process id."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from .origin import wait_until
from .ports import free_port


def find(name):
    """Where the program is; Debian keeps servers where ordinary users do not look."""
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin:/usr/local/bin")


class Program:
    """Runs self.command() while it is entered; listens on self.port then."""

    stop_signal = signal.SIGTERM

    def __init__(self, name, mode=0o700):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"freshet-{name}-"))
        self.folder.chmod(mode)
        self.port = free_port()

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        assert wait_until(self.accepts, 15), (self.folder / "output").read_text()
        return self

    def __exit__(self, *_):
        self.process.send_signal(self.stop_signal)
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False
