"""The proof: clients with stores of their own, through real caches, to content that has changed.

A cell of the tables counts the kinds of resources of which a client still sees the old version; `make proof` prints
them.
"""
import re

import pytest

from harness.site import KINDS
from harness.stores import Curl, Old, Plain, Wget

CLIENTS = {"plain": Plain, "curl": Curl, "wget -N": Wget, "HTTP/1.0": Old}
SETTINGS = {
    "without freshet": {"mode": "off"},
    "with fields only": {"pierce": "never"},
    "by default": {},
    "with pierce = always": {"pierce": "always"},
}


def path(kind, setting, client):
    name = re.sub(r"\W", "", setting + client)
    return f"/{kind}/{name}" + ("?page=7" if kind == "query" else "")


class Past:
    """Every client has seen, and every cache stored, what was; then all of it changed."""

    def __init__(self, laboratory, folder):
        self.laboratory = laboratory
        self.clients = {(setting, name): client(folder / setting / name)
                        for setting in SETTINGS for name, client in CLIENTS.items()}
        with laboratory.proxy(mode="off") as proxy:
            for setting, client in self.clients:
                self.look(proxy, setting, client)
        laboratory.wait_until_aged(path("max-age", setting, client))
        laboratory.site.change()

    def urls(self, setting, client):
        return {place.url(path(kind, setting, client)): (place, kind)
                for place in self.laboratory.places for kind in KINDS}

    def look(self, proxy, setting, client):
        return self.clients[setting, client].look(proxy, list(self.urls(setting, client)))

    def still_seen(self, setting):
        """For each place and client, the kinds of resources of which it sees the past."""
        now = f"version {self.laboratory.site.version} of ".encode()
        seen = {(place.name, client): [] for place in self.laboratory.places for client in CLIENTS}
        with self.laboratory.proxy(**SETTINGS[setting]) as proxy:
            for client in CLIENTS:
                urls = self.urls(setting, client)
                for url, body in self.look(proxy, setting, client).items():
                    place, kind = urls[url]
                    if not (body or b"").startswith(now):
                        seen[place.name, client].append(kind)
        show(setting, self.laboratory.places, seen)
        return seen


def show(setting, places, seen):
    print(f"\n{setting}: kinds of resources, of {len(KINDS)}, of which old content is seen\n")
    print(f"{'':28}" + "".join(f"{client:>10}" for client in CLIENTS))
    for place in places:
        print(f"{place.name:28}" + "".join(f"{len(seen[place.name, client]):>10}" for client in CLIENTS))


@pytest.fixture(scope="module")
def past(laboratory, tmp_path_factory):
    return Past(laboratory, tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="module")
def with_fields_only(past):
    return past.still_seen("with fields only")


def test_without_freshet_old_content_is_seen_by_every_client_through_every_cache(past):
    assert all(past.still_seen("without freshet").values())


def test_fields_reach_through_caches_that_heed_them(laboratory, with_fields_only):
    heeding = {place.name for place in laboratory.places if place.heeds}
    left = {cell: kinds for cell, kinds in with_fields_only.items() if cell[0] in heeding and kinds}
    # These two ask the origin whether their copy is still good, and it says so of what is stuck.
    confirmed = {"Squid, reload-into-ims", "Traffic Server that heeds"}
    assert all(name in confirmed and kinds == ["stuck"] for (name, _), kinds in left.items()), left


def test_fields_do_not_reach_through_caches_that_ignore_them(laboratory, with_fields_only):
    ignorant = {place.name for place in laboratory.places if not place.heeds}
    assert all(kinds for (name, _), kinds in with_fields_only.items() if name in ignorant)


def test_by_default_nothing_old_is_seen_through_caches_that_heed_or_tell(laboratory, past):
    reached = {place.name for place in laboratory.places if place.is_reached("auto")}
    seen = past.still_seen("by default")
    assert not {cell: kinds for cell, kinds in seen.items() if cell[0] in reached and kinds}


def test_piercing_always_nothing_old_is_seen_through_any_cache(past):
    assert not {cell: kinds for cell, kinds in past.still_seen("with pierce = always").items() if kinds}
