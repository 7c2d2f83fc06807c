"""Secrets that a command prints: without a shell, once, and nothing of what it printed in an error."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import RunProgram
from references import VALUE, Make, folder, python, refusal, secret, tells, written

__all__ = ["folder", "secret"]

unix = pytest.mark.platform("linux", "darwin")
COUNT = """
with open('runs', 'a') as runs:
    runs.write('x')
"""


def runs(folder: Path) -> int:
    """How often a program with COUNT ran."""
    return len((folder / "runs").read_text())


class TestHowItRuns:
    """A command is a program and its arguments."""

    @pytest.mark.parametrize(
        "argument", ["$HOME", "`id`", "a b", "*", "; echo x", "> x", "%PATH%", "'\"", "~"]
    )
    def test_without_a_shell(self, secret: Make, folder: Path, argument: str) -> None:
        """Each argument reaches the program as it stands."""
        there = sorted(folder.iterdir())
        assert secret(python("import sys; print(sys.argv[1])", argument))() == argument
        assert set(folder.iterdir()) - set(there) == {folder / "profiles.toml"}

    def test_nothing_to_read(self, run_python: RunProgram, folder: Path) -> None:
        """Its standard input is empty: it neither waits for ever nor takes what is meant for the caller."""
        path = written(folder, python("import sys; print('read:' + sys.stdin.read() + '.')"))
        script = (
            "import sys; from requests_auth_profiles import profile; auth = profile('work', file=sys.argv[1])"
        )
        script += "; print(auth.token().access_token, sys.stdin.read())"
        assert run_python("-c", script, str(path), input="mine").stdout == "read:. mine\n"

    def test_beside_the_profiles_file(self, secret: Make, folder: Path) -> None:
        """It runs in the folder of the profiles file, whatever the working directory is."""
        assert secret(python("import os; print(os.getcwd())"))() == str(folder.resolve())

    @unix
    @pytest.mark.parametrize("named", ["./tool", "~/tool"])
    def test_a_program_of_ones_own(self, secret: Make, folder: Path, home: Path, named: str) -> None:
        """A relative name is beside the profiles file, and `~` the person's home."""
        tool = (home if named.startswith("~") else folder) / "tool"
        tool.write_text("#!/bin/sh\necho mine\n")
        tool.chmod(0o700)
        Path("tool").write_text("#!/bin/sh\necho trap\n")
        Path("tool").chmod(0o700)
        assert secret({"command": [named]})() == "mine"

    def test_what_it_says_beside(self, secret: Make, capfd: pytest.CaptureFixture[str]) -> None:
        """What it writes to stderr while it succeeds is no part of the secret, and is not shown."""
        script = "import sys; print('careful', file=sys.stderr); print('s3cret-' + 'value')"
        assert secret(python(script))() == VALUE
        assert capfd.readouterr() == ("", "")


class TestHowOften:
    """A command runs once, as it may ask a person."""

    def test_once(self, secret: Make, folder: Path) -> None:
        """It runs once in the life of a secret, and once more for another one."""
        reference = python(COUNT + "print('v')")
        first, second = secret(reference), secret(reference)
        assert [first(), first(), second(), second()] == ["v"] * 4
        assert runs(folder) == 2

    def test_for_twenty_threads(self, secret: Make, folder: Path) -> None:
        """Twenty threads that need it at once wait for one run."""
        found = secret(python(COUNT + "import time; time.sleep(0.2); print('v')"))
        start = threading.Barrier(20)

        def call(_: int) -> str:
            start.wait(timeout=30)
            return found()

        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(call, range(20))) == ["v"] * 20
        assert runs(folder) == 1

    def test_one_at_a_time(self, secret: Make) -> None:
        """The same command of several profiles is not run side by side: that would ask a person twice."""
        reference = python("import os, time; os.mkdir('busy'); time.sleep(0.1); os.rmdir('busy'); print('v')")
        found = [secret(reference) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda one: one(), found)) == ["v"] * 4

    def test_another_one_meanwhile(self, secret: Make, folder: Path) -> None:
        """A command that takes long holds up no other."""
        wait = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('slow')"
        slow, quick = secret(python(wait)), secret(python("print('quick')"))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(slow)
            assert quick() == "quick"
            (folder / "go").touch()
            assert waiting.result(timeout=30) == "slow"

    def test_again_where_it_failed(self, secret: Make, folder: Path) -> None:
        """A failure is not kept: the vault may be unlocked by now."""
        found = secret(python("print(open('vault').read())"))
        refusal(found)
        (folder / "vault").write_text("open")
        assert found() == "open"

    @unix
    def test_in_a_child_that_was_forked_while_it_ran(self, run_python: RunProgram, folder: Path) -> None:
        """A child does not wait for the run of a thread that it does not have."""
        wait = "open('ran', 'a').close()\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('v')"
        script = """
import faulthandler, os, sys, threading, time
from pathlib import Path
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.secrets import Secret
folder = Path(sys.argv[1])
place = Place(folder / "profiles.toml", "", ("profiles", "work", "token"))
secret = Secret({"command": [sys.executable, "-c", "import os, time\\n" + sys.argv[2]]}, place)
thread = threading.Thread(target=secret)
thread.start()
while not (folder / "ran").exists():
    time.sleep(0.01)
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(30, exit=True)
    (folder / "go").touch()
    print(secret(), flush=True)
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
thread.join()
sys.exit(code)
"""
        done = run_python("-c", script, str(folder), wait)
        assert (done.stdout, done.returncode) == ("v\n", 0), done.stderr


class TestFailure:
    """What is told of a command that fails."""

    def test_what_it_said(self, secret: Make) -> None:
        """Its exit code and what it wrote to stderr are told, what it printed and was given never."""
        script = "import sys; print('s3cret-' + 'value'); print('locked\\n', file=sys.stderr); sys.exit(3)"
        error = refusal(secret(python(script, VALUE)))
        assert error.message.endswith(": it ended with 3 and said: locked")
        assert error.hint == f"run it by hand: {sys.executable} …"

    def test_that_says_nothing(self, secret: Make) -> None:
        """Its exit code alone is told."""
        assert tells(secret(python("raise SystemExit(2)")), "it ended with 2")

    @unix
    def test_that_was_killed(self, secret: Make) -> None:
        """So is the signal that ended it."""
        assert tells(secret(python("import os; os.kill(os.getpid(), 9)")), "it ended with -9")

    def test_what_it_said_at_length(self, secret: Make) -> None:
        """The end of it is told, in one line, without what would change a terminal."""
        script = """
import sys
sys.stderr.buffer.write(b'x' * 100000 + b'\\n\\x1b[31mred\\r\\n\\x07 \\xff end\\n')
sys.exit(1)
"""
        _, _, said = refusal(secret(python(script))).message.rpartition(" and said: ")
        assert said.endswith("x [31mred  \N{REPLACEMENT CHARACTER} end")
        assert (len(said), said.isprintable()) == (500, True)

    @pytest.mark.parametrize(
        ("name", "problem"), [("no-such-program", "No such file"), (".", "Permission denied")]
    )
    @unix
    def test_that_cannot_be_started(self, secret: Make, name: str, problem: str) -> None:
        """The system's word for it is told, and what to do."""
        error = refusal(secret({"command": [name, VALUE]}))
        assert f'["{name}", …] }}: cannot start it: {problem}' in error.message
        assert error.hint == f"install {name}, or name its whole path"

    @unix
    def test_in_a_folder_that_is_gone(self, secret: Make, folder: Path) -> None:
        """Where the folder of the profiles file was removed, that is our error too."""
        found = secret(python("print('v')"))
        (folder / "profiles.toml").unlink()
        folder.rmdir()
        assert "cannot start it: No such file or directory" in refusal(found).message
