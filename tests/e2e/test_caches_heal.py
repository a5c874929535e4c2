"""heal = yes and mode = revalidate through real caches: what others get afterwards, and what an exchange costs."""
import pytest

from harness import Client
from harness.origin import wait_until

HEEDING = ["nginx that heeds", "Squid", "Squid as parent", "Apache", "Traffic Server that heeds"]


@pytest.fixture(scope="module")
def bypassing(laboratory):
    with laboratory.proxy() as running:
        yield running


@pytest.fixture(scope="module")
def healing(laboratory):
    with laboratory.proxy(heal="yes") as running:
        yield running


@pytest.fixture(scope="module")
def revalidating(laboratory):
    with laboratory.proxy(mode="revalidate") as running:
        yield running


def ask(proxy, url, *fields):
    with Client(proxy.port) as client:
        return client.get(url, *fields)


def text(site, path):
    return f"version {site.version} of {path}\n".encode()


@pytest.mark.parametrize("name", HEEDING)
def test_healing_puts_the_new_content_into_the_cache_for_everybody(laboratory, healing, name):
    site, place = laboratory.site, laboratory.place(name)
    assert wait_until(lambda: laboratory.is_stored(place, "/max-age/heal"))
    site.change()
    assert place.get("/max-age/heal").body != text(site, "/max-age/heal")
    assert ask(healing, place.url("/max-age/heal")).body == text(site, "/max-age/heal")
    assert wait_until(lambda: place.get("/max-age/heal").body == text(site, "/max-age/heal"))


@pytest.mark.parametrize("name", ["Squid", "Squid as parent", "Apache"])
def test_without_healing_the_others_keep_the_old_copy(laboratory, bypassing, name):
    site, place = laboratory.site, laboratory.place(name)
    assert wait_until(lambda: laboratory.is_stored(place, "/max-age/bypass"))
    old = place.get("/max-age/bypass").body
    site.change()
    assert ask(bypassing, place.url("/max-age/bypass")).body == text(site, "/max-age/bypass")
    assert place.get("/max-age/bypass").body == old


@pytest.mark.parametrize("name", HEEDING)
def test_revalidating_client_keeps_its_copy_only_while_the_origin_confirms_it(laboratory, revalidating, name):
    site, place = laboratory.site, laboratory.place(name)
    url, condition = place.url("/s-maxage/kept"), f'If-None-Match: "{site.version}"'
    assert ask(revalidating, url).body == text(site, "/s-maxage/kept")
    before = len(site.asked("/s-maxage/kept"))
    assert ask(revalidating, url, condition).status == 304
    assert len(site.asked("/s-maxage/kept")) == before + 1
    site.change()
    answer = ask(revalidating, url, condition)
    assert (answer.status, answer.body) == (200, text(site, "/s-maxage/kept"))
