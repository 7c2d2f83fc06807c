"""Secret: what is read from the environment, a file or a command, late and never shown."""

import os
import stat
import threading
from typing import Any, NamedTuple

from requests_auth_profiles._config import environment
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._process import printed_by
from requests_auth_profiles.errors import SecretUnavailable

__all__ = ["Secret"]

_LIMIT = 64 * 1024
_NOT_TEXT = "give it as text, base64url for a key"

# One run at a time of each command: a person is not asked by twenty threads at once to unlock their vault.
_running: dict[tuple[str, ...], threading.Lock] = {}
if hasattr(os, "register_at_fork"):
    # A thread that held a lock does not exist in the child, and would hold it there for ever.
    os.register_at_fork(after_in_child=_running.clear)


class _Answer(NamedTuple):
    """What a reference gives: a secret, or why there is none."""

    value: str = ""
    problem: str = ""
    hint: str = ""


class Secret:
    """A secret of a profile: called, it gives the secret; its repr and str tell only where it comes from.

    A file is read again at each call, as secrets that a cluster mounts are replaced there; a command runs
    once in the life of the object.

    Args:
        reference: the text itself, or a table of one of `env`, `file`, `command`.
        place: where it stands, for messages.
    """

    __slots__ = ("_kept", "_place", "_reference")

    def __init__(self, reference: str | dict[str, Any], place: Place) -> None:
        self._reference = reference
        self._place = place
        self._kept = ""

    def __call__(self) -> str:
        """The secret.

        Raises:
            SecretUnavailable: the reference gives none.
        """
        value, problem, hint = self._answer()
        if problem:
            # Raised here, where no variable holds a secret or a part of one: debuggers show those.
            raise SecretUnavailable(f"{self._place} = {self}: {problem}", hint=hint)
        return value

    def __str__(self) -> str:
        if isinstance(self._reference, str):
            return "text in the file"
        ((how, what),) = self._reference.items()
        # Not the arguments of a command: somebody may have put a secret there.
        shown = f'"{what}"' if how != "command" else f'["{what[0]}"{", …" if len(what) > 1 else ""}]'
        return f"{{ {how} = {shown} }}"

    def __repr__(self) -> str:
        return f"<Secret {self}>"

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled; build the auth again with profile(name)")

    @property
    def is_literal(self) -> bool:
        """Whether it stands in the file itself."""
        return isinstance(self._reference, str)

    def _answer(self) -> _Answer:
        if isinstance(self._reference, str):
            return _checked(self._reference)
        ((how, what),) = self._reference.items()
        if how == "env":
            value = os.environ.get(what, "")
            return _checked(value) if value else _Answer("", "the variable is not set", f"export {what}=…")
        if how == "file":
            return self._read(what)
        with _running.setdefault(tuple(what), threading.Lock()):
            if self._kept:
                return _Answer(self._kept)
            answer = self._run(what)
            self._kept = answer.value
        return answer

    def _read(self, name: str) -> _Answer:
        named = environment.expanded(name)
        if named is None:
            return _Answer("", "there is no such home folder", "a path without ~")
        # A relative name is beside the profiles file: the working directory is anybody's.
        path = self._place.file.parent / named
        hint = f"ls -l {path}"
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # a FIFO would hold us up
                return _Answer("", "it is not a file", hint)
            with path.open("rb") as file:
                data = file.read(_LIMIT + 1)
        except OSError as error:
            return _Answer("", f"cannot read it: {error.strerror or type(error).__name__}", hint)
        return _decoded(data, "the file", hint)

    def _run(self, command: list[str]) -> _Answer:
        # In the folder of the profiles file, so that ./program is beside it: see `_read`.
        text, problem, hint = printed_by(command, self._place.file.parent)
        return _Answer("", problem, hint) if problem else _checked(text, "what it printed", hint)


def _decoded(data: bytes, what: str, hint: str) -> _Answer:
    if len(data) > _LIMIT:
        return _Answer("", f"{what} is longer than {_LIMIT:,} bytes", hint)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _Answer("", f"{what} is not UTF-8 text", _NOT_TEXT)
    return _checked(text.rstrip("\r\n"), what, hint)


def _checked(value: str, what: str = "it", hint: str = "give the secret alone") -> _Answer:
    if not value:
        return _Answer("", f"{what} is empty", hint)
    if any("\ud800" <= character <= "\udfff" for character in value):
        # So Python gives bytes of a variable that are no text; a codec's exception would hold the secret.
        return _Answer("", f"{what} is not UTF-8 text", _NOT_TEXT)
    if any(character < " " or character == "\x7f" for character in value):
        # It would end a header, and begin another.
        return _Answer("", f"{what} has a line break or another control character in it", hint)
    return _Answer(value)
