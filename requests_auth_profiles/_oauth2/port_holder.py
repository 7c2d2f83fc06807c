"""Who listens on a port of this machine, where the system tells."""

import sys
from contextlib import suppress
from pathlib import Path

from requests_auth_profiles._oauth2.response import printable

__all__ = ["port_holder"]

_LISTENS = "0A"


def port_holder(port: int) -> str:
    """The process that listens on a port, as in `python (pid 4242)`; empty where that cannot be known."""
    if sys.platform != "linux":
        return ""
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listeners(table, port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # another user's, or gone meanwhile
            if any(_link(entry) in sockets for entry in (process / "fd").iterdir()):
                # A process names itself, and may not write to the terminal with that.
                return f"{printable((process / 'comm').read_text(errors='replace'))} (pid {process.name})"
    return ""


def _link(entry: Path) -> str:
    """What a descriptor is; empty where it was closed meanwhile, as the one that reads our own list is."""
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def _listeners(table: str, port: int) -> list[str]:
    """The inodes of the sockets that listen on a port: see proc_pid_net(5)."""
    try:
        rows = Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    columns = [row.split() for row in rows]
    return [row[9] for row in columns if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port]
