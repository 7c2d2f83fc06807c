"""The files that hold together: a file, those that it includes, and the site's under them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from requests_auth_profiles._config import environment
from requests_auth_profiles._config.document import Document, dangling, read, typed
from requests_auth_profiles.errors import ConfigurationError, Fault

__all__ = ["Layers"]

_DEEPEST = 20
_NAMED = ("profiles", "providers")


class Layers:
    """Files of profiles, what counts first in front.

    A profile or provider is what the first file that has one of its name says, and nothing of the others.

    Attributes:
        documents: the files without faults of form, and whether another one includes each.
        data: what they say together, as tomllib would give it; a profile that is no table is left out.
        faults: what keeps others from being there.
    """

    def __init__(self) -> None:
        self.documents: dict[Document, bool] = {}
        self.data: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self._owners: dict[tuple[str, ...], Document] = {}

    @classmethod
    def of(cls, path: Path, site: Path | None = None, instead: bytes | None = None) -> "Layers":
        """The layers of a file.

        Args:
            path: the file.
            site: the one under it, which need not be there.
            instead: what is to stand in the file, where that is asked for before it does.

        Raises:
            FileNotFoundError: neither is there.
            ConfigurationError: one cannot be read.
        """
        layers = cls()
        try:
            layers._add(path, (), instead)
        except FileNotFoundError:
            if site is None or path.is_symlink():
                raise
        if site is not None:
            try:
                layers._add(site, ())
            except FileNotFoundError:
                if not layers.documents and not layers.faults:
                    raise
        return layers

    def owner(self, path: tuple[str, ...]) -> Document:
        """The file in which something stands, by its path from the root."""
        return self._owners.get(path[:2]) or self._owners.get(path[:1]) or next(iter(self.documents))

    def _add(self, path: Path, above: tuple[Document, ...], instead: bytes | None = None) -> None:
        found = read(path, instead)
        if isinstance(found, list):
            self.faults += found
            return
        self.documents[found] = bool(above)
        for name, value in found.data.items():
            if name not in _NAMED:
                if not above and self._owners.setdefault((name,), found) is found:
                    self.data[name] = value
            elif isinstance(value, dict):
                table = self.data.setdefault(name, {})
                for one, said in value.items():
                    if self._owners.setdefault((name, one), found) is found:
                        table[one] = said
        named = found.data.get("include")
        wrong: list[Fault] = []
        for number, name in enumerate(named if isinstance(named, list) else ()):
            if isinstance(name, str) and name:
                wrong += self._include(name, number, (*above, found))
        self.faults += found.placed(wrong)

    def _include(self, name: str, number: int, above: tuple[Document, ...]) -> Iterator[Fault]:
        expanded = environment.expanded(name)
        # Beside the file that says it: the working directory is anybody's.
        path = None if expanded is None else above[-1].path.parent / expanded
        problem, hint = "", ""
        if path is None:
            problem, hint = "names no file", "give its whole path"
        elif _same(path, above):
            problem, hint = f"goes round in a circle: {path} includes this file", "take it out"
        elif len(above) > _DEEPEST:
            problem, hint = f"goes more than {_DEEPEST} files deep", "include those at the bottom"
        elif not _same(path, self.documents):
            try:
                self._add(path, above)
            except FileNotFoundError:
                end = dangling(path)
                link = f", a link to {end}" if end else ""
                problem = f"names {path}{link}, which is not there"
                hint = f"ls -l {typed(Path(end or path).parent)}"
            except ConfigurationError as error:
                problem, hint = error.message, error.hint
        if problem:
            yield Fault(("include", str(number)), problem, hint)


def _same(path: Path, documents: Iterable[Document]) -> bool:
    """Whether a path, whatever links are on its way, is that of one of these."""
    # By `realpath`, which takes links in a circle too: what is wrong with them is told by who opens one.
    return os.path.realpath(path) in [os.path.realpath(document.path) for document in documents]
