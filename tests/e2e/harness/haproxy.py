"""An HAProxy of our own, by the configuration that a test gives it."""
from .program import Program, find


class Haproxy(Program):
    """config is a template in which {port} is the port to listen on."""

    def __init__(self, config):
        super().__init__("haproxy")
        (self.folder / "haproxy.cfg").write_text(config.format(port=self.port))

    def command(self):
        return [find("haproxy"), "-db", "-f", str(self.folder / "haproxy.cfg")]
