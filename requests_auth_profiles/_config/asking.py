"""What a secret is asked for by, and what comes of it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from requests_auth_profiles._config.place import Place

__all__ = ["LIMIT", "Answer", "Asker", "Call", "checked", "decoded"]

LIMIT = 64 * 1024
_NOT_TEXT = "give it as text, base64url for a key"

Call = Callable[[str, str, Mapping[str, str]], tuple[int, bytes]]
"""Calls a service: method, URL and headers give the status and the body; raises a RequestsAuthException."""


class Answer(NamedTuple):
    """What a reference gives: a secret, or why there is none.

    Args:
        value: the secret.
        problem: why there is none; empty = there is.
        hint: what to do about it.
        needs_person: whether it is that nobody can be asked here.
        ends_at: when it ends (epoch seconds), where it says so.
    """

    value: str = ""
    problem: str = ""
    hint: str = ""
    needs_person: bool = False
    ends_at: float | None = None


class Asker(NamedTuple):
    """Who asks for a secret.

    Args:
        place: where the reference stands.
        call: how a service is called; None = not at all.
        by_lines: whether the secret may have line breaks in it, as a key in PEM has.
    """

    place: Place
    call: Call | None
    by_lines: bool = False


def decoded(data: bytes, what: str, hint: str, *, by_lines: bool = False) -> Answer:
    """Bytes as a secret, without the line breaks at their end."""
    if len(data) > LIMIT:
        return Answer("", f"{what} is longer than {LIMIT:,} bytes", hint)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Answer("", f"{what} is not UTF-8 text", _NOT_TEXT)
    return checked(text.rstrip("\r\n"), what, hint, by_lines=by_lines)


def checked(
    value: str, what: str = "it", hint: str = "give the secret alone", *, by_lines: bool = False
) -> Answer:
    """A text as a secret, if it can be one."""
    if not value:
        return Answer("", f"{what} is empty", hint)
    if value.isprintable():  # as nearly all are; the others are looked at letter by letter
        return Answer(value)
    if any("\ud800" <= character <= "\udfff" for character in value):
        # So Python gives bytes of a variable that are no text; a codec's exception would hold the secret.
        return Answer("", f"{what} is not UTF-8 text", _NOT_TEXT)
    allowed = "\t\r\n" if by_lines else ""
    if any(character < " " or character == "\x7f" for character in value if character not in allowed):
        # It would end a header, and begin another.
        return Answer("", f"{what} has a line break or another control character in it", hint)
    return Answer(value)
