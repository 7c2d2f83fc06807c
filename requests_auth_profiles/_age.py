"""How old tokens are: by a clock that people set, and by one that nobody does."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from requests_auth_profiles._token import Stage, Token

__all__ = ["Ages", "Held"]

_PAUSE_SECONDS = 10.0
_PAUSE_PART = 1 / 3
_LONGEST_PAUSE_SECONDS = 3600.0  # by a clock that was set back it would be longer


@dataclass(frozen=True, slots=True)
class Held:
    """A token in memory, and until when it needs no second thought.

    Args:
        token: the token.
        now: when it came into memory (epoch seconds).
        ticks: the same by the clock that nobody sets.
        good_from: from when on it is good (epoch seconds).
        good_until: until when it does not age either.
        good_until_ticks: the same by the clock that nobody sets.
    """

    token: Token
    now: float
    ticks: float
    good_from: float
    good_until: float
    good_until_ticks: float

    def is_good(self, now: float, ticks: float) -> bool:
        """Whether to use it as it is, by both clocks: each warm request asks that, and no more."""
        return self.good_from <= now < self.good_until and ticks < self.good_until_ticks


class Ages:
    """How far the tokens of one source are in their lives, each better than the one before.

    Args:
        early_expiry_seconds: how long before its end a token is renewed; half of its life at most.
        now: the clock (epoch seconds).
        ticks: a clock that nobody sets (seconds).
    """

    def __init__(
        self,
        early_expiry_seconds: float,
        now: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._early_expiry_seconds = early_expiry_seconds
        self._ticks = ticks
        self._taken: Held | None = None
        self._pause_until = 0.0
        self._paused = Stage.GOOD

    def stage(self, token: Token, refused: Token | None = None) -> Stage:
        """How far a token is; over where it is the one that was refused."""
        if refused is not None and token.access_token == refused.access_token:
            return Stage.OVER
        now = self._now()
        stage = token.stage(now, self._early_expiry_seconds)
        taken = self._taken
        if taken is not None and _same(taken.token, token):
            # A clock that was set back since then makes it no younger.
            at_least = taken.now + self._ticks() - taken.ticks
            stage = max(stage, token.stage(at_least, self._early_expiry_seconds))
        paused = stage <= self._paused and 0 < self._pause_until - now < _LONGEST_PAUSE_SECONDS
        return Stage.GOOD if paused else stage

    def good(self, token: Token, refused: Token | None = None) -> bool:
        """Whether to use a token as it is."""
        return self.stage(token, refused) < Stage.DUE

    def usable(self, token: Token, refused: Token | None = None) -> bool:
        """Whether a token can be used at all."""
        return self.stage(token, refused) < Stage.OVER

    def take(self, token: Token) -> Held:
        """A token that comes into memory, or is there already."""
        before, now, ticks = self._taken, self._now(), self._ticks()
        if before is not None and _same(before.token, token):
            now, ticks = before.now, before.ticks
        good_from, good_until = token.good_between(self._early_expiry_seconds)
        self._taken = held = Held(token, now, ticks, good_from, good_until, ticks + good_until - now)
        return held

    def begin(self) -> None:
        """Has no token renewed ahead of time for a moment, as that is tried now."""
        self._paused, self._pause_until = Stage.AGEING, self._now() + _PAUSE_SECONDS

    def pause(self, token: Token) -> None:
        """Has a token that could not be renewed used as it is for a third of its time, a moment at least."""
        now = self._now()
        left = 0.0 if token.expires_at is None else token.expires_at - now
        self._paused, self._pause_until = Stage.DUE, now + max(_PAUSE_SECONDS, left * _PAUSE_PART)

    def go_on(self) -> None:
        """Ends a pause."""
        self._paused = Stage.GOOD


def _same(one: Token, other: Token) -> bool:
    return one.access_token == other.access_token and one.obtained_at == other.obtained_at
