"""Who may use the proxy: users and passwords, and what happens to those who have none."""
import base64
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys

import pytest

from harness import Client, Freshet, Origin, response
from harness.origin import wait_until
from harness.proxy import BINARY, ROOT, run_freshet, sanitized

# Of "open sesame" and "pw: ü"; bcrypt at its cheapest, so that the tests are quick.
HASHES = {
    "Aladdin": "$2b$04$pV8zPk1NZV4OyJAyqutw5en/rw2NZkBB0ve9cFjE0SYGDqMfBeqDu",
    "Jürgen": "$2b$04$kSE3mUVU0HofyajR4PHqmejr2/NYJFXowSb8x6d2CkrvR9nWTMzCW",
}
CHALLENGE = 'Basic realm="freshet", charset="UTF-8"'
PRELOAD = pathlib.Path(__file__).parent / "preload" / "crypt_gate.c"
PLAIN = pathlib.Path(os.environ.get("FRESHET_PLAIN", ROOT / "build" / "freshet")) if sanitized() else BINARY


def basic(user, password):
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD = basic("Aladdin", "open sesame")


def passwd(path, user, password=None, *options):
    """freshet passwd, the password on standard input."""
    return subprocess.run([BINARY, "passwd", *options, path, user], input=password, capture_output=True, text=True,
                          timeout=10, check=False)


@pytest.fixture(scope="module")
def users_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("users") / "users"
    path.write_text("".join(f"{user}:{hash_}\n" for user, hash_ in HASHES.items()), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def guarded(users_file):
    with Freshet(proxy_users=f'"{users_file}"') as proxy:
        yield proxy


def assert_asked(answer, as_site=False):
    """With as_site the request was to the proxy itself, as to a web server."""
    assert answer.status == (401 if as_site else 407)
    assert answer.one("WWW-Authenticate" if as_site else "Proxy-Authenticate") == CHALLENGE
    assert as_site or "error=http_request_denied" in answer.one("Proxy-Status")


# -- asking


def test_who_says_nothing_is_asked_and_served_on_the_same_connection(guarded, origin):
    with guarded.client() as client:
        assert_asked(client.get(origin.url()))
        assert not origin.connections
        assert client.get(origin.url(), GOOD).body == b"hello"
        assert_asked(client.get(origin.url()))


@pytest.mark.parametrize("form", ["absolute", "connect", "own page", "own host", "asterisk", "trace", "1.0", "bad target"])
def test_every_form_of_request_is_asked(guarded, origin, form):
    own = f"Host: 127.0.0.1:{guarded.port}\r\n"
    lines = {
        "absolute": f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n",
        "connect": f"CONNECT {origin.authority} HTTP/1.1\r\nHost: {origin.authority}\r\n",
        "own page": f"GET / HTTP/1.1\r\n{own}",
        "own host": "GET http://freshet.internal/ HTTP/1.1\r\nHost: freshet.internal\r\n",
        "asterisk": f"OPTIONS * HTTP/1.1\r\n{own}",
        "trace": f"TRACE {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\nMax-Forwards: 0\r\n",
        "1.0": f"GET {origin.url()} HTTP/1.0\r\n",
        "bad target": "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n",
    }
    with guarded.client() as client:
        client.send(f"{lines[form]}\r\n".encode())
        assert_asked(client.response(), as_site=form == "own page")
    assert not origin.connections


@pytest.mark.parametrize("page", ["/-/healthy", "/-/ready"])
def test_who_watches_needs_no_password_but_gets_nothing_else_by_it(guarded, origin, page):
    with guarded.client() as client:
        client.send(f"GET {page} HTTP/1.1\r\nHost: 127.0.0.1:{guarded.port}\r\n\r\n".encode())
        assert client.response().status == 200
        assert_asked(client.get(origin.url(page)))
        client.send(f"GET {page}/.. HTTP/1.1\r\nHost: 127.0.0.1:{guarded.port}\r\n\r\n".encode())
        assert_asked(client.response(), as_site=True)
    assert not origin.connections


@pytest.mark.parametrize("field", [
    "Basic", "Basic ", "Basic !!!!", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic " + "A" * 2000, "Bearer abc",
    "Digest username=Aladdin", "Basic QWxhZGRpbg==", "Basic OnB3", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQA=", "",
    "Basic " + base64.b64encode(b"Aladdin:" + b"x" * 600).decode(),
])
def test_what_is_no_user_and_password_is_asked_anew(guarded, origin, field):
    with guarded.client() as client:
        assert_asked(client.get(origin.url(), f"Proxy-Authorization: {field}"))
        assert client.get(origin.url(), GOOD).status == 200


def test_two_fields_are_nobodys_word(guarded, origin):
    with guarded.client() as client:
        assert_asked(client.get(origin.url(), GOOD, GOOD))
    assert not origin.connections


def test_unknown_user_and_wrong_password_get_the_same_answer(users_file, origin):
    def said(proxy, field):
        with proxy.client() as client:
            answer = client.get(origin.url(), field)
        return answer.status, [f for f in answer.fields if f[0] != "Date"], answer.body
    with Freshet(proxy_users=f'"{users_file}"') as proxy:
        wrong = said(proxy, basic("Aladdin", "open sesam"))
        assert wrong[0] == 407
        assert said(proxy, basic("Aladdim", "open sesame")) == wrong
        assert said(proxy, basic("Aladdin", "")) == wrong
    assert not origin.connections


# -- what becomes of the credentials


def test_credentials_do_not_reach_the_origin(guarded, origin):
    with guarded.client() as client:
        client.get(origin.url(), GOOD, "Authorization: Basic b3JpZ2luOnB3")
    assert not origin.last.has("Proxy-Authorization")
    assert origin.last.one("Authorization") == "Basic b3JpZ2luOnB3"


def test_credentials_are_not_in_the_answer_to_trace(guarded):
    with guarded.client() as client:
        answer = client.exchange("TRACE", "http://far.test/", GOOD, "Max-Forwards: 0")
    assert answer.status == 200
    assert b"authorization" not in answer.body.lower()


def test_parent_gets_the_parents_credentials_and_not_the_clients(users_file):
    with Origin() as parent:
        option = f'"http://upper:secret@127.0.0.1:{parent.port}"'
        with Freshet(proxy_users=f'"{users_file}"', parent=option) as proxy, proxy.client() as client:
            assert client.get("http://far.test/", GOOD).status == 200
        assert parent.last.all("Proxy-Authorization") == ["Basic " + base64.b64encode(b"upper:secret").decode()]


def test_name_is_logged_once_it_is_proven_and_the_password_never(users_file, origin):
    with Freshet(proxy_users=f'"{users_file}"', log_level="trace") as proxy:
        with proxy.client() as client:
            client.get(origin.url("/right"), basic("Jürgen", "pw: ü"))
            client.get(origin.url("/wrong"), basic("Aladdin", "secret-try"))
        assert proxy.record("/right")["user.name"] == "Jürgen"
        record = proxy.record("/wrong")
        assert "user.name" not in record
        assert record["freshet.error"] == "unknown user or wrong password"
        told = proxy.log_file.read_text() + proxy.stderr()
        for secret in ("pw: ", "secret-try", base64.b64encode(b"Aladdin:secret-try").decode(), "Basic"):
            assert secret not in told


def test_name_is_escaped_in_text_lines(users_file, origin):
    with Freshet(proxy_users=f'"{users_file}"', access_log_format="text") as proxy:
        with proxy.client() as client:
            client.get(origin.url("/one"), basic("Jürgen", "pw: ü"))
            client.get(origin.url("/two"), GOOD)
        wait_until(lambda: "/two" in proxy.log_file.read_text())
        assert 'user="J\\xC3\\xBCrgen"' in proxy.log_file.read_text()
        assert " user=Aladdin " in proxy.log_file.read_text()


# -- real clients


@pytest.mark.parametrize("through", [(), ("--proxytunnel",)])
def test_curl_with_a_user_gets_the_page_and_without_one_is_told(guarded, origin, through):
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{http_connect}", "-x",
               f"http://127.0.0.1:{guarded.port}", *through, origin.url()]
    def curl(*more):
        return subprocess.run([*command, *more], capture_output=True, text=True, timeout=10, check=False).stdout
    assert curl("--proxy-user", "Aladdin:open sesame") == ("200 200" if through else "200 000")
    assert curl("--proxy-anyauth", "--proxy-user", "Aladdin:open sesame").startswith("200 ")
    assert curl() == ("000 407" if through else "407 000")
    assert curl("--proxy-user", "Aladdin:open") == ("000 407" if through else "407 000")


# -- cost


class Gated(Freshet):
    """freshet whose checks of passwords can be counted and held up."""

    def __init__(self, library, file, **options):
        self.gate_file = file
        file.write_bytes(bytes(16))
        super().__init__(binary=PLAIN, env={"LD_PRELOAD": str(library), "CRYPT_GATE_FILE": str(file)}, **options)

    def checks(self):
        return struct.unpack("QQ", self.gate_file.read_bytes())[0]

    def hold(self, closed):
        with open(self.gate_file, "r+b") as file:
            file.seek(8)
            file.write(struct.pack("Q", closed))

    def __exit__(self, *arguments):
        self.hold(0)
        super().__exit__(*arguments)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    built = tmp_path_factory.mktemp("preload") / "crypt_gate.so"
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", built, PRELOAD], check=True)
    return built


@pytest.fixture
def gated(gate, tmp_path, users_file):
    with Gated(gate, tmp_path / "gate", proxy_users=f'"{users_file}"') as running:
        yield running


def test_steady_requests_cost_one_check(gated, origin):
    with gated.client() as client:
        for _ in range(50):
            assert client.get(origin.url(), GOOD).status == 200
    for _ in range(20):
        with gated.client() as client:
            assert client.get(origin.url(), GOOD).status == 200
    assert gated.checks() == 1


def test_same_question_at_the_same_time_is_one_check(gated, origin):
    gated.hold(1)
    clients = [gated.client() for _ in range(20)]
    for client in clients:
        client.request("GET", origin.url(), GOOD)
    assert wait_until(lambda: gated.checks() == 1)
    gated.hold(0)
    assert [client.response().status for client in clients] == [200] * 20
    assert gated.checks() == 1


def test_unknown_user_costs_a_check_like_a_known_one(gated, origin):
    for number, name in enumerate(("Aladdin", "nobody", "noone")):
        with gated.client() as client:
            assert client.get(origin.url(), basic(name, "wrong")).status == 407
        assert gated.checks() == number + 1


def test_same_wrong_password_again_costs_nothing_and_is_no_new_failure(gated, origin):
    with gated.client() as client:
        for _ in range(30):
            assert client.get(origin.url(), basic("Aladdin", "old password")).status == 407
    assert gated.checks() == 1


def test_others_are_served_while_a_password_is_checked(gated, origin):
    with gated.client() as known, gated.client() as client:
        assert known.get(origin.url(), GOOD).status == 200
        gated.hold(1)
        client.request("GET", origin.url("/held"), basic("Jürgen", "pw: ü"))
        assert wait_until(lambda: gated.checks() == 2)
        for _ in range(5):
            assert known.get(origin.url(), GOOD).status == 200
            with gated.client() as third:
                assert third.get(origin.url()).status == 407
        gated.hold(0)
        assert client.response().body == b"hello"


def test_pipelined_requests_wait_their_turn_behind_the_check(gated, origin):
    origin.answer = lambda request: response(request.target.encode())
    gated.hold(1)
    with gated.client() as client:
        for number in range(3):
            client.request("GET", origin.url(f"/{number}"), GOOD)
        assert wait_until(lambda: gated.checks() == 1)
        gated.hold(0)
        assert [client.response().body for _ in range(3)] == [b"/0", b"/1", b"/2"]


def test_one_address_gets_no_more_than_its_share_of_the_queue(gated, origin):
    gated.hold(1)
    clients = [gated.client() for _ in range(40)]
    for number, client in enumerate(clients):
        client.request("GET", origin.url("/many"), basic("Aladdin", f"guess {number}"))
    refused = [client.response() for client in clients[16:]]
    assert {answer.status for answer in refused} == {503}
    with gated.client(source="127.0.0.9") as other:
        other.request("GET", origin.url(), GOOD)
        gated.hold(0)
        assert other.response().status == 200
    assert {client.response().status for client in clients[:16]} == {407}


def test_full_queue_is_a_503_and_ends(gated, origin):
    gated.hold(1)
    clients = [gated.client(source=f"127.0.1.{number // 16 + 1}") for number in range(70)]
    for number, client in enumerate(clients):
        client.request("GET", origin.url("/full"), basic("Aladdin", f"guess {number}"))
    answers = [client.response() for client in clients[64:]]
    assert {answer.status for answer in answers} == {503}
    assert "proxy_internal_error" in answers[0].one("Proxy-Status")
    gated.hold(0)
    assert {client.response().status for client in clients[:64]} == {407}
    with gated.client() as client:
        assert client.get(origin.url(), GOOD).status == 200


def test_client_that_leaves_during_the_check_harms_nobody(gated, origin):
    gated.hold(1)
    with gated.client() as staying:
        with gated.client() as leaving:
            leaving.request("GET", origin.url("/left"), GOOD)
            assert wait_until(lambda: gated.checks() == 1)
            staying.request("GET", origin.url(), GOOD)
            leaving.reset()
        assert gated.records(1, "/left")
        gated.hold(0)
        assert staying.response().body == b"hello"


def test_stopping_during_a_check_is_clean(gate, tmp_path, users_file, origin):
    with Gated(gate, tmp_path / "gate", proxy_users=f'"{users_file}"', timeout_drain="100ms") as proxy:
        proxy.hold(1)
        with proxy.client() as client:
            client.request("GET", origin.url(), GOOD)
            assert wait_until(lambda: proxy.checks() == 1)
            proxy.stop()


# -- throttling


def guess(proxy, origin, numbers, **options):
    with proxy.client(**options) as client:
        return [client.get(origin.url("/guess"), basic("Aladdin", f"guess {n}")).status for n in numbers]


def test_guessing_is_slowed_down_for_the_guesser_alone(gated, origin):
    with gated.client() as before:
        assert before.get(origin.url(), GOOD).status == 200
        assert guess(gated, origin, range(5)) == [407] * 5
        checks = gated.checks()
        with gated.client() as client:
            answer = client.get(origin.url(), basic("Aladdin", "guess 6"))
        assert (answer.status, answer.one("Retry-After")) == (429, "1")
        assert before.get(origin.url(), GOOD).status == 200, "who is known is not concerned"
        assert guess(gated, origin, [7], source="127.0.0.9") == [407], "nor are other addresses"
        with gated.client() as client:
            assert client.get(origin.url(), GOOD).status == 200, "a password known to be right neither"
        assert gated.checks() == checks + 1


def test_pause_ends_then_grows_and_each_is_one_line_in_the_log(gated, origin):
    assert guess(gated, origin, range(5)) == [407] * 5
    assert guess(gated, origin, range(100, 150)) == [429] * 50
    assert gated.stderr().count("keeps failing") == 1
    assert wait_until(lambda: guess(gated, origin, [200]) == [407])
    with gated.client() as client:
        answer = client.get(origin.url(), basic("Aladdin", "guess 201"))
    assert (answer.status, answer.one("Retry-After")) == (429, "2")
    assert "logging in from 127.0.0.1 keeps failing: not heard from there for 2 s" in gated.stderr()
    assert gated.stderr().count("keeps failing") == 2


# -- reload and start


def test_reload_forgets_users_that_are_gone_on_open_connections(tmp_path, origin):
    path = tmp_path / "users"
    passwd(path, "anna", "one\n")
    passwd(path, "bert", "two\n")
    with Freshet(proxy_users=f'"{path}"') as proxy, proxy.client() as client:
        assert client.get(origin.url(), basic("anna", "one")).status == 200
        assert passwd(path, "anna", None, "-D").returncode == 0
        assert client.get(origin.url(), basic("anna", "one")).status == 200
        assert "reloaded" in proxy.reload()
        assert client.get(origin.url(), basic("anna", "one")).status == 407
        passwd(path, "bert", "new\n")
        assert "reloaded" in proxy.reload()
        assert client.get(origin.url(), basic("bert", "two")).status == 407
        assert client.get(origin.url(), basic("bert", "new")).status == 200


def test_reload_with_a_mistake_in_the_users_keeps_the_old_ones(tmp_path, origin):
    path = tmp_path / "users"
    passwd(path, "anna", "one\n")
    with Freshet(proxy_users=f'"{path}"') as proxy, proxy.client() as client:
        with open(path, "a", encoding="utf-8") as file:
            file.write("bert:plain\n")
        said = proxy.reload()
        assert "reload failed" in said and f"{path}:2: this is no password hash" in said
        assert client.get(origin.url(), basic("anna", "one")).status == 200


def test_reload_that_brings_users_asks_clients_that_are_connected(users_file, origin):
    with Freshet() as proxy, proxy.client() as client:
        assert client.get(origin.url()).status == 200
        proxy.reload(proxy_users=f'"{users_file}"')
        assert client.get(origin.url()).status == 407


def test_users_make_listening_everywhere_right_and_open_it_to_all_networks(users_file):
    listen = 'listen = {"0.0.0.0:8080"}\n'
    assert run_freshet("-t", config=listen).returncode == 1
    assert run_freshet("-t", config=f'{listen}proxy-users = "{users_file}"\n').returncode == 0
    shown = run_freshet("-T", config=f'{listen}proxy-users = "{users_file}"\n').stdout
    assert 'allow = {"0.0.0.0/0", "::/0"}' in shown
    shown = run_freshet("-T", config=f'{listen}proxy-users = "{users_file}"\nallow = {{"10.0.0.0/8"}}\n').stdout
    assert 'allow = {"10.0.0.0/8"}' in shown


def test_file_that_others_can_read_is_refused_with_its_mode(users_file, tmp_path):
    path = tmp_path / "users"
    shutil.copyfile(users_file, path)
    path.chmod(0o644)
    done = run_freshet("-t", config=f'proxy-users = "{path}"\n')
    assert done.returncode == 1
    assert ":1: proxy-users: " in done.stderr and "mode 0644" in done.stderr


ACTIVATE = ("import os, sys\n"
            "os.dup2(int(sys.argv[1]), 3)\n"
            "os.set_inheritable(3, True)\n"
            "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
            "os.execv(sys.argv[2], sys.argv[2:])\n")


def activated(port_of, tmp_path, *options):
    """Start freshet with an inherited socket until it refuses or listens; what it said."""
    fd = port_of.fileno()
    config = tmp_path / "activated.conf"
    config.write_text('workers = 1\naccess-log = off\n')
    process = subprocess.Popen([sys.executable, "-c", ACTIVATE, str(fd), str(BINARY), "-c", str(config), *options],
                               pass_fds=(fd,), stderr=subprocess.PIPE, text=True)
    said = ""
    for line in process.stderr:
        said += line
        if "listening on" in line:
            process.terminate()
    process.wait(10)
    process.stderr.close()
    return said


def test_inherited_socket_beyond_loopback_needs_somebody_who_is_served(users_file, tmp_path):
    with socket.create_server(("0.0.0.0", 0)) as listener:
        said = activated(listener, tmp_path)
        assert "listening on" not in said
        assert re.search(r"the inherited socket 0\.0\.0\.0:\d+ can be reached from other machines", said)
        assert "listening on" in activated(listener, tmp_path, "--allow=10.0.0.0/8")
        assert "listening on" in activated(listener, tmp_path, f"--proxy-users={users_file}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert "listening on" in activated(listener, tmp_path)


# -- freshet passwd


def test_passwd_makes_a_private_file_and_replaces_only_the_users_line(tmp_path):
    path = tmp_path / "users"
    assert passwd(path, "anna", "one\n").returncode == 0
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("# people\n" + path.read_text() + "\nbert:" + HASHES["Aladdin"] + "\n")
    path.chmod(0o640)
    before = path.read_text()
    assert passwd(path, "anna", "two\n").returncode == 0
    after = path.read_text().splitlines()
    assert [line for line in after if not line.startswith("anna:")] == \
        [line for line in before.splitlines() if not line.startswith("anna:")]
    assert after[1].startswith("anna:$y$") and after[1] not in before
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["users"]


def test_passwd_deletes_a_user_and_says_when_there_is_none(tmp_path):
    path = tmp_path / "users"
    passwd(path, "anna", "one\n")
    passwd(path, "an", "two\n")
    assert passwd(path, "an", None, "-D").returncode == 0
    assert path.read_text().startswith("anna:")
    done = passwd(path, "an", None, "--delete")
    assert (done.returncode, "no such user" in done.stderr) == (1, True)
    assert path.read_text().startswith("anna:")


@pytest.mark.parametrize("user, password", [("a:b", "x\n"), ("", "x\n"), ("u" * 65, "x\n"), ("#u", "x\n"), ("u", "\n"),
                                            ("u", ""), ("u", "x" * 512 + "\n"), ("u", "a\tb\n")])
def test_passwd_refuses_what_could_never_log_in_and_leaves_the_file(tmp_path, user, password):
    path = tmp_path / "users"
    done = passwd(path, user, password)
    assert (done.returncode, done.stderr.startswith("freshet passwd: ")) == (1, True)
    assert not path.exists()


def test_passwd_keeps_a_link_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    passwd(real, "anna", "one\n")
    link.symlink_to(real)
    assert passwd(link, "bert", "two\n").returncode == 0
    assert link.is_symlink() and "bert:" in real.read_text()


def test_passwd_at_a_terminal_asks_twice_and_shows_nothing(tmp_path):
    path = tmp_path / "users"
    master, slave = pty.openpty()
    with subprocess.Popen([BINARY, "passwd", path, "anna"], stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""

        def read_on():
            nonlocal shown
            assert select.select([master], [], [], 10)[0], f"nothing more after {shown!r}"
            try:
                part = os.read(master, 100)
            except OSError:  # the end, on a terminal
                part = b""
            shown += part
            return part
        for prompt in (b"Password: ", b"The same again: "):
            while not shown.endswith(prompt):
                assert read_on()
            os.write(master, b"unseen words\n")
        while read_on():
            pass
        assert process.wait(10) == 0
    os.close(master)
    assert b"unseen" not in shown
    assert path.read_text().startswith("anna:$y$")


def test_client_of_any_address_logs_in_when_users_are_given(users_file, origin):
    with Freshet(listen='{"0.0.0.0:0"}', proxy_users=f'"{users_file}"') as proxy:
        with Client(proxy.port, source="127.0.0.9") as client:
            assert client.get(origin.url(), GOOD).status == 200
