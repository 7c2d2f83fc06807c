"""A device that waits for its person: the grant, in a time of its own."""

from collections.abc import Callable, Mapping
from typing import Any

import requests
from sign_ins import endpoint
from wire import PATIENCE_SECONDS

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.device import DeviceCode, UserCode
from requests_auth_profiles.testing import AuthorizationServer

START = 1_700_000_000.0
AGAIN = "requests-auth login work"


class Time:
    """A clock that goes on only while somebody sleeps.

    Args:
        now: what it says at first (epoch seconds).
    """

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Person:
    """Somebody who is shown a code.

    Attributes:
        shown: whom they were told of, and the codes.
        left: how long they were still waited for, each time that they were told.
        acts: what they will do.
        ended: how often they heard that nobody waits any more.

    Args:
        acts: what they do, by the seconds after which they do it.
    """

    def __init__(self, acts: Mapping[float, Callable[[UserCode], object]] | None = None) -> None:
        self.shown: list[tuple[str, str, UserCode]] = []
        self.left: list[float] = []
        self.ended = 0
        self.acts = dict(acts or {})

    @property
    def code(self) -> UserCode:
        """What they were shown last."""
        return self.shown[-1][2]

    def show_code(self, profile: str, provider: str, code: UserCode) -> None:
        self.shown.append((profile, provider, code))

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        raise AssertionError("no browser is needed")

    def waiting(self, seconds_left: float, what: str = "") -> None:
        self.left.append(seconds_left)
        due = [after for after in self.acts if self.code.seconds - seconds_left >= after]
        for after in due:
            self.acts.pop(after)(self.code)

    def done(self) -> None:
        self.ended += 1


class Watch(Person):
    """Somebody who does nothing but note when the token endpoint was asked.

    Args:
        server: whose it is.
        acts: as a person's.
    """

    def __init__(self, server: AuthorizationServer, acts: Mapping[float, Any] | None = None) -> None:
        super().__init__(acts)
        self.polls: list[float] = []
        self._server = server

    def waiting(self, seconds_left: float, what: str = "") -> None:
        if self._server.count("token") > len(self.polls):
            self.polls.append(self.code.seconds - seconds_left)
        super().waiting(seconds_left)


def confirmed(code: UserCode) -> None:
    """They say yes, on the page that the link opens."""
    requests.post(code.link, {"approve": "yes"}, timeout=PATIENCE_SECONDS)


def refused(code: UserCode) -> None:
    """They say no."""
    requests.post(code.link, {"approve": "no"}, timeout=PATIENCE_SECONDS)


def device_grant(
    at: str | Mapping[str, str],
    person: Person,
    time: Time,
    *,
    client_id: str = "app",
    scope: str = "read",
    parameters: Mapping[str, str] | None = None,
    **changes: Any,
) -> DeviceCode:
    """The grant at an issuer, or at what a profile says, for this person, in this time."""
    channel = Channel(PATIENCE_SECONDS, time)
    return DeviceCode(
        endpoint=endpoint(at, client_id, channel=channel, **changes),
        scope=scope,
        parameters=parameters or {},
        profile="work",
        again=AGAIN,
        attend=lambda: person,
        clock=time,
        sleep=time.sleep,
    )
