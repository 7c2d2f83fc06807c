"""Signing in and out by a class of requests_auth: a new token, kept by a cache of ours."""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jwt
import pytest
from faults import World, world

from requests_auth_profiles import JsonTokenFileCache, OAuth2, TokenMemoryCache
from requests_auth_profiles.errors import ConfigurationError, InvalidToken

__all__ = ["world"]


class Foreign:
    """A cache of somebody else's, which has nothing but `get_token`."""

    def __init__(self) -> None:
        self.tokens: dict[str, tuple[Any, ...]] = {}

    def get_token(self, key: str, *, on_missing_token: Callable[[], tuple[Any, ...]], **_: Any) -> str:
        if key not in self.tokens:
            self.tokens[key] = on_missing_token()
        return self.tokens[key][1]


class Wrapping(TokenMemoryCache):
    """Ours, with a `get_token` that asks ours by a function of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []

    def get_token(self, key: str, **options: Any) -> str:
        missing = options.pop("on_missing_token")

        def noted() -> tuple[Any, ...]:
            given: tuple[Any, ...] = missing()
            self.given.append(given[1])
            return given

        return super().get_token(key, on_missing_token=noted, **options)


def in_a_file(folder: Path) -> JsonTokenFileCache:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return JsonTokenFileCache(folder / "tokens.json")


OURS: list[Callable[[Path], Any]] = [
    lambda _: TokenMemoryCache(),
    in_a_file,
    lambda _: Wrapping(),
]


@pytest.mark.parametrize("make", OURS, ids=["memory", "file", "wrapping"])
class TestACacheOfOurs:
    def test_a_login_wins_a_new_token(
        self, world: World, tmp_path: Path, make: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever is kept, the person or program signs in, and all use the new token from then on."""
        monkeypatch.setattr(OAuth2, "token_cache", make(tmp_path))
        auth, other = world.machine(), world.machine(early_expiry=5)
        first = auth.token().access_token
        assert other.token().access_token == first
        second = auth.login().access_token
        assert second != first
        assert auth.token().access_token == world.machine().token().access_token == second
        assert len(world.token_forms) == 2

    def test_a_login_does_not_refresh(
        self, world: World, tmp_path: Path, make: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A refresh token that is there is not used: it would be the same sign-in."""
        monkeypatch.setattr(OAuth2, "token_cache", make(tmp_path))
        auth = world.password(session_auth=("job", "p%41ss+word/x"))
        auth.token()
        auth.login()
        assert [form["grant_type"] for form in world.token_forms] == ["password"] * 2

    def test_a_logout_forgets(
        self, world: World, tmp_path: Path, make: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The token of this one is gone for all of its kind, and those of others stay."""
        monkeypatch.setattr(OAuth2, "token_cache", make(tmp_path))
        auth, alike, other = world.machine(), world.machine(early_expiry=5), world.machine(scope="read")
        first, stays = alike.token().access_token, other.token().access_token
        auth.logout()
        assert alike.token().access_token != first
        assert other.token().access_token == stays
        assert len(world.token_forms) == 3

    def test_nothing_to_forget(
        self, world: World, tmp_path: Path, make: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Signing out where nobody is signed in is no error, and asks nobody."""
        monkeypatch.setattr(OAuth2, "token_cache", make(tmp_path))
        world.machine().logout()
        assert world.token_forms == []


class TestAForeignCache:
    """It gives what it keeps, whatever it is asked."""

    def test_a_first_login_is_one(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where it keeps nothing, a login is a new token."""
        monkeypatch.setattr(OAuth2, "token_cache", Foreign())
        assert world.machine().login().access_token
        assert len(world.token_forms) == 1

    def test_another_login_is_refused(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody is told that they signed in who did not; the error names what is possible."""
        monkeypatch.setattr(OAuth2, "token_cache", Foreign())
        token = world.machine().token().access_token
        with pytest.raises(ConfigurationError, match="Foreign") as caught:
            world.machine().login()
        assert "OAuth2.token_cache = TokenMemoryCache()" in caught.value.hint
        assert token not in str(caught.value)

    def test_a_logout_is_refused(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor is anybody told that a token is forgotten that is there."""
        monkeypatch.setattr(OAuth2, "token_cache", Foreign())
        with pytest.raises(ConfigurationError, match="cannot be told to forget"):
            world.machine().logout()


class TestTheWholeToken:
    """A cache of ours keeps all that the provider said."""

    def test_scope_and_end(self, world: World) -> None:
        """What was granted, and until when, is known of a token that is won and of one that is kept."""
        world.answer_next({"access_token": "a", "scope": "read", "expires_in": 3600, "token_type": "bearer"})
        auth = world.machine(scope="read")
        won, kept = auth.token(), auth.token()
        assert (won.access_token, won.scope, won.token_type) == ("a", "read", "Bearer")
        assert won.expires_at is not None
        assert kept == won

    def test_the_scope_outlives_a_refresh(self, world: World) -> None:
        """An answer that says nothing of the scope leaves it as it was (RFC 6749 section 6)."""
        world.answer_next({"access_token": "a", "refresh_token": "r", "scope": "read", "expires_in": 0})
        world.answer_next({"access_token": "b"})
        auth = world.password()
        assert [auth.token().access_token, auth.token().access_token] == ["a", "b"]
        assert auth.token().scope == "read"

    @pytest.mark.parametrize("other", [False, True])
    def test_a_refresh_for_somebody_else(self, world: World, other: bool) -> None:
        """A refresh that brings the ID token of another person is refused: who signed in is known."""
        auth = world.pkce(scope="openid")
        world.call(auth)
        first = auth.token()
        said = jwt.decode(first.id_token or "", options={"verify_signature": False})
        claims = said | {"sub": "mallory"} if other else said
        fresh = {"access_token": "fresh", "id_token": world.server._signer.id_token(claims, "fresh")}
        world.answer_next(fresh)
        expected = pytest.raises(InvalidToken) if other else nullcontext()
        with expected:
            assert auth.credential.source.token(rejected=first.access_token).access_token == "fresh"
