"""A client of freshet's server-sent events, as a browser's EventSource is one."""
import json
import time

from .client import Client


class Event:
    def __init__(self, text):
        lines = [line.split(": ", 1) for line in text.split("\n") if not line.startswith(":")]
        fields = {line[0]: line[1] for line in lines if len(line) == 2}
        self.name = fields.get("event", "message")
        self.id = fields.get("id", "")
        self.data = json.loads(fields["data"]) if "data" in fields else None


class Events(Client):
    """Watches /live/events.  .hello is what it is greeted with; take() collects rows."""

    def __init__(self, proxy, *fields):
        super().__init__(proxy.port)
        lines = "".join(f"{field}\r\n" for field in fields)
        self.send(f"GET /live/events HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n{lines}\r\n".encode())
        self.head = self.read_head().decode()
        self.last_id = ""
        self.lost = 0
        if " 200 " in self.head.split("\r\n")[0]:
            self.hello = self.next().data

    def next(self):
        event = Event(self.source.until(b"\n\n").decode())
        self.last_id = event.id or self.last_id
        return event

    def take(self, count):
        """The next rows, at least that many."""
        rows = []
        while len(rows) < count:
            event = self.next()
            if event.name == "message" and event.data:
                rows += event.data["rows"]
                self.lost += event.data["lost"]
        return rows

    def running(self, about, timeout_s=10):
        """The rows of the first event about what runs of which about(rows) holds, and the events before and with it."""
        passed, end = [], time.monotonic() + timeout_s
        while time.monotonic() < end:
            passed.append(self.next())
            if passed[-1].name == "running" and about(passed[-1].data["rows"]):
                return passed[-1].data["rows"], passed
        raise AssertionError(f"nothing of the kind runs: {[event.data for event in passed]}")
