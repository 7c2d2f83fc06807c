"""Revocation: a token is ended before its time, at the provider that issued it (RFC 7009)."""

import logging
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests.auth import AuthBase

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.response import REVOCATION, answer_of
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import InvalidGrantRequest, NotRevoked, RequestsAuthException

__all__ = ["Revocation"]

_LOG = logging.getLogger("requests_auth_profiles")
_ENDED = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Where a provider ends tokens.

    Args:
        server: the provider.
        channel: how to speak to it.
        client_auth: how we prove who we are, as at the token endpoint (section 2.1).
    """

    server: Server
    channel: Channel
    client_auth: AuthBase

    def revoke(self, token: Token) -> None:
        """Ends a token, all in one deadline: the refresh token first, as it could give another one.

        Where the provider ends refresh tokens only (section 2.2.1), the log tells how long the rest is good.

        Raises:
            NotRevoked: a part of it lives on.
        """
        started = time.monotonic()
        living = token.living(self.channel.now())
        failure: RequestsAuthException | None = None
        for kind in tuple(living):
            try:
                self._end(token, kind, started)
            except InvalidGrantRequest as refusal:  # of this one; the other is asked for all the same
                failure = failure or refusal
            except RequestsAuthException as error:
                failure = error
                break
            else:
                del living[kind]
        if failure is None:
            return
        told = " and ".join(living.values())
        if _is_lesser(failure) and token.refresh_token and "refresh_token" not in living:
            _LOG.warning("%s ends refresh tokens only: %s", self.server.host, told)
            return
        where = self.server.host or "its provider"
        raise NotRevoked(
            f"{failure.message}; {told}", hint=f"have it ended at {where}; next time, {failure.hint}"
        )

    def _end(self, token: Token, kind: str, started: float) -> None:
        url = self.server.url("revocation_url")
        form = Form({"token": getattr(token, kind), "token_type_hint": kind})
        # Sent again where it has to be: to end it twice does no harm (section 2.2).
        reply = self.channel.since(started).post(url, form, self.client_auth, attempts=3)
        if reply.status in _ENDED:
            return  # whatever stands in it (section 2.2)
        try:
            answer_of(reply, host=urlsplit(url).netloc, grant_type=REVOCATION, asked="revocation")
        except InvalidGrantRequest as refusal:
            if refusal.error != "invalid_token":  # as some say of one that is over, against section 2.2
                raise


def _is_lesser(failure: RequestsAuthException) -> bool:
    return isinstance(failure, InvalidGrantRequest) and failure.error == "unsupported_token_type"
