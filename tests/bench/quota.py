"""A limit to the CPU time of a process and all its threads, by control groups of either version."""
import contextlib
import os

from lab import Failed

ROOT = "/sys/fs/cgroup"
PERIOD_US = 10000  # short, so that a window holds many


def write(group, name, text):
    with open(os.path.join(group, name), "w", encoding="ascii") as file:
        file.write(text)


def limit_old(group, quota_us):
    write(group, "cpu.cfs_period_us", str(PERIOD_US))
    write(group, "cpu.cfs_quota_us", str(quota_us))


def limit_unified(group, quota_us):
    write(group, "cpu.max", f"{quota_us} {PERIOD_US}")


def controller():
    """Where groups are made, and how one is limited."""
    old = os.path.join(ROOT, "cpu")
    if os.path.exists(os.path.join(old, "cpu.cfs_quota_us")):
        return old, limit_old
    return ROOT, limit_unified


@contextlib.contextmanager
def limited(pid, cpus):
    """The process gets so many CPUs' time and no more."""
    parent, limit = controller()
    group = os.path.join(parent, f"freshet-bench-{os.getpid()}")
    try:
        os.mkdir(group)
    except OSError as e:
        raise Failed(f"CPU time cannot be limited here: {e}") from e
    try:
        limit(group, int(cpus * PERIOD_US))
        write(group, "cgroup.procs", str(pid))
        yield
    except OSError as e:
        raise Failed(f"CPU time cannot be limited here: {e}") from e
    finally:
        with contextlib.suppress(OSError):
            write(parent, "cgroup.procs", str(pid))
        os.rmdir(group)
