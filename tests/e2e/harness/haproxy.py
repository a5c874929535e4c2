"""An HAProxy of our own: own configuration, own folder, stopped by its process id."""
import pathlib
import shutil
import socket
import subprocess
import tempfile

from .origin import wait_until


class Haproxy:
    """config is a template in which {port} is the port to listen on."""

    def __init__(self, config):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="freshet-haproxy-"))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        (self.folder / "haproxy.cfg").write_text(config.format(port=self.port))

    def __enter__(self):
        binary = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin:/usr/local/bin")
        with open(self.folder / "stderr", "wb") as stderr:
            self.process = subprocess.Popen([binary, "-db", "-f", str(self.folder / "haproxy.cfg")],
                                            stdout=subprocess.DEVNULL, stderr=stderr)
        assert wait_until(self.accepts, 10), (self.folder / "stderr").read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False
