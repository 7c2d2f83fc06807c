"""A program of the person's own that prints a token."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from requests_auth_profiles._process import printed_by
from requests_auth_profiles._token import Token, jwt_expires_at
from requests_auth_profiles.errors import AuthenticationFailed

__all__ = ["Program"]

_VERSION = 1
_LAST = 253402300800  # the end of the year 9999
_FORM = '{"version": 1, "token": "…", "expires_at": 1789000000}, or the token alone'


class Program:
    """A grant: the token that a program prints.

    It prints the token alone, or `{"version": 1, "token": "…", "expires_at": 1789000000}`, where the end is
    in epoch seconds or as in RFC 3339.

    Args:
        whose: the profile, for messages.
        command: the program and its arguments; no shell.
        folder: where it runs.
        now: the clock (epoch seconds).
    """

    interactive = False
    scope = ""

    def __init__(
        self,
        whose: str,
        command: Sequence[str],
        folder: Path,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._whose = whose
        self._command = list(command)
        self._folder = folder
        self._now = now

    def fetch(self) -> Token:
        """A new token.

        Raises:
            AuthenticationFailed: the program gives none.
        """
        text, problem, hint = printed_by(self._command, self._folder)
        token = None if problem else _token(text, self._now())
        if token is not None:
            return token
        del text  # debuggers show variables
        raise AuthenticationFailed(
            f"the command of {self._whose} gave no token: {problem or 'it printed something else'}",
            hint=hint if problem else f"have it print {_FORM}",
        )

    def refresh(self, token: Token) -> Token:  # noqa: ARG002
        """A new token too: the program knows of no other."""
        return self.fetch()


def _token(text: str, now: float) -> Token | None:
    """The token in what a program printed, if there is one."""
    if not text.lstrip().startswith("{"):
        fit = text.isprintable() and text.strip() == text != ""
        return Token(access_token=text, expires_at=jwt_expires_at(text), obtained_at=now) if fit else None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token, end = said.get("token"), said.get("expires_at")
    expires_at = _seconds(end)
    if said.get("version") != _VERSION or not isinstance(token, str) or not token:
        return None
    if end is not None and expires_at is None:
        return None
    return Token(
        access_token=token,
        expires_at=jwt_expires_at(token) if end is None else expires_at,
        obtained_at=now,
    )


def _seconds(end: Any) -> float | None:
    """Epoch seconds, of a number or a time with its offset (RFC 3339); None where it is neither."""
    if isinstance(end, str):
        try:
            when = datetime.fromisoformat(end)
        except ValueError:
            return None
        return when.timestamp() if when.tzinfo is not None else None
    number = isinstance(end, (int, float)) and not isinstance(end, bool)
    return float(end) if number and abs(end) <= _LAST else None
