"""nginx, HAProxy and Python's http.server as readers: given the bytes of some requests, which requests are these?

Each reads with its own parser and tells in its own way what it found: nginx in its log, HAProxy in a field of its
answers, http.server to a handler in this process.  None of them passes anything on.
"""
import collections
import http.client
import http.server
import io
import json
import socket
import threading

from harness.haproxy import Haproxy
from harness.http1 import Incomplete, Source, read_request, read_response
from harness.nginx import Nginx
from harness.origin import wait_until

TIMEOUT_S = 5

Reading = collections.namedtuple("Reading", "method target host body")
# What a peer made of a connection: the requests it took, and the statuses of its answers.
Opinion = collections.namedtuple("Opinion", "requests statuses")


def our_reading(data):
    """The requests in some bytes, read by the harness; the last may be incomplete and is not counted then."""
    with Pipe(data) as source:
        found = []
        try:
            while (request := read_request(source)) is not None:
                found.append(Reading(request.method, request.target, request.one("Host"), request.body))
        except Incomplete:
            pass
        return found


class Pipe(Source):
    """A source that ends behind the given bytes."""

    def __init__(self, data):
        super().__init__(None)
        self.buffer = data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def fill(self):
        return False


def converse(port, data, methods):
    """Send the bytes, end, and read answers until the peer closes: their heads.  methods tell which have a body."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as sock:
        sock.sendall(data)
        source = Source(sock)
        try:
            for method in methods:
                answers.append(read_response(source, method))
                if answers[-1].status >= 400:
                    break
            sock.shutdown(socket.SHUT_WR)
            while True:
                answers.append(read_response(source))
        except (Incomplete, OSError):
            return answers


NGINX = """
daemon off;
worker_processes 1;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    client_header_buffer_size 128k;
    large_client_header_buffers 4 256k;
    client_body_buffer_size 256k;
    client_max_body_size 0;
    proxy_ignore_client_abort on;
    log_format seen escape=json '{{"status":$status,"method":"$request_method","target":"$request_uri",'
        '"host":"$http_host","body":"$request_body"}}';
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        access_log {folder}/access.log seen;
        location / {{
            proxy_pass http://unix:{folder}/sink:/;
            proxy_pass_request_body off;
            proxy_pass_request_headers off;
            proxy_set_header Content-Length "";
        }}
    }}
    server {{
        listen unix:{folder}/sink;
        return 200;
    }}
}}
"""


class NginxReader:
    """The body is in $request_body only where the request is handed on: to a second server that answers."""
    name = "nginx"

    def __init__(self):
        self.nginx = Nginx(NGINX)

    def __enter__(self):
        self.nginx.__enter__()
        self.log = self.nginx.folder / "access.log"
        return self

    def __exit__(self, *what):
        self.nginx.__exit__(*what)

    def lines(self):
        return self.log.read_text("latin-1").splitlines() if self.log.exists() else []

    def read(self, data, methods):
        before = len(self.lines())
        answers = converse(self.nginx.port, data, methods)
        wait_until(lambda: len(self.lines()) >= before + len(answers))
        records = [json.loads(line) for line in self.lines()[before:]]
        return Opinion([Reading(record["method"], record["target"], record["host"], record["body"].encode("latin-1"))
                        for record in records if record["status"] == 200], [answer.status for answer in answers])


HAPROXY = """
global
	nbthread 1
	tune.bufsize 262144
	tune.maxrewrite 65536
	tune.http.maxhdr 1000
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend reader
	bind 127.0.0.1:{port}
	http-request wait-for-body time 3s
	http-request return status 200 hdr Seen "%[method,hex].%[url,hex].%[req.fhdr(host),hex].%[req.body,hex]."
"""


class HaproxyReader:
    name = "haproxy"

    def __init__(self):
        self.haproxy = Haproxy(HAPROXY)

    def __enter__(self):
        self.haproxy.__enter__()
        return self

    def __exit__(self, *what):
        self.haproxy.__exit__(*what)

    def read(self, data, methods):
        answers = converse(self.haproxy.port, data, methods)
        seen = [answer.one("Seen") for answer in answers if answer.status == 200]
        parts = [[bytes.fromhex(part) for part in value.split(".")[:4]] for value in seen]
        return Opinion([Reading(*(part.decode("latin-1") for part in found[:3]), found[3]) for found in parts],
                       [answer.status for answer in answers])


class KeptOpen(io.BufferedIOBase):
    """A file that its reader may not close: the next request follows in it."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def makefile(self, _):
        return self

    def read(self, count=-1):
        return self.file.read(count)

    def readline(self, limit=-1):
        return self.file.readline(limit)

    def close(self):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    """Any method; bodies by the length, or by the standard library's own reader of chunks."""
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.take
        raise AttributeError(name)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            reader = http.client.HTTPResponse(KeptOpen(self.rfile))
            reader.chunked, reader.chunk_left, reader.length, reader.will_close = True, None, None, False
            return reader.read()
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise http.client.IncompleteRead(body)
        return body

    def take(self):
        try:
            body = self.body()
        except http.client.IncompleteRead:
            self.close_connection = True
            return
        # The target as read; self.path has leading slashes folded by then.
        target = self.requestline.split(" ")[1]
        self.server.requests.append(Reading(self.command, target, ", ".join(self.headers.get_all("Host")), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class HttpServerReader:
    name = "http.server"

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def read(self, data, methods):
        self.server.requests = []
        answers = converse(self.server.server_port, data, methods)
        return Opinion(list(self.server.requests), [answer.status for answer in answers])
