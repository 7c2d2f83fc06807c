"""Where the tokens of profiles come from: a grant, and the store that keeps what it wins."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from requests.auth import AuthBase

from requests_auth_profiles._build.route import route_of
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Client, Command, OAuth2
from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import (
    ClientSecretBasic,
    ClientSecretPost,
    Nobody,
    PublicClient,
    UserBasic,
)
from requests_auth_profiles._oauth2.grants import ClientCredentials, Password, TokenEndpoint
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode, Implicit
from requests_auth_profiles._program import Program
from requests_auth_profiles._source import CachedSource, Grant
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import InteractionRequired, InvalidGrantRequest, SecretUnavailable
from requests_auth_profiles.stores import TokenStore

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attendant
    from requests_auth_profiles._oauth2.loopback import Loopback

__all__ = ["issued", "printed"]

_NOT_US = frozenset({"invalid_client"})  # RFC 6749 section 5.2
_PATIENCE_SECONDS = 10.0  # what the other one needs beyond its own time limit


def printed(name: str, scheme: Command, store: TokenStore) -> CachedSource:
    """Where the token of a profile comes from that a program prints; see `issued`."""
    told = json.dumps([scheme.command, str(scheme.folder)])
    return CachedSource(
        Program(name, scheme.command, scheme.folder),
        store,
        name,
        label=name,
        again=f"requests-auth login {name}",
        issued_for=hashlib.sha256(told.encode()).hexdigest(),
        early_expiry_seconds=scheme.early_expiry,
        patience_seconds=3 * _PATIENCE_SECONDS + _PATIENCE_SECONDS,  # a program has 30 s
    )


def issued(name: str, scheme: OAuth2, store: TokenStore, attendant: "Attendant | None") -> CachedSource:
    """Where the token of a profile comes from that a provider issues.

    Args:
        name: the profile.
        scheme: what it says.
        store: where the token lives.
        attendant: who takes the person to the provider; None = their browser.
    """
    return CachedSource(
        _proving(_grant(name, scheme, attendant), scheme),
        store,
        name,
        label=name,
        again=f"requests-auth login {name}",
        issued_for=partial(_fingerprint, scheme),
        early_expiry_seconds=scheme.early_expiry,
        # The other one may discover endpoints, wait for the person, and exchange the code.
        patience_seconds=3 * scheme.timeout + _PATIENCE_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class _Proving:
    """A grant whose secrets are looked up again the next time where the provider refuses them.

    Args:
        grant: how the token is won.
        secrets: what proves who we are.
        refusals: the errors that say so, of a new token; of a refresh it is `invalid_client` alone.
        interactive: see `Grant`.
        scope: see `Grant`.
    """

    grant: Grant
    secrets: tuple[Secret, ...]
    refusals: frozenset[str]
    interactive: bool
    scope: str

    def fetch(self) -> Token:
        """A new token; see `Grant`."""
        return self._won(self.grant.fetch, self.refusals)

    def refresh(self, token: Token) -> Token:
        """A new token for a refresh token; see `Grant`."""
        return self._won(partial(self.grant.refresh, token), _NOT_US)

    def _won(self, win: Callable[[], Token], refusals: frozenset[str]) -> Token:
        try:
            return win()
        except InvalidGrantRequest as error:
            if error.error in refusals:
                for secret in self.secrets:
                    secret.forget()
            raise


def _proving(grant: ClientCredentials | Password | AuthorizationCode | Implicit, scheme: OAuth2) -> Grant:
    user = () if scheme.user is None else (scheme.user.username, scheme.user.password)
    secret = scheme.client.client_secret
    # RFC 6749 section 5.2: of the password grant, invalid_grant says that the person is not who they say.
    refusals = _NOT_US | ({"invalid_grant"} if scheme.flow == "password" else frozenset())
    secrets = user if secret is None else (secret, *user)
    return _Proving(grant, secrets, refusals, grant.interactive, grant.scope)


def _grant(
    name: str, scheme: OAuth2, attendant: "Attendant | None"
) -> ClientCredentials | Password | AuthorizationCode | Implicit:
    channel = Channel(scheme.timeout, route=partial(route_of, scheme.http), retries=scheme.http.retries)
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
            listen=lambda: _listen(name, server.host, scheme, attendant, scheme.token_field_name),
            response_type=scheme.response_type,
            token_field_name=scheme.token_field_name,
        )
    return AuthorizationCode(
        endpoint=endpoint,
        scope=scope,
        parameters=asked,
        listen=lambda: _listen(name, server.host, scheme, attendant, scheme.code_field_name),
        pkce=scheme.flow == "authorization-code-pkce",
        response_type=scheme.response_type,
        code_field_name=scheme.code_field_name,
    )


def _listen(
    name: str, provider: str, scheme: OAuth2, attendant: "Attendant | None", field: str
) -> "Loopback":
    environment.need_person(
        name, f"where a person can be asked, and with the same store: requests-auth login {name}"
    )

    # Imported here: most programs find a token that is there.
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
        attendant=attendant or BrowserAttendant(),
        field=field,
    )


def _endpoint_auth(scheme: OAuth2) -> AuthBase:
    """What signs a token request: the client and, where a code is turned in, a user who is named."""
    client = _client_auth(scheme.client)
    if scheme.flow == "password" or scheme.user is None:
        return client
    return UserBasic(scheme.user.username, scheme.user.password, client)


def _client_auth(client: Client) -> AuthBase:
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
    except (SecretUnavailable, InteractionRequired):
        return str(username)  # whoever needs the name is told; a look at what is kept needs it not
