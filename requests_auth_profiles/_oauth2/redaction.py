"""What a request told the provider in confidence, kept out of what the provider's answer lets us say."""

import base64
import html
import re
from contextlib import suppress
from urllib.parse import parse_qsl, unquote, unquote_plus

from requests import PreparedRequest

__all__ = ["without_secrets"]

# All else that a token request says is nobody else's business, names that we do not know included.
_PUBLIC = frozenset(
    {
        *("grant_type", "client_id", "scope", "redirect_uri", "audience", "resource"),
        *("client_assertion_type", "subject_token_type", "actor_token_type", "requested_token_type"),
        # Words of a standard, which stand in each good description too: "a code_challenge is needed".
        *("token_type_hint", "response_type", "response_mode", "code_challenge_method", "prompt"),
    }
)
_LONGEST_TEXT = 4096  # far more than is shown
_PIECE = 8  # so many letters and digits of a secret are too many
_FILLING = re.compile(r"\\+(u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2})|[^0-9A-Za-z]", re.ASCII)


def without_secrets(text: str, request: PreparedRequest) -> str:
    """A text of the provider without what it repeats of the secrets in the request that it answers.

    Args:
        text: as it came: some providers say what they refuse in full.
        request: a token request.
    """
    text, secrets = text[:_LONGEST_TEXT], _secrets(request)
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    # In part, or in another writing, it cannot be cut out: of such a text nothing is said.
    readings = [_bare(reading) for reading in (text, unquote(text), html.unescape(text))]
    writings = {_bare(writing) for secret in secrets for writing in _writings(secret)}
    pieces = {piece for writing in writings for piece in _pieces(writing)}
    return "***" if any(piece in reading for piece in pieces for reading in readings) else text


def _writings(secret: str) -> tuple[str, str, str]:
    data = secret.encode()
    return secret, data.hex(), base64.b64encode(data).decode()


def _bare(text: str) -> str:
    """Its letters and digits only, which quoting and escaping leave as they are."""
    return _FILLING.sub("", text).lower()


def _pieces(text: str) -> set[str]:
    return {text[start : start + _PIECE] for start in range(max(len(text) - _PIECE + 1, 1))}


def _secrets(request: PreparedRequest) -> set[str]:
    form = parse_qsl(_latin(request.body or b""), encoding="latin-1")
    found = {reading for name, value in form if name not in _PUBLIC for reading in _readings(value)}
    scheme, _, credentials = _latin(request.headers.get("Authorization", "")).partition(" ")
    found |= _readings(credentials)
    if scheme.lower() == "basic":
        with suppress(ValueError):  # somebody's own auth may write what it likes
            secret = base64.b64decode(credentials).decode("latin-1").partition(":")[2]
            found |= _readings(secret) | _readings(unquote_plus(secret, "latin-1"))
    return found - {""}


def _latin(said: str | bytes) -> str:
    """Each byte as one character, as somebody's own auth may write any, and bytes where others write text."""
    return (said.encode(errors="replace") if isinstance(said, str) else said).decode("latin-1")


def _readings(latin: str) -> set[str]:
    """What bytes may say: requests itself writes a user's name and password in Latin-1."""
    return {latin, latin.encode("latin-1").decode(errors="replace")}
