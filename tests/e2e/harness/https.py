"""What most tests of https begin with: import the fixtures that a file needs."""
import pytest

from .tls import Interceptor, TlsOrigin


@pytest.fixture(scope="module", name="proxy")
def intercepting_proxy(pki):
    """freshet that reads https, shared by the tests of a file."""
    with Interceptor(pki) as running:
        yield running


@pytest.fixture(name="origin")
def tls_origin(pki):
    """An https origin with a good certificate."""
    with TlsOrigin(pki.good) as listening:
        yield listening
