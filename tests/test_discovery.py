"""Where a provider's endpoints are: as the profile says, or as the provider announces, which is checked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests
from counterparts import Provider
from wire import PATIENCE_SECONDS, RawServer, http, json_reply

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles.errors import (
    ConfigurationError,
    InvalidProviderResponse,
    ProviderUnavailable,
    RequestsAuthException,
)
from requests_auth_profiles.testing import AuthorizationServer, Reply
from requests_auth_profiles.testing._loopback_server import Endpoint, LoopbackServer, Received

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
MIB = 1024 * 1024


def asked(**said: str) -> Server:
    """A server of which a profile says this."""
    return Server(said, Channel(PATIENCE_SECONDS))


def metadata(issuer: str) -> dict[str, Any]:
    """A document that is right."""
    return {
        "issuer": issuer,
        "authorization_endpoint": "https://login.acme.com/authorize",
        "token_endpoint": "https://login.acme.com/token",
    }


@contextmanager
def announcing(
    *paths: str, issuer: str = "", changes: dict[str, Any] | None = None
) -> Iterator[LoopbackServer]:
    """A server that has its metadata at these paths only; `issuer` is what of its issuer follows the host."""

    def answer(_: Received) -> Reply:
        return Reply.json(metadata(server.url + issuer) | (changes or {}))

    with LoopbackServer({"metadata": Endpoint(answer, paths)}) as server:
        yield server


@pytest.fixture
def provider() -> Iterator[AuthorizationServer]:
    """An authorization server of the test's own."""
    with AuthorizationServer() as server:
        yield server


class TestWhere:
    """OpenID Connect puts the well-known path behind the issuer's, RFC 8414 before it."""

    def test_a_certified_provider(self, oidc_provider: Provider) -> None:
        """Each endpoint is the one that its document names."""
        document = requests.get(f"{oidc_provider.issuer}{OPENID}", timeout=PATIENCE_SECONDS).json()
        server = asked(issuer=oidc_provider.issuer)
        found = [
            server.url(name) for name in ("authorization_url", "token_url", "revocation_url", "jwks_url")
        ]
        members = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri")
        assert found == [document[member] for member in members]

    @pytest.mark.parametrize(
        ("issuer", "path", "asked_before"),
        [
            ("", OPENID, []),
            ("", OAUTH, [OPENID]),
            ("/", OPENID, []),
            ("/tenant", f"/tenant{OPENID}", []),
            ("/tenant", f"{OAUTH}/tenant", [f"/tenant{OPENID}"]),
            ("/tenant/", f"/tenant{OPENID}", []),
            ("/tenant/", f"{OAUTH}/tenant", [f"/tenant{OPENID}"]),
            ("/a/b.c~d", f"{OAUTH}/a/b.c~d", [f"/a/b.c~d{OPENID}"]),
        ],
    )
    def test_well_known_paths(self, issuer: str, path: str, asked_before: list[str]) -> None:
        """Both are tried, a slash at the end of the issuer is no part of them."""
        with announcing(path, issuer=issuer) as server:
            assert asked(issuer=server.url + issuer).url("token_url") == "https://login.acme.com/token"
            assert [received.path for received in server.requests] == [*asked_before, path]

    def test_openid_connect_first(self) -> None:
        """Where both are there, one request is enough."""
        with announcing(OPENID, OAUTH) as server:
            asked(issuer=server.url).url("token_url")
            assert [received.path for received in server.requests] == [OPENID]

    def test_nowhere(self) -> None:
        """An issuer that announces nothing is an error that says what to name instead."""
        with (
            announcing("/elsewhere") as server,
            pytest.raises(InvalidProviderResponse, match=r"announces no endpoints .*404") as caught,
        ):
            asked(issuer=server.url).url("token_url")
        assert "token_url" in caught.value.hint


class TestOnce:
    """The provider is asked only where the profile does not say it, and once."""

    def test_for_all_endpoints(self, provider: AuthorizationServer) -> None:
        """One answer is enough for all of them, and for what else is known of the provider."""
        server = asked(issuer=provider.issuer)
        for name in ("authorization_url", "token_url", "revocation_url", "jwks_url", "token_url"):
            assert server.url(name).startswith(provider.issuer)
        assert (server.always_says_iss(), server.refuses_s256()) == (True, False)
        assert provider.count("discovery") == 1

    def test_not_before_it_is_needed(self, provider: AuthorizationServer) -> None:
        """What has a name in the profile is known without a request."""
        server = asked(issuer=provider.issuer, token_url="https://login.acme.com/t")
        assert (server.issuer, server.host) == (provider.issuer, provider.issuer.removeprefix("http://"))
        assert (server.always_says_iss(), server.refuses_s256()) == (False, False)
        assert server.url("token_url") == "https://login.acme.com/t"
        assert provider.count("discovery") == 0

    def test_the_profile_before_the_provider(self, provider: AuthorizationServer) -> None:
        """What the profile names is used, also after the provider announced another."""
        server = asked(issuer=provider.issuer, token_url="https://login.acme.com/t")
        assert server.url("authorization_url") == f"{provider.issuer}/authorize"
        assert server.url("token_url") == "https://login.acme.com/t"

    def test_not_after_a_failure(self, provider: AuthorizationServer) -> None:
        """A provider that could not be reached is asked again the next time."""
        server = asked(issuer=provider.issuer)
        provider.stop()
        with pytest.raises(ProviderUnavailable):
            server.url("token_url")
        provider.start()
        assert server.url("token_url") == f"{provider.issuer}/token"

    def test_not_after_a_wrong_answer(self, provider: AuthorizationServer) -> None:
        """Metadata that was refused is not remembered, nor is that it was refused."""
        provider.replies["discovery"].append(Reply.json(metadata("https://evil.example")))
        server = asked(issuer=provider.issuer)
        with pytest.raises(InvalidProviderResponse):
            server.url("token_url")
        assert server.url("token_url") == f"{provider.issuer}/token"


class TestWhose:
    """RFC 8414 section 3.3: the document must name the issuer that was asked, to the letter."""

    @pytest.mark.parametrize("issuer", ["https://evil.example", "", None, [], 5, {"a": "b"}])
    def test_another_issuer(self, issuer: object) -> None:
        """It is refused."""
        with (
            announcing(OPENID, changes={"issuer": issuer}) as server,
            pytest.raises(InvalidProviderResponse, match="names another issuer") as caught,
        ):
            asked(issuer=server.url).url("token_url")
        assert caught.value.hint == "check the issuer"

    def test_no_issuer(self) -> None:
        """A document that does not say whose it is is refused, be all else right."""
        with RawServer(json_reply('{"token_endpoint": "https://login.acme.com/token"}')) as server:
            issuer = server.url.removesuffix("/token")
            with pytest.raises(InvalidProviderResponse, match="names another issuer"):
                asked(issuer=issuer).url("token_url")

    @pytest.mark.parametrize(("said", "announced"), [("", "/"), ("/", ""), ("/tenant", "/tenant/")])
    def test_a_slash_at_the_end(self, said: str, announced: str) -> None:
        """It makes another issuer of it, and the hint says what to write."""
        with (
            announcing(OPENID, f"/tenant{OPENID}", issuer=announced) as server,
            pytest.raises(InvalidProviderResponse, match="names another issuer") as caught,
        ):
            asked(issuer=server.url + said).url("token_url")
        assert caught.value.hint == f'write issuer = "{server.url}{announced}"'

    def test_no_second_try(self) -> None:
        """A wrong document is an error, not a reason to look elsewhere."""
        with announcing(OPENID, OAUTH, changes={"issuer": "https://evil.example"}) as server:
            with suppress(InvalidProviderResponse):
                asked(issuer=server.url).url("token_url")
            assert [received.path for received in server.requests] == [OPENID]


class TestWhatIsAnnounced:
    """An endpoint must be a URL that secrets may be sent to."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://login.acme.com/token",
            "http://127.0.0.1.evil.example/token",
            "ftp://login.acme.com/token",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "/token",
            "login.acme.com/token",
            "",
            "https:///token",
            "https://login.acme.com:99999/token",
            "https://[::1/token",
            "https://ada@login.acme.com/token",
            "https://login.acme.com@evil.example/token",
            "https://evil.example\\@login.acme.com/token",
            "https://login.acme.com/token#a",
            "https://login.acme.com/to ken",
            "https://login.acme.com/token\n",
            "https://login.acme.com/\u202etoken",
            "https://l\u043egin.acme.com/token",
        ],
    )
    def test_no_endpoint(self, url: str) -> None:
        """It is refused, and the error does not repeat it, but says what to write."""
        with (
            announcing(OPENID, changes={"token_endpoint": url}) as server,
            pytest.raises(
                InvalidProviderResponse, match=r"the token_endpoint that .* is no https URL"
            ) as caught,
        ):
            asked(issuer=server.url).url("token_url")
        assert 'token_url = "https://…"' in caught.value.hint
        assert "evil" not in str(caught.value)

    @pytest.mark.parametrize(
        "changes", [{"token_endpoint": value} for value in (None, 5, [], ["https://a/"])]
    )
    def test_none(self, changes: dict[str, Any]) -> None:
        """One that is missing, or no text, is one that the profile has to name."""
        with (
            announcing(OPENID, changes=changes) as server,
            pytest.raises(ConfigurationError, match="does not announce its token_endpoint") as caught,
        ):
            asked(issuer=server.url).url("token_url")
        assert 'token_url = "https://…"' in caught.value.hint

    def test_one_that_is_not_needed(self) -> None:
        """A bad endpoint is no reason to refuse the others."""
        with announcing(OPENID, changes={"token_endpoint": "http://login.acme.com/"}) as server:
            url = asked(issuer=server.url).url("authorization_url")
        assert url == "https://login.acme.com/authorize"

    @pytest.mark.parametrize(
        ("changes", "refuses"),
        [
            ({}, False),
            ({"code_challenge_methods_supported": ["plain", "S256"]}, False),
            ({"code_challenge_methods_supported": ["plain"]}, True),
            ({"code_challenge_methods_supported": []}, True),
            ({"code_challenge_methods_supported": "plain"}, False),
            ({"code_challenge_methods_supported": None}, False),
        ],
    )
    def test_challenge_methods(self, changes: dict[str, Any], refuses: bool) -> None:
        """Only a list without S256 says that S256 is not taken (RFC 9700 section 2.1.1)."""
        with announcing(OPENID, changes=changes) as server:
            found = asked(issuer=server.url)
            found.url("token_url")
        assert found.refuses_s256() is refuses

    @pytest.mark.parametrize(
        ("value", "says"), [(True, True), (False, False), ("true", False), (None, False)]
    )
    def test_iss_in_the_answer(self, value: object, says: bool) -> None:
        """Only `true` says that each answer names its issuer (RFC 9207 section 3)."""
        with announcing(OPENID, changes={"authorization_response_iss_parameter_supported": value}) as server:
            found = asked(issuer=server.url)
            found.url("token_url")
        assert found.always_says_iss() is says


WRONG = {
    "page": http(200, b"<html>sign in to the network</html>", Content_Type="text/html"),
    "list": json_reply("[]"),
    "null": json_reply("null"),
    "nothing": json_reply(""),
    "a name twice": json_reply('{"issuer": "a", "issuer": "b"}'),
    "NaN": json_reply('{"issuer": "a", "b": NaN}'),
    "deep": json_reply('{"a":' * 100_000),
    "2 MiB": json_reply(json.dumps({"issuer": "x" * 2 * MIB})),
    "302": http(302, Location="https://evil.example/"),
    "307": http(307, Location="https://evil.example/"),
    "403": http(403),
    "500": http(500, b"oops"),
}


def test_a_page_for_every_address() -> None:
    """A server that answers 200 with a page wherever it has nothing is asked at the other address too."""

    def answer(received: Received) -> Reply:
        if received.path == OAUTH:
            return Reply.json(metadata(server.url))
        return Reply(200, {"Content-Type": "text/html"}, b"<html>welcome</html>")

    with LoopbackServer({"metadata": Endpoint(answer, (OPENID, OAUTH))}) as server:
        assert asked(issuer=server.url).url("token_url") == "https://login.acme.com/token"


class TestWrongAnswers:
    """What is no document is not taken for one."""

    @pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG.keys())
    def test_it_is_refused(self, answer: bytes) -> None:
        """A page, a list, an ambiguity, 2 MiB, a redirect, an error: each is an error of ours with a hint."""
        with RawServer(answer) as server, pytest.raises(RequestsAuthException) as caught:
            asked(issuer=server.url).url("token_url")
        assert type(caught.value) in {InvalidProviderResponse, ProviderUnavailable}
        assert caught.value.hint
        assert "evil" not in str(caught.value)
