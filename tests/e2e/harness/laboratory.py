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
UPGRADES = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;"
HEEDS = "proxy_cache_bypass $http_pragma $http_cache_control;"
OBEDIENT = "CONFIG proxy.config.http.cache.ignore_client_no_cache INT 0"


@dataclasses.dataclass
class Place:
    """A cache somewhere before the origin; its name in tables."""

    name: str
    cache: Cache
    heeds: bool  # … what requests say about caching
    tells: bool  # … in its answers that they come from its store

    def is_reached(self, pierce):
        """Whether what comes through it must be the present version, with that setting."""
        return self.heeds or pierce == "always" or pierce == "auto" and self.tells

    def url(self, path):
        return self.cache.url(path)

    def get(self, path, *fields):
        """What those get who do not go through freshet."""
        url = self.url(path)
        target = url if isinstance(self.cache, ParentSquid) else path
        lines = [f"GET {target} HTTP/1.1", f"Host: {url.split('/')[2]}", *fields]
        with Client(self.cache.port) as client:
            client.send("\r\n".join(lines).encode() + b"\r\n\r\n")
            return client.response()


# As they come, and set up to do the contrary of that: what makes the cache, whether it heeds, whether it tells.
CACHES = {
    "nginx": (nginx_cache, False, False),
    "nginx that tells": (lambda site: nginx_cache(site, SAYS_STATUS + UPGRADES), False, True),
    "nginx that heeds": (lambda site: nginx_cache(site, HEEDS), True, False),
    "Varnish": (Varnish, False, True),
    "Squid": (Squid, True, True),
    "Squid, ignore-reload": (lambda site: Squid(site, "refresh_pattern . 0 20% 4320 ignore-reload"), False, True),
    "Squid, reload-into-ims": (lambda site: Squid(site, "refresh_pattern . 0 20% 4320 reload-into-ims"), True, True),
    "Squid as parent": (ParentSquid, True, True),
    "Apache": (Apache, True, True),
    "Apache that ignores": (lambda site: Apache(site, "CacheIgnoreCacheControl On"), False, True),
    "Traffic Server": (TrafficServer, False, True),
    "Traffic Server that heeds": (lambda site: TrafficServer(site, OBEDIENT), True, True),
}


class Laboratory:
    """.site, and .places before it, running."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.site = stack.enter_context(Site())
            self.places = [Place(name, make(self.site), heeds, tells)
                           for name, (make, heeds, tells) in CACHES.items()]
            for place in self.places:
                stack.enter_context(place.cache)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)

    def place(self, name):
        return next(place for place in self.places if place.name == name)

    def fill(self, *paths, fields=()):
        """Have others ask every cache for these until it answers by itself."""
        for place in self.places:
            for path in paths:
                assert wait_until(lambda: self.is_stored(place, path, *fields)), f"{place.name} does not store {path}"

    def is_stored(self, place, path, *fields):
        before = len(self.site.requests)
        place.get(path, *fields)
        return len(self.site.requests) == before

    def wait_until_aged(self, path):
        """Until Traffic Server's copy of it is a second old: before, its hits look like its misses."""
        assert wait_until(lambda: int(self.place("Traffic Server").get(path).one("Age")) > 0)

    def proxy(self, config="", **options):
        """A freshet that reaches each place as its users would: what Squid is the parent of, by way of it."""
        parent = self.place("Squid as parent").cache
        others = ", ".join(f'"127.0.0.1:{place.cache.port}"' for place in self.places if place.cache is not parent)
        return Freshet(config, parent=f'"http://127.0.0.1:{parent.port}"', no_parent=f"{{{others}}}", **options)
