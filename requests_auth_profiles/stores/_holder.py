"""Who holds a kernel lock, where the system tells."""

import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["holder"]

_LOCKS = Path("/proc/locks")


def holder(path: Path) -> str:
    """Who holds the lock on a file: another process, by its id where that is known, or another thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            status = path.stat()
            place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
            for line in _LOCKS.read_text().splitlines():
                # As in `1: FLOCK  ADVISORY  WRITE 4242 fe:00:2146930 0 EOF` (proc_locks(5)); who waits has an
                # arrow before the kind, and a process that we may not see no id.
                match line.split():
                    case [_, "FLOCK", _, _, pid, where, *_] if where == place and int(pid) > 0:
                        own = int(pid) == os.getpid()
                        return "another thread" if own else f"another process (pid {pid})"
    return "another process"
