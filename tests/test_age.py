"""How old a token is: what is remembered of it says the same as a second thought, by both clocks."""

import sys
from types import FrameType

from hypothesis import example, given
from hypothesis import strategies as st
from sources import LIFETIME, START, Clock

from requests_auth_profiles._age import Ages
from requests_auth_profiles._source import CachedSource
from requests_auth_profiles._token import Stage, Token
from requests_auth_profiles.stores import MemoryStore

LEAPS = st.sampled_from([-299, -301, 299, 301]) | st.integers(-20_000, 20_000)


class Simple:
    """A grant that gives the same token each time."""

    interactive = False
    scope = ""

    def fetch(self) -> Token:
        return Token(access_token="secret", expires_at=sys.maxsize)

    def refresh(self, token: Token) -> Token:
        return self.fetch()


@given(
    start=st.sampled_from([int(START), 0, -32]),
    since=st.none() | st.integers(-20_000, 20_000),
    lasts=st.none() | st.integers(-10, 20_000),
    early=st.sampled_from([0, 30, 600, 10_000]),
    steps=st.lists(st.tuples(st.integers(0, 5000), LEAPS | st.just(0)), min_size=1, max_size=5),
)
@example(start=-32, since=0, lasts=1, early=0, steps=[(1, 0)])
def test_what_is_remembered_is_so(
    start: int, since: int | None, lasts: int | None, early: int, steps: list[tuple[int, int]]
) -> None:
    """However time passes and clocks are set, a token is simply good just where it is in its first stage."""
    now, ticks = Clock(start), Clock(0)
    ages = Ages(early, now, ticks)
    token = Token(
        access_token="secret",
        obtained_at=0 if since is None else start + since,
        expires_at=None if lasts is None else start + (since or 0) + lasts,
    )
    if not ages.usable(token):
        return  # nobody takes such a one
    held = ages.take(token)
    for passes, leap in steps:
        ticks.now += passes
        now.now += passes + leap
        assert held.is_good(now(), ticks()) is (ages.stage(token) is Stage.GOOD)


@given(
    obtained=st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    expires=st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.just(-(10**400)),
)
def test_whatever_a_document_says(obtained: float, expires: float) -> None:
    """No number is an error, and what is over is not good."""
    now = Clock()
    ages = Ages(30, now, Clock(0))
    token = Token(access_token="secret", obtained_at=obtained, expires_at=expires)
    held = ages.take(token)
    assert ages.usable(token) or not held.is_good(now(), 0)


def test_a_warm_call_thinks_once() -> None:
    """While a token is good, a call for it runs itself and one comparison, and nothing else of ours."""
    work = CachedSource(
        Simple(),
        MemoryStore(),
        "work",
        label="work",
        again="try again",
        issued_for="",
        early_expiry_seconds=30,
        patience_seconds=LIFETIME,
    )
    work.token()
    ran: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            ran.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work.token()
    finally:
        sys.setprofile(before)
    assert ran == ["token", "is_good"]
