"""A program that is run for what it prints: no shell, a time limit, nothing of it kept or shown."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, NamedTuple

__all__ = ["Printed", "printed_by"]

_SECONDS = 30.0
_SAID_LIMIT = 500
_LIMIT = 64 * 1024
_CHUNK = 16 * 1024
_END_SECONDS = 1.0


class Printed(NamedTuple):
    """What a program printed, or why that is not to be had.

    Args:
        text: what it printed, without the line breaks at its end.
        problem: why there is none; empty = there is.
        hint: what to do about it.
    """

    text: str = ""
    problem: str = ""
    hint: str = ""


def printed_by(command: list[str], folder: Path, seconds: float = _SECONDS) -> Printed:
    """Runs a program, and gives what it printed.

    Args:
        command: the program and its arguments; `~` in the program's name is the home folder.
        folder: where it runs, and so what `./program` is relative to.
        seconds: how long it may take, and all that it starts and that prints for it.
    """
    by_hand = f"run it by hand: {command[0]}{' …' if len(command) > 1 else ''}"
    program = os.path.expanduser(command[0])  # noqa: PTH111  a name without a folder stays one
    try:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own, so that what it starts can be ended with it.
            process_group=None if sys.platform == "win32" else 0,
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Printed("", f"cannot start it: {reason}", f"install {command[0]}, or name its whole path")
    text, problem = _awaited(process, seconds)
    return Printed(text, problem, by_hand)


def _awaited(process: subprocess.Popen[bytes], seconds: float) -> tuple[str, str]:
    """What a program prints until it ends, and why that is not to be had."""
    deadline = time.monotonic() + seconds
    try:
        printed, said = _Reading(process.stdout, _LIMIT), _Reading(process.stderr, 0)
        is_read = printed.ends_by(deadline) and not printed.is_long and said.ends_by(deadline)
        is_over = is_read and _ends_by(process, deadline)
    except RuntimeError:
        _end(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        return "", "this program has too many threads to wait for it"
    except BaseException:  # Ctrl-C goes to our group alone
        _end(process)
        raise
    if not is_over:
        _end(process)
    if printed.is_long:
        return "", f"what it printed is longer than {_LIMIT:,} bytes"
    if not is_over:
        return "", f"it, or what it started, did not end in {seconds:.0f} s; it cannot ask at the terminal"
    if process.returncode:
        words = _printable(said.content.decode(errors="replace"))
        ended = f"it ended with {process.returncode}"
        return "", f"{ended} and said: {words}" if words else ended
    try:
        return printed.content.decode().rstrip("\r\n"), ""
    except UnicodeDecodeError:
        return "", "what it printed is not UTF-8 text"


class _Reading:
    """What a program writes, read as it comes, as it would stand still otherwise.

    Args:
        stream: where it writes.
        limit: the most that it may write; 0 = anything, of which the end is kept.

    Raises:
        RuntimeError: this process has too many threads.
    """

    def __init__(self, stream: IO[bytes] | None, limit: int) -> None:
        self.content = b""
        self.is_long = False
        self._stream = stream
        self._limit = limit
        self._thread = Thread(target=self._read, name="requests-auth-program", daemon=True)
        self._thread.start()

    def ends_by(self, deadline: float) -> bool:
        """Whether all was read by then, or as much as it may be."""
        self._thread.join(max(deadline - time.monotonic(), 0))
        return not self._thread.is_alive()

    def _read(self) -> None:
        if self._stream is None:
            return
        with self._stream, suppress(OSError):
            while chunk := os.read(self._stream.fileno(), _CHUNK):
                self.content += chunk
                if not self._limit:
                    self.content = self.content[-_CHUNK:]
                elif len(self.content) > self._limit:
                    self.is_long = True
                    return


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(deadline - time.monotonic(), 0))
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program, and on Unix what it started, too.

    Its number is its group's, and nobody else's for as long as its end was not looked at.
    """
    with suppress(ProcessLookupError, PermissionError):  # it is over, or somebody else's by now
        if sys.platform == "win32":
            process.kill()
        elif process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)


def _printable(text: str) -> str:
    """The end of what a program said, in one line that does nothing to a terminal."""
    words = " ".join(text[-4 * _SAID_LIMIT :].split())
    return "".join(character for character in words if character.isprintable())[-_SAID_LIMIT:]
