"""`requests-auth add NAME`: one more profile in the file, and every other byte as it was."""

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import profiles_file
import pytest
from conftest import RunProgram
from profiles_file import KEY
from terminal import Terminal

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.kinds import REFERENCES
from requests_auth_profiles.cli.answers import reference

OKTA = ("--provider", "okta", "--flow", "client-credentials", "--set", "instance=acme.okta.com")
MACHINE = (*OKTA, "--set", "client_id=0oa1", "--set", "client_secret=env:NIGHTLY_SECRET")
SECRET = "canary-s3cret"


def usual(home: Path) -> Path:
    """Where the file is."""
    return home / ".config/requests-auth/profiles.toml"


def table(path: Path, name: str) -> dict[str, Any]:
    """What a profile says in a file without a fault."""
    assert name in ProfilesFile.read(path).names
    found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))["profiles"][name]
    return found


CALLS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "a machine": (
        (*MACHINE, "--set", "scopes=api.read api.write", "--host", "api.acme.com", "--host", "*.acme.org"),
        {
            "flow": "client-credentials",
            "hosts": ["api.acme.com", "*.acme.org"],
            "provider": "okta",
            "client_id": "0oa1",
            "instance": "acme.okta.com",
            "client_secret": {"env": "NIGHTLY_SECRET"},
            "scopes": ["api.read", "api.write"],
        },
    ),
    "a person": (
        (
            *("--issuer", "https://login.acme.com", "--flow", "authorization-code-pkce"),
            *("--set", "client_id=12", "--set", "redirect_port=5000,0", "--set", "scopes=a,b"),
            *("--description", "for us, in “Rome”"),
        ),
        {
            "description": "for us, in “Rome”",
            "flow": "authorization-code-pkce",
            "issuer": "https://login.acme.com",
            "client_id": "12",
            "scopes": ["a,b"],
            "redirect_port": [5000, 0],
        },
    ),
    "a key": (
        ("--flow", "api-key", "--set", 'api_key=command:op read "op://a b/c"', "--set", "in=query"),
        {"flow": "api-key", "api_key": {"command": ["op", "read", "op://a b/c"]}, "in": "query"},
    ),
    "a reference as in the file": (
        ("--flow", "bearer", "--set", 'token={ file = "t.txt" }', "--set", "header_value=x {token}"),
        {"flow": "bearer", "token": {"file": "t.txt"}, "header_value": "x {token}"},
    ),
    "a composition": (("--set", "compose=work"), {"compose": ["work"]}),
    "a child": (("--set", "extends=work", "--set", "name=X-K"), {"extends": "work", "name": "X-K"}),
    "a program": (
        ("--flow", "command", "--set", "command=gcloud auth 'a b'"),
        {"flow": "command", "command": ["gcloud", "auth", "a b"]},
    ),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_profile_from_options(home: Path, cli: RunProgram, kind: str) -> None:
    """Without a terminal, options say all that a profile needs, and it is written as they say."""
    options, expected = CALLS[kind]
    path = profiles_file.written(home, KEY)
    done = cli("--file", str(path), "add", "new", *options)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"Wrote new into {path}. Next: requests-auth ")
    assert path.read_text("utf-8").startswith(KEY)
    assert table(path, "new") == expected


@pytest.mark.parametrize(
    "before",
    [
        KEY,
        KEY.rstrip("\n"),
        KEY.replace("\n", "\r\n"),
        KEY.replace("\n", "\r\n").rstrip(),
        f"{KEY}\n\n# the end",
        f"# é\n{KEY}",
        "[profiles]\na = { flow = 'ntlm' }\n",
        "profiles.a.flow = 'ntlm'",
        "",
        "\n",
    ],
)
def test_every_other_byte_stays(home: Path, cli: RunProgram, before: str) -> None:
    """What stood in the file is the beginning of what stands there then, line ends included."""
    path = profiles_file.written(home, before)
    assert cli("--file", str(path), "add", "new", *MACHINE).returncode == 0
    after = path.read_bytes()
    assert after.startswith(before.encode())
    added = after[len(before.encode()) :]
    assert added.count(b"\r\n") == (added.count(b"\n") if "\r\n" in before else 0)
    assert before == "" or added.endswith(b"\n") == before.endswith("\n")
    assert table(path, "new")["client_id"] == "0oa1"


def test_no_file_yet(home: Path, cli: RunProgram) -> None:
    """Where there is no file, it is made as `init` makes it, with the profile behind what that writes."""
    assert cli("add", "new", *MACHINE).returncode == 0
    other = home / "other.toml"
    assert cli("init", "--file", str(other)).returncode == 0
    assert usual(home).read_bytes().startswith(other.read_bytes())
    assert sys.platform == "win32" or stat.S_IMODE(usual(home).stat().st_mode) == 0o600
    assert table(usual(home), "new")["instance"] == "acme.okta.com"


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ((), "--flow (or --set compose=…)"),
        (("--flow", "basic"), "--set username=…, --set password=env:NAME"),
        (("--flow", "implicit"), "--provider, --issuer or --set authorization_url=…, --set client_id=…"),
        (OKTA[:4], "--set instance=…, --set client_id=…, --set client_secret=env:NAME"),
    ],
)
def test_what_is_missing_without_a_terminal(
    home: Path, cli: RunProgram, options: tuple[str, ...], missing: str
) -> None:
    """What nobody can be asked for is a usage error that names every option, and nothing is written."""
    done = cli("add", "new", *options)
    assert done.returncode == 2
    assert done.stderr.endswith(f"Error: there is no terminal to ask at: say {missing}\n")
    assert not usual(home).exists()


@pytest.mark.parametrize(
    ("name", "options", "code", "said"),
    [
        ("a/b", MACHINE, 2, "is not a name that a profile can have"),
        ("con", MACHINE, 2, "is the name of a device on Windows"),
        ("Work", MACHINE, 3, "there is a profile work already"),
        ("new", ("--provider", "otka"), 2, "did you mean 'okta'?"),
        ("new", ("--flow", "bearer", "--set", "toke=x"), 2, "did you mean 'token'?"),
        ("new", ("--flow", "bearer", "--set", "token"), 2, "it is KEY=VALUE"),
        (
            "new",
            (*MACHINE, "--set", "http={ proxy = 'http://u:canary@p:1' }"),
            2,
            "proxy is a secret, and would stand in the file: say where it is",
        ),
        (
            "new",
            ("--flow", "bearer", "--set", "token=env:A=B"),
            2,
            "its env is not the name alone of a variable",
        ),
        ("new", ("--set", "extends=nobody"), 2, "there is no such profile; there are work"),
        ("new", ("--flow", "basic", "--set", "timeout=x"), 2, "timeout is text, not a number of seconds"),
        ("new", (*MACHINE, "--set", "api_key=env:X"), 3, "is not a key of flow 'client-credentials'"),
        ("new", (*MACHINE, "--host", "http://api.acme.com"), 3, "is plain http"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    home: Path, cli: RunProgram, name: str, options: tuple[str, ...], code: int, said: str
) -> None:
    """A name or value that cannot be is an error that says why, and the file is as it was."""
    path = profiles_file.written(home, KEY)
    done = cli("--file", str(path), "add", name, *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert path.read_text("utf-8") == KEY


@pytest.mark.platform("linux", "darwin")
def test_over_one_of_the_sites(home: Path, cli: RunProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile of the site's can be put another over, in one's own file."""
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(home / "xdg"))
    (home / "xdg/requests-auth").mkdir(parents=True)
    profiles_file.written(home / "xdg/requests-auth", KEY)
    done = cli("add", "work", "--flow", "bearer", "--set", "token=env:T")
    assert done.returncode == 0, done.stderr
    own = tomllib.loads((home / ".config/requests-auth/profiles.toml").read_text("utf-8"))
    assert own["profiles"]["work"]["flow"] == "bearer"


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf" + KEY.encode(), b"[profiles.work]\nflow = 1\n", b"\xff"])
def test_a_file_that_is_wrong_is_left(home: Path, cli: RunProgram, before: bytes) -> None:
    """A byte order mark or a fault that is there already is told, and nothing is added to it."""
    path = profiles_file.written(home, before)
    done = cli("--file", str(path), "add", "new", *MACHINE)
    assert done.returncode == 3
    assert path.read_bytes() == before


def test_a_secret_is_not_written_unasked(home: Path, cli: RunProgram) -> None:
    """A secret in an option is refused, and not shown; how it can be written is told."""
    done = cli("add", "new", "--flow", "bearer", "--set", f"token={SECRET}")
    assert done.returncode == 2
    assert "--literal token" in done.stderr
    assert SECRET not in done.stderr
    assert not usual(home).exists()


def test_a_secret_is_written_if_it_is_asked_for(home: Path, run_cli: RunProgram) -> None:
    """`--literal` takes it from standard input, warns, and does not show it."""
    done = run_cli("add", "new", "--flow", "bearer", "--literal", "token", input=f"{SECRET}\n")
    assert done.returncode == 0
    assert "token will stand in the file in clear" in done.stderr
    assert SECRET not in done.stderr
    assert table(usual(home), "new") == {"flow": "bearer", "token": SECRET}


@pytest.mark.platform("linux")
def test_a_secret_in_a_file_that_others_read(home: Path, run_cli: RunProgram) -> None:
    """The permissions of the file stay; a secret is not written where others read."""
    path = profiles_file.written(home, KEY, 0o644)
    literal = ("--flow", "bearer", "--literal", "token")
    done = run_cli("--file", str(path), "add", "new", *literal, input=f"{SECRET}\n")
    assert done.returncode == 3
    assert "is a secret in a file that others can read" in done.stderr
    assert run_cli("--file", str(path), "add", "new", *MACHINE).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.platform("linux", "darwin")
def test_a_linked_file_stays_a_link(home: Path, cli: RunProgram) -> None:
    """What a link leads to is changed, and the link is one still."""
    (home / "dotfiles").mkdir(mode=0o700)
    real, link = profiles_file.written(home / "dotfiles", KEY), home / "link.toml"
    link.symlink_to(real)
    assert cli("--file", str(link), "add", "new", *MACHINE).returncode == 0
    assert link.is_symlink()
    assert real.read_text("utf-8").startswith(KEY)
    assert table(real, "new")["provider"] == "okta"
    assert [one.name for one in real.parent.iterdir()] == ["profiles.toml"]


@pytest.mark.platform("linux", "darwin")
def test_many_at_once(home: Path) -> None:
    """Of several programs that add a profile at the same time, none loses another's."""
    path = profiles_file.written(home, KEY)
    words = [sys.executable, "-m", "requests_auth_profiles", "--file", str(path), "add"]
    running = [subprocess.Popen([*words, f"p{n}", *MACHINE], stdin=subprocess.DEVNULL) for n in range(6)]
    assert [one.wait() for one in running] == [0] * 6
    assert sorted(ProfilesFile.read(path).names) == ["p0", "p1", "p2", "p3", "p4", "p5", "work"]


@pytest.mark.platform("linux", "darwin")
def test_a_person_is_asked_what_the_provider_needs(home: Path) -> None:
    """At a terminal each thing that is missing is asked for, once more where the answer cannot be."""
    terminal = Terminal("add", "work")
    terminal.answer("provider [none]:", "otka")
    terminal.answer("did you mean 'okta'?", "okta")
    terminal.answer("flow [authorization-code-pkce]:", "client-credentials")
    terminal.answer("instance: the Okta host, as acme.okta-emea.com:", "https://acme.okta.com/")
    terminal.answer("is a URL, not a host", "acme.okta.com")
    terminal.answer("client_id:", "0oa1")
    terminal.answer("[env:WORK_CLIENT_SECRET]:", "")
    terminal.answer("scopes [none]:", "api.read")
    terminal.answer("hosts that it may go to", "api.acme.com, api.acme.org")
    assert terminal.end() == 0
    assert table(usual(home), "work") == {
        "flow": "client-credentials",
        "hosts": ["api.acme.com", "api.acme.org"],
        "provider": "okta",
        "client_id": "0oa1",
        "instance": "acme.okta.com",
        "client_secret": {"env": "WORK_CLIENT_SECRET"},
        "scopes": ["api.read"],
    }


@pytest.mark.platform("linux", "darwin")
def test_a_secret_is_typed_unseen(home: Path) -> None:
    """A person who wants a secret in the file is warned, and what they type is not shown."""
    terminal = Terminal("add", "key", "--flow", "api-key")
    terminal.answer("[env:KEY_API_KEY]:", "literal")
    terminal.answer("api_key:", SECRET)
    terminal.answer("hosts that it may go to", "")
    assert terminal.end() == 0
    assert SECRET not in terminal.seen
    assert "will stand in the file in clear" in terminal.seen
    assert table(usual(home), "key") == {"flow": "api-key", "api_key": SECRET}


def test_its_help_names_each_reference(cli: RunProgram) -> None:
    """Whoever reads it knows in which forms a secret can be said; each is taken."""
    said = " ".join(cli("add", "--help").stdout.split())
    for how in REFERENCES:
        assert re.search(rf"\b{how}:[A-Z]+\b", said)
        assert reference(f"{how}:x") in ({how: "x"}, {how: ["x"]})
