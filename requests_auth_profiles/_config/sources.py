"""Where secrets come from: for each kind of reference, how it is looked up, and whether that is kept."""

import os
import stat
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from requests_auth_profiles._config import environment
from requests_auth_profiles._config.asking import LIMIT, Answer, Asker, checked, decoded

__all__ = ["SOURCES", "Source"]

_Reference = Mapping[str, Any]


class Source(NamedTuple):
    """One kind of reference.

    Args:
        look_up: what a reference gives to who asks.
        turn: lookups with the same are made one at a time, and what they give is kept; None = it is looked
            up each time.
        is_shared: whether what is kept is kept for the process, and not only for the one object.
    """

    look_up: Callable[[_Reference, Asker], Answer]
    turn: Callable[[_Reference], Hashable] | None = None
    is_shared: bool = False


def _variable(reference: _Reference, asker: Asker) -> Answer:
    name = reference["env"]
    if value := os.environ.get(name, ""):
        return checked(value, by_lines=asker.by_lines)
    return Answer("", "the variable is not set", f"export {name}=…")


def _file(reference: _Reference, asker: Asker) -> Answer:
    named = environment.expanded(reference["file"])
    if named is None:
        return Answer("", "there is no such home folder", "a path without ~")
    # A relative name is beside the profiles file: the working directory is anybody's.
    path = asker.place.file.parent / named
    hint = f"ls -l {path}"
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a FIFO would hold us up
            return Answer("", "it is not a file", hint)
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        return Answer("", f"cannot read it: {error.strerror or type(error).__name__}", hint)
    return decoded(data, "the file", hint, by_lines=asker.by_lines)


# The others are imported where they are asked: a profile has one or two of them.


def _command(reference: _Reference, asker: Asker) -> Answer:
    from requests_auth_profiles._process import printed_by

    # In the folder of the profiles file, so that ./program is beside it: see `_file`.
    text, problem, hint = printed_by(reference["command"], asker.place.file.parent)
    if problem:
        return Answer("", problem, hint)
    return checked(text, "what it printed", hint, by_lines=asker.by_lines)


def _keyring(reference: _Reference, asker: Asker) -> Answer:
    from requests_auth_profiles._config.keyring_entry import keyring_entry

    return keyring_entry(reference, asker)


def _prompt(reference: _Reference, asker: Asker) -> Answer:
    from requests_auth_profiles._config.prompt import prompted

    return prompted(reference, asker)


def _ci_identity(reference: _Reference, asker: Asker) -> Answer:
    from requests_auth_profiles._config.ci_identity import ci_identity

    return ci_identity(reference, asker)


SOURCES = {
    "env": Source(_variable),
    "file": Source(_file),
    # One run at a time of each command: nobody is asked by twenty threads at once to unlock their vault.
    "command": Source(_command, lambda reference: tuple(reference["command"])),
    "keyring": Source(_keyring, lambda _: "keyring", is_shared=True),
    "prompt": Source(_prompt, lambda _: "prompt", is_shared=True),
    "ci_identity": Source(_ci_identity, lambda reference: ("ci", reference["ci_identity"]), is_shared=True),
}
