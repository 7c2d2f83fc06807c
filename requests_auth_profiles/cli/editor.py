"""The person's editor."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["command", "open_at", "waits"]

_DEFAULTS = ("notepad",) if sys.platform == "win32" else ("sensible-editor", "nano", "vim", "vi")
# Those that take the line as +LINE before the file, and those that take it behind the file's name.
_PLUS = {
    *("vi", "vim", "nvim", "view", "gvim", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe"),
    *("jed", "mg", "ne", "gedit", "sensible-editor"),
}
_COLON = {"hx", "helix", "subl", "zed"}
_GOTO = {"code", "code-insiders", "codium", "cursor"}
_WAIT = {**dict.fromkeys((*_GOTO, "subl", "zed", "gedit", "kate"), "--wait"), "gvim": "-f"}


def command() -> list[str]:
    """The editor and its arguments: $VISUAL, else $EDITOR, else one that is there.

    Raises:
        RequestsAuthException: there is none, or what is named is no command.
    """
    for variable in ("VISUAL", "EDITOR"):
        if said := os.environ.get(variable, "").strip():
            try:
                words = shlex.split(said, posix=sys.platform != "win32")
            except ValueError:
                raise RequestsAuthException(
                    f"{variable} has a quote that does not end", hint=f"export {variable}=nano"
                ) from None
            return [word.strip('"') for word in words] if sys.platform == "win32" else words
    found = next(filter(shutil.which, _DEFAULTS), None)
    if found is None:
        raise RequestsAuthException("there is no editor here", hint="export EDITOR=…")
    return [found]


def waits(words: list[str]) -> str:
    """What to say so that an editor ends only when the file is closed; empty where that need not be said."""
    option = _WAIT.get(_name(words), "")
    return "" if option in words else option


def open_at(words: list[str], path: Path, line: int) -> int:
    """Opens a file in an editor, at a line where it is known how to say it, and gives its exit code.

    Args:
        words: the editor and its arguments.
        path: the file.
        line: counted from 1; 0 = none.

    Raises:
        RequestsAuthException: the editor cannot be started.
    """
    name, where = _name(words), [str(path)]
    if line:
        if name in _PLUS:
            where = [f"+{line}", str(path)]
        elif name in _COLON:
            where = [f"{path}:{line}"]
        elif name in _GOTO:
            where = ["--goto", f"{path}:{line}"]
    try:
        return subprocess.run([*words, *where], check=False).returncode
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestsAuthException(
            f"cannot start the editor {words[0]}: {reason}", hint="export EDITOR=nano, or another"
        ) from None


def _name(words: list[str]) -> str:
    return Path(words[0]).name.lower().removesuffix(".exe").removesuffix(".cmd")
