"""What an error says to type next: it is for the file that was named, and so does what it says."""

import shlex
from pathlib import Path

import pytest
from conftest import RunProgram
from profiles_file import KEY, PERSON, written

ELSEWHERE = pytest.mark.parametrize(
    ("words", "verb"),
    [
        (["edit", "nobody"], "list"),
        (["init"], "check"),
        (["add", "work", "--flow", "ntlm"], "edit work"),
        (["login", "person"], "login person"),
    ],
    ids=["edit", "init", "add", "login"],
)

BOUND = """
[profiles.bound]
flow = "client-credentials"
token_url = "https://login.acme.com/token"
client_id = "nightly"
client_secret = { env = "NIGHTLY_SECRET" }
dpop = true
"""


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in a folder with a blank, where nobody can be asked."""
    monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "0")
    monkeypatch.setenv("VISUAL", "true")
    folder = home / "my files"
    folder.mkdir()
    return written(folder, KEY + PERSON.replace("work", "person"))


@pytest.mark.platform("linux", "darwin")
@ELSEWHERE
@pytest.mark.parametrize("behind", [True, False], ids=["behind", "before"])
def test_the_file_that_was_named(
    cli: RunProgram, file: Path, words: list[str], verb: str, *, behind: bool
) -> None:
    """It stands in the command, in quotes where a shell needs them, wherever it was said."""
    named = ["--file", str(file)]
    done = cli(*words, *named) if behind else cli(*named, *words)
    assert f"requests-auth --file {shlex.quote(str(file))} {verb}" in done.stderr
    assert done.stderr.count("requests-auth ") == done.stderr.count("requests-auth --file ")


@ELSEWHERE
def test_no_file_was_named(
    cli: RunProgram, file: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], verb: str
) -> None:
    """What the environment names is named there the next time too."""
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    done = cli(*words)
    assert f"requests-auth {verb}" in done.stderr
    assert "requests-auth --file" not in done.stderr


def test_a_file_that_is_missing(cli: RunProgram, home: Path) -> None:
    """A hint that names the file itself names it once."""
    done = cli("list", "--file", str(home / "none.toml"))
    assert f"hint: requests-auth init --file {home / 'none.toml'}\n" in done.stderr


@pytest.mark.platform("linux", "darwin")
@pytest.mark.parametrize(
    ("words", "then"),
    [
        (["init"], "check"),
        (
            ["add", "new", "--flow", "basic", "--set", "username=alice", "--set", "password=env:WORD"],
            "show new",
        ),
        (["token", "bound", "--header"], "request bound URL"),
        (["check"], "schema --write"),
        (["check", "--strict"], "schema --write"),
    ],
    ids=["init", "add", "token", "check", "strict"],
)
def test_what_is_no_error(cli: RunProgram, file: Path, words: list[str], then: str) -> None:
    """What is told besides, as how to go on, is for that file too."""
    if words == ["init"]:
        file.unlink()
    else:
        file.write_text(f"#:schema profiles.schema.json\n{file.read_text()}{BOUND}")
    done = cli(*words, "--file", str(file))
    assert f"requests-auth --file {shlex.quote(str(file))} {then}" in done.stderr
