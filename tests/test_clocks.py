"""Clocks that are wrong: nothing crashes, and no token is used longer than it lives."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources import LIFETIME, NAME, START, Clock, asked, clock, server, source, store
from vault import source as key_source

from requests_auth_profiles._source import CachedSource
from requests_auth_profiles.stores import FallbackStore, FileStore, MemoryStore, Token, TokenStore
from requests_auth_profiles.testing import AuthorizationServer

__all__ = ["clock", "server", "store"]

HOUR, YEAR = 3600, 365 * 86400
MOMENTS = [
    *(START + leap for leap in (HOUR, -HOUR, YEAR, -YEAR, 10 * YEAR, -10 * YEAR)),
    *(2**31 - 1, 2**31, 2**32, 2**33, 0, 1, -1, -(2**31) - 1),
]


@dataclass
class Mint:
    """A grant whose tokens live as long as they say, by the clock that nobody sets."""

    now: Clock
    ticks: Clock
    lifetime_seconds: float
    interactive: bool = False
    scope: str = ""
    minted: dict[str, float] = field(default_factory=dict)

    def fetch(self) -> Token:
        name = f"t{len(self.minted)}"
        self.minted[name] = self.ticks()
        return Token(access_token=name, expires_at=self.now() + self.lifetime_seconds, refresh_token="r")

    def refresh(self, token: Token) -> Token:
        return self.fetch()


def minting(mint: Mint, store: TokenStore, early_expiry_seconds: float = 30) -> CachedSource:
    return CachedSource(
        mint,
        store,
        NAME,
        label=NAME,
        again="try again",
        issued_for="",
        early_expiry_seconds=early_expiry_seconds,
        patience_seconds=60,
        now=mint.now,
        ticks=mint.ticks,
    )


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.floats(0, 2 * HOUR),
            st.sampled_from([0, 0, 60, -60, HOUR, -HOUR, YEAR, -YEAR, 10 * YEAR, -10 * YEAR])
            | st.floats(-1e10, 1e10),
        ),
        max_size=12,
    ),
    lifetime=st.sampled_from([1, 60, 600, HOUR, 86400]),
)
def test_no_token_is_used_longer_than_it_lives(steps: list[tuple[float, float]], lifetime: float) -> None:
    """Whatever time passes, and however the clock is set meanwhile, what is given is not over."""
    now, ticks = Clock(), Clock(0)
    mint = Mint(now, ticks, lifetime)
    work = minting(mint, MemoryStore())
    for passes, leap in steps:
        ticks.now += passes
        now.now += passes + leap
        age = ticks() - mint.minted[work.token().access_token]
        assert age < lifetime


def test_a_clock_that_is_set_back_makes_no_token_younger(
    server: AuthorizationServer, store: TokenStore, clock: Clock
) -> None:
    """What was held as it was set is over when its time has passed, though the clock says it is not."""
    ticks = Clock(0)
    work = source(server.issuer, store, clock, ticks=ticks)
    first = work.token()
    ticks.now += LIFETIME - 600
    clock.now += 600  # and no more: it was set back by 40 minutes
    assert work.token() == first
    ticks.now += 600
    clock.now += 600
    assert work.token() != first
    assert asked(server) == ["code", "refresh"]


def test_a_clock_that_is_set_back_makes_no_refused_token_good(
    server: AuthorizationServer, store: TokenStore, clock: Clock
) -> None:
    """Nor does another look into the store make the token good again."""
    ticks = Clock(0)
    work = source(server.issuer, store, clock, ticks=ticks)
    first = work.token()
    ticks.now += LIFETIME
    work.look_again()
    assert work.token() != first


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_it_is_some_other_time(tmp_path: Path, moment: float) -> None:
    """A token that is kept, and one that is won, is good or not, but no error, and what is won is kept."""
    now, ticks = Clock(), Clock(0)
    mint = Mint(now, ticks, HOUR)
    minting(mint, store := FileStore(tmp_path / "store", key_source(), now=now)).token()
    now.now = moment
    works = [minting(mint, FallbackStore(store)), minting(mint, FileStore(tmp_path / "store", key_source()))]
    given = [work.token() for work in (works[0], works[0], works[1])]
    over = abs(moment - START) >= HOUR
    assert {token.access_token for token in given} == ({"t1"} if over else {"t0"})
    now.now = START
    assert works[0].token().access_token in mint.minted
