"""Ports for programs that cannot choose one by themselves."""
import itertools
import os
import socket

# Below those that the kernel gives to whoever asks for any (net.ipv4.ip_local_port_range), a share for each process
# of a test run: nobody takes a port between the moment it was found free and the one when the program has it.
FIRST, SHARE = 20000, 1500
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_numbers = itertools.cycle(range(FIRST + _worker * SHARE, FIRST + (_worker + 1) * SHARE))


def free_port():
    for port in itertools.islice(_numbers, SHARE):
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue
    raise RuntimeError(f"no port is free from {FIRST + _worker * SHARE} on")
