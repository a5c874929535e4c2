"""Secrets: whatever a person's programs send to prove who they are is in no log, page or message."""
import contextlib
import subprocess

import pytest

from harness import Client, Freshet, Origin, response
from harness.origin import wait_until
from harness.proxy import BINARY, run_freshet

MARK = "s3cr3tM4rk"
MARK_BASE64 = "czNjcjN0TTRyaw"  # as in Basic credentials

FIELDS = [f"Authorization: Bearer {MARK}", f"Proxy-Authorization: Basic {MARK}", f"Cookie: sid={MARK}",
          f"Referer: http://user:{MARK}@a.test/", f"Cookie2: {MARK}", f"X-Api-Key: {MARK}", f"User-Agent: {MARK}",
          f"Authentication: {MARK}"]
ANSWER = response(b"hello", f"Set-Cookie: sid={MARK}", f"WWW-Authenticate: Basic realm={MARK}",
                  f"Authentication-Info: {MARK}", f"Location: http://user:{MARK}@b.test/")

# Requests with a user and password in the target: all are refused.
TARGETS = {
    "absolute": f"http://user:{MARK}@a.test/",
    "user-alone": f"http://{MARK}@a.test/",
    "with-path": f"http://user:{MARK}@a.test/path?query",
    "slash-in-password": f"http://user:x/{MARK}@a.test/",
    "question-mark-in-password": f"http://user:x?{MARK}@a.test/",
    "two-ats": f"http://user:x@{MARK}@a.test/",
    "https": f"https://user:{MARK}@a.test/",
    "other-scheme": f"ftp://user:{MARK}@a.test/",
    "no-scheme": f"user:{MARK}@a.test/",
    "no-scheme-slashes": f"//user:{MARK}@a.test/",
    "upper-case": f"HTTP://user:{MARK}@A.TEST/",
    "bad-port": f"http://user:{MARK}@a.test:99999/",
    "fragment": f"http://user:{MARK}@a.test/#x",
    "long": f"http://{'u' * 1000}:{MARK}@a.test/",
}

# Heads that are refused for what is wrong with them, next to a secret.
MALFORMED = {
    "control-in-value": f"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {MARK}\x01\r\n\r\n",
    "space-before-colon": f"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nCookie : {MARK}\r\n\r\n",
    "folded": f"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: 1\r\n {MARK}\r\n\r\n",
    "no-colon": f"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n{MARK}\r\n\r\n",
    "start-line": f"{MARK} \r\n\r\n",
    "method": f"G\x01{MARK} / HTTP/1.1\r\n\r\n",
    "length": f"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: {MARK}\r\n\r\n",
    "host": f"GET http://a.test/ HTTP/1.1\r\nHost: user:{MARK}@a.test\r\n\r\n",
    "coding": f"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: {MARK}\r\n\r\n",
}


def assert_silent(proxy, *texts):
    for text in (proxy.log_file.read_text() if proxy.log_file.exists() else "", proxy.stderr(), *texts):
        assert MARK.lower() not in text.lower() and MARK_BASE64 not in text, text


@pytest.fixture(scope="module", params=["json", "text"])
def loud(request):
    """A proxy that logs all it can, in either format."""
    with Freshet(access_log_format=request.param, log_level="trace") as running:
        yield running


def logged(proxy, count):
    """Wait until there are so many lines."""
    assert wait_until(lambda: proxy.log_file.read_text().count("\n") >= count)


def test_credentials_in_fields_are_in_no_log(loud):
    with Origin(ANSWER) as origin, loud.client() as client:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            assert client.exchange(method, origin.url("/fields"), *FIELDS).status == 200
        assert wait_until(lambda: loud.log_file.read_text().count("/fields") >= 4)
        assert_silent(loud)


@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_credentials_are_not_on_error_pages(loud, accept):
    with Origin() as gone:
        url = gone.url()
    with loud.client() as client:
        answer = client.get(url, f"Accept: {accept}", *FIELDS)
        assert answer.status == 502
        assert_silent(loud, (answer.head + answer.body).decode())


@pytest.mark.parametrize("name", TARGETS)
def test_user_and_password_of_a_refused_address_are_not_repeated(loud, name):
    for method in ("GET", "CONNECT"):
        with loud.client() as client:
            client.send(f"{method} {TARGETS[name]} HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\n\r\n".encode())
            answer = client.response()
            assert answer.status >= 400
            assert_silent(loud, (answer.head + answer.body).decode("latin-1"))
    with loud.client() as client:
        client.send(f"CONNECT user:{MARK}@a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
        assert client.response().status == 400
    lines = loud.log_file.read_text().count("\n")
    with Origin(ANSWER) as origin, loud.client() as client:
        client.get(origin.url("/last"))  # lines keep their order: what was before is written, too
        logged(loud, lines + 1)
        assert wait_until(lambda: origin.authority in loud.log_file.read_text())
    assert_silent(loud)


@pytest.mark.parametrize("name", MALFORMED)
def test_refusal_of_a_malformed_head_does_not_quote_it(loud, name):
    with Client(loud.port) as client:
        client.send(MALFORMED[name].encode("latin-1"))
        told = client.read_to_end()
        assert told.startswith(b"HTTP/1.1 4")
        assert_silent(loud, told.decode("latin-1"))


def test_answer_to_trace_leaves_credentials_out(loud, origin):
    with loud.client() as client:
        answer = client.exchange("TRACE", origin.url(), "Max-Forwards: 0", "X-Kept: yes", *FIELDS[:3])
        assert (answer.status, b"X-Kept: yes" in answer.body) == (200, True)
        assert_silent(loud, answer.body.decode())


@contextlib.contextmanager
def parent_with_credentials(parent, scheme="http", **options):
    with Freshet(parent=f'"{scheme}://user:{MARK}@127.0.0.1:{parent.port}"', log_level="trace", **options) as proxy:
        yield proxy


def test_password_of_the_parent_goes_to_the_parent_only(origin):
    refusal = response(b"who?", f"Proxy-Authenticate: Basic realm={MARK}", status="407 Who")
    with Origin(refusal) as parent, parent_with_credentials(parent) as proxy:
        with proxy.client() as client:
            plain = client.get(origin.url())
        with proxy.client() as client:
            tunnel = client.connect_to(origin.authority)
        logged(proxy, 2)
        assert_silent(proxy, (tunnel.head + tunnel.body).decode(), plain.body.decode())
        assert proxy.reload() and "reloaded" in proxy.stderr()
        assert_silent(proxy)


CONFIGS = [
    f'parent = "http://user:{MARK}@host:3128"', f'parent = "http://user:{MARK}@host"',
    f'parent = "https://user:{MARK}@host:1"', f'parent = "ftp://user:{MARK}@host:1"',
    f'parent = "http://user:{MARK}@host:99999"', f'parent = "http://user:{MARK} x@host:1"',
    f'parent = http://user:{MARK}@host:1', f'parent "http://user:{MARK}@host:1"',
    f'parent = "x" http://user:{MARK}@host:1', f'"http://user:{MARK}@host:1"',
    f'parent = {{"http://user:{MARK}@host:1"}}', f'parent = "http://user:{MARK}@host:1',
    f'parnet = "http://user:{MARK}@host:1"', f'resolver = "http://user:{MARK}@host:1"',
    f'listen = {{"http://user:{MARK}@host:1"}}', f'allow = {{"http://user:{MARK}@host:1"}}',
    f'connect-ports = {{"http://user:{MARK}@host:1"}}', f'mode = "http://user:{MARK}@host:1"',
    f'workers = "http://user:{MARK}@host:1"', f'timeout-body = "http://user:{MARK}@host:1"',
    f'via = "http://user:{MARK}@host:1"', f'no-parent = {{"http://user:{MARK}@host:1"}}',
    f'site "http://user:{MARK}@host/" {{ mode = bust }}', f'site "user:{MARK}@host/" {{ mode = bist }}',
    f'max-head = "http://user:{"u" * 100}{MARK}@host:1"',
]
# Where the value is the operator's own and printed on purpose: -T prints these two options as they are.
PRINTED = ("no-parent", "site")


@pytest.mark.parametrize("config", CONFIGS)
def test_messages_about_the_configuration_do_not_quote_passwords(config):
    for flags in (["-t"], ["-T"], []):
        if config.startswith(PRINTED) and flags == ["-T"]:
            continue
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not flags and run_freshet("-t", config=config).returncode == 0:
                continue
            result = run_freshet(*flags, config=config)
            assert MARK not in result.stdout + result.stderr


def test_password_on_the_command_line_is_not_repeated():
    address = f"http://user:{MARK}@host:1"
    for words in (["--parent", address, "-T"], [f"--parent={address}x", "-t"], [address], ["env", address],
                  ["-p", address], [f"--listen={address}", "-t"], [f"--{address}"], [f"-{address}"],
                  ["http://" + "u" * 80 + f":{MARK}@host"], ["--workers", address, "-t"],
                  ["-T", "-c", "/dev/null", f"--parent={address}"]):
        result = subprocess.run([str(BINARY), *words], capture_output=True, text=True, timeout=5, check=False)
        assert MARK not in result.stdout + result.stderr, words


def test_printed_configuration_is_not_taken_for_the_real_one():
    """What -T prints in place of a password would otherwise be sent as one."""
    printed = run_freshet("-T", config=f'parent = "http://user:{MARK}@host:3128"\n')
    assert 'parent = "http://user:***@host:3128"' in printed.stdout
    again = run_freshet("-t", config=printed.stdout)
    assert again.returncode == 1
    assert "***" in again.stderr and "parent" in again.stderr
    repaired = run_freshet("-t", config=printed.stdout.replace("***", "${SECRET}"), env={"SECRET": MARK})
    assert repaired.returncode == 0, repaired.stderr


def test_environment_for_programs_holds_no_password():
    result = run_freshet("env", config=f'parent = "http://user:{MARK}@host:3128"\n')
    assert result.returncode == 0 and "http_proxy=" in result.stdout
    assert MARK not in result.stdout + result.stderr
