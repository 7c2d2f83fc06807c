"""The TCP sockets of this machine, as the system lists them: who is at a port, and who at the other end."""

import os
import select
import socket
import struct
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from requests_auth_profiles._oauth2.response import printable

__all__ = ["peer_is_a_stranger", "port_holder"]

_LISTENS = "0A"
_MAPPED = f"{0:016X}{socket.ntohl(0xFFFF):08X}"  # what comes before an IPv4 address in a socket of IPv6
_NO_PROCESS = "0"


@dataclass(frozen=True, slots=True)
class _Socket:
    """A row of /proc/net/tcp or tcp6: see proc_pid_net(5)."""

    local: str
    remote: str
    state: str
    uid: int
    inode: str


def port_holder(port: int) -> str:
    """The process that listens on a port, as in `python (pid 4242)`; empty where that cannot be known."""
    at = f":{port:04X}"
    listening = {
        f"socket:[{one.inode}]" for one in _sockets() if one.state == _LISTENS and one.local.endswith(at)
    }
    for process in Path("/proc").glob("[0-9]*") if listening else ():
        with suppress(OSError):  # another user's, or gone meanwhile
            if any(_link(entry) in listening for entry in (process / "fd").iterdir()):
                # A process names itself, and may not write to the terminal with that.
                return f"{printable((process / 'comm').read_text(errors='replace'))} (pid {process.name})"
    return ""


def peer_is_a_stranger(connection: TransportSocket, peer: tuple[str, int]) -> bool:
    """Whether another user of this machine is at the other end; root is none.

    Args:
        connection: ours, on which all that is to be judged has come.
        peer: the address of the other end.
    """
    if sys.platform != "linux":
        return False
    with suppress(OSError, ValueError):  # it was closed
        ends = (_written(*peer), _written(*connection.getsockname()[:2]))
        for one in _sockets():
            if (one.local, one.remote) == ends:
                # What its process has closed is shown as root's.
                return one.inode == _NO_PROCESS or one.uid not in {0, os.geteuid()}
        # Not of this machine, as a browser on the Windows around it; or a stranger's that was there and
        # is gone, for which a browser would not have waited.
        watch = select.poll()
        watch.register(connection, select.POLLRDHUP)
        return bool(watch.poll(0))
    return True


def _sockets() -> Iterator[_Socket]:
    """All of them; none where the system does not tell."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for row in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
                _, local, remote, state, _, _, _, uid, _, inode, *_ = row.split()
                ends = local.removeprefix(_MAPPED), remote.removeprefix(_MAPPED)
                yield _Socket(*ends, state, int(uid), inode)


def _written(host: str, port: int) -> str:
    """An address as those tables have it: in words of the machine's own byte order."""
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    return "".join(f"{word:08X}" for (word,) in struct.iter_unpack("=I", packed)) + f":{port:04X}"


def _link(entry: Path) -> str:
    """What a descriptor is; empty where it was closed meanwhile, as the one that reads our own list is."""
    try:
        return str(entry.readlink())
    except OSError:
        return ""
