"""Fixtures of the end-to-end tests: a proxy shared by the tests of one file, a fresh origin."""
import socket

import pytest

from harness import Client, Freshet, Origin
from harness.chromium import Chromium
from harness.proxy import run_freshet
from harness.laboratory import Laboratory
from harness.tls import Pki


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """For processes side by side: a file's tests stay together, as do all that share the laboratory."""
    for item in items:
        group = "laboratory" if "laboratory" in item.fixturenames else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="module")
def proxy():
    """freshet with default options, shared by the tests of a file."""
    with Freshet() as running:
        yield running


@pytest.fixture
def client(proxy):
    with Client(proxy.port) as connection:
        yield connection


@pytest.fixture
def origin():
    """An origin that answers 200 "hello" until the test says otherwise."""
    with Origin() as listening:
        yield listening


@pytest.fixture(scope="session")
def loopbacks():
    """The loopback addresses of this machine: always IPv4, and IPv6 where the kernel has it."""
    hosts = ["127.0.0.1"]
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        hosts.append("::1")
    except OSError:
        pass
    return hosts


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Authorities and certificates, made once."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def chromium(pki, tmp_path_factory):
    """A browser that trusts the tests' root and the proxy's authority; take a context per test."""
    made = run_freshet("ca", "init", env=pki.environment())
    assert pki.proxy_ca.exists(), made.stderr
    with Chromium(tmp_path_factory.mktemp("chromium"), [pki.root.file, pki.proxy_ca]) as browser:
        yield browser


@pytest.fixture(scope="session")
def laboratory():
    """Real caches of all sorts in front of one origin, started once."""
    with Laboratory() as running:
        yield running
