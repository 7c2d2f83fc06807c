"""Grants of profiles: how the token of each flow is won, as its profile says."""

from functools import partial
from typing import TYPE_CHECKING

from requests_auth_profiles._build.clients import endpoint_auth, key_signer
from requests_auth_profiles._build.route import route_of
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.spec import OAuth2
from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.device import DeviceCode
from requests_auth_profiles._oauth2.exchange import JwtBearer, Presented, TokenExchange
from requests_auth_profiles._oauth2.grants import ClientCredentials, Password, TokenEndpoint
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode, Implicit
from requests_auth_profiles._proof import Nonces
from requests_auth_profiles._source import Grant
from requests_auth_profiles._token import Token

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attend, Attendant
    from requests_auth_profiles._oauth2.loopback import Loopback

__all__ = ["called", "grant_of", "revoke"]


def called(scheme: OAuth2) -> tuple[Server, Channel]:
    """The provider of a profile, and how it is called."""
    channel = Channel(scheme.timeout, route=partial(route_of, scheme.http), retries=scheme.http.retries)
    by_certificate = scheme.client.client_auth == "tls"
    return Server(scheme.endpoints, channel, by_certificate=by_certificate), channel


def grant_of(  # noqa: PLR0911  a case for each flow
    name: str, scheme: OAuth2, attend: "Attend | None"
) -> Grant:
    """How the token of a profile is won.

    Args:
        name: the profile.
        scheme: what it says.
        attend: gives who takes the person to the provider; None = who opens their browser.
    """
    server, channel = called(scheme)
    target = {"audience": scheme.audience, "resource": scheme.resource}
    aimed = {key: value for key, value in target.items() if value is not None}
    endpoint = TokenEndpoint(
        server=server,
        channel=channel,
        client_id=scheme.client.client_id,
        client_auth=endpoint_auth(scheme, server, channel.now),
        parameters=aimed | scheme.token_params,
        token_field_name=scheme.token_field_name,
        nonces=Nonces() if scheme.dpop else None,
    )
    scope = " ".join(scheme.scopes)
    if scheme.flow == "client-credentials":
        return ClientCredentials(endpoint=endpoint, scope=scope)
    if scheme.flow == "password" and (user := scheme.user) is not None:
        return Password(endpoint=endpoint, username=user.username, password=user.password, scope=scope)
    if (signing := scheme.signing) is not None:
        return JwtBearer(
            endpoint=endpoint,
            signer=key_signer(signing.private_key, signing.key_id),
            issuer=signing.issuer,
            subject=signing.subject,
            audience=signing.audience,
            scope=scope,
        )
    if (exchange := scheme.exchange) is not None:
        actor = exchange.actor_token
        return TokenExchange(
            endpoint=endpoint,
            subject=Presented(exchange.subject_token, exchange.subject_token_type),
            actor=None if actor is None else Presented(actor, exchange.actor_token_type),
            kind=exchange.requested_token_type,
            scope=scope,
        )
    asked = aimed | scheme.authorize_params
    if scheme.flow == "device-code":
        return DeviceCode(
            endpoint=endpoint,
            scope=scope,
            parameters=asked,
            profile=name,
            again=f"requests-auth login {name}",
            attend=lambda: _attendant(name, scheme, attend),
        )
    if scheme.flow == "implicit":
        return Implicit(
            server=server,
            channel=channel,
            client_id=scheme.client.client_id,
            scope=scope,
            parameters=asked,
            listen=lambda: _listen(name, server.host, scheme, attend, scheme.token_field_name),
            response_type=scheme.response_type,
            token_field_name=scheme.token_field_name,
        )
    return AuthorizationCode(
        endpoint=endpoint,
        scope=scope,
        parameters=asked,
        listen=lambda: _listen(name, server.host, scheme, attend, scheme.code_field_name),
        pkce=scheme.flow == "authorization-code-pkce",
        response_type=scheme.response_type,
        code_field_name=scheme.code_field_name,
        par=scheme.par,
    )


def revoke(scheme: OAuth2, token: Token) -> None:
    """Ends a token of a profile at its provider; see `Revocation.revoke`."""
    # Imported here: most programs never sign out.
    from requests_auth_profiles._oauth2.revocation import Revocation

    server, channel = called(scheme)
    proof = endpoint_auth(scheme, server, channel.now)
    Revocation(server=server, channel=channel, client_auth=proof).revoke(token)


def _attendant(name: str, scheme: OAuth2, attend: "Attend | None") -> "Attendant":
    """Who takes the person to the provider, where one can be asked."""
    environment.need_person(
        name, f"where a person can be asked, and with the same store: requests-auth login {name}"
    )

    # Imported here: most programs find a token that is there.
    from requests_auth_profiles._oauth2.loopback import Loopback
    from requests_auth_profiles._oauth2.notebook import attendant_here

    return Loopback.stand_in or (attend or attendant_here)(scheme.browser)


def _listen(name: str, provider: str, scheme: OAuth2, attend: "Attend | None", field: str) -> "Loopback":
    attendant = _attendant(name, scheme, attend)

    from requests_auth_profiles._oauth2.loopback import Loopback

    return Loopback(
        profile=name,
        again=f"requests-auth login {name}",
        provider=provider,
        host=scheme.redirect.host,
        ports=scheme.redirect.ports,
        path=scheme.redirect.path,
        timeout_seconds=scheme.timeout,
        attendant=attendant,
        field=field,
    )
