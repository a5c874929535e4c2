"""A tiny authoritative DNS server, UDP and TCP, that answers from a table and counts.

Table: name -> Zone entry with A and AAAA address lists, a TTL, a response code, and whether
UDP answers are to be truncated (TC=1) so that the resolver must come again by TCP.

It can lie, too: an entry's `lie` is called with the question, as an Asked, and says what it likes.
"""
import dataclasses
import ipaddress
import socket
import struct
import threading
import time

TYPE_A, TYPE_CNAME, TYPE_AAAA = 1, 5, 28
TRUNCATED = 0x0200
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


@dataclasses.dataclass
class Name:
    a: tuple = ()
    aaaa: tuple = ()
    ttl: int = 60
    rcode: int = NOERROR
    truncate: bool = False
    delay_s: float = 0.0
    lie: object = None


@dataclasses.dataclass
class Asked:
    """A question that came: what an honest server would answer, and how to say something."""
    query: bytes
    name: str
    kind: int
    transport: str
    honest: bytes
    peer: tuple
    say_bytes: object  # by TCP as they are

    def say(self, message):
        self.say_bytes(framed(message) if self.transport == "tcp" else message)

    def message(self, *records, flags=0x8580, count=None):
        """An answer to this question with these records; count: how many it pretends to have."""
        count = len(records) if count is None else count
        return self.query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + self.question + b"".join(records)

    @property
    def question(self):
        return self.query[12:question(self.query)[2]]

    def say_from_another_port(self, packet):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.sendto(packet, self.peer)


class DnsServer:
    """names maps a host name to a Name; unknown names are NXDOMAIN."""

    def __init__(self, names=None, port=0):
        self.names = dict(names or {})
        self.queries = []
        self.udp, self.tcp = one_port_for_both(port)
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
            self.answer(query, "udp", peer, lambda packet: self.udp.sendto(packet, peer))
        except OSError:
            pass

    def serve_tcp(self):
        while True:
            try:
                sock, peer = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_tcp_peer, args=(sock, peer), daemon=True).start()

    def serve_tcp_peer(self, sock, peer):
        with sock:
            sock.settimeout(5)
            try:
                while size := sock.recv(2, socket.MSG_WAITALL):
                    query = sock.recv(struct.unpack("!H", size)[0], socket.MSG_WAITALL)
                    self.answer(query, "tcp", peer, sock.sendall)
            except OSError:
                pass

    def answer(self, query, transport, peer, say_bytes):
        name, kind, _ = question(query)
        self.queries.append((name, kind, transport))
        entry = self.names.get(name, Name(rcode=NXDOMAIN))
        time.sleep(entry.delay_s)
        asked = Asked(query, name, kind, transport, b"", peer, say_bytes)
        addresses = {TYPE_A: entry.a, TYPE_AAAA: entry.aaaa}.get(kind, ())
        flags = 0x8580 | entry.rcode
        if entry.truncate and transport == "udp":
            addresses, flags = (), flags | TRUNCATED
        asked.honest = asked.message(*[record(kind, entry.ttl, address) for address in addresses], flags=flags)
        if entry.lie:
            entry.lie(asked)
        else:
            asked.say(asked.honest)


def framed(message):
    """As it goes by TCP."""
    return struct.pack("!H", len(message)) + message


def one_port_for_both(port):
    """A UDP and a TCP socket on the same number; what is free for one may be taken for the other."""
    for _ in range(100):
        tcp = socket.create_server(("127.0.0.1", port))
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


def record(kind, ttl, address, owner=b"\xc0\x0c"):
    """One of an address, owned by the name that was asked for."""
    return raw_record(kind, ttl, ipaddress.ip_address(address).packed, owner)


def alias(owner, target, ttl=60):
    """A CNAME; owner and target as they go over the wire."""
    return raw_record(TYPE_CNAME, ttl, target, owner)


def raw_record(kind, ttl, data, owner=b"\xc0\x0c"):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"
