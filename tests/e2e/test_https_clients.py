"""Programs that people use, behind the proxy by https: curl, GnuTLS, Python, Chromium; nginx as the origin."""
import os
import socket
import subprocess
import threading

from harness import Client, response
from harness.https import intercepting_proxy, tls_origin  # noqa: F401 (fixtures)
from harness.nginx import Nginx
from harness.pages import changing_page
from harness.tls import Interceptor, TlsOrigin

TRIPLE = "no-cache, no-store, must-revalidate"
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; user {user}; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; expires 1h;
  server {{ listen 127.0.0.1:{port} ssl; root {folder}/www; ssl_certificate CERT; ssl_certificate_key KEY; }} }}
"""


def run(proxy, *command, timeout_s=20, **env):
    return subprocess.run(command, capture_output=True, timeout=timeout_s, check=True, cwd=proxy.directory,
                          env={"PATH": os.environ["PATH"], "HOME": str(proxy.directory), **env})


def curl(proxy, *arguments):
    return run(proxy, "curl", "-sS", "--cacert", str(proxy.pki.proxy_ca), "-x", f"http://127.0.0.1:{proxy.port}",
               *arguments).stdout


def test_curl_sees_a_busted_https_page(proxy, origin):
    origin.answer = response(b"page", "Cache-Control: max-age=3600", "ETag: x")
    got = curl(proxy, "-i", "-H", "If-None-Match: x", origin.url("/curl"))
    assert TRIPLE.encode() in got and got.endswith(b"page")
    assert origin.last.one("Cache-Control") == TRIPLE
    assert not origin.last.has("If-None-Match")


def test_curl_uploads_and_downloads_a_file_of_nginx(proxy, pki):
    config = NGINX.replace("CERT", str(pki.good.file)).replace("KEY", str(pki.good.key))
    content = os.urandom(3_000_000)
    with Nginx(config) as nginx:
        nginx.write("big", content)
        assert curl(proxy, f"https://localhost:{nginx.port}/big") == content
        assert curl(proxy, "-C", "2999990", f"https://localhost:{nginx.port}/big") == content[2999990:]


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the test is over


def test_gnutls_accepts_the_certificate(proxy, origin):
    """gnutls-cli does not speak to proxies: the tunnel is opened for it."""
    with Client(proxy.port) as tunnel, socket.create_server(("127.0.0.1", 0)) as listener:
        assert tunnel.connect_to(origin.authority).status == 200
        command = ["gnutls-cli", "--x509cafile", str(proxy.pki.proxy_ca), "--sni-hostname", "localhost",
                   "--verify-hostname", "localhost", "-p", str(listener.getsockname()[1]), "127.0.0.1"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as gnutls:
            sock, _ = listener.accept()
            for ends in ((tunnel.sock, sock), (sock, tunnel.sock)):
                threading.Thread(target=pump, args=ends, daemon=True).start()
            said = gnutls.communicate(timeout=10)[0]
        sock.close()
    assert b"Handshake was completed" in said


def visits(chromium, proxy, url):
    """What the page says at the first visit and, in the same profile, at the second."""
    with chromium.context(proxy) as context:
        for page in (context.page(), context.page()):
            page.visit(url)
            yield page.text()


def test_chromium_shows_the_new_content_of_an_https_page_at_the_second_visit(chromium, proxy, pki):
    with TlsOrigin(pki.good, changing_page()) as origin:
        assert list(visits(chromium, proxy, origin.url())) == ["visit number 1", "visit number 2"]
        assert proxy.record(origin.url("/app.js"))["freshet.busted"] is True


def test_chromium_without_busting_would_show_the_old_content_of_an_https_page(chromium, pki):
    """The control: the same page through mode off is served from the browser's cache."""
    with TlsOrigin(pki.good, changing_page()) as origin, Interceptor(pki, mode="off") as proxy:
        assert list(visits(chromium, proxy, origin.url())) == ["visit number 1", "visit number 1"]


def test_nss_verifies_the_certificate_for_servers(chromium, proxy, origin, tmp_path):
    leaf = tmp_path / "leaf.der"
    with proxy.secure(origin) as client:
        leaf.write_bytes(client.sock.getpeercert(binary_form=True))
    chromium.certutil("-A", "-t", ",,", "-n", "leaf", "-i", str(leaf))
    assert b"certificate is valid" in chromium.certutil("-V", "-u", "V", "-n", "leaf")
