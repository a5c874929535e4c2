"""An nginx of our own, as origin or as whatever else its configuration makes of it."""
import getpass

from .program import Program, find

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


class Nginx(Program):
    """An origin for files by default; with another config, a template of the same words, whatever that makes."""

    def __init__(self, config=CONFIG):
        super().__init__("nginx", 0o755)
        self.config = config
        self.www = self.folder / "www"
        self.www.mkdir()

    def command(self):
        (self.folder / "nginx.conf").write_text(self.config.format(folder=self.folder, port=self.port,
                                                              user=getpass.getuser()))
        return [find("nginx"), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]

    def write(self, name, content):
        (self.www / name).write_bytes(content)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"
