"""A Python program with a terminal of its own, apart from its standard streams, and a person at it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from select import select

PATIENCE_SECONDS = 30
# A process without a terminal gets the first that it opens (POSIX leaves it open; Linux and macOS do so).
TAKE = "import os, sys; os.open(sys.argv.pop(1), os.O_RDWR)\n"


class Screen:
    """What a person sees and types.

    Attributes:
        seen: what was shown so far.
        process: the program, whose standard output is a pipe.
    """

    def __init__(self, master: int, process: "subprocess.Popen[str]") -> None:
        self.seen = ""
        self.process = process
        self._master = master

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until a text was shown so many times."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.seen.count(text) < count:
            assert time.monotonic() < end, f"only this was shown: {self.seen!r}"
            if select([self._master], [], [], 0.1)[0]:
                self.seen += os.read(self._master, 1024).decode()

    def type(self, text: str) -> None:
        """Type a text, and what ends a line."""
        os.write(self._master, text.encode() + b"\n")

    def printed(self) -> str:
        """What the program wrote to its standard output, once it has ended."""
        output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        while select([self._master], [], [], 0)[0]:
            try:
                self.seen += os.read(self._master, 1024).decode()
            except OSError:  # so Linux tells that nobody has it open any more
                break
        assert self.process.returncode == 0, errors
        return output


@contextmanager
def keyboard(script: str, *arguments: str) -> Iterator[Screen]:
    """A program that runs in a terminal of its own."""
    master, slave = os.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", TAKE + script, os.ttyname(slave), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield Screen(master, process)
            finally:
                process.kill()
    finally:
        os.close(slave)
        os.close(master)
