"""FileStore: one sealed document for each name, in a folder of one person, for all their processes."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

from requests_auth_profiles import _private_file
from requests_auth_profiles.stores._lock import locked
from requests_auth_profiles.stores._unavailable import unavailable
from requests_auth_profiles.stores.documents import LIMIT_BYTES
from requests_auth_profiles.stores.keys import KeySource
from requests_auth_profiles.stores.sealed import SealedStore

__all__ = ["FileStore"]

_KEPT_ASIDE = 3
_RECORD_BYTES = 64 * 1024  # it is read before anything is proved
_DOCUMENT = ".json"
_ASIDE = ".corrupt-"
_BEGINNING = b'{"v":'


class FileStore(SealedStore):
    """Sealed tokens in `tokens/` of a folder, with kernel locks in `locks/` beside it.

    Args:
        folder: the store's folder; made on the first write, 0700.
        sources: where its key may come from, the best first; asked on the first use.
        now: the clock (epoch seconds).
    """

    def __init__(self, folder: Path, *sources: KeySource, now: Callable[[], float] = time.time) -> None:
        self._files = _Files(folder, now)
        super().__init__(self._files, *sources, now=now)

    def __repr__(self) -> str:
        return f"FileStore({str(self.folder)!r})"

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._files.folder

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return str(self.folder)

    def path(self, key: str) -> Path:
        """Where the document of a name is."""
        return self._files.path(key.casefold())


class _Files:
    """Documents as files of one person; see `Documents`."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self.folder = folder
        self._now = now
        self._swept = False

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    def path(self, name: str | None) -> Path:
        return self.folder / "store.json" if name is None else self.tokens / f"{_quoted(name)}{_DOCUMENT}"

    def place(self, name: str | None) -> str:
        return str(self.path(name))

    def read(self, name: str | None) -> bytes | None:
        path = self.path(name)
        with unavailable(path), suppress(FileNotFoundError):
            if name is not None:
                self._check()
            return _private_file.read(path, limit=_RECORD_BYTES if name is None else LIMIT_BYTES)[0]
        return None

    def write(self, name: str | None, data: bytes) -> None:
        path = self.path(name)
        with unavailable(path):
            self._make(path.parent)
            self._sweep()
            _private_file.replace(path, data)

    def set_aside(self, name: str, at: int) -> None:
        path = self.path(name)
        with unavailable(path):
            with suppress(FileNotFoundError):  # another did it
                path.rename(path.with_name(f"{path.name}{_ASIDE}{at}"))
            found = [other for other in self._listed() if _set_aside_at(path, other)]
            self._remove(sorted(found, key=lambda other: _set_aside_at(path, other))[:-_KEPT_ASIDE])

    def delete(self, name: str) -> None:
        path = self.path(name)
        with unavailable(path):
            self._remove(
                other for other in self._listed() if other == path.name or _set_aside_at(path, other)
            )

    def names(self) -> list[str]:
        with unavailable(self.tokens):
            return [
                unquote(name.removesuffix(_DOCUMENT)) for name in self._listed() if name.endswith(_DOCUMENT)
            ]

    def clear(self) -> None:
        with unavailable(self.folder):
            # Only what is ours: somebody may have named a folder with other things in it.
            self._remove(name for name in self._listed() if _is_ours(self.tokens / name))
            self.path(None).unlink(missing_ok=True)

    @contextmanager
    def lock(self, name: str | None, what: str, timeout_seconds: float) -> Iterator[None]:
        """A kernel lock on a file beside the document: it ends with its process, however that ends."""
        beside = "store.lock" if name is None else f"locks/{_quoted(name)}.lock"
        path = self.folder / beside
        with unavailable(path):
            self._make(path.parent)
        with locked(path, what, timeout_seconds):
            yield

    def _listed(self) -> list[str]:
        """The names of what is in the folder of the documents."""
        with suppress(FileNotFoundError):
            self._check()
            return sorted(path.name for path in self.tokens.iterdir())
        return []

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.tokens / name).unlink(missing_ok=True)

    def _check(self) -> None:
        _private_file.check_folder(self.folder, named=True)
        _private_file.check_folder(self.tokens)

    def _make(self, path: Path) -> None:
        _private_file.make_folder(self.folder, named=True)
        _private_file.make_folder(path)

    def _sweep(self) -> None:
        if not self._swept:
            self._swept = True
            for folder in (self.folder, self.tokens):
                with suppress(FileNotFoundError):
                    _private_file.sweep(folder, self._now())


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _is_ours(path: Path) -> bool:
    """Whether a file is a document, one that was set aside, or what a writer that was killed left."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.suffix == _DOCUMENT:
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    head, _, _ = path.name.partition(_ASIDE)
    aside = head.endswith(_DOCUMENT) and _set_aside_at(path.with_name(head), path.name) > 0
    return aside or _private_file.is_temporary(path.name)


def _set_aside_at(path: Path, name: str) -> int:
    """When a file of this name was set aside from a path; 0 = it was not."""
    head, _, digits = name.partition(_ASIDE)
    return int(digits) if head == path.name and digits.isdecimal() else 0
