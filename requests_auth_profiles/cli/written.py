"""Profiles as they are written in TOML."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import tomli_w

__all__ = ["distinct", "hosts_text", "key_text", "profile_lines", "value_text"]


def hosts_text(hosts: Sequence[str] | None) -> str:
    """Where a credential may go, for people; None = any https host."""
    return "any https host" if hosts is None else ", ".join(hosts) or "no host at all"


def distinct(names: Iterable[str], key: Callable[[str], str]) -> Iterator[str]:
    """Names for profiles, the later ones with a number where they would be the same by their key.

    Args:
        names: what they would be called.
        key: what no two may have in common, as the names of their variables.
    """
    taken: dict[str, int] = {}  # with the number that was given last
    for name in names:
        first = own = key(name)
        number, unique = taken.get(first, 0), name
        while own in taken:
            number += 1
            unique = f"{name}-{number}"
            own = key(unique)
        taken[own], taken[first] = 1, max(number, 1)
        yield unique


def profile_lines(
    name: str,
    table: Mapping[str, Any],
    comments: Mapping[str, str] | None = None,
    *,
    ascii_only: bool = False,
) -> Iterator[str]:
    """The lines of a profile: its header, and a line for each key.

    Args:
        name: the profile's name.
        table: what it says, as tomllib would give it.
        comments: what is to be told behind keys.
        ascii_only: write other characters as escapes, for consoles and pipes that have not all of them.
    """
    lines = [_text({"profiles": {name: {}}}).strip()]
    for key, value in table.items():
        comment = (comments or {}).get(key)
        lines.append(f"{key_text(key)} = {value_text(value)}{f'  # {comment}' if comment else ''}")
    for line in lines:
        yield re.sub(r"[^\x00-\x7f]", _escaped, line) if ascii_only else line


def value_text(value: Any) -> str:
    """A value in one line: tomli_w writes what holds others over several."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key_text(key)} = {value_text(entry)}' for key, entry in value.items())} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    return _text({"x": value}).removeprefix("x = ").rstrip("\n")


def key_text(name: str) -> str:
    """A key as it is typed."""
    return _text({name: 0}).rpartition(" = ")[0]


def _text(table: Mapping[str, Any]) -> str:
    return tomli_w.dumps(table)


def _escaped(found: re.Match[str]) -> str:
    return f"\\U{ord(found[0]):08x}"
