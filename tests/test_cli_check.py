"""The verb `check`: what it says of a file that is allowed and unwise, and what the providers say of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import RunProgram
from profiles_file import PERSON, written

from requests_auth_profiles.cli import run

CANARY = "canary-hunter2"
HOSTS = 'hosts = ["api.acme.com"]\n'
WISE = f"{PERSON}{HOSTS}"
NOWHERE = '[profiles.none]\ncompose = ["work", "key"]\n'
AT_ALL = '[profiles.work]\nflow = "{flow}"\nissuer = "https://login.acme.com"\n' + HOSTS
PASSWORD = AT_ALL.format(flow="password") + 'username = "alice"\npassword = { env = "A" }\n'
IMPLICIT = AT_ALL.format(flow="implicit") + 'client_id = "person"\n'


@pytest.fixture
def check(cli: RunProgram, tmp_path: Path) -> RunProgram:
    """Check a file in this process: `check(text, "--json").stdout`."""
    return lambda text, *arguments: cli("check", "--file", str(written(tmp_path, text)), *arguments)


def warnings(check: RunProgram, text: str, *arguments: str) -> list[dict[str, Any]]:
    """What is said of a file that is right."""
    done = check(text, "--json", *arguments)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert (document["faults"], document["missing_secrets"]) == ([], [])
    found: list[dict[str, Any]] = document["warnings"]
    return found


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        (PERSON, 1, "", "has no hosts"),
        (PASSWORD, 2, "flow", "has the program see the password"),
        (IMPLICIT, 2, "flow", "has the token itself pass through the browser"),
        (f'{WISE}client_secret = "{CANARY}"\n', 6, "client_secret", "is a secret in the file itself"),
        (f'{WISE}http.proxy = "http://u:{CANARY}@p:1"\n', 6, "proxy", "is a secret in the file itself"),
        (f"{PERSON}allow_http = true\nhosts = ['http://a.com']\n", 5, "allow_http", "over plain http"),
        (
            f"{WISE}[profiles.key]\nflow = 'api-key'\napi_key = {{ env = 'K' }}\nhosts=['b.com']\n{NOWHERE}",
            *(11, "compose", "go to no host in common"),
        ),
    ],
    ids=["hosts", "password", "implicit", "secret", "proxy", "http", "nowhere"],
)
def test_what_is_unwise(
    check: RunProgram, tmp_path: Path, text: str, line: int, key: str, message: str
) -> None:
    """It is told with its file, line, profile and key, and what to write instead, and no secret with it."""
    (warning,) = warnings(check, text)
    assert (warning["file"], warning["line"]) == (str(tmp_path / "profiles.toml"), line)
    assert message in warning["message"]
    assert key in (warning["key"] or "")
    assert warning["hint"]
    assert CANARY not in str(warning)


SEEMING = {
    "options": (f'options = {{ username = "ada", password = "{CANARY}" }}', "options.password"),
    "deep": (f'options.retry = {{ a = [{{ api-key = "{CANARY}" }}] }}', "options.retry.a.api-key"),
    "args": (f'args = ["ada", {{ token = ["{CANARY}"] }}]', "args.token"),
    "an address": (f'options = {{ token_url = "https://a.com/?k={CANARY}" }}', "options.token_url"),
    "a user": (f'options = {{ token_url = "https://ada:{CANARY}@a.com/" }}', "options.token_url"),
    "a number": ("options = { pin = 1234 }", "options.pin"),
    "a table called as a reference": (f'options = {{ env = "a", key = "{CANARY}" }}', "options.key"),
}
CLASS = f'[profiles.work]\nflow = "class"\nclass = "a:B"\n{HOSTS}'


@pytest.mark.parametrize(("line", "key"), SEEMING.values(), ids=SEEMING.keys())
def test_what_a_class_is_made_with(check: RunProgram, line: str, key: str) -> None:
    """What has the name of a secret, as `show` sees it, is told, and how to refer to it instead."""
    (warning,) = warnings(check, f"{CLASS}{line}\n")
    assert (warning["line"], warning["key"]) == (5, key)
    assert warning["message"] == "seems to be a secret in the file itself"
    assert warning["hint"].startswith(f'{key.rpartition(".")[2]} = {{ env = "NAME" }}, or ')
    assert CANARY not in str(warning)


@pytest.mark.parametrize("key", ["token_params", "authorize_params"])
@pytest.mark.parametrize("header", ["", "[profiles.work.when.ci]\n"], ids=["own", "when.ci"])
def test_a_parameter(check: RunProgram, tmp_path: Path, key: str, header: str) -> None:
    """Parameters take no reference: the file is to be nobody else's."""
    (warning,) = warnings(check, f'{WISE}{header}{key} = {{ gate_key = "{CANARY}", tenant = "a" }}\n')
    assert warning["key"].endswith(f"{key}.gate_key")
    assert warning["hint"].startswith(f"chmod 600 {tmp_path / 'profiles.toml'}")
    assert CANARY not in str(warning)


@pytest.mark.parametrize(
    "text",
    [
        WISE,
        f'{CLASS}args = ["ada", "{CANARY}"]\noptions = {{ key_id = "a", password = {{ env = "A" }} }}\n',
        f'{WISE}token_params = {{ token_type = "jwt", tenant = "a" }}\n',
        f'{CLASS}options = {{ token_url = "https://a.com/token" }}\n',
        f"{CLASS}options = {{ cookies = true, tokens = [], key = '' }}\n",
        f'{WISE}client_secret = {{ env = "S" }}\nhttp.proxy = "http://proxy.acme.com:3128"\n',
        f"{PERSON}allow_http = true\nhosts = ['http://localhost:8080', 'https://a.com']\n",
        f'{WISE}[profiles.work.when.ci]\nflow = "client-credentials"\nclient_secret = {{ env = "S" }}\n',
    ],
    ids=["plain", "arguments", "parameters", "URL", "options", "references", "this machine", "when.ci"],
)
def test_what_is_wise(check: RunProgram, text: str) -> None:
    """Nothing is said where there is nothing to say, with --strict neither."""
    done = check(text, "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("nothing wrong\n")


def test_for_people(check: RunProgram) -> None:
    """A warning leaves the exit code at 0, and is told on stderr with a hint."""
    done = check(PERSON)
    assert done.returncode == 0
    assert done.stdout.endswith("1 profile, nothing wrong, 1 warning\n")
    assert done.stderr.startswith("warning: ")
    assert 'hint: hosts = ["api.example.com"]' in done.stderr


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["people", "json"])
def test_strict(check: RunProgram, how: list[str]) -> None:
    """With --strict a warning is a fault: exit code 3."""
    assert check(PERSON, "--strict", *how).returncode == 3


def test_a_parent_is_told_once(check: RunProgram) -> None:
    """What three profiles have from one parent is said at the parent."""
    children = "".join(f"[profiles.c{n}]\nextends = 'work'\n{HOSTS}" for n in range(3))
    (warning,) = warnings(check, f'{WISE}client_secret = "{CANARY}"\n{children}')
    assert warning["line"] == 6


def test_strict_and_the_same_hosts(check: RunProgram) -> None:
    """Two profiles for the same host are no warning: one may be a person's, and the other a machine's."""
    text = WISE + WISE.replace("[profiles.work]", "[profiles.other]")
    done = check(text, "--strict", "--json")
    (note,) = json.loads(done.stdout)["notes"]
    assert (done.returncode, note["line"], note["profile"], note["key"]) == (0, 10, "other", "hosts.0")


def test_a_shadowed_secret_counts_for_nothing(check: RunProgram, tmp_path: Path) -> None:
    """A literal secret in an included file is not told of where an upper file has that profile."""
    team = tmp_path / "team.toml"
    team.write_text(f'{WISE}client_secret = "{CANARY}"\n', "utf-8")
    team.chmod(0o600)
    assert warnings(check, f'include = ["team.toml"]\n{WISE}') == []


def test_a_schema_that_is_missing(check: RunProgram, tmp_path: Path) -> None:
    """A `#:schema` line that names a file that is not there is told of, and what makes it; then no more."""
    text = f"#:schema profiles.schema.json\n{WISE}"
    (warning,) = warnings(check, text)
    file = str(tmp_path / "profiles.toml")
    assert (warning["line"], warning["hint"]) == (1, f"requests-auth --file {file} schema --write")
    assert run(["--file", file, "schema", "--write"]) == 0
    assert (tmp_path / "profiles.schema.json").is_file()
