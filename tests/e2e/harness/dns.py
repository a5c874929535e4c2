"""A tiny authoritative DNS server, UDP and TCP, that answers from a table and counts.

Table: name -> Zone entry with A and AAAA address lists, a TTL, a response code, and whether
UDP answers are to be truncated (TC=1) so that the resolver must come again by TCP.
"""
import dataclasses
import ipaddress
import socket
import struct
import threading
import time

TYPE_A, TYPE_AAAA = 1, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


@dataclasses.dataclass
class Name:
    a: tuple = ()
    aaaa: tuple = ()
    ttl: int = 60
    rcode: int = NOERROR
    truncate: bool = False
    delay_s: float = 0.0


class DnsServer:
    """names maps a host name to a Name; unknown names are NXDOMAIN."""

    def __init__(self, names=None):
        self.names = dict(names or {})
        self.queries = []
        self.udp, self.tcp = one_port_for_both()
        self.port = self.udp.getsockname()[1]

    @property
    def option(self):
        """The value for `resolver = …`."""
        return f'"127.0.0.1:{self.port}"'

    def asked(self, name, kind=None, transport=None):
        """How many queries came for a name (of one type, over "udp" or "tcp")."""
        return sum(1 for n, k, t in self.queries
                   if n == name and kind in (None, k) and transport in (None, t))

    def __enter__(self):
        for loop in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=loop, daemon=True).start()
        return self

    def __exit__(self, *_):
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if query:
                threading.Thread(target=self.answer_udp, args=(query, peer), daemon=True).start()

    def answer_udp(self, query, peer):
        try:
            self.udp.sendto(self.answer(query, "udp"), peer)
        except OSError:
            pass

    def serve_tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_tcp_peer, args=(sock,), daemon=True).start()

    def serve_tcp_peer(self, sock):
        with sock:
            sock.settimeout(5)
            try:
                while size := sock.recv(2, socket.MSG_WAITALL):
                    query = sock.recv(struct.unpack("!H", size)[0], socket.MSG_WAITALL)
                    answer = self.answer(query, "tcp")
                    sock.sendall(struct.pack("!H", len(answer)) + answer)
            except OSError:
                pass

    def answer(self, query, transport):
        name, kind, end = question(query)
        self.queries.append((name, kind, transport))
        entry = self.names.get(name, Name(rcode=NXDOMAIN))
        time.sleep(entry.delay_s)
        addresses = {TYPE_A: entry.a, TYPE_AAAA: entry.aaaa}.get(kind, ())
        flags = 0x8580 | entry.rcode
        if entry.truncate and transport == "udp":
            addresses, flags = (), flags | 0x0200
        records = b"".join(record(kind, entry.ttl, address) for address in addresses)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
        return header + query[12:end] + records


def one_port_for_both():
    """A UDP and a TCP socket on the same number; what is free for one may be taken for the other."""
    for _ in range(100):
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
            return udp, tcp
        except OSError:
            tcp.close()
            udp.close()
    raise OSError("no port is free for both UDP and TCP")


def question(query):
    """Name, type and end offset of the first question."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack("!H", query[at + 1:at + 3])[0], at + 5


def record(kind, ttl, address):
    data = ipaddress.ip_address(address).packed
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
