"""The table of payloads, read from tests/payloads: what is sent, and the exact bytes that may come out.

tests/payloads/README.md explains the notation.  This module only reads; payload_run.py plays the rows.
"""
import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "payloads"

MARK = "--mark--"                             # as long as the instance mark in Via
DATE = "Thu, 01 Jan 1970 00:00:00 GMT"        # as long as any date

TRIPLE = ["Cache-Control: no-cache, no-store, must-revalidate", "Pragma: no-cache", "Expires: 0"]
ANSWERED = ["Cache-Status: freshet; fwd=bypass; detail=fields", "Via: 1.1 freshet"]

# Lines that stand alone and mean several.
MACROS = {
    "{busted}": [*TRIPLE, f"Via: 1.1 freshet ({MARK})"],
    "{busted 1.0}": [*TRIPLE, f"Via: 1.0 freshet ({MARK})"],
    "{nostore}": [*TRIPLE, *ANSWERED],
    "{noreuse}": ["Cache-Control: no-cache, must-revalidate", *TRIPLE[1:], *ANSWERED],
    "{GET}": ["GET http://{host}/ HTTP/1.1", "Host: {host}"],
    "{GET seen}": ["GET / HTTP/1.1", "Host: {host}"],
    "{POST}": ["POST http://{host}/ HTTP/1.1", "Host: {host}"],
    "{POST seen}": ["POST / HTTP/1.1", "Host: {host}"],
    "{CHUNKED}": ["POST http://{host}/ HTTP/1.1", "Host: {host}", "Transfer-Encoding: chunked", ""],
    "{CHUNKED seen}": ["POST / HTTP/1.1", "Host: {host}", "Transfer-Encoding: chunked",
                       *TRIPLE, f"Via: 1.1 freshet ({MARK})", ""],
    "{ok}": ["HTTP/1.1 200 OK", "Content-Length: 2", "", "ok\\"],
    "{get}": ["GET http://{host}/ HTTP/1.1", "Host: {host}", ""],
    "{get seen}": ["GET / HTTP/1.1", "Host: {host}", *TRIPLE, f"Via: 1.1 freshet ({MARK})", ""],
    "{ok seen}": ["HTTP/1.1 200 OK", "Content-Length: 2", *TRIPLE, *ANSWERED, "", "ok\\"],
    "{ok seen after post}": ["HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: no-cache, must-revalidate",
                             *TRIPLE[1:], *ANSWERED, "", "ok\\"],
}
SAFE = ("GET", "HEAD", "QUERY")
NOTES = {"client ends", "origin ends", "client is closed", "origin is closed", "origin stays", "becomes a tunnel",
         "nginx refuses", "haproxy refuses", "http.server refuses"}
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


@dataclasses.dataclass
class Verdict:
    """An answer that freshet makes itself."""
    kind: str            # "400", or "502/incomplete" where one status has several
    reason: str
    authority: str
    closes: bool


@dataclasses.dataclass
class Row:
    name: str
    place: str                                       # file:line
    sends: list = dataclasses.field(default_factory=list)    # lines of the client
    script: list = dataclasses.field(default_factory=list)   # (">>" or "<", lines), in order
    sees: list = None                                # lines that the client sees
    verdict: Verdict = None
    notes: set = dataclasses.field(default_factory=set)
    rules: set = dataclasses.field(default_factory=set)

    @property
    def method(self):
        return text(self.sends).lstrip("\r\n").split(" ", 1)[0]

    @property
    def forwarded(self):
        """The lines of each request that the origin may see."""
        return [lines for kind, lines in self.script if kind == ">>"]

    @property
    def reaches_origin(self):
        return bool(self.forwarded)

    @property
    def client_is_closed(self):
        return "client is closed" in self.notes or (self.verdict is not None and self.verdict.closes)

    @property
    def origin_is_closed(self):
        """Whether freshet must let go of the origin's connection: with an answer of its own, it mostly does."""
        if "origin stays" in self.notes:
            return False
        return "origin is closed" in self.notes or (self.reaches_origin and self.verdict is not None)


def expand(lines):
    return [part for line in lines for part in MACROS.get(line, [line])]


def unescape(line):
    def replace(found):
        if found[1][0] == "x":
            return chr(int(found[1][1:], 16))
        return ESCAPES[found[1]]
    return re.sub(r"\\(x[0-9a-f]{2}|[rnt0\\])", replace, line)


def text(lines, **values):
    """The text that some lines mean: CRLF behind each, unless it ends in a single backslash."""
    out = []
    for line in expand(lines):
        body = re.fullmatch(r"((?:[^\\]|\\.)*)\\", line)
        line = unescape(body[1] if body else line)
        line = re.sub(r"\{([^*{}]+)\*(\d+)\}", lambda found: found[1] * int(found[2]), line)
        line = line.replace("{date}", DATE)
        for name, value in values.items():
            line = line.replace("{%s}" % name, str(value))
        out.append(line + ("" if body else "\r\n"))
    return "".join(out)


def wire(lines, port):
    return text(lines, host=f"127.0.0.1:{port}", port=port).encode("latin-1")


def read_verdict(mark, line):
    kind, _, rest = line.partition(" ")
    reason, _, authority = rest.partition(" @ ") if not rest.startswith("@ ") else ("", "", rest[2:])
    return Verdict(kind, reason, authority, closes=mark == "!")


def finish(row):
    """Fill in what a row may leave out."""
    assert row.sends or any(kind == "<" for kind, _ in row.script), f"{row.place}: nothing is sent"
    if not row.sends:
        row.sends = ["{get}"]
    if row.script and row.script[0][0] == "<":
        row.script.insert(0, (">>", ["{get seen}"]))
    if row.script and row.script[-1][0] == ">>" and not row.verdict:
        row.script.append(("<", ["{ok}"]))
    if row.sees is None and not row.verdict:
        row.sees = ["{ok seen}" if row.method in SAFE else "{ok seen after post}"]
    assert row.verdict or row.reaches_origin or "{date}" in "".join(row.sees), f"{row.place}: neither an answer nor what the origin sees"
    assert row.rules, f"{row.place}: to which rule does it belong?"
    return row


def add_line(row, mark, rest):
    if mark == ">":
        row.sends.append(rest)
    elif mark in (">>", "<"):
        if not row.script or row.script[-1][0] != mark:
            row.script.append((mark, []))
        row.script[-1][1].append(rest)
    elif mark == "<<":
        row.sees = [*(row.sees or []), rest]
    elif mark in ("!", "?"):
        row.verdict = read_verdict(mark, rest)
    elif mark == ":" and rest.startswith("rule "):
        row.rules = set(map(int, rest[5:].split(",")))
    elif mark == ":" and rest in NOTES:
        row.notes.add(rest)
    else:
        raise ValueError(f"{row.place}: what is {mark!r} {rest!r}?")


def read_file(path):
    rows, rules = [], set()
    for number, line in enumerate(path.read_text("ascii").splitlines(), 1):
        mark, _, rest = line.partition(" ")
        if not line or mark == "#":
            continue
        if mark == "%":
            rules = set(map(int, rest.split(",")))
        elif mark == "=":
            rows.append(Row(rest, f"{path.name}:{number}", rules=set(rules)))
        else:
            add_line(rows[-1], mark, rest)
    return [finish(row) for row in rows]


def read_all():
    return [row for path in sorted(FOLDER.glob("*.txt")) for row in read_file(path)]
