"""Token: when it ends, what it shows of itself, and its way to JSON and back."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault import SECRETS

from requests_auth_profiles._token import Stage, Token

NOW = 1_700_000_000.0
TEXT = st.text(max_size=200)
TOKENS = st.builds(
    Token,
    access_token=st.text(min_size=1, max_size=200),
    token_type=TEXT,
    expires_at=st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    refresh_token=st.none() | TEXT,
    id_token=st.none() | TEXT,
    scope=st.none() | TEXT,
    issued_for=TEXT,
    obtained_at=st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
)


@pytest.mark.parametrize(
    ("expires_at", "early_expiry", "fresh"),
    [
        pytest.param(None, 30, True, id="unknown end"),
        pytest.param(NOW + 31, 30, True, id="long enough"),
        pytest.param(NOW + 30, 30, False, id="within the early expiry"),
        pytest.param(NOW + 1, 0, True, id="early expiry 0 is 0"),
        pytest.param(NOW, 0, False, id="at its end"),
        pytest.param(NOW - 1, 0, False, id="past its end"),
        pytest.param(0, 0, False, id="ended long ago"),
        pytest.param(10**400, 30, True, id="an end beyond all floats"),
    ],
)
def test_a_token_is_fresh_until_early_expiry_before_its_end(
    expires_at: float | None, early_expiry: float, *, fresh: bool
) -> None:
    """Fresh means: good now, and for more than the early expiry from now."""
    assert Token(access_token="a", expires_at=expires_at).fresh(NOW, early_expiry) is fresh


@pytest.mark.parametrize(
    ("obtained_at", "fresh"),
    [(0, True), (NOW, True), (NOW + 300, True), (NOW + 301, False), (10**400, False)],
)
@pytest.mark.parametrize("expires_at", [None, NOW + 1e9])
def test_a_token_of_the_future_is_not_fresh(
    expires_at: float | None, obtained_at: float, *, fresh: bool
) -> None:
    """Got more than 5 minutes ahead, it was got by a wrong clock, and its end is not known."""
    token = Token(access_token="a", expires_at=expires_at, obtained_at=obtained_at)
    assert token.fresh(NOW, 0) is fresh


@pytest.mark.parametrize(
    ("obtained_at", "expires_at", "early_expiry", "due"),
    [
        pytest.param(NOW - 49, NOW + 51, 1000, False, id="first half of its life"),
        pytest.param(NOW - 50, NOW + 50, 1000, True, id="second half"),
        pytest.param(NOW - 50, NOW + 50, 30, False, id="longer than the early expiry"),
        pytest.param(0, NOW + 50, 1000, True, id="unknown life"),
        pytest.param(NOW, NOW, 1000, True, id="no life"),
        pytest.param(NOW + 200, NOW + 100, 0, False, id="over before it was got, by another clock"),
        pytest.param(NOW + 200, NOW - 100, 0, True, id="over by any clock"),
        pytest.param(NOW, 10**400, 1000, False, id="an end beyond all floats"),
        pytest.param(NOW, -(10**400), 1000, True, id="an end before all floats"),
        pytest.param(NOW, None, 1000, False, id="unknown end"),
    ],
)
def test_a_token_is_due_in_the_second_half_of_its_life_at_the_earliest(
    obtained_at: float, expires_at: float | None, early_expiry: float, *, due: bool
) -> None:
    """An early expiry longer than half of the life does not make it due for each request."""
    token = Token(access_token="a", expires_at=expires_at, obtained_at=obtained_at)
    assert (token.stage(NOW, early_expiry) >= Stage.DUE) is due


@given(token=TOKENS, early=st.floats(0, 1e9))
def test_what_is_over_is_due(token: Token, early: float) -> None:
    """No token is used past its end, and none is renewed earlier than the early expiry says."""
    stage = token.stage(NOW, early)
    assert (stage is Stage.OVER) == (not token.fresh(NOW, 0))
    assert not (token.fresh(NOW, early) and stage >= Stage.DUE)


@given(token=TOKENS, early=st.floats(0, 1e9), later=st.floats(0, 1e10))
def test_a_life_only_goes_on(token: Token, early: float, later: float) -> None:
    """A token that was got by now is at no time in an earlier stage than it was before."""
    if token.obtained_at <= NOW:
        assert token.stage(NOW, early) <= token.stage(NOW + later, early)


@pytest.mark.parametrize(
    ("obtained_at", "expires_at", "early_expiry", "stage"),
    [
        pytest.param(NOW - 3299, NOW + 301, 30, Stage.GOOD, id="not yet"),
        pytest.param(NOW - 3300, NOW + 300, 30, Stage.AGEING, id="5 minutes of an hour"),
        pytest.param(NOW - 3300, NOW + 300, 300, Stage.DUE, id="a longer early expiry"),
        pytest.param(NOW - 3570, NOW + 30, 30, Stage.DUE, id="the early expiry"),
        pytest.param(NOW - 3599, NOW + 1, 0, Stage.AGEING, id="no early expiry"),
        pytest.param(NOW - 539, NOW + 61, 30, Stage.GOOD, id="not yet, of ten minutes"),
        pytest.param(NOW - 540, NOW + 60, 30, Stage.AGEING, id="a tenth of ten minutes"),
        pytest.param(NOW - 29, NOW + 31, 30, Stage.GOOD, id="a short life has no time for it"),
        pytest.param(NOW - 86400, NOW + 300, 30, Stage.AGEING, id="5 minutes of a day"),
        pytest.param(0, NOW + 300, 30, Stage.GOOD, id="unknown life"),
        pytest.param(NOW - 3600, NOW, 30, Stage.OVER, id="over"),
        pytest.param(NOW, None, 30, Stage.GOOD, id="unknown end"),
    ],
)
def test_a_token_ages_shortly_before_its_end(
    obtained_at: float, expires_at: float | None, early_expiry: float, stage: Stage
) -> None:
    """It ages in the last five minutes, or the last tenth of its life, unless it is due by then."""
    token = Token(access_token="a", expires_at=expires_at, obtained_at=obtained_at)
    assert token.stage(NOW, early_expiry) is stage


@pytest.mark.parametrize(
    ("refresh_token", "unanswered", "renewable"),
    [(None, 0, False), ("", 0, False), ("r", 0, True), ("r", 1, True), ("r", 2, False), ("r", 3, False)],
)
def test_a_refresh_token_without_answers(
    refresh_token: str | None, unanswered: int, *, renewable: bool
) -> None:
    """One whose answer was lost is sent once more, and then no more; another is new."""
    token = Token(access_token="a", refresh_token=refresh_token, unanswered=unanswered)
    assert token.is_renewable is renewable
    assert token.with_refresh_token(refresh_token).unanswered == unanswered
    assert token.with_refresh_token("other").is_renewable


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_token_is_not_pickled(way: Callable[[Token], object]) -> None:
    """What a pickle holds goes through pipes and into caches in the clear."""
    with pytest.raises(TypeError, match="secrets"):
        way(Token(access_token="a"))


@given(token=TOKENS)
def test_json_gives_back_the_same_token(token: Token) -> None:
    """Whatever a token holds, it survives its JSON."""
    assert Token.from_json(json.loads(json.dumps(token.to_json()))) == token


def test_members_of_a_newer_version_are_passed_over() -> None:
    """A token that a newer version wrote can be read as far as it is known."""
    document = Token(access_token="a").to_json() | {"tomorrow": {"kty": "EC"}}
    assert Token.from_json(document) == Token(access_token="a")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "access_token",
        5,
        {},
        {"access_token": ""},
        {"access_token": None},
        {"access_token": 1},
        {"access_token": {"a": 1}},
        {"access_token": "a", "token_type": None},
        {"access_token": "a", "refresh_token": 1},
        {"access_token": "a", "scope": ["a"]},
        {"access_token": "a", "expires_at": "1700000000"},
        {"access_token": "a", "expires_at": True},
        {"access_token": "a", "expires_at": None},
        {"access_token": "a", "expires_at": math.nan},
        {"access_token": "a", "expires_at": math.inf},
        {"access_token": "a", "obtained_at": "now"},
        {"access_token": "a", "unanswered": "1"},
        {"access_token": "a", "unanswered": True},
        {"access_token": "a", "unanswered": 0.5},
    ],
    ids=repr,
)
def test_what_is_no_token_is_refused(document: Any) -> None:
    """JSON of another form is a ValueError, never half a token."""
    with pytest.raises(ValueError, match=r"."):
        Token.from_json(document)


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format])
def test_no_secret_is_in_what_a_token_shows(shown: Any) -> None:
    """What stands in a log or a debugger's list of locals holds none of the three secrets."""
    access, refresh, identity = SECRETS
    text = shown(Token(access_token=access, refresh_token=refresh, id_token=identity, scope="read"))
    assert "read" in text
    assert not any(secret in text for secret in SECRETS)
