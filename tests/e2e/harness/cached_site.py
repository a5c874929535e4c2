"""A server with a cache before it, both behind one port: its cache ignores what requests say, and keys as told."""
import threading
import urllib.parse

from .http1 import response
from .origin import Origin


def raw(request):
    """As nginx: the target as it came."""
    return request.target


def decoded(request):
    """Escapes of letters are undone first."""
    path, mark, query = request.target.partition("?")
    return urllib.parse.unquote(path) + mark + query


def decoded_path(request):
    """The query does not count: CloudFront and Azure Front Door, as they come."""
    return urllib.parse.unquote(request.target.partition("?")[0])


def decoded_path_and_agent(request):
    return decoded_path(request), *request.all("User-Agent")


def raw_path(request):
    return request.target.partition("?")[0]


class CachedSite(Origin):
    """Publishes .version under every path.  .misses are the requests that got through to the server.

    `make` answers a miss, given request and version.  A hit shows itself by Age, unless the cache is silent.
    """

    def __init__(self, key, make=None, silent=False):
        super().__init__(answer=self.answer_from_cache)
        self.key = key
        self.make = make or (lambda request, version: page(version))
        self.silent = silent
        self.version = 1
        self.store = {}
        self.misses = []
        self.store_lock = threading.Lock()

    def answer_from_cache(self, request):
        with self.store_lock:
            if request.method not in ("GET", "HEAD"):
                return self.make(request, self.version)
            key = request.method, self.key(request)
            if key in self.store:
                return self.store[key] if self.silent else aged(self.store[key])
            self.misses.append(request)
            self.store[key] = self.make(request, self.version)
            return self.store[key]

    def publish(self, *targets, method="GET"):
        """Puts version 1 of these into the cache, as some visitor would, and then changes the site."""
        for target in targets or ["/index.html"]:
            request = type("Visit", (), {"method": method, "target": target, "all": lambda _, name: ["visitor/1"]})()
            self.answer_from_cache(request)
        self.misses.clear()
        self.version += 1


def page(version, *fields, status="200 OK", kind="text/html"):
    return response(f"version {version}".encode(), f"Content-Type: {kind}", *fields, status=status)


def aged(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\nAge: 30\r\nCache-Control: max-age=3600\r\n\r\n" + body


__all__ = ["CachedSite", "decoded", "decoded_path", "decoded_path_and_agent", "page", "raw", "raw_path"]
