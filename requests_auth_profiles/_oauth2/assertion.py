"""Assertions: signed statements that stand for a client's secret, or for a grant (RFC 7523 section 3)."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from requests_auth_profiles._oauth2.private_key import Account, Unusable, account_of, private_key_of
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["Claims", "KeySigner", "SecretSigner", "Signer", "Statement"]

_LIFETIME_SECONDS = 120  # of use for one request, by clocks that do not quite agree
_LEAST_SECRET_BYTES = 32

Claims = Mapping[str, str]


class Signer(Protocol):
    """Makes a JWT of claims."""

    def signed(self, claims: Mapping[str, Any]) -> str:
        """The JWT, in its compact form.

        Raises:
            ConfigurationError: what it signs with is no such key.
        """


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs with a private key, by the algorithm that goes with its kind.

    Args:
        private_key: gives the key as text: PEM, a JWK, or a service account's key file.
        label: where that comes from, as its text says, for messages.
        key_id: which of the keys at the provider it is; empty = as the JWK or the file says, if it does.
    """

    private_key: Callable[[], str] = field(repr=False)
    label: object = "private_key"
    key_id: str = ""

    def signed(self, claims: Mapping[str, Any]) -> str:
        """See `Signer`."""
        made = self._made(claims)
        if isinstance(made, Unusable):
            # Raised here, where no variable holds the key or a part of it: debuggers show those.
            raise ConfigurationError(f"{self.label}: it {made.problem}", hint=made.hint)
        return made

    def account(self) -> Account | None:
        """Whose key file it is; None where it is a key alone."""
        return account_of(self.private_key())

    def _made(self, claims: Mapping[str, Any]) -> str | Unusable:
        import jwt

        found = private_key_of(self.private_key())
        if isinstance(found, Unusable):
            return found
        headers = found.headers | ({"kid": self.key_id} if self.key_id else {})
        return jwt.encode(dict(claims), found.key, algorithm=found.algorithm, headers=headers)


@dataclass(frozen=True, slots=True)
class SecretSigner:
    """Signs with the client's secret (OpenID Connect Core section 9, client_secret_jwt).

    Args:
        client_secret: gives it.
        label: where it comes from, as its text says, for messages.
    """

    client_secret: Callable[[], str] = field(repr=False)
    label: object = "client_secret"

    def signed(self, claims: Mapping[str, Any]) -> str:
        """See `Signer`."""
        made = self._made(claims)
        if made is None:
            # RFC 7518 section 3.2. A shorter one can be guessed from a single assertion.
            problem = f"it has fewer than {_LEAST_SECRET_BYTES} bytes, too few to sign with"
            hint = 'client_auth = "basic" or "post", or a longer one from the provider'
            raise ConfigurationError(f"{self.label}: {problem}", hint=hint)
        return made

    def _made(self, claims: Mapping[str, Any]) -> str | None:
        import jwt

        secret = self.client_secret().encode(errors="replace")
        if len(secret) < _LEAST_SECRET_BYTES:
            return None
        return jwt.encode(dict(claims), secret, algorithm="HS256")


@dataclass(frozen=True, slots=True)
class Statement:
    """An assertion that is made anew each time: called, it gives one that was never sent.

    Args:
        signer: signs it.
        claims: gives its own claims: `iss`, `sub`, `aud`, …
        now: the clock (epoch seconds).
    """

    signer: Signer
    claims: Callable[[], Claims]
    now: Callable[[], float] = time.time

    def __call__(self) -> str:
        """One of short life, that is good once (RFC 7523 section 3, `exp` and `jti`)."""
        now = int(self.now())
        times = {"iat": now, "exp": now + _LIFETIME_SECONDS, "jti": secrets.token_urlsafe(24)}
        return self.signer.signed({**self.claims(), **times})
