"""The grant that a person signs in for on another device (RFC 8628). It knows no cache and no file."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard
from urllib.parse import urlsplit

from requests_auth_profiles._hosts import is_confidential
from requests_auth_profiles._oauth2.channel import Reply
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.response import answer_of, seconds_of, secret_of
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    InvalidGrantRequest,
    InvalidProviderResponse,
    ProviderUnavailable,
    RequestsAuthException,
    SignInRefused,
    TimeoutOccurred,
)

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attendant

__all__ = ["LONGEST_SECONDS", "DeviceCode", "UserCode"]

LONGEST_SECONDS = 3600.0
"""How long a person is waited for at most, however long their code is good: Google's are for 30 min."""

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_SECONDS = 5.0
_HASTY_SECONDS, _UNHURRIED_SECONDS = 0.1, 1.0
_SLOWER_SECONDS = 5.0
_PATIENT_SECONDS = 60.0
_GLANCE_SECONDS = 0.5
_LONGEST_CODE = 64
_LONGEST_URL = 2048
_DENIED = {"access_denied", "authorization_declined"}  # the second is Entra's
_SWITCH = (
    "switch the device flow on for this client at the provider; some call it Device Authorization, "
    "Device Code, Enable Device Flow, or Allow public client flows"
)
_STALE = {"invalid_grant", "bad_verification_code", "incorrect_device_code"}  # and GitHub's words for it
_HINTS = {
    "unauthorized_client": _SWITCH,
    "device_flow_disabled": _SWITCH,  # GitHub's
    "unsupported_grant_type": _SWITCH,
    "invalid_client": f"check client_id and client_secret; a client that has no secret: {_SWITCH}",
}


@dataclass(frozen=True, slots=True)
class UserCode:
    """What the person is to type, and where.

    Args:
        text: the code.
        page: where it is typed.
        link: the page with the code in it already; empty = there is none.
        seconds: how long it is good.
    """

    text: str = field(repr=False)
    page: str
    link: str = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class _Begun:
    """A sign-in that waits for its person.

    Args:
        code: what they are told.
        proof: what only we know.
        interval_seconds: how long to wait before each question.
        ends_at: when it is over (monotonic seconds).
    """

    code: UserCode
    proof: Form
    interval_seconds: float
    ends_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """A person signs in with a browser on any device, where they type a code that they are shown here.

    They have as long as the code is good, which the provider says, and an hour at most.

    Args:
        endpoint: where the device code is turned into a token.
        scope: what is asked for, space-separated.
        parameters: more parameters of the device authorization request.
        profile: the name of the profile, for the person and messages.
        again: what to type or do to sign in again, for messages.
        attend: gives who tells the person, where one can be told.
        clock: the clock (monotonic seconds).
        sleep: waits for some seconds.
    """

    endpoint: TokenEndpoint
    scope: str
    parameters: Mapping[str, str]
    profile: str
    again: str
    attend: Callable[[], "Attendant"]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    interactive: bool = True

    def fetch(self) -> Token:
        """A token for the person who signs in.

        Raises:
            SignInRefused: the person said no.
            TimeoutOccurred: nobody signed in while the code was good.
            InvalidGrantRequest: the provider refuses the client, or the flow.
            InvalidProviderResponse: what it tells cannot be shown to a person.
            InteractionRequired: nobody can be told.
        """
        attendant = self.attend()
        begun = self._begin()
        try:
            attendant.show_code(self.profile, self.endpoint.server.host, begun.code)
            won = self._won(begun, attendant)
        finally:
            attendant.done()
        if not isinstance(won, Token):
            raise won  # here: the frames of the attempt hold the device code
        self.endpoint.check(won)
        return won

    def refresh(self, token: Token) -> Token:
        """A new token without the person."""
        return self.endpoint.refresh(token)

    def _begin(self) -> _Begun:
        """Asks for a code (section 3.1)."""
        server, channel = self.endpoint.server, self.endpoint.channel
        asked = {**self.parameters, **({"scope": self.scope} if self.scope else {})}
        asked_at, started = self.clock(), time.monotonic()
        # Whatever the provider announces is known before the person is sent there.
        url, _ = server.url("device_authorization_url"), server.url("token_url")
        # More than once does no harm: nobody has seen the code of an answer that was lost.
        reply = channel.since(started).post(url, Form(asked), self.endpoint.client_auth, attempts=3)
        try:
            return _begun(reply, urlsplit(url).netloc, asked_at)
        except InvalidGrantRequest as error:
            refused = self._told(error)
        raise refused

    def _won(self, begun: _Begun, attendant: "Attendant") -> Token | RequestsAuthException:
        """The token, or why there is none (section 3.5)."""
        interval, trouble, key = begun.interval_seconds, None, self.endpoint.new_key()
        while self._waited(interval, begun.ends_at, attendant):
            try:
                return self.endpoint.token(_GRANT, begun.proof, attempts=1, key=key)
            except (ProviderUnavailable, TimeoutOccurred) as error:
                # "on encountering a connection timeout, clients MUST unilaterally reduce their polling
                # frequency before retrying", by doubling the interval for example; nobody waits for minutes.
                interval, trouble = max(interval, min(2 * interval, _PATIENT_SECONDS)), error
            except InvalidGrantRequest as error:
                trouble = None
                if error.error == "slow_down":
                    # "the interval MUST be increased by 5 seconds for this and all subsequent requests"
                    interval += _SLOWER_SECONDS
                elif error.error == "expired_token":
                    break
                elif error.error != "authorization_pending":
                    return self._told(error)
        return trouble or TimeoutOccurred(
            f"nobody signed in to {self.endpoint.server.host} for {self.profile} while the code was good "
            f"({begun.code.seconds:.0f} s)",
            hint=self.again,
        )

    def _waited(self, seconds: float, ends_at: float, attendant: "Attendant") -> bool:
        """Waits, and tells whether the code is still good then."""
        until = self.clock() + seconds
        while (now := self.clock()) < min(until, ends_at):
            attendant.waiting(ends_at - now)
            self.sleep(min(until - now, ends_at - now, _GLANCE_SECONDS))
        return now < ends_at

    def _told(self, error: InvalidGrantRequest) -> InvalidGrantRequest:
        """What the provider refused, with what helps in this flow."""
        if error.error in _DENIED:
            return SignInRefused(
                f"{self.endpoint.server.host} refused the sign-in",
                error=error.error,
                error_description=error.error_description,
                error_uri=error.error_uri,
                hint=self.again,
            )
        told = copy.copy(error)
        told.hint = self.again if error.error in _STALE else _HINTS.get(error.error, error.hint)
        return told


def _begun(reply: Reply, host: str, asked_at: float) -> _Begun:
    """What a device authorization response says (section 3.2)."""
    said = answer_of(reply, host=host, grant_type=_GRANT, asked="device authorization request")
    device_code = secret_of(said, "device_code", host)
    text = said.get("user_code")
    page = said.get("verification_uri") or said.get("verification_url")  # the second is Google's
    link = said.get("verification_uri_complete")
    seconds = min(seconds_of(said.get("expires_in")), LONGEST_SECONDS)
    asked = said.get("interval")
    interval = seconds_of(_INTERVAL_SECONDS if asked is None else asked)
    shown = isinstance(text, str) and text.isprintable() and 0 < len(text.strip()) <= _LONGEST_CODE
    for name, good in (
        ("device_code", device_code is not None),
        ("user_code", shown),
        ("verification_uri", _is_page(page)),
        ("expires_in", seconds > 0),
        ("interval", 0 <= interval < seconds),
    ):
        if not good:  # a terminal obeys control characters, and people go where they are sent
            raise InvalidProviderResponse(
                f"the {name} of {host} is missing, or is nothing to go by",
                hint="check device_authorization_url, or tell the provider (RFC 8628 section 3.2)",
            )
    code = UserCode(
        text=str(text).strip(),
        page=str(page),
        link=link if _is_page(link) and _site(link) == _site(str(page)) else "",
        seconds=seconds,
    )
    return _Begun(
        code=code,
        proof=Form({"device_code": device_code or ""}),
        # Who allows any haste gets no flood all the same.
        interval_seconds=interval if interval >= _HASTY_SECONDS else _UNHURRIED_SECONDS,
        ends_at=asked_at + seconds,
    )


def _is_page(url: object) -> TypeGuard[str]:
    """Whether a person may be sent to a URL: https or this machine, and it reads as what it is."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable():
        return False
    return is_confidential(url) and not set(url) & set(' "<>\\') and "@" not in urlsplit(url).netloc


def _site(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
