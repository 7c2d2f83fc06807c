"""Files of one person: read only if nobody else could have changed them, written whole or not at all."""

import errno
import os
import re
import secrets
import shlex
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = [
    "SWEEP_SECONDS",
    "UnsafeFileError",
    "check_folder",
    "create",
    "is_temporary",
    "make_folder",
    "read",
    "refuse_link",
    "replace",
    "sweep",
]

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_MAY_ANYTHING = stat.S_IRWXG | stat.S_IRWXO
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")

SWEEP_SECONDS = 3600.0
"""The age from which a temporary file is one that a killed process left."""


class UnsafeFileError(OSError):
    """A file or folder that somebody else could have read or written.

    Args:
        message: which, and what of it.
        hint: the command that mends it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read(path: Path, *, limit: int, shareable: bool = False) -> tuple[bytes, bool]:
    """What stands in a file, and whether others may read it.

    Args:
        path: the file; only a `shareable` one may be a symbolic link, or the system administrator's.
        limit: the most bytes that it may hold.
        shareable: others may read it (never write).

    Raises:
        UnsafeFileError: not a regular file, not ours, too large, open to others, or of several names.
        OSError: it cannot be read.
    """
    if not shareable:
        refuse_link(path)
    if sys.platform == "win32":
        flags = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
    else:
        # O_NONBLOCK: a FIFO put in its place must not hold us up.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if shareable else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        # The descriptor is checked, not the path: nobody can swap the file in between.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "none"
            # One that a person names may be full of their files, or a device of the system.
            hint = f"name a file; this is {what}" if shareable else _move_away(path)
            raise UnsafeFileError(f"{path} is not a regular file", hint)
        _check_ours(path, status, shareable=shareable)
        if shareable:
            _check_way(path)
        elif status.st_nlink > 1:
            raise UnsafeFileError(f"{path} has another name elsewhere (a hard link)", _copy(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise UnsafeFileError(f"{path} is larger than {limit:,} bytes", _move_away(path))
    return data, sys.platform != "win32" and bool(status.st_mode & _OTHERS_MAY_ANYTHING)


def create(path: Path, data: bytes) -> None:
    """Writes a new file, 0600, in a folder that it makes if need be.

    Raises:
        FileExistsError: there is one; it is left as it is.
        OSError: it cannot be written; nothing is left.
    """
    _make(path.parent)
    _write(path, data)
    _sync_folder(path.parent)


def replace(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Puts a file in place of what is there, so that every reader sees the old one or the new one.

    Args:
        path: the file.
        data: what is to stand in it.
        mode: who may read it, on Unix.

    Raises:
        OSError: it cannot be written; the old one is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        _write(temporary, data, mode)
        _rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def sweep(folder: Path, now: float) -> None:
    """Removes the temporary files that processes killed an hour before `now` (epoch seconds) left."""
    with os.scandir(folder) as entries:
        for entry in entries:
            # Another process may be done with it, or sweep it too.
            with suppress(FileNotFoundError):
                if (
                    is_temporary(entry.name)
                    and entry.stat(follow_symlinks=False).st_mtime < now - SWEEP_SECONDS
                ):
                    Path(entry.path).unlink()


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that `replace` was writing, or is."""
    return _TEMPORARY.fullmatch(name) is not None


def make_folder(path: Path, *, named: bool = False) -> None:
    """Makes a folder for one person only (0700), or sees that the one that is there is such a folder.

    Args:
        path: the folder.
        named: a person named it, so what is there instead may be another thing of theirs.

    Raises:
        UnsafeFileError: a link, not ours, or open to others.
        OSError: it cannot be made.
    """
    try:
        check_folder(path, named=named)
    except FileNotFoundError:
        _make(path)
        check_folder(path, named=named)


def check_folder(path: Path, *, named: bool = False) -> None:
    """Sees that a folder is for one person only, and that nobody else can put another in its place.

    Args:
        path: the folder.
        named: a person named it, so what is there instead may be another thing of theirs.

    Raises:
        UnsafeFileError: a link, not ours, or open to others.
        OSError: there is none, or it cannot be seen.
    """
    refuse_link(path)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        named = named and stat.S_ISREG(status.st_mode)
        hint = "name a folder; this is a file" if named else _move_away(path)
        raise UnsafeFileError(f"{path} is not a folder", hint)
    _check_ours(path, status)
    _check_way(path)


def refuse_link(path: Path) -> None:
    """Says that a path is a symbolic link, where the kernel would only refuse it.

    Raises:
        UnsafeFileError: it is one.
    """
    if path.is_symlink():
        raise UnsafeFileError(f"{path} is a symbolic link", _move_away(path))


def _move_away(path: Path) -> str:
    return f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.away')}"


def _copy(path: Path) -> str:
    ours, copy = shlex.quote(str(path)), shlex.quote(f"{path}.copy")
    return f"cp -p {ours} {copy} && mv -f {copy} {ours}"


def _check_way(path: Path) -> None:
    """Sees that nobody else can put another thing in the place of what a path leads to."""
    if sys.platform == "win32":
        return
    # The folders on the way as it is written, and those where its links lead.
    for folder in {*path.absolute().parents, *path.resolve().parents}:
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise UnsafeFileError(
                f"everybody may rename what is in {folder}", f"chmod o-w {shlex.quote(str(folder))}"
            )


def _check_ours(path: Path, status: os.stat_result, *, shareable: bool = False) -> None:
    if sys.platform == "win32":  # its folders' access lists rule there
        return
    # The administrator can change all that is read here anyway, as in a site's file or a container's.
    owner, us = status.st_uid, os.geteuid()
    if owner != us and not (shareable and owner == 0):
        # For root it is the user that is wrong, not the file: its owner could not use it any more.
        hint = (
            f"sudo chown {us} {shlex.quote(str(path))}"
            if us
            else f"run it as its owner: sudo -u '#{owner}' ..."
        )
        raise UnsafeFileError(f"{path} belongs to user {owner}, and we run as {us}", hint)
    if status.st_mode & (_OTHERS_MAY_WRITE if shareable else _OTHERS_MAY_ANYTHING):
        may = "written" if status.st_mode & _OTHERS_MAY_WRITE else "read"
        mode = "go-w" if shareable else "go-rwx"
        raise UnsafeFileError(f"{path} can be {may} by others", f"chmod {mode} {shlex.quote(str(path))}")


def _make(path: Path) -> None:
    """Makes a folder and those above it that are missing, each 0700 as the XDG specification asks."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        _make(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    if sys.platform == "win32":
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT
    else:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sys.platform != "win32" and mode != 0o600:  # noqa: PLR2004
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _rename(source: Path, target: Path) -> None:
    if sys.platform == "win32":
        # A reader, a virus scanner or a sync client may hold the target for a moment.
        for pause_seconds in (0.05, 0.1, 0.2, 0.4, 0.8, 1.0):
            try:
                source.replace(target)
            except PermissionError:
                time.sleep(pause_seconds)
            else:
                return
    source.replace(target)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network and FUSE file systems cannot
            raise
    finally:
        os.close(descriptor)
