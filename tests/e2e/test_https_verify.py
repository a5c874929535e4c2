"""Who must prove to be the site, and what the client is told when the proof fails."""
import ssl

import pytest

from harness.https import intercepting_proxy  # noqa: F401 (fixtures)
from harness.origin import wait_until
from harness.tls import LEAF, Certificate, Interceptor, Server, TlsOrigin, make_key, openssl, server_context


def assert_explained(answer, *words):
    """A 502 page that says which check failed."""
    assert answer.status == 502, answer
    assert "error=tls_certificate_error" in answer.one("Proxy-Status")
    text = answer.body.decode()
    assert any(word in text for word in words), text


BAD = {
    "expired": (lambda pki: pki.root.issue(start="20200101000000Z", end="20210101000000Z"), "has expired"),
    "not yet valid": (lambda pki: pki.root.issue(start="20400101000000Z", end="20410101000000Z"), "not yet valid"),
    "wrong name": (lambda pki: pki.root.issue("other", san="DNS:other.test"), "hostname mismatch"),
    "name in the subject only": (lambda pki: pki.root.issue("localhost", san="IP:127.0.0.9"), "hostname mismatch"),
    "unknown authority": (lambda pki: pki.unknown.issue(), "unable to get local issuer certificate"),
    "not for servers": (lambda pki: pki.root.issue(extensions=LEAF + "extendedKeyUsage = clientAuth\n"),
                        "unsuitable certificate purpose"),
    "weak key": (lambda pki: pki.root.issue(key="rsa:1024"), "key too weak"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_certificate_is_explained_and_nothing_is_asked_of_the_origin(proxy, pki, kind):
    make, words = BAD[kind]
    with TlsOrigin(make(pki), context=weak_context(make(pki))) as origin:
        assert_explained(proxy.get(origin, "/bad"), words)
        record = proxy.record(origin.url("/bad"))
        assert not origin.requests
    assert record["http.response.status_code"] == 502
    assert record["freshet.proxy_error"] == "tls_certificate_error"
    assert words in record["freshet.error"]


def weak_context(certificate):
    """A server that is not ashamed of short keys."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


def test_self_signed_certificate_is_explained(proxy, tmp_path):
    made = Certificate(tmp_path, "self")
    make_key(made.key)
    openssl("req", "-x509", "-new", "-key", made.key, "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-days", 3, "-out", made.chain)
    with TlsOrigin(made) as origin:
        assert_explained(proxy.get(origin), "self-signed certificate")


def test_chain_by_way_of_an_intermediate_is_fine(proxy, pki):
    with TlsOrigin(pki.between.issue()) as origin:
        assert proxy.get(origin).body == b"hello"


def test_incomplete_chain_is_explained(proxy, pki):
    certificate = pki.between.issue()
    with TlsOrigin(certificate, context=server_context(certificate, chain=False)) as origin:
        assert_explained(proxy.get(origin), "unable to get local issuer certificate")


@pytest.mark.parametrize("san, name, is_fine", [
    ("DNS:*.site.test", "www.site.test", True), ("DNS:*.site.test", "site.test", False),
    ("DNS:*.site.test", "a.b.site.test", False), ("DNS:w*.site.test", "www.site.test", False),
    ("DNS:*.test", "site.test", False), ("DNS:*", "localhost", False),
    ("DNS:WWW.Site.Test", "www.site.test", True),
])
def test_wildcards_count_for_one_whole_label(proxy, pki, san, name, is_fine):
    with TlsOrigin(pki.root.issue("wild", san=san), name="127.0.0.1") as origin:
        with proxy.secure(origin, server_name=name) as client:
            answer = client.get("/", f"Host: {name}:{origin.port}")
    if is_fine:
        assert answer.body == b"hello"
    else:
        assert_explained(answer, "hostname mismatch")


@pytest.mark.parametrize("san, is_fine", [("IP:127.0.0.1", True), ("IP:127.0.0.2", False), ("DNS:127.0.0.1", False)])
def test_address_must_be_in_the_certificate_as_an_address(proxy, pki, san, is_fine):
    with TlsOrigin(pki.root.issue("address", san=san), name="127.0.0.1") as origin:
        answer = proxy.get(origin)
    if is_fine:
        assert answer.body == b"hello"
    else:
        assert_explained(answer, "IP address mismatch")


def test_revocation_list_in_the_trust_file_is_heeded(pki, tmp_path):
    revoked, fine = pki.between.issue(), pki.between.issue()
    pki.between.revoke(revoked)
    trust = tmp_path / "trust.pem"
    trust.write_text(pki.root.file.read_text() + pki.between.revocation_list().read_text())
    with Interceptor(pki, trust=f'"{trust}"') as proxy:
        with TlsOrigin(revoked) as origin:
            assert_explained(proxy.get(origin), "certificate revoked")
        with TlsOrigin(fine) as origin:
            assert proxy.get(origin).body == b"hello"


@pytest.mark.parametrize("authority", ["root", "between"])
@pytest.mark.parametrize("revoked", [True, False])
def test_stapled_response_is_heeded(proxy, pki, authority, revoked):
    signer = getattr(pki, authority)
    certificate = signer.issue()
    if revoked:
        signer.revoke(certificate)
    chain = ["-cert_chain", signer.file] if authority == "between" else []
    with Server("-cert", certificate.file, "-key", certificate.key, *chain, "-status_file",
                signer.ocsp_response(certificate), "-www") as origin:
        answer = proxy.get(origin)
    if revoked:
        assert_explained(answer, "certificate revoked")
    else:
        assert answer.status == 200


def test_missing_staple_is_noted_where_the_certificate_demands_one(proxy, pki):
    certificate = pki.root.issue(extensions=LEAF + "tlsfeature = status_request\n")
    with TlsOrigin(certificate) as origin:
        assert proxy.get(origin, "/unstapled").body == b"hello"
        assert proxy.record(origin.url("/unstapled"))["freshet.tls.staple_missing"] is True
    with Server("-cert", certificate.file, "-key", certificate.key, "-status_file",
                pki.root.ocsp_response(certificate), "-www") as origin:
        assert proxy.get(origin, "/stapled").status == 200
        assert proxy.record(origin.url("/stapled"))["freshet.tls.staple_missing"] is False


def test_tls_1_2_is_enough(proxy, pki):
    context = server_context(pki.good, maximum=ssl.TLSVersion.TLSv1_2)
    with TlsOrigin(pki.good, context=context) as origin:
        assert proxy.get(origin, "/old", context=proxy.context(maximum=ssl.TLSVersion.TLSv1_2)).body == b"hello"
        assert proxy.record(origin.url("/old"))["tls.version"] == "TLSv1.2"


def old_server(pki, version="-tls1", certificate=None):
    made = certificate or pki.good
    return Server(version, "-cipher", "ALL:@SECLEVEL=0", "-cert", made.file, "-key", made.key, "-www")


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused_without_tls_legacy(proxy, pki, version):
    with old_server(pki, version) as origin, proxy.client() as client:
        answer = client.get(origin.url())
        assert answer.status == 502
        assert "error=tls_alert_received" in answer.one("Proxy-Status") or "tls_protocol" in answer.one("Proxy-Status")
        assert b"tls-legacy" in answer.body


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_work_for_the_site_with_tls_legacy(pki, version):
    with Interceptor(pki, config='site "localhost" { tls-legacy = yes }') as proxy, old_server(pki, version) as origin:
        assert proxy.get(origin, "/old").status == 200
        assert proxy.record(origin.url("/old"))["tls.version"] == {"-tls1": "TLSv1", "-tls1_1": "TLSv1.1"}[version]


def test_weak_key_is_taken_with_tls_legacy(pki):
    weak = pki.root.issue(key="rsa:1024")
    with Interceptor(pki, config='site "localhost" { tls-legacy = yes }') as proxy:
        with TlsOrigin(weak, context=weak_context(weak)) as origin:
            assert proxy.get(origin).body == b"hello"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_old_client_is_served_with_tls_legacy_only(pki):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with TlsOrigin(pki.good) as origin:
        with Interceptor(pki, tls_legacy="yes") as proxy:
            old.load_verify_locations(proxy.pki.proxy_ca)
            assert proxy.get(origin, context=old).body == b"hello"
        with Interceptor(pki) as proxy:
            with pytest.raises(OSError):
                proxy.secure(origin, old)
            assert wait_until(lambda: proxy.record(origin.authority)["freshet.tunnel"])
            assert "no TLS 1.2" in proxy.record(origin.authority)["freshet.not_busted_reason"]


def test_tls_verify_no_counts_for_its_site_only_and_is_marked(pki):
    with Interceptor(pki, config='site "localhost" { tls-verify = no }') as proxy:
        with TlsOrigin(pki.unknown.issue()) as origin, TlsOrigin(pki.unknown.issue(), name="127.0.0.1") as other:
            assert proxy.get(origin, "/believed").body == b"hello"
            assert proxy.record(origin.url("/believed"))["freshet.tls.unverified"] is True
            assert_explained(proxy.get(other, "/doubted"), "unable to get local issuer")
            assert proxy.record(other.url("/doubted"))["freshet.tls.unverified"] is False


def test_verified_and_unverified_requests_never_share_a_connection(pki):
    """The path decides: within one tunnel one request is verified and the next is not."""
    with Interceptor(pki, config='site "localhost/free/*" { tls-verify = no }') as proxy:
        with TlsOrigin(pki.unknown.issue()) as origin, proxy.secure(origin) as client:
            assert client.get("/free/1").body == b"hello"
            assert_explained(client.get("/strict"), "unable to get local issuer")
            assert client.get("/free/2").body == b"hello"
        assert [request.target for request in origin.requests] == ["/free/1", "/free/2"]


def test_names_that_differ_never_share_a_connection(proxy, pki):
    both = pki.root.issue("both", san="DNS:one.test,DNS:two.test")
    with TlsOrigin(both, name="127.0.0.1") as origin:
        for name in ("one.test", "two.test", "one.test"):
            with proxy.secure(origin, server_name=name) as client:
                assert client.get("/", f"Host: {name}:{origin.port}").body == b"hello"
        assert [handshake["server_name"] for handshake in origin.handshakes] == ["one.test", "two.test"]


def test_system_store_is_trusted_without_the_trust_option(pki):
    system = {"SSL_CERT_FILE": str(pki.root.file)}
    with Interceptor(pki, trust='""', env=system) as proxy, TlsOrigin(pki.good) as origin:
        assert proxy.get(origin).body == b"hello"


def test_reload_takes_trust_away(pki):
    with Interceptor(pki) as proxy, TlsOrigin(pki.good) as origin, proxy.secure(origin) as client:
        assert client.get("/before").body == b"hello"
        proxy.reload(trust=f'"{pki.unknown.file}"')
        assert_explained(client.get("/after"), "unable to get local issuer")


def test_reload_with_a_trust_file_that_cannot_be_read_changes_nothing(pki):
    with Interceptor(pki) as proxy, TlsOrigin(pki.good) as origin:
        assert "failed" in proxy.reload(trust='"/nonexistent"')
        assert proxy.get(origin).body == b"hello"
