"""Clients that keep what they get and offer it again: curl with entity tags, wget -N, an HTTP/1.0 client of its day.

Each has a store in a folder of its own; look() fetches URLs through a proxy and tells what its user then sees.
"""
import email.utils
import os
import subprocess

from .client import Client


def run(proxy, *command, allowed=(0,)):
    env = {"PATH": os.environ["PATH"], "http_proxy": f"http://127.0.0.1:{proxy.port}"}
    done = subprocess.run(command, env=env, capture_output=True, timeout=60, check=False)
    assert done.returncode in allowed, (command[0], done.returncode, done.stderr[-2000:])


class Plain:
    """Keeps nothing."""

    def __init__(self, _):
        pass

    def look(self, proxy, urls):
        with Client(proxy.port) as client:
            return {url: client.get(url).body for url in urls}


class Files:
    """A store of files, one for each URL."""

    def __init__(self, folder):
        self.folder = folder

    def file(self, url):
        return self.folder / url.split("://", 1)[1]

    def seen(self, urls):
        return {url: self.file(url).read_bytes() if self.file(url).exists() else None for url in urls}


class Curl(Files):
    """curl --etag-save --etag-compare; one process for all URLs."""

    def look(self, proxy, urls):
        lines = []
        for url in urls:
            file = self.file(url)
            file.parent.mkdir(parents=True, exist_ok=True)
            lines += [f'url = "{url}"', f'output = "{file}"', f'etag-save = "{file}.etag"',
                      f'etag-compare = "{file}.etag"', "next"]
        (self.folder / "list").write_text("\n".join(lines[:-1]))
        run(proxy, "curl", "-sS", "-K", str(self.folder / "list"))
        return self.seen(urls)


class Wget(Files):
    """wget -N: takes an answer only if it is newer than its file."""

    NOT_FOUND = 8

    def look(self, proxy, urls):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "list").write_text("\n".join(urls))
        run(proxy, "wget", "-q", "-N", "-x", "-P", str(self.folder), "-i", str(self.folder / "list"),
            allowed=(0, self.NOT_FOUND))
        return self.seen(urls)


class Old:
    """HTTP/1.0, and dates compared by the client itself: what is not newer than its copy it does not take."""

    def __init__(self, _):
        self.copies = {}

    def look(self, proxy, urls):
        return {url: self.look_at(proxy, url) for url in urls}

    def look_at(self, proxy, url):
        since, body = self.copies.get(url, (None, None))
        with Client(proxy.port) as client:
            answer = client.exchange("GET", url, *([f"If-Modified-Since: {since}"] if since else []),
                                     version="HTTP/1.0")
        told = "".join(answer.all("Last-Modified")) or None
        if answer.status != 304 and (not since or not told or moment(told) > moment(since)):
            self.copies[url] = told, answer.body
        return self.copies[url][1]


def moment(date):
    return email.utils.parsedate_to_datetime(date)
