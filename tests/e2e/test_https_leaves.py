"""Certificates for intercepted sites are accepted by whatever looks at them, for the right name, within the limits."""
import os
import re
import shutil
import ssl
import subprocess

import pytest

from harness import response
from harness.https import intercepting_proxy  # noqa: F401 (fixtures)
from harness.origin import wait_until
from harness.proxy import run_freshet
from harness.tls import Authority, Interceptor, TlsOrigin, client_context

NAMES = ["localhost", "127.0.0.1", "WWW.Example.test", "xn--80ak6aa92e.test", "a" * 60 + ".b.test", "under_score.test"]


@pytest.fixture(scope="module", name="origin")
def tls_origin(pki):
    with TlsOrigin(pki.root.issue("origin.test")) as listening:
        yield listening


class Leaf:
    """What the proxy shows for a name, as a file."""

    def __init__(self, proxy, origin, name, folder):
        self.name = name
        self.authority = proxy.pki.proxy_ca
        self.file = folder / "leaf.pem"
        context = client_context(self.authority)
        context.check_hostname = False
        with proxy.secure(f"{'127.0.0.1' if is_address(name) else 'localhost'}:{origin.port}", context,
                          server_name=name) as client:
            self.file.write_text(ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True)))


def is_address(name):
    return name[0].isdigit()


def accepted(*command, **env):
    done = subprocess.run([str(word) for word in command], env={**os.environ, **env}, capture_output=True, text=True,
                          timeout=30, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def by_openssl(leaf, name, folder):
    del folder
    kind = "-verify_ip" if is_address(name) else "-verify_hostname"
    return accepted("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-no-CApath", "-no-CAstore",
                    "-CAfile", leaf.authority, kind, name, leaf.file)


def by_gnutls(leaf, name, folder):
    del folder
    return accepted("certtool", "--verify", "--load-ca-certificate", leaf.authority, "--verify-hostname", name,
                    "--verify-purpose", "1.3.6.1.5.5.7.3.1", "--infile", leaf.file)


def by_nss(leaf, name, folder):
    """vfychain looks at the chain and its use; the name is compared by the others."""
    database = folder / "nssdb"
    if not database.exists():
        database.mkdir()
        accepted("certutil", "-N", "--empty-password", "-d", f"sql:{database}")
        accepted("certutil", "-A", "-d", f"sql:{database}", "-n", "authority", "-t", "C,,", "-i", leaf.authority)
    fine, said = accepted("vfychain", "-d", f"sql:{database}", "-pp", "-u", "1", "-a", leaf.file)
    return fine and "Chain is good" in said and name == leaf.name, said


NODE = """
const x = new (require('crypto').X509Certificate)(require('fs').readFileSync(process.argv[1]));
const ca = new (require('crypto').X509Certificate)(require('fs').readFileSync(process.argv[2]));
const name = process.argv[3], good = /^[0-9]/.test(name) ? x.checkIP(name) : x.checkHost(name);
process.exit(good && x.checkIssued(ca) && x.verify(ca.publicKey) ? 0 : 1);
"""


def by_node(leaf, name, folder):
    del folder
    return accepted("node", "-e", NODE, leaf.file, leaf.authority, name)


JUDGES = {"openssl": by_openssl, "certtool": by_gnutls, "vfychain": by_nss}
# Not asked for by the tests, but a second opinion where they are.
JUDGES |= {tool: judge for tool, judge in {"node": by_node}.items() if shutil.which(tool)}


@pytest.mark.parametrize("judge", JUDGES)
def test_leaf_is_accepted_for_its_name_only(proxy, origin, tmp_path, judge):
    for name in NAMES:
        leaf = Leaf(proxy, origin, name, tmp_path)
        fine, said = JUDGES[judge](leaf, name, tmp_path)
        assert fine, f"{name}: {said}"
        assert not JUDGES[judge](leaf, "192.0.2.9" if is_address(name) else "other.test", tmp_path)[0], name


def test_other_authority_does_not_vouch_for_a_leaf(proxy, origin, tmp_path):
    """The judges can say no."""
    leaf = Leaf(proxy, origin, "localhost", tmp_path)
    leaf.authority = proxy.pki.unknown.file
    for judge, ask in JUDGES.items():
        assert not ask(leaf, "localhost", tmp_path)[0], judge


def test_python_accepts_names_and_addresses(pki):
    for host in ("localhost", "127.0.0.1"):
        certificate = pki.root.issue(host, san=f"IP:{host}" if is_address(host) else f"DNS:{host}")
        with TlsOrigin(certificate, name=host) as origin, Interceptor(pki, allow_destinations='{"127.0.0.0/8"}') as proxy:
            assert proxy.get(origin).body == b"hello"
            assert proxy.record(origin.url("/"))["freshet.busted"] is True


JAVA = """
import java.net.*;
public class Fetch {
    public static void main(String[] a) throws Exception {
        Proxy p = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", Integer.parseInt(a[0])));
        System.out.print(new String(new URL(a[1]).openConnection(p).getInputStream().readAllBytes()));
    }
}
"""


def fetch_by_java(proxy, url, folder):
    store = folder / "trust.p12"
    fine, said = accepted("keytool", "-importcert", "-noprompt", "-alias", "freshet", "-storepass", "changeit",
                          "-keystore", store, "-file", proxy.pki.proxy_ca)
    assert fine, said
    (folder / "Fetch.java").write_text(JAVA)
    return accepted("java", f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit",
                    folder / "Fetch.java", proxy.port, url)


NODE_FETCH = """
const http = require('http'), https = require('https'), u = new URL(process.argv[2]);
http.request({ host: '127.0.0.1', port: process.argv[1], method: 'CONNECT', path: u.host }).on('connect', (_, socket) =>
  https.get({ socket, servername: u.hostname, host: u.hostname, agent: false, path: u.pathname }, r =>
    r.on('data', d => process.stdout.write(d))).on('error', e => { console.error(e); process.exit(1); })).end();
"""


def fetch_by_node(proxy, url, folder):
    del folder
    return accepted("node", "-e", NODE_FETCH, proxy.port, url, NODE_EXTRA_CA_CERTS=str(proxy.pki.proxy_ca))


def fetch_by_wget(proxy, url, folder):
    del folder
    return accepted("wget", "-q", "-O", "-", f"--ca-certificate={proxy.pki.proxy_ca}", "-e",
                    f"https_proxy=http://127.0.0.1:{proxy.port}", url)


FETCHERS = {"wget": fetch_by_wget}
FETCHERS |= {tool: fetch for tool, fetch in {"node": fetch_by_node, "java": fetch_by_java}.items()
             if shutil.which(tool) and (tool != "java" or shutil.which("javac"))}


@pytest.mark.parametrize("program", FETCHERS)
def test_program_fetches_a_busted_page(pki, proxy, tmp_path, program):
    with TlsOrigin(pki.good, response(b"page", "Cache-Control: max-age=99")) as origin:
        fine, said = FETCHERS[program](proxy, origin.url("/program"), tmp_path)
        assert fine and "page" in said, said
        assert origin.last.one("Cache-Control") == "no-cache, no-store, must-revalidate"


def test_every_start_has_leaves_of_its_own_number(pki, tmp_path):
    """Firefox refuses two certificates of one issuer and number."""
    numbers = set()
    with TlsOrigin(pki.good) as origin:
        for _ in range(2):
            with Interceptor(pki) as proxy:
                leaf = Leaf(proxy, origin, "localhost", tmp_path)
                said = accepted("openssl", "x509", "-in", leaf.file, "-noout", "-serial")[1]
                numbers.add(re.search(r"serial=([0-9A-F]{32})$", said, re.M)[1])
    assert len(numbers) == 2


# -- an authority below another --

@pytest.fixture(scope="module", name="below")
def authority_two_below_the_root(pki, tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("below"), "test-below", pki.between)


def files_of(below, *above):
    """Options for an authority whose certificate file goes on with these."""
    file = below.folder / "with-chain.pem"
    file.write_text("".join(certificate.file.read_text() for certificate in (below, *above)))
    return {"ca_cert": f'"{file}"', "ca_key": f'"{below.key}"'}


def test_who_trusts_only_the_root_accepts_leaves_of_an_authority_below_it(pki, below, origin):
    with Interceptor(pki, **files_of(below, pki.between, pki.root)) as proxy:
        fetched, said = accepted("curl", "-sS", "-x", f"http://127.0.0.1:{proxy.port}", "--cacert", pki.root.file,
                                 f"https://localhost:{origin.port}/")
        assert fetched, said
        shown = accepted("openssl", "s_client", "-proxy", f"127.0.0.1:{proxy.port}", "-connect",
                         f"localhost:{origin.port}", "-showcerts", "-verify_return_error", "-CAfile", pki.root.file)[1]
        assert len(re.findall(r"^ *\d s:", shown, re.M)) == 3, "the leaf and two authorities, the root is not sent"


def test_certificate_that_did_not_issue_the_one_before_it_is_no_chain(pki, below):
    options = files_of(below, pki.root)
    config = "".join(f"{name.replace('_', '-')} = {value}\n" for name, value in options.items())
    done = run_freshet(config=f'listen = {{"127.0.0.1:0"}}\nintercept = yes\n{config}')
    assert done.returncode == 1
    assert "not the issuer of the one before it" in done.stderr


# -- limits --

@pytest.fixture(scope="module", name="limited")
def limited_authority(tmp_path_factory):
    """The state directory of an authority that may vouch for example.test only."""
    state = tmp_path_factory.mktemp("limited") / "state"
    done = run_freshet("ca", "init", "--permit", "example.test", env={"STATE_DIRECTORY": str(state)})
    assert done.returncode == 0, done.stderr
    return state


def test_site_outside_of_the_limits_is_passed_through_unread(pki, limited):
    with TlsOrigin(pki.good) as origin, Interceptor(pki, env={"STATE_DIRECTORY": str(limited)}) as proxy:
        with proxy.secure(origin, client_context(pki.root.file)) as client:
            assert client.get("/").body == b"hello"
        assert wait_until(lambda: proxy.record(origin.authority)["freshet.tunnel"])
        reason = proxy.record(origin.authority)["freshet.not_busted_reason"]
        assert "our authority may not vouch for this name" in reason


def test_site_outside_of_the_limits_fails_where_intercept_is_strict(pki, limited):
    with TlsOrigin(pki.good) as origin, \
            Interceptor(pki, env={"STATE_DIRECTORY": str(limited)}, intercept="strict") as proxy:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            proxy.secure(origin, client_context(pki.root.file))
        assert not origin.handshakes


def test_site_within_the_limits_is_read(pki, limited, tmp_path):
    with TlsOrigin(pki.good) as origin, Interceptor(pki, env={"STATE_DIRECTORY": str(limited)}) as proxy:
        context = client_context(limited / "ca.pem")
        with proxy.secure(origin, context, server_name="www.example.test") as client:
            leaf = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True))
    (tmp_path / "leaf.pem").write_text(leaf)
    shown = type("Shown", (), {"authority": limited / "ca.pem", "file": tmp_path / "leaf.pem", "name": "www.example.test"})
    for judge, ask in JUDGES.items():
        fine, said = ask(shown, "www.example.test", tmp_path)
        assert fine, f"{judge}: {said}"


def test_clients_refuse_what_a_thief_of_the_key_signs_outside_of_the_limits(limited, tmp_path):
    leaf, extensions = tmp_path / "stolen.pem", tmp_path / "extensions"
    extensions.write_text("basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:bank.test\nextendedKeyUsage=serverAuth\n"
                          "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=none\n")
    request = tmp_path / "request"
    fine, said = accepted("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-subj", "/CN=bank.test", "-keyout", tmp_path / "key", "-out", request)
    assert fine, said
    fine, said = accepted("openssl", "x509", "-req", "-in", request, "-CA", limited / "ca.pem", "-CAkey",
                          limited / "ca-key.pem", "-set_serial", "77", "-extfile", extensions, "-out", leaf)
    assert fine, said
    shown = type("Shown", (), {"authority": limited / "ca.pem", "file": leaf, "name": "bank.test"})
    for judge in ("openssl", "certtool", "vfychain"):
        assert not JUDGES[judge](shown, "bank.test", tmp_path)[0], judge
