"""Chromium through real caches: which version of each part of a page it shows after everything changed.

The parts are loaded as a navigation, a frame, scripts, a module and what it imports, a worker and what that imports, a
style sheet, an image, a preload, and by fetch(), with `force-cache` too.  What browsers are strict about must work
meanwhile: other sites' scripts at an API, and scripts pinned by a hash.
"""
import contextlib
import itertools

import pytest

from harness.site import PARTS

FETCHED = ("preload.txt", "fetch.txt", "forced.txt")
ALL = {"page", "frame", "script", "module", "import", "worker", "style", "image", "preload", "fetch", "forced"}


CHOICE = ["nginx", "nginx that tells", "Varnish", "Squid", "Squid as parent", "Apache", "Traffic Server"]


class Visitor:
    """Goes to the page of that name behind a choice of caches."""

    def __init__(self, laboratory, context, name):
        self.laboratory = laboratory
        self.page = context.page()
        self.folder = f"/max-age/{name}"
        self.places = [laboratory.place(name) for name in CHOICE]

    def fill_caches(self):
        self.laboratory.fill(*(f"{self.folder}/{part}" for part in (*PARTS, *FETCHED)))
        self.laboratory.wait_until_aged(f"{self.folder}/{FETCHED[-1]}")

    def look(self, place):
        """By part of the page, the version that is shown."""
        self.page.visit(place.url(f"{self.folder}/page.html"))
        return self.page.evaluate("look()")

    def old(self):
        """By cache, the parts of which the past is shown."""
        now = self.laboratory.site.version
        shown = {place.name: [part for part, version in self.look(place).items() if version != now]
                 for place in self.places}
        return {cache: parts for cache, parts in shown.items() if parts}


@pytest.fixture
def visitor(laboratory, chromium):
    """A visitor whose freshet has these options; for one test."""
    with contextlib.ExitStack() as stack:
        def make(name, **options):
            context = chromium.context(stack.enter_context(laboratory.proxy(**options)))
            return Visitor(laboratory, stack.enter_context(context), name)
        yield make


def test_without_freshet_chromium_shows_old_parts_through_every_cache(laboratory, visitor):
    visiting = visitor("without", mode="off")
    assert not visiting.old()
    laboratory.site.change()
    found = visiting.old()
    assert list(found) == CHOICE
    assert all(set(parts) == ALL for parts in found.values()), found


@pytest.mark.parametrize("pierce", ["never", "auto", "always"])
def test_chromium_shows_nothing_old_through_caches_that_freshet_gets_past(laboratory, visitor, pierce):
    visiting = visitor(pierce, pierce=pierce)
    # Each cache once, with the least that is needed to get past it.
    less = {"never": [], "auto": ["never"], "always": ["never", "auto"]}[pierce]
    visiting.places = [place for place in visiting.places
                       if place.is_reached(pierce) and not any(map(place.is_reached, less))]
    visiting.fill_caches()
    laboratory.site.change()
    assert not visiting.old(), "from caches"
    laboratory.site.change()
    assert not visiting.old(), "from its own store"


def test_what_chromium_stored_before_freshet_was_there_is_gone_after_the_first_contact(laboratory, chromium):
    with laboratory.proxy(mode="off") as proxy, chromium.context(proxy) as context:
        visiting = Visitor(laboratory, context, "before")
        assert not visiting.old()
        laboratory.site.change()
        proxy.reload(mode="bust", pierce="always", purge_client="first-contact")
        for place in visiting.places:
            visiting.page.visit(place.url("/landed/contact"))
        visiting.page = context.page()  # a tab keeps some parts in memory
        assert not visiting.old()


def test_back_shows_what_is_there_now_but_for_pictures(laboratory, visitor):
    """Blink takes these from the tab's memory when it goes back, no-store or not."""
    visiting = visitor("back", pierce="always", back_forward="evict")
    for place in map(laboratory.place, ("nginx", "Varnish")):
        visiting.look(place)
        visiting.page.follow(place.url("/landed/elsewhere"))
        laboratory.site.change()
        visiting.page.back()
        shown = visiting.page.evaluate("look()") | {"image": laboratory.site.version}
        assert shown == dict.fromkeys(ALL, laboratory.site.version), place.name


def test_worker_from_before_that_answers_from_its_store_is_made_to_ask(laboratory, chromium):
    with laboratory.proxy(mode="off") as proxy, chromium.context(proxy) as context:
        pages = {name: context.page() for name in ("nginx", "Varnish")}
        for name, page in pages.items():
            page.visit(laboratory.place(name).url("/max-age/offline/offline.html"))
        for page in pages.values():
            page.wait_for("!!navigator.serviceWorker.controller")
        laboratory.site.change()
        proxy.reload(mode="bust", pierce="always", service_workers="wrap")
        for page in pages.values():
            page.reload()
        for page in pages.values():
            page.wait_for("!!window.taken")
            page.reload()
        now = f"version {laboratory.site.version}"
        assert {name: page.text() for name, page in pages.items()} == dict.fromkeys(pages, now)


CREDENTIALS = {"credentials": "include", "headers": {"x-custom": "1"}}


@pytest.fixture(scope="module", params=["auto", "always"])
def piercing(request, laboratory, chromium):
    """A tab whose freshet pierces, and whether what it shows through a cache must be present."""
    way = request.param
    laboratory.fill(f"/sri/{way}/page.html", f"/sri/{way}/script.js", f"/api/{way}")
    laboratory.wait_until_aged(f"/api/{way}")
    laboratory.site.change()
    with laboratory.proxy(pierce=way) as proxy, chromium.context(proxy) as context:
        yield context.page(), way


def is_right(laboratory, place, way, text):
    return text == f"version {laboratory.site.version}" if place.is_reached(way) else text.startswith("version ")


def test_scripts_of_another_site_reach_an_api_with_preflight_and_credentials(laboratory, piercing):
    page, way = piercing
    page.visit(laboratory.place("Varnish").url("/landed/1"))
    for place, method in itertools.product(laboratory.places, ("GET", "PUT")):
        text = page.fetch(place.url(f"/api/{way}"), method=method, **CREDENTIALS)
        assert is_right(laboratory, place, way, text), (place.name, method, text)


def test_script_pinned_by_its_hash_is_run_though_it_changed(laboratory, piercing):
    page, way = piercing
    for place in laboratory.places:
        page.visit(place.url(f"/sri/{way}/page.html"))
        title = page.evaluate("document.title")
        assert is_right(laboratory, place, way, title), (place.name, title)
