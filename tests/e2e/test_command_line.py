"""The command line and the configuration file as their user meets them."""
import re
import subprocess

import pytest

from harness import Freshet
from harness.proxy import BINARY, run_freshet

GOOD = """
listen = {"127.0.0.1:3128", "[::1]:3128"}   # a comment
mode = revalidate
timeout-connect = 3s
max-head = 32k
connect-ports = {443, "8000-9000"}
site "*.example.com" {
    mode = observe
    validators = strip
}
"""


def test_good_configuration_passes_the_check():
    done = run_freshet("-t", config=GOOD)
    assert done.returncode == 0, done.stderr


def test_check_does_not_start_listening():
    with Freshet() as running:
        done = run_freshet("-t", config=f'listen = {{"127.0.0.1:{running.port}"}}')
        assert done.returncode == 0, done.stderr


BAD = {
    "unknown-option": ("mode = bust\nmoode = off\n", 2, ["moode", "mode"]),
    "misspelt-option": ("validatrs = keep\n", 1, ["validatrs", "validators"]),
    "misspelt-in-site": ('\nsite "a.test" {\n  validatorz = strip\n}\n', 3, ["validatorz", "validators"]),
    "unknown-mode": ("\n\nmode = bustt\n", 3, ["bustt", "bust"]),
    "bad-time": ("timeout-body = soon\n", 1, ["soon"]),
    "bad-size": ("max-head = 64parsecs\n", 1, ["64parsecs"]),
    "bad-port": ('listen = {"127.0.0.1:99999"}\n', 1, ["99999"]),
    "bad-port-range": ('connect-ports = {"9-3"}\n', 1, ["9-3"]),
    "bad-network": ('allow = {"10.0.0.0/33"}\n', 1, ["10.0.0.0/33"]),
    "out-of-range": ("workers = 1000\n", 1, ["1000"]),
    "not-a-boolean": ("heal = perhaps\n", 1, ["perhaps"]),
    "unclosed-site": ('site "a" {\nmode = off\n', None, []),
    "garbage": ("}{ =\n", 1, []),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_configuration_names_file_line_and_word(name):
    text, line, words = BAD[name]
    done = run_freshet("-t", config=text)
    assert done.returncode == 1, done.stderr
    place = re.search(r"freshet\.conf:(\d+):", done.stderr)
    assert place, done.stderr
    assert line is None or int(place[1]) == line, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize("option", ["deny-destinations", "allow-destinations"])
@pytest.mark.parametrize("entry", ["a b", "10.0.0.0/99"])
def test_destination_that_is_neither_network_nor_pattern_is_found_by_t(option, entry):
    done = run_freshet("-t", config=f'{option} = {{"192.0.2.0/24", "{entry}"}}\n')
    assert done.returncode == 1
    assert f'freshet.conf: {option}: "{entry}"' in done.stderr


def test_site_pattern_that_is_none_is_found_by_t():
    done = run_freshet("-t", config='mode = bust\nsite "a b" { mode = off }\n')
    assert done.returncode == 1
    assert 'freshet.conf:2: site: "a b"' in done.stderr


def test_bad_configuration_prevents_the_start():
    done = run_freshet(config="moode = off\n")
    assert done.returncode == 1
    assert "freshet.conf:1:" in done.stderr


def test_missing_configuration_file_is_an_error():
    done = run_freshet("-c", "no-such-file.conf", "-t")
    assert done.returncode == 1
    assert "no-such-file.conf" in done.stderr


def test_effective_configuration_is_printed_with_defaults():
    done = run_freshet("-T", config=GOOD)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^mode = revalidate", done.stdout, re.M)
    assert re.search(r"^max-clients = 10000", done.stdout, re.M)
    assert "*.example.com" in done.stdout


def test_printed_configuration_is_itself_a_configuration():
    once = run_freshet("-T", config=GOOD).stdout
    twice = run_freshet("-T", config=once)
    assert twice.returncode == 0, twice.stderr
    assert twice.stdout == once
    assert "mode" in once


def test_options_of_the_command_line_are_effective():
    done = run_freshet("--mode=off", "--timeout-connect", "7s", "-T", config=GOOD)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^mode = off", done.stdout, re.M)
    assert re.search(r"^timeout-connect = 7s", done.stdout, re.M)


def test_port_option_listens_on_loopback():
    done = run_freshet("-p", "3129", "-T")
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:3129" in done.stdout


def test_defaults_listen_on_loopback_only():
    done = run_freshet("-T", config="")
    assert re.search(r'^listen = \{"127\.0\.0\.1:8080"\}', done.stdout, re.M), done.stdout


def test_listening_beyond_loopback_without_an_allow_list_is_refused():
    done = run_freshet(config='listen = {"0.0.0.0:0"}\n')
    assert done.returncode == 1
    assert "allow" in done.stderr


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["-x"], ["--mode"], ["-c"], ["unexpected-word"]])
def test_wrong_usage_exits_with_two(arguments):
    done = run_freshet(*arguments)
    assert done.returncode == 2
    assert done.stderr


def test_misspelt_option_on_the_command_line_names_the_nearest():
    done = run_freshet("--validatrs=keep")
    assert done.returncode == 2
    assert "validators" in done.stderr


def test_wrong_value_on_the_command_line_is_named():
    done = run_freshet("--mode=bustt", "-t", config="")
    assert done.returncode in (1, 2)
    assert "bustt" in done.stderr


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_version_is_printed(flag):
    done = run_freshet(flag)
    assert (done.returncode, bool(re.match(r"freshet \d+\.\d+\.\d+", done.stdout))) == (0, True)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_short_option(flag):
    done = run_freshet(flag)
    assert done.returncode == 0
    for option in ("-c", "-p", "-t", "-T", "-v", "-V", "-h"):
        assert option in done.stdout


def environment_of(*arguments, config=None):
    done = run_freshet(*arguments, "env", config=config)
    assert done.returncode == 0, done.stderr
    script = done.stdout + '\nprintf "%s|%s|%s" "$http_proxy" "$https_proxy" "$no_proxy"'
    shell = subprocess.run(["sh", "-c", script],
                           capture_output=True, text=True, env={}, check=True)
    return shell.stdout.split("|")


def test_env_prints_what_a_shell_can_evaluate():
    http, https, no_proxy = environment_of()
    assert (http, https) == ("http://127.0.0.1:8080", "http://127.0.0.1:8080")
    assert "localhost" in no_proxy


def test_env_follows_the_configured_address():
    assert environment_of(config='listen = {"127.0.0.1:3128"}')[0] == "http://127.0.0.1:3128"


def test_env_follows_the_command_line():
    assert environment_of("-p", "3130")[0] == "http://127.0.0.1:3130"


def test_occupied_port_is_an_error_that_names_it():
    with Freshet() as running:
        done = run_freshet(config=f'listen = {{"127.0.0.1:{running.port}"}}\nworkers = 1\n')
        assert done.returncode == 1
        assert str(running.port) in done.stderr


def test_binary_is_the_one_under_test():
    assert BINARY.is_file()
