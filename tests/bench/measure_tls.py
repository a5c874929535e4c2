"""Single measurements over https: what measure.py is for http."""
import contextlib
import socket
import ssl
import subprocess
import time

from contenders import TRIPLE
from lab import START_SECONDS, Failed, anonymous_kib
from measure import GIB, Window
from https_site import NAME, SMALL

SECONDS = 1
WARM_SECONDS = 0.15
FEW_CLIENTS = 100
FEWER_CLIENTS = 8
REST_SECONDS = 2.5  # for what proxies free of connections that have become idle


def loader(lab, contender, proxy, kind, body_bytes, connections, seconds):
    """The command line of tls.c."""
    return [lab.path("tls"), kind, "server" if contender.is_server else "proxy", str(proxy.port),
            str(contender.site.port), str(body_bytes), str(connections), str(seconds)]


def open_client(contender, proxy):
    """A connection through it to the site, whose certificate is verified."""
    context = ssl.create_default_context(cafile=contender.site.path("authority.pem"))
    client = socket.create_connection(("127.0.0.1", proxy.port), 10)
    if not contender.is_server:
        place = f"127.0.0.1:{contender.site.port}"
        client.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        answer = client.recv(8192)
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise Failed(f"CONNECT was answered:\n{answer.decode('latin-1')}")
    return context.wrap_socket(client, server_hostname=NAME)


def check(lab, contender):
    """Fails unless it shows a good certificate, forwards, and rewrites what it is said to rewrite."""
    with lab.running(contender) as proxy, open_client(contender, proxy) as client:
        client.sendall(f"GET /seen HTTP/1.1\r\nHost: 127.0.0.1:{contender.site.port}\r\nIf-None-Match: \"x\"\r\n"
                       "Cache-Control: max-age=0\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        with contextlib.suppress(ssl.SSLError):  # an end without close_notify
            while received := client.recv(8192):
                answer += received
    head, _, seen = answer.decode("latin-1").lower().partition("\r\n\r\n")
    if " 200 " not in head.partition("\r\n")[0]:
        raise Failed(f"the client was sent:\n{head}")
    if not contender.can_edit:
        return
    if f"cache-control: {TRIPLE}" not in seen or "pragma: no-cache" not in seen or '"x"' in seen:
        raise Failed(f"the origin was sent:\n{seen}")
    if head.count("cache-control:") != 1 or f"cache-control: {TRIPLE}" not in head or "\r\nage:" in head:
        raise Failed(f"the client was sent:\n{head}")


def run(lab, contender, noise, kind, body_bytes, connections, bulk=False):
    """CPU seconds used, the loader's seconds, and its counts; the contender has served this kind before."""
    with lab.running(contender, bulk=bulk) as proxy:
        lab.load(loader(lab, contender, proxy, kind, min(body_bytes, 1 << 20), connections, WARM_SECONDS), WARM_SECONDS)
        with Window(lab, proxy, noise) as window:
            output = lab.load(loader(lab, contender, proxy, kind, body_bytes, connections, SECONDS), SECONDS)
    moved, exchanges, errors, resumed = (int(n) for n in output.split())
    if not moved or errors * 1000 > exchanges:
        raise Failed(f"{errors} errors, {exchanges} exchanges, {moved} bytes")
    return window.cpu_s, moved, exchanges, resumed


def connections(lab, contender, noise, kind):
    clients = FEWER_CLIENTS if contender.for_scale else 50  # whom the slow ones get done within the time
    cpu_s, _, exchanges, resumed = run(lab, contender, noise, kind, SMALL, clients)
    if resumed + 2 * clients < exchanges if kind == "resumed" else resumed:
        raise Failed(f"{resumed} of {exchanges} sessions were resumed")
    return {"cpu": cpu_s * 1e6 / exchanges, "rate": exchanges / SECONDS}


def requests(lab, contender, noise, clients):
    cpu_s, _, exchanges, _ = run(lab, contender, noise, "keep", SMALL, clients)
    return {"cpu": cpu_s * 1e6 / exchanges, "rate": exchanges / SECONDS}


def bodies(lab, contender, noise, body_bytes, clients):
    kind = "keep" if contender.keeps_clients else "new"
    cpu_s, moved, _, _ = run(lab, contender, noise, kind, body_bytes, clients, bulk=True)
    return {"cpu": cpu_s * GIB / moved}


def kib_with_clients(lab, contender, limit, count):
    with lab.running(contender, clients=limit) as proxy:
        process = lab.start(loader(lab, contender, proxy, "hold", SMALL, count, 0), lab.load_cpu, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "held\n":
                raise Failed("a client got no answer")
            time.sleep(REST_SECONDS)
            return anonymous_kib(proxy.pid)
        finally:
            process.stdin.close()
            process.wait(START_SECONDS)
            lab.stop(process, process.pid)


def idle_clients(lab, contender, count):
    """As measure.idle_clients(), of clients that have had an answer over TLS."""
    few = kib_with_clients(lab, contender, 2 * FEW_CLIENTS, FEW_CLIENTS)
    many = kib_with_clients(lab, contender, count + 2 * FEW_CLIENTS, count)
    return {"kib": (many - few) / (count - FEW_CLIENTS)}
