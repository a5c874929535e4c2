"""An origin whose content changes, and that lets everybody keep it: what real caches are filled from.

A path is /KIND/NAME; the kind says how the answer may be kept (KINDS), the name makes it a resource of its own.
"""
import email.utils
import urllib.parse

from .http1 import response
from .origin import Origin

DAY_S, YEAR_S = 86_400, 31_536_000
THEN = 1_577_836_800  # 2020-01-01: when version 0 was made; each later one took a day


def date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


# What an answer says about how long it may be kept, by kind of resource; {changed} is when this version was made.
KINDS = {
    "max-age": ('Cache-Control: public, max-age=31536000, immutable', 'ETag: "{version}"'),
    "s-maxage": ('Cache-Control: max-age=0, s-maxage=3600', 'ETag: "{version}"', 'Last-Modified: {changed}'),
    "expires": ('Expires: {later}', 'Last-Modified: {changed}'),
    "heuristic": ('Last-Modified: {changed}',),
    "stuck": ('Cache-Control: max-age=3600', 'ETag: "same"', f'Last-Modified: {date(THEN)}'),
    "lagging": ('Cache-Control: max-age=1, stale-while-revalidate=3600', 'ETag: "{version}"'),
    "vary": ('Cache-Control: max-age=3600', 'Vary: Accept-Language'),
    "query": ('Cache-Control: max-age=3600',),
    "missing": ('Cache-Control: max-age=3600',),
    "moved": ('Cache-Control: max-age=3600', 'Location: /landed/{version}'),
}

class Site(Origin):
    """Answers with "version N of PATH"; change() makes the next version of everything.

    What is MISSING is not there yet at the version in which it is first asked for.
    """

    def __init__(self, **kwargs):
        super().__init__(self.respond, **kwargs)
        self.version = 1
        self.first = {}

    def change(self):
        self.version += 1

    def asked(self, path):
        """The requests for a path, however it was spelt."""
        return [request for request in self.requests if split(request.target)[0] == path]

    def respond(self, request):
        path, query = split(request.target)
        kind = path.split("/")[1]
        version = self.version if kind != "landed" else path.rsplit("/", 1)[1]
        words = {"version": version, "changed": date(THEN + DAY_S * self.version), "later": date(THEN + 50 * YEAR_S)}
        fields = [f"Date: {email.utils.formatdate(usegmt=True)}", "Content-Type: text/plain",
                  *(line.format(**words) for line in KINDS.get(kind, ()))]
        if confirms(request, fields):
            return response(b"", *fields, status="304 Not Modified", length=False)
        return response(f"version {version} of {path}{query}\n".encode(), *fields, status=self.status(kind, path))

    def status(self, kind, path):
        if kind == "missing" and self.first.setdefault(path, self.version) == self.version:
            return "404 Not Found"
        return "301 Moved Permanently" if kind == "moved" else "200 OK"


def confirms(request, fields):
    """Whether what the asker has is what the answer would be, by its validators."""
    own = dict(line.split(": ", 1) for line in fields)
    if request.has("If-None-Match"):
        return own.get("ETag") in request.all("If-None-Match")
    return "Last-Modified" in own and request.all("If-Modified-Since") == [own["Last-Modified"]]


def split(target):
    """Path and query as an origin understands them: without escapes of letters, without parameters it does not know."""
    path, mark, query = target.partition("?")
    known = [part for part in query.split("&") if part.startswith("page=")]
    return urllib.parse.unquote(path), mark + "&".join(known) if known else ""
