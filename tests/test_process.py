"""A program that is run for what it prints: its end, that of what it started, and how much it may print."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import RunProgram
from wire import PATIENCE_SECONDS

from requests_auth_profiles._process import Printed, printed_by

unix = pytest.mark.platform("linux", "darwin")
LIMIT = 64 * 1024
OVERDUE = "it, or what it started, did not end in 1 s; it cannot ask at the terminal"
# Starts another one, which says who it is in a file and lives on.
STARTING = """
import subprocess, sys
lasting = "import os, time; open('pid.new', 'w').write(str(os.getpid())); " \
    "os.rename('pid.new', 'pid'); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", lasting], **{options})
while not __import__('os').path.exists('pid'): pass
print('started', flush=True)
{then}
"""
SILENT = "dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"


def run(folder: Path, script: str, seconds: float = PATIENCE_SECONDS) -> Printed:
    """Runs a Python program in a folder."""
    return printed_by([sys.executable, "-c", script], folder, seconds)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Path]:
    """Where a program writes which one it started, which is ended with the test."""
    yield tmp_path / "pid"
    if (tmp_path / "pid").exists() and is_there(tmp_path / "pid"):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def is_there(pid: Path) -> bool:
    """Whether the program of this number lives, if only for a moment more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", pid.read_text()], capture_output=True, text=True, check=False
        ).stdout
        if not state.strip() or state.startswith("Z"):
            return False
        if deadline - time.monotonic() < PATIENCE_SECONDS - 2:
            break
        time.sleep(0.05)
    return True


@unix
def test_what_it_started_is_ended_with_it(tmp_path: Path, started: Path) -> None:
    """One that takes too long is ended, and so is all that it started."""
    found = run(tmp_path, STARTING.format(options=SILENT, then="import time; time.sleep(60)"), 1)
    while not started.exists():  # on a busy machine it may not have come so far
        found = run(tmp_path, STARTING.format(options=SILENT, then="import time; time.sleep(60)"), 5)
    assert found.problem.startswith("it, or what it started, did not end in ")
    assert not is_there(started)


@unix
def test_what_keeps_the_pipe_open(tmp_path: Path, started: Path) -> None:
    """What it started may print for it, and is waited for, but no longer than for itself."""
    found = run(tmp_path, STARTING.format(options="dict()", then=""), 3)
    assert found == Printed("", OVERDUE.replace("1 s", "3 s"), f"run it by hand: {sys.executable} …")
    assert not started.exists() or not is_there(started)


@unix
def test_what_left_its_group(tmp_path: Path, started: Path) -> None:
    """One that went away to a session of its own holds nothing up either, though its pipe is open."""
    script = STARTING.format(options="dict(start_new_session=True)", then="")
    assert "did not end in 3 s" in run(tmp_path, script, 3).problem


@unix
def test_what_it_started_may_live_on(tmp_path: Path, started: Path) -> None:
    """An agent that keeps no pipe is no reason to wait, and is left alone where all went well."""
    assert run(tmp_path, STARTING.format(options=SILENT, then="")).text == "started"
    assert is_there(started)


@unix
def test_what_another_one_prints(tmp_path: Path) -> None:
    """What prints after the program itself has ended is read too."""
    assert printed_by(["/bin/sh", "-c", "(sleep 0.2; echo later) & exit 0"], tmp_path).text == "later"


def test_one_that_takes_too_long(tmp_path: Path) -> None:
    """It is told, with what to do."""
    assert run(tmp_path, "import time; time.sleep(60)", 1).problem == OVERDUE


def test_one_that_closes_its_output_and_lives_on(tmp_path: Path) -> None:
    """It is waited for as long, for what it ends with."""
    assert run(tmp_path, "import os, time; os.close(1); os.close(2); time.sleep(60)", 1).problem == OVERDUE


@unix
def test_one_that_never_stops_printing(tmp_path: Path) -> None:
    """It is ended at once, whatever it makes of a pipe that nobody reads."""
    script = "import os\nwhile True:\n try: os.write(1, b'x' * 65536)\n except OSError: pass"
    assert run(tmp_path, script).problem == f"what it printed is longer than {LIMIT:,} bytes"


def test_it_may_say_more_than_a_pipe_holds(tmp_path: Path) -> None:
    """What it writes to stderr is read while it runs, and only the end of it is kept."""
    script = "import sys; sys.stderr.write('x' * 5_000_000); print('v')"
    assert run(tmp_path, script).text == "v"
    found = run(tmp_path, "import sys; sys.stderr.write('x' * 5_000_000 + ' end'); sys.exit(1)")
    assert found.problem.endswith("x end")
    assert len(found.problem) < 1000


def test_one_that_does_not_end_says_nothing_of_what_it_printed(tmp_path: Path) -> None:
    """Neither the text nor the problem holds it."""
    found = run(tmp_path, "import time; print('s3cret', flush=True); time.sleep(60)", 1)
    assert "s3cret" not in repr(found)


def test_no_thread_is_left(tmp_path: Path) -> None:
    """Those that read are over when the program is."""
    run(tmp_path, "print('v')")
    assert "requests-auth-program" not in [one.name for one in threading.enumerate()]


@unix
@pytest.mark.usefixtures("no_more_threads")
def test_too_many_threads(tmp_path: Path) -> None:
    """Without a thread to read with it is told, and the program ended."""
    assert run(tmp_path, "print('v')").problem == "this program has too many threads to wait for it"


@unix
def test_ctrl_c_ends_it_too(run_python: RunProgram, tmp_path: Path, started: Path) -> None:
    """The program is in no group that the terminal interrupts: we end it."""
    lasting = STARTING.format(options=SILENT, then="import time; time.sleep(60)")
    script = f"""
import os, signal, sys, threading, time
from pathlib import Path
from requests_auth_profiles._process import printed_by

def interrupt():
    while not os.path.exists('pid'): time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt).start()
try:
    printed_by([sys.executable, '-c', {lasting!r}], Path.cwd())
except KeyboardInterrupt:
    print('interrupted')
"""
    assert run_python("-c", script, cwd=tmp_path).stdout == "interrupted\n"
    assert not is_there(started)
