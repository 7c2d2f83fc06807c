"""The only place that joins a profile, its secrets, a grant and a store into an auth."""

import hashlib
import json
import logging
import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from requests import PreparedRequest
from requests.auth import AuthBase

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._config import environment, kinds
from requests_auth_profiles._config.file import ProfilesFile, profiles_path, site_path
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import (
    ApiKey,
    Basic,
    Bearer,
    Client,
    Command,
    Compose,
    Ntlm,
    OAuth2,
    Profile,
)
from requests_auth_profiles._credential import Credential, InHeader, InQuery, utf8
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._source import CachedSource, Grant, StaticSource
from requests_auth_profiles.errors import ConfigurationError, SecretUnavailable
from requests_auth_profiles.stores import FallbackStore, FileStore, KeySource, MemoryStore, TokenStore

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attendant
    from requests_auth_profiles._oauth2.loopback import Loopback

__all__ = ["Builder", "profile"]

_LOG = logging.getLogger("requests_auth_profiles")
_PATIENCE_SECONDS = 10.0  # what the other one needs beyond its own time limit
_SETTLED_NANOSECONDS = 100_000_000  # more than a tick of the clock that stamps files

_MEMORY = MemoryStore()
_readings: dict[tuple[str, bool], "_Reading"] = {}
_making = threading.RLock()


def profile(
    name: str | None = None, *, file: str | os.PathLike[str] | None = None
) -> ProfileAuth | ComposedAuth:
    """The authentication that a profile names, for `requests.get(url, auth=profile("work-okta"))`.

    Reading the file is all that this does: no secret is looked up and nobody is asked before the first
    request. Called again with nothing changed it gives the same object; a changed file is read again.

    Args:
        name: the profile; None = REQUESTS_AUTH_PROFILE, else `default_profile`, else `default`.
        file: the profiles file; None = REQUESTS_AUTH_PROFILES_FILE, else the person's own.

    Raises:
        ProfileNotFound: there is no such file, or no such profile in it.
        ProfilesFileError: the file is wrong; all its faults at once.
        CompositionConflict: two members of a composition write the same header or parameter.
        ConfigurationError: the name is no text.
    """
    if not (name is None or isinstance(name, str)):
        raise _misused(name)
    path = _path(file)
    reading = _readings.get(path)
    if reading is None or reading.stamp != _stamp(path[0]) or (reading.under and reading.is_stale()):
        reading = _read(path, file)
    return reading.builder.auth(name)


def _misused(name: object) -> ConfigurationError:
    """What to write in place of a call with something that is no name."""
    if isinstance(name, PreparedRequest):  # requests calls what it is given as auth
        return ConfigurationError(
            "profile was given to requests, not called", hint="write auth=profile(), with parentheses"
        )
    if isinstance(name, os.PathLike):
        return ConfigurationError("the name of a profile is no path", hint="write profile(file=…)")
    return ConfigurationError(
        f"the name of a profile is text, not a {type(name).__name__}", hint='profile("work-okta")'
    )


def _path(file: str | os.PathLike[str] | None) -> tuple[str, bool]:
    """The file that is meant, and whether it was named."""
    said = (os.environ.get(environment.FILE) or None) if file is None else file
    if isinstance(said, str) and os.path.isabs(said) and "\0" not in said:  # noqa: PTH117
        return said, True  # for this, pathlib would cost more than all the rest of a call
    return str(profiles_path(file)), said is not None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A profiles file as it was read.

    Args:
        stamp: what changes when the file does; empty where it was so young that it may change unseen.
        under: the same for the files that it includes, and the site's.
        builder: what was made of them.
    """

    stamp: tuple[int, ...]
    under: dict[str, tuple[int, ...]]
    builder: "Builder"

    def is_stale(self) -> bool:
        """Whether a file under it was changed."""
        return any(_stamp(path) != stamp for path, stamp in self.under.items())


def _read(path: tuple[str, bool], named: str | os.PathLike[str] | None) -> _Reading:
    with _making:
        stamp = _stamp(path[0])  # before the reading: what is written meanwhile is seen next time
        known = _readings.get(path)
        if known is not None and known.stamp == stamp and not known.is_stale():
            return known
        file = ProfilesFile.read(Path(path[0]), site_path(named))
        same = known is not None and known.builder.file.texts == file.texts
        builder = known.builder if known is not None and same else Builder(file)
        under = {name: _stamp(name) for name in file.texts if name != path[0]}
        youngest = max(when for one in (stamp, *under.values()) for when in one[:2])
        settled = abs(time.time_ns() - youngest) > _SETTLED_NANOSECONDS
        _readings[path] = _Reading(stamp if settled else (), under, builder)
        return _readings[path]


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return (0,)  # reading it says what is wrong
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode


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
        attendant: who takes the person to the provider; None = their browser.
    """

    def __init__(self, file: ProfilesFile, attendant: "Attendant | None" = None) -> None:
        self.file = file
        self._attendant = attendant
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
                self._store = _store_of(self.file)
            return self._store

    def _made(self, spec: Profile) -> ProfileAuth | ComposedAuth:  # noqa: PLR0911  a case for each scheme
        reach = Reach(spec.name, spec.hosts, allow_http=spec.allow_http)
        match spec.scheme:
            case Compose(members=members):
                return ComposedAuth(spec.name, [self.auth(member).within(reach) for member in members])
            case ApiKey(api_key=key, place="query", name=name):
                return ProfileAuth(reach, InQuery(name, StaticSource(key)))
            case ApiKey(api_key=key, name=name):
                return ProfileAuth(reach, InHeader(name, "{token}", StaticSource(key)))
            case Basic(username=username, password=password):
                source = StaticSource(partial(_pair, spec.name, username, password))
                return ProfileAuth(reach, InHeader("Authorization", "Basic {token}", source))
            case Ntlm(user=user):
                return ProfileAuth(reach, _ntlm(user))
            case Bearer(token=token, header_name=name, header_value=form):
                return ProfileAuth(reach, InHeader(name, form, StaticSource(token)))
            case Command() as scheme:
                tokens = self._printed(spec.name, scheme)
                return ProfileAuth(reach, InHeader(scheme.header_name, scheme.header_value, tokens))
            case OAuth2() as scheme:
                tokens = self._source(spec.name, scheme)
                return ProfileAuth(reach, InHeader(scheme.header_name, scheme.header_value, tokens))

    def _printed(self, name: str, scheme: Command) -> CachedSource:
        from requests_auth_profiles._program import Program

        told = json.dumps([scheme.command, str(scheme.folder)])
        return CachedSource(
            Program(name, scheme.command, scheme.folder),
            self.store,
            name,
            label=name,
            again=f"requests-auth login {name}",
            issued_for=hashlib.sha256(told.encode()).hexdigest(),
            early_expiry_seconds=scheme.early_expiry,
            patience_seconds=3 * _PATIENCE_SECONDS + _PATIENCE_SECONDS,  # a program has 30 s
        )

    def _source(self, name: str, scheme: OAuth2) -> CachedSource:
        return CachedSource(
            self._grant(name, scheme),
            self.store,
            name,
            label=name,
            again=f"requests-auth login {name}",
            issued_for=partial(_fingerprint, scheme),
            early_expiry_seconds=scheme.early_expiry,
            # The other one may discover endpoints, wait for the person, and exchange the code.
            patience_seconds=3 * scheme.timeout + _PATIENCE_SECONDS,
        )

    def _grant(self, name: str, scheme: OAuth2) -> Grant:
        # Imported here: a profile with an API key needs none of it.
        from requests_auth_profiles._oauth2.channel import Channel
        from requests_auth_profiles._oauth2.grants import ClientCredentials, Password, TokenEndpoint
        from requests_auth_profiles._oauth2.server import Server
        from requests_auth_profiles._oauth2.sign_in import AuthorizationCode, Implicit

        channel = Channel(scheme.timeout)
        server = Server(scheme.endpoints, channel)
        target = {"audience": scheme.audience, "resource": scheme.resource}
        aimed = {key: value for key, value in target.items() if value is not None}
        endpoint = TokenEndpoint(
            server=server,
            channel=channel,
            client_id=scheme.client.client_id,
            client_auth=_endpoint_auth(scheme),
            parameters=aimed | scheme.token_params,
            token_field_name=scheme.token_field_name,
        )
        scope = " ".join(scheme.scopes)
        if scheme.flow == "client-credentials":
            return ClientCredentials(endpoint=endpoint, scope=scope)
        if scheme.flow == "password" and (user := scheme.user) is not None:
            return Password(endpoint=endpoint, username=user.username, password=user.password, scope=scope)
        asked = aimed | scheme.authorize_params
        if scheme.flow == "implicit":
            return Implicit(
                server=server,
                channel=channel,
                client_id=scheme.client.client_id,
                scope=scope,
                parameters=asked,
                listen=lambda: self._listen(name, server.host, scheme, scheme.token_field_name),
                response_type=scheme.response_type,
                token_field_name=scheme.token_field_name,
            )
        return AuthorizationCode(
            endpoint=endpoint,
            scope=scope,
            parameters=asked,
            listen=lambda: self._listen(name, server.host, scheme, scheme.code_field_name),
            pkce=scheme.flow == "authorization-code-pkce",
            response_type=scheme.response_type,
            code_field_name=scheme.code_field_name,
        )

    def _listen(self, name: str, provider: str, scheme: OAuth2, field: str) -> "Loopback":
        environment.need_person(
            name, f"where a person can be asked, and with the same store: requests-auth login {name}"
        )
        from requests_auth_profiles._oauth2.attendant import BrowserAttendant
        from requests_auth_profiles._oauth2.loopback import Loopback

        return Loopback(
            profile=name,
            again=f"requests-auth login {name}",
            provider=provider,
            host=scheme.redirect.host,
            ports=scheme.redirect.ports,
            path=scheme.redirect.path,
            timeout_seconds=scheme.timeout,
            attendant=self._attendant or BrowserAttendant(),
            field=field,
        )


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


def _endpoint_auth(scheme: OAuth2) -> AuthBase:
    """What signs a token request: the client and, where a code is turned in, a user who is named."""
    from requests_auth_profiles._oauth2.client import UserBasic

    client = _client_auth(scheme.client)
    if scheme.flow == "password" or scheme.user is None:
        return client
    return UserBasic(scheme.user.username, scheme.user.password, client)


def _ntlm(user: Basic | None) -> Credential:
    # Imported here: no other profile needs it.
    from requests_auth_profiles._ntlm import ByNtlm, by_password, by_windows

    return ByNtlm(by_windows() if user is None else by_password(user.username, user.password))


def _client_auth(client: Client) -> AuthBase:
    from requests_auth_profiles._oauth2.client import (
        ClientSecretBasic,
        ClientSecretPost,
        Nobody,
        PublicClient,
    )

    if not client.client_id:
        return Nobody()
    if client.client_secret is None or client.client_auth == "none":
        return PublicClient(client.client_id)
    kind = ClientSecretBasic if client.client_auth == "basic" else ClientSecretPost
    return kind(client.client_id, client.client_secret)


def _fingerprint(scheme: OAuth2) -> str:
    """What tells tokens apart that are issued for different things; no secret is in it."""
    where = {name: scheme.endpoints.get(name) for name in ("issuer", "authorization_url", "token_url")}
    what = {
        "flow": scheme.flow,
        "client_id": scheme.client.client_id,
        "scopes": sorted(scheme.scopes),
        "audience": scheme.audience,
        "resource": scheme.resource,
        "authorize_params": scheme.authorize_params,
        "token_params": scheme.token_params,
        "response_type": scheme.response_type,
        "token_field_name": scheme.token_field_name,
        "username": None if scheme.user is None else _name(scheme.user.username),
    }
    return hashlib.sha256(json.dumps(where | what, sort_keys=True).encode()).hexdigest()


def _name(username: Secret) -> str:
    """Whose tokens they are; where that cannot be known, those of nobody."""
    try:
        return username()
    except SecretUnavailable:  # whoever needs the name is told; a look at what is kept needs it not
        return str(username)


def _store_of(file: ProfilesFile) -> TokenStore:
    """The store that the environment names, else the file, else the person's own; memory only in CI."""
    said = os.environ.get(environment.STORE) or file.store_url
    source = _key_source(file)
    nothing_configured = not said and source is None
    if said == "memory:" or (nothing_configured and environment.in_ci()):
        return _MEMORY
    if said and (problem := kinds.STORE.problem(said)) is not None:  # the file's own was checked before
        raise ConfigurationError(
            f"{environment.STORE} {problem.message}", hint=f"export {environment.STORE}={problem.write}"
        )
    try:
        if said:
            base = file.path.parent if os.environ.get(environment.STORE) else file.store_folder
            folder = _folder(base, said)
        else:
            folder = environment.state_folder()
        if source is None:
            from requests_auth_profiles.stores.keys import key_files

            source = key_files(environment.data_folder() / "keys")
    except ConfigurationError as error:
        _LOG.warning(
            "There is no place for a token store, so tokens are kept in memory only: %s", error.message
        )
        return _MEMORY
    return FallbackStore(FileStore(folder, source))


def _folder(base: Path, said: str) -> Path:
    folder = environment.expanded(said)
    if folder is None:
        raise ConfigurationError(f"{said} names no folder", hint="name it in full")
    return base / folder


def _key_source(file: ProfilesFile) -> KeySource | None:
    """Where the store's key is said to come from; None = nowhere."""
    from requests_auth_profiles.stores.keys import decode_key

    def reader(read: Callable[[], str], where: str) -> Callable[[str], bytes]:
        return lambda _: decode_key(read(), where)

    if text := os.environ.get(environment.STORE_KEY):
        return KeySource("environment", reader(lambda: text, environment.STORE_KEY))
    if (secret := file.store_key) is not None:
        return KeySource("reference", reader(secret, "[store] key"))
    return None
