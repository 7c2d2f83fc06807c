"""Clients of profiles: how each proves who it is at the token endpoint."""

from collections.abc import Callable
from dataclasses import dataclass

from requests.auth import AuthBase

from requests_auth_profiles._config.clients import CALLED, Client
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import OAuth2
from requests_auth_profiles._oauth2.assertion import KeySigner, SecretSigner, Signer, Statement
from requests_auth_profiles._oauth2.client import (
    ClientAssertion,
    ClientSecretBasic,
    ClientSecretPost,
    Nobody,
    PublicClient,
    UserBasic,
)
from requests_auth_profiles._oauth2.server import Server

__all__ = ["endpoint_auth", "key_signer"]

_Clock = Callable[[], float]


def endpoint_auth(scheme: OAuth2, server: Server, now: _Clock) -> AuthBase:
    """What signs a token request: the client and, where a code is turned in, a user who is named.

    Args:
        scheme: what the profile says.
        server: its provider.
        now: the clock (epoch seconds).
    """
    client = _client_auth(scheme.client, server, now)
    if scheme.flow == "password" or scheme.user is None:
        return client
    return UserBasic(scheme.user.username, scheme.user.password, client)


def key_signer(private_key: Secret, key_id: str) -> KeySigner:
    """What signs with a key of a profile."""
    return KeySigner(private_key, _Told(private_key), key_id)


@dataclass(frozen=True, slots=True)
class _Told:
    """Where a secret stands and comes from: as text, which takes a look at the file, only if it is told."""

    secret: Secret

    def __str__(self) -> str:
        return f"{self.secret.place} = {self.secret}"


def _client_auth(client: Client, server: Server, now: _Clock) -> AuthBase:  # noqa: PLR0911  a case for each
    secret, key, word = client.client_secret, client.private_key, client.client_assertion
    match client.client_auth if client.client_id else "":
        case "":
            return Nobody()
        case "basic" if secret:
            return ClientSecretBasic(client.client_id, secret)
        case "post" if secret:
            return ClientSecretPost(client.client_id, secret)
        case "client_secret_jwt" if secret:
            return _signing(client, SecretSigner(secret, _Told(secret)), server, now)
        case "private_key_jwt" if key:
            return _signing(client, key_signer(key, client.key_id), server, now)
        case "client_assertion" if word:
            return ClientAssertion(client.client_id, lambda _: word())
        case _:
            return PublicClient(client.client_id)


def _signing(client: Client, signer: Signer, server: Server, now: _Clock) -> AuthBase:
    who = {"iss": client.client_id, "sub": client.client_id}  # OpenID Connect Core section 9

    def assertion(url: str) -> str:
        said = client.assertion_audience
        audience = url if said == CALLED else said or server.audience or url
        return Statement(signer, lambda: {**who, "aud": audience}, now)()

    return ClientAssertion(client.client_id, assertion)
