"""API keys and Basic, as requests_auth has them."""

from base64 import b64encode
from typing import Literal

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader, InQuery, utf8
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._requests_auth.oauth2 import needed
from requests_auth_profiles._source import StaticSource

__all__ = ["Basic", "HeaderApiKey", "QueryApiKey"]


class HeaderApiKey(ProfileAuth):
    """An API key in a header.

    Args:
        api_key: the key.
        header_name: the header; None = `X-API-Key`.

    Raises:
        ConfigurationError: there is no key.
    """

    def __init__(self, api_key: str, header_name: str | None = None) -> None:
        needed(api_key=api_key)
        super().__init__(
            _anywhere("HeaderApiKey"),
            InHeader(header_name or "X-API-Key", "{token}", StaticSource(lambda: api_key)),
        )


class QueryApiKey(ProfileAuth):
    """An API key in the query, where servers and proxies may log it: prefer `HeaderApiKey`.

    Args:
        api_key: the key.
        query_parameter_name: the parameter; None = `api_key`.

    Raises:
        ConfigurationError: there is no key.
    """

    def __init__(self, api_key: str, query_parameter_name: str | None = None) -> None:
        needed(api_key=api_key)
        super().__init__(
            _anywhere("QueryApiKey"),
            InQuery(query_parameter_name or "api_key", StaticSource(lambda: api_key)),
        )


class Basic(ProfileAuth):
    """A user name and a password (RFC 7617), in UTF-8.

    Args:
        username: the user's name.
        password: the user's password.
    """

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        source = StaticSource(lambda: b64encode(utf8(f"{username}:{password}")).decode())
        super().__init__(_anywhere("Basic"), InHeader("Authorization", "Basic {token}", source))


def _anywhere(name: Literal["HeaderApiKey", "QueryApiKey", "Basic"]) -> Reach:
    """Any https host, and this machine."""
    return Reach(name, (), allow_http=False)
