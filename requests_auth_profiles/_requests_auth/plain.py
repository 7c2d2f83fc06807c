"""API keys and Basic, as requests_auth has them.

A key, a user name or a password may be bytes or a whole number too, as requests sends them.
"""

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader, InQuery, utf8
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._requests_auth.oauth2 import discreet, header, needed, no_text
from requests_auth_profiles._source import StaticSource

__all__ = ["Basic", "HeaderApiKey", "QueryApiKey"]


class HeaderApiKey(ProfileAuth):
    """An API key in a header.

    Args:
        api_key: the key.
        header_name: the header; None = `X-API-Key`.

    Raises:
        ConfigurationError: there is no key, or something else than a key or a header's name.
    """

    @discreet
    def __init__(self, api_key: str, header_name: str | None = None) -> None:
        needed("HeaderApiKey", api_key=api_key)
        key = _text("HeaderApiKey", "api_key", api_key, "latin-1")  # as http.client writes it
        name = header_name or "X-API-Key"
        header("HeaderApiKey", name, "X-API-Key")
        super().__init__(_anywhere("HeaderApiKey"), InHeader(name, "{token}", StaticSource(lambda: key)))


class QueryApiKey(ProfileAuth):
    """An API key in the query, where servers and proxies may log it: prefer `HeaderApiKey`.

    Args:
        api_key: the key.
        query_parameter_name: the parameter; None = `api_key`.

    Raises:
        ConfigurationError: there is no key, or something else than a key or a parameter's name.
    """

    @discreet
    def __init__(self, api_key: str, query_parameter_name: str | None = None) -> None:
        needed("QueryApiKey", api_key=api_key)
        key = _text("QueryApiKey", "api_key", api_key, "utf-8")
        name = query_parameter_name or "api_key"
        if not isinstance(name, str):
            raise no_text("QueryApiKey", "query_parameter_name", "api_key")
        super().__init__(_anywhere("QueryApiKey"), InQuery(name, StaticSource(lambda: key)))


class Basic(ProfileAuth):
    """A user name and a password (RFC 7617), in UTF-8; bytes are sent as they are.

    Args:
        username: the user's name.
        password: the user's password.

    Raises:
        ConfigurationError: one of them is something else.
    """

    @discreet
    def __init__(self, username: str, password: str) -> None:
        self.username = username
        pair = [_bytes("username", username), _bytes("password", password)]
        source = StaticSource(lambda: b64encode(b":".join(part() for part in pair)).decode())
        super().__init__(_anywhere("Basic"), InHeader("Authorization", "Basic {token}", source))


def _text(owner: str, name: str, said: object, encoding: str) -> str:
    """What a parameter says, as text."""
    if isinstance(said, str):
        return said
    if isinstance(said, int) and not isinstance(said, bool):
        return str(said)
    with suppress(UnicodeDecodeError):  # suppressed, as it would hold the secret
        if isinstance(said, bytes):
            return said.decode(encoding)
    del said  # debuggers show variables
    raise no_text(owner, name)


def _bytes(name: str, said: object) -> Callable[[], bytes]:
    """What a parameter of `Basic` says, as bytes, once they are needed."""
    if isinstance(said, bytes):
        return lambda: said
    text = _text("Basic", name, said, "utf-8")
    return lambda: utf8(text)


def _anywhere(name: str) -> Reach:
    """Any https host, and this machine."""
    return Reach(name, (), allow_http=False)
