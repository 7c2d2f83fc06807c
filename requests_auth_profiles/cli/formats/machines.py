"""~/.netrc: a name and a password for each machine."""

import netrc
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from requests_auth_profiles.cli.formats.found import Found, LeftOut, Problem, hosts_of, shown

__all__ = ["read"]

_PYTHON = "python" if sys.platform == "win32" else "python3"
_FIELD = "import netrc, sys; print(netrc.netrc(sys.argv[1]).authenticators(sys.argv[2])[int(sys.argv[3])])"
_LOGIN, _PASSWORD = 0, 2


def read(data: bytes, path: Path) -> list[Found | LeftOut]:  # noqa: ARG001  the standard library reads files
    """A profile for each machine; see `Format.read`."""
    try:
        machines = netrc.netrc(str(path)).hosts
    except netrc.NetrcParseError as error:  # its text may have a password
        raise ValueError(f"is not a netrc, from line {error.lineno or 1} on") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    return list(_all(machines, path))


def _all(machines: Mapping[str, tuple[str, str | None, str | None]], path: Path) -> Iterator[Found | LeftOut]:
    for machine, (login, _, password) in machines.items():
        where = f"machine {shown(machine)}"
        if machine == "default":
            yield LeftOut("default", "a name and a password for every host are for none")
            continue
        notes: list[str] = []
        if not login or not password:
            yield LeftOut(where, f"it has no {'password' if login else 'login'}")
        elif not (hosts := hosts_of([machine], notes)):
            yield LeftOut(where, "its name is none that a host can have")
        else:
            # The name too: many hosts take a token for it.
            table = {
                "flow": "basic",
                "username": _field(path, machine, _LOGIN),
                "password": _field(path, machine, _PASSWORD),
                "hosts": hosts,
            }
            try:
                yield Found(where, machine, table, notes)
            except Problem as problem:
                yield LeftOut(where, str(problem))


def _field(path: Path, machine: str, number: int) -> dict[str, list[str]]:
    """Has it read there, where it stands anyway."""
    return {"command": [_PYTHON, "-c", _FIELD, str(path.absolute()), machine, str(number)]}
