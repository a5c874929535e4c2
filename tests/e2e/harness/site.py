"""An origin whose content changes, and that lets everybody keep it: what real caches are filled from.

A path is /KIND/NAME; the kind says how the answer may be kept (KINDS), the name makes it a resource of its own.
NAME may end in a part of a web page, /page.html and what it loads (PARTS).  Other kinds are the application's.
"""
import email.utils
import urllib.parse

from .application import Application
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
# A page that loads everything in its own way; look() tells which version of each it got.
PAGE = """<!doctype html>
<link rel=stylesheet href=style.css>
<link rel=preload href=preload.txt as=fetch crossorigin>
<body><img src=image.svg><iframe src=frame.html></iframe>
<script>
var seen = {{page: {version}}};
const number = text => Number(text.match(/[0-9]+/));
const text = (url, options) => fetch(url, options).then(answer => answer.text()).then(number);
const said = new Promise(done => new Worker("worker.js").onmessage = message => done(message.data));
async function look() {{
  seen.style = number(getComputedStyle(document.body).zIndex);
  seen.image = document.images[0].naturalWidth;
  seen.frame = number(frames[0].document.body.innerText);
  seen.preload = await text("preload.txt");
  seen.fetch = await text("fetch.txt");
  seen.forced = await text("forced.txt", {{cache: "force-cache"}});
  return Object.assign(seen, await said);
}}
</script>
<script src=script.js></script>
<script type=module src=module.js></script>
"""

# A page whose service worker answers from its own store; `taken` tells that a worker took over.
OFFLINE_PAGE = """<!doctype html><body>version {version}<script>
navigator.serviceWorker.oncontrollerchange = () => window.taken = true;
navigator.serviceWorker.register("offline.js");
</script>
"""
OFFLINE = """
self.oninstall = event => event.waitUntil(caches.open("kept").then(kept => kept.add("offline.html")));
self.onactivate = event => event.waitUntil(clients.claim());
self.onfetch = event => event.respondWith(caches.match(event.request).then(kept => kept || fetch(event.request)));
"""

PARTS = {
    "page.html": ("text/html", PAGE),
    "frame.html": ("text/html", "version {version}"),
    "style.css": ("text/css", "body {{ z-index: {version} }}"),
    "image.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="{version}" height="1"/>'),
    "script.js": ("text/javascript", "seen.script = {version}"),
    "module.js": ("text/javascript", 'import other from "./import.js"; seen.module = {version}; seen.import = other'),
    "import.js": ("text/javascript", "export default {version}"),
    "offline.html": ("text/html", OFFLINE_PAGE),
    "offline.js": ("text/javascript", OFFLINE.replace("{", "{{").replace("}", "}}")),
    "worker.js": ("text/javascript", "var seen = {{worker: {version}}}; importScripts('script.js'); postMessage(seen)"),
}
TEXT = ("text/plain", "version {version} of {path}\n")


class Site(Origin):
    """Answers with "version N of PATH"; change() makes the next version of everything.

    What is MISSING is not there yet at the version in which it is first asked for.
    """

    def __init__(self, **kwargs):
        super().__init__(script=self.converse, **kwargs)
        self.version = 1
        self.first = {}
        self.application = Application(self)

    def change(self):
        self.version += 1

    def asked(self, path):
        """The requests for a path, however it was spelt."""
        return [request for request in self.requests if split(request.target)[0] == path]

    def converse(self, conn):
        while (request := conn.read_request()) is not None:
            path, query = split(request.target)
            kind = path.split("/")[1]
            if kind in self.application.conversations:
                self.application.conversations[kind](conn, request, path)
                return
            answer = self.application.answers.get(kind)
            conn.send(answer(request, path) if answer else self.respond(request, kind, path, query))

    def respond(self, request, kind, path, query):
        name = path.rsplit("/", 1)[1]
        version = self.version if kind != "landed" else name
        words = {"version": version, "path": path + query, "changed": date(THEN + DAY_S * self.version),
                 "later": date(THEN + 50 * YEAR_S)}
        media, body = PARTS.get(name, TEXT)
        fields = [f"Date: {email.utils.formatdate(usegmt=True)}", f"Content-Type: {media}",
                  *(line.format(**words) for line in KINDS.get(kind, ()))]
        if confirms(request, fields):
            return response(b"", *fields, status="304 Not Modified", length=False)
        return response(body.format(**words).encode(), *fields, status=self.status(kind, path))

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
