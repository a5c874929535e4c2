"""`freshet ca`: the authority is made once, shown, and put into the stores that programs trust, and out of them."""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import pytest

from harness.proxy import BINARY, Freshet, run_freshet

# The real one, in directories of ours.
UPDATE = """#!/bin/sh
exec /usr/sbin/update-ca-certificates --localcertsdir "$FRESHET_SYSTEM_STORE" --etccertsdir "{etc}" \\
    --certsconf "{conf}" --hooksdir /nonexistent "$@"
"""


class Machine:
    """A home directory, a system store and an authority of its own; any user may look into it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="freshet-machine-"))
        self.folder.chmod(0o755)
        for name in ("home", "local", "etc", "bin"):
            (self.folder / name).mkdir()
        self.home = self.folder / "home"
        self.update = self.folder / "bin" / "update-ca-certificates"
        self.update.write_text(UPDATE.format(etc=self.folder / "etc", conf=self.folder / "conf"))
        (self.folder / "conf").write_text("# none of the distribution's\n")
        self.other = self.folder / "local" / "other.crt"  # the administrator's
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=other", "-keyout", "/dev/null", "-out", self.other], capture_output=True, check=True)
        self.update.chmod(0o755)
        self.binary = self.folder / "bin" / "freshet"
        shutil.copy(BINARY, self.binary)
        self.state = self.folder / "state"

    def environment(self, state=None):
        return {**os.environ, "HOME": str(self.home), "STATE_DIRECTORY": str(state or self.state),
                "FRESHET_SYSTEM_STORE": str(self.folder / "local"), "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def run(self, *arguments, prefix=(), state=None, path=None):
        env = self.environment(state)
        if path:
            env["PATH"] = path
        return subprocess.run([*prefix, str(self.binary), "ca", *map(str, arguments)], env=env, capture_output=True,
                              text=True, timeout=30, check=False)

    def as_root(self, *arguments, **kwargs):
        return self.run(*arguments, prefix=() if os.geteuid() == 0 else ("unshare", "-r"), **kwargs)

    def as_user(self, *arguments, **kwargs):
        drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
        return self.run(*arguments, prefix=drop, **kwargs)

    def database(self, *place):
        directory = self.home.joinpath(*place)
        directory.mkdir(parents=True)
        self.certutil(directory, "-N", "--empty-password")
        return directory

    @staticmethod
    def certutil(directory, *arguments):
        return subprocess.run(["certutil", *map(str, arguments), "-d", f"sql:{directory}"], capture_output=True,
                              text=True, timeout=20, check=True).stdout

    def trusted_by(self, directory):
        return dict(re.findall(r"^(\S+) +(\S*,\S*,\S*) *$", self.certutil(directory, "-L"), re.M))

    def bundle(self):
        path = self.folder / "etc" / "ca-certificates.crt"
        return path.read_text() if path.exists() else ""


@pytest.fixture(name="machine")
def a_machine():
    made = Machine()
    yield made
    shutil.rmtree(made.folder)


def nickname(machine, *arguments, **kwargs):
    return re.search(r"^name in stores: (\S+)$", machine.run("status", *arguments, **kwargs).stdout, re.M)[1]


def test_init_makes_a_private_key_and_says_what_is_next(machine):
    done = machine.run("init")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((machine.state / "ca-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o700
    assert "freshet ca install" in done.stdout
    text = subprocess.run(["openssl", "x509", "-in", machine.state / "ca.pem", "-noout", "-text", "-fingerprint",
                           "-sha256"], capture_output=True, text=True, check=True).stdout
    assert "CA:TRUE, pathlen:0" in text
    assert "prime256v1" in text
    assert re.search(r"Fingerprint=(\S+)", text)[1] in done.stdout


def test_init_refuses_to_overwrite(machine):
    machine.run("init")
    before = (machine.state / "ca.pem").read_bytes(), (machine.state / "ca-key.pem").read_bytes()
    done = machine.run("init")
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert before == ((machine.state / "ca.pem").read_bytes(), (machine.state / "ca-key.pem").read_bytes())


def test_init_uses_the_configured_places(tmp_path):
    config = f'ca-cert = "{tmp_path}/a.pem"\nca-key = "{tmp_path}/b.pem"\n'
    assert run_freshet("ca", "init", config=config).returncode == 0
    assert (tmp_path / "a.pem").exists() and (tmp_path / "b.pem").exists()
    assert run_freshet("ca", "show", config=config).returncode == 0


def test_init_writes_the_permitted_domains_only(machine):
    assert machine.run("init", "--permit", "example.test", "--permit=other.test").returncode == 0
    shown = machine.run("show").stdout
    assert "vouches for: only DNS:example.test, DNS:other.test" in shown
    done = machine.run("init", "--permit", "*.example.test", state=machine.folder / "second")
    assert done.returncode == 1
    assert "*.example.test: is no domain" in done.stderr
    assert not (machine.folder / "second").exists()


def test_show_tells_about_the_certificate_or_prints_it(machine):
    machine.run("init")
    done = machine.run("show")
    assert done.returncode == 0
    for word in ("subject: O = freshet, CN = freshet CA ", "valid: ", " GMT to ", "vouches for: every site", "SHA-256: "):
        assert word in done.stdout
    assert "PRIVATE" not in done.stdout
    assert machine.run("show", "--pem").stdout == (machine.state / "ca.pem").read_text()


@pytest.mark.parametrize("action", ["show", "status", "install", "uninstall"])
def test_without_an_authority_the_way_to_one_is_told(machine, action):
    done = machine.run(action)
    assert done.returncode == 1
    assert f"there is no authority at {machine.state}/ca.pem yet: freshet ca init" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("make",), ("init", "x"), ("show", "a", "b"), ("install", "--permit=a.test")])
def test_wrong_usage_has_its_own_status(machine, arguments):
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert "ca takes: init" in done.stderr


def test_file_that_holds_no_certificate_is_an_error(machine):
    (machine.folder / "odd.pem").write_text("odd\n")
    for action in ("show", "install"):
        done = machine.run(action, machine.folder / "odd.pem")
        assert done.returncode == 1
        assert "odd.pem" in done.stderr
    assert list((machine.folder / "local").iterdir()) == [machine.other]


def test_system_store_gets_it_and_loses_it(machine):
    machine.as_root("init")
    pem = (machine.state / "ca.pem").read_text()
    assert machine.as_root("status").returncode == 1
    done = machine.as_root("install")
    assert done.returncode == 0, done.stderr
    assert "system: trusts it now" in done.stdout
    assert pem in machine.bundle()
    assert machine.as_root("status").returncode == 0
    assert "trusts it already" in machine.as_root("install").stdout
    assert machine.as_root("uninstall").returncode == 0
    assert pem not in machine.bundle()
    assert machine.other.read_text() in machine.bundle()
    assert list((machine.folder / "local").iterdir()) == [machine.other]
    assert not list((machine.folder / "etc").glob("*freshet*"))
    assert machine.as_root("uninstall").returncode == 0


def test_another_authority_stays_in_the_system_store(machine):
    first, second = machine.folder / "first", machine.folder / "second"
    for state in (first, second):
        machine.as_root("init", state=state)
        assert machine.as_root("install", state=state).returncode == 0
    assert machine.as_root("uninstall", state=first).returncode == 0
    assert (first / "ca.pem").read_text() not in machine.bundle()
    assert (second / "ca.pem").read_text() in machine.bundle()


def test_who_is_not_root_is_told_the_command_for_the_system(machine):
    machine.as_root("init")
    shutil.copy(machine.state / "ca.pem", machine.folder / "it's ca.pem")
    (machine.folder / "it's ca.pem").chmod(0o644)
    done = machine.as_user("install", machine.folder / "it's ca.pem")
    assert done.returncode == 1
    command = re.search(r"^  sudo (install -m 644 .*)$", done.stdout, re.M)[1]
    assert "sudo update-ca-certificates" in done.stdout
    subprocess.run(["sh", "-c", command], check=True)
    assert machine.as_user("status", machine.folder / "it's ca.pem").returncode == 0
    done = machine.as_user("uninstall", machine.folder / "it's ca.pem")
    assert done.returncode == 1
    subprocess.run(["sh", "-c", re.search(r"^  sudo (rm .*)$", done.stdout, re.M)[1]], check=True)
    assert "system: does not trust it" in machine.as_user("status", machine.folder / "it's ca.pem").stdout


def test_failing_update_fails_the_command(machine):
    machine.as_root("init")
    machine.update.write_text("#!/bin/sh\nexit 3\n")
    done = machine.as_root("install")
    assert done.returncode == 1
    assert "update-ca-certificates failed" in done.stderr
    machine.update.unlink()
    (machine.folder / "local").joinpath(f"{nickname(machine)}.crt").unlink()
    done = machine.as_root("install", path=str(machine.folder / "bin"))
    assert done.returncode == 1
    assert "there is no update-ca-certificates" in done.stderr


PLACES = [
    (".pki", "nssdb"),
    ("snap", "chromium", "current", ".pki", "nssdb"),
    (".var", "app", "com.google.Chrome", ".pki", "nssdb"),
    (".mozilla", "firefox", "x1.default"),
    (".mozilla", "firefox", "x2 with a blank"),
    ("snap", "firefox", "common", ".mozilla", "firefox", "x3.default"),
    (".var", "app", "org.mozilla.firefox", ".mozilla", "firefox", "x4.default"),
]


def test_all_browsers_get_it(machine):
    directories = [machine.database(*PLACES[0])]
    for place in PLACES[1:]:
        shutil.copytree(directories[0], machine.home.joinpath(*place))
        directories.append(machine.home.joinpath(*place))
    machine.as_root("init")
    assert machine.as_root("install").returncode == 0
    for directory in directories:
        assert machine.trusted_by(directory) == {nickname(machine): "C,,"}


def test_browsers_lose_it_and_nothing_else(machine):
    directories = [machine.database(*place) for place in (PLACES[0], PLACES[3])]
    first, second = machine.folder / "first", machine.folder / "second"
    for state in (first, second):
        machine.as_root("init", state=state)
        assert machine.as_root("install", state=state).returncode == 0
    machine.certutil(directories[0], "-V", "-u", "L", "-n", nickname(machine, state=first))
    assert machine.as_root("uninstall", state=first).returncode == 0
    for directory in directories:
        assert machine.trusted_by(directory) == {nickname(machine, state=second): "C,,"}
    assert machine.as_root("status", state=first).returncode == 1
    assert machine.as_root("status", state=second).returncode == 0


def test_browser_that_has_not_been_started_yet_is_prepared_for(machine):
    machine.as_root("init")
    shutil.copy(machine.state / "ca.pem", machine.folder / "ca.pem")
    for path in (machine.home, machine.folder / "ca.pem"):
        path.chmod(0o777)
    machine.as_user("install", machine.folder / "ca.pem")
    database = machine.home / ".pki" / "nssdb"
    assert stat.S_IMODE(database.stat().st_mode) == 0o700
    assert machine.trusted_by(database) == {nickname(machine, machine.folder / "ca.pem"): "C,,"}


def test_missing_certutil_is_told_with_its_package(machine):
    machine.database(".pki", "nssdb")
    machine.as_root("init")
    (machine.folder / "bin" / "sh").symlink_to("/bin/sh")
    done = machine.as_root("status", path=str(machine.folder / "bin")) if os.geteuid() == 0 else \
        machine.as_user("status", path=str(machine.folder / "bin"))
    assert done.returncode == 1
    assert "apt-get install libnss3-tools" in done.stdout


def test_steps_for_other_programs_are_printed(machine):
    machine.as_root("init")
    said = machine.as_root("install").stdout
    for word in ("macOS", "security add-trusted-cert", "Windows", "certutil -addstore", "keytool -importcert",
                 "NODE_EXTRA_CA_CERTS=", "REQUESTS_CA_BUNDLE=", "SSL_CERT_FILE=", "http.sslCAInfo", "http.proxySSLCAInfo",
                 "CURL_CA_BUNDLE=", "ca_certificate="):
        assert word in said
    assert f"NODE_EXTRA_CA_CERTS={machine.state}/ca.pem" in said


def test_first_start_with_intercept_makes_the_authority_and_says_what_to_do(tmp_path):
    with Freshet(arguments=["--intercept"], env={"STATE_DIRECTORY": str(tmp_path / "new")}) as proxy:
        assert (tmp_path / "new" / "ca.pem").exists()
        assert "freshet ca install" in proxy.stderr()
    before = (tmp_path / "new" / "ca.pem").read_bytes()
    with Freshet(arguments=["--intercept"], env={"STATE_DIRECTORY": str(tmp_path / "new")}) as proxy:
        assert "made a certificate authority" not in proxy.stderr()
    assert (tmp_path / "new" / "ca.pem").read_bytes() == before


def test_start_refuses_a_key_that_others_may_read(tmp_path):
    state = tmp_path / "state"
    assert run_freshet("ca", "init", env={"STATE_DIRECTORY": str(state)}).returncode == 0
    (state / "ca-key.pem").chmod(0o640)
    done = run_freshet("--intercept", "-p", "0", env={"STATE_DIRECTORY": str(state)})
    assert done.returncode == 1
    assert "others may read this key" in done.stderr


def test_what_root_makes_belongs_to_the_directory(machine):
    """The service's user owns its state directory, and root runs `freshet ca init`."""
    machine.state.mkdir()
    owner = machine.state.stat().st_uid
    if os.geteuid() == 0:
        owner = 65534
        os.chown(machine.state, owner, owner)
    assert machine.run("init").returncode == 0
    assert (machine.state / "ca-key.pem").stat().st_uid == owner
    assert (machine.state / "ca.pem").stat().st_uid == owner
