"""How a client proves itself at the token endpoint (RFC 6749 section 2.3): requests auths.

Each signs a request anew, also one that is sent again: an assertion may be good for one request only.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote_plus

from requests import PreparedRequest
from requests.auth import AuthBase

from requests_auth_profiles._proof import Nonces, ProofKey

__all__ = [
    "ClientAssertion",
    "ClientSecretBasic",
    "ClientSecretPost",
    "GrantAssertion",
    "Nobody",
    "PublicClient",
    "UserBasic",
    "WithProof",
]

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ClientSecretBasic(AuthBase):
    """The secret in the Authorization header."""

    client_id: str
    client_secret: Callable[[], str]

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a token request."""
        # Section 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret())}"
        r.headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return r


@dataclass(frozen=True, slots=True)
class ClientSecretPost(AuthBase):
    """The secret in the body."""

    client_id: str
    client_secret: Callable[[], str]

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a token request."""
        return _with(r, client_id=self.client_id, client_secret=self.client_secret())


@dataclass(frozen=True, slots=True)
class ClientAssertion(AuthBase):
    """A signed statement of who it is (RFC 7523 section 2.2), its own or that of somebody who knows it.

    Args:
        client_id: who it is.
        assertion: gives the statement for a URL that is called.
    """

    client_id: str
    assertion: Callable[[str], str]

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a token request."""
        # The client_id is optional (RFC 7521 section 4.2), but for those who know us by somebody else's word.
        return _with(
            r,
            client_id=self.client_id,
            client_assertion_type=_JWT_BEARER,
            client_assertion=self.assertion(r.url or ""),
        )


@dataclass(frozen=True, slots=True)
class PublicClient(AuthBase):
    """No secret: only who it is (section 3.2.1), which a certificate may prove (RFC 8705 section 2)."""

    client_id: str

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a token request."""
        return _with(r, client_id=self.client_id)


class Nobody(AuthBase):
    """Nothing: the request says by itself who asks."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Leaves a token request as it is."""
        return r


@dataclass(frozen=True, slots=True)
class GrantAssertion(AuthBase):
    """A signed statement that is the grant itself (RFC 7523 section 2.1)."""

    assertion: Callable[[], str]
    client: AuthBase = field(default_factory=Nobody)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Puts it into a token request, which the client signs."""
        return self.client(_with(r, assertion=self.assertion()))


@dataclass(frozen=True, slots=True)
class UserBasic(AuthBase):
    """A user's name and password in the Authorization header (RFC 7617), as some providers want it."""

    username: Callable[[], str]
    password: Callable[[], str]
    client: AuthBase = field(default_factory=Nobody)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a token request, which the client has signed in its body."""
        pair = f"{self.username()}:{self.password()}".encode()
        r = self.client(r)
        r.headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        return r


@dataclass(frozen=True, slots=True)
class WithProof(AuthBase):
    """A proof of the key that a token is to be bound to (RFC 9449 section 5), besides what the client proves.

    Args:
        key: the key.
        nonces: what the provider wants to see in it.
        now: the clock (epoch seconds).
        client: how the client proves itself.
    """

    key: ProofKey
    nonces: Nonces
    now: Callable[[], float]
    client: AuthBase

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a token request, which the client signs."""
        r, url = self.client(r), r.url or ""
        r.headers["DPoP"] = self.key.proof(r.method or "", url, at=self.now(), nonce=self.nonces.of(url))
        return r


def _with(request: PreparedRequest, **fields: str) -> PreparedRequest:
    body = request.body or ""
    said = parse_qsl(body.decode() if isinstance(body, bytes) else body, keep_blank_values=True)
    form = [pair for pair in said if pair[0] not in fields]  # none twice (RFC 6749 section 3.2)
    request.prepare_body([*form, *fields.items()], None)
    return request
