"""nginx and Varnish as they come, between freshet and a server whose content changes: the newest comes through."""
import email.utils

import pytest

from harness import Client, Freshet, Origin, response
from harness.caches import Varnish, nginx_cache

PATH = "/articles/index-of-all.html"


class Server(Origin):
    """Everything may be stored for a day; .version is its content, of the film three times over."""

    def __init__(self):
        super().__init__(answer=self.current)
        self.version = 1

    def current(self, request):
        content = f"{self.version:03}" * 3 if "film" in request.target else f"version {self.version}"
        return response(content.encode(), "Date: " + email.utils.formatdate(usegmt=True),
                        "Cache-Control: max-age=86400", "Content-Type: text/html", f'ETag: "{self.version}"')


@pytest.fixture(scope="module")
def always():
    with Freshet(pierce="always") as running:
        yield running


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def caches(server):
    with nginx_cache(server) as silent, nginx_cache(server, "add_header X-Cache-Status $upstream_cache_status;") as told, \
            Varnish(server) as varnish:
        yield {"nginx": silent, "nginx that tells": told, "varnish": varnish}


def ask(proxy, url, *fields, method="GET"):
    with Client(proxy.port) as client:
        return client.exchange(method, url, *fields)


def visit(cache, path):
    """Without freshet."""
    with Client(cache.port) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{cache.port}\r\n\r\n".encode())
        return client.response()


@pytest.mark.parametrize("name,option,is_fresh", [
    ("nginx", "auto", False), ("nginx", "always", True),
    ("nginx that tells", "auto", True), ("nginx that tells", "always", True),
    ("varnish", "auto", True), ("varnish", "always", True),
])
@pytest.mark.parametrize("path", ["/?{0}", PATH + "?{0}"])
def test_newest_content_comes_through(proxy, always, server, caches, name, option, is_fresh, path):
    cache, asked = caches[name], {"auto": proxy, "always": always}[option]
    path = path.format(option)
    stored = visit(cache, path).body
    for _ in range(3):
        server.version += 1
        assert visit(cache, path).body == stored
        fresh = f"version {server.version}".encode()
        assert ask(asked, cache.url(path)).body == (fresh if is_fresh else stored)
        assert ask(asked, cache.url(path), method="HEAD").status == 200


@pytest.mark.parametrize("name", ["nginx", "varnish"])
def test_pieces_are_of_one_version_although_the_file_changes(always, server, caches, name):
    url, first_version, pieces = caches[name].url("/film"), server.version, []
    for first in (0, 3, 6):
        pieces.append(ask(always, url, f"Range: bytes={first}-{first + 2}").body)
        server.version += 1
    whole = b"".join(pieces)  # nginx, asked for a piece, may give all of it
    assert len(whole) >= 9 and whole == f"{first_version:03}".encode() * (len(whole) // 3)
