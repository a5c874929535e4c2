"""`freshet check` run to its end, and a site with a cache before it that overlooks what it is told to."""
import email.utils
import json
import urllib.parse

from .http1 import response
from .origin import Origin
from .proxy import SANITIZER_REPORT, run_freshet

EARLIER, LATER = "Sun, 22 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 11:00:00 GMT"


class Checked:
    """How a run ended, what it printed, and that as JSON where it was asked for."""

    def __init__(self, done):
        assert SANITIZER_REPORT.search(done.stderr) is None, done.stderr
        self.status, self.text, self.complaints = done.returncode, done.stdout, done.stderr

    @property
    def reports(self):
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def place(self):
        """What was found where there is one URL, one round, one place."""
        (report,) = self.reports
        (place,) = report["places"]
        return place

    @property
    def verdict(self):
        return self.place["verdict"]

    def answer(self, asked):
        (found,) = [answer for answer in self.place["answers"] if answer["asked"] == asked]
        return found

    def notes(self):
        return {note["id"] for note in self.place["notes"]}


def check(*arguments, env=None):
    return Checked(run_freshet("check", *map(str, arguments), env=env, timeout_s=20))


def check_json(*arguments, **options):
    return check("--json", *arguments, **options)


def dated(body, *fields, status="200 OK"):
    return response(body, "Date: " + email.utils.formatdate(usegmt=True), *fields, status=status)


class Site(Origin):
    """An origin whose .page is a function of the request, behind a cache that keeps the first answer for each key.

    `key` makes the key of a request; `says` are fields of answers from store; what `obeys` is true of passes it by.
    """

    def __init__(self, page, key=lambda request: request.target, says=(), obeys=lambda request: False):
        super().__init__(self.serve_page)
        self.page, self.key, self.says, self.obeys = page, key, says, obeys
        self.stored = {}

    def serve_page(self, request):
        if self.obeys(request):
            return self.page(request)
        key = self.key(request)
        if key in self.stored:
            return with_fields(self.stored[key], self.says)
        self.stored[key] = self.page(request)
        return self.stored[key]

    @property
    def targets(self):
        return [request.target for request in self.requests]


def with_fields(answer, fields):
    head, _, body = answer.partition(b"\r\n\r\n")
    return b"\r\n".join([head, *(field.encode() for field in fields)]) + b"\r\n\r\n" + body


def without_query(request):
    return request.target.partition("?")[0]


def as_written_plainly(request):
    """The key of a cache that knows equivalent addresses for what they are."""
    return urllib.parse.unquote(request.target)


def wants_fresh(request):
    return "no-cache" in "".join(request.all("Cache-Control"))
