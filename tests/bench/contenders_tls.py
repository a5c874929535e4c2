"""The proxies that are compared over https: one worker each, TLS on both sides, the same rewriting as far as they can.

nginx is the floor: it cannot intercept, but terminates TLS with one fixed certificate and passes on to one origin.
Nobody but freshet verifies the origin here, which counts only where connections to it are not reused.
"""
import os
import shutil
import subprocess

from contenders import TRIPLE, Contender, Freshet, Nginx, Squid

CERTGEN = "/usr/lib/squid/security_file_certgen"


class Intercepting(Contender):
    """`site` is set by the lab before anything is prepared."""
    site = None
    is_server = False     # speaks TLS at once, without CONNECT
    forges = True         # so that a name never seen costs something
    can_edit = True       # at all


class FreshetTls(Intercepting, Freshet):
    def more(self):
        return f"""
intercept = strict
ca-cert = "{self.site.path("authority.pem")}"
ca-key = "{self.site.path("authority.key")}"
trust = "{self.site.path("root.pem")}"
"""


class NginxTls(Intercepting, Nginx):
    """One ticket for each session, as freshet gives; two are its default."""
    is_server = True
    forges = False
    scheme = "https"

    def prepare(self, directory, port, origin, clients, bulk):
        return super().prepare(directory, port, self.site.port, clients, bulk)

    def https(self):
        return f"""
		ssl_certificate {self.site.path("fixed.pem")};
		ssl_certificate_key {self.site.path("fixed.key")};
		ssl_protocols TLSv1.2 TLSv1.3;
		proxy_ssl_protocols TLSv1.2 TLSv1.3;
		ssl_conf_command NumTickets 1;"""


class SquidTls(Intercepting, Squid):
    """ssl-bump, of the package squid-openssl; certificates are made by a process beside it."""
    name = "squid"

    def missing(self):
        return super().missing() or (None if os.access(CERTGEN, os.X_OK) else "squid-openssl is not installed")

    def prepare(self, directory, port, origin, clients, bulk):
        os.chmod(directory, 0o777)
        store = os.path.join(directory, "certificates")
        subprocess.run([CERTGEN, "-c", "-s", store, "-M", "16MB"], check=True, stdout=subprocess.DEVNULL)
        for path, _, files in os.walk(store):
            os.chmod(path, 0o777)
            for name in files:
                os.chmod(os.path.join(path, name), 0o666)
        return super().prepare(directory, port, origin, clients, bulk)

    def https(self, directory):
        both = shutil.copy(self.site.path("authority-both.pem"), directory)
        os.chmod(both, 0o644)
        return (f" ssl-bump tls-cert={both} generate-host-certificates=on dynamic_cert_mem_cache_size=16MB", f"""
sslcrtd_program {CERTGEN} -s {directory}/certificates -M 16MB
sslcrtd_children 1 startup=1 idle=1
tls_outgoing_options flags=DONT_VERIFY_PEER
sslproxy_cert_error allow all
acl hello at_step SslBump1
ssl_bump peek hello
ssl_bump bump all
""")


class Sslsplit(Intercepting):
    """Changes nothing, pools nothing: a connection to the origin for each of the client's."""
    name = "sslsplit"
    is_server = True
    can_edit = False
    keeps_clients = False
    for_scale = True

    def prepare(self, directory, port, origin, clients, bulk):
        return ["sslsplit", "-k", self.site.path("authority.key"), "-c", self.site.path("authority.pem"), "-P", "https",
                "127.0.0.1", str(port), "127.0.0.1", str(self.site.port)]


class Mitmproxy(Intercepting):
    """Python."""
    name = "mitmproxy"
    for_scale = True

    def missing(self):
        return None if shutil.which("mitmdump") else "mitmproxy is not installed"

    def prepare(self, directory, port, origin, clients, bulk):
        shutil.copy(self.site.path("authority-both.pem"), os.path.join(directory, "mitmproxy-ca.pem"))
        edits = [f"/~{side}/{field}/{value}" for side in "qs" for field, value in
                 (("Cache-Control", TRIPLE), ("Pragma", "no-cache"), ("Expires", "0"))] + ["/~s/Age/"]
        return ["mitmdump", "-q", "--set", f"confdir={directory}", "--listen-host", "127.0.0.1", "-p", str(port),
                "--anticache", "--set", "stream_large_bodies=256k", "--set", "flow_detail=0", "--ssl-insecure",
                *(argument for edit in edits for argument in ("--modify-headers", edit))]


def all_contenders(binary):
    return [FreshetTls(binary), NginxTls(), SquidTls(), Sslsplit(), Mitmproxy()]
