"""Real caches in front of one origin whose content changes, each as it comes and set up to ignore its clients.

Starting them takes a second, so a session does it once; tests keep apart by asking for names of their own.
"""
import contextlib
import dataclasses

from .caches import Apache, Cache, ParentSquid, Squid, TrafficServer, Varnish, nginx_cache
from .client import Client
from .origin import wait_until
from .proxy import Freshet
from .site import Site

SAYS_STATUS = "add_header X-Cache-Status $upstream_cache_status always;"
OBEYS = "proxy_cache_bypass $http_pragma $http_cache_control;"


@dataclasses.dataclass
class Place:
    """A cache somewhere before the origin; its name in tables."""

    name: str
    cache: Cache
    heeds: bool        # … what requests say about caching
    tells: bool = True  # … in its answers that they come from its store

    def url(self, path):
        return self.cache.url(path)

    def get(self, path):
        """What those get who do not go through freshet."""
        url = self.url(path)
        target = url if isinstance(self.cache, ParentSquid) else path
        with Client(self.cache.port) as client:
            client.send(f"GET {target} HTTP/1.1\r\nHost: {url.split('/')[2]}\r\n\r\n".encode())
            return client.response()


def places(site):
    """As they come, and set up to do the contrary of that."""
    return [
        Place("nginx", nginx_cache(site), heeds=False, tells=False),
        Place("nginx that tells", nginx_cache(site, SAYS_STATUS), heeds=False),
        Place("nginx that heeds", nginx_cache(site, OBEYS), heeds=True, tells=False),
        Place("Varnish", Varnish(site), heeds=False),
        Place("Squid", Squid(site), heeds=True),
        Place("Squid, ignore-reload", Squid(site, "refresh_pattern . 0 20% 4320 ignore-reload"), heeds=False),
        Place("Squid, reload-into-ims", Squid(site, "refresh_pattern . 0 20% 4320 reload-into-ims"), heeds=True),
        Place("Squid as parent", ParentSquid(site), heeds=True),
        Place("Apache", Apache(site), heeds=True),
        Place("Apache that ignores", Apache(site, "CacheIgnoreCacheControl On"), heeds=False),
        Place("Traffic Server", TrafficServer(site), heeds=False),
        Place("Traffic Server that heeds", TrafficServer(
            site, "CONFIG proxy.config.http.cache.ignore_client_no_cache INT 0"), heeds=True),
    ]


class Laboratory:
    """.site, and .places before it, running."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.site = stack.enter_context(Site())
            self.places = places(self.site)
            for place in self.places:
                stack.enter_context(place.cache)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)

    def place(self, name):
        return next(place for place in self.places if place.name == name)

    def fill(self, *paths):
        """Have others ask every cache for these."""
        for place in self.places:
            for path in paths:
                place.get(path)
        self.wait_until_aged(paths[-1])

    def wait_until_aged(self, path):
        """Until Traffic Server's copy of it is a second old: before, its hits look like its misses."""
        assert wait_until(lambda: int(self.place("Traffic Server").get(path).one("Age")) > 0)

    def proxy(self, config="", **options):
        """A freshet that reaches each place as its users would: what Squid is the parent of, by way of it."""
        parent = self.place("Squid as parent").cache
        others = ", ".join(f'"127.0.0.1:{place.cache.port}"' for place in self.places if place.cache is not parent)
        return Freshet(config, parent=f'"http://127.0.0.1:{parent.port}"', no_parent=f"{{{others}}}", **options)
