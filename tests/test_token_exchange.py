"""The flow `token-exchange` (RFC 8693): a token that is there already is turned into another one."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import profiles_file
import pytest
import requests
from counterparts import Provider
from signing import EC
from taking_all import forms, taking_all
from wire import PATIENCE_SECONDS, words_of

from requests_auth_profiles import profile
from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._build import Builder
from requests_auth_profiles.errors import InvalidGrantRequest, InvalidToken, SecretUnavailable
from requests_auth_profiles.testing import AuthorizationServer, Reply

Make = Callable[..., ProfileAuth]
TYPE = "urn:ietf:params:oauth:token-type:"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ISSUED = {
    "access_token": "t0ken",
    "token_type": "Bearer",
    "expires_in": 3600,
    "issued_token_type": f"{TYPE}access_token",
}


@pytest.fixture
def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the auth of a profile with these lines; tokens are kept between auths."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))
    monkeypatch.setenv("USER_TOKEN", "canary-subject")

    def make(*lines: str) -> ProfileAuth:
        text = '[profiles.work]\nflow = "token-exchange"\nsubject_token = { env = "USER_TOKEN" }\n'
        file = profiles_file.read(home, text + "".join(f"{one}\n" for one in lines))
        auth = Builder(file).auth("work")  # as another process has it
        assert isinstance(auth, ProfileAuth)
        return auth

    return make


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that gives a token for whatever it is told, and writes that down."""
    with taking_all(ISSUED, 4) as server:
        yield server


def token_of(subject: str, **more: object) -> str:
    """A JWT of somebody, new at each call."""
    return jwt.encode({"sub": subject, "jti": str(time.monotonic_ns()), **more}, EC, algorithm="ES256")


class TestAtTheProvider:
    """A real one, that looks at each token it is given."""

    def at(self, provider: Provider, home: Path) -> tuple[str, ...]:
        """The lines of a client that may exchange tokens there."""
        (home / "secret").write_text("exchange-secret", "utf-8")
        return (
            f'issuer = "{provider.issuer}"',
            'client_id = "exchanger"',
            'client_secret = { file = "secret" }',
        )

    def statement(self, provider: Provider, subject: str) -> str:
        """A token of somebody, by an issuer whom the provider trusts."""
        now = int(time.time())
        claims = {"iss": "service@acme.test", "aud": provider.issuer, "iat": now, "exp": now + 60}
        key = jwt.PyJWK({**provider.keys["ES256"], "alg": "ES256"}).key
        return jwt.encode({**claims, "sub": subject}, key, algorithm="ES256")

    def test_a_jwt_and_what_comes_of_it(
        self, oidc_provider: Provider, home: Path, made: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A JWT becomes a token, and that another one with less scope, which the API takes."""
        lines = self.at(oidc_provider, home)
        monkeypatch.setenv("USER_TOKEN", self.statement(oidc_provider, "alice"))
        first = made(*lines, 'subject_token_type = "jwt"', 'scopes = ["read", "write"]').token()
        monkeypatch.setenv("USER_TOKEN", first.access_token)
        second = made(*lines, 'scopes = ["read"]').token()
        headers = {"Authorization": f"Bearer {second.access_token}"}
        answer = requests.get(oidc_provider.api_url, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.json() == {"client": "exchanger", "sub": "alice", "scope": "read"}

    def test_for_an_actor(
        self, oidc_provider: Provider, home: Path, made: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who acts is shown too."""
        monkeypatch.setenv("USER_TOKEN", self.statement(oidc_provider, "alice"))
        monkeypatch.setenv("ACTOR", self.statement(oidc_provider, "bob"))
        lines = ('subject_token_type = "jwt"', 'actor_token = { env = "ACTOR" }', 'actor_token_type = "jwt"')
        assert made(*self.at(oidc_provider, home), *lines).token().access_token

    def test_a_token_of_another_kind(
        self, oidc_provider: Provider, home: Path, made: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that is no access token, as it says, comes where it was asked for."""
        monkeypatch.setenv("USER_TOKEN", self.statement(oidc_provider, "alice"))
        lines = ('subject_token_type = "jwt"', 'requested_token_type = "id_token"')
        assert made(*self.at(oidc_provider, home), *lines).token().access_token

    def test_what_it_refuses(self, oidc_provider: Provider, home: Path, made: Make) -> None:
        """It is told in its words, with what to look at, and without the token."""
        with pytest.raises(InvalidGrantRequest) as caught:
            made(*self.at(oidc_provider, home)).token()
        assert (caught.value.error, caught.value.error_description) == ("invalid_request", "no such token")
        assert "subject_token" in caught.value.hint
        assert "canary" not in words_of(caught.value)


class TestWhatIsSent:
    """By a profile."""

    def test_the_least(self, server: AuthorizationServer, made: Make) -> None:
        """The token and its usual type."""
        made(f'issuer = "{server.issuer}"').token()
        assert forms(server) == [
            {
                "grant_type": GRANT,
                "subject_token": "canary-subject",
                "subject_token_type": f"{TYPE}access_token",
            }
        ]

    def test_the_most(self, server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """All that the profile says; types in short and as URIs."""
        monkeypatch.setenv("ACTOR", "canary-actor")
        made(
            f'issuer = "{server.issuer}"',
            'client_id = "gateway"',
            'subject_token_type = "saml2"',
            'actor_token = { env = "ACTOR" }',
            'actor_token_type = "urn:acme:badge"',
            'requested_token_type = "jwt"',
            'audience = "orders"',
            'resource = "https://orders.acme.com"',
            'scopes = ["orders.read"]',
        ).token()
        assert forms(server) == [
            {
                "grant_type": GRANT,
                "client_id": "gateway",
                "subject_token": "canary-subject",
                "subject_token_type": f"{TYPE}saml2",
                "actor_token": "canary-actor",
                "actor_token_type": "urn:acme:badge",
                "requested_token_type": f"{TYPE}jwt",
                "audience": "orders",
                "resource": "https://orders.acme.com",
                "scope": "orders.read",
            }
        ]

    def test_no_token(self, server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that is not there is told by its place, and nothing is sent."""
        monkeypatch.delenv("USER_TOKEN")
        with pytest.raises(SecretUnavailable, match="subject_token"):
            made(f'issuer = "{server.issuer}"').token()
        assert forms(server) == []

    @pytest.mark.platform("linux", "darwin")
    @pytest.mark.parametrize("error", ["invalid_request", "invalid_grant", "invalid_client"])
    def test_a_token_that_is_over(
        self, home: Path, server: AuthorizationServer, made: Make, error: str
    ) -> None:
        """The command that gave it is run again the next time (RFC 8693 section 2.2.2)."""
        command = home / "token"
        command.write_text('#!/bin/sh\necho x >> "$0.counter"\nwc -l < "$0.counter" | tr -d " "\n', "utf-8")
        command.chmod(0o700)
        server.replies["token"].appendleft(Reply.json({"error": error}, 400))
        text = f'[profiles.work]\nflow = "token-exchange"\nissuer = "{server.issuer}"\n'
        text += 'subject_token = { command = ["./token"] }\n'
        auth = profile("work", file=profiles_file.written(home, text))
        with pytest.raises(InvalidGrantRequest):
            auth.token()
        auth.token()
        assert [form["subject_token"] for form in forms(server)] == ["1", "2"]


class TestWhatComes:
    """And what of it is used."""

    @pytest.mark.parametrize(
        ("lines", "changes"),
        [
            ([], {"token_type": "bearer"}),
            ([], {"issued_token_type": None}),
            ([], {"issued_token_type": f"{TYPE}jwt"}),
            (['requested_token_type = "jwt"'], {"token_type": "N_A", "issued_token_type": f"{TYPE}jwt"}),
            (['requested_token_type = "urn:acme:x"'], {"token_type": "n_a"}),
        ],
    )
    def test_a_token(
        self, server: AuthorizationServer, made: Make, lines: list[str], changes: dict[str, str | None]
    ) -> None:
        """A bearer token, or one that is no access token, if another kind was asked for."""
        said = {name: value for name, value in {**ISSUED, **changes}.items() if value is not None}
        server.replies["token"].appendleft(Reply.json(said))
        assert made(f'issuer = "{server.issuer}"', *lines).token().access_token == "t0ken"

    @pytest.mark.parametrize(
        ("lines", "changes"),
        [
            ([], {"token_type": "N_A"}),
            (['requested_token_type = "access_token"'], {"token_type": "N_A"}),
            (['requested_token_type = "jwt"'], {"token_type": "mac"}),
            ([], {"issued_token_type": f"{TYPE}refresh_token"}),
            (['requested_token_type = "jwt"'], {"issued_token_type": f"{TYPE}refresh_token"}),
        ],
    )
    def test_nothing_for_an_api(
        self, server: AuthorizationServer, made: Make, lines: list[str], changes: dict[str, str]
    ) -> None:
        """What is not for an API is not sent to one: RFC 8693 section 2.2.1 says `N_A` for it."""
        server.replies["token"].appendleft(Reply.json({**ISSUED, **changes}))
        with pytest.raises(InvalidToken) as caught:
            made(f'issuer = "{server.issuer}"', *lines).token()
        assert caught.value.hint

    def test_it_is_renewed(self, server: AuthorizationServer, made: Make) -> None:
        """By its own refresh token, where one comes, without the subject's."""
        server.replies["token"].appendleft(Reply.json({**ISSUED, "expires_in": 0, "refresh_token": "r1"}))
        auth = made(f'issuer = "{server.issuer}"', 'client_id = "gateway"')
        auth.token()
        auth.token()
        last = forms(server)[-1]
        assert last == {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "gateway"}


class TestTheTokenIsKept:
    """And used by the next one who asks for the same."""

    def exchanged(self, server: AuthorizationServer, made: Make, *tokens: str, **more: str) -> int:
        """How many exchanges there were for these tokens, one after another."""
        with pytest.MonkeyPatch.context() as environment:
            for token in tokens:
                environment.setenv("USER_TOKEN", token)
                made(
                    f'issuer = "{server.issuer}"', *(f"{name} = {said}" for name, said in more.items())
                ).token()
        return len(forms(server))

    def test_of_the_same_token(self, server: AuthorizationServer, made: Make) -> None:
        """The next process takes it from the store."""
        assert self.exchanged(server, made, "one", "one") == 1

    @pytest.mark.parametrize(
        "tokens",
        [
            ("one", "two"),
            (token_of("ada"), token_of("bob")),
            (token_of("ada"), token_of("ada")),
            (token_of("ada"), jwt.encode({"sub": "ada"}, None, algorithm="none")),
            (token_of("ada"), token_of("ada", scope="less")),
            (token_of("ada"), token_of("ada", iss="other")),
            (
                jwt.encode({"jti": "1"}, EC, algorithm="ES256"),
                jwt.encode({"jti": "2"}, EC, algorithm="ES256"),
            ),
        ],
        ids=["opaque", "person", "anew", "forged", "scope", "issuer", "nobody"],
    )
    def test_of_another(self, server: AuthorizationServer, made: Make, tokens: tuple[str, str]) -> None:
        """What came of one token is not used for another, whatever that says of itself."""
        assert self.exchanged(server, made, *tokens) == 2

    def test_of_another_in_one_process(
        self, server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A program that serves many never sends the token of one for another, nor asks twice for one."""
        auth = made(f'issuer = "{server.issuer}"')
        ada, bob = token_of("ada"), token_of("bob")
        for token in (ada, ada, bob, bob):
            monkeypatch.setenv("USER_TOKEN", token)
            auth.token()
        subjects = [jwt.decode(form["subject_token"], EC.public_key(), ["ES256"]) for form in forms(server)]
        assert [one["sub"] for one in subjects] == ["ada", "bob"]

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("subject_token_type", '"jwt"'),
            ("requested_token_type", '"access_token"'),
            ("audience", '"orders"'),
            ("actor_token", '{ env = "USER_TOKEN" }'),
        ],
    )
    def test_for_another_thing(self, server: AuthorizationServer, made: Make, name: str, said: str) -> None:
        """A profile that is changed asks again."""
        self.exchanged(server, made, "one")
        assert self.exchanged(server, made, "one", **{name: said}) == 2


FAULTS = {
    "a type of nobody": ('subject_token_type = "acess_token"', "is none of access_token, id_token"),
    "an actor's type alone": ('actor_token_type = "jwt"', "needs actor_token, as it has actor_token_type"),
    "a secret of nobody": ('client_secret = "x"', "needs client_id, as it has client_secret"),
    "a subject": ('subject = "ada"', "is not a key of flow 'token-exchange'"),
}


@pytest.mark.parametrize(("line", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_line(tmp_path: Path, line: str, message: str) -> None:
    """What is wrong with a profile of this flow is told when it is loaded."""
    text = '[profiles.work]\nflow = "token-exchange"\nissuer = "https://acme.com"\nsubject_token = "x"\n'
    (fault,) = profiles_file.faults(tmp_path, text + line)
    assert fault.message.startswith(message)


def test_no_subject(tmp_path: Path) -> None:
    """What is to be exchanged is the one thing that it cannot do without."""
    text = '[profiles.work]\nflow = "token-exchange"\nissuer = "https://acme.com"\n'
    (fault,) = profiles_file.faults(tmp_path, text)
    assert (fault.message.partition(":")[0], fault.hint) == (
        "needs subject_token",
        'subject_token = { env = "NAME" }',
    )
