"""Tokens are ended at the provider that issued them (RFC 7009), whatever that answers."""

import json
import logging
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests
from counterparts import Provider
from requests.auth import AuthBase
from sign_ins import Visitor, code_grant, endpoint, machine_grant
from wire import PATIENCE_SECONDS, Answer, RawServer, http, json_reply, trickle, words_of

from requests_auth_profiles._oauth2.assertion import KeySigner, Statement
from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import (
    ClientAssertion,
    ClientSecretBasic,
    ClientSecretPost,
    PublicClient,
)
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.revocation import Revocation
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import NotRevoked, RefreshRefused, SecretUnavailable
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

FUTURE = 4_102_444_800.0  # 2100-01-01
KEPT = Token(access_token="canary-access", refresh_token="canary-refresh", expires_at=FUTURE)
ALL = (
    "its refresh token is good until it is ended there and its access token is good until "
    "2100-01-01 00:00 UTC"
)
ACCESS = "its access token is good until 2100-01-01 00:00 UTC"
CANARIES = ("canary-access", "canary-refresh", "canary-s3cret")


def revocation(at: TokenEndpoint) -> Revocation:
    """Where the tokens of an endpoint are ended."""
    return Revocation(server=at.server, channel=at.channel, client_auth=at.client_auth)


def calling(url: str, timeout_seconds: float = PATIENCE_SECONDS, **said: str) -> Revocation:
    """A revocation endpoint that a profile names."""
    channel = Channel(timeout_seconds)
    server = Server({"token_url": "https://login.acme.com/token", "revocation_url": url} | said, channel)
    client = ClientSecretPost("nightly", lambda: "canary-s3cret")
    return Revocation(server=server, channel=channel, client_auth=client)


def failure(at: Revocation, token: Token = KEPT) -> NotRevoked:
    """Why it could not be ended, without a secret in what anybody sees of that."""
    with pytest.raises(NotRevoked) as caught:
        at.revoke(token)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    told = words_of(caught.value) + "".join(shown.format())
    assert not [canary for canary in CANARIES if canary in told]
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


class TestAtTheProvider:
    """A certified provider is the judge."""

    @pytest.mark.parametrize(
        "auth",
        [
            PublicClient("native"),
            ClientSecretBasic("web", lambda: "web-secret"),
            ClientSecretPost("web", lambda: "web-secret"),
        ],
    )
    def test_a_person(self, oidc_provider: Provider, auth: AuthBase) -> None:
        """Neither token is good for anything afterwards."""
        at = endpoint(oidc_provider.issuer, getattr(auth, "client_id", ""), client_auth=auth)
        grant = code_grant(Visitor(), at, scope="openid offline_access", parameters={"prompt": "consent"})
        token = grant.fetch()
        assert status(oidc_provider, token) == 200
        revocation(at).revoke(token)
        assert status(oidc_provider, token) == 401
        with pytest.raises(RefreshRefused, match="invalid_grant"):
            grant.refresh(token)

    def test_a_program_with_a_key(self, oidc_provider: Provider) -> None:
        """A client that signs proves itself so here too."""
        key = json.dumps({**oidc_provider.keys["ES256"], "alg": "ES256"})
        signer = KeySigner(lambda: key, "the key", "one")
        claims = {"iss": "cc-ES256", "sub": "cc-ES256", "aud": oidc_provider.issuer}
        auth = ClientAssertion("cc-ES256", lambda _: Statement(signer, lambda: claims, time.time)())
        at = endpoint(oidc_provider.issuer, "cc-ES256", client_auth=auth)
        token = machine_grant(at, "").fetch()
        assert status(oidc_provider, token) == 200
        revocation(at).revoke(token)
        assert status(oidc_provider, token) == 401

    def test_a_token_that_it_cannot_end(self, oidc_provider: Provider) -> None:
        """A JWT that APIs verify by themselves is good until its end, and that is told."""
        auth = ClientSecretPost("cc-post", lambda: "post-secret")
        at = endpoint(
            oidc_provider.issuer,
            "cc-post",
            client_auth=auth,
            parameters={"resource": f"{oidc_provider.issuer}/api"},
        )
        token = machine_grant(at, "read").fetch()
        why = failure(revocation(at), token)
        assert "unsupported_token_type" in why.message
        assert "; its access token is good until 20" in why.message
        assert status(oidc_provider, token) == 200

    def test_a_token_of_nobody(self, oidc_provider: Provider) -> None:
        """What the provider does not know is as good as ended (section 2.2)."""
        auth = ClientSecretPost("cc-post", lambda: "post-secret")
        revocation(endpoint(oidc_provider.issuer, "cc-post", client_auth=auth)).revoke(KEPT)
        assert revocation(endpoint(oidc_provider.issuer)).revoke(KEPT) is None


def status(provider: Provider, token: Token) -> int:
    """What the API answers to a token."""
    headers = {"Authorization": f"Bearer {token.access_token}"}
    return requests.get(provider.api_url, headers=headers, timeout=PATIENCE_SECONDS).status_code


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server that knows `nightly`."""
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret="canary-s3cret")
        yield server


@pytest.fixture
def at(server: AuthorizationServer) -> Revocation:
    """Where it ends tokens."""
    return calling(f"{server.issuer}/revoke")


def asked(server: AuthorizationServer) -> list[str]:
    """The kinds of the tokens that it was to end."""
    return [dict(one.form)["token_type_hint"] for one in server.requests if one.path == "/revoke"]


class TestWhatIsSent:
    """A form for each token, as section 2.1 has it."""

    def test_the_refresh_token_first(self, server: AuthorizationServer, at: Revocation) -> None:
        """It could give another access token; each is named by its kind, by the client that has it."""
        at.revoke(KEPT)
        client = {"client_id": "nightly", "client_secret": "canary-s3cret"}
        assert [dict(one.form) for one in server.requests] == [
            {"token": "canary-refresh", "token_type_hint": "refresh_token", **client},
            {"token": "canary-access", "token_type_hint": "access_token", **client},
        ]

    def test_no_more_than_there_is(self, server: AuthorizationServer, at: Revocation) -> None:
        """Without a refresh token there is one request; for what is over there is none."""
        at.revoke(replace(KEPT, refresh_token=None))
        at.revoke(replace(KEPT, expires_at=1.0))
        at.revoke(replace(KEPT, refresh_token=None, expires_at=1.0))
        assert asked(server) == ["access_token", "refresh_token"]

    def test_where_the_provider_announces(self, server: AuthorizationServer) -> None:
        """With nothing but an issuer, the endpoint is found (RFC 8414 section 2)."""
        auth = ClientSecretBasic("nightly", lambda: "canary-s3cret")
        revocation(endpoint(server.issuer, client_auth=auth)).revoke(KEPT)
        assert asked(server) == ["refresh_token", "access_token"]
        assert server.count("discovery") == 1


class TestWhatIsDone:
    """What counts as ended."""

    @pytest.mark.parametrize(
        "answer",
        [
            Reply.json({}, 200),
            Reply(204),
            Reply.json({"error": "invalid_token"}, 200),
            Reply.json({"error": "invalid_token"}, 400),
            Reply(200, body=b"<html>"),
        ],
    )
    def test_answers(self, server: AuthorizationServer, at: Revocation, answer: Reply) -> None:
        """The status alone says so, and a token that is over needs no end."""
        server.replies["revoke"].extend([answer] * 2)
        assert at.revoke(KEPT) is None
        assert asked(server) == ["refresh_token", "access_token"]

    def test_a_provider_that_ends_refresh_tokens_only(
        self, server: AuthorizationServer, at: Revocation, caplog: pytest.LogCaptureFixture
    ) -> None:
        """That is no failure; the log tells how long the access token is good."""
        server.replies["revoke"].extend([Reply(), Reply.json({"error": "unsupported_token_type"}, 400)])
        with caplog.at_level(logging.WARNING):
            at.revoke(KEPT)
        assert caplog.messages == [f"login.acme.com ends refresh tokens only: {ACCESS}"]

    @pytest.mark.parametrize("token", [KEPT, replace(KEPT, refresh_token=None)])
    def test_a_provider_that_ends_neither(
        self, server: AuthorizationServer, at: Revocation, token: Token
    ) -> None:
        """That is one."""
        server.replies["revoke"].extend([Reply.json({"error": "unsupported_token_type"}, 400)] * 2)
        assert failure(at, token).message.endswith(ALL if token.refresh_token else f"; {ACCESS}")

    def test_busy_for_a_moment(self, server: AuthorizationServer, at: Revocation) -> None:
        """A provider that asks to come back is asked again (section 2.2.1)."""
        server.replies["revoke"].append(Reply(503, {"Retry-After": "0"}))
        at.revoke(KEPT)
        assert asked(server) == ["refresh_token", "refresh_token", "access_token"]


class TestWhatIsNot:
    """What lives on, until when, and what to do, is told."""

    def test_a_refusal(self, server: AuthorizationServer, at: Revocation) -> None:
        """Of the one token; the other one is ended, and not in what is told."""
        refusal = {"error": "invalid_request", "error_description": "no canary-refresh here"}
        server.replies["revoke"].append(Reply.json(refusal, 400))
        why = failure(at)
        assert asked(server) == ["refresh_token", "access_token"]
        assert "refused the revocation: invalid_request (no *** here); its refresh token is" in why.message
        assert "access token" not in why.message
        assert why.hint.startswith("have it ended at login.acme.com; next time, ")

    def test_another_client(self, server: AuthorizationServer, at: Revocation) -> None:
        """A client that the provider does not let in is told what to check."""
        server.clients.clear()
        why = failure(at)
        assert "invalid_client" in why.message
        assert why.message.endswith(ALL)
        assert "check client_id and client_secret" in why.hint

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (http(503, Retry_After="3600"), "answered 503, and asks to come back in 3600 s"),
            (http(500), "answered 500"),
            (http(404), "answered 404, and no error code"),
            (http(307, Location="https://evil.example/"), "answered 307, a redirect; it was not followed"),
            (http(200, b"x" * (1024 * 1024 + 1)), "answered more than 1,048,576 bytes"),
            (json_reply('{"error": "temporarily_unavailable"}', 503), "answered 503"),
            (b"", "cannot reach"),
        ],
    )
    def test_a_provider_out_of_order(self, answer: Answer, said: str) -> None:
        """It is not asked for the other token; both may live on (section 2.2.1)."""
        with RawServer(answer) as wire:
            why = failure(calling(wire.url))
            assert not [one for one in wire.requests if b"canary-access" in one]
        assert said in why.message
        assert why.message.endswith(f"; {ALL}")

    def test_a_redirect_to_itself(self) -> None:
        """It gets nothing at the other address."""
        with RawServer(http(200)) as other, RawServer(http(307, Location=other.url)) as wire:
            failure(calling(wire.url))
            assert other.connections == 0

    @pytest.mark.parametrize("answer", [trickle(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), trickle(b"", b"")])
    def test_a_provider_that_hangs(self, answer: Answer) -> None:
        """There is one deadline for all of it."""
        with RawServer(answer) as wire:
            why = failure(calling(wire.url, 0.5))
            assert wire.connections == 1
        assert "did not answer within 0.5 s" in why.message
        assert why.message.endswith(ALL)

    def test_the_deadline_is_one(self) -> None:
        """What the first token took, the second one has no more."""
        slow = trickle(http(200, b"x" * 40)[:-40], b"x")  # some 0.8 s, a byte at a time
        with RawServer(slow, slow) as wire:
            assert ACCESS in failure(calling(wire.url, 1.2)).message

    def test_a_secret_that_is_not_there(self, server: AuthorizationServer) -> None:
        """Nothing is sent, and what to type for the next time is said."""

        def missing() -> str:
            raise SecretUnavailable("NIGHTLY_SECRET is not set", hint="export NIGHTLY_SECRET=…")

        at = replace(calling(f"{server.issuer}/revoke"), client_auth=ClientSecretBasic("nightly", missing))
        why = failure(at)
        assert why.message == f"NIGHTLY_SECRET is not set; {ALL}"
        assert why.hint == "have it ended at login.acme.com; next time, export NIGHTLY_SECRET=…"
        assert server.requests == []

    @pytest.mark.parametrize(
        ("said", "where"),
        [
            ({"token_url": "https://login.acme.com/token"}, "login.acme.com"),
            ({}, "its provider"),
        ],
    )
    def test_no_endpoint(self, said: Mapping[str, str], where: str) -> None:
        """Where none is known, that is said, and which key would name it."""
        channel = Channel(PATIENCE_SECONDS)
        why = failure(
            Revocation(server=Server(said, channel), channel=channel, client_auth=PublicClient("x"))
        )
        assert "does not announce its revocation_endpoint; its refresh token" in why.message
        assert why.hint == f'have it ended at {where}; next time, say it: revocation_url = "https://…"'

    @pytest.mark.parametrize(
        "endpoints", [{}, {"revocation_endpoint": "http://evil.example/"}, {"revocation_endpoint": 5}]
    )
    def test_what_a_provider_announces(self, server: AuthorizationServer, endpoints: dict[str, Any]) -> None:
        """None, or one that others could listen to, gets nothing."""
        server.replies["discovery"].append(Reply.json({"issuer": server.issuer} | endpoints))
        why = failure(revocation(endpoint(server.issuer)))
        assert "revocation_endpoint" in why.message
        assert 'revocation_url = "https://…"' in why.hint
        assert server.count("revoke") == 0


@pytest.mark.parametrize(
    ("expires_at", "until"),
    [
        (None, "until it is ended there"),
        (FUTURE, "until 2100-01-01 00:00 UTC"),
        (1e300, "until 9999-12-31 23:59 UTC"),
    ],
)
def test_until_when(expires_at: float | None, until: str) -> None:
    """Whatever a provider says of a token's end can be told."""
    token = Token(access_token="x", expires_at=expires_at)
    assert token.living(time.time()) == {"access_token": f"its access token is good {until}"}
