"""What a request told the provider in confidence, kept out of what the provider's answer lets us say."""

import base64
import html
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus

from requests import PreparedRequest

__all__ = ["without_secrets"]

# All else that a token request says is nobody else's business, names that we do not know included.
_PUBLIC = frozenset({"grant_type", "client_id", "scope", "redirect_uri", "audience", "resource"})
_WRITINGS = (str, quote, quote_plus, html.escape)


def without_secrets(text: str, request: PreparedRequest) -> str:
    """A text of the provider without what it repeats of the secrets in the request that it answers.

    Args:
        text: as it came: some providers say what they refuse in full.
        request: a token request.
    """
    writings = {write(secret) for secret in _secrets(request) for write in _WRITINGS}
    for writing in sorted(writings, key=len, reverse=True):
        text = text.replace(writing, "***")
    return text


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
