"""The proxies that are compared: how each is configured and started.

Each is one worker that does, as far as it can, the same rewriting: the three fields set both ways, the client's
conditions and the answer's Age removed, and may keep as many connections to the origin as it likes.  freshet does
more on top (Via, Cache-Status, Last-Modified).  What is said of each here is what it cannot do.

`bulk` asks for the configuration that suits large bodies best; freshet has only one.  What they need for https is
added in contenders_tls.py.
"""
import os
import shutil

TRIPLE = "no-cache, no-store, must-revalidate"


class Contender:
    name = ""
    can_tunnel = False
    can_edit_requests = True
    can_edit_answers = True
    keeps_clients = True  # otherwise it closes after each answer, and is measured with new connections only
    for_scale = False     # measured in the first round only, but for what no other can do
    only = None           # the cases it is there for; None: all

    def missing(self):
        return None if shutil.which(self.name) else f"{self.name} is not installed"

    def prepare(self, directory, port, origin, clients, bulk):
        """Writes its configuration into the directory.  The command line that serves on that port."""
        raise NotImplementedError


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


class Freshet(Contender):
    name = "freshet"
    can_tunnel = True

    def __init__(self, binary, workers=1):
        self.binary = binary
        self.workers = workers

    def missing(self):
        return None if os.access(self.binary, os.X_OK) else f"{self.binary} is not there: run make first"

    def prepare(self, directory, port, origin, clients, bulk):
        return [self.binary, "-c", write(directory, "freshet.conf", f"""
listen = {{"127.0.0.1:{port}"}}
workers = {self.workers}
max-clients = {clients}
pierce = never
connect-ports = {{"1-65535"}}
pool-idle = 2048
pool-max = 2048
access-log = off
log-level = error
{self.more()}""")]

    def more(self):
        """Further options."""
        return ""


class Unrecorded(Freshet):
    """freshet that remembers no exchanges: what that costs."""
    name = "unrecorded"
    only = ("keep50", "keep500")

    def more(self):
        return "records = 0"


class Profiled(Freshet):
    """freshet as `make pgo` builds it."""
    name = "profiled"
    only = ("keep1", "keep50")

    def missing(self):
        return None if os.access(self.binary, os.X_OK) else "`make pgo` has not built it"


class Relay(Contender):
    """Reads and changes nothing: what the kernel alone costs.  Built beside the directories of all contenders."""
    name = "relay"
    can_edit_requests = can_edit_answers = False
    only = ("keep50", "keep500")

    def missing(self):
        return None

    def prepare(self, directory, port, origin, clients, bulk):
        return [os.path.join(os.path.dirname(directory), "relay"), str(port), str(origin)]


class Nginx(Contender):
    """Passes on to one named origin: with the origin taken from the request, nginx would pool no connections."""
    name = "nginx"
    scheme = "http"

    def https(self):
        """More for its server."""
        return ""

    def prepare(self, directory, port, origin, clients, bulk):
        buffers = """
			proxy_buffer_size 16k;
			proxy_buffers 8 128k;
			proxy_busy_buffers_size 512k;
			client_body_buffer_size 256k;""" if bulk else ""
        config = write(directory, "nginx.conf", f"""
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error.log crit;
events {{ worker_connections {clients + 2100}; multi_accept on; accept_mutex off; }}
http {{
	access_log off;
	server_tokens off;
	keepalive_timeout 120s;
	keepalive_requests 1000000000;
	client_max_body_size 0;
	client_body_temp_path {directory}/body;
	proxy_temp_path {directory}/proxy;
	fastcgi_temp_path {directory}/fastcgi;
	uwsgi_temp_path {directory}/uwsgi;
	scgi_temp_path {directory}/scgi;
	proxy_max_temp_file_size 0;
	proxy_request_buffering off;
	upstream origin {{
		server 127.0.0.1:{origin};
		keepalive 2048;
		keepalive_requests 1000000000;
		keepalive_timeout 120s;
	}}
	server {{
		listen 127.0.0.1:{port}{" ssl" * (self.scheme == "https")} backlog=4096;{self.https()}
		location / {{
			proxy_pass {self.scheme}://origin;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Connection "";
			proxy_set_header Cache-Control "{TRIPLE}";
			proxy_set_header Pragma no-cache;
			proxy_set_header Expires 0;
			proxy_set_header If-None-Match "";
			proxy_set_header If-Modified-Since "";
			proxy_hide_header Cache-Control;
			proxy_hide_header Pragma;
			proxy_hide_header Expires;
			proxy_hide_header Age;
			proxy_pass_header Server;
			proxy_pass_header Date;
			add_header Cache-Control "{TRIPLE}" always;
			add_header Pragma no-cache always;
			add_header Expires 0 always;{buffers}
		}}
	}}
}}
""")
        return ["nginx", "-p", directory, "-e", f"{directory}/error.log", "-c", config]


class Haproxy(Contender):
    """A forward proxy as far as literal addresses go; no CONNECT."""
    name = "haproxy"

    def prepare(self, directory, port, origin, clients, bulk):
        config = write(directory, "haproxy.cfg", f"""
global
	nbthread 1
	maxconn {clients}
	maxpipes 100
	{"tune.bufsize 131072" if bulk else "tune.maxpollevents 200"}
defaults
	mode http
	timeout connect 5s
	timeout client 120s
	timeout server 120s
	timeout http-keep-alive 120s
	http-reuse always
	{"" if bulk else "option splice-auto"}
frontend clients
	bind 127.0.0.1:{port} backlog 4096
	http-request set-dst url_ip
	http-request set-dst-port url_port
	http-request set-uri %[pathq]
	http-request set-header Cache-Control "{TRIPLE}"
	http-request set-header Pragma no-cache
	http-request set-header Expires 0
	http-request del-header If-None-Match
	http-request del-header If-Modified-Since
	http-response set-header Cache-Control "{TRIPLE}"
	http-response set-header Pragma no-cache
	http-response set-header Expires 0
	http-response del-header Age
	default_backend origins
backend origins
	server any 0.0.0.0:0
""")
        return ["haproxy", "-db", "-f", config]


class Squid(Contender):
    name = "squid"
    can_tunnel = True
    for_scale = True

    def https(self, directory):
        """More for its http_port; further lines."""
        return "", ""

    def prepare(self, directory, port, origin, clients, bulk):
        os.chmod(directory, 0o777)  # started by root it changes to a user of its own
        config = write(directory, "squid.conf", f"""
http_port 127.0.0.1:{port}{self.https(directory)[0]}
{self.https(directory)[1]}pid_filename none
coredump_dir {directory}
visible_hostname bench
pinger_enable off
cache deny all
cache_mem 0 MB
access_log none
cache_log /dev/null
http_access allow all
shutdown_lifetime 0 seconds
max_filedescriptors {clients + 2100}
client_idle_pconn_timeout 120 seconds
server_idle_pconn_timeout 120 seconds
request_header_access Cache-Control deny all
request_header_replace Cache-Control {TRIPLE}
request_header_access Pragma deny all
request_header_access Expires deny all
request_header_access If-None-Match deny all
request_header_access If-Modified-Since deny all
request_header_add Pragma "no-cache" all
request_header_add Expires "0" all
reply_header_access Cache-Control deny all
reply_header_replace Cache-Control {TRIPLE}
reply_header_access Pragma deny all
reply_header_access Expires deny all
reply_header_replace Expires 0
reply_header_add Pragma "no-cache" all
reply_header_access Age deny all
""")
        return ["squid", "-N", "-n", f"bench{port}", "-f", config]


class Tinyproxy(Contender):
    """A thread and a connection to the origin for each request; adds fields to requests, changes nothing else."""
    name = "tinyproxy"
    can_tunnel = True
    can_edit_answers = False
    keeps_clients = False
    for_scale = True

    def prepare(self, directory, port, origin, clients, bulk):
        config = write(directory, "tinyproxy.conf", f"""
Port {port}
Listen 127.0.0.1
Timeout 120
MaxClients {clients}
LogLevel Critical
LogFile "{directory}/log"
PidFile "{directory}/pid"
AddHeader "Pragma" "no-cache"
AddHeader "Expires" "0"
""")
        return ["tinyproxy", "-d", "-c", config]


def all_contenders(binary, profiled):
    return [Freshet(binary), Unrecorded(binary), Profiled(profiled), Relay(), Nginx(), Haproxy(), Squid(), Tinyproxy()]
