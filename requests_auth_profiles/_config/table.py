"""A table of the profiles file against the keys that it may have."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from requests_auth_profiles._config.keys import Key, by_name
from requests_auth_profiles._config.words import near
from requests_auth_profiles.errors import Fault

__all__ = ["keys_of"]

_Path = tuple[str, ...]
Unknown = Callable[[_Path, object], tuple[str, str]]
"""What is wrong with a key that is not known, by its path and value, and what to write."""


def keys_of(
    table: Mapping[str, Any], path: _Path, known: Mapping[str, Key], unknown: Unknown | None = None
) -> Iterator[Fault]:
    """What is wrong with the keys of a table, and with their values.

    Args:
        table: as tomllib gives it.
        path: where it stands, from the root of the file.
        known: the keys that it may have.
        unknown: says more of one that is not among them than that.
    """
    for name, value in table.items():
        key, place = known.get(name), (*path, name)
        if key is None:
            message, hint = unknown(place, value) if unknown else ("", "")
            hint = hint or near(name, known) or f"known are {', '.join(known)}"
            yield Fault(place, message or "is not a known key", hint)
        elif (problem := key.kind.problem(value)) is not None:
            below = (problem.below,) if problem.below else ()
            hint = f"{_bare(problem.below)} = {problem.write}" if below else key.written(problem.write)
            yield Fault((*place, *below), problem.message, hint)
        elif key.entries:
            yield from keys_of(value, place, by_name(*key.entries))


def _bare(name: str) -> str:
    """A key as it is typed."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) else json.dumps(name[:64])
