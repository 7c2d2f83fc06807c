"""Clients that prove themselves by a signature, by somebody's word, or by a certificate."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import profiles_file
import pytest
import requests
from counterparts import Provider
from sign_ins import endpoint
from signing import EC, RSA, certificate, opened, pem
from taking_all import forms, taking_all
from tls import Authority, provider
from wire import PATIENCE_SECONDS, words_of

from requests_auth_profiles import profile
from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._oauth2.assertion import KeySigner, Statement
from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import ClientAssertion
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles.errors import (
    ConfigurationError,
    InvalidGrantRequest,
    ProviderUnavailable,
    SecretUnavailable,
)
from requests_auth_profiles.testing import AuthorizationServer, Reply

Make = Callable[[str], ProfileAuth | ComposedAuth]
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUED = {"access_token": "t0ken", "token_type": "Bearer"}


@pytest.fixture
def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the auth of a machine's profile with these lines."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")

    def make(lines: str) -> ProfileAuth | ComposedAuth:
        text = f'[profiles.work]\nflow = "client-credentials"\n{lines}'
        return profile("work", file=profiles_file.written(home, text))

    return make


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that takes whatever it is told, and writes it down."""
    with taking_all(ISSUED, 3) as server:
        yield server


class TestAtTheProvider:
    """What a certified provider says, which verifies each signature, audience and jti."""

    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
    def test_private_key_jwt(self, oidc_provider: Provider, home: Path, made: Make, algorithm: str) -> None:
        """A client whose key it knows gets a token that the API takes, time after time."""
        key = {**oidc_provider.keys[algorithm], "alg": algorithm}
        (home / "key.jwk").write_text(json.dumps(key, indent=2), "utf-8")
        auth = made(
            f'issuer = "{oidc_provider.issuer}"\nclient_id = "cc-{algorithm}"\n'
            'private_key = { file = "key.jwk" }\nkey_id = "one"\n'
        )
        assert isinstance(auth, ProfileAuth)
        auth.login()
        headers = {"Authorization": f"Bearer {auth.login().access_token}"}
        answer = requests.get(oidc_provider.api_url, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.json()["client"] == f"cc-{algorithm}"

    def test_client_secret_jwt(self, oidc_provider: Provider, made: Make) -> None:
        """A client that signs with its secret gets one too, and by its token_url alone."""
        auth = made(
            f'token_url = "{oidc_provider.issuer}/token"\nclient_id = "cc-secret-jwt"\n'
            'client_auth = "client_secret_jwt"\n'
            'client_secret = "thirty-two bytes and a few more of them"\n'
        )
        assert auth.token().access_token

    def test_another_key(self, oidc_provider: Provider, home: Path, made: Make) -> None:
        """It is refused in the provider's words, and the key is in none of ours."""
        (home / "key.pem").write_text(pem(EC), "utf-8")
        auth = made(
            f'issuer = "{oidc_provider.issuer}"\nclient_id = "cc-ES256"\n'
            'private_key = { file = "key.pem" }\n'
        )
        with pytest.raises(InvalidGrantRequest) as caught:
            auth.token()
        assert caught.value.error == "invalid_client"
        assert not any(line in words_of(caught.value) for line in pem(EC).splitlines()[1:-1])

    def test_once(self, oidc_provider: Provider) -> None:
        """An assertion is good once: the one that is sent again is another."""
        key = json.dumps({**oidc_provider.keys["ES256"], "alg": "ES256"})
        claims = {"iss": "cc-ES256", "sub": "cc-ES256", "aud": oidc_provider.issuer}
        made = Statement(KeySigner(lambda: key), lambda: claims)
        same = made()
        form = {"grant_type": "client_credentials"}
        at = endpoint(oidc_provider.issuer)
        url = at.server.url("token_url")
        replies = [
            at.channel.post(url, form, ClientAssertion("cc-ES256", assertion), attempts=1).status
            for assertion in (lambda _: same, lambda _: made(), lambda _: same)
        ]
        assert replies == [200, 200, 401]


class TestWhatIsSent:
    """By profiles with a key."""

    def test_the_claims(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """Client, issuer, a short life, and nothing in the header but the key's number."""
        (home / "key.pem").write_text(pem(RSA), "utf-8")
        made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\nprivate_key = {{ file = "key.pem" }}\n'
            'key_id = "2026-01"\n'
        ).token()
        (form,) = forms(server)
        assertion = form.pop("client_assertion")
        assert form == {
            "grant_type": "client_credentials",
            "client_id": "nightly",
            "client_assertion_type": TYPE,
        }
        claims = opened(assertion, RSA.public_key(), "RS256", server.issuer)
        assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "2026-01"}
        assert (claims["iss"], claims["sub"]) == ("nightly", "nightly")
        assert 0 < claims["exp"] - claims["iat"] <= 300
        assert len(claims["jti"]) >= 22

    @pytest.mark.parametrize(
        ("lines", "audience"),
        [
            ('issuer = "{0}"', "{0}"),
            ('issuer = "{0}"\ntoken_url = "{0}/token"', "{0}"),
            ('token_url = "{0}/token"', "{0}/token"),
            ('issuer = "{0}"\nassertion_audience = "https://acme.com"', "https://acme.com"),
        ],
        ids=["an issuer", "an issuer and a URL", "a URL", "another one"],
    )
    def test_whom_it_is_for(
        self, home: Path, server: AuthorizationServer, made: Make, lines: str, audience: str
    ) -> None:
        """The issuer, never what was announced; the token endpoint where nobody named an issuer."""
        (home / "key.pem").write_text(pem(EC), "utf-8")
        said = lines.format(server.issuer)
        made(f'{said}\nclient_id = "nightly"\nprivate_key = {{ file = "key.pem" }}\n').token()
        (form,) = forms(server)
        assert opened(form["client_assertion"], EC.public_key(), "ES256", audience.format(server.issuer))

    def test_the_url_that_is_called(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """`endpoint` stands for it, whichever that is."""
        (home / "key.pem").write_text(pem(EC), "utf-8")
        made(
            f'issuer = "{server.issuer}"\nassertion_audience = "endpoint"\n'
            'client_id = "nightly"\nprivate_key = { file = "key.pem" }\n'
        ).token()
        (form,) = forms(server)
        assert opened(form["client_assertion"], EC.public_key(), "ES256", f"{server.issuer}/token")

    def test_okta_wants_that(self, tmp_path: Path) -> None:
        """Okta's row says so, as Okta refuses all else."""
        text = (
            '[profiles.work]\nflow = "client-credentials"\nprovider = "okta"\ninstance = "acme.okta.com"\n'
            'client_id = "x"\nprivate_key = { file = "key.pem" }\n'
        )
        assert profiles_file.oauth2(tmp_path, text).client.assertion_audience == "endpoint"

    def test_again(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """What is sent again where the provider is busy carries a new assertion."""
        (home / "key.pem").write_text(pem(EC), "utf-8")
        server.replies["token"].appendleft(Reply.json({}, 503, {"Retry-After": "0"}))
        made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\nprivate_key = {{ file = "key.pem" }}\n'
        ).token()
        claims = [
            opened(form["client_assertion"], EC.public_key(), "ES256", server.issuer)
            for form in forms(server)
        ]
        assert len({one["jti"] for one in claims}) == len(claims) == 2

    def test_a_key_that_was_changed(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """A file is read at each use."""
        (home / "key.pem").write_text(pem(EC), "utf-8")
        auth = made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\nprivate_key = {{ file = "key.pem" }}\n'
        )
        assert isinstance(auth, ProfileAuth)
        auth.login()
        (home / "key.pem").write_text(pem(RSA), "utf-8")
        auth.login()
        assert opened(forms(server)[-1]["client_assertion"], RSA.public_key(), "RS256", server.issuer)

    def test_a_key_from_the_environment(
        self, server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With its line breaks, as CI services have it."""
        monkeypatch.setenv("KEY", pem(EC))
        made(f'issuer = "{server.issuer}"\nclient_id = "nightly"\nprivate_key = {{ env = "KEY" }}\n').token()
        assert opened(forms(server)[0]["client_assertion"], EC.public_key(), "ES256", server.issuer)

    def test_no_key(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """What is wrong with it is told with file, line and profile, and nothing is sent."""
        (home / "key.pem").write_text(certificate(EC).subject.rfc4514_string(), "utf-8")
        auth = made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\nprivate_key = {{ file = "key.pem" }}\n'
        )
        with pytest.raises(ConfigurationError) as caught:
            auth.token()
        place = """profiles.toml:5: profile 'work', private_key = { file = "key.pem" }: it is neither"""
        assert place in caught.value.message
        assert forms(server) == []


class TestSomebodysWord:
    """`client_assertion`: workload identity federation."""

    def test_it_is_sent(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """As it is, with the client that it is for."""
        (home / "identity").write_text("eyJ.of.kubernetes\n", "utf-8")
        made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\nclient_assertion = {{ file = "identity" }}\n'
        ).token()
        assert forms(server) == [
            {
                "grant_type": "client_credentials",
                "client_id": "nightly",
                "client_assertion_type": TYPE,
                "client_assertion": "eyJ.of.kubernetes",
            }
        ]

    @pytest.mark.platform("linux", "darwin")
    def test_it_is_looked_up_again(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """A provider that no longer takes it has the command run again the next time."""
        counter = home / "counter"
        command = home / "identity"
        command.write_text(f'#!/bin/sh\necho x >> "{counter}"\nwc -l < "{counter}" | tr -d " "\n', "utf-8")
        command.chmod(0o700)
        server.replies["token"].appendleft(Reply.json({"error": "invalid_client"}, 401))
        auth = made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\n'
            f'client_assertion = {{ command = ["{command}"] }}\n'
        )
        with pytest.raises(InvalidGrantRequest):
            auth.token()
        auth.token()
        assert [form["client_assertion"] for form in forms(server)] == ["1", "2"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("no such client_assertion_type: jwt-bearer", "no such client_assertion_type: jwt-bearer"),
            ("not good: canary-of.kubernetes.cluster", "not good: ***"),
            ("not good: kubernetes.cluster", "***"),
        ],
    )
    def test_what_the_provider_says_of_it(
        self, server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch, text: str, told: str
    ) -> None:
        """Its type is no secret and may be talked about; of the word itself nothing is repeated."""
        monkeypatch.setenv("WORD", "canary-of.kubernetes.cluster")
        refusal = {"error": "invalid_client", "error_description": text}
        server.replies["token"].appendleft(Reply.json(refusal, 401))
        auth = made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\nclient_assertion = {{ env = "WORD" }}\n'
        )
        with pytest.raises(InvalidGrantRequest) as caught:
            auth.token()
        assert caught.value.error_description == told

    def test_outside_of_ci(self, server: AuthorizationServer, made: Make) -> None:
        """The identity of a CI job is told to be missing where there is no job."""
        auth = made(
            f'issuer = "{server.issuer}"\nclient_id = "nightly"\n'
            'client_assertion = { ci_identity = "api://AzureADTokenExchange" }\n'
        )
        with pytest.raises(SecretUnavailable, match="client_assertion"):
            auth.token()
        assert forms(server) == []


class TestACertificate:
    """`client_auth = "tls"` (RFC 8705)."""

    LINES = 'client_id = "nightly"\nclient_auth = "tls"\n'

    def test_it_proves_who_it_is(self, home: Path, made: Make) -> None:
        """The certificate is shown to the provider, and nothing else is."""
        authority = Authority(home)
        cert, key = authority.issued("nightly")
        with provider(authority, clients=authority) as guarded:
            made(
                f'token_url = "{guarded.url}"\n{self.LINES}[profiles.work.http]\n'
                f'ca_bundle = "{authority.certificate.name}"\n'
                f'client_cert = "{cert.name}"\nclient_key = "{key.name}"\n'
            ).token()
        assert guarded.clients == ["nightly"]

    def test_without_it(self, home: Path, made: Make) -> None:
        """A provider that wants one cannot be reached without."""
        authority = Authority(home)
        with provider(authority, clients=authority) as guarded:
            auth = made(
                f'token_url = "{guarded.url}"\nclient_id = "nightly"\nclient_secret = "x"\n'
                f'[profiles.work.http]\nca_bundle = "{authority.certificate.name}"\n'
            )
            with pytest.raises(ProviderUnavailable):
                auth.token()

    def test_who_it_is_stands_in_the_body(self, home: Path, server: AuthorizationServer, made: Make) -> None:
        """RFC 8705 section 2: `client_id`, and neither a secret nor an assertion."""
        cert, key = Authority(home).issued("nightly")
        made(
            f'issuer = "{server.issuer}"\n{self.LINES}[profiles.work.http]\n'
            f'client_cert = "{cert.name}"\nclient_key = "{key.name}"\n'
        ).token()
        assert forms(server) == [{"grant_type": "client_credentials", "client_id": "nightly"}]

    @pytest.mark.parametrize("by_certificate", [True, False])
    def test_endpoints_of_its_own(self, server: AuthorizationServer, by_certificate: bool) -> None:
        """A provider may announce others for those who show a certificate (RFC 8705 section 5)."""
        document: dict[str, Any] = {
            "issuer": server.issuer,
            "token_endpoint": f"{server.issuer}/token",
            "revocation_endpoint": f"{server.issuer}/revoke",
            "mtls_endpoint_aliases": {"token_endpoint": f"{server.issuer}/mtls/token"},
        }
        server.replies["discovery"].append(Reply.json(document))
        said = Server({"issuer": server.issuer}, Channel(PATIENCE_SECONDS), by_certificate=by_certificate)
        assert said.url("token_url") == f"{server.issuer}{'/mtls' if by_certificate else ''}/token"
        assert said.url("revocation_url") == f"{server.issuer}/revoke"
