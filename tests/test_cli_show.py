"""The verb `show`: what holds for a profile, what set it, and that no secret is told."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import RunProgram
from profiles_file import written

CANARY = "canary-hunter2"
FILE = """\
include = ["team.toml"]

[profiles.base]
provider = "okta"
instance = "acme.okta-emea.com"
token_params = { a = "1", b = "2" }
authorize_params.prompt = "login"
http.retries = 1

[profiles.work]
extends = "base"
flow = "authorization-code-pkce"
client_id = "person"
redirect_port = 8080
token_params.b = "3"
http.ca_bundle = "acme.pem"

[profiles.work.when.ci]
flow = "client-credentials"
client_secret = { env = "NIGHTLY_SECRET" }
token_params.c = "4"

[profiles.nightly]
extends = "work"

[profiles.key]
flow = "api-key"
api_key = { env = "GATEWAY_KEY" }
hosts = ["api.acme.com"]

[profiles.both]
compose = ["key", "house"]
"""
TEAM = """\
[providers.acme.variables.tenant]
default = "main"
[providers.acme.keys]
token_url = "https://{tenant}.acme.com/token"
[providers.acme.flows.client-credentials]
scopes = ["read"]
[providers.acme.flows.client-credentials.token_params]
d = "5"

[profiles.house]
provider = "acme"
flow = "client-credentials"
client_id = "house"
client_secret = { env = "HOUSE_SECRET" }
token_params.e = "6"
"""
ELSEWHERE, IN_CI = "", "true"
SECRETS = {
    "api-key": f'api_key = "{CANARY}"',
    "basic": f'username = "alice"\npassword = "{CANARY}"',
    "ntlm": f'username = "alice"\npassword = "{CANARY}"',
    "bearer": f'token = "{CANARY}"',
    "client-credentials": (
        f'issuer = "https://a.com"\nclient_id = "x"\nclient_secret = "{CANARY}"\n'
        f'http.proxy = "http://u:{CANARY}@proxy.acme.com:3128"'
    ),
    "password": (
        f'token_url = "https://a.com/t"\nusername = "alice"\npassword = {{ command = ["p", "{CANARY}"] }}'
    ),
    "class": (
        f'class = "a:B"\nargs = ["{CANARY}", 7, ["{CANARY}"], {{ x = "{CANARY}" }}]\n'
        f'options.env = "{CANARY}"\n'
        f'options.deep = {{ a = ["{CANARY}"], b = {{ command = ["p", "{CANARY}"] }} }}'
    ),
    "command": f'command = ["program", "{CANARY}"]',
}


@pytest.fixture
def show(cli: RunProgram) -> RunProgram:
    """Run the verb in this process: `show("work", "--json").stdout`."""
    return partial(cli, "show")


@pytest.fixture
def files(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that includes another, and is the one that is meant; not in CI."""
    team = tmp_path / "team.toml"
    team.write_text(TEAM, "utf-8")
    team.chmod(0o600)
    path = written(tmp_path, FILE)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    monkeypatch.setenv("CI", ELSEWHERE)
    return path


def rows(show: RunProgram, name: str) -> dict[str, Any]:
    """What is told of each key, with its origin."""
    done = show(name, "--origin", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return {row["key"]: row for row in json.loads(done.stdout)["values"]}


def told(row: dict[str, Any]) -> tuple[object, ...]:
    """A value, and all of its origin."""
    return (row["value"], *(row["origin"][part] for part in ("kind", "name", "in_ci", "file", "line")))


def line(text: str, begins: str, after: str) -> int:
    """The number of the first line that begins so, behind another."""
    every = text.splitlines()
    return (
        next(number for number in range(every.index(after) + 1, 99) if every[number].startswith(begins)) + 1
    )


@pytest.mark.parametrize(
    ("name", "ci", "key", "value", "origin", "begins", "after"),
    [
        ("work", "", "client_id", "person", ("profile", "work", False), "client_id", "[profiles.work]"),
        (
            "work",
            "",
            "instance",
            "acme.okta-emea.com",
            ("parent", "base", False),
            "instance",
            "[profiles.base]",
        ),
        (
            "work",
            IN_CI,
            "flow",
            "client-credentials",
            ("profile", "work", True),
            "flow",
            "[profiles.work.when.ci]",
        ),
        (
            *("nightly", IN_CI, "flow", "client-credentials", ("parent", "work", True)),
            *("flow", "[profiles.work.when.ci]"),
        ),
        ("nightly", "", "http.retries", 1, ("parent", "base", False), "http.retries", "[profiles.base]"),
        (
            "nightly",
            "",
            "http.ca_bundle",
            "acme.pem",
            ("parent", "work", False),
            "http.ca",
            "[profiles.work]",
        ),
        ("work", "", "token_params.a", "1", ("parent", "base", False), "token_params", "[profiles.base]"),
        ("work", "", "token_params.b", "3", ("profile", "work", False), "token_params.b", "[profiles.work]"),
        (
            "work",
            IN_CI,
            "token_params.c",
            "4",
            ("profile", "work", True),
            "token_params.c",
            "[profiles.work.when.ci]",
        ),
        (
            "work",
            "",
            "authorize_params.prompt",
            "login",
            ("parent", "base", False),
            "authorize",
            "[profiles.base]",
        ),
    ],
)
def test_what_a_profile_says(
    files: Path,
    show: RunProgram,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ci: str,
    key: str,
    value: object,
    origin: tuple[str, str, bool],
    begins: str,
    after: str,
) -> None:
    """A key that is said is told with who says it, and the line, and so is an entry of a merged table."""
    monkeypatch.setenv("CI", ci)
    place = (str(files), line(FILE, begins, after))
    assert told(rows(show, name)[key]) == (value, *origin, *place)


@pytest.mark.parametrize(
    ("key", "value", "begins", "after"),
    [
        ("token_url", "https://main.acme.com/token", "token_url", "[providers.acme.keys]"),
        ("scopes", ["read"], "scopes", "[providers.acme.flows.client-credentials]"),
        ("tenant", "main", "default", "[providers.acme.variables.tenant]"),
        ("token_params.d", "5", "d", "[providers.acme.flows.client-credentials.token_params]"),
    ],
)
def test_what_a_house_provider_says(
    files: Path, show: RunProgram, key: str, value: object, begins: str, after: str
) -> None:
    """What a house's own provider says has the line of the file that is included."""
    place = (str(files.parent / "team.toml"), line(TEAM, begins, after))
    assert told(rows(show, "house")[key]) == (value, "provider", "acme", False, *place)


@pytest.mark.parametrize(
    ("key", "value", "origin"),
    [
        ("issuer", "https://acme.okta-emea.com/oauth2/default", ("provider", "okta")),
        ("scopes", ["openid"], ("provider", "okta")),
        ("authorization_server", "default", ("provider", "okta")),
        ("timeout", 60, ("default", None)),
    ],
)
def test_what_stands_in_no_file(
    files: Path, show: RunProgram, key: str, value: object, origin: tuple[str, str | None]
) -> None:
    """A known provider's and a bare default have no file and no line."""
    assert told(rows(show, "work")[key]) == (value, *origin, False, None, None)


def test_keys_of_another_flow(files: Path, show: RunProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CI has another flow, keys that mean nothing in it are not told."""
    assert "redirect_port" in rows(show, "work")
    monkeypatch.setenv("CI", IN_CI)
    assert "redirect_port" not in rows(show, "work")


def test_for_people(files: Path, show: RunProgram) -> None:
    """A key is written as in the file, with its place and its origin behind it."""
    said = show("work", "--origin")
    shown = next(one for one in said.stdout.splitlines() if one.startswith("instance"))
    value, _, origin = shown.partition("#")
    assert value.strip() == 'instance = "acme.okta-emea.com"'
    assert origin.strip() == f"profiles.toml:{line(FILE, 'instance', '[profiles.base]')}, parent base"
    assert f"profiles.toml is {files}" in said.stderr


@pytest.mark.parametrize(("ci", "said"), [(ELSEWHERE, None), (IN_CI, "CI")])
def test_where_it_runs(
    files: Path, show: RunProgram, monkeypatch: pytest.MonkeyPatch, ci: str, said: str | None
) -> None:
    """The variable that tells of CI is named, as other keys hold there."""
    monkeypatch.setenv("CI", ci)
    assert json.loads(show("work", "--json").stdout)["ci"] == said


def test_a_composition(files: Path, show: RunProgram) -> None:
    """Each member is told with what it writes, and where it goes."""
    assert json.loads(show("both", "--json").stdout)["members"] == [
        {"name": "key", "writes": ["header X-Api-Key"], "hosts": ["api.acme.com"]},
        {"name": "house", "writes": ["header Authorization"], "hosts": None},
    ]


def test_a_template(files: Path, show: RunProgram) -> None:
    """A profile that is only there to be extended is shown, with what it lacks."""
    done = show("base")
    assert done.returncode == 0
    assert 'provider = "okta"' in done.stdout
    assert "base can only be extended: it has no flow" in done.stderr


def test_a_template_with_an_open_place(files: Path, show: RunProgram) -> None:
    """What a provider needs, and what a child has to say, is told as such."""
    child = 'extends = "base"\nflow = "authorization-code-pkce"\nclient_id = "x"\ninstance = "acme.okta.com"'
    written(files.parent, f'[profiles.base]\nprovider = "okta"\n[profiles.child]\n{child}\n')
    assert "# instance: not said" in show("base").stdout


@pytest.mark.parametrize(
    "child",
    ['[profiles.child]\nextends = "base"\nflow = "implicit"', '[profiles.base.when.ci]\nflow = "implicit"'],
    ids=["extends", "when.ci"],
)
def test_a_key_that_means_something_else(files: Path, show: RunProgram, child: str) -> None:
    """A token that another flow takes for a word is a fault of that flow, and not told."""
    base = f'[profiles.base]\nflow = "bearer"\ntoken = "{CANARY}"'
    more = 'authorization_url = "https://a.com/a"\nclient_id = "x"'
    written(files.parent, f"{base}\n{child}\n{more}\n")
    done = show("base")
    assert (done.returncode, done.stdout) == (3, "")
    assert "takes another token than profiles.base says" in done.stderr
    assert 'token = "id_token"' in done.stderr
    assert CANARY not in done.stderr


def test_an_unknown_name(files: Path, show: RunProgram) -> None:
    """A name that is not there is an error as with other verbs."""
    done = show("wrok")
    assert (done.returncode, done.stdout) == (3, "")
    assert "there is no profile 'wrok'" in done.stderr


@pytest.mark.parametrize("flow", SECRETS)
@pytest.mark.parametrize("how", [[], ["--origin"], ["--json"]], ids=" ".join)
def test_no_secret(files: Path, show: RunProgram, flow: str, how: list[str]) -> None:
    """Neither a secret in the file, nor a text that may be one, is told."""
    written(files.parent, f'[profiles.work]\nflow = "{flow}"\n{SECRETS[flow]}\n')
    done = show("work", *how)
    assert done.returncode == 0
    assert flow in done.stdout
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ('flow = "api-key"\napi_key = "x"', "api_key", "(a secret in the file)"),
        ('flow = "api-key"\napi_key = { env = "KEY" }', "api_key", '{ env = "KEY" }'),
        (
            'flow = "basic"\nusername = "alice"\npassword = { keyring = "acme" }',
            *("password", '{ keyring = "acme", username = "alice" }'),
        ),
        ('flow = "command"\ncommand = ["program", "x"]', "command", '["program", …]'),
        (
            'flow = "class"\nclass = "a:B"\noptions.a = [{ env = "KEY" }, "x"]',
            *("options.a", '[{ env = "KEY" }, "…"]'),
        ),
        ('flow = "class"\nclass = "a:B"\nargs = [4711, true, 1.5]', "args", "[…, true, …]"),
        (
            'flow = "password"\ntoken_url = "https://a.com/t"\nusername = "x"\npassword = "x"\nhttp.proxy = "http://a:1"',
            *("http.proxy", "http://a:1"),
        ),
    ],
)
def test_what_is_told_of_a_secret(files: Path, show: RunProgram, text: str, key: str, value: object) -> None:
    """Where it comes from is told, and the shape of what it stands in."""
    written(files.parent, f"[profiles.work]\n{text}\n")
    assert rows(show, "work")[key]["value"] == value
