"""The verb exec: a program gets the token in its environment, and is then on its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from conftest import RunProgram
from profiles_file import written

PROFILES = """
[profiles.me]
flow = "bearer"
token = "canary-t0ken"

[profiles.gateway]
flow = "api-key"
api_key = "canary-k3y"
in = "query"

[profiles.both]
compose = ["me", "gateway"]

[profiles.bound]
flow = "client-credentials"
token_url = "https://login.acme.com/token"
client_id = "nightly"
client_secret = "s3cret"
dpop = true

[profiles.missing]
flow = "bearer"
token = { env = "NOT_SET" }
"""
SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"

Exec = Callable[..., CompletedProcess[str]]


@pytest.fixture
def execute(run_cli: RunProgram, home: Path, monkeypatch: pytest.MonkeyPatch) -> Exec:
    """`requests-auth exec …`, for a file of five profiles."""
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(written(home, PROFILES)))
    return lambda *words, **options: run_cli("exec", *words, **options)


def test_the_token_is_in_the_environment_alone(execute: Exec) -> None:
    """The program has token and header in its variables, and its arguments as they were."""
    done = execute("me", "--", sys.executable, "-c", SHOW, "a b", "--header", "")
    arguments, environment = json.loads(done.stdout)
    assert arguments == ["a b", "--header", ""]
    assert {name: value for name, value in environment.items() if "canary" in value} == {
        "REQUESTS_AUTH_TOKEN": "canary-t0ken",
        "REQUESTS_AUTH_HEADER": "Authorization: Bearer canary-t0ken",
    }
    assert done.stderr == ""


@pytest.mark.platform("linux")
def test_the_token_is_in_no_command_line(execute: Exec) -> None:
    """What everybody on the machine can read of the program does not hold the token."""
    done = execute("me", "--env", "X=Bearer {token}", "--", "cat", "/proc/self/cmdline", "/proc/self/environ")
    line, _, environment = done.stdout.partition("environ\0")
    assert "canary" not in line
    assert "X=Bearer canary-t0ken" in environment


def test_variables_of_ones_own(execute: Exec) -> None:
    """`--env` puts the token under another name, in a text, or sets what has no token in it."""
    forms = {
        "GH_TOKEN": None,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_VALUE_0": "{header}",
        "URL": "https://x:{token}@a/?b={c}",
    }
    words = [f"--env={name}" if form is None else f"--env={name}={form}" for name, form in forms.items()]
    _, environment = json.loads(execute(*words, "me", "--", sys.executable, "-c", SHOW).stdout)
    assert [environment[name] for name in forms] == [
        "canary-t0ken",
        "1",
        "Authorization: Bearer canary-t0ken",
        "https://x:canary-t0ken@a/?b={c}",
    ]


def test_a_key_in_the_query_has_no_header(execute: Exec) -> None:
    """A profile whose key goes into the query gives its key, and no header."""
    _, environment = json.loads(execute("gateway", "--", sys.executable, "-c", SHOW).stdout)
    assert environment["REQUESTS_AUTH_TOKEN"] == "canary-k3y"
    assert "REQUESTS_AUTH_HEADER" not in environment


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["me"], 2, "Missing argument 'COMMAND...'"),
        (["both", "--", "true"], 2, "both has several credentials: name one of me, gateway"),
        (["bound", "--", "true"], 2, "the token of bound is bound to a key (dpop)"),
        (["gateway", "--env", "X={header}", "--", "true"], 2, "gateway does not go into a header"),
        (["me", "--env", "=x", "--", "true"], 2, "a variable is NAME, or NAME=FORM"),
        (["me", "--", "no-such-program"], 1, "there is no program no-such-program"),
        (["missing", "--", "echo", "ran"], 3, "NOT_SET"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_runs(
    execute: Exec, words: list[str], code: int, said: str
) -> None:
    """A wrong call, a program that is not there, a secret that is not: an error and its code."""
    done = execute(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "canary" not in done.stderr


@pytest.mark.platform("linux", "darwin")
def test_a_file_that_is_no_program_is_told(execute: Exec, tmp_path: Path) -> None:
    """What the system cannot start is an error with its reason, and shows no token."""
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF\x00")
    path.chmod(0o755)
    done = execute("me", "--", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot start {path}: " in done.stderr
    assert "canary" not in done.stderr


def test_the_exit_code_is_the_programs(execute: Exec) -> None:
    """Whatever the program ends with is what the caller sees."""
    assert execute("me", "--", sys.executable, "-c", "raise SystemExit(42)").returncode == 42


def test_standard_input_is_the_programs(execute: Exec) -> None:
    """What is piped in is read by the program."""
    done = execute("me", "--", sys.executable, "-c", "print(input()[::-1])", input="abc\n")
    assert done.stdout == "cba\n"


@pytest.mark.platform("linux", "darwin")
def test_signals_are_the_programs(execute: Exec, home: Path) -> None:
    """The program has our process: a signal reaches it, and ends it as it would without us."""
    command = [sys.executable, "-m", "requests_auth_profiles", "exec", "me", "--"]
    script = "echo ready; exec sleep 60"
    with subprocess.Popen([*command, "sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM
    # A shell that writes to nobody is ended by the signal that Python itself ignores.
    done = execute("me", "--", "sh", "-c", "kill -PIPE $$; echo alive")
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "")
