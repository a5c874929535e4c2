"""Real caches in front of an origin: nginx, Varnish and Squid, as they come but for what a test asks for.

Each has its own folder and port, and is stopped by its process id.
"""
import pathlib
import shutil
import socket
import subprocess
import tempfile

from .nginx import Nginx
from .origin import wait_until

PATH = "/usr/sbin:/usr/bin:/sbin:/usr/local/sbin:/usr/local/bin"

NGINX = """
daemon off;
worker_processes 1;
user {{user}};
pid {{folder}}/nginx.pid;
error_log {{folder}}/error.log;
events {{{{ worker_connections 64; }}}}
http {{{{
    access_log off;
    client_body_temp_path {{folder}}/t1; proxy_temp_path {{folder}}/t2; fastcgi_temp_path {{folder}}/t3;
    uwsgi_temp_path {{folder}}/t4; scgi_temp_path {{folder}}/t5;
    proxy_cache_path {{folder}}/cache keys_zone=copies:1m;
    server {{{{
        listen 127.0.0.1:{{port}};
        location / {{{{
            proxy_pass http://{origin};
            proxy_cache copies;
            {settings}
        }}}}
    }}}}
}}}}
"""


def nginx_cache(origin, settings=""):
    """nginx with proxy_cache; settings are further directives of its location."""
    return Nginx(NGINX.format(origin=origin.authority, settings=settings))


class Cache:
    """A process that listens on self.port once it runs."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="freshet-cache-"))
        self.folder.chmod(0o777)  # started by root some change to a user of their own
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    def __enter__(self):
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        assert wait_until(self.accepts, 15), (self.folder / "output").read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


class Varnish(Cache):
    def __init__(self, origin):
        super().__init__()
        self.origin = origin

    def command(self):
        # The unprivileged jail needs a user of its own; the tests may run as anybody.
        return [shutil.which("varnishd", path=PATH), "-F", "-j", "none", "-n", str(self.folder / "work"),
                "-a", f"127.0.0.1:{self.port}", "-b", self.origin.authority, "-s", "malloc,1m",
                "-p", "thread_pools=1", "-p", "thread_pool_min=10"]


class Squid(Cache):
    """As an accelerator; settings are further lines of its configuration."""

    def __init__(self, origin, settings=""):
        super().__init__()
        (self.folder / "squid.conf").write_text(f"""
http_port 127.0.0.1:{self.port} accel no-vhost defaultsite={origin.authority}
cache_peer {origin.host} parent {origin.port} 0 no-query originserver no-digest no-netdb-exchange
pid_filename none
coredump_dir {self.folder}
visible_hostname squid.test
pinger_enable off
cache_mem 1 MB
access_log none
cache_log /dev/null
http_access allow all
shutdown_lifetime 0 seconds
max_filedescriptors 256
{settings}
""")

    def command(self):
        return [shutil.which("squid", path=PATH), "-N", "-n", f"test{self.port}",
                "-f", str(self.folder / "squid.conf")]
