"""The control socket, and `freshet ctl`, which speaks to it."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

from harness import Freshet
from harness.http1 import Source, read_response
from harness.origin import wait_until
from harness.proxy import run_freshet

NOBODY = 65534


@pytest.fixture(scope="module", name="folder")
def socket_folder():
    """One that other users can look into."""
    with tempfile.TemporaryDirectory(prefix="freshet-control-") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.fixture(scope="module", name="proxy")
def shared_proxy(folder):
    """Two workers, of which one serves the socket; each test takes back what it changes."""
    with Freshet('site "configured.example" { mode = observe }', workers=2, control=f'"{folder}/socket"') as running:
        running.socket = folder / "socket"
        yield running


@pytest.fixture
def ctl(proxy):
    """Runs `freshet ctl` with these words, which must succeed; what it printed."""
    def run(*words, status=0):
        ran = ctl_of(proxy.socket, *words)
        assert ran.returncode == status, ran
        return ran.stdout if status == 0 else ran.stderr
    yield run
    for switch in json.loads(run("--json", "show"))["switches"]:
        run("undo", switch["site"], switch["setting"])


def ctl_of(path, *words, **kwargs):
    return run_freshet("ctl", "-s", str(path), *words, **kwargs)


def ask(path, request):
    """The answer to a request that is sent to the socket as it is."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(path))
        sock.sendall(request)
        return read_response(Source(sock), request.split()[0].decode())


# -- the command

def test_switching_showing_and_taking_back(ctl, proxy, client, origin):
    assert ctl("mode", "127.0.0.1", "off", "for", "10m") == "127.0.0.1: mode = off for 600 s\n"
    client.get(origin.url())
    assert not origin.last.has("Cache-Control")
    ctl("pierce", "*.example.com", "never")
    assert re.fullmatch(r"switched:\n"
                        r"  \*\.example\.com +pierce = never +until taken back\n"
                        r"  127\.0\.0\.1 +mode = off +(10 min|9 min 5\d s) left\n"
                        r"configured:\n"
                        r"  configured\.example +mode = observe, pierce = auto, intercept = no\n"
                        r"  all others +mode = bust, pierce = auto, intercept = no\n", ctl("show"))
    assert ctl("undo", "127.0.0.1") == "127.0.0.1: all as configured\n"
    client.get(origin.url())
    assert origin.last.has("Cache-Control")
    assert f"(by user {os.geteuid()} at the control socket)" in proxy.stderr()


def test_what_applies_to_a_host_is_shown_with_what_says_so(ctl):
    ctl("pierce", "*", "always")
    assert re.fullmatch(r"mode = observe +by the site section configured\.example\n"
                        r"pierce = always +switched for \*\n"
                        r"intercept = no +by the configuration\n", ctl("show", "http://configured.example/x"))


def test_json_is_what_the_proxy_answers(ctl):
    assert json.loads(ctl("--json", "mode", "a.example", "off")) == {"done": "a.example: mode = off until it is taken back"}
    state = json.loads(ctl("show", "--json"))
    assert state["switches"] == [{"site": "a.example", "setting": "mode", "value": "off"}]


@pytest.mark.parametrize("what", ["dns", "pools", "learned", "pierced", "history", "all"])
def test_all_that_can_be_flushed_is(ctl, what):
    assert ctl("flush", what).strip()


def test_flushed_pools_connect_anew(ctl, client, origin):
    client.get(origin.url())
    ctl("flush", "pools")
    client.get(origin.url())
    assert len(origin.connections) == 2


@pytest.mark.parametrize("words, said", [
    (["mode", "a b", "off"], "character that no host name has"),
    (["mode", "a.example", "off", "for", "ever"], "the time is a number"),
    (["undo", "a.example"], "nothing was changed"),
    (["intercept", "a.example/x", "yes"], "no path"),
    (["show", "a b"], "holds a blank"),
])
def test_what_the_proxy_refuses_fails_with_its_reason(ctl, words, said):
    assert said in ctl(*words, status=1)


@pytest.mark.parametrize("words, said", [
    ([], "usage: freshet ctl show|"),
    (["shwo"], 'no action "shwo"; did you mean show?'),
    (["frobnicate"], "there are show|mode|"),
    (["mode", "a.example"], "usage: freshet ctl mode|"),
    (["mode", "a.example", "bsut"], "did you mean bust?"),
    (["mode", "a.example", "never"], "there are off|observe|"),
    (["mode", "a.example", "off", "during", "1m"], "usage: freshet ctl mode|"),
    (["undo", "a.example", "peirce"], "did you mean pierce?"),
    (["undo"], "usage: freshet ctl undo"),
    (["flush", "dnss"], "did you mean dns?"),
    (["show", "a", "b"], "usage: freshet ctl show"),
    (["show", "--repeat=2"], "ctl takes -s and --json only"),
    (["show", "x" * 9000], "too long"),
])
def test_wrong_words_are_wrong_usage(ctl, words, said):
    assert said in ctl(*words, status=2)


def test_socket_belongs_to_ctl():
    ran = run_freshet("-s", "/socket", "env")
    assert (ran.returncode, "-s belongs to ctl" in ran.stderr) == (2, True)


def test_without_a_proxy_one_line_says_so(tmp_path):
    ran = ctl_of(tmp_path / "nobody", "show")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"freshet ctl: {tmp_path}/nobody: no freshet runs that listens there\n"


def test_configuration_says_where_the_socket_is(proxy):
    ran = run_freshet("ctl", "show", config=f'control = "{proxy.socket}"\n')
    assert ran.stdout.startswith("nothing is switched\n")


# -- the socket

def test_usual_place_is_found_by_both_sides(tmp_path):
    env = {"RUNTIME_DIRECTORY": str(tmp_path)}
    with Freshet(control="auto", env=env):
        assert run_freshet("ctl", "show", env=env).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_only_its_user_may_open_the_socket(proxy):
    mode = os.lstat(proxy.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("uid, served", [(0, True), (NOBODY, False)])
def test_other_users_are_not_served_though_they_can_connect(proxy, uid, served):
    reader = "import os, socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n" \
             "s.sendall(b'GET /-/healthy HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\nprint(s.recv(100))"
    assert os.geteuid() == 0, "only root can be somebody else"
    os.chmod(proxy.socket, 0o666)
    try:
        ran = subprocess.run(["/usr/bin/python3", "-c", reader, str(proxy.socket)], user=uid, capture_output=True, text=True,
                             timeout=10, check=False)
    finally:
        os.chmod(proxy.socket, 0o600)
    assert ("200 OK" in ran.stdout) == served, ran
    assert (f"control: user {uid} was refused" in proxy.stderr()) != served


def test_own_pages_are_there_without_a_token(proxy):
    answer = ask(proxy.socket, b"POST /switches/flush?what=history HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.status == 200
    assert ask(proxy.socket, b"GET /metrics HTTP/1.1\r\nHost: freshet.internal\r\n\r\n").status == 200


@pytest.mark.parametrize("request_line", ["GET http://127.0.0.1:{port}/ HTTP/1.1", "CONNECT 127.0.0.1:{port} HTTP/1.1",
                                          "GET http://freshet.internal/ HTTP/1.1", "OPTIONS * HTTP/1.1"])
def test_nothing_is_proxied_there(proxy, origin, request_line):
    line = request_line.format(port=origin.port)
    assert ask(proxy.socket, f"{line}\r\nHost: 127.0.0.1:{origin.port}\r\n\r\n".encode()).status == 421
    assert not origin.connections


def test_passwords_and_allowed_networks_do_not_count_there(tmp_path):
    with Freshet(deny='{"127.0.0.0/8"}', max_clients=1, control=f'"{tmp_path}/socket"') as proxy, proxy.client():
        assert ctl_of(tmp_path / "socket", "show").returncode == 0
        assert ctl_of(tmp_path / "socket", "mode", "*", "off").returncode == 0


def test_socket_that_a_dead_process_left_is_replaced(tmp_path):
    path = tmp_path / "socket"
    proxy = Freshet(control=f'"{path}"')
    proxy.start()
    proxy.signal(signal.SIGKILL)
    proxy.process.wait(5)
    shutil.rmtree(proxy.directory)
    assert path.exists()
    with Freshet(control=f'"{path}"'):
        assert ctl_of(path, "show").returncode == 0
    assert not path.exists()


def start_refused(path):
    """What a proxy says that cannot have this socket."""
    ran = run_freshet("--listen=127.0.0.1:0", f"--control={path}", "--access-log=off", config="")
    assert ran.returncode == 1
    return ran.stderr


def test_socket_of_a_living_process_and_other_files_are_left_alone(proxy, folder):
    assert "another process listens there" in start_refused(proxy.socket)
    assert ctl_of(proxy.socket, "show").returncode == 0
    (folder / "file").write_text("mine")
    assert "there is something else" in start_refused(folder / "file")
    assert (folder / "file").read_text() == "mine"
    assert "No such file" in start_refused(folder / "no" / "such" / "socket")
    assert "too long" in start_refused("/" + "x" * 200)
    assert "neither auto nor off" in start_refused("socket")


def test_second_proxy_does_without_where_the_usual_place_is_taken(tmp_path, origin):
    env = {"RUNTIME_DIRECTORY": str(tmp_path)}
    with Freshet(control="auto", env=env) as first, Freshet(control="auto", env=env) as second:
        assert "control socket" in first.stderr()
        assert "another process listens there: there is no control socket" in second.stderr()
        with second.client() as client:
            assert client.get(origin.url()).status == 200
        second.stop()
        assert run_freshet("ctl", "show", env=env).returncode == 0


def test_reload_keeps_moves_and_removes_the_socket(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    with Freshet(control=f'"{first}"') as proxy:
        inode = first.lstat().st_ino
        ctl_of(first, "mode", "kept.example", "off")
        proxy.reload()
        assert first.lstat().st_ino == inode
        proxy.reload(control=f'"{second}"')
        assert not first.exists()
        assert wait_until(lambda: "kept.example" in ctl_of(second, "show").stdout)
        assert "reload failed" in proxy.reload(control=f'"{tmp_path}/no/such/socket"')
        assert "kept.example" in ctl_of(second, "show").stdout
        proxy.reload(control="off")
        assert list(tmp_path.iterdir()) == []


