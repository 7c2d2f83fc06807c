"""Clients: how a profile proves who it is to its provider, and what it presents there."""

from collections.abc import Callable, Container, Iterator
from typing import Literal, NamedTuple

from requests_auth_profiles._config.flows import Flow
from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.token_types import type_of
from requests_auth_profiles.errors import Fault

__all__ = [
    "CALLED",
    "Client",
    "Exchange",
    "Signing",
    "client_faults",
    "client_of",
    "exchange_of",
    "signing_of",
]

ClientAuth = Literal[
    "basic", "post", "client_secret_jwt", "private_key_jwt", "client_assertion", "tls", "none"
]
CALLED = "endpoint"
"""The audience of a client's statement that stands for the URL which it is sent to."""

_NEEDS = {
    **dict.fromkeys(("basic", "post", "client_secret_jwt"), "client_secret"),
    "private_key_jwt": "private_key",
    "client_assertion": "client_assertion",
}
"""What each way to prove who it is needs, but for those that need no secret."""

_Secrets = Callable[[str], Secret]


class Client(NamedTuple):
    """Who we are to the provider (RFC 6749 section 2); without a `client_id` we do not say."""

    client_id: str
    client_secret: Secret | None
    client_auth: ClientAuth
    private_key: Secret | None
    key_id: str
    client_assertion: Secret | None
    assertion_audience: str

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What proves it."""
        found = (self.client_secret, self.private_key, self.client_assertion)
        return tuple(secret for secret in found if secret is not None)


class Signing(NamedTuple):
    """A statement that a program signs to get a token (RFC 7523 section 2.1)."""

    private_key: Secret
    key_id: str
    issuer: str
    subject: str
    audience: str


class Exchange(NamedTuple):
    """A token that is turned into another one (RFC 8693); types are URIs."""

    subject_token: Secret
    subject_token_type: str
    actor_token: Secret | None
    actor_token_type: str
    requested_token_type: str


def client_of(flow: str, found: Effective, secret: _Secrets) -> Client:
    """The client that a checked set of keys means."""
    by_key = flow != "jwt-bearer" or found.get("client_auth") == "private_key_jwt"  # it signs the grant there
    names = ("client_secret", "client_assertion", *(("private_key",) if by_key else ()))
    there = {name: secret(name) for name in names if name in found}
    return Client(
        client_id=found.get("client_id") or "",
        client_secret=there.get("client_secret"),
        client_auth=_client_auth(flow, found, there),
        private_key=there.get("private_key"),
        key_id=found.get("key_id") or "",
        client_assertion=there.get("client_assertion"),
        assertion_audience=found.get("assertion_audience") or "",
    )


def _client_auth(flow: str, found: Effective, there: Container[str]) -> ClientAuth:
    """How the client proves itself: as is said, where what that needs is there, else by what is."""
    said: ClientAuth | None = found.get("client_auth")
    if said is not None and (said not in _NEEDS or _NEEDS[said] in there):
        return said
    if "client_assertion" in there:
        return "client_assertion"
    if "private_key" in there:
        return "private_key_jwt"
    # The header has room for one: the person's name and password, where they go there.
    usual: ClientAuth = "post" if flow != "password" and "username" in found else "basic"
    return usual if "client_secret" in there else "none"


def signing_of(flow: str, found: Effective, secret: _Secrets) -> Signing | None:
    """What is signed for a token; None in other flows."""
    if flow != "jwt-bearer":
        return None
    return Signing(
        private_key=secret("private_key"),
        key_id=found.get("key_id") or "",
        issuer=found.get("issuer_claim") or "",
        subject=found.get("subject") or "",
        audience=found.get("audience") or "",
    )


def exchange_of(flow: str, found: Effective, secret: _Secrets) -> Exchange | None:
    """What is presented for a token; None in other flows."""
    if flow != "token-exchange":
        return None
    return Exchange(
        subject_token=secret("subject_token"),
        subject_token_type=type_of(found.get("subject_token_type")),
        actor_token=secret("actor_token") if "actor_token" in found else None,
        actor_token_type=type_of(found.get("actor_token_type")),
        requested_token_type=type_of(found.get("requested_token_type") or ""),
    )


def client_faults(found: Effective, flow: Flow) -> Iterator[Fault]:
    """What a profile lacks to prove who it is, and what is too much."""
    said = found.values
    if not flow.endpoints:
        return
    way = said.get("client_auth")  # it may be any value here
    key = "private_key" if flow.name != "jwt-bearer" else ""
    for has, needed in (
        ("client_auth", _NEEDS.get(way, "") if isinstance(way, str) else ""),
        ("client_auth", "client_id" if way in ("private_key_jwt", "tls") else ""),
        ("client_secret", "client_id"),
        (key, "client_id"),
        ("client_assertion", "client_id"),
        ("key_id", "private_key"),
        ("actor_token_type", "actor_token"),
    ):
        if needed and has in said and needed not in found and needed not in flow.lacks(found, way):
            message = f"needs {needed}, as it has {has}"
            yield Fault(("profiles", found.name), message, PROFILE[needed].written())
    entries = said.get("http")
    if way == "tls" and not (isinstance(entries, dict) and "client_cert" in entries):
        message = "needs client_cert in [profiles.NAME.http]: the certificate that proves it (RFC 8705)"
        yield Fault(found.path("client_auth"), message, 'http = { client_cert = "client.pem" }')
    proofs = [name for name in ("client_secret", key, "client_assertion") if name in said]
    if len(proofs) > 1 and way is None:
        ways = " or ".join(f'"{one}"' for one, needed in _NEEDS.items() if needed in proofs)
        message = f"proves who it is, and so does {proofs[0]}"  # RFC 6749 section 2.3: in one way alone
        yield Fault(found.path(proofs[1]), message, f"say which: client_auth = {ways}")
