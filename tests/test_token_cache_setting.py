"""`OAuth2.token_cache`: caches of ours, ones made of ours, and those of others; the keys that they see."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from conftest import RunProgram
from requests.auth import HTTPBasicAuth

from requests_auth_profiles import (
    OAuth2,
    OAuth2AuthorizationCodePKCE,
    OAuth2ClientCredentials,
    OAuth2Implicit,
    OAuth2ResourceOwnerPasswordCredentials,
    TokenMemoryCache,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

SECRET = "s3cret-of-the-client"
URLS = ("https://idp.example/authorize", "https://idp.example/token")


class Foreign:
    """A cache of somebody else's, which has nothing but `get_token`."""

    def __init__(self) -> None:
        self.tokens: dict[str, tuple[Any, ...]] = {}

    def get_token(
        self,
        key: str,
        *,
        early_expiry: float,
        on_missing_token: Callable[[], tuple[Any, ...]],
        on_expired_token: Callable[[str], tuple[Any, ...]],
    ) -> str:
        if key not in self.tokens:
            self.tokens[key] = on_missing_token()
        return self.tokens[key][1]


class Noting(TokenMemoryCache):
    """Ours, with a `get_token` that notes what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get_token(self, key: str, **options: Any) -> str:
        self.asked.append(key)
        return super().get_token(key, **options)


class Alone(TokenMemoryCache):
    """Ours, with a `get_token` that has its own idea of all."""

    def __init__(self) -> None:
        super().__init__()
        self._foreign = Foreign()

    def get_token(self, key: str, **options: Any) -> str:
        return self._foreign.get_token(key, **options)


@pytest.fixture
def settings() -> Iterator[None]:
    """`OAuth2` as it was, once the test is over."""
    before = OAuth2.token_cache
    OAuth2.token_cache = TokenMemoryCache()
    yield
    OAuth2.token_cache = before


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A server that knows a program and a user."""
    with AuthorizationServer() as server:
        server.clients |= {name: Client(secret=SECRET) for name in ("nightly", "weekly")}
        server.passwords["ada"] = "lovelace"
        yield server


@pytest.fixture
def api(server: AuthorizationServer) -> Iterator[ProtectedApi]:
    """An API that takes the tokens of that server."""
    with ProtectedApi(server) as api:
        yield api


def program(server: AuthorizationServer, client_id: str = "nightly", **more: Any) -> OAuth2ClientCredentials:
    """A program at that server."""
    return OAuth2ClientCredentials(f"{server.issuer}/token", client_id, SECRET, **more)


def user(server: AuthorizationServer, **more: Any) -> OAuth2ResourceOwnerPasswordCredentials:
    """A user at that server, whose tokens come with a refresh token."""
    return OAuth2ResourceOwnerPasswordCredentials(
        f"{server.issuer}/token", "ada", "lovelace", session_auth=("nightly", SECRET), **more
    )


@pytest.mark.usefixtures("settings")
class TestSetting:
    """`OAuth2.token_cache`, as the classes use it."""

    def test_two_objects_share_a_token(self, server: AuthorizationServer, api: ProtectedApi) -> None:
        """Objects that say the same share one token."""
        for _ in range(2):
            assert requests.get(f"{api.url}/me", auth=program(server), timeout=10).ok
        assert server.count("token") == 1

    def test_the_cache_of_the_moment_is_used(self, server: AuthorizationServer, api: ProtectedApi) -> None:
        """Another cache has other tokens, and the one before still has its own."""
        auth, first = program(server), OAuth2.token_cache
        for cache in (first, TokenMemoryCache(), first):
            OAuth2.token_cache = cache
            assert requests.get(f"{api.url}/me", auth=auth, timeout=10).ok
        assert server.count("token") == 2

    @pytest.mark.parametrize("cache", [TokenMemoryCache, Noting])
    def test_ours_renews_what_is_refused(
        self, server: AuthorizationServer, api: ProtectedApi, cache: type[TokenMemoryCache]
    ) -> None:
        """A token that the API refuses is renewed once, also by a cache that was made of ours."""
        OAuth2.token_cache = cache()
        auth = user(server)
        requests.post(
            f"{server.issuer}/revoke", {"token": auth.token().access_token}, auth=("nightly", SECRET)
        )
        assert requests.get(f"{api.url}/me", auth=auth, timeout=10).status_code == 200
        grants = [dict(one.form)["grant_type"] for one in server.requests if one.path == "/token"]
        assert grants == ["password", "refresh_token"]

    @pytest.mark.parametrize("cache", [Foreign, Alone])
    def test_a_foreign_one_gives_the_refusal(
        self, server: AuthorizationServer, api: ProtectedApi, cache: Callable[[], Any]
    ) -> None:
        """A cache that can't be told of a refusal is asked again, and the caller gets the 401."""
        OAuth2.token_cache = cache()
        auth = user(server)
        requests.post(
            f"{server.issuer}/revoke", {"token": auth.token().access_token}, auth=("nightly", SECRET)
        )
        assert requests.get(f"{api.url}/me", auth=auth, timeout=10).status_code == 401
        assert server.count("token") == 1

    def test_a_foreign_one_gets_what_it_expects(self, server: AuthorizationServer) -> None:
        """It is given a key of text, and functions whose tuples begin with that key."""
        OAuth2.token_cache = foreign = Foreign()
        token = user(server).token().access_token
        [(key, (told, access_token, expires_in, refresh_token))] = foreign.tokens.items()
        assert (told, access_token) == (key, token)
        assert 3500 < expires_in <= 3600
        assert refresh_token

    def test_one_made_of_ours_is_asked_for_all(self, server: AuthorizationServer, api: ProtectedApi) -> None:
        """A `get_token` of one's own sees each request."""
        OAuth2.token_cache = noting = Noting()
        auth = program(server)
        for _ in range(3):
            requests.get(f"{api.url}/me", auth=auth, timeout=10)
        assert len(noting.asked) == 3
        assert len(set(noting.asked)) == 1

    def test_a_refresh_token_without_an_end_is_kept(
        self, server: AuthorizationServer, api: ProtectedApi
    ) -> None:
        """A provider that doesn't say when a token ends costs no refresh token."""
        server.replies["token"].append(Reply.json({"access_token": "old", "refresh_token": "r1"}))
        server.replies["token"].append(Reply.json({"access_token": "new"}))
        api.tokens.add("new")
        assert requests.get(f"{api.url}/me", auth=user(server), timeout=10).status_code == 200
        assert dict(server.requests[-1].form)["refresh_token"] == "r1"


def _password(username: str = "ada", url: str = URLS[1], **more: Any) -> Any:
    return OAuth2ResourceOwnerPasswordCredentials(url, username, "p4ssword", **more)


def _program(client_id: str = "nightly", url: str = URLS[1], **more: Any) -> Any:
    return OAuth2ClientCredentials(url, client_id, "s3cret", **more)


def _person(client_id: str = "app", token_url: str = URLS[1], **more: Any) -> Any:
    return OAuth2AuthorizationCodePKCE(URLS[0], token_url, client_id=client_id, **more)


class Keys:
    """A cache that notes keys, and never needs a token."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def get_token(self, key: str, **options: Any) -> str:
        self.keys.append(key)
        return "token"


@pytest.mark.usefixtures("settings")
class TestKeys:
    """The names under which tokens are kept."""

    def keys(self, *auths: Any) -> list[str]:
        """The keys of these."""
        OAuth2.token_cache = noting = Keys()
        for auth in auths:
            auth.token()
        return noting.keys

    def test_each_difference_is_another_key(self) -> None:
        """Class, client, endpoint, scope, audience, user and kind of token tell keys apart."""
        auths = [
            _program(),
            _program("Nightly"),
            _program(url="https://other.example/token"),
            _program(scope="read"),
            _program(scope="read write"),
            _program(audience="https://api.acme.com"),
            _program(audience="https://api.acme.com/v2"),
            _program(resource="https://api.acme.com"),
            _program(token_field_name="id_token"),
            _password(),
            _password("bob"),
            _password(client_id="app"),
            _password(session_auth=("app", "s3cret")),
            _password(scope="read"),
            _password(url="https://other.example/token"),
            _person(),
            _person("other"),
            _person(token_url="https://other.example/token"),
            _person(scope="read"),
            _person(audience="https://api.acme.com"),
            OAuth2Implicit(URLS[0], client_id="app"),
            OAuth2Implicit(URLS[0], client_id="app", response_type="id_token"),
            OAuth2Implicit(f"{URLS[0]}?tenant=b", client_id="app"),
        ]
        keys = self.keys(*auths)
        assert len(set(keys)) == len(auths)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (_program(scope=["read", "write"]), _program(scope="read write")),
            (_program(timeout=1), _program(early_expiry=0)),
            (_program(header_name="X-Token"), _program()),
        ],
    )
    def test_what_makes_no_other_token_makes_no_other_key(self, one: Any, other: Any) -> None:
        """How a token is asked for and sent tells no keys apart."""
        assert len(set(self.keys(one, other))) == 1

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (_password(), OAuth2ResourceOwnerPasswordCredentials(URLS[1], "ada", "other")),
            (_password(client_secret="a"), _password(client_secret="b")),
            (_password(session_auth=("app", "a")), _password(session_auth=("app", "b"))),
            (_program(), OAuth2ClientCredentials(URLS[1], "nightly", "other")),
            (_person(client_secret="a"), _person(client_secret="b")),
        ],
    )
    def test_no_secret_is_in_a_key(self, one: Any, other: Any) -> None:
        """A key is the same whatever the secrets are, so it tells nothing of them."""
        assert len(set(self.keys(one, other))) == 1

    @pytest.mark.parametrize(
        "name", ["requested_token_type", "token_type_hint", "subject_token_type", "key_id", "login_hint"]
    )
    def test_what_is_said_about_a_secret_tells_keys_apart(self, name: str) -> None:
        """Its kind and its name are no secret, and the token that is asked for hangs on them."""
        assert len(set(self.keys(*(_program(**{name: value}) for value in "ab"), _program()))) == 3

    @pytest.mark.parametrize("name", ["subject_token", "assertion", "api_key", "otp", "id_token_hint"])
    @pytest.mark.parametrize("make", [_program, _password, _person])
    def test_a_secret_that_says_whose_token_it_is_tells_keys_apart(
        self, make: Callable[..., Any], name: str
    ) -> None:
        """Two objects that differ only there share no token; two that do not, do."""
        one, other, none, same = self.keys(*(make(**{name: value}) for value in ("a", "b", None, "a")))
        assert len({one, other, none}) == 3
        assert one == same

    def test_nobody_can_try_out_which_secret_is_behind_a_key(self, run_python: RunProgram) -> None:
        """The key of what has a secret is another one in each process, and only of that."""
        script = f"""
from requests_auth_profiles import OAuth2, OAuth2ClientCredentials
class Telling:
    def get_token(self, key, **options):
        print(key)
        return "token"
OAuth2.token_cache = Telling()
for more in ({{}}, {{"api_key": "1234"}}):
    OAuth2ClientCredentials({URLS[1]!r}, "nightly", {SECRET!r}, **more).token()
"""
        there = run_python("-c", script).stdout.split()
        here = self.keys(_program(), _program(api_key="1234"))
        assert [one == other for one, other in zip(here, there, strict=True)] == [True, False]

    def test_two_clients_get_their_own_tokens(self, server: AuthorizationServer) -> None:
        """The token of one program is never given to another."""
        tokens = [program(server, name).token().access_token for name in ("nightly", "weekly")]
        assert [server.introspect(token)["client_id"] for token in tokens] == ["nightly", "weekly"]

    def test_clients_behind_an_auth_are_told_apart(self) -> None:
        """A client that an auth of requests says is part of the key, like one in a tuple."""
        keys = self.keys(
            _password(session_auth=HTTPBasicAuth("app", "s3cret")),
            _password(session_auth=HTTPBasicAuth("other", "s3cret")),
        )
        assert len(set(keys)) == 2

    def test_keys_can_stand_in_a_file(self) -> None:
        """A key is plain text of sane length."""
        [key] = self.keys(_program(audience="ä" * 5000))
        assert json.loads(json.dumps(key)) == key
        assert len(key) < 200
