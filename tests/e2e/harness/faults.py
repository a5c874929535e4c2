"""A freshet whose system calls and allocations fail on demand, and whose clocks jump.

The faults come from preload/faults.c by way of a shared file.  It loads before a sanitizer's
runtime, so that its allocator, too, is asked through it.
"""
import errno
import mmap
import os
import pathlib
import struct
import subprocess
import tempfile
import time

from .origin import wait_until
from .proxy import BINARY, ROOT, Freshet, sanitized, sanitizer

SOURCE = pathlib.Path(__file__).parents[1] / "preload" / "faults.c"

# Where a sanitizer's own allocator is in the way.
PLAIN = pathlib.Path(os.environ.get("FRESHET_PLAIN", ROOT / "build" / "freshet")) if sanitized() else BINARY

# Mirrors of preload/faults.c: places of 64-bit words.
ON, SEED, MALLOCS, MALLOC_FROM, MALLOC_FAILS, WALL_US, MONOTONIC_US = range(7)
KINDS = ("malloc", "accept", "connect", "socket", "pipe", "epoll", "recv", "recv_short", "send", "send_short",
         "splice", "write")
FIRST_FAULT, FAULT_WORDS = 8, 4
ONE_IN, ERROR, CALLS, HITS = range(FAULT_WORDS)
WORDS = FIRST_FAULT + FAULT_WORDS * len(KINDS)
EVER = 1 << 62


def build_library(folder):
    built = pathlib.Path(folder, "faults.so")
    if not built.exists():
        subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-fno-builtin", "-Wall",
                        "-Wextra", "-Werror", "-o", built, SOURCE, "-ldl"], check=True)
    return built


def preload(library, binary=BINARY):
    """The value of LD_PRELOAD, and what a sanitizer needs to accept it."""
    kind = sanitizer(binary)
    if not kind:
        return {"LD_PRELOAD": str(library)}
    runtime = subprocess.run(["cc", f"-print-file-name=lib{kind}.so"], capture_output=True, text=True, check=True)
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": f"{library} {pathlib.Path(runtime.stdout.strip()).resolve()}",
            "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0:allocator_may_return_null=1"}


class Faults:
    """The schedule.  Everything is off until on() and after off()."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(8 * WORDS))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8 * WORDS)

    def __getitem__(self, word):
        return struct.unpack_from("q", self.map, 8 * word)[0]

    def __setitem__(self, word, value):
        struct.pack_into("q", self.map, 8 * word, value)

    def word(self, kind, which):
        return FIRST_FAULT + FAULT_WORDS * KINDS.index(kind) + which

    def rate(self, kind, one_in, error=0):
        """Let one call in so many fail; error 0 stands for a short count."""
        self[self.word(kind, ONE_IN)] = one_in
        self[self.word(kind, ERROR)] = errno.ENOMEM if kind == "malloc" else error

    def hits(self, kind):
        return self[self.word(kind, HITS)]

    def fail_malloc(self, number, count=1):
        """The allocation of that number, counted from 1 at the next on(), fails, and so do those behind it."""
        self[MALLOC_FROM], self[MALLOC_FAILS] = number, count

    @property
    def mallocs(self):
        """Allocations since on()."""
        return self[MALLOCS]

    def on(self, seed=1):
        self[SEED], self[MALLOCS] = seed, 0
        self[ON] = 1

    def off(self):
        self[ON] = 0

    def clear(self):
        self.off()
        for word in range(MALLOC_FROM, WORDS):
            self[word] = 0

    def shift_wall_clock(self, seconds):
        self[WALL_US] = int(seconds * 1000000)

    def shift_monotonic_clock(self, seconds):
        self[MONOTONIC_US] = int(seconds * 1000000)


class FaultyFreshet(Freshet):
    """A running proxy whose .faults can be switched."""

    def __init__(self, library, config="", env=None, binary=BINARY, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="freshet-faults-")
        self.faults = Faults(pathlib.Path(self.folder.name, "schedule"))
        variables = {**preload(library, binary), "FAULTS_FILE": str(self.faults.path)}
        super().__init__(config, binary=binary, env={**variables, **(env or {})}, **options)

    def start(self):
        """Until its threads (main, access log, one worker) have begun and rest, the harness' first client gone."""
        super().start()
        wait_until(lambda: len(states := self.thread_states()) >= 3 and set(states) == {"S"} and
                   (time.sleep(0.005), set(self.thread_states()))[1] == {"S"})

    def thread_states(self):
        folder = pathlib.Path(f"/proc/{self.process.pid}/task")
        return [(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in folder.iterdir()]

    def __exit__(self, kind, *rest):
        self.faults.clear()
        try:
            super().__exit__(kind, *rest)
        finally:
            self.folder.cleanup()

    def descriptor_names(self):
        return os.listdir(f"/proc/{self.process.pid}/fd")

    def descriptors(self):
        return len(self.descriptor_names())
