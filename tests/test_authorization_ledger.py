"""The authorization server for tests: what it revokes, counts, and breaks on demand."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from authorization import (
    CLIENTS,
    SECRET,
    Attempt,
    client_credentials,
    post,
    refresh,
    refusal,
    server,
    wait_for,
)

from requests_auth_profiles.testing import AuthorizationServer, Reply

__all__ = ["server"]


class TestRevocation:
    def test_access_token(self, server: AuthorizationServer) -> None:
        """A revoked access token is dead."""
        access_token = Attempt(server).tokens()["access_token"]
        post(server, "revoke", {"client_id": "app", "token": access_token})
        assert server.introspect(access_token) is None

    def test_access_token_leaves_the_refresh_token(self, server: AuthorizationServer) -> None:
        """Revoking an access token leaves its refresh token alone."""
        tokens = Attempt(server).tokens()
        post(server, "revoke", {"client_id": "app", "token": tokens["access_token"]})
        assert refresh(server, tokens["refresh_token"]).status_code == 200

    def test_refresh_token(self, server: AuthorizationServer) -> None:
        """A revoked refresh token takes its access tokens along (RFC 7009 section 2.1)."""
        tokens = Attempt(server).tokens()
        post(server, "revoke", {"client_id": "app", "token": tokens["refresh_token"]})
        assert refusal(refresh(server, tokens["refresh_token"])) == (400, "invalid_grant")
        assert server.introspect(tokens["access_token"]) is None

    def test_unknown_token(self, server: AuthorizationServer) -> None:
        """An unknown token is as good as revoked (RFC 7009 section 2.2)."""
        assert post(server, "revoke", {"client_id": "app", "token": "unknown"}).status_code == 200

    def test_token_of_another_client(self, server: AuthorizationServer) -> None:
        """A client cannot revoke another one's token."""
        access_token = Attempt(server).tokens()["access_token"]
        form = {"client_id": "job", "client_secret": SECRET, "token": access_token}
        assert refusal(post(server, "revoke", form)) == (400, "invalid_grant")
        assert server.introspect(access_token)

    def test_without_token(self, server: AuthorizationServer) -> None:
        """A revocation names a token."""
        assert refusal(post(server, "revoke", {"client_id": "app"})) == (400, "invalid_request")


class TestIntrospection:
    def introspect(self, server: AuthorizationServer, token: str) -> dict[str, Any]:
        form = {"client_id": "job", "client_secret": SECRET, "token": token}
        return post(server, "introspect", form).json()

    def test_live_token(self, server: AuthorizationServer) -> None:
        """The endpoint says of a live token what `introspect` says."""
        access_token = Attempt(server).tokens()["access_token"]
        claims = server.introspect(access_token)
        assert self.introspect(server, access_token) == {"active": True, **claims}

    def test_dead_token(self, server: AuthorizationServer) -> None:
        """Of any other string it says only that it is not active (RFC 7662 section 2.2)."""
        assert self.introspect(server, "unknown") == {"active": False}

    def test_refresh_token(self, server: AuthorizationServer) -> None:
        """A refresh token opens no API."""
        assert server.introspect(Attempt(server).tokens()["refresh_token"]) is None

    def test_public_client(self, server: AuthorizationServer) -> None:
        """Introspection is for clients that prove themselves (RFC 7662 section 2.1)."""
        response = post(server, "introspect", {"client_id": "app", "token": "any"})
        assert refusal(response) == (400, "unauthorized_client")


class TestReplies:
    def test_broken_reply(self, server: AuthorizationServer) -> None:
        """A queued reply is given as it is."""
        server.replies["token"].append(Reply(503, headers={"Retry-After": "1"}, body=b"<h1>Busy"))
        response = client_credentials(server)
        assert (response.status_code, response.headers["Retry-After"], response.content) == (
            503,
            "1",
            b"<h1>Busy",
        )

    def test_right_again(self, server: AuthorizationServer) -> None:
        """After the queued replies the right answers come again."""
        server.replies["token"].extend([Reply(500), Reply.json({"error": "slow_down"}, 400)])
        assert [client_credentials(server).status_code for _ in range(3)] == [500, 400, 200]

    def test_only_its_endpoint(self, server: AuthorizationServer) -> None:
        """A reply for one endpoint leaves the others alone."""
        server.replies["token"].append(Reply(500))
        assert requests.get(f"{server.issuer}/jwks", timeout=10).status_code == 200

    def test_unknown_endpoint(self, server: AuthorizationServer) -> None:
        """A reply for an endpoint that is not there is an error at once."""
        with pytest.raises(KeyError):
            server.replies["tokn"].append(Reply(500))

    def test_not_acted_upon(self, server: AuthorizationServer) -> None:
        """A request that got a queued reply changed nothing: its code is still good."""
        attempt = Attempt(server)
        code = attempt.code()
        server.replies["token"].append(Reply(503))
        attempt.exchange(code)
        assert attempt.exchange(code).status_code == 200

    def test_hang_up(self, server: AuthorizationServer) -> None:
        """A reply can be that the connection is closed."""
        server.replies["token"].append(Reply(hang_up=True))
        with pytest.raises(requests.ConnectionError):
            client_credentials(server)

    def test_cut_off(self, server: AuthorizationServer) -> None:
        """A reply can end before the length that it announces."""
        server.replies["token"].append(Reply(200, headers={"Content-Length": "100"}, body=b"{"))
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client_credentials(server)

    def test_late(self, server: AuthorizationServer) -> None:
        """A delay alone is the right answer, late."""
        server.replies["token"].append(Reply(delay_seconds=0.2))
        started_at = time.monotonic()
        assert client_credentials(server).status_code == 200
        assert time.monotonic() - started_at > 0.1

    def test_late_answer_was_acted_upon(self, server: AuthorizationServer) -> None:
        """A client that does not wait for a late answer has used up its refresh token."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        server.replies["token"].append(Reply(delay_seconds=60))
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{server.issuer}/token",
                data={"grant_type": "refresh_token", "client_id": "app", "refresh_token": refresh_token},
                timeout=1,
            )
        wait_for(server, "token", 2)
        refresh(server, refresh_token)
        assert server.reuses == 1

    def test_late_answer_holds_nobody_else(self, server: AuthorizationServer) -> None:
        """While one client waits for a late answer, others are answered."""
        server.replies["token"].append(Reply(delay_seconds=60))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client_credentials, server)
            wait_for(server, "token", 1)
            assert client_credentials(server).status_code == 200
            server.stop()
            assert isinstance(waiting.exception(), requests.ConnectionError)


class TestCount:
    def test_each_endpoint(self, server: AuthorizationServer) -> None:
        """Requests are counted by endpoint, refused ones too."""
        Attempt(server).tokens()
        Attempt(server).exchange("wrong")
        names = ("discovery", "authorize", "token", "jwks", "revoke", "introspect")
        assert {name: server.count(name) for name in names} == {
            "discovery": 0,
            "authorize": 1,
            "token": 2,
            "jwks": 0,
            "revoke": 0,
            "introspect": 0,
        }

    def test_broken_replies_count(self, server: AuthorizationServer) -> None:
        """A request that got a queued reply is counted."""
        server.replies["token"].append(Reply(503))
        client_credentials(server)
        assert server.count("token") == 1

    def test_what_arrived(self, server: AuthorizationServer) -> None:
        """What a client sent can be looked at."""
        client_credentials(server, scope="a b")
        assert ("scope", "a b") in server.requests[-1].form


class TestConcurrency:
    def together(self, act: Any) -> list[Any]:
        """Give what 16 clients get that act at the same time."""
        barrier = threading.Barrier(CLIENTS)

        def wait_and_act(_: int) -> Any:
            barrier.wait()
            return act()

        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(wait_and_act, range(CLIENTS)))

    def test_sixteen_sign_ins(self, server: AuthorizationServer) -> None:
        """Sixteen clients at once each get a live token of their own."""
        tokens = self.together(lambda: Attempt(server, scope="openid").tokens()["access_token"])
        assert len({token for token in tokens if server.introspect(token)}) == CLIENTS

    def test_one_refresh_token(self, server: AuthorizationServer) -> None:
        """Of sixteen that send one refresh token at once, one is answered and the others are reuses."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        statuses = self.together(lambda: refresh(server, refresh_token).status_code)
        assert (statuses.count(200), server.reuses) == (1, CLIENTS - 1)

    def test_one_code(self, server: AuthorizationServer) -> None:
        """Of sixteen that send one code at once, one is answered."""
        attempt = Attempt(server)
        code = attempt.code()
        assert self.together(lambda: attempt.exchange(code).status_code).count(200) == 1
