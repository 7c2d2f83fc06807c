"""OAuth2: what all its classes share: the settings of the program, and a token that its cache keeps."""

import hashlib
import json
from collections.abc import Callable, Mapping
from time import time
from typing import Any, ClassVar

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._requests_auth.cache import TokenMemoryCache, rejecting
from requests_auth_profiles._requests_auth.display import DisplaySettings
from requests_auth_profiles._source import Grant
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["Face", "OAuth2", "endpoints", "needed"]


class OAuth2:
    """Settings of all OAuth2 classes of the program.

    Attributes:
        token_cache: where their tokens are: a `TokenMemoryCache`, a `JsonTokenFileCache`, or any object with
            the same `get_token`.
        display: what the browser shows at the end of a sign-in.
    """

    token_cache: ClassVar[Any] = TokenMemoryCache()
    display: ClassVar[DisplaySettings] = DisplaySettings()


class Face(ProfileAuth):
    """An OAuth2 authentication whose token is kept by `OAuth2.token_cache`.

    Args:
        make: makes the grant, when it is first needed.
        identity: what the token is for: client, endpoints, scope, audience, user; no secret.
        header_name: the header that carries the token.
        header_value: how it is written there, with `{token}` in it.
        early_expiry: seconds before its end from which a token is renewed.
    """

    def __init__(
        self,
        make: Callable[[], Grant],
        identity: Mapping[str, Any],
        *,
        header_name: str,
        header_value: str,
        early_expiry: float,
    ) -> None:
        if "{token}" not in header_value:
            raise ConfigurationError(
                "header_value has no {token} in it", hint='header_value="Bearer {token}"'
            )
        name = type(self).__name__
        told = json.dumps({"class": name, **identity}, sort_keys=True, default=str)
        key = hashlib.sha256(told.encode()).hexdigest()
        source = _CacheSource(make, key, early_expiry)
        super().__init__(Reach(name, (), allow_http=False), InHeader(header_name, header_value, source))


class _CacheSource:
    """A token that the cache of the program keeps."""

    def __init__(self, make: Callable[[], Grant], key: str, early_expiry: float) -> None:
        self._make = make
        self._key = key
        self._early_expiry = early_expiry
        self._grant: Grant | None = None

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now and, where the cache is one of ours, not the one that was rejected."""
        refused = None if rejected is None else Token(access_token=rejected)
        del rejected  # debuggers show variables
        with rejecting(refused):
            token = OAuth2.token_cache.get_token(
                self._key,
                early_expiry=self._early_expiry,
                on_missing_token=_Missing(self),
                on_expired_token=self._refreshed,
            )
        return Token(access_token=token)

    def stored(self) -> None:
        """Nothing: what is in the cache is the cache's own affair."""

    def login(self) -> Token:
        """A token; the one that is kept, where one is."""
        return self.token()

    def logout(self) -> None:
        """Nothing: a cache is cleared as a whole, `OAuth2.token_cache.clear()`."""

    @property
    def grant(self) -> Grant:
        """How the token is won."""
        if self._grant is None:
            self._grant = self._make()
        return self._grant

    def given(self, token: Token) -> tuple[Any, ...]:
        """A token in the form that caches take."""
        if token.expires_at is not None:
            return self._key, token.access_token, token.expires_at - time(), token.refresh_token
        if token.refresh_token and isinstance(OAuth2.token_cache, TokenMemoryCache):
            return self._key, token.access_token, None, token.refresh_token  # others take only numbers
        return self._key, token.access_token

    def _refreshed(self, refresh_token: str) -> tuple[Any, ...]:
        return self.given(self.grant.refresh(Token(access_token="-", refresh_token=refresh_token)))


class _Missing:
    """Wins a token for a cache that has none."""

    def __init__(self, source: _CacheSource) -> None:
        self._source = source

    @property
    def interactive(self) -> bool:
        """Whether a person has to do something."""
        return self._source.grant.interactive

    def __call__(self) -> tuple[Any, ...]:
        return self._source.given(self._source.grant.fetch())


def needed(**said: object) -> None:
    """Refuses what is empty and may not be.

    Raises:
        ConfigurationError: it is.
    """
    for name, value in said.items():
        if not value:
            raise ConfigurationError(f"{name} is mandatory", hint=f"give {name}=…")


def endpoints(**said: str) -> None:
    """Refuses endpoints that are missing, or that secrets would go to in clear (RFC 6749 section 3).

    Raises:
        ConfigurationError: one is.
    """
    from requests_auth_profiles._oauth2.server import is_endpoint

    needed(**said)
    for name, url in said.items():
        if not is_endpoint(url, url):
            raise ConfigurationError(
                f"{name} is no https URL, or has a user name, a fragment or a blank in it",
                hint=f'{name}="https://…"',
            )
