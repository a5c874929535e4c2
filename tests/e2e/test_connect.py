"""What makes programs use freshet: its authority to download, the script that leads to it; what it could not look into."""
import base64
import json
import plistlib
import re
import ssl
import subprocess

import pytest

from harness import Freshet, Origin
from harness.origin import wait_until
from harness.switches import Switches
from harness.tls import Authority, Interceptor, TlsOrigin, client_context, openssl

OWN = "http://freshet.internal"
USERS = "Aladdin:$2b$04$pV8zPk1NZV4OyJAyqutw5en/rw2NZkBB0ve9cFjE0SYGDqMfBeqDu\n"  # open sesame
GOOD = "Authorization: Basic " + base64.b64encode(b"Aladdin:open sesame").decode()


@pytest.fixture(scope="module")
def proxy(pki):
    """freshet with an authority."""
    with Interceptor(pki) as running:
        yield running


def ask(proxy, path, *fields, host=None):
    """The answer to a request as to a web server."""
    lines = "".join(f"{field}\r\n" for field in fields)
    with proxy.client() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{proxy.port}'}\r\n{lines}\r\n".encode())
        return client.response("GET")


def der_of(file):
    return subprocess.run(["openssl", "x509", "-in", str(file), "-outform", "der"], check=True, capture_output=True).stdout


# -- the authority

@pytest.mark.parametrize("path, media_type, name", [
    ("/ca.pem", "application/x-pem-file", "freshet-ca.pem"),
    ("/ca.der", "application/x-x509-ca-cert", "freshet-ca.crt"),
    ("/ca.mobileconfig", "application/x-apple-aspen-config", "freshet-ca.mobileconfig"),
])
def test_authority_is_given_in_the_forms_that_devices_take(proxy, path, media_type, name):
    answer = ask(proxy, path)
    assert answer.status == 200
    assert answer.one("Content-Type") == media_type
    assert answer.one("Content-Disposition") == f'inline; filename="{name}"'
    assert b"PRIVATE" not in answer.body


def test_pem_and_der_are_the_certificate(proxy, tmp_path):
    (tmp_path / "pem").write_bytes(ask(proxy, "/ca.pem").body)
    assert der_of(tmp_path / "pem") == ask(proxy, "/ca.der").body == der_of(proxy.pki.proxy_ca)


def test_profile_holds_the_certificate_and_is_the_same_each_time(proxy):
    body = ask(proxy, "/ca.mobileconfig").body
    profile = plistlib.loads(body)
    content, = profile["PayloadContent"]
    assert profile["PayloadType"] == "Configuration" and content["PayloadType"] == "com.apple.security.root"
    assert content["PayloadContent"] == der_of(proxy.pki.proxy_ca)
    uuids = [profile["PayloadUUID"], content["PayloadUUID"]]
    assert len(set(uuids)) == 2
    assert all(re.fullmatch("[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", uuid) for uuid in uuids)
    assert ask(proxy, "/ca.mobileconfig").body == body


def test_profile_of_an_authority_with_an_odd_name_below_another_is_well_formed(pki, tmp_path):
    name = """A<b>&"'</string>ä"""
    root = Authority(tmp_path, "root")
    request, extensions = tmp_path / "request", tmp_path / "extensions"
    extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-utf8", "-subj",
            f"/CN={name.replace('/', chr(92) + '/')}", "-keyout", tmp_path / "key", "-out", request, "-config", "/dev/null")
    openssl("x509", "-req", "-in", request, "-CA", root.file, "-CAkey", root.key, "-out", tmp_path / "below", "-days", "9",
            "-extfile", extensions)
    (tmp_path / "key").chmod(0o600)
    with Interceptor(pki, ca_cert=f'"{tmp_path}/below"', ca_key=f'"{tmp_path}/key"') as proxy:
        profile = plistlib.loads(ask(proxy, "/ca.mobileconfig").body)
    assert profile["PayloadDisplayName"] == name
    assert profile["PayloadContent"][0]["PayloadType"] == "com.apple.security.pkcs1"


def test_authority_is_given_through_the_proxy_too(proxy):
    with proxy.client() as client:
        assert client.get(f"{OWN}/ca.der").body == der_of(proxy.pki.proxy_ca)


def test_authority_made_before_is_given_although_nothing_is_intercepted(pki, proxy):
    with Interceptor(pki, intercept="no") as idle:
        assert ask(idle, "/ca.der").body == ask(proxy, "/ca.der").body


@pytest.mark.parametrize("path", ["/ca.pem", "/ca.der", "/ca.mobileconfig"])
def test_without_an_authority_there_is_a_word_about_it(path, tmp_path):
    with Freshet(env={"STATE_DIRECTORY": str(tmp_path)}) as proxy:
        answer = ask(proxy, path)
    assert answer.status == 404
    assert b"There is no certificate authority" in answer.body and b"intercept" in answer.body
    assert list(tmp_path.iterdir()) == []


def test_other_machines_get_authority_and_script(pki):
    with Interceptor(pki, allow_any_client="yes", proxy_protocol='{"127.0.0.1:0"}', proxy_protocol_from='{"127.0.0.1"}') as proxy:
        for path in ("/ca.pem", "/ca.der", "/ca.mobileconfig", "/proxy.pac"):
            with proxy.client() as client:
                client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n")
                client.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                assert client.response().status == 200


# -- the script

HELPERS = "function isPlainHostName(h) { throw 1 } function dnsResolve(h) { throw 2 } function isInNet(a, b, c) { throw 3 }\n"


def routes(script, *hosts):
    """What the script says of these hosts, when it may ask nobody."""
    ask_all = f"console.log(JSON.stringify({json.dumps(hosts)}.map(h => FindProxyForURL('http://' + h + '/', h))))"
    done = subprocess.run(["node", "-e", HELPERS + script + ask_all], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("path", ["/proxy.pac", "/wpad.dat"])
def test_script_leads_to_where_it_came_from_but_for_local_names(proxy, path):
    answer = ask(proxy, path)
    assert answer.one("Content-Type") == "application/x-ns-proxy-autoconfig"
    remote = ["example.org", "10.example.org", "freshet.internal", "192.0.2.1", "172.32.0.1", "2001:db8::1", "fd.example"]
    local = ["localhost", "a.localhost", "printer", "nas.local", "x.home.arpa", "127.0.0.1", "10.1.2.3", "172.16.0.1",
             "172.31.9.9", "192.168.1.1", "169.254.1.1", "::1", "[::1]", "fe80::1", "fd00::1", "PRINTER.LOCAL"]
    found = routes(answer.body.decode(), *remote, *local)
    assert found == [f"PROXY 127.0.0.1:{proxy.port}; DIRECT"] * len(remote) + ["DIRECT"] * len(local)


def test_script_can_be_had_without_a_way_past_the_proxy(proxy):
    script = ask(proxy, "/proxy.pac?no-local&no-fallback=1").body.decode()
    assert routes(script, "example.org", "localhost") == [f"PROXY 127.0.0.1:{proxy.port}"] * 2


@pytest.mark.parametrize("host, reached", [
    ("wpad", "wpad:80"), ("wpad.example.org", "wpad.example.org:80"), ("[::1]:8080", "[::1]:8080"), ("10.0.0.9:3128", "10.0.0.9:3128"),
    ("freshet.internal", None), ('a";b', None), ("a'b", None), ("a;b:80", None), ("a@REACHED@", None),
])
def test_script_names_what_the_client_called_us_unless_that_is_odd(proxy, host, reached):
    answer = ask(proxy, "/wpad.dat", host=host)
    if answer.status == 400:
        assert reached is None
        return
    assert routes(answer.body.decode(), "example.org") == [f"PROXY {reached or f'127.0.0.1:{proxy.port}'}; DIRECT"]


def test_script_fetched_through_the_proxy_names_the_address_and_not_the_name_that_only_the_proxy_knows(proxy):
    with proxy.client() as client:
        script = client.get(f"{OWN}/proxy.pac").body.decode()
    assert routes(script, "example.org") == [f"PROXY 127.0.0.1:{proxy.port}; DIRECT"]


def test_users_need_a_password_for_the_authority_but_none_for_the_script(pki, tmp_path):
    (tmp_path / "users").write_text(USERS)
    (tmp_path / "users").chmod(0o600)
    with Interceptor(pki, proxy_users=f'"{tmp_path}/users"') as proxy:
        assert ask(proxy, "/proxy.pac").status == 200
        assert ask(proxy, "/ca.der").status == 401
        assert ask(proxy, "/ca.der", GOOD).status == 200


# -- blind spots

def unread(proxy):
    return json.loads(ask(proxy, "/live/unread").body)["hosts"]


def test_tunnels_are_listed_by_host_with_reason_and_advice_while_they_run_and_bytes_after(origin):
    with Freshet() as proxy:
        with proxy.client() as client:
            assert client.connect_to(f"127.0.0.1:{origin.port}").status == 200
            spot, = unread(proxy)
            assert (spot["host"], spot["port"], spot["tunnels"], spot["bytes"]) == ("127.0.0.1", origin.port, 1, 0)
            assert "opaque tunnel" in spot["reason"] and "intercept = yes" in spot["advice"]
            client.get("/")
        assert wait_until(lambda: unread(proxy)[0]["bytes"] > 40)


def test_host_is_no_longer_listed_once_it_is_read(pki):
    with Interceptor(pki) as proxy, TlsOrigin(pki.good) as origin:
        with pytest.raises(ssl.SSLCertVerificationError):
            proxy.secure(origin, client_context(pki.root.file))
        spot, = unread(proxy)
        assert "refused our certificate" in spot["reason"] and "trust the authority" in spot["advice"]
        proxy.reload(config="")  # forgets nothing about clients
        assert len(unread(proxy)) == 1
        Switches(proxy).do("flush", what="learned")
        assert proxy.get(origin).body == b"hello"
        assert unread(proxy) == []


def test_our_own_name_teaches_nothing_about_the_client_and_is_no_blind_spot(pki):
    with Interceptor(pki, intercept="no", env={"STATE_DIRECTORY": str(pki.state)}, config='site "x" { intercept = yes }') as proxy:
        for _ in range(2):
            with pytest.raises(ssl.SSLCertVerificationError):
                proxy.secure("freshet.internal:443", client_context(pki.root.file))
        with proxy.secure("freshet.internal:443") as client:
            assert client.get("/-/healthy").body == b"healthy\n"
        assert unread(proxy) == []


@pytest.mark.parametrize("field", ["Via: 1.1 somebody", "Sec-Fetch-Site: cross-site", "Origin: http://evil.example"])
def test_blind_spots_are_for_this_machine_and_the_page_alone(proxy, field):
    assert ask(proxy, "/live/unread", field).status == 403
