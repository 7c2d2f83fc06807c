"""The profiles file, changed: checked before, and written whole or not at all."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from requests_auth_profiles import _private_file
from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["rewrite", "target_of", "unwritable"]


def rewrite(path: Path, site: Path | None, change: Callable[[bytes], bytes]) -> ProfilesFile:
    """Changes the profiles file at a path, and gives it as it is then.

    Args:
        path: the file; where it is a symbolic link, what it leads to is changed.
        site: the one that lies under it, where there is one.
        change: gives what is to stand there, of what stands there; called while no other of us changes it.

    Raises:
        ProfilesFileError: it would have faults; it is left as it was.
        RequestsAuthException: it cannot be written; it is left as it was.
    """
    target = target_of(path)
    with unwritable(path), _alone(target.parent):
        new = change(target.read_bytes())
        file = ProfilesFile.read(path, site, instead=new)
        _private_file.replace(target, new, mode=stat.S_IMODE(target.stat().st_mode))
    return file


def target_of(path: Path) -> Path:
    """The file that a path leads to, whatever links are on the way: that is what is replaced."""
    return path.resolve()


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Tells of a file that cannot be written."""
    try:
        yield
    except RequestsAuthException:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestsAuthException(
            f"cannot write {path}: {reason}", hint=f"ls -ld {typed(target_of(path).parent)}"
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps others of us from changing what is in a folder; no file of its own is left in it."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network file systems cannot: they had no lock before either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
