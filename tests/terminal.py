"""A person at a terminal."""

import os
import select
import subprocess
import sys
import time


class Terminal:
    """A person at a terminal, who answers what is asked.

    Args:
        words: the arguments of the command line.
    """

    def __init__(self, *words: str) -> None:
        import pty  # there is none on Windows

        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "requests_auth_profiles", *words]
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        self._program = subprocess.Popen(command, **streams, start_new_session=True)
        os.close(theirs)
        self.seen = ""

    def answer(self, question: str, text: str) -> None:
        """Waits until something is asked, and types an answer."""
        at = len(self.seen)
        deadline = time.monotonic() + 30
        while question not in self.seen[at:] and time.monotonic() < deadline:
            self._read()
        assert question in self.seen[at:]
        os.write(self._ours, f"{text}\n".encode())

    def end(self) -> int:
        """Reads the rest, and gives the exit code."""
        while self._read():
            pass
        code = self._program.wait(30)
        os.close(self._ours)
        return code

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], 30)[0]:
            return False
        try:
            said = os.read(self._ours, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            return False
        self.seen += said
        return said != ""
