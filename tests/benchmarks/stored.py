"""One token read and written where there are 1, 100 and 10,000."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.contender import OURS, THEIRS, Bench, Contender, Sample, Target, Work
from requests_auth_profiles.stores import FileStore, KeySource, Token

__all__ = ["WORKS"]

_SIZES = (1, 100, 10_000)
_SECRET = "t" * 43
_TIMES = 5


def _token() -> Token:
    return Token(access_token=_SECRET, expires_at=time.time() + 86400, issued_for="f")


def _folder(bench: Bench, size: int) -> Path:
    """A store of so many tokens: one that is sealed, and as many copies of its document."""
    folder = bench.home / f"store-{size}"
    if not folder.exists():
        _opened(folder).set("0", _token())
        document = (folder / "tokens/0.json").read_bytes()
        for number in range(1, size):
            other = folder / f"tokens/{number}.json"
            other.write_bytes(document)
            other.chmod(0o600)
    return folder


def _opened(folder: Path) -> FileStore:
    return FileStore(folder, KeySource("bench", lambda _: bytes(range(32))))


def _file(bench: Bench, size: int) -> Path:
    """A file of requests_auth's of so many tokens, as it writes them itself."""
    file = bench.home / f"theirs-{size}.json"
    if not file.exists():
        entry = [_SECRET, time.time() + 86400, None]
        file.write_text(json.dumps({f"{number:0128x}": entry for number in range(size)}), "utf-8")
    return file


def _each(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(_TIMES):
        do()
    return (time.perf_counter() - begin) / _TIMES * 1e3


@contextmanager
def _got(size: int, bench: Bench) -> Iterator[Sample]:
    folder = _folder(bench, size)
    # Opened anew: what a process does first, the key read and proved.
    yield lambda: _each(lambda: _opened(folder).get("0"))


@contextmanager
def _set(size: int, bench: Bench) -> Iterator[Sample]:
    store = _opened(_folder(bench, size))

    def write() -> None:
        with store.lock("0", 30):
            store.set("0", _token())

    yield lambda: _each(write)


@contextmanager
def _theirs_got(size: int, bench: Bench) -> Iterator[Sample]:
    from requests_auth import JsonTokenFileCache

    file = str(_file(bench, size))
    yield lambda: _each(lambda: JsonTokenFileCache(file).get_token(f"{0:0128x}"))


@contextmanager
def _theirs_set(size: int, bench: Bench) -> Iterator[Sample]:
    from requests_auth import JsonTokenFileCache

    number = size
    cache = JsonTokenFileCache(str(_file(bench, size)))

    def write() -> None:
        nonlocal number
        number += 1
        key = f"{number:0128x}"
        cache.get_token(key, on_missing_token=lambda: (key, _SECRET, 86400))

    yield lambda: _each(write)


def _contender(name: str, opened: Callable[..., "contextmanager[Sample]"], size: int) -> Contender:
    needs = (THEIRS,) if name == THEIRS else ()
    return Contender(_named(name, size), partial(opened, size), needs)


def _named(name: str, size: int) -> str:
    return f"{name}, {size:,} token{'s' if size > 1 else ''}"


_ONE, *_, _MOST = _SIZES

WORKS = (
    Work(
        "e",
        "a token read, the store just opened",
        "ms",
        _named(OURS, _ONE),
        tuple(
            _contender(name, opened, size)
            for name, opened in ((OURS, _got), (THEIRS, _theirs_got))
            for size in _SIZES
        ),
        (Target(_named(OURS, _MOST), 1.3, _named(OURS, _ONE)),),
    ),
    Work(
        "e",
        "a token written, its lock held",
        "ms",
        _named(OURS, _ONE),
        tuple(
            _contender(name, opened, size)
            for name, opened in ((OURS, _set), (THEIRS, _theirs_set))
            for size in _SIZES
        ),
        (
            Target(_named(OURS, _MOST), 1.3, _named(OURS, _ONE)),
            Target(_named(OURS, _MOST), 0.05, _named(THEIRS, _MOST)),
        ),
    ),
)
