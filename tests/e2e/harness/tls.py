"""TLS for the tests: certificates by openssl(1), origins and clients by Python's ssl, a proxy that intercepts.

The certificates come from authorities made once per session, in a folder of their own.
"""
import os
import pathlib
import socket
import ssl
import subprocess
import threading

from .client import Client
from .origin import Origin, RecordingSource, wait_until
from .ports import free_port
from .proxy import Freshet
from .http1 import Source

CONFIG = """
[ca]
default_ca = all
[all]
dir = {folder}
database = {folder}/index
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
"""
LEAF = "basicConstraints = critical,CA:FALSE\nkeyUsage = digitalSignature,keyEncipherment\n"
CA = "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign,digitalSignature\n"
LOCAL = "DNS:localhost,IP:127.0.0.1"


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=20, check=False,
                          **options)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"
    return done.stdout


class Certificate:
    """A certificate and its key in PEM; .chain is what a server sends: itself and those below the root."""

    def __init__(self, folder, name):
        self.file = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self.chain = folder / f"{name}.chain"


class Authority(Certificate):
    """Signs certificates.  With `above`, an intermediate one."""

    def __init__(self, folder, name, above=None):
        folder = pathlib.Path(folder, name)
        folder.mkdir()
        super().__init__(folder, "authority")
        self.folder = folder
        self.above = above
        self.count = 0
        self.config = folder / "config"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "crlnumber").write_text("1000\n")
        make_key(self.key)
        if above:
            made = above.issue(name, extensions=CA, key=self.key)
            self.file.write_text(made.file.read_text())
        else:
            extensions = [word for line in CA.strip().split("\n") for word in ("-addext", line.replace(" = ", "="))]
            openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", 30, "-out", self.file,
                    "-config", "/dev/null", *extensions)

    def issue(self, name="localhost", san=LOCAL, start=None, end=None, key="ec", extensions=LEAF):
        """A certificate; start and end as YYYYMMDDHHMMSSZ; key is "ec", "rsa:1024" or a file."""
        self.count += 1
        made = Certificate(self.folder, f"leaf{self.count}")
        if isinstance(key, pathlib.Path):
            made.key = key
        else:
            make_key(made.key, key)
        request, extension_file = self.folder / "request", self.folder / "extensions"
        openssl("req", "-new", "-key", made.key, "-subj", f"/CN={name}", "-out", request, "-config", "/dev/null")
        extension_file.write_text(extensions + (f"subjectAltName = {san}\n" if extensions is not CA else ""))
        dates = (["-startdate", start] if start else []) + (["-enddate", end] if end else [])
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", self.file, "-keyfile", self.key,
                "-in", request, "-out", made.file, "-extfile", extension_file, *dates)
        between = self.file.read_text() if self.above else ""
        made.chain.write_text(made.file.read_text() + between)
        return made

    def revoke(self, certificate):
        openssl("ca", "-config", self.config, "-cert", self.file, "-keyfile", self.key, "-revoke", certificate.file)

    def revocation_list(self):
        out = self.folder / "crl"
        openssl("ca", "-config", self.config, "-cert", self.file, "-keyfile", self.key, "-gencrl", "-out", out)
        return out

    def ocsp_response(self, certificate):
        """What a server staples, in DER: the status by this authority's own index."""
        request, out = self.folder / "ocsp-request", self.folder / f"ocsp{self.count}"
        openssl("ocsp", "-issuer", self.file, "-cert", certificate.file, "-reqout", request, "-no_nonce")
        openssl("ocsp", "-index", self.folder / "index", "-CA", self.file, "-rsigner", self.file, "-rkey", self.key,
                "-reqin", request, "-respout", out, "-ndays", 1)
        return out


def make_key(path, kind="ec"):
    if kind == "ec":
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    else:
        openssl("genrsa", "-out", path, kind.partition(":")[2])


class Pki:
    """What a session's tests share: a root that the proxy trusts, one below it, one that nobody knows."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = Authority(folder, "test-root")
        self.between = Authority(folder, "test-between", self.root)
        self.unknown = Authority(folder, "unknown-root")
        self.good = self.root.issue()
        self.state = self.folder / "state"
        self.state.mkdir()
        self.nothing = self.folder / "nothing"
        self.nothing.touch()

    def environment(self):
        """For a proxy: trusts nothing by itself, keeps its authority here."""
        return {"SSL_CERT_FILE": str(self.nothing), "SSL_CERT_DIR": "/nonexistent", "STATE_DIRECTORY": str(self.state)}

    @property
    def proxy_ca(self):
        return self.state / "ca.pem"


def server_context(certificate, chain=True, minimum=None, maximum=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain if chain else certificate.file, certificate.key)
    context.set_alpn_protocols(["http/1.1"])
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end without close_notify is an error to us
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    return context


class TlsOrigin(Origin):
    """An origin of https; .handshakes tells of each connection (server_name, version, reused, alpn, client)."""

    def __init__(self, certificate, answer=None, script=None, context=None, host="127.0.0.1", name="localhost",
                 before=None):
        super().__init__(answer, script, host)
        self.context = context or server_context(certificate)
        self.inside = self.script
        self.script = self.secured
        self.name = name
        self.before = before  # called with the bare connection, before its handshake
        self.names = {}
        self.handshakes = []
        self.refusals = []
        self.context.sni_callback = self.remember_name

    def remember_name(self, sock, name, _):
        self.names[id(sock.context), sock.fileno()] = name

    def secured(self, conn):
        if self.before:
            self.before(conn)
        try:
            conn.sock = self.context.wrap_socket(conn.sock, server_side=True, suppress_ragged_eofs=False)
        except ssl.SSLError as refusal:
            self.refusals.append(refusal)
            raise
        conn.source = RecordingSource(conn.sock)
        self.handshakes.append({
            "server_name": self.names.get((id(self.context), conn.sock.fileno())),
            "version": conn.sock.version(),
            "reused": conn.sock.session_reused,
            "alpn": conn.sock.selected_alpn_protocol(),
            "client": (conn.sock.getpeercert() or {}).get("subject"),
        })
        self.inside(conn)

    @property
    def authority(self):
        return f"{self.name}:{self.port}"

    def url(self, path="/"):
        return f"https://{self.authority}{path}"


def client_context(ca_file, maximum=None, alpn=("http/1.1",)):
    context = ssl.create_default_context(cafile=str(ca_file))
    context.maximum_version = maximum or ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class SecureClient(Client):
    """A client inside of a tunnel; paths instead of URLs, the authority of CONNECT as Host."""

    def __init__(self, port, authority, context, server_name=None, session=None, **kwargs):
        super().__init__(port, **kwargs)
        self.authority = authority
        self.tunnel = self.connect_to(authority)
        if self.tunnel.status != 200:
            return
        name = server_name or authority.rpartition(":")[0].strip("[]")
        self.sock = context.wrap_socket(self.sock, server_hostname=name, suppress_ragged_eofs=False, session=session)
        self.source = Source(self.sock)

    def request(self, method, url, *fields, body=b"", version="HTTP/1.1"):
        """`url` is a path; a Host among the fields replaces the tunnel's."""
        named = any(field.lower().startswith("host:") for field in fields)
        framed = any(field.lower().startswith(("content-length:", "transfer-encoding:")) for field in fields)
        lines = [f"{method} {url} {version}", *([] if named else [f"Host: {self.authority}"]), *fields]
        if body and not framed:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def raw_end(self):
        """The end of TCP without the word that TLS has for it."""
        os_sock = socket.socket(fileno=os.dup(self.sock.fileno()))
        os_sock.shutdown(socket.SHUT_WR)
        os_sock.close()


class Interceptor(Freshet):
    """A proxy that reads https and trusts the tests' root."""

    def __init__(self, pki, config="", env=None, **options):
        self.pki = pki
        merged = {"intercept": "yes", "trust": f'"{pki.root.file}"', **options}
        super().__init__(config, env={**pki.environment(), **(env or {})}, **merged)

    def context(self, **kwargs):
        return client_context(self.pki.proxy_ca, **kwargs)

    def secure(self, origin, context=None, **kwargs):
        authority = origin if isinstance(origin, str) else origin.authority
        return SecureClient(self.port, authority, context or self.context(), **kwargs)

    def get(self, origin, path="/", *fields, **kwargs):
        with self.secure(origin, **kwargs) as client:
            return client.get(path, *fields)


class Server:
    """`openssl s_server` on a port of its own; what it says is in .said()."""

    def __init__(self, *arguments, environment=None):
        self.port = free_port()
        self.command = ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", *map(str, arguments)]
        self.environment = {**os.environ, **(environment or {})}
        self.lines = []

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=self.environment)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        assert wait_until(lambda: "ACCEPT" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(5)
        self.process.stdin.close()
        self.reader.join(5)
        self.process.stdout.close()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode("latin-1"))

    def said(self):
        return "".join(self.lines)

    @property
    def authority(self):
        return f"localhost:{self.port}"

    def url(self, path="/"):
        return f"https://{self.authority}{path}"
