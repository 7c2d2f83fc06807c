"""A program that is run for what it prints: no shell, a time limit, nothing of it kept or shown."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

__all__ = ["Printed", "printed_by"]

_SECONDS = 30.0
_SAID_LIMIT = 500
_LIMIT = 64 * 1024


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


def printed_by(command: list[str], folder: Path) -> Printed:
    """Runs a program, and gives what it printed.

    Args:
        command: the program and its arguments; `~` in the program's name is the home folder.
        folder: where it runs, and so what `./program` is relative to.
    """
    by_hand = f"run it by hand: {command[0]}{' …' if len(command) > 1 else ''}"
    program = os.path.expanduser(command[0])  # noqa: PTH111  a name without a folder stays one
    try:
        done = subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Printed("", f"it did not end in {_SECONDS:.0f} s", by_hand)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Printed("", f"cannot start it: {reason}", f"install {command[0]}, or name its whole path")
    if done.returncode:
        said = _printable(done.stderr.decode(errors="replace"))
        ended = f"it ended with {done.returncode}"
        return Printed("", f"{ended} and said: {said}" if said else ended, by_hand)
    if len(done.stdout) > _LIMIT:
        return Printed("", f"what it printed is longer than {_LIMIT:,} bytes", by_hand)
    try:
        return Printed(done.stdout.decode().rstrip("\r\n"), "", by_hand)
    except UnicodeDecodeError:
        return Printed("", "what it printed is not UTF-8 text", by_hand)


def _printable(text: str) -> str:
    """The end of what a program said, in one line that does nothing to a terminal."""
    words = " ".join(text[-4 * _SAID_LIMIT :].split())
    return "".join(character for character in words if character.isprintable())[-_SAID_LIMIT:]
