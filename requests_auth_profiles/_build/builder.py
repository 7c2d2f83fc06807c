"""Builder: the auths of a profiles file."""

import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._build.calls import call
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import (
    ApiKey,
    Basic,
    Bearer,
    Command,
    Compose,
    Foreign,
    Ntlm,
    OAuth2,
    Profile,
)
from requests_auth_profiles._credential import Credential, InHeader, InQuery, utf8
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._source import CachedSource, DeferredSource, StaticSource
from requests_auth_profiles.errors import ConfigurationError
from requests_auth_profiles.stores import TokenStore

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attend

__all__ = ["Builder", "making"]

_making = threading.RLock()


def making() -> threading.RLock:
    """What keeps two threads from making the same."""
    return _making


def _after_fork() -> None:
    # A thread that was making an auth does not exist in the child, and would hold the lock there for ever.
    global _making  # noqa: PLW0603
    _making = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Builder:
    """Makes the auths of a profiles file, each once.

    Args:
        file: the profiles file.
        attend: gives who takes the person to the provider; None = who opens their browser.
    """

    def __init__(self, file: ProfilesFile, attend: "Attend | None" = None) -> None:
        self.file = replace(file, call=call)
        self._attend = attend
        self._auths: dict[str, ProfileAuth | ComposedAuth] = {}
        self._store: TokenStore | None = None

    def auth(self, name: str | None) -> ProfileAuth | ComposedAuth:
        """The auth of a profile; see `profile`."""
        found = self._auths.get(name) if name else None
        if found is None:
            name = self.file.chosen(name)
            with _making:
                found = self._auths.get(name) or self._made(self.file.profile(name))
                self._auths[name] = found
        return found

    @property
    def store(self) -> TokenStore:
        """Where the tokens of these profiles live."""
        with _making:
            if self._store is None:
                # Imported here: an API key needs no store.
                from requests_auth_profiles._build.store import store_of

                self._store = store_of(self.file)
            return self._store

    def _made(self, spec: Profile) -> ProfileAuth | ComposedAuth:  # noqa: PLR0911  a case for each scheme
        reach = Reach(spec.name, spec.hosts, allow_http=spec.allow_http)
        match spec.scheme:
            case Compose(members=members):
                return ComposedAuth(spec.name, [self.auth(member).within(reach) for member in members])
            case ApiKey(api_key=key, place="query", name=name):
                return ProfileAuth(reach, InQuery(name, StaticSource(key, key.forget)))
            case ApiKey(api_key=key, name=name):
                return ProfileAuth(reach, InHeader(name, "{token}", StaticSource(key, key.forget)))
            case Basic(username=username, password=password):
                source = StaticSource(
                    partial(_pair, spec.name, username, password), partial(_forget, username, password)
                )
                return ProfileAuth(reach, InHeader("Authorization", "Basic {token}", source))
            case Ntlm(user=user):
                return ProfileAuth(reach, _ntlm(user))
            case Bearer(token=token, header_name=name, header_value=form):
                return ProfileAuth(reach, InHeader(name, form, StaticSource(token, token.forget)))
            case Foreign() as scheme:
                from requests_auth_profiles._foreign import ByClass

                given, forget = (partial(_each, do, scheme) for do in (Secret.__call__, Secret.forget))
                return ProfileAuth(reach, ByClass(spec.name, scheme.path, given, forget))
            case Command() | OAuth2() as scheme:
                # Later: to read the file is all that is done before a token is asked for.
                tokens = DeferredSource(partial(self._tokens, spec.name, scheme, self.store))
                if isinstance(scheme, OAuth2) and scheme.dpop:
                    from requests_auth_profiles._bound import Bound

                    return ProfileAuth(reach, Bound(tokens, again=f"requests-auth login {spec.name}"))
                return ProfileAuth(reach, InHeader(scheme.header_name, scheme.header_value, tokens))

    def _tokens(self, name: str, scheme: Command | OAuth2, store: TokenStore) -> CachedSource:
        from requests_auth_profiles._build import tokens

        if isinstance(scheme, Command):
            return tokens.printed(name, scheme, store)
        return tokens.issued(name, scheme, store, self._attend)


def _each(do: Callable[[Secret], Any], scheme: Foreign) -> tuple[list[Any], dict[str, Any]]:
    """What an object of a class is made with, with what is done to each secret in place of that."""

    def done(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: done(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [done(entry) for entry in value]
        return do(value) if isinstance(value, Secret) else value

    return done(scheme.args), done(scheme.options)


def _pair(name: str, username: Callable[[], str], password: Callable[[], str]) -> str:
    """What `Basic` carries (RFC 7617): in UTF-8, which servers that announce no charset take too."""
    user = username()
    if ":" in user:
        del user  # perhaps it has the password in it: debuggers show variables
        raise ConfigurationError(
            f"the username of profile {name!r} has a colon in it, where servers see the password begin",
            hint="check username; no server can know a user by such a name (RFC 7617 section 2)",
        )
    return b64encode(utf8(f"{user}:{password()}")).decode()


def _forget(username: Secret, password: Secret, refused: str | None) -> None:
    """Has both looked up again, if they are still those in what `Basic` carried."""
    if refused is None:
        username.forget()
        password.forget()
        return
    user, _, word = b64decode(refused).decode().partition(":")
    username.forget(user)
    password.forget(word)


def _ntlm(user: Basic | None) -> Credential:
    # Imported here: no other profile needs it.
    from requests_auth_profiles._ntlm import ByNtlm, by_password, by_windows

    if user is None:
        return ByNtlm(by_windows())
    return ByNtlm(by_password(user.username, user.password), partial(_forget, user.username, user.password))
