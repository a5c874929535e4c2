"""Starts and stops a real freshet, and reads what it writes.

A test that leaves the proxy crashed, hanging at SIGTERM, or complaining under a sanitizer
fails at the end of the `with` block, whatever else it asserted.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from .client import Client
from .origin import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("FRESHET", ROOT / "build" / "freshet")).absolute()
SANITIZER_REPORT = re.compile(r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:")
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30

# What every test wants unless it says otherwise: small drain time, all ports, one worker (so
# that pooling is predictable), a JSON log to read back.
DEFAULTS = {
    "listen": '{"127.0.0.1:0"}',
    "workers": "1",
    "connect-ports": '{"1-65535"}',
    "access-log-format": "json",
    "timeout-drain": "2s",
    "control": "off",  # the usual place has room for one
}


def sanitizer(binary=BINARY):
    """ "asan" or "tsan", as its library is called; None of a binary as it is used."""
    program = pathlib.Path(binary).read_bytes()
    return next((name for name in ("asan", "tsan") if f"__{name}_init".encode() in program), None)


def sanitized(binary=BINARY):
    return sanitizer(binary) is not None


class Freshet:
    """A running proxy.  Options as keyword arguments (pool_idle=4), raw text as config."""

    def __init__(self, config="", binary=None, arguments=(), env=None, wrapper=(), pass_fds=(),
                 host="127.0.0.1", **options):
        self.binary = pathlib.Path(binary or BINARY)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="freshet-e2e-"))
        self.config_file = self.directory / "freshet.conf"
        self.log_file = self.directory / "access.log"
        self.stderr_file = self.directory / "stderr"
        self.options = {name.replace("_", "-"): str(value) for name, value in options.items()}
        self.arguments = list(arguments)
        self.env = {**os.environ, **(env or {})}
        self.wrapper = list(wrapper)
        self.pass_fds = pass_fds
        self.config = config
        self.write_config(config)
        self.process = None
        self.port = None
        self.host = host

    def write_config(self, config, **options):
        """(Re)write the file; a running proxy reads it at SIGHUP."""
        merged = {**DEFAULTS, "access-log": f'"{self.log_file}"', **self.options}
        merged |= {name.replace("_", "-"): str(value) for name, value in options.items()}
        lines = [f"{name} = {value}" for name, value in merged.items()]
        self.config_file.write_text("\n".join(lines) + "\n" + config + "\n")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop()
            if kind is None:
                self.check_exit()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        command = [*self.wrapper, str(self.binary), "-c", str(self.config_file), *self.arguments]
        with open(self.stderr_file, "wb") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                env=self.env, pass_fds=self.pass_fds, cwd=self.directory)
        wait_until(lambda: self.port_from_stderr() or self.process.poll() is not None, START_TIMEOUT_S)
        self.port = self.port_from_stderr()
        if not self.port:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"freshet did not start listening; it said: {self.stderr()}")
        wait_until(self.accepts, START_TIMEOUT_S)

    def port_from_stderr(self):
        found = re.findall(r"listening on \S*:(\d+)", self.stderr())
        return int(found[0]) if found else None

    def accepts(self):
        try:
            self.client().close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"freshet did not stop at SIGTERM; it said: {self.stderr()}") from None

    def check_exit(self):
        text = self.stderr()
        report = SANITIZER_REPORT.search(text)
        assert report is None, f"sanitizer report:\n{text}"
        status = self.process.returncode
        assert status == 0, f"freshet ended with {status}; it said:\n{text}"

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config=None, **options):
        """Write a new file, send SIGHUP, wait for the line that tells how it went."""
        if config is not None or options:
            self.write_config(config or "", **options)
        before = len(self.stderr())
        self.signal(signal.SIGHUP)
        return wait_until(lambda: "reload" in self.stderr()[before:].lower() and self.stderr()[before:])

    def client(self, **kwargs):
        return Client(self.port, **{"host": self.host, **kwargs})

    def stderr(self):
        return self.stderr_file.read_text(errors="replace") if self.stderr_file.exists() else ""

    def records(self, count=1, about="", timeout_s=10):
        """Access-log records whose URL contains `about`, once there are at least count."""
        def enough():
            found = self.read_records(about)
            return found if len(found) >= count else None
        found = wait_until(enough, timeout_s)
        assert found, f"fewer than {count} log records about {about!r}: {self.read_records('')}"
        return found

    def record(self, about=""):
        return self.records(1, about)[-1]

    def read_records(self, about=""):
        if not self.log_file.exists():
            return []
        lines = self.log_file.read_text(errors="strict").splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        return [record for record in records if about in record.get("url.original", "")]

    def memory_kib(self):
        """Private memory of the process: what its own allocations cost, without files."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", text)[1])

    def settled_memory_kib(self):
        """memory_kib() once it stopped changing."""
        last, end = -1, time.monotonic() + 2
        while (now := self.memory_kib()) != last and time.monotonic() < end:
            last = now
            time.sleep(0.05)
        return now

    def cpu_s(self):
        """User and system time of the process so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_freshet(*arguments, config=None, env=None, timeout_s=20):
    """Run freshet to its end; with config, as the file named by -c."""
    with tempfile.TemporaryDirectory(prefix="freshet-e2e-") as directory:
        command = [str(BINARY)]
        if config is not None:
            path = pathlib.Path(directory, "freshet.conf")
            path.write_text(config)
            command += ["-c", str(path)]
        return subprocess.run(
            command + list(arguments), capture_output=True, text=True, timeout=timeout_s,
            env={**os.environ, **(env or {})}, cwd=directory, check=False)
