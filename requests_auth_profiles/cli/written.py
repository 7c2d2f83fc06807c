"""Profiles as they are written in TOML."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

__all__ = ["key_text", "profile_lines", "value_text"]


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
