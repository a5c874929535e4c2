"""Copied requests are run: what arrives is the request that was copied, however hostile, and nothing else happens."""
import ast
import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

from harness import Freshet, Origin, response
from harness.copy_as import CopyAs
from harness.origin import wait_until

TRIPLE = {"cache-control": "no-cache, no-store, must-revalidate", "pragma": "no-cache", "expires": "0"}

# How each is run: the file it is written to, the commands; and which fields it adds and nobody can keep it from.
RUN = {
    "curl": ("x.sh", ["sh x.sh"], set()),
    "wget": ("x.sh", ["sh x.sh"], {"accept", "accept-encoding", "connection", "content-length"}),
    "HTTPie": ("x.sh", ["sh x.sh"], {"accept-encoding", "connection", "content-length", "user-agent"}),
    "Python (requests)": ("x.py", ["/usr/bin/python3 x.py"], {"connection", "content-length"}),
    "JavaScript (fetch)": ("x.mjs", ["node x.mjs"], {"connection", "accept", "accept-language", "sec-fetch-mode", "user-agent",
                                                     "accept-encoding", "content-length", "cache-control", "pragma"}),
    "Node": ("x.cjs", ["node x.cjs"], {"connection", "transfer-encoding", "content-length"}),
    "PHP": ("x.php", ["php x.php"], {"connection"}),
    "Java": ("Request.java", ["java Request.java"], {"user-agent", "content-length"}),
    "C#": ("x.cs", ["mcs -r:System.Net.Http.dll x.cs", "mono x.exe"], {"connection", "content-length", "transfer-encoding"}),
}
EVIL = "'\"$(touch hacked)`touch hacked`!!%s%PATH%\\n\\u0022 ; touch hacked # ${x} #{x} <?= ?> */ // \\"
REQUESTS = {
    "plain": ("GET", "/plain?a=1&b=%20", ["User-Agent: tester/1", "Accept: text/html", "Cookie: a=b", "If-None-Match: \"1\"",
                                         "Accept-Encoding: gzip, br", "Referer: http://x/?y=z"]),
    "bare": ("GET", "/bare", []),
    "hostile": ("GET", "/$(touch%20hacked);touch+hacked&!!*()~?q='$(touch)'&b=@file", [
        f"X-Evil: {EVIL}", "X-At: @/etc/passwd", "X-Is: =@/etc/passwd", "X-Colon: :=1", "X-Tab: a\tb", "X-Empty:", f"Cookie: a={EVIL}",
        "X-Ends: \\x", "Authorization: Basic $HOME", "X-Typographic: a", "User-Agent: -x --data @/etc/passwd"]),
    "unicode": ("GET", "/%C3%A9", ["X-Unicode: \u00e9 \u4e2d \U0001f600 \u2019; touch hacked", "User-Agent: x", "Accept: */*",
                                  "Accept-Encoding: x"]),
    "post": ("POST", "/post", ["Content-Type: application/json", "User-Agent: x", "Accept: */*", "Accept-Encoding: identity"]),
    "head": ("HEAD", "/head", ["User-Agent: x", "Accept: */*", "Accept-Encoding: identity"]),
    "delete": ("DELETE", "/delete", ["User-Agent: x", "Accept: */*", "Accept-Encoding: identity"]),
}


def ask(proxy, path):
    with proxy.client() as client:
        return client.get(f"http://freshet.internal{path}")


def story(proxy, record, secrets=True):
    return json.loads(ask(proxy, f"/live/exchange?id={record['freshet.id']}{'&secrets=1' if secrets else ''}").body)


def story_of(proxy, about, secrets=True):
    return story(proxy, proxy.record(about), secrets)


def hello(request):
    """Closes, for PHP waits for that."""
    answer = response(b"hello", "Connection: close")
    return answer[:-len(b"hello")] if request.method == "HEAD" else answer


@pytest.fixture(scope="module")
def origin():
    with Origin(hello) as listening:
        yield listening


@pytest.fixture(scope="module")
def copy_as(tmp_path_factory):
    return CopyAs(tmp_path_factory.mktemp("copy_as"))


@pytest.fixture(scope="module")
def remembering():
    with Freshet(pierce="never") as proxy:
        yield proxy


def make(proxy, origin, method, target, fields, body=b""):
    with proxy.client() as client:
        lines = "".join(f"{field}\r\n" for field in fields)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        client.send(f"{method} {origin.url(target)} HTTP/1.1\r\nHost: x\r\n{lines}{length}\r\n".encode() + body)
        assert client.response(method).status == 200


@pytest.fixture(scope="module")
def snippets(remembering, origin, copy_as):
    for method, target, fields in REQUESTS.values():
        make(remembering, origin, method, target, fields, b"body" if method == "POST" else b"")
    stories = [story_of(remembering, origin.url(target)) for _, target, _ in REQUESTS.values()]
    return dict(zip(REQUESTS, copy_as.snippets(stories)))


def run(tool, snippet, folder):
    file, commands, _ = RUN[tool]
    (folder / file).write_text(snippet, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    env |= {"HOME": str(folder), "LC_ALL": "C.UTF-8", "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
    for command in commands:
        done = subprocess.run(command.split(), cwd=folder, env=env, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, (snippet, done.stderr.decode())
    assert not list(pathlib.Path(folder).rglob("hacked")), snippet


def as_dict(fields):
    return {name.lower(): value.encode("latin-1").decode() for name, value in fields}


def expected(fields, fresh):
    wanted = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return wanted | TRIPLE if fresh else wanted


# Java and C# take a second each, and can send no more than ASCII.
CASES = [(tool, case, fresh) for tool in RUN for case, fresh in
         [("hostile", False), ("plain", True), *((case, False) for case in REQUESTS if case != "hostile" and tool not in ("Java", "C#"))]]


def in_any_order(got, wanted):
    """C# sorts the directives of Cache-Control."""
    for fields in (got, wanted):
        if "cache-control" in fields:
            fields["cache-control"] = sorted(fields["cache-control"].split(", "))


@pytest.mark.parametrize("tool, case, fresh", CASES)
def test_what_arrives_is_what_was_copied(snippets, origin, tmp_path, tool, case, fresh):
    method, target, fields = REQUESTS[case]
    before = len(origin.requests)
    run(tool, snippets[case][tool][fresh], tmp_path)
    assert len(origin.requests) == before + 1
    arrived = origin.last
    assert arrived.method == method
    assert arrived.target.replace("%27", "'") == target
    got, wanted = as_dict(arrived.fields), expected(fields, fresh)
    assert got.pop("host") == origin.url("").split("/")[2]
    for own in RUN[tool][2] - set(wanted):
        got.pop(own, None)
    if tool == "C#":
        in_any_order(got, wanted)
    assert got == wanted


def test_every_tool_writes_every_request(snippets):
    assert {tool for case in snippets.values() for tool in case} == {*RUN, "Go", "PowerShell"}
    assert all(snippet.isascii() for case in snippets.values() for tool in ("Go", "Python (requests)", "Node", "Java", "C#", "PHP")
               for snippet in case[tool])


def test_body_that_was_not_kept_is_spoken_of(snippets):
    assert all("The body, 4 bytes, was not kept" in snippet for tool in snippets["post"].values() for snippet in tool)
    assert not any("not kept" in snippet for tool in snippets["plain"].values() for snippet in tool)


def test_lines_of_one_name_become_one(remembering, origin, copy_as):
    make(remembering, origin, "GET", "/twice", ["Accept: a", "Accept: b", "Cookie: a=1", "Cookie: b=2"])
    text = copy_as.snippets([story_of(remembering, "/twice")])[0]["curl"][0]
    assert "'Accept: a, b'" in text and "'Cookie: a=1; b=2'" in text


def test_secrets_are_a_placeholder_until_they_are_shown(remembering, origin, copy_as):
    make(remembering, origin, "GET", "/secret?token=hidden1", ["Cookie: a=hidden2", "Authorization: Basic hidden3"])
    veiled, shown = copy_as.snippets([story_of(remembering, "/secret", secrets) for secrets in (False, True)])
    for tool, (snippet, _) in veiled.items():
        assert "hidden" not in snippet and "***" in snippet and "stands for secrets" in snippet, tool
        assert all(f"hidden{number}" in shown[tool][0] for number in (1, 2, 3)) and "***" not in shown[tool][0]


def test_tunnels_and_what_nobody_understood_are_not_copied(remembering, origin, copy_as):
    with remembering.client() as client:
        assert client.connect_to(origin.authority).status == 200
    with remembering.client() as client:
        client.send(b"GET ftp://odd/ HTTP/1.1\r\nHost: x\r\n\r\n")
        client.response()
    tunnel, = wait_until(lambda: [r for r in remembering.read_records() if r["http.request.method"] == "CONNECT"])
    assert copy_as.snippets([story(remembering, tunnel), story_of(remembering, "ftp://odd/")]) == [False, False]


def test_address_that_the_record_cut_is_copied_in_full(remembering, origin, copy_as):
    make(remembering, origin, "GET", "/long/" + "x" * 3000, [])
    assert "x" * 3000 + "'" in copy_as.snippets([story_of(remembering, "/long/")])[0]["curl"][0]


# -- quoting, for those that cannot be run here, and once more for the others

TEXTS = ["", "a", "'", "''", '"', "\\", "\\'", "$x ${x} $(x) `x`", "%PATH% !!", "a\tb", EVIL, "\u2018\u2019\u201a\u201b'",
         "\u00e9\u4e2d\U0001f600", "\u202etrojan", "*/ // # <!-- ?>", "\\u0022", "\x7f"]


def powershell_reads(literal):
    """Single-quoted strings end at the first quote, of any of five kinds, that is not doubled."""
    inner = re.fullmatch("'((?:[^'\u2018-\u201b]|(['\u2018-\u201b])\\2)*)'", literal)
    assert inner, literal
    return re.sub("(['\u2018-\u201b])\\1", r"\1", inner[1])


READERS = {
    "shellQuote": lambda literal: shlex.split(literal)[0],
    "powershellQuote": powershell_reads,
    "pythonQuote": ast.literal_eval,
    "utf16Quote": json.loads,
    "bytesQuote": lambda literal: ast.literal_eval("b" + literal).decode(),
    "phpQuote": lambda literal: ast.literal_eval("b" + literal.replace("\\$", "$")).decode(),
}


@pytest.mark.parametrize("function", READERS)
def test_literal_reads_as_what_was_quoted(copy_as, function):
    for text, literal in zip(TEXTS, copy_as.quoted(function, TEXTS)):
        assert READERS[function](literal) == text, literal
