"""`flow = "command"`: a program of the person's own prints the token."""

import json
import sys
import time
from pathlib import Path

import profiles_file
import pytest
import requests

from requests_auth_profiles import profile
from requests_auth_profiles._program import Program
from requests_auth_profiles.errors import AuthenticationFailed

SECRET = "s3cr3t-t0ken"
NOW = 1_700_000_000.0


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the profiles file; tokens are kept between its auths."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))
    return home


def write(folder: Path, script: str, more: str = "") -> Path:
    """A profiles file with a profile whose command is this Python program, beside the file."""
    (folder / "program.py").write_text(script)
    command = json.dumps([sys.executable, "program.py"])
    return profiles_file.written(folder, f'[profiles.work]\nflow = "command"\ncommand = {command}\n{more}')


def sent(file: Path) -> str | bytes:
    """What goes to an API in the header Authorization."""
    auth = profile("work", file=file)
    return requests.Request("GET", "https://api.acme.com/", auth=auth).prepare().headers["Authorization"]


def printing(folder: Path, text: str) -> Program:
    """A program that prints this."""
    return Program(
        "work", [sys.executable, "-c", f"import sys; sys.stdout.write({text!r})"], folder, lambda: NOW
    )


def test_a_bare_token(folder: Path) -> None:
    """What is printed is the token; the program runs in the folder of the profiles file."""
    assert sent(write(folder, f"print({SECRET!r})")) == f"Bearer {SECRET}"


def test_its_header(folder: Path) -> None:
    """It is written as the profile says."""
    file = write(folder, "print('x')", 'header_name = "X-Token"\nheader_value = "t={token}"\n')
    request = requests.Request("GET", "https://api.acme.com/", auth=profile("work", file=file)).prepare()
    assert request.headers["X-Token"] == "t=x"


def test_it_runs_once(folder: Path, run_python: object) -> None:
    """A token with an end is kept until then, also for other processes."""
    script = f"""
import json, pathlib
runs = pathlib.Path("runs")
runs.write_text((runs.read_text() if runs.exists() else "") + "x")
print(json.dumps({{"version": 1, "token": {SECRET!r}, "expires_at": {time.time() + 3600}}}))
"""
    file = write(folder, script)
    code = "import sys; from requests_auth_profiles import profile; profile('work', file=sys.argv[1]).token()"
    for _ in range(2):
        done = run_python("-c", code, str(file), env=None)  # type: ignore[operator]
        assert done.returncode == 0, done.stderr
    sent(file)
    assert (folder / "runs").read_text() == "x"


def test_a_rejected_token(folder: Path) -> None:
    """Another one is asked for where the API rejects it."""
    file = write(folder, "import time; print(time.monotonic_ns())")
    auth = profile("work", file=file)
    first = auth.token().access_token
    assert auth.token().access_token == first
    source = auth.credential.source  # type: ignore[union-attr]
    assert source.token(rejected=first).access_token != first


@pytest.mark.parametrize(
    ("end", "expires_at"),
    [
        (1_800_000_000, 1_800_000_000),
        (1_800_000_000.5, 1_800_000_000.5),
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000),
        (None, None),
    ],
)
def test_when_it_ends(folder: Path, end: object, expires_at: float | None) -> None:
    """In epoch seconds, as a time with its offset, or not said."""
    token = printing(folder, json.dumps({"version": 1, "token": SECRET, "expires_at": end})).fetch()
    assert (token.access_token, token.expires_at, token.obtained_at) == (SECRET, expires_at, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two\nlines",
        " blank",
        "{",
        "{}",
        "{" * 9000,
        json.dumps({"version": 2, "token": SECRET}),
        json.dumps({"token": SECRET}),
        json.dumps({"version": 1, "token": ""}),
        json.dumps({"version": 1, "token": 5}),
        json.dumps({"version": 1, "token": SECRET, "expires_at": "soon"}),
        json.dumps({"version": 1, "token": SECRET, "expires_at": "2027-01-15T08:00:00"}),
        json.dumps({"version": 1, "token": SECRET, "expires_at": True}),
        json.dumps({"version": 1, "token": SECRET, "expires_at": 1e300}),
        '{"version": 1, "token": "x", "expires_at": NaN}',
    ],
)
def test_what_is_no_token(folder: Path, text: str) -> None:
    """It is an error that says what to print, and not what was printed."""
    with pytest.raises(AuthenticationFailed, match="the command of work gave no token") as caught:
        printing(folder, text).fetch()
    assert caught.value.hint.startswith('have it print {"version": 1')
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_failure(folder: Path) -> None:
    """What the program says on stderr is shown; what it printed is not."""
    file = write(folder, f"import sys; print({SECRET!r}); sys.exit('log in to the vault first')")
    with pytest.raises(
        AuthenticationFailed, match="ended with 1 and said: log in to the vault first"
    ) as caught:
        sent(file)
    assert SECRET not in str(caught.value)
    assert caught.value.hint.startswith("run it by hand: ")


def test_no_program(folder: Path) -> None:
    """One that is not there is said to be."""
    file = profiles_file.written(folder, '[profiles.work]\nflow = "command"\ncommand = ["/nowhere/x"]\n')
    with pytest.raises(AuthenticationFailed, match="cannot start it"):
        sent(file)


@pytest.mark.parametrize("line", ['command = "echo x"', "command = []", "command = [5]", ""])
def test_a_fault(folder: Path, line: str) -> None:
    """A command is a list of text, and must be there."""
    (fault,) = profiles_file.faults(folder, f'[profiles.work]\nflow = "command"\n{line}\n')
    assert "command" in (fault.key, fault.message.partition(":")[0].removeprefix("needs "))
