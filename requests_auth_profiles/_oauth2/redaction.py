"""What a request told the provider in confidence, kept out of what the provider's answer lets us say."""

import base64
import html
import re
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus

from requests import PreparedRequest

__all__ = ["without_secrets"]

# All else that a token request says is nobody else's business, names that we do not know included.
_PUBLIC = frozenset({"grant_type", "client_id", "scope", "redirect_uri", "audience", "resource"})
_WRITINGS = (str, quote, quote_plus, html.escape)
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(rf"\\(?:x({_HEX}{{2}})|u({_HEX}{{4}})|U(00(?:0{_HEX}|10){_HEX}{{4}})|(.))")


def without_secrets(text: str, request: PreparedRequest) -> str:
    """A text of the provider without what it repeats of the secrets in the request that it answers.

    Args:
        text: as it came: some providers say what they refuse in full.
        request: a token request.
    """
    secrets = _secrets(request)
    writings = {write(secret) for secret in secrets for write in _WRITINGS}
    for writing in sorted(writings, key=len, reverse=True):
        text = text.replace(writing, "***")
    # One that is written in yet another way cannot be cut out: of such a text nothing is said.
    readings = [read(text) for read in (unquote, unquote_plus, html.unescape, _unescaped)]
    return "***" if any(secret in reading for secret in secrets for reading in readings) else text


def _unescaped(text: str) -> str:
    """What a string literal means, of JSON or of a programming language."""
    plain = _ESCAPE.sub(_meant, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _meant(escape: re.Match[str]) -> str:
    *numbers, itself = escape.groups()
    return itself or chr(int(next(filter(None, numbers)), 16))


def _secrets(request: PreparedRequest) -> set[str]:
    body = request.body or ""
    form = parse_qsl(body.decode() if isinstance(body, bytes) else body)
    found = {value for name, value in form if name not in _PUBLIC}
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    found.add(credentials)
    if scheme == "Basic":
        secret = base64.b64decode(credentials).decode().partition(":")[2]
        found |= {secret, unquote_plus(secret)}
    return found - {""}
