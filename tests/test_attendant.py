"""Who takes the person to the provider: BROWSER in its forms, with real programs, and our own output."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import counterparts
import pytest
from conftest import RunProgram

pytestmark = pytest.mark.platform("linux", "darwin")

# What a shell would take apart, and what it would put together.
URL = "https://idp.example/authorize?state=a&scope=b%20c&x=$HOME;`id`'\"#%s"
INVITATION = f"Sign in to idp.example for work in your browser. If it does not open, go to:\n{URL}\n"

# Like a program that signs in: it prints its own result, and waits until the browser has done its part.
PROGRAM = """
import os, sys, threading, time
from pathlib import Path
from requests_auth_profiles._oauth2.attendant import BrowserAttendant

if "closed" in sys.argv:
    sys.stderr = None
if "crowded" in sys.argv:
    threading.stack_size(1 << 46)  # no thread has room for a stack of this size
started = time.monotonic()
attendant = BrowserAttendant()
attendant.invite("work", "idp.example", sys.argv[1])
print("invited after", int(time.monotonic() - started), flush=True)
attendant.waiting(1.0)
for thread in threading.enumerate():
    if thread.name == "requests-auth-browser" and "leave" not in sys.argv:
        thread.join(20)
attendant.done()
print("done")
"""
QUIET = 'printf %s "$#:$1" > "$0.visited"'
LOUD = f'{QUIET}\necho "Opening in existing browser session."\necho complaint >&2'
TELLING = f'{QUIET}\nenv > "$0.environment"'
FAILING = f"{LOUD}\nexit 3"
LASTING = f'{QUIET}\nsleep 1\nprintf closed > "$0.closed"'
READING = f'{QUIET}\nread answer\nprintf %s "$answer" > "$0.read"'

Browser = Callable[[str], Path]
Invited = Callable[..., CompletedProcess[str]]


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """A browser that is a shell script, in a folder with a blank in its name: what it does -> its path."""
    folder = tmp_path / "my apps"
    folder.mkdir()

    def make(script: str) -> Path:
        path = folder / f"browser{len(list(folder.iterdir()))}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def invited(run_python: RunProgram, monkeypatch: pytest.MonkeyPatch) -> Invited:
    """A program that invites a person, in an environment with this BROWSER; None = none at all."""

    def run(value: str | None, *arguments: str, **options: object) -> CompletedProcess[str]:
        for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "TERM"):
            monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv("BROWSER", value)
        return run_python("-c", PROGRAM, URL, *arguments, **options)

    return run


def visited(path: Path) -> str | None:
    """What a browser was told: how many arguments, and the first."""
    told = path.with_name(f"{path.name}.visited")
    return told.read_text() if told.exists() else None


@pytest.mark.parametrize("form", ["{}", "'{}' %s", "'{}' %s &"], ids=["path", "command", "background"])
def test_the_browser_gets_the_address_as_it_is(browser: Browser, invited: Invited, form: str) -> None:
    """In each form of BROWSER, the program gets the whole address as one argument, and no shell reads it."""
    path = browser(QUIET)
    invited(form.format(path))
    assert visited(path) == f"1:{URL}"


@pytest.mark.parametrize("form", ["{}", "'{}' %s", "'{}' %s &"], ids=["path", "command", "background"])
def test_what_the_browser_says_is_not_our_output(browser: Browser, invited: Invited, form: str) -> None:
    """Our stdout may be read by a program: only what we print ourselves stands there."""
    done = invited(form.format(browser(LOUD)))
    assert (done.returncode, done.stdout) == (0, "invited after 0\ndone\n")


@pytest.mark.parametrize(
    ("form", "said"),
    [("'{}' %s", "Opening in existing browser session.\ncomplaint\n"), ("'{}' %s &", "")],
    ids=["command", "background"],
)
def test_what_the_browser_says_is_for_the_person(
    browser: Browser, invited: Invited, form: str, said: str
) -> None:
    """What a browser of this terminal says goes to stderr; one of the desktop is silent."""
    assert invited(form.format(browser(LOUD))).stderr == INVITATION + said


def test_a_browser_that_lasts_is_not_waited_for(browser: Browser, invited: Invited) -> None:
    """The program goes on, and to its end, while the browser is open."""
    path = browser(LASTING)
    done = invited(f"'{path}' %s &", "leave")
    assert done.stdout == "invited after 0\ndone\n"
    assert not path.with_name(f"{path.name}.closed").exists()


def test_a_browser_in_the_background_reads_nothing_of_ours(browser: Browser, invited: Invited) -> None:
    """What is typed into the program, or piped into it, is not the browser's."""
    path = browser(READING)
    invited(f"'{path}' %s &", input="secret\n")
    assert path.with_name(f"{path.name}.read").read_text() == ""


def test_a_browser_of_the_terminal_may_be_typed_into(browser: Browser, invited: Invited) -> None:
    """A text browser needs the person's keyboard."""
    path = browser(READING)
    invited(f"'{path}' %s", input="typed\n")
    assert path.with_name(f"{path.name}.read").read_text() == "typed"


NO_BROWSERS = {
    "none": None,
    "empty": "",
    "blank": " ",
    "missing": "/nowhere/browser",
    "missing command": "/nowhere/browser %s",
    "missing in the background": "/nowhere/browser %s &",
    "a folder": "/ %s",
    "no command line": "'unbalanced %s",
    "no program": "%s",
    "false": "false",
}


@pytest.mark.parametrize("value", NO_BROWSERS.values(), ids=NO_BROWSERS.keys())
def test_where_none_opens_the_address_is_on_stderr(invited: Invited, value: str | None) -> None:
    """Without a browser that works the person still has the address, and no more is said of it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}/nowhere"  # where no browser is
    if value == "false":
        path = os.environ["PATH"]
    done = invited(value, env={**_environment(value), "PATH": path})
    assert (done.returncode, done.stdout, done.stderr) == (0, "invited after 0\ndone\n", INVITATION)


def _environment(value: str | None) -> dict[str, str]:
    bare = {name: text for name, text in os.environ.items() if name not in ("BROWSER", "DISPLAY", "TERM")}
    return bare if value is None else {**bare, "BROWSER": value}


def test_a_browser_that_fails_is_no_error(browser: Browser, invited: Invited) -> None:
    """It may have opened all the same, and the address is on stderr."""
    path = browser(FAILING)
    done = invited(f"'{path}' %s")
    assert (done.returncode, done.stdout, visited(path)) == (0, "invited after 0\ndone\n", f"1:{URL}")


def test_the_next_one_is_tried_where_one_is_missing(browser: Browser, invited: Invited) -> None:
    """BROWSER may be a list: the first that can be started is taken, and only that."""
    paths = [browser(QUIET), browser(QUIET)]
    invited(os.pathsep.join(["/nowhere/browser", "/nowhere/other %s", *(f"'{path}' %s" for path in paths)]))
    assert [visited(path) for path in paths] == [f"1:{URL}", None]


def test_a_program_without_stderr_invites_too(browser: Browser, invited: Invited) -> None:
    """Without a console, as in pythonw, there is only the browser."""
    path = browser(LOUD)
    done = invited(f"'{path}' %s", "closed")
    assert (done.returncode, done.stdout, visited(path)) == (0, "invited after 0\ndone\n", f"1:{URL}")


def test_a_closed_stderr_is_not_written_to(browser: Browser, invited: Invited, tmp_path: Path) -> None:
    """Where descriptor 2 is closed, the browser opens, and nothing is written to what has that number now."""
    path = browser(LOUD)
    shell = f'exec "{sys.executable}" -c "$0" "$1" 2>&-'
    invited(f"'{path}' %s")  # sets the environment
    path.with_name(f"{path.name}.visited").unlink()
    done = counterparts.run("/bin/sh", "-c", shell, PROGRAM, URL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "invited after 0\ndone\n", "")
    assert visited(path) == f"1:{URL}"


def test_a_process_that_can_start_no_thread_tells_the_address(browser: Browser, invited: Invited) -> None:
    """No browser opens then, and the person opens one."""
    path = browser(QUIET)
    done = invited(f"'{path}' %s", "crowded")
    assert (done.returncode, done.stdout, done.stderr) == (0, "invited after 0\ndone\n", INVITATION)
    assert visited(path) is None


@pytest.mark.parametrize("form", ["{}", "'{}' %s", "'{}' %s &", "firefox"])
def test_the_browser_gets_none_of_our_secrets(
    browser: Browser, invited: Invited, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Its environment has the person's own variables, and not the key of the store."""
    path = browser(TELLING)
    monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", "s3cret")
    monkeypatch.setenv("THEIR_OWN", "variable")
    (path.parent / "firefox").symlink_to(path)
    monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
    invited(form.format(path), env=None if form != "firefox" else _desktop(form))
    told = next(path.parent.glob("*.environment")).read_text()
    assert ("THEIR_OWN=variable" in told, "REQUESTS_AUTH_" in told) == (True, False)


def _desktop(browser: str) -> dict[str, str]:
    """An environment in which Python knows this browser by its name."""
    return {**os.environ, "BROWSER": browser, "DISPLAY": ":99"}


REGISTERED = """
import sys, webbrowser
from threading import enumerate
from requests_auth_profiles._oauth2.attendant import BrowserAttendant

class Ours(webbrowser.BaseBrowser):
    def open(self, url, new=0, autoraise=True):
        print("opened", url)
        return True

webbrowser.register("ours", None, Ours(), preferred=True)
BrowserAttendant().invite("work", "idp.example", sys.argv[1])
for thread in enumerate():
    if thread.name == "requests-auth-browser":
        thread.join(20)
"""


def test_a_browser_that_the_program_registered_is_taken(
    run_python: RunProgram, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may have its own way to open an address, which comes before BROWSER."""
    path = browser(QUIET)
    monkeypatch.setenv("BROWSER", f"'{path}' %s")
    done = run_python("-c", REGISTERED, URL)
    assert (done.stdout, visited(path)) == (f"opened {URL}\n", None)
