"""The key `browser`: what opens is what a profile names, and nothing else where that is not there."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import RunProgram
from profiles_file import PERSON, oauth2, written

from requests_auth_profiles.testing import AuthorizationServer, Client

pytestmark = pytest.mark.platform("linux", "darwin")

URL = "https://idp.example/authorize?state=a&x=$HOME;`id`#%s"
MISSING = "browser-that-nobody-has"
INVITING = """
import sys, threading
from requests_auth_profiles._oauth2.attendant import BrowserAttendant

if "closed" in sys.argv:
    sys.stderr = None
try:
    BrowserAttendant(sys.argv[2].split("|")).invite("work", "idp.example", sys.argv[1])
except Exception as error:
    print(error)
for thread in threading.enumerate():
    if thread.name == "requests-auth-browser":
        thread.join(20)
"""
# Follows redirects, as a browser does, and lasts a while afterwards, as many do.
LASTING = """
import pathlib, sys, time, urllib.request

urllib.request.urlopen(sys.argv[-1]).read()
time.sleep(15)
pathlib.Path(__file__).with_name("closed").touch()
"""
Telling = Callable[[str], Path]
Invited = Callable[..., tuple[str, str]]


@pytest.fixture
def telling(tmp_path: Path) -> Telling:
    """A browser of this name, in a folder with a blank, that writes down what it is told: its path."""
    folder = tmp_path / "my apps"
    folder.mkdir()

    def make(name: str) -> Path:
        path = folder / name
        path.write_text('#!/bin/sh\nprintf "%s|" "$@" > "$0.told"\necho noise; echo noise >&2\n')
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def invited(run_python: RunProgram, telling: Telling, monkeypatch: pytest.MonkeyPatch) -> Invited:
    """Invites a person with a browser of these words; gives what is printed and what is said.

    Another browser is there, which the environment names and which must not open.
    """
    other = telling("other")
    monkeypatch.setenv("BROWSER", f"'{other}' %s")
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("PATH", str(other.parent), prepend=os.pathsep)

    def run(*words: str, how: str = "") -> tuple[str, str]:
        done = run_python("-c", INVITING, URL, "|".join(words), how)
        assert not told(other)
        return done.stdout, done.stderr

    return run


def told(path: Path) -> list[str]:
    """What a browser was told."""
    notes = path.with_name(f"{path.name}.told")
    return notes.read_text().split("|")[:-1] if notes.exists() else []


@pytest.mark.parametrize("name", ["firefox", "chromium", "google-chrome", "w3m", "acme-browser"])
def test_a_name(telling: Telling, invited: Invited, name: str) -> None:
    """A name that Python knows opens that browser, and any other the program of that name."""
    path = telling(name)
    invited(name)
    assert URL in told(path)


@pytest.mark.parametrize("name", ["firefox", "browser of ours"])
def test_a_path(telling: Telling, invited: Invited, name: str) -> None:
    """A path is one word, blanks and all."""
    path = telling(name)
    invited(str(path))
    assert told(path)[-1] == URL


def test_a_path_in_the_home_folder(home: Path, telling: Telling, invited: Invited) -> None:
    """`~` is the home folder."""
    telling("ours").rename(home / "ours")
    invited("~/ours")
    assert told(home / "ours") == [URL]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--profile-directory=Work One"], ["--profile-directory=Work One", URL]),
        (["--app=%s", "-x"], [f"--app={URL}", "-x"]),
        (["$HOME", "%s"], ["$HOME", URL]),
    ],
    ids=["behind", "inside", "no shell"],
)
def test_arguments(telling: Telling, invited: Invited, arguments: list[str], expected: list[str]) -> None:
    """Each is one argument as it stands; the address is where %s is, else the last."""
    path = telling("google-chrome")
    stdout, stderr = invited("google-chrome", *arguments)
    assert told(path) == expected
    assert "noise" not in stdout + stderr


@pytest.mark.parametrize("words", [[MISSING], ["/nowhere/firefox"], [MISSING, "--new-window", "%s"], ["/"]])
def test_one_that_is_not_there(invited: Invited, words: list[str]) -> None:
    """No other opens: the address is told, with the profile, the key and what to type."""
    stdout, stderr = invited(*words)
    assert stdout == ""
    assert stderr == (
        f"No browser opens: browser of profile 'work' names {words[0]}, which is not to be found.\n"
        "  hint: install it, or name another: requests-auth edit work\n"
        f"Sign in to idp.example for work at:\n{URL}\n"
    )


@pytest.mark.parametrize("name", ["browser.cmd", "Browser.BAT"])
def test_a_batch_file(telling: Telling, invited: Invited, name: str) -> None:
    """It is not started, as Windows has a shell do that, and a provider has a hand in the address."""
    path = telling(name)
    _, stderr = invited(name, "--new-window")
    assert told(path) == []
    assert f"browser of profile 'work' names {name}, which is a batch file, whose shell" in stderr
    assert stderr.endswith(f"at:\n{URL}\n")


def test_one_that_is_not_there_and_nobody_to_tell(invited: Invited) -> None:
    """Without a stderr that is an error at once: nobody would know what is waited for."""
    stdout, _ = invited(MISSING, how="closed")
    assert stdout.startswith(f"browser of profile 'work' names {MISSING}, which is not to be found\n  hint: ")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('"firefox"', ("firefox",)),
        ('"/Applications/My Browser"', ("/Applications/My Browser",)),
        ('["google-chrome", "--incognito"]', ("google-chrome", "--incognito")),
    ],
)
@pytest.mark.parametrize("flow", ["authorization-code-pkce", "authorization-code", "implicit"])
def test_as_it_is_read(tmp_path: Path, said: str, words: tuple[str, ...], flow: str) -> None:
    """A text is one word; a list is a program and its arguments; each flow with a browser takes it."""
    text = PERSON.replace("authorization-code-pkce", flow)
    assert oauth2(tmp_path, f"{text}browser = {said}\n").browser == words


def test_where_none_is_named(tmp_path: Path) -> None:
    """It is the person's own."""
    assert oauth2(tmp_path, PERSON).browser == ()


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        server.clients["person"] = Client()
        yield server


def profile(server: AuthorizationServer, flow: str, words: list[str]) -> str:
    """A profile of this flow that names a browser."""
    text = PERSON.replace("https://login.acme.com", server.issuer).replace("authorization-code-pkce", flow)
    return f'{text}scopes = ["openid"]\nredirect_port = 0\ntimeout = 40\nbrowser = {json.dumps(words)}\n'


@pytest.mark.parametrize(("flow", "code"), [("authorization-code-pkce", 0), ("authorization-code", 1)])
def test_login(run_cli: RunProgram, home: Path, server: AuthorizationServer, flow: str, code: int) -> None:
    """`login` opens the profile's browser, and is not held up by one that stays open.

    This provider refuses a flow without PKCE, in the browser, so that one has opened.
    """
    script = home / "lasting.py"
    script.write_text(LASTING, "utf-8")
    file = written(home, profile(server, flow, [sys.executable, str(script), "%s"]))
    done = run_cli("login", "work", "--file", str(file), env={**os.environ, "BROWSER": "false"})
    assert (done.returncode, script.with_name("closed").exists()) == (code, False), done.stderr
    assert code == 0 or "refused the sign-in" in done.stderr


def test_login_where_it_is_not_there(run_cli: RunProgram, home: Path, server: AuthorizationServer) -> None:
    """`login` tells it likewise, opens no other browser, and takes the person who goes there by hand."""
    mark = home / "opened"
    file = written(home, profile(server, "authorization-code-pkce", [MISSING]).replace("= 40", "= 1"))
    other = shlex.join([sys.executable, "-c", f"open({str(mark)!r}, 'w')", "%s"])
    done = run_cli("login", "work", "--file", str(file), env={**os.environ, "BROWSER": other})
    assert (done.returncode, mark.exists()) == (1, False)
    assert f"browser of profile 'work' names {MISSING}, which is not to be found" in done.stderr
    assert f"name another: requests-auth --file {shlex.quote(str(file))} edit work\n" in done.stderr
    assert f"Sign in to {server.issuer.removeprefix('http://')} for work at:\n{server.issuer}/" in done.stderr
