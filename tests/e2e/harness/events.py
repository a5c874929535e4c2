"""A client of freshet's server-sent events, as a browser's EventSource is one."""
import json

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
            if event.data and "rows" in event.data:
                rows += event.data["rows"]
                self.lost += event.data["lost"]
        return rows
