"""Where the tokens of profiles come from: a grant, and the store that keeps what it wins."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests_auth_profiles._build.ending import Ending
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Command, OAuth2
from requests_auth_profiles._source import CachedSource, Grant
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import InteractionRequired, InvalidGrantRequest, SecretUnavailable
from requests_auth_profiles.stores import TokenStore
from requests_auth_profiles.stores._importing import IMPORTING

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attend

__all__ = ["issued", "printed"]

_NOT_US = frozenset({"invalid_client"})  # RFC 6749 section 5.2
_PATIENCE_SECONDS = 10.0  # what the other one needs beyond its own time limit


def printed(name: str, scheme: Command, store: TokenStore) -> CachedSource:
    """Where the token of a profile comes from that a program prints; see `issued`."""
    # Imported here: most profiles run no program.
    from requests_auth_profiles._program import Program

    told = json.dumps([scheme.command, str(scheme.folder)])
    fingerprint = hashlib.sha256(told.encode()).hexdigest()
    return CachedSource(
        Program(name, scheme.command, scheme.folder),
        store,
        name,
        label=name,
        again=f"requests-auth login {name}",
        issued_for=fingerprint,
        revoke=Ending(name, lambda: fingerprint, None),
        early_expiry_seconds=scheme.early_expiry,
        patience_seconds=3 * _PATIENCE_SECONDS + _PATIENCE_SECONDS,  # a program has 30 s
    )


def issued(name: str, scheme: OAuth2, store: TokenStore, attend: "Attend | None") -> CachedSource:
    """Where the token of a profile comes from that a provider issues.

    Args:
        name: the profile.
        scheme: what it says.
        store: where the token lives.
        attend: gives who takes the person to the provider; None = who opens their browser.
    """
    return CachedSource(
        _proving(partial(_grant_of, name, scheme, attend), scheme),
        store,
        name,
        label=name,
        again=f"requests-auth login {name}",
        issued_for=partial(_fingerprint, scheme),
        attendant=None if attend is None else attend(scheme.browser),
        may_change=scheme.exchange is not None,
        revoke=Ending(name, partial(_fingerprint, scheme), partial(_revoke, scheme)),
        early_expiry_seconds=scheme.early_expiry,
        # The other one may discover endpoints, wait for the person, and exchange the code.
        patience_seconds=2 * scheme.timeout + _person_seconds(scheme) + _PATIENCE_SECONDS,
    )


def _person_seconds(scheme: OAuth2) -> float:
    if scheme.flow != "device-code":
        return scheme.timeout
    from requests_auth_profiles._oauth2.device import LONGEST_SECONDS

    return LONGEST_SECONDS


# What talks to a provider is imported when that has to be: most programs find a token that is there.


def _grant_of(name: str, scheme: OAuth2, attend: "Attend | None") -> Grant:
    with IMPORTING:
        from requests_auth_profiles._build.grants import grant_of
    return grant_of(name, scheme, attend)


def _revoke(scheme: OAuth2, token: Token) -> None:
    with IMPORTING:
        from requests_auth_profiles._build.grants import revoke
    revoke(scheme, token)


@dataclass(slots=True)
class _Proving:
    """A grant that is made when it is first used, and whose secrets are looked up again where it is refused.

    Args:
        make: makes it; one at a time, as whoever uses it has the profile's lock.
        secrets: what proves who we are.
        refusals: the errors that say so, of a new token; of a refresh it is `invalid_client` alone.
        interactive: see `Grant`.
        scope: see `Grant`.
    """

    make: Callable[[], Grant]
    secrets: tuple[Secret, ...]
    refusals: frozenset[str]
    interactive: bool
    scope: str
    _made: Grant | None = field(default=None, init=False)

    def fetch(self) -> Token:
        """A new token; see `Grant`."""
        return self._won(self._grant.fetch, self.refusals)

    def refresh(self, token: Token) -> Token:
        """A new token for a refresh token; see `Grant`."""
        return self._won(partial(self._grant.refresh, token), _NOT_US)

    @property
    def _grant(self) -> Grant:
        if self._made is None:
            self._made = self.make()
        return self._made

    def _won(self, win: Callable[[], Token], refusals: frozenset[str]) -> Token:
        try:
            return win()
        except InvalidGrantRequest as error:
            if error.error in refusals:
                for secret in self.secrets:
                    secret.forget()
            raise


def _proving(make: Callable[[], Grant], scheme: OAuth2) -> Grant:
    shown: tuple[Secret, ...] = ()
    refusals = _NOT_US
    if scheme.user is not None:
        shown = (scheme.user.username, scheme.user.password)
    if scheme.flow == "password":
        refusals |= {"invalid_grant"}  # RFC 6749 section 5.2: the person is not who they say
    if scheme.signing is not None:
        shown, refusals = (scheme.signing.private_key,), _NOT_US | {"invalid_grant"}  # RFC 7523 section 3.1
    if (exchange := scheme.exchange) is not None:
        shown = (exchange.subject_token, *(() if exchange.actor_token is None else (exchange.actor_token,)))
        refusals = _NOT_US | {"invalid_grant", "invalid_request"}  # RFC 8693 section 2.2.2
    secrets = (*scheme.client.secrets, *shown)
    return _Proving(make, secrets, refusals, FLOWS[scheme.flow].is_interactive, " ".join(scheme.scopes))


def _fingerprint(scheme: OAuth2) -> str:
    """What tells tokens apart that are issued for different things; no secret is in it."""
    where = {name: scheme.endpoints.get(name) for name in ("issuer", "authorization_url", "token_url")}
    # Whoever is to end a token gets it, so this counts too; but at the provider's own hosts it may be said
    # later, just to have the token ended that is there.
    ending = scheme.endpoints.get("revocation_url")
    if ending and urlsplit(ending).netloc not in {urlsplit(url).netloc for url in where.values() if url}:
        where["revocation_url"] = ending
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
        "dpop": scheme.dpop,
        "username": None if scheme.user is None else _said(scheme.user.username),
    }
    if (signing := scheme.signing) is not None:
        what |= {"issuer_claim": signing.issuer, "subject": signing.subject, "for": signing.audience}
        if not signing.issuer:
            from requests_auth_profiles._oauth2.private_key import account_of

            what["account"] = str(account_of(_said(signing.private_key)))
    if (exchange := scheme.exchange) is not None:
        what |= {
            "subject_token": _digest(exchange.subject_token),
            "subject_token_type": exchange.subject_token_type,
            "actor_token": None if (actor := exchange.actor_token) is None else _digest(actor),
            "actor_token_type": exchange.actor_token_type,
            "requested_token_type": exchange.requested_token_type,
        }
    return hashlib.sha256(json.dumps(where | what, sort_keys=True).encode()).hexdigest()


def _digest(token: Secret) -> str:
    """Whose token it is: that of whoever has just this one, as what a JWT says in it is not verified here."""
    return hashlib.sha256(_said(token).encode()).hexdigest()


def _said(secret: Secret) -> str:
    """What tells whose tokens they are; where that cannot be known, those of nobody."""
    try:
        return secret()
    except (SecretUnavailable, InteractionRequired):
        return str(secret)  # whoever needs it is told; a look at what is kept needs it not
