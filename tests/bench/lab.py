"""Where measurements take place: CPUs, processes and their clocks, the origin.

Whatever is started is stopped by its pid, and dies with this process if that is killed.
"""
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 10
STOP_SECONDS = 5
DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]


class Failed(Exception):
    """A measurement that could not be taken; says why."""


class Broken(Exception):
    """No further measurement can be taken."""


def siblings(cpu):
    """The CPUs that share a core with this one."""
    try:
        with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", encoding="ascii") as file:
            parts = [part.split("-") for part in file.read().strip().split(",")]
    except OSError:
        return {cpu}
    return {cpu for part in parts for cpu in range(int(part[0]), int(part[-1]) + 1)}


def choose_cpus():
    """One for the proxy; one, of another core if there is one, for load and origin together."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Broken("two CPUs are needed: one for the proxy, one for load and origin")
    proxy = cpus[-1]
    apart = [cpu for cpu in cpus if cpu not in siblings(proxy)]
    return proxy, (apart or cpus)[0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def raise_descriptor_limit():
    """To what the system grants; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def process_cpu_s(pid):
    """User and system time of all threads, from the process' CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def family_cpu_s(pid):
    """The process' and that of its children, dead ones among them if it has waited for them."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        waited = sum(int(n) for n in file.read().rpartition(")")[2].split()[13:15]) / os.sysconf("SC_CLK_TCK")
    return process_cpu_s(pid) + waited + sum(family_cpu_s(child) for child in children_of(pid))


def machine_cpu_s():
    """What all CPUs have been busy for."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq = (int(n) for n in file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def anonymous_kib(pid):
    """Memory of the process' own, without files mapped."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    raise Failed("the kernel does not tell RssAnon")


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


class Proxy:
    """A running contender."""

    def __init__(self, pid, port):
        self.pid = pid
        self.port = port


class Lab:
    def __init__(self):
        self.proxy_cpu, self.load_cpu = choose_cpus()
        self.directory = tempfile.mkdtemp(prefix="freshet-bench-")
        self.processes = []
        self.origin = None
        self.origin_port = None
        self.site = None  # https, once asked for

    def __enter__(self):
        try:
            for program in ("origin", "bodies", "relay"):
                self.build(program)
            self.origin = self.start([self.path("origin")], self.load_cpu, stdout=subprocess.PIPE)
            self.origin_port = int(self.origin.stdout.readline())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def origins(self):
        return [self.origin] + ([self.site.process] if self.site else [])

    def path(self, name):
        return os.path.join(self.directory, name)

    def build(self, name, *libraries):
        subprocess.run([*os.environ.get("CC", "cc").split(), "-std=c11", "-D_GNU_SOURCE", "-O2", "-pthread",
                        "-o", self.path(name), os.path.join(HERE, name + ".c"), *libraries], check=True)

    def start(self, argv, cpus, **options):
        """On those CPUs, as taskset(1) lists them."""
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([*DIES_WITH_PARENT, "taskset", "-c", str(cpus), *argv], **options)
        self.processes.append(process)
        return process

    def stop(self, process, pid):
        """Ends the process, or through its child `pid` the one that watches it."""
        if process.poll() is None:
            os.kill(pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.processes.remove(process)

    def load(self, argv, seconds, **environment):
        """Runs a loader to its end and returns what it printed."""
        process = self.start(argv, self.load_cpu, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             env={**os.environ, **environment})
        try:
            output, _ = process.communicate(timeout=seconds + START_SECONDS)
        except subprocess.TimeoutExpired as e:
            process.kill()
            process.communicate()
            raise Failed(f"{argv[0]} did not come to its end") from e
        finally:
            self.processes.remove(process)
        if process.returncode:
            raise Failed(f"{argv[0]}: {output.strip()}")
        return output

    @contextlib.contextmanager
    def running(self, contender, clients=1000, bulk=False, under=(), cpus=None):
        """A contender that serves, on its CPU or those, in a directory of its own; `under` is a command that runs it."""
        directory = tempfile.mkdtemp(dir=self.directory)
        os.chmod(self.directory, 0o755)
        port = free_port()
        argv = contender.prepare(directory, port, self.origin_port, clients, bulk)
        with open(os.path.join(directory, "messages"), "w+", encoding="utf-8", errors="replace") as messages:
            process = self.start([*under, *DIES_WITH_PARENT, *argv] if under else argv, cpus or self.proxy_cpu,
                                 stdout=messages, stderr=messages)
            pid = process.pid
            try:
                wait_until_serving(process, port, messages)
                pid = children_of(process.pid)[0] if under else process.pid
                yield Proxy(pid, port)
                if any(origin.poll() is not None for origin in self.origins()):
                    raise Broken("the origin died")
                if process.poll() is not None:
                    raise Failed(f"{contender.name} died")
            finally:
                self.stop(process, pid)
        shutil.rmtree(directory, ignore_errors=True)


def wait_until_serving(process, port, messages):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    messages.seek(0)
    raise Failed(f"did not start: {messages.read().strip()[-500:]}")
