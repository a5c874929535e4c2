"""The site that is reached through https: certificates of the day, and nginx as its origin.

Everything is made anew by openssl(1) for each run, P-256 throughout, and dies with the lab.
"""
import os
import subprocess

import lab
from contenders import write

NAME = "bench.test"
BODIES = (1 << 20, 100 << 20)
SMALL = 1024


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Site:
    """`authority` signs what intercepting proxies forge, and nginx's fixed certificate; `root` the origin's."""

    def __init__(self, the_lab):
        self.directory = the_lab.path("site")
        os.mkdir(self.directory, 0o755)
        for name in ("authority", "root"):
            self.make_authority(name)
        self.make_leaf("fixed", "authority")
        self.make_leaf("origin", "root")
        with open(self.path("authority-both.pem"), "w", encoding="ascii") as both:
            for part in ("authority.key", "authority.pem"):
                with open(self.path(part), encoding="ascii") as file:
                    both.write(file.read())
        self.port = lab.free_port()
        self.process = the_lab.start(["nginx", "-p", self.directory, "-e", self.path("error.log"), "-c",
                                      self.configure()], the_lab.load_cpu)
        with open(self.path("error.log"), "a+", encoding="utf-8") as messages:
            lab.wait_until_serving(self.process, self.port, messages)

    def path(self, name):
        return os.path.join(self.directory, name)

    def make_key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path(name + ".key"))
        os.chmod(self.path(name + ".key"), 0o600)

    def make_authority(self, name):
        self.make_key(name)
        openssl("req", "-x509", "-new", "-key", self.path(name + ".key"), "-subj", f"/CN=bench {name}", "-days", "2",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.path(name + ".pem"))

    def make_leaf(self, name, issuer):
        self.make_key(name)
        openssl("req", "-new", "-key", self.path(name + ".key"), "-subj", f"/CN={NAME}", "-out", self.path(name + ".csr"))
        extensions = write(self.directory, name + ".ext", f"subjectAltName=DNS:{NAME},DNS:*.{NAME}\n"
                           "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path(issuer + ".pem"), "-CAkey",
                self.path(issuer + ".key"), "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out",
                self.path(name + ".pem"))

    def configure(self):
        os.mkdir(self.path("bodies"), 0o755)
        for size in BODIES:
            with open(self.path(f"bodies/{size}"), "wb") as file:
                os.truncate(file.fileno(), size)
        fields = """
			add_header Cache-Control "private, max-age=3600, must-revalidate";
			add_header Expires "Sun, 22 Nov 2026 13:00:00 GMT";
			add_header Age 12;
			add_header Vary Accept-Encoding;"""
        seen = "".join(f"{name}: $http_{name.replace('-', '_')}\\n" for name in
                       ("cache-control", "pragma", "expires", "if-none-match"))
        return write(self.directory, "nginx.conf", f"""
daemon off;
master_process off;
pid {self.directory}/pid;
error_log {self.directory}/error.log crit;
events {{ worker_connections 8192; multi_accept on; accept_mutex off; }}
http {{
	access_log off;
	default_type text/html;
	keepalive_timeout 120s;
	keepalive_requests 1000000000;
	etag off;
	if_modified_since off;
	open_file_cache max=10;
	output_buffers 2 128k;
	client_body_temp_path {self.directory}/body;
	proxy_temp_path {self.directory}/proxy;
	fastcgi_temp_path {self.directory}/fastcgi;
	uwsgi_temp_path {self.directory}/uwsgi;
	scgi_temp_path {self.directory}/scgi;
	server {{
		listen 127.0.0.1:{self.port} ssl backlog=4096;
		ssl_certificate {self.path("origin.pem")};
		ssl_certificate_key {self.path("origin.key")};
		ssl_protocols TLSv1.2 TLSv1.3;
		location / {{
			root {self.directory}/bodies;{fields}
		}}
		location = /{SMALL} {{
			return 200 "{"x" * SMALL}";{fields}
		}}
		location = /seen {{
			return 200 "{seen}";{fields}
		}}
	}}
}}
""")
