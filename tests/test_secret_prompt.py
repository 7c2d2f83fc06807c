"""Secrets that a person types: in the terminal itself, without an echo, once a process, and only there."""

from pathlib import Path

import pytest
from conftest import RunProgram
from keyboard import keyboard
from references import VALUE, Make, folder, secret, written

from requests_auth_profiles.errors import InteractionRequired

__all__ = ["folder", "secret"]

pytestmark = pytest.mark.platform("linux", "darwin")

PROMPT = {"prompt": "Okta password"}
READ = """
from pathlib import Path
from requests_auth_profiles._config.file import ProfilesFile
def secret(name="work"):
    return ProfilesFile.read(Path(sys.argv[1])).profile(name).scheme.token
"""


def test_it_is_asked_for(folder: Path) -> None:
    """The text of the profile is shown, and what is typed is the secret, but is not shown."""
    with keyboard(READ + "print(secret()())", str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.type(VALUE)
        assert screen.printed() == f"{VALUE}\n"
    assert VALUE not in screen.seen


def test_once_a_process(folder: Path) -> None:
    """Nobody is asked twice, be it for another object, or after another line of the file was changed."""
    script = """
path = Path(sys.argv[1])
first = secret()()
path.write_text(path.read_text() + '[profiles.other]\\nextends = "work"\\n')
print(first, secret()(), secret("other")())
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.type("one")
        assert screen.printed() == "one one one\n"


def test_twenty_threads(folder: Path) -> None:
    """Twenty threads that need it at once wait for one answer."""
    script = """
from concurrent.futures import ThreadPoolExecutor
found = secret()
with ThreadPoolExecutor(20) as pool:
    print(set(pool.map(lambda _: found(), range(20))))
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.type("one")
        assert screen.printed() == "{'one'}\n"
    assert screen.seen.count("Okta password: ") == 1


def test_twenty_threads_that_are_told_nothing(folder: Path) -> None:
    """Who types nothing is not asked again for each of those who wait; but by the next who needs it."""
    script = """
import threading
from concurrent.futures import ThreadPoolExecutor
from requests_auth_profiles.errors import SecretUnavailable
found, started = secret(), threading.Semaphore(0)
def call(_):
    started.release()
    try:
        found()
    except SecretUnavailable as error:
        return error.message.rpartition(": ")[2]
with ThreadPoolExecutor(20) as pool:
    answers = pool.map(call, range(20))
    for _ in range(20):
        started.acquire()
    print("ready", file=open("/dev/tty", "w"))
    print(set(answers))
print(found())
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.wait_for("ready")
        screen.type("")
        screen.wait_for("Okta password: ", 2)
        screen.type("late")
        assert screen.printed() == "{'what was typed is empty'}\nlate\n"
    assert screen.seen.count("Okta password: ") == 2


def test_one_at_a_time(folder: Path) -> None:
    """Two secrets are asked for one after the other, whichever threads need them."""
    path = written(folder, PROMPT)
    path.write_text(path.read_text() + '[profiles.other]\nflow = "bearer"\ntoken = { prompt = "Other" }\n')
    script = """
from threading import Thread
values = {}
def ask(name):
    values[name] = secret(name)()
threads = [Thread(target=ask, args=(name,)) for name in ("work", "other")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(values["work"], values["other"])
"""
    with keyboard(READ + script, str(path)) as screen:
        screen.wait_for(": ")
        first = screen.seen
        screen.type("1" if "Okta" in first else "2")
        screen.wait_for(": ", 2)
        screen.type("2" if "Okta" in first else "1")
        assert screen.printed() == "1 2\n"


def test_a_secret_that_is_there_waits_for_no_other(folder: Path) -> None:
    """While a person is asked for one, what was typed before is given at once."""
    path = written(folder, PROMPT)
    path.write_text(path.read_text() + '[profiles.other]\nflow = "bearer"\ntoken = { prompt = "Other" }\n')
    script = """
from threading import Thread
secret()()
thread = Thread(target=secret("other"))
thread.start()
print(secret()(), flush=True)
thread.join()
"""
    with keyboard(READ + script, str(path)) as screen:
        screen.wait_for("Okta password: ")
        screen.type("one")
        screen.wait_for("Other: ")
        assert screen.process.stdout is not None
        assert screen.process.stdout.readline() == "one\n"
        screen.type("two")
        assert screen.printed() == ""


def test_after_a_refusal(folder: Path) -> None:
    """What was refused is asked for again; who comes with an older one gets the new one."""
    script = """
found = secret()
old = found()
found.forget(old)
new = found()
found.forget(old)
print(old, new, found())
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.type("wrong")
        screen.wait_for("Okta password: ", 2)
        screen.type("right")
        assert screen.printed() == "wrong right right\n"


def test_the_same_again_after_a_refusal(folder: Path) -> None:
    """A person who types the same again is not asked by each of the others who were refused with it."""
    script = """
found = secret()
old = found()
for _ in range(20):
    found.forget(old)
    print(found())
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.type("same")
        screen.wait_for("Okta password: ", 2)
        screen.type("same")
        assert screen.printed() == "same\n" * 20
    assert screen.seen.count("Okta password: ") == 2


@pytest.mark.parametrize(("variable", "value"), [("CI", "true"), ("REQUESTS_AUTH_INTERACTIVE", "0")])
def test_where_nobody_can_be_asked(
    secret: Make, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It is an error of its own at once, with file, line, profile, key, reference, and what to do."""
    found = secret(PROMPT)
    monkeypatch.setenv(variable, value)
    with pytest.raises(InteractionRequired) as caught:
        found()
    assert (
        "profiles.toml:3: profile 'work', token = { prompt = \"Okta password\" }: a person must type it"
        in (caught.value.message)
    )
    assert caught.value.hint == 'run it in a terminal; or, where there is none: token = { env = "…" }'


def test_where_there_is_no_terminal(run_python: RunProgram, folder: Path) -> None:
    """A program without a terminal does not read the password from what is piped into it."""
    script = "import sys" + READ + "secret()()"
    done = run_python("-c", script, str(written(folder, PROMPT)), input="piped\n", start_new_session=True)
    assert "InteractionRequired" in done.stderr
    assert "a person must type it, and there is no terminal" in done.stderr


def test_in_the_background(folder: Path) -> None:
    """A job in the background is not stopped by its terminal: it is told that nobody can be asked."""
    script = """
from requests_auth_profiles.errors import InteractionRequired
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    try:
        secret()()
    except InteractionRequired:
        os._exit(7)
    os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        assert screen.printed() == "7\n"


@pytest.mark.parametrize("typed", ["", "\x04"], ids=["nothing", "end of file"])
def test_nothing(folder: Path, typed: str) -> None:
    """Who types nothing gets an error, and is asked again the next time."""
    script = """
from requests_auth_profiles.errors import SecretUnavailable
found = secret()
try:
    found()
except SecretUnavailable as error:
    print(error.message.rpartition(": ")[2])
print(found())
"""
    with keyboard(READ + script, str(written(folder, PROMPT))) as screen:
        screen.wait_for("Okta password: ")
        screen.type(typed)
        screen.wait_for("Okta password: ", 2)
        screen.type("one")
        assert screen.printed().startswith("what was typed is empty\n")
