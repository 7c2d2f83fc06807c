"""Token: when it ends, what it shows of itself, and its way to JSON and back."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault import SECRETS

from requests_auth_profiles._token import Token

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


@given(token=TOKENS)
def test_json_gives_back_the_same_token(token: Token) -> None:
    """Whatever a token holds, it survives its JSON."""
    assert Token.from_json(json.loads(json.dumps(token.to_json()))) == token


def test_members_of_a_newer_version_are_passed_over() -> None:
    """A token that a newer version wrote can be read as far as it is known."""
    document = Token(access_token="a").to_json() | {"dpop_jwk": {"kty": "EC"}}
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
