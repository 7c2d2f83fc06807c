"""The verbs about the profiles file, and what all verbs share: init, list, check, exit codes, output."""

import json
import stat
import sys
from pathlib import Path

import counterparts
import pytest
from conftest import RunProgram

from requests_auth_profiles._config.file import ProfilesFile

WRONG = """\
[profiles.work]
flow = "basic"
username = 5
pasword = "canary-hunter2"
"""
GOOD = """\
default_profile = "work"

[profiles.work]
flow = "api-key"
api_key = { env = "WORK_KEY" }
hosts = ["api.acme.com", "https://files.acme.com/v2/"]
description = "the [bold]gateway[/]"

[profiles.parent]
provider = "okta"
instance = "acme.okta.com"

[profiles.child]
extends = "parent"
flow = "authorization-code-pkce"
client_id = "app"

[profiles.both]
compose = ["work", "child"]
"""


def written(folder: Path, text: str) -> Path:
    """A profiles file for its owner's eyes only."""
    path = folder / "profiles.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def test_init_writes_a_file_that_is_right(home: Path, run_cli: RunProgram) -> None:
    """What `init` writes is at the place where it is looked for, private, and without a fault."""
    done = run_cli("init")
    path = home / ".config/requests-auth/profiles.toml"
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sys.platform == "win32" or stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert run_cli("check").returncode == 0


def test_each_profile_that_init_proposes_is_right(home: Path, run_cli: RunProgram) -> None:
    """With the # before its lines removed, the whole file that `init` writes is one without a fault."""
    path = Path(run_cli("init").stdout.strip())
    lines = path.read_text("utf-8").splitlines()
    starts = ("# [", "# default_profile")
    keys = tuple(f"# {key} = " for key in ("flow", "api_key", "hosts", "provider", "instance", "client_id"))
    keys += tuple(f"# {key} = " for key in ("scopes", "redirect_port", "issuer", "client_secret", "compose"))
    path.write_text(
        "\n".join(line[2:] if line.startswith(starts + keys) else line for line in lines), "utf-8"
    )
    assert ProfilesFile.read(path).names == ["gateway", "work", "nightly", "partner"]


@pytest.mark.parametrize("there", ["file", "link", "dangling link", "folder"])
def test_init_never_writes_over_what_is_there(home: Path, run_cli: RunProgram, there: str) -> None:
    """A file, a link or a folder at that place is left as it is, and the exit code says that it failed."""
    path, other = home / "mine.toml", home / "other.toml"
    if there == "file":
        path.write_text("# mine", "utf-8")
    elif there == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
        if there == "link":
            other.write_text("# mine", "utf-8")
    before = [
        (one, one.lstat().st_mode, one.is_file() and one.read_bytes()) for one in sorted(home.iterdir())
    ]
    done = run_cli("init", "--file", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is there already, and was left as it is" in done.stderr
    assert before == [
        (one, one.lstat().st_mode, one.is_file() and one.read_bytes()) for one in sorted(home.iterdir())
    ]


@pytest.mark.platform("linux")
def test_init_where_nothing_can_be_written(ordinary_user: counterparts.OrdinaryUser) -> None:
    """A folder that cannot be written is an error that names it, not a traceback."""
    done = ordinary_user.run_python("-m", "requests_auth_profiles", "init", "--file", "/proc/x/profiles.toml")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write /proc/x/profiles.toml: ")
    assert "\nhint: " in done.stderr


def test_check_tells_all_faults_and_no_value(home: Path, run_cli: RunProgram) -> None:
    """A wrong file ends with 3; each fault has its line and what to write, and no value is shown."""
    path = written(home, WRONG)
    done = run_cli("check", "--file", str(path))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: 3 faults in the profiles file\n"
        f"  {path}:1: profile 'work': needs password: the user's password\n"
        '    hint: password = { env = "NAME" }\n'
        f"  {path}:3: profile 'work', username: is a number, not text or a reference\n"
        '    hint: username = { env = "NAME" }\n'
        f"  {path}:4: profile 'work', pasword: is not a known key\n"
        "    hint: did you mean 'password'?\n"
    )


@pytest.mark.parametrize("verb", ["list", "status", "token", "login", "logout", "request"])
def test_every_verb_ends_with_3_on_a_wrong_file(home: Path, run_cli: RunProgram, verb: str) -> None:
    """Whatever is asked for, a wrong file is told in the same way."""
    path = written(home, WRONG)
    words = ("work", "https://api.acme.com/") if verb == "request" else ()
    done = run_cli("--file", str(path), verb, *words)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: 3 faults in the profiles file\n")
    assert "canary" not in done.stderr


def test_check_as_json(home: Path, run_cli: RunProgram) -> None:
    """A program gets the same faults, with the same exit code."""
    path = written(home, WRONG)
    done = run_cli("check", "--file", str(path), "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (3, "")
    assert [(one["line"], one["profile"], one["key"]) for one in said["faults"]] == [
        (1, "work", ""),
        (3, "work", "username"),
        (4, "work", "pasword"),
    ]


def test_check_looks_secrets_up_if_it_is_asked_to(
    home: Path, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is not there is a fault of the environment: told by --secrets, with what to type."""
    path = written(home, GOOD)
    assert run_cli("check", "--file", str(path)).returncode == 0
    done = run_cli("check", "--file", str(path), "--secrets")
    assert done.returncode == 3
    assert (
        f"{path}:5: profile 'work', api_key = {{ env = \"WORK_KEY\" }}: the variable is not set"
        in done.stderr
    )
    assert "export WORK_KEY=…" in done.stderr
    monkeypatch.setenv("WORK_KEY", "canary-k3y")
    done = run_cli("check", "--file", str(path), "--secrets")
    assert (done.returncode, done.stdout) == (0, f"{path}: 3 profiles, nothing wrong, 1 warning\n")


def test_check_finds_a_composition_that_writes_a_header_twice(home: Path, run_cli: RunProgram) -> None:
    """Two members of one header are told like every other fault, with the line and what to do."""
    path = written(home, GOOD + '[profiles.twice]\ncompose = ["child", "both"]\n')
    done = run_cli("check", "--file", str(path))
    assert done.returncode == 3
    assert done.stderr == (
        "error: 1 fault in the profiles file\n"
        f"  {path}:21: profile 'twice', compose: puts 'child' and 'child' together, "
        "which both write the header Authorization\n"
        "    hint: leave one out, or give one another header_name or name\n"
    )


def test_list_shows_what_is_there(home: Path, run_cli: RunProgram) -> None:
    """Every profile that can be used is listed, as text that nothing in the file can style."""
    path = written(home, GOOD)
    done = run_cli("list", "--file", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["profile", "flow", "provider", "goes", "to", "description"],
        ["*", "work", "api-key", "api.acme.com,", "https://files.acme.com/v2", "the", "[bold]gateway[/]"],
        ["child", "authorization-code-pkce", "acme.okta.com", "any", "https", "host"],
        ["both", "compose", "work", "+", "child", "api.acme.com,", "https://files.acme.com/v2"],
    ]


def test_list_marks_the_one_that_is_meant(
    home: Path, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQUESTS_AUTH_PROFILE comes before `default_profile`."""
    monkeypatch.setenv("REQUESTS_AUTH_PROFILE", "both")
    done = run_cli("list", "--json", "--file", str(written(home, GOOD)))
    assert [row["name"] for row in json.loads(done.stdout) if row["default"]] == ["both"]


def test_list_as_json(home: Path, run_cli: RunProgram) -> None:
    """A program gets the same."""
    done = run_cli("list", "--json", "--file", str(written(home, GOOD)))
    rows = json.loads(done.stdout)
    assert [(row["name"], row["default"]) for row in rows] == [
        ("work", True),
        ("child", False),
        ("both", False),
    ]
    assert rows[0]["hosts"] == ["api.acme.com", "https://files.acme.com/v2"]


def test_the_file_may_be_named_before_or_behind_the_verb(home: Path, run_cli: RunProgram) -> None:
    """`--file` is taken at either place."""
    path = written(home, GOOD)
    before, behind = run_cli("--file", str(path), "list"), run_cli("list", "--file", str(path))
    assert before.returncode == 0
    assert before.stdout == behind.stdout


def test_no_file_is_an_error_that_says_how_to_begin(home: Path, run_cli: RunProgram) -> None:
    """Where there is no file, the hint is the command that writes one."""
    done = run_cli("list")
    path = home / ".config/requests-auth/profiles.toml"
    assert done.returncode == 3
    assert done.stderr == f"error: there is no profiles file {path}\nhint: requests-auth init\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["list", "--nonsense"], ["request", "work"], ["logout", "x", "--all"]]
)
def test_wrong_usage_ends_with_2(home: Path, run_cli: RunProgram, arguments: list[str]) -> None:
    """A command line that is wrong is told in click's words."""
    written(home, GOOD)
    done = run_cli(*arguments, "--file", str(home / "profiles.toml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: requests-auth")


def test_no_colour_where_it_is_no_terminal(home: Path, run_cli: RunProgram) -> None:
    """In a pipe, nothing that is written holds an escape sequence."""
    path = written(home, GOOD)
    for words in (["list"], ["check"], ["status"], ["token", "nope"], ["--help"]):
        done = run_cli("--file", str(path), *words)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.platform("linux")
def test_output_that_nobody_takes(home: Path, run_python: RunProgram) -> None:
    """A pipe that is closed and a disk that is full end with 1 and no traceback."""
    path = written(
        home, GOOD + "".join(f'[profiles.p{n}]\nflow = "bearer"\ntoken = "t"\n' for n in range(900))
    )
    shell = "{python} -m requests_auth_profiles --file {path} list {end}"
    full = counterparts.run("sh", "-c", shell.format(python=sys.executable, path=path, end="> /dev/full"))
    assert full.returncode == 1
    assert full.stderr.startswith("error: cannot write: No space left on device\n")
    closed = counterparts.run("sh", "-c", shell.format(python=sys.executable, path=path, end="| true"))
    assert closed.stderr == ""


def test_the_package_runs_as_a_module(run_cli: RunProgram) -> None:
    """`python -m requests_auth_profiles` is the same command line."""
    from requests_auth_profiles import __version__

    assert run_cli("--version").stdout == f"requests-auth, version {__version__}\n"
