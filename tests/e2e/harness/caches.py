"""Real caches in front of an origin: nginx, Varnish, Squid, Apache and Traffic Server, as they come but for what a
test asks for.

Each has its own folder and port, and is stopped by its process id.
"""
import os
import pathlib
import signal

from .nginx import Nginx
from .program import Program, find

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


class Cache(Program):
    def __init__(self):
        super().__init__("cache", 0o777)  # started by root some change to a user of their own

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


class Varnish(Cache):
    def __init__(self, origin):
        super().__init__()
        self.origin = origin

    def command(self):
        # The unprivileged jail needs a user of its own; the tests may run as anybody.
        return [find("varnishd"), "-F", "-j", "none", "-n", str(self.folder / "work"),
                "-a", f"127.0.0.1:{self.port}", *self.way(), "-s", "malloc,16m",
                "-p", "thread_pools=1", "-p", "thread_pool_min=10"]

    def way(self):
        return ["-b", self.origin.authority]


class Squid(Cache):
    """As an accelerator; settings are further lines of its configuration."""

    stop_signal = signal.SIGKILL  # it takes two seconds to say goodbye

    def __init__(self, origin, settings=""):
        super().__init__()
        self.name = f"test{self.port}"
        self.origin = origin
        (self.folder / "squid.conf").write_text(f"""
{self.way()}
pid_filename none
coredump_dir {self.folder}
visible_hostname squid.test
pinger_enable off
cache_mem 16 MB
access_log none
cache_log /dev/null
http_access allow all
shutdown_lifetime 0 seconds
max_filedescriptors 256
{settings}
""")

    def way(self):
        return f"""http_port 127.0.0.1:{self.port} accel no-vhost defaultsite={self.origin.authority}
cache_peer {self.origin.host} parent {self.origin.port} 0 no-query originserver no-digest no-netdb-exchange \\
    login=PASSTHRU"""

    def command(self):
        return [find("squid"), "-N", "-n", self.name, "-f", str(self.folder / "squid.conf")]

    def __exit__(self, *exception):
        super().__exit__(*exception)
        for left in pathlib.Path("/dev/shm").glob(f"{self.name}-*"):
            left.unlink()


class ParentSquid(Squid):
    """As the proxy that everything goes through; so its URLs are the origin's."""

    def way(self):
        return f"http_port 127.0.0.1:{self.port}"

    def url(self, path):
        return self.origin.url(path)


class Apache(Cache):
    """mod_cache with its store in files; settings are further lines of its configuration."""

    MODULES = ("mpm_event", "authz_core", "proxy", "proxy_http", "cache", "cache_disk")

    def __init__(self, origin, settings=""):
        super().__init__()
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in self.MODULES)
        # Started by root it insists on working as somebody else.
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        (self.folder / "apache.conf").write_text(f"""
{modules}
{user}
ServerName apache.test
Listen 127.0.0.1:{self.port}
DefaultRuntimeDir {self.folder}
PidFile {self.folder}/pid
ErrorLog {self.folder}/error.log
StartServers 1
ServerLimit 1
ThreadsPerChild 32
MaxRequestWorkers 32
ProxyPass / http://{origin.authority}/
CacheEnable disk /
CacheRoot {self.folder}/copies
CacheDirLevels 1
CacheDirLength 1
{settings}
""")
        (self.folder / "copies").mkdir()
        (self.folder / "copies").chmod(0o777)

    def command(self):
        return [find("apache2"), "-D", "FOREGROUND", "-f", str(self.folder / "apache.conf")]


class TrafficServer(Cache):
    """As a reverse proxy; settings are further lines of its records.config."""

    stop_signal = signal.SIGKILL  # it takes a second to say goodbye
    FOLDERS = {"sysconfdir": "etc", "cachedir": "copies", "localstatedir": "run", "runtimedir": "run",
               "logdir": "log", "datadir": "copies"}

    def __init__(self, origin, settings=""):
        super().__init__()
        for name in set(self.FOLDERS.values()):
            (self.folder / name).mkdir()
        places = {"prefix": self.folder, "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/bin",
                  "libdir": "/usr/lib/trafficserver", "libexecdir": "/usr/lib/trafficserver/modules",
                  "includedir": self.folder, **{key: self.folder / name for key, name in self.FOLDERS.items()}}
        self.write("runroot.yaml", "\n".join(f"{key}: {place}" for key, place in places.items()))
        self.write("etc/records.config", f"""
CONFIG proxy.config.http.server_ports STRING {self.port}:ip-in=127.0.0.1
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
{settings}
""")
        self.write("etc/remap.config", f"map / http://{origin.authority}/\n")
        self.write("etc/storage.config", "copies 32M\n")
        self.write("etc/plugin.config", "")
        self.write("etc/ip_allow.yaml", "ip_allow: [{apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}]\n")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def command(self):
        return [find("traffic_server"), f"--run-root={self.folder}/runroot.yaml"]
