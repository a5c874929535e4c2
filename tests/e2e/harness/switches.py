"""The switches as their page has them changed: requests to the proxy's own pages, with its token."""
import json
import urllib.parse

from .origin import wait_until


class Switches:
    """Those of a running proxy, each request on a connection of its own."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.token = f"X-Freshet-Token: {self.ask('/live/about')['token']}"

    def answer(self, path, *fields, method="GET", **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        lines = "".join(f"{field}\r\n" for field in fields)
        with self.proxy.client() as client:
            client.send(f"{method} {path}{query} HTTP/1.1\r\nHost: 127.0.0.1:{self.proxy.port}\r\n{lines}\r\n".encode())
            return client.response(method)

    def ask(self, path, **parameters):
        return json.loads(self.answer(path, **parameters).body)

    def do(self, action, **parameters):
        """Has something done; the line that tells what was."""
        answer = self.answer(f"/switches/{action}", self.token, method="POST", **parameters)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["done"]

    def set(self, site, setting, value, **parameters):
        return self.do("set", site=site, setting=setting, value=value, **parameters)

    def fault(self, action, **parameters):
        """Why something is not done."""
        answer = self.answer(f"/switches/{action}", self.token, method="POST", **parameters)
        assert answer.status == 400, answer.body
        return json.loads(answer.body)["error"]

    def state(self):
        return self.ask("/switches/state")

    def in_force(self):
        """[(site, setting, value)], the newest first."""
        return [(switch["site"], switch["setting"], switch["value"]) for switch in self.state()["switches"]]

    def wait_until_none(self, timeout_s=10):
        assert wait_until(lambda: not self.in_force(), timeout_s)
