"""Token caches with the `get_token` of requests_auth: when a token is won, kept, renewed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from requests_auth_profiles import AuthenticationFailed, InvalidGrantRequest, TokenMemoryCache
from requests_auth_profiles._token import RefreshUnusable, Token
from requests_auth_profiles.errors import ConfigurationError, ProviderUnavailable, RefreshRefused

LONG_AGO = 1_000_000_000


class Tokens:
    """Functions for a cache that give `t1`, `t2`, … and note what they were given.

    Attributes:
        given: how many tokens they gave.
        refreshed: the refresh tokens that they were given.

    Args:
        more: what stands in the tuple behind the token.
    """

    def __init__(self, *more: Any) -> None:
        self.given = 0
        self.refreshed: list[str] = []
        self._more = more

    def missing(self) -> tuple[Any, ...]:
        self.given += 1
        return "any key", f"t{self.given}", *self._more

    def expired(self, refresh_token: str) -> tuple[Any, ...]:
        self.refreshed.append(refresh_token)
        return self.missing()


@pytest.fixture
def cache() -> TokenMemoryCache:
    """A cache of one's own."""
    return TokenMemoryCache()


def a_jwt(expires_at: float) -> str:
    """A JWT that says when it ends."""
    return jwt.encode({"exp": int(expires_at)}, "k" * 32)


class TestContract:
    """`get_token` as requests_auth has it."""

    @pytest.mark.parametrize(
        "more",
        [(), (3600,), ("3600",), (3600.5,), (None,), (3600, None), (3600, "refresh"), (None, "refresh")],
        ids=str,
    )
    def test_what_the_function_gives_is_kept(self, cache: TokenMemoryCache, more: tuple[Any, ...]) -> None:
        """Two, three and four values hold a token, which is won once."""
        tokens = Tokens(*more)
        got = [cache.get_token("key", on_missing_token=tokens.missing) for _ in range(3)]
        assert (got, tokens.given) == (["t1"] * 3, 1)

    @pytest.mark.parametrize(
        "given",
        [
            None,
            "abc",
            (),
            ("key",),
            ("key", None),
            ("key", b"token"),
            ("key", ""),
            ("key", "", 3600),
            ("key", "", 3600, "refresh"),
            ("key", "token", "soon"),
            ("key", "token", [1]),
            ("key", "token", float("nan")),
            ("key", "token", 10**400),
            ("key", "token", 1, 2),
            ("key", "token", 1, "refresh", "more"),
        ],
        ids=repr,
    )
    def test_what_is_no_token_is_an_error(self, cache: TokenMemoryCache, given: Any) -> None:
        """A function that gives anything else is named as the cause, without what it gave."""
        with pytest.raises(ConfigurationError) as error:
            cache.get_token("key", on_missing_token=lambda: given)
        assert "abc" not in str(error.value)

    def test_a_key_that_comes_back_is_not_used(self, cache: TokenMemoryCache) -> None:
        """A token is kept under the key that was asked for, whatever the function says."""
        cache.get_token("mine", on_missing_token=lambda: ("somebody's", "t1", 3600))
        with pytest.raises(AuthenticationFailed):
            cache.get_token("somebody's")

    def test_nothing_to_win_one_with(self, cache: TokenMemoryCache) -> None:
        """Without a token and without a function, nobody is authenticated."""
        with pytest.raises(AuthenticationFailed, match="no token"):
            cache.get_token("key")

    def test_a_token_that_is_there_needs_no_function(self, cache: TokenMemoryCache) -> None:
        """A kept token is given to who can't win one."""
        cache.get_token("key", on_missing_token=Tokens(3600).missing)
        assert cache.get_token("key") == "t1"

    def test_two_keys_are_two_tokens(self, cache: TokenMemoryCache) -> None:
        """Each key has a token of its own."""
        tokens = Tokens(3600)
        got = [cache.get_token(key, on_missing_token=tokens.missing) for key in ("a", "b", "a")]
        assert got == ["t1", "t2", "t1"]

    @pytest.mark.parametrize(("one", "other"), [("Bob", "bob"), ("straße", "STRASSE"), ("\ud800", "\ud801")])
    def test_all_that_differs_tells_keys_apart(self, cache: TokenMemoryCache, one: str, other: str) -> None:
        """Capitals too, and what no file could hold; whichever is forgotten, the other stays."""
        tokens = Tokens(3600)
        got = [cache.get_token(key, on_missing_token=tokens.missing) for key in (one, other)]
        got.append(cache.get_token(one, early_expiry=5, on_missing_token=tokens.missing))
        cache.forget(one)
        got += [cache.get_token(key, on_missing_token=tokens.missing) for key in (other, one)]
        assert got == ["t1", "t2", "t1", "t2", "t3"]

    def test_clear(self, cache: TokenMemoryCache) -> None:
        """After `clear()` the next token is a new one."""
        tokens = Tokens(3600)
        got = [cache.get_token("key", on_missing_token=tokens.missing)]
        cache.clear()
        got.append(cache.get_token("key", on_missing_token=tokens.missing))
        assert got == ["t1", "t2"]

    def test_an_error_of_the_function_is_the_callers(self, cache: TokenMemoryCache) -> None:
        """What the function raises comes out, and the next call tries again."""

        def failing() -> tuple[Any, ...]:
            raise ZeroDivisionError("mine")

        with pytest.raises(ZeroDivisionError, match="mine"):
            cache.get_token("key", on_missing_token=failing)
        assert cache.get_token("key", on_missing_token=Tokens(3600).missing) == "t1"

    def test_a_function_may_ask_for_another_token(self, cache: TokenMemoryCache) -> None:
        """A function that needs a token itself gets it from the same cache, and each key its own."""
        inner, outer = Tokens(3600), Tokens(3600)

        def expired(refresh_token: str) -> tuple[Any, ...]:
            assert cache.get_token("inner", on_missing_token=inner.missing) == "t1"
            raise RefreshRefused("no longer good", error="invalid_grant")

        cache.get_token("outer", on_missing_token=lambda: ("outer", "old", 0, "r1"))
        cache.get_token("outer", on_missing_token=outer.missing, on_expired_token=expired)
        assert (inner.given, outer.given) == (1, 1)


class TestExpiry:
    """When a token is won anew."""

    @pytest.mark.parametrize(
        ("expires_in", "early_expiry", "renewed"),
        [(3600, 30.0, False), (3600, 7200.0, False), (2, 0, False), (0, 0, True), (-5, 30.0, True)],
    )
    def test_early_expiry(
        self, cache: TokenMemoryCache, expires_in: int, early_expiry: float, renewed: bool
    ) -> None:
        """A token is used until `early_expiry` before its end, but for half of its life; 0 is 0."""
        tokens = Tokens(expires_in)
        for _ in range(2):
            cache.get_token("key", early_expiry=early_expiry, on_missing_token=tokens.missing)
        assert tokens.given == 1 + renewed

    @pytest.mark.parametrize("early_expiry", [0, 1.5])
    def test_an_early_expiry_is_that_of_the_call(self, cache: TokenMemoryCache, early_expiry: float) -> None:
        """A token in the second half of its life is good for who needs it now, and not for who needs more."""
        tokens = Tokens(2)
        cache.get_token("key", on_missing_token=tokens.missing)
        time.sleep(1.1)
        got = cache.get_token("key", early_expiry=early_expiry, on_missing_token=tokens.missing)
        assert got == ("t2" if early_expiry else "t1")

    @pytest.mark.parametrize(("expires_at", "calls"), [(4e9, 1), (LONG_AGO, 2)])
    def test_a_jwt_tells_its_end(self, cache: TokenMemoryCache, expires_at: float, calls: int) -> None:
        """Without `expires_in`, the end of a JWT counts."""
        given: list[int] = []

        def missing() -> tuple[str, str]:
            given.append(1)
            return "key", a_jwt(expires_at)

        for _ in range(2):
            cache.get_token("key", on_missing_token=missing)
        assert len(given) == calls

    def test_expires_in_counts_before_a_jwt(self, cache: TokenMemoryCache) -> None:
        """What is said of a token counts before what the token says."""
        given: list[int] = []

        def missing() -> tuple[str, str, int]:
            given.append(1)
            return "key", a_jwt(LONG_AGO), 3600

        for _ in range(2):
            cache.get_token("key", on_missing_token=missing)
        assert len(given) == 1


class TestRefresh:
    """`on_expired_token`."""

    def test_a_refresh_token_is_used(self, cache: TokenMemoryCache) -> None:
        """A token that has ended is renewed by its refresh token, not won anew."""
        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        tokens = Tokens(3600, "r2")
        got = cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=tokens.expired)
        assert (got, tokens.refreshed) == ("t1", ["r1"])

    @pytest.mark.parametrize(("more", "next_one"), [((0,), "r1"), ((0, None), "r1"), ((0, "r2"), "r2")])
    def test_the_refresh_token_stays_unless_another_comes(
        self, cache: TokenMemoryCache, more: tuple[Any, ...], next_one: str
    ) -> None:
        """RFC 6749 section 6: without another refresh token the old one stays good."""
        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        tokens = Tokens(*more)
        for _ in range(2):
            cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=tokens.expired)
        assert tokens.refreshed == ["r1", next_one]

    def test_a_refused_refresh_token_is_not_sent_again(self, cache: TokenMemoryCache) -> None:
        """After a refusal a token is won anew."""

        def refused(refresh_token: str) -> tuple[Any, ...]:
            raise RefreshRefused("no longer good", error="invalid_grant")

        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        tokens = Tokens(0)
        for _ in range(2):
            cache.get_token("key", on_missing_token=tokens.missing, on_expired_token=refused)
        assert tokens.given == 2

    def test_a_failing_provider_costs_no_refresh_token(self, cache: TokenMemoryCache) -> None:
        """A provider that can't be reached is an error, and the refresh token is there for the next try."""

        def away(refresh_token: str) -> tuple[Any, ...]:
            raise ProviderUnavailable("away")

        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        with pytest.raises(ProviderUnavailable):
            cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=away)
        tokens = Tokens(3600)
        cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=tokens.expired)
        assert tokens.refreshed == ["r1"]

    def test_a_call_that_cannot_refresh_costs_no_refresh_token(self, cache: TokenMemoryCache) -> None:
        """Who gives no functions gets an error, and who gives them still renews the token."""
        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        with pytest.raises(AuthenticationFailed):
            cache.get_token("key")
        tokens = Tokens(3600)
        assert cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=tokens.expired) == "t1"

    def test_what_came_with_a_rotated_refresh_token_is_not_sent(self, cache: TokenMemoryCache) -> None:
        """A refresh that brought nothing but another refresh token is an error, and that one is used next."""

        def unusable(refresh_token: str) -> tuple[Any, ...]:
            rotated = Token(access_token="-", refresh_token="r2")
            raise RefreshUnusable(InvalidGrantRequest("broken", error="x"), rotated)

        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        with pytest.raises(InvalidGrantRequest):
            cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=unusable)
        tokens = Tokens(3600)
        got = cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=tokens.expired)
        assert (got, tokens.refreshed) == ("t1", ["r2"])


class TestThreads:
    """Threads that ask at once."""

    @pytest.mark.parametrize("expires_in", [3600, 20])
    def test_twenty_threads_win_one_token(self, cache: TokenMemoryCache, expires_in: int) -> None:
        """One of them wins a token for all, however short it lives."""
        tokens, start = Tokens(expires_in), threading.Barrier(20)

        def slowly() -> tuple[Any, ...]:
            time.sleep(0.1)
            return tokens.missing()

        def ask(_: int) -> str:
            start.wait(30)
            return cache.get_token("key", on_missing_token=slowly)

        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(ask, range(20))) == {"t1"}
        assert tokens.given == 1

    def test_each_wins_by_its_own_function(self, cache: TokenMemoryCache) -> None:
        """A thread that has no function, and comes meanwhile, takes nobody else's away."""
        started, go_on = threading.Event(), threading.Event()

        def refused(refresh_token: str) -> tuple[Any, ...]:
            started.set()
            assert go_on.wait(30)
            raise RefreshRefused("no longer good", error="invalid_grant")

        cache.get_token("key", on_missing_token=lambda: ("key", "old", 0, "r1"))
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(
                cache.get_token, "key", on_missing_token=Tokens(3600).missing, on_expired_token=refused
            )
            assert started.wait(30)
            other = pool.submit(cache.get_token, "key")
            time.sleep(0.1)  # so that it has come; a moment later would be as good
            go_on.set()
            assert (first.result(30), other.result(30)) == ("t1", "t1")
