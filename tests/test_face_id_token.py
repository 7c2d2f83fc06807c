"""The implicit classes of Okta and Entra take an ID token only from the provider (OpenID Core 3.2.2.11)."""

import json
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from elsewhere import elsewhere
from faults import Browser, redirect_port, stranger
from forgeries import Claims, changed, of_another, of_public_key, unsigned
from jwt.algorithms import RSAAlgorithm
from wire import PATIENCE_SECONDS, http, json_reply

from requests_auth_profiles import (
    AzureActiveDirectoryImplicit,
    AzureActiveDirectoryImplicitIdToken,
    InvalidToken,
    OAuth2,
    OktaImplicit,
    OktaImplicitIdToken,
    TokenMemoryCache,
)
from requests_auth_profiles.errors import InvalidProviderResponse, TimeoutOccurred
from requests_auth_profiles.testing._signer import Signer

TENANT = "45239d18-c68c-4c47-8bdd-ce71ea1d50cd"
OKTA_ISSUER = "https://acme.okta.com/oauth2/default"
ENTRA_ISSUER = f"https://sts.windows.net/{TENANT}/"
OKTA_KEYS = "https://acme.okta.com/oauth2/default/v1/keys"
ENTRA_KEYS = f"https://login.microsoftonline.com/{TENANT}/discovery/keys"
RSA_KEY = generate_private_key(65537, 2048)
BOTH = {"response_type": "id_token token"}

Make = Callable[[Signer, Claims], str]


def okta(kind: Any = OktaImplicitIdToken, **more: Any) -> Any:
    return kind("acme.okta.com", "app", redirect_uri_port=0, **{"timeout": PATIENCE_SECONDS} | more)


def entra(kind: Any = AzureActiveDirectoryImplicitIdToken, tenant: str = TENANT, **more: Any) -> Any:
    return kind(tenant, "app", redirect_uri_port=0, timeout=PATIENCE_SECONDS, **more)


# Each class, its issuer, and where its keys are.
CLASSES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "OktaImplicit": (lambda: okta(OktaImplicit, **BOTH), OKTA_ISSUER, OKTA_KEYS),
    "OktaImplicitIdToken": (okta, OKTA_ISSUER, OKTA_KEYS),
    "OktaImplicitIdToken, another server": (
        lambda: okta(authorization_server="aus1"),
        "https://acme.okta.com/oauth2/aus1",
        "https://acme.okta.com/oauth2/aus1/v1/keys",
    ),
    "AzureActiveDirectoryImplicit": (
        lambda: entra(AzureActiveDirectoryImplicit, **BOTH),
        ENTRA_ISSUER,
        ENTRA_KEYS,
    ),
    "AzureActiveDirectoryImplicitIdToken": (entra, ENTRA_ISSUER, ENTRA_KEYS),
    "AzureActiveDirectoryImplicitIdToken, in capitals": (
        lambda: entra(tenant=TENANT.upper()),
        ENTRA_ISSUER,
        ENTRA_KEYS,
    ),
}


class World:
    """A person with a browser, and a provider somewhere else that has keys.

    Attributes:
        provider: what it signs with.
        keys: what it answers where its keys should be.
        asked: the URLs that it was asked for.
        hold: cleared by a test, it holds the provider where it would answer.
    """

    def __init__(self, browser: Browser) -> None:
        self.provider = Signer()
        self.keys = json_reply(json.dumps(self.provider.jwks()))
        self.asked: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        self._browser = browser

    def answer(self, _: str) -> bytes:
        """What it answers at any URL."""
        assert self.hold.wait(PATIENCE_SECONDS)
        return self.keys

    def token(self, auth: Any, issuer: str, make: Make = Signer.id_token) -> str:
        """The token of an auth, whose ID token is made of the claims that would be right."""

        def visit(url: str) -> None:
            assert not self.asked, "the keys are of no use before there is a token"
            asked, now = self._browser.asked[-1], int(time.time())
            claims = {"iss": issuer, "sub": "ada", "aud": "app", "iat": now, "exp": now + 600}
            answer = {"id_token": make(self.provider, claims | {"nonce": asked["nonce"]})}
            if "token" in asked["response_type"].split():
                answer |= {"access_token": "t0ken", "token_type": "Bearer"}
            said = urlencode(answer | {"state": asked["state"]})
            stranger(redirect_port(url), "POST", "/", said)

        self._browser.visit = visit
        try:
            return str(auth.token().access_token)
        finally:
            self._browser.rest()


@pytest.fixture
def world(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """A world in which nobody has a token yet."""
    browser = Browser()
    monkeypatch.setattr(webbrowser, "get", lambda using=None: browser)
    monkeypatch.setattr(OAuth2, "token_cache", TokenMemoryCache())
    monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "1")
    one = World(browser)
    with elsewhere(tmp_path, one.answer) as one.asked:
        yield one
        one.hold.set()


# What is wrong, what is then said, and whether the provider is asked for its keys.
FORGED: dict[str, tuple[Make, str, bool]] = {
    "wrong key": (of_another, "is not signed by the provider", True),
    "changed afterwards": (changed, "is not signed by the provider", True),
    "alg none": (unsigned, "is not signed as it must be", False),
    "HS256 with the public key": (of_public_key, "is not signed as it must be", False),
    "wrong issuer": (
        lambda provider, claims: provider.id_token(claims | {"iss": "https://evil.example"}),
        "is from another issuer",
        False,
    ),
    "wrong audience": (
        lambda provider, claims: provider.id_token(claims | {"aud": "other"}),
        "is for another client",
        False,
    ),
    "another sign-in": (
        lambda provider, claims: provider.id_token(claims | {"nonce": "n0nce"}),
        "is of another sign-in",
        False,
    ),
}


@pytest.mark.parametrize(("make", "issuer", "keys"), CLASSES.values(), ids=CLASSES)
def test_a_token_of_the_provider_is_taken(
    world: World, make: Callable[[], Any], issuer: str, keys: str
) -> None:
    """Its keys are asked for where the provider has them, once, when the answer is there."""
    auth = make()
    assert world.token(auth, issuer)
    assert world.asked == [keys]


@pytest.mark.parametrize(("forge", "problem", "looks"), FORGED.values(), ids=FORGED)
@pytest.mark.parametrize(("make", "issuer", "keys"), CLASSES.values(), ids=CLASSES)
def test_a_forged_token_is_refused(
    world: World,
    make: Callable[[], Any],
    issuer: str,
    keys: str,
    forge: Make,
    problem: str,
    looks: bool,
) -> None:
    """Nothing that came with it is kept, and nobody is asked about what cannot be ours anyway."""
    with pytest.raises(InvalidToken, match=problem):
        world.token(make(), issuer, forge)
    assert world.asked == ([keys] if looks else [])


@pytest.mark.parametrize("tenant", ["acme.onmicrosoft.com", "organizations"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_tenant_that_is_named(world: World, tenant: str, signed: bool) -> None:
    """Its tokens name a GUID that is not known here, but who signed them is."""
    forge = Signer.id_token if signed else of_another
    with nullcontext() if signed else pytest.raises(InvalidToken, match="not signed by the provider"):
        world.token(entra(tenant=tenant), ENTRA_ISSUER, forge)
    assert world.asked == [f"https://login.microsoftonline.com/{tenant}/discovery/keys"]


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
@pytest.mark.parametrize("says", [True, False])
def test_a_key_need_not_say_its_algorithm(world: World, algorithm: str, says: bool) -> None:
    """It is one for any of its kind then, and for no other where it does (RFC 7517 section 4.4)."""
    key = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True) | {"kid": "1"}
    known = key | ({"alg": "RS256"} if says else {})
    world.keys = json_reply(json.dumps({"keys": [{"kty": "EC", "kid": "1"}, known]}))
    good = algorithm == "RS256" or not says

    def make(_: Signer, claims: Claims) -> str:
        return jwt.encode(claims, RSA_KEY, algorithm, headers={"kid": "1"})

    with nullcontext() if good else pytest.raises(InvalidToken, match="is not signed by the provider"):
        world.token(okta(), OKTA_ISSUER, make)


@pytest.mark.parametrize("other", ["none", "HS256", "ES256", "RS1", 5, [], {}])
def test_a_key_for_something_else_is_passed_over(world: World, other: object) -> None:
    """What a provider has among its keys for other algorithms, `none` included, harms no sign-in."""
    [good] = world.provider.jwks()["keys"]
    world.keys = json_reply(json.dumps({"keys": [good | {"alg": other}, good]}))
    assert world.token(okta(), OKTA_ISSUER)


@pytest.mark.parametrize("other", ["none", "HS256"])
def test_a_key_for_something_else_alone(world: World, other: str) -> None:
    """Nor does it verify a token: the error is ours."""
    [good] = world.provider.jwks()["keys"]
    world.keys = json_reply(json.dumps({"keys": [good | {"alg": other}]}))
    with pytest.raises(InvalidToken, match="is not signed by the provider"):
        world.token(okta(), OKTA_ISSUER)


@pytest.mark.parametrize(
    "answer",
    [
        http(404),
        *map(json_reply, ("[]", "{}", '{"keys": 5}', '{"keys": [5]}', '{"keys": []}', '{"keys": [{}]}')),
    ],
)
def test_without_keys_no_token_is_taken(world: World, answer: bytes) -> None:
    """What cannot be verified is refused with an error of ours."""
    world.keys = answer
    with pytest.raises((InvalidToken, InvalidProviderResponse)):
        world.token(okta(), OKTA_ISSUER)


def test_keys_that_do_not_come(world: World) -> None:
    """They are waited for no longer than the class is told to."""
    world.hold.clear()
    with pytest.raises(TimeoutOccurred, match=r"acme\.okta\.com did not answer within 3 s"):
        world.token(okta(timeout=3), OKTA_ISSUER)
    assert world.asked == [OKTA_KEYS]
