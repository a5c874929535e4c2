"""An nginx of our own as origin: own configuration, own folder, stopped by its process id."""
import getpass
import pathlib
import shutil
import socket
import subprocess
import tempfile

from .origin import wait_until

CONFIG = """
daemon off;
worker_processes 1;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    gzip on;
    gzip_proxied any;
    expires 1h;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        location /echo/ {{ return 200 "$request_uri\n"; }}
    }}
}}
"""


class Nginx:
    """An origin for files by default; with another config, a template of the same words, whatever that makes."""

    def __init__(self, config=CONFIG):
        self.config = config
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="freshet-nginx-"))
        self.www = self.folder / "www"
        self.www.mkdir()
        self.folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin:/usr/local/bin")
        self.command = [binary, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]

    def __enter__(self):
        (self.folder / "nginx.conf").write_text(self.config.format(folder=self.folder, port=self.port,
                                                              user=getpass.getuser()))
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_until(self.accepts, 10), (self.folder / "error.log").read_text()
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

    def write(self, name, content):
        (self.www / name).write_bytes(content)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"
