"""OAuth2: what all its classes share: the settings of the program, and a token that its cache keeps."""

import copy
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from time import time
from typing import Any, ClassVar, TypeVar, cast

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._config.kinds import HEADER_NAME
from requests_auth_profiles._credential import InHeader
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._requests_auth.cache import TokenMemoryCache, Way, asking
from requests_auth_profiles._requests_auth.display import DisplaySettings
from requests_auth_profiles._source import CachedSource, Grant
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["Face", "OAuth2", "discreet", "endpoints", "header", "needed", "no_text"]

Init = TypeVar("Init", bound=Callable[..., None])


def discreet(init: Init) -> Init:
    """An `__init__` whose errors do not show what it was given: secrets are among that."""

    @functools.wraps(init)
    def made(self: object, *said: Any, **named: Any) -> None:
        try:
            return init(self, *said, **named)
        except (ConfigurationError, TypeError) as error:
            failure = copy.copy(error)
        del said, named  # debuggers show variables
        raise failure

    return cast("Init", made)


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
        proof: what tells apart who says other secrets; no secret itself, and good in this process only.
        header_name: the header that carries the token.
        header_value: how it is written there, with `{token}` in it.
        early_expiry: seconds before its end from which a token is renewed.
    """

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith(__package__ or "") and "__init__" in vars(cls):
            cls.__init__ = discreet(cls.__init__)  # type: ignore[method-assign]

    def __init__(
        self,
        make: Callable[[], Grant],
        identity: Mapping[str, Any],
        *,
        proof: str,
        header_name: str,
        header_value: str,
        early_expiry: float,
    ) -> None:
        name = type(self).__name__
        header(name, header_name)
        if not isinstance(header_value, str):
            raise no_text(name, "header_value", "Bearer {token}")
        if "{token}" not in header_value:
            raise ConfigurationError(
                f"header_value of {name} has no {{token}} in it", hint='header_value="Bearer {token}"'
            )
        told = json.dumps({"class": name, **identity}, sort_keys=True, default=str)
        key = hashlib.sha256(told.encode()).hexdigest()
        source = _CacheSource(make, key, proof, name, early_expiry)
        super().__init__(Reach(name, (), allow_http=False), InHeader(header_name, header_value, source))


class _CacheSource:
    """A token that the cache of the program keeps."""

    def __init__(
        self, make: Callable[[], Grant], key: str, proof: str, label: str, early_expiry: float
    ) -> None:
        self._make = make
        self._known_key = key
        self._proof = proof
        self._label = label
        self._early_expiry = early_expiry
        self._grant: Grant | None = None

    @property
    def _key(self) -> str:
        # What is kept for other processes, or by others, is found without what only this process knows.
        return self._known_key + (self._proof if type(OAuth2.token_cache) is TokenMemoryCache else "")

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now and, where the cache is one of ours, not the one that was rejected."""
        refused = None if rejected is None else Token(access_token=rejected)
        del rejected  # debuggers show variables
        return self._asked(lambda source: source.token(refused.access_token if refused else None))[0]

    def stored(self) -> None:
        """Nothing: what is in the cache is the cache's own affair."""

    def login(self) -> Token:
        """A new token, which the cache keeps.

        Raises:
            ConfigurationError: the cache is another one than ours, and gave what it keeps.
        """
        token, way = self._asked(CachedSource.login)
        if not way.taken:
            raise self._foreign("gave the token that it keeps")
        return token

    def logout(self, *, revoke: bool = False) -> None:
        """Forgets the token.

        Raises:
            ConfigurationError: it should be ended at its provider too, or the cache is another one than ours.
        """
        if revoke:
            raise ConfigurationError(
                f"{self._label} does not know where its provider ends tokens", hint="make a profile of it"
            )
        if not isinstance(OAuth2.token_cache, TokenMemoryCache):
            raise self._foreign("cannot be told to forget a token")
        OAuth2.token_cache.forget(self._key)

    def _asked(self, how: Callable[[CachedSource], Token]) -> tuple[Token, Way]:
        """The token that the cache of the moment gives, and whether it was won for that."""
        whole: list[Token] = []

        def noted(source: CachedSource) -> Token:
            whole.append(how(source))
            return whole[-1]

        way = Way(self._label, self._granted, self._told, self._proof)
        with asking(noted):
            access_token = OAuth2.token_cache.get_token(
                self._key, early_expiry=self._early_expiry, on_missing_token=way, on_expired_token=way
            )
        if not isinstance(access_token, str) or not access_token:
            del access_token  # debuggers show variables
            raise self._foreign("gave no token", "have its get_token return the text of one")
        same = whole and whole[-1].access_token == access_token
        return whole[-1] if same else Token(access_token=access_token), way

    def _granted(self) -> Grant:
        if self._grant is None:
            self._grant = self._make()
        return self._grant

    def _told(self, token: Token) -> tuple[Any, ...]:
        """A token in the form that caches of others take."""
        if token.expires_at is not None:
            left = round(token.expires_at - time())
            kept = (token.refresh_token,) if token.refresh_token else ()
            return self._key, token.access_token, left, *kept
        if token.refresh_token and isinstance(OAuth2.token_cache, TokenMemoryCache):
            return self._key, token.access_token, None, token.refresh_token  # others take only numbers
        return self._key, token.access_token

    def _foreign(self, problem: str, way: str = "take the token out of that cache") -> ConfigurationError:
        return ConfigurationError(
            f"{self._label}: {type(OAuth2.token_cache).__name__}, the OAuth2.token_cache, {problem}",
            hint=f"{way}, or set OAuth2.token_cache = TokenMemoryCache()",
        )


def needed(owner: str = "", /, **said: object) -> None:
    """Refuses what is empty and may not be.

    Args:
        owner: the class whose parameters they are, for the message.
        said: they, by name.

    Raises:
        ConfigurationError: it is.
    """
    for name, value in said.items():
        if not value:
            place = f" in {owner}" if owner else ""
            raise ConfigurationError(f"{name} is mandatory{place}", hint=f"give {name}=…")


def no_text(owner: str, name: str, example: str = "…") -> ConfigurationError:
    """The error that a parameter of a class is not text; not what it is, as it may be a secret."""
    return ConfigurationError(f"{name} of {owner} is not text", hint=f'{name}="{example}"')


def header(owner: str, name: object, example: str = "Authorization") -> None:
    """Refuses what is no name of a header (RFC 9110 section 5.1), or one that is not for this.

    Args:
        owner: the class whose parameter it is.
        name: the name.
        example: another one.

    Raises:
        ConfigurationError: it is.
    """
    if not isinstance(name, str):
        raise no_text(owner, "header_name", example)
    if (problem := HEADER_NAME.problem(name)) is not None:
        message = f"header_name of {owner} {problem.message}"
        raise ConfigurationError(message, hint=f'header_name="{example}"')


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
