"""Secret: what is looked up late, kept as long as it is good, and never shown."""

import json
import os
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from requests_auth_profiles._config.asking import Answer, Asker, Call, checked
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.sources import SOURCES, Source
from requests_auth_profiles.errors import InteractionRequired, SecretUnavailable

__all__ = ["Secret"]

_MARGIN_SECONDS = 60.0  # a token that ends sooner may end on its way
_SPARED_SECONDS = 10.0  # for twenty threads whose requests were refused with the same


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a lookup gave, and until when (epoch seconds) that is kept.

    Args:
        answer: what it gave.
        until: when it is looked up again; 0 = it was refused, or there was none.
        spared_until: how long (monotonic seconds) refusals do not count, as it was looked up again after one
            and is still the same.
    """

    answer: Answer = field(repr=False)
    until: float
    spared_until: float = 0

    @property
    def holds(self) -> bool:
        return time.time() < self.until


_Key = tuple[str, tuple[str, ...], str]
_shared: dict[_Key, _Kept] = {}
_turns: dict[Hashable, threading.Lock] = {}
_guard = threading.Lock()


def _after_fork() -> None:
    # A thread that held a lock does not exist in the child, and would hold it there for ever.
    global _guard  # noqa: PLW0603
    _guard = threading.Lock()
    _turns.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Secret:
    """A secret of a profile: called, it gives the secret; its repr and str tell only where it comes from.

    A variable and a file are read at each call, as secrets that a cluster mounts are replaced there. What a
    command prints is kept for the life of the object; what a keyring, a person or a CI service gives, for
    that of the process: until it ends, or is forgotten.

    Args:
        reference: the text itself, or a table of one of `SOURCES`.
        place: where it stands, for messages.
        user: whose entry in a keyring it is, where the reference does not say; empty = that of the profile
            where it stands.
        call: how a CI service is called; None = not at all.
        by_lines: whether it may have line breaks in it, as a key in PEM has.
    """

    __slots__ = ("_asker", "_kept", "_key", "_reference")

    def __init__(
        self,
        reference: str | dict[str, Any],
        place: Place,
        *,
        user: str = "",
        call: Call | None = None,
        by_lines: bool = False,
    ) -> None:
        if isinstance(reference, dict) and "keyring" in reference:
            # As `keyring get SERVICE USERNAME` has it, which needs both.
            whose = user or (place.path[1] if place.path[0] == "profiles" else place.path[0])
            reference = {**reference, "username": reference.get("username", whose)}
        self._reference = reference
        self._asker = Asker(place, call, by_lines)
        # Not the text of the file: nobody is asked again because another line of it was changed.
        self._key: _Key = (str(place.file), place.path, json.dumps(reference))
        self._kept: dict[_Key, _Kept] = {}
        if isinstance(reference, dict) and _source(reference).is_shared:
            self._kept = _shared

    def __call__(self) -> str:
        """The secret.

        Raises:
            SecretUnavailable: the reference gives none.
            InteractionRequired: a person must type it, and none can be asked here.
        """
        answer = self._answer()
        if answer.problem:
            # Raised here, where no variable holds a secret or a part of one: debuggers show those.
            kind = InteractionRequired if answer.needs_person else SecretUnavailable
            raise kind(f"{self._asker.place} = {self}: {answer.problem}", hint=answer.hint)
        return answer.value

    def forget(self, refused: str | None = None) -> None:
        """Has it looked up again the next time.

        Args:
            refused: only if it is still this one, and was not just looked up again for another who was
                refused with it; None = whatever is kept.
        """
        with _guard:
            kept = self._kept.get(self._key)
            if kept is None or refused not in (None, kept.answer.value):
                return
            if refused is None or time.monotonic() >= kept.spared_until:
                self._kept[self._key] = _Kept(kept.answer, 0)

    def __str__(self) -> str:
        if isinstance(self._reference, str):
            return "text in the file"
        return f"{{ {', '.join(f'{name} = {_shown(what)}' for name, what in self._reference.items())} }}"

    def __repr__(self) -> str:
        return f"<Secret {self}>"

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled; build the auth again with profile(name)")

    @property
    def place(self) -> Place:
        """Where it stands, for messages."""
        return self._asker.place

    @property
    def is_literal(self) -> bool:
        """Whether it stands in the file itself."""
        return isinstance(self._reference, str)

    def _answer(self) -> Answer:
        if isinstance(self._reference, str):
            return checked(self._reference)
        source = _source(self._reference)
        if source.turn is None:
            return source.look_up(self._reference, self._asker)
        before = self._kept.get(self._key)
        if before is not None and before.holds:
            return before.answer
        with _turns.setdefault(source.turn(self._reference), threading.Lock()):
            now = self._kept.get(self._key)
            # Another who was asked while we waited has it, or did not get it: nobody is asked twice.
            if now is not None and (now.holds or (now is not before and now.answer.problem)):
                return now.answer
            answer = source.look_up(self._reference, self._asker)
            with _guard:
                self._kept[self._key] = _kept(answer, now)
            return answer


def _source(reference: dict[str, Any]) -> Source:
    return next(SOURCES[name] for name in reference if name in SOURCES)


def _kept(answer: Answer, before: _Kept | None) -> _Kept:
    if answer.problem:
        return _Kept(answer, 0)
    until = float("inf") if answer.ends_at is None else answer.ends_at - _MARGIN_SECONDS
    same = before is not None and before.answer.value == answer.value
    return _Kept(answer, until, time.monotonic() + _SPARED_SECONDS if same else 0)


def _shown(what: str | list[str]) -> str:
    if isinstance(what, str):
        return f'"{what}"'
    # Not the arguments of a command: somebody may have put a secret there.
    return f'["{what[0]}"{", …" if len(what) > 1 else ""}]'
