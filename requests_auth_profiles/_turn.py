"""A turn at a token: one thread of one process at a time, and who waits for it is told for whom."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import TokenStore

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attendant

__all__ = ["Turns"]

_MOMENT_SECONDS = 1.0
_LOG = logging.getLogger("requests_auth_profiles")


class Turns(NamedTuple):
    """The turns at a token.

    Args:
        store: where it lives.
        key: its name there.
        label: whose it is, in messages.
        patience_seconds: how long to wait for another's turn to end.
        attendant: who tells the person what is waited for; None = only the log does.
    """

    store: TokenStore
    key: str
    label: str
    patience_seconds: float
    attendant: "Attendant | None"

    @contextmanager
    def next(self, *, signing_in: bool) -> Iterator[bool]:
        """Keeps all others from the token, and tells whether one of them had it for more than a moment.

        Args:
            signing_in: whether they need a person for it, as far as is known.

        Raises:
            TimeoutOccurred: another had it all that time.
        """
        with ExitStack() as turn:
            waited = self._wait(turn, signing_in=signing_in)
            yield waited

    @contextmanager
    def at_once(self) -> Iterator[bool]:
        """Keeps all others from the token if nobody has it, and tells whether that is so."""
        with ExitStack() as turn:
            yield self._took(turn, 0) is None

    def _wait(self, turn: ExitStack, *, signing_in: bool) -> bool:
        deadline = time.monotonic() + self.patience_seconds
        waited = False
        try:
            # In parts, so that each can tell who has it now.
            while held := self._took(turn, max(min(_MOMENT_SECONDS, deadline - time.monotonic()), 0)):
                left = deadline - time.monotonic()
                who = held.holder or "another process"
                does = f"signing in to {self.label}" if signing_in else f"renewing the token of {self.label}"
                if left <= 0:
                    raise TimeoutOccurred(
                        f"{who} has kept the token of {self.label} for over {self.patience_seconds:g} s, "
                        f"perhaps {does}",
                        holder=held.holder,
                        hint=held.hint,
                    )
                if not waited:
                    level = logging.WARNING if signing_in else logging.INFO
                    _LOG.log(level, "%s is %s, %.0f s left", who, does, left)
                waited = True
                if self.attendant is not None:
                    self.attendant.waiting(left, f"{who} is {does}")
        finally:
            if waited and self.attendant is not None:
                self.attendant.done()
        return waited

    def _took(self, turn: ExitStack, seconds: float) -> TimeoutOccurred | None:
        """Takes the lock for as long as the turn lasts; gives the error where another has it."""
        try:
            turn.enter_context(self.store.lock(self.key, seconds))
        except TimeoutOccurred as error:
            return error
        return None
