"""A way to a port on loopback that can be cut, as networks do."""
import contextlib
import socket
import threading


class Relay:
    """Passes bytes both ways until it is cut(); from then on who comes is turned away, until mend()."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.sockets = []
        self.is_cut = False
        self.threads = [threading.Thread(target=self.accept, daemon=True)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.cut()
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for sock in (self.listener, *self.sockets):
            sock.close()

    def cut(self):
        with self.lock:
            self.is_cut = True
            for sock in self.sockets:
                with contextlib.suppress(OSError):  # the peer was faster
                    sock.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.is_cut = False

    def accept(self):
        with contextlib.suppress(OSError):  # the end
            while True:
                self.join(self.listener.accept()[0])

    def join(self, client):
        with self.lock:
            if self.is_cut:
                client.close()
                return
            server = socket.create_connection(self.target)
            self.sockets += [client, server]
        for source, sink in ((client, server), (server, client)):
            thread = threading.Thread(target=self.carry, args=(source, sink), daemon=True)
            self.threads.append(thread)
            thread.start()

    @staticmethod
    def carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
