"""No malloc in the steady state of a keep-alive exchange, counted by a preloaded library.

A sanitizer brings its own allocator, which cannot be counted this way: under one, the plain
binary is what these tests run ($FRESHET_PLAIN, or build/freshet).
"""
import os
import pathlib
import struct
import subprocess

import pytest

from harness import Freshet, Origin, chunked, response
from harness.client import request_bytes
from harness.proxy import BINARY, ROOT, sanitized

SOURCE = pathlib.Path(__file__).parent / "preload" / "malloc_count.c"
PLAIN = pathlib.Path(os.environ.get("FRESHET_PLAIN", ROOT / "build" / "freshet")) if sanitized() else BINARY


class CountedFreshet(Freshet):
    """freshet whose calls to malloc, calloc and realloc can be read while it runs."""

    def __init__(self, library, count_file, **options):
        self.count_file = count_file
        count_file.write_bytes(bytes(8))
        super().__init__(binary=PLAIN, env={"LD_PRELOAD": str(library), "MALLOC_COUNT_FILE": str(count_file)},
                         **options)

    def mallocs(self):
        return struct.unpack("Q", self.count_file.read_bytes())[0]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = tmp_path_factory.mktemp("preload") / "malloc_count.so"
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-fno-builtin", "-o", built,
                    SOURCE], check=True)
    return built


@pytest.fixture
def counted(library, tmp_path):
    with CountedFreshet(library, tmp_path / "count") as running:
        yield running


def exchange_all(client, ask, count):
    for _ in range(count):
        client.send(ask)
        assert client.response().status == 200


ANSWERS = {
    "length": response(b"x" * 1000, "Cache-Control: max-age=60", 'ETag: "v"', "Content-Type: text/html"),
    "chunked": response(chunked(b"x" * 500, b"y" * 500), "Transfer-Encoding: chunked", "Expires: 0",
                        length=False),
    "many-fields": response(b"x", *[f"X-Field-{n}: {n}" for n in range(60)]),
    "large": response(b"x" * 300000),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_exchange_in_the_steady_state_allocates_nothing(counted, name):
    with Origin(ANSWERS[name]) as origin, counted.client() as client:
        ask = request_bytes("GET", origin.url("/steady?a=1"), "User-Agent: e2e", "Accept: */*",
                            'If-None-Match: "v"', "Cookie: a=b; c=d")
        exchange_all(client, ask, 1000)
        counted.records(1000)
        before = counted.mallocs()
        assert before > 0, "the counter does not count"
        exchange_all(client, ask, 1000)
        counted.records(2000)
        assert counted.mallocs() - before == 0


def test_upload_in_the_steady_state_allocates_nothing(counted):
    with Origin() as origin, counted.client() as client:
        ask = request_bytes("POST", origin.url("/steady"), body=b"x" * 500)
        exchange_all(client, ask, 1000)
        before = counted.mallocs()
        exchange_all(client, ask, 1000)
        assert counted.mallocs() - before == 0


def test_new_client_connections_in_the_steady_state_allocate_nothing(counted):
    def come_and_go(count):
        for _ in range(count):
            with counted.client() as client:
                assert client.get(origin.url()).status == 200
    with Origin() as origin:
        come_and_go(300)
        before = counted.mallocs()
        come_and_go(300)
        assert counted.mallocs() - before <= 3
