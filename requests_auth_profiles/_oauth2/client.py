"""How a client proves itself at the token endpoint (RFC 6749 section 2.3): requests auths."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote_plus

from requests import PreparedRequest
from requests.auth import AuthBase

__all__ = ["ClientSecretBasic", "ClientSecretPost", "Nobody", "PublicClient", "UserBasic"]


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
class PublicClient(AuthBase):
    """No secret: only who it is (section 3.2.1)."""

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


def _with(request: PreparedRequest, **fields: str) -> PreparedRequest:
    body = request.body or ""
    form = parse_qsl(body.decode() if isinstance(body, bytes) else body, keep_blank_values=True)
    request.prepare_body([*form, *fields.items()], None)
    return request
