"""The flow `jwt-bearer`: a program signs who it is and for whom it asks, and gets a token for that."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import profiles_file
import pytest
import requests
from counterparts import Provider
from signing import EC, RSA, key_file, opened, pem
from taking_all import forms, taking_all
from wire import PATIENCE_SECONDS, words_of

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._build import Builder
from requests_auth_profiles.errors import (
    ConfigurationError,
    InvalidGrantRequest,
    RequestsAuthException,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

Make = Callable[..., ProfileAuth]
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ISSUED = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the auth of a profile with these lines, whose key is in a file; tokens are kept between auths."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))

    def make(*lines: str, key: str = "") -> ProfileAuth:
        (home / "key.pem").write_text(key or pem(EC), "utf-8")
        text = '[profiles.work]\nflow = "jwt-bearer"\nprivate_key = { file = "key.pem" }\n'
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


def at(provider: Provider, home: Path) -> tuple[str, ...]:
    """The lines of a client that the real provider takes assertions of."""
    (home / "secret").write_text("exchange-secret", "utf-8")
    return (
        f'issuer = "{provider.issuer}"',
        'client_id = "exchanger"',
        'client_secret = { file = "secret" }',
        'issuer_claim = "service@acme.test"',
        'scopes = ["read"]',
    )


class TestAtTheProvider:
    """A real one, that verifies signature, issuer, audience, age and jti."""

    def test_for_whom_it_asks(self, oidc_provider: Provider, home: Path, made: Make) -> None:
        """The token is that of the subject, and the API takes it."""
        lines = (*at(oidc_provider, home), 'subject = "alice"')
        auth = made(*lines, key=json.dumps(oidc_provider.keys["ES256"]))
        auth.login()
        headers = {"Authorization": f"Bearer {auth.login().access_token}"}
        answer = requests.get(oidc_provider.api_url, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.json() == {"client": "exchanger", "sub": "alice", "scope": "read"}

    @pytest.mark.parametrize(
        "lines",
        [['subject = "mallory"'], ['subject = "alice"', 'audience = "https://acme.com"']],
        ids=["nobody", "for another"],
    )
    def test_what_it_refuses(self, oidc_provider: Provider, home: Path, made: Make, lines: list[str]) -> None:
        """It is told in its words, with what to look at."""
        auth = made(*at(oidc_provider, home), *lines, key=json.dumps(oidc_provider.keys["ES256"]))
        with pytest.raises(InvalidGrantRequest) as caught:
            auth.token()
        assert caught.value.error == "invalid_grant"
        assert "issuer_claim, subject, audience" in caught.value.hint

    def test_another_key(self, oidc_provider: Provider, home: Path, made: Make) -> None:
        """A key that the provider does not know is refused, and in none of our words."""
        with pytest.raises(InvalidGrantRequest) as caught:
            made(*at(oidc_provider, home), 'subject = "alice"').token()
        assert not any(line in words_of(caught.value) for line in pem(EC).splitlines()[1:-1])


class TestWhatIsSent:
    """By a profile, with a key of its own or a key file."""

    def test_a_key_of_its_own(self, server: AuthorizationServer, made: Make) -> None:
        """All that the profile says, signed; no client, where it names none."""
        made(
            f'issuer = "{server.issuer}"',
            'issuer_claim = "acme"',
            'subject = "ada@acme.com"',
            'audience = "https://login.acme.com"',
            'scopes = ["orders.read", "orders.write"]',
            'key_id = "2026-01"',
        ).token()
        (form,) = forms(server)
        assertion = form.pop("assertion")
        assert form == {"grant_type": GRANT, "scope": "orders.read orders.write"}
        claims = opened(assertion, EC.public_key(), "ES256", "https://login.acme.com")
        said = {name: claims[name] for name in ("iss", "sub", "aud", "scope")}
        assert said == {
            "iss": "acme",
            "sub": "ada@acme.com",
            "aud": "https://login.acme.com",
            "scope": "orders.read orders.write",
        }
        assert jwt.get_unverified_header(assertion)["kid"] == "2026-01"

    @pytest.mark.parametrize("where", ["issuer", "token_url"])
    def test_the_least(self, server: AuthorizationServer, made: Make, where: str) -> None:
        """Who signs is the subject too, and the provider as far as it is named the audience."""
        url = server.issuer if where == "issuer" else f"{server.issuer}/token"
        made(f'{where} = "{url}"', 'issuer_claim = "acme"').token()
        claims = opened(forms(server)[0]["assertion"], EC.public_key(), "ES256", url)
        assert (claims["iss"], claims["sub"]) == ("acme", "acme")
        assert "scope" not in claims

    def test_a_key_file(self, server: AuthorizationServer, made: Make) -> None:
        """It says who signs, with which key, and where that is taken."""
        url = f"{server.issuer}/token"
        made('scopes = ["read"]', key=key_file(RSA, token_uri=url)).token()
        (form,) = forms(server)
        claims = opened(form["assertion"], RSA.public_key(), "RS256", url)
        assert (claims["iss"], claims["sub"]) == ("service@acme.test", "service@acme.test")
        assert claims["scope"] == "read"
        assert jwt.get_unverified_header(form["assertion"])["kid"] == "0123456789"

    def test_a_key_file_at_a_named_provider(self, server: AuthorizationServer, made: Make) -> None:
        """The endpoint that the profile names is called; the file's own stays the audience."""
        made(f'token_url = "{server.issuer}/token"', key=key_file(RSA)).token()
        audience = "https://oauth2.googleapis.com/token"
        assert opened(forms(server)[0]["assertion"], RSA.public_key(), "RS256", audience)

    def test_again(self, server: AuthorizationServer, made: Make) -> None:
        """What is sent again where the provider is busy carries a new assertion."""
        server.replies["token"].appendleft(Reply.json({}, 503, {"Retry-After": "0"}))
        made(f'issuer = "{server.issuer}"', 'issuer_claim = "acme"').token()
        numbers = [
            opened(form["assertion"], EC.public_key(), "ES256", server.issuer)["jti"]
            for form in forms(server)
        ]
        assert len(set(numbers)) == len(numbers) == 2

    def test_a_client_with_the_same_key(self, server: AuthorizationServer, made: Make) -> None:
        """It can prove itself by its key too, in an assertion of its own."""
        lines = ('issuer_claim = "acme"', 'client_id = "nightly"', 'client_auth = "private_key_jwt"')
        made(f'issuer = "{server.issuer}"', *lines).token()
        (form,) = forms(server)
        issuers = [
            opened(form[name], EC.public_key(), "ES256", server.issuer)["iss"]
            for name in ("assertion", "client_assertion")
        ]
        assert issuers == ["acme", "nightly"]

    def test_a_client_of_a_key_file(self, server: AuthorizationServer, made: Make) -> None:
        """It proves itself where the file says, though nobody named the provider."""
        lines = ('client_id = "nightly"', 'client_auth = "private_key_jwt"')
        url = f"{server.issuer}/token"
        made(*lines, key=key_file(RSA, token_uri=url)).token()
        (form,) = forms(server)
        assert opened(form["client_assertion"], RSA.public_key(), "RS256", url)["iss"] == "nightly"

    def test_where_tokens_of_a_key_file_end(self, server: AuthorizationServer, made: Make) -> None:
        """A `revocation_url` beside the file names no other provider, and is where its tokens are ended."""
        server.clients["nightly"] = Client()
        line = f'revocation_url = "{server.issuer}/revoke"'
        auth = made('client_id = "nightly"', line, key=key_file(RSA, token_uri=f"{server.issuer}/token"))
        auth.token()
        auth.logout(revoke=True)
        assert [one.path for one in server.requests] == ["/token", "/revoke"]

    def test_googles_row(self, tmp_path: Path) -> None:
        """Google's row says whom the assertion is for, which is not its issuer."""
        text = '[profiles.work]\nflow = "jwt-bearer"\nprovider = "google"\nissuer_claim = "x"\n'
        text += 'private_key = { file = "key.pem" }\n'
        signing = profiles_file.oauth2(tmp_path, text).signing
        assert signing is not None
        assert signing.audience == "https://oauth2.googleapis.com/token"


class TestTheTokenIsKept:
    """And used by the next one who asks for the same."""

    def test_for_the_same(self, server: AuthorizationServer, made: Make) -> None:
        """The next process takes the token from the store, also after the key was changed for a new one."""
        lines = (f'issuer = "{server.issuer}"', 'issuer_claim = "acme"')
        made(*lines).token()
        made(*lines, key=pem(RSA)).token()
        assert len(forms(server)) == 1

    @pytest.mark.parametrize(
        "line", ['subject = "bob"', 'audience = "https://acme.com"', 'scopes = ["read"]', 'key_id = "2"']
    )
    def test_for_another(self, server: AuthorizationServer, made: Make, line: str) -> None:
        """A profile that is changed asks again, but not for a key's number alone."""
        lines = (f'issuer = "{server.issuer}"', 'issuer_claim = "acme"')
        made(*lines).token()
        made(*lines, line).token()
        assert len(forms(server)) == (1 if line.startswith("key_id") else 2)

    def test_of_another_account(self, server: AuthorizationServer, made: Make) -> None:
        """The key file of another account is another account."""
        url = f"{server.issuer}/token"
        made(key=key_file(RSA, token_uri=url)).token()
        made(key=key_file(RSA, token_uri=url)).token()
        made(key=key_file(RSA, token_uri=url, client_email="other@acme.test")).token()
        assert len(forms(server)) == 2


KEY_FILES = {
    "a key alone": ([], pem(EC), "it is no service account's key file", 'issuer_claim = "…"'),
    "no endpoint": ([], key_file(RSA, token_uri=""), "its token_uri is no https URL", "token_url"),
    "plain http": (
        [],
        key_file(RSA, token_uri="http://acme.com/token"),
        "its token_uri is no https URL",
        "token_url",
    ),
    "a broken key": (
        [],
        key_file(RSA, private_key="canary"),
        "it is neither a key in PEM nor a JWK",
        "-----BEGIN PRIVATE KEY-----",
    ),
}


@pytest.mark.parametrize(("lines", "key", "problem", "hint"), KEY_FILES.values(), ids=KEY_FILES)
def test_no_key_file(made: Make, lines: list[str], key: str, problem: str, hint: str) -> None:
    """What it lacks is told, with where it stands and what to write, before anything is sent."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        made(*lines, key=key).token()
    assert hint in caught.value.hint
    assert "profile 'work', private_key" in caught.value.message
    assert "canary" not in words_of(caught.value)


FAULTS = {
    "no provider": (['issuer_claim = "x"'], "needs a provider, an issuer, or token_url"),
    "a client of nobody": (['client_secret = "x"'], "needs client_id, as it has client_secret"),
    "a resource owner": (['username = "x"'], "is not a key of flow 'jwt-bearer'"),
}


@pytest.mark.parametrize(("lines", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_line(made: Make, lines: list[str], message: str) -> None:
    """What is wrong with a profile of this flow is told when it is loaded."""
    with pytest.raises(RequestsAuthException) as caught:
        made(*lines)
    assert message in str(caught.value)


def test_no_key(tmp_path: Path) -> None:
    """The key is the one thing that it cannot do without."""
    (fault,) = profiles_file.faults(tmp_path, '[profiles.work]\nflow = "jwt-bearer"\n')
    assert fault.message.startswith("needs private_key: ")
    assert fault.hint == 'private_key = { file = "private.pem" }'
