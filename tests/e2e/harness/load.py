"""Load without a pause, of which every answer is checked: load/load.c, built when first wanted."""
import functools
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).parents[1] / "load" / "load.c"


@functools.cache
def program():
    folder = tempfile.TemporaryDirectory(prefix="freshet-load-")
    path = pathlib.Path(folder.name, "load")
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-pthread", "-o", path, SOURCE], check=True)
    return path, folder  # the folder goes with the process


class Load:
    """Runs inside its `with` block, and on until `requests` were made; then .requests, .failures, .connections."""

    def __init__(self, proxy_port, nginx, keeping=8, coming=4, requests=0):
        self.command = [str(program()[0]), *map(str, (proxy_port, nginx.port, keeping, coming, requests))]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        return self

    def may_end(self):
        """It ends once its requests are made."""
        self.process.stdin.close()
        self.process.stdin = None

    @property
    def running(self):
        return self.process.poll() is None

    def __exit__(self, kind, *_):
        try:
            out, self.said = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None:
            self.requests, self.failures, self.connections = map(int, out.split())
