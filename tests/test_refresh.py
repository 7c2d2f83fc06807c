"""Refresh: which refresh token is good afterwards, and which failure costs it."""

from collections.abc import Iterator
from typing import Any

import pytest
from counterparts import Provider
from sign_ins import Visitor, code_grant, endpoint
from wire import words_of

from requests_auth_profiles._oauth2.sign_in import AuthorizationCode
from requests_auth_profiles._source import CachedSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    InvalidGrantRequest,
    InvalidProviderResponse,
    InvalidToken,
    ProviderUnavailable,
    RefreshRefused,
    RequestsAuthException,
)
from requests_auth_profiles.stores import MemoryStore
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

BUSY = Reply(503, {"Retry-After": "0"})


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server that knows `native`."""
    with AuthorizationServer() as server:
        server.clients["native"] = Client()
        yield server


@pytest.fixture
def visitor() -> Visitor:
    """The person, who is counted."""
    return Visitor()


@pytest.fixture
def grant(server: AuthorizationServer, visitor: Visitor) -> AuthorizationCode:
    """A code flow at the server."""
    return code_grant(visitor, endpoint(server.issuer), scope="openid a")


def answer(**members: Any) -> Reply:
    """An answer of the token endpoint."""
    return Reply.json({"access_token": "fresh", "token_type": "Bearer"} | members)


class TestWhichTokenIsGood:
    """The new one where the provider gives one, else the old one (RFC 6749 section 6)."""

    def test_a_certified_provider_that_rotates(self, oidc_provider: Provider) -> None:
        """Each refresh token is used once, and the one that came last works."""
        grant = code_grant(
            Visitor(),
            endpoint(oidc_provider.issuer),
            scope="openid offline_access",
            parameters={"prompt": "consent"},
        )
        tokens = [grant.fetch()]
        for _ in range(2):
            tokens.append(grant.refresh(tokens[-1]))
        assert len({token.refresh_token for token in tokens}) == 3
        assert len({token.access_token for token in tokens}) == 3
        with pytest.raises(RefreshRefused, match="invalid_grant"):
            grant.refresh(tokens[0])

    @pytest.mark.parametrize("rotate", [True, False])
    def test_again_and_again(
        self, server: AuthorizationServer, grant: AuthorizationCode, *, rotate: bool
    ) -> None:
        """Whether the provider gives a new one each time or never, the next refresh works."""
        server.rotate = rotate
        tokens = [grant.fetch()]
        for _ in range(3):
            tokens.append(grant.refresh(tokens[-1]))
        assert server.introspect(tokens[-1].access_token)
        assert len({token.refresh_token for token in tokens}) == (4 if rotate else 1)
        assert server.reuses == 0

    @pytest.mark.parametrize(
        ("members", "good"),
        [
            ({}, "old"),
            ({"refresh_token": None}, "old"),
            ({"refresh_token": ""}, "old"),
            ({"refresh_token": "new"}, "new"),
            ({"refresh_token": "old"}, "old"),
        ],
        ids=["missing", "null", "empty", "another", "the same"],
    )
    def test_what_the_answer_says(
        self, server: AuthorizationServer, grant: AuthorizationCode, members: dict[str, Any], good: str
    ) -> None:
        """Missing or empty keeps the old one, another replaces it."""
        server.replies["token"].append(answer(**members))
        assert grant.refresh(Token(access_token="a", refresh_token="old")).refresh_token == good

    def test_what_else_is_kept(self, server: AuthorizationServer, grant: AuthorizationCode) -> None:
        """Scope and ID token stay where the answer has none; the lifetime does not."""
        old = grant.fetch()
        server.replies["token"].append(answer())
        fresh = grant.refresh(old)
        assert (fresh.access_token, fresh.expires_at) == ("fresh", None)
        assert old.id_token
        assert (fresh.scope, fresh.id_token) == ("openid a", old.id_token)

    def test_a_narrower_scope(self, server: AuthorizationServer, grant: AuthorizationCode) -> None:
        """What the answer says was granted is noted."""
        server.replies["token"].append(answer(scope="a"))
        assert grant.refresh(Token(access_token="a", refresh_token="r", scope="a b")).scope == "a"

    def test_the_request(self, server: AuthorizationServer, grant: AuthorizationCode) -> None:
        """It brings the refresh token, and no scope: what was granted is meant."""
        token = grant.fetch()
        grant.refresh(token)
        expected = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.refresh_token),
            ("client_id", "native"),
        ]
        assert server.requests[-1].form == expected

    def test_the_profiles_own_parameters(self, server: AuthorizationServer, visitor: Visitor) -> None:
        """They go with it, and replace none of ours."""
        own = {"grant_type": "theirs", "refresh_token": "theirs", "resource": "https://api.acme.com/"}
        server.replies["token"].append(answer())
        endpoint(server.issuer, parameters=own).refresh(Token(access_token="a", refresh_token="r"))
        ours = {"grant_type": "refresh_token", "refresh_token": "r", "client_id": "native"}
        assert dict(server.requests[-1].form) == own | ours


class TestFailures:
    """Only `invalid_grant` says that the refresh token is over."""

    @pytest.mark.parametrize("status", [400, 401, 403, 200])
    def test_invalid_grant(self, server: AuthorizationServer, grant: AuthorizationCode, status: int) -> None:
        """It is RefreshRefused, asked once, and the token is not told."""
        server.replies["token"].append(
            Reply.json({"error": "invalid_grant", "error_description": "r3f"}, status)
        )
        with pytest.raises(RefreshRefused) as caught:
            grant.refresh(Token(access_token="a", refresh_token="r3f"))
        assert (server.count("token"), caught.value.hint) == (1, "sign in again")
        assert "r3f" not in words_of(caught.value)

    OTHERS = (
        (Reply.json({"error": "invalid_client"}, 401), InvalidGrantRequest),
        (Reply.json({"error": "invalid_scope"}, 400), InvalidGrantRequest),
        (Reply.json({"error": "unauthorized_client"}, 400), InvalidGrantRequest),
        (Reply.json({"error": "temporarily_unavailable"}, 400), InvalidGrantRequest),
        (Reply.json({"error_description": "invalid_grant"}, 400), InvalidProviderResponse),
        (Reply(400, {}, b"invalid_grant"), InvalidProviderResponse),
        (Reply(404), InvalidProviderResponse),
        (Reply(501), InvalidProviderResponse),
        (Reply(307, {"Location": "/token"}), InvalidProviderResponse),
        (answer(access_token=5), InvalidToken),
        (answer(token_type="DPoP"), InvalidToken),
        (answer(expires_in="soon"), InvalidToken),
        (answer(id_token="garbage"), InvalidToken),
    )

    @pytest.mark.parametrize(("reply", "kind"), OTHERS)
    def test_any_other_answer(
        self,
        server: AuthorizationServer,
        grant: AuthorizationCode,
        visitor: Visitor,
        reply: Reply,
        kind: type[RequestsAuthException],
    ) -> None:
        """It is an error, asked once; the stored token stays, and nobody has to sign in."""
        store = kept(server)
        server.replies["token"].append(reply)
        with pytest.raises(kind) as caught:
            source(grant, store).token()
        assert type(caught.value) is kind
        assert (server.count("token"), visitor.urls) == (1, [])
        assert refresh_token_in(store) == "r"

    @pytest.mark.parametrize(
        "reply",
        [BUSY, Reply(429, {"Retry-After": "0"}), Reply(500), Reply(502, {}, b"<html>")],
        ids=["503", "429", "500", "502"],
    )
    def test_a_busy_provider(
        self, server: AuthorizationServer, grant: AuthorizationCode, visitor: Visitor, reply: Reply
    ) -> None:
        """It is asked twice at most, as a third time would look like a thief; the stored token stays."""
        store = kept(server)
        server.replies["token"].extend([reply] * 3)
        with pytest.raises(ProviderUnavailable):
            source(grant, store).token()
        assert (server.count("token"), visitor.urls) == (2, [])
        assert refresh_token_in(store) == "r"

    @pytest.mark.parametrize(
        "flaw", [{"token_type": "mac"}, {"expires_in": "soon"}, {"access_token": None}, {"access_token": 5}]
    )
    def test_another_refresh_token_in_an_answer_that_is_no_good(
        self, server: AuthorizationServer, grant: AuthorizationCode, visitor: Visitor, flaw: dict[str, Any]
    ) -> None:
        """The old one is used up, so the new one is kept and sent the next time; nothing else of it is."""
        store = kept(server)
        server.replies["token"].extend([answer(refresh_token="new", **flaw), answer()])
        with pytest.raises(InvalidProviderResponse) as caught:
            source(grant, store).token()
        assert "new" not in words_of(caught.value)
        before = store.get("work")
        assert before is not None
        assert (before.access_token, before.refresh_token) == ("a", "new")
        assert source(grant, store).token().access_token == "fresh"
        sent = [dict(received.form)["refresh_token"] for received in server.requests if received.form]
        assert (sent, visitor.urls) == (["r", "new"], [])

    @pytest.mark.parametrize("other", ["", 5, "two words"])
    def test_no_other_refresh_token_in_an_answer_that_is_no_good(
        self, server: AuthorizationServer, grant: AuthorizationCode, other: object
    ) -> None:
        """What is none does not take the place of the old one."""
        store = kept(server)
        server.replies["token"].append(answer(refresh_token=other, token_type="mac"))
        with pytest.raises(InvalidToken):
            source(grant, store).token()
        assert refresh_token_in(store) == "r"

    def test_a_provider_that_was_busy_once(
        self, server: AuthorizationServer, grant: AuthorizationCode
    ) -> None:
        """The second attempt counts."""
        server.replies["token"].extend([BUSY, answer(refresh_token="new")])
        assert grant.refresh(Token(access_token="a", refresh_token="r")).refresh_token == "new"

    def test_a_provider_that_is_gone(
        self, server: AuthorizationServer, grant: AuthorizationCode, visitor: Visitor
    ) -> None:
        """The stored token stays, and is good once the provider is back."""
        store = MemoryStore()
        won = grant.fetch()
        store.set("work", Token(access_token="a", expires_at=1, refresh_token=won.refresh_token))
        server.stop()
        with pytest.raises(ProviderUnavailable):
            source(grant, store).token()
        server.start()
        assert server.introspect(source(grant, store).token().access_token)
        assert len(visitor.urls) == 1

    def test_one_that_is_over(
        self, server: AuthorizationServer, grant: AuthorizationCode, visitor: Visitor
    ) -> None:
        """The person signs in once, and that token is kept."""
        store = kept(server)
        token = source(grant, store).token()
        assert server.introspect(token.access_token)
        assert (store.get("work"), len(visitor.urls)) == (token, 1)
        forms = [dict(received.form) for received in server.requests if received.path == "/token"]
        assert [form["grant_type"] for form in forms] == ["refresh_token", "authorization_code"]


def kept(server: AuthorizationServer) -> MemoryStore:
    """A store with an expired token whose refresh token the server does not know."""
    store = MemoryStore()
    store.set("work", Token(access_token="a", expires_at=server.clock() - 1, refresh_token="r"))
    return store


def source(grant: AuthorizationCode, store: MemoryStore) -> CachedSource:
    """Where requests get their tokens."""
    return CachedSource(
        grant,
        store,
        "work",
        label="work",
        again="requests-auth login work",
        issued_for="",
        early_expiry_seconds=30,
        patience_seconds=10,
    )


def refresh_token_in(store: MemoryStore) -> str | None:
    """The refresh token that is kept."""
    token = store.get("work")
    return token.refresh_token if token else None
