"""Ending: how the token of a profile is ended where it was issued, before it is forgotten here."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import NotRevoked, RequestsAuthException, StoreError

__all__ = ["Ending"]

_BY_HAND = "have it ended where it was issued"


@dataclass(frozen=True, slots=True)
class Ending:
    """Has a token ended that is about to be forgotten.

    Args:
        label: whose it is, in messages.
        issued_for: the fingerprint of what the profile's tokens are issued for; no other is sent anywhere.
        end: ends one, or raises why it lives on; None = it is not known who issued it.
    """

    label: str
    issued_for: Callable[[], str]
    end: Callable[[Token], None] | None

    def __call__(self, kept: Callable[[], Token | None]) -> NotRevoked | None:
        """Ends what is kept; gives why that could not be."""
        try:
            if (token := kept()) is not None:
                self._end(token)
        except RequestsAuthException as error:
            told = f"the token of {self.label} is forgotten here, and not ended: {error.message}"
            # What a store wants to be mended is too late: the token goes all the same.
            return NotRevoked(told, hint=_BY_HAND if isinstance(error, StoreError) else error.hint)
        return None

    def _end(self, token: Token) -> None:
        if not (living := " and ".join(token.living(time.time()).values())):
            return
        if token.issued_for != self.issued_for():
            raise NotRevoked(
                f"it was issued for something else, so it was sent to nobody; {living}",
                hint=_BY_HAND,
            )
        if self.end is None:
            raise NotRevoked(
                f"it is not known who issued it; {living}", hint="have it ended where the command has it from"
            )
        self.end(token)
