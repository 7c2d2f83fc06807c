"""Place: where in the profiles file something stands."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Place", "line_of"]


def line_of(found: dict[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    """The line of a key, or of the nearest table around it that is written out; 0 for the whole file."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: told in messages, and only then looked up.

    Args:
        file: the profiles file.
        text: what stood in it when it was read; empty = it is no file but a command that was typed.
        path: the key, from the root of the file.
    """

    file: Path
    text: str = field(repr=False)
    path: tuple[str, ...]

    @property
    def line(self) -> int:
        """The line on which it stands; 0 where it has none of its own."""
        from requests_auth_profiles._config.lines import lines  # here, as only messages tell it

        return line_of(lines(self.text), self.path)

    def __str__(self) -> str:
        path = self.path
        owner = ""
        if path[0] == "profiles":
            owner, path = f"profile {path[1]!r}, ", path[2:]
            path = path[2:] if path[:2] == ("when", "ci") else path  # the line tells which is meant
        where = f"{self.file}:{self.line}" if self.text else str(self.file)
        return f"{where}: {owner}{'.'.join(path)}"
