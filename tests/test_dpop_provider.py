"""Tokens that are bound to a key (RFC 9449) at a provider that wants a nonce in each proof."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
import requests
from auths import reach
from counterparts import Provider
from devices import Person, Time, device_grant
from profiles_file import written
from proofs import BoundApi, thumbprint
from sign_ins import Visitor, code_grant, endpoint
from test_device_provider import signed_in
from wire import PATIENCE_SECONDS

from requests_auth_profiles import profile
from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._bound import Bound
from requests_auth_profiles._oauth2.client import ClientSecretBasic
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._proof import Nonces, ProofKey
from requests_auth_profiles._source import CachedSource, Grant
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import RefreshRefused
from requests_auth_profiles.stores import MemoryStore

LASTING = {"scope": "openid offline_access", "parameters": {"prompt": "consent"}}
MACHINE = """
[profiles.work]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "cc-basic"
client_secret = "s3cret:with/odd+chars %"
resource = "{issuer}/api"
scopes = ["read"]
dpop = true
"""


class Verified(Mapping[str, str]):
    """The keys of the provider's tokens, as the tokens themselves say under its signature."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(f"{issuer}/jwks")

    def __getitem__(self, token: str) -> str:
        key = self._keys.get_signing_key_from_jwt(token).key
        said = jwt.decode(token, key, ["ES256"], audience=f"{self._issuer}/api", issuer=self._issuer)
        bound: str = said["cnf"]["jkt"]
        return bound

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def key_of(token: Token) -> str:
    """The thumbprint of the key that a token came with."""
    return thumbprint(json.loads(token.dpop_jwk or ""))


def bound(grant: Grant) -> ProfileAuth:
    """An auth whose tokens are bound."""
    source = CachedSource(
        grant,
        MemoryStore(),
        "work",
        label="work",
        again="requests-auth login work",
        issued_for="",
        early_expiry_seconds=30,
        patience_seconds=10,
    )
    return ProfileAuth(reach(), Bound(source, "requests-auth login work"))


def userinfo(provider: Provider, auth: ProfileAuth) -> requests.Response:
    """What the provider's own resource says, which wants a nonce too."""
    return requests.get(f"{provider.issuer}/me", auth=auth, timeout=PATIENCE_SECONDS)


@contextmanager
def signed(provider: Provider, **more: Any) -> Iterator[tuple[ProfileAuth, Visitor]]:
    """A person who signs in with a browser."""
    visitor = Visitor()
    at = endpoint(provider.issuer, nonces=Nonces())
    yield bound(replace(code_grant(visitor, at, **LASTING), **more)), visitor


@pytest.mark.parametrize("par", [False, True])
def test_a_person(oidc_provider: Provider, par: bool) -> None:
    """The code is bound to the key too, and who proves it is let in, in as few requests as can be."""
    before = oidc_provider.token_requests(), oidc_provider.count("/me")
    with signed(oidc_provider, par=par) as (auth, visitor):
        answers = [userinfo(oidc_provider, auth) for _ in range(2)]
    assert [answer.json()["sub"] for answer in answers] == ["alice", "alice"]
    assert [len(answer.history) for answer in answers] == [1, 0]
    token = auth.token()
    assert token.token_type == "DPoP"
    if not par:
        assert visitor.asked[0]["dpop_jkt"] == key_of(token)
    assert oidc_provider.token_requests() - before[0] == 2
    assert oidc_provider.count("/me") - before[1] == 3


def test_without_a_proof(oidc_provider: Provider) -> None:
    """Whoever has the token alone is not let in, by whatever scheme they send it."""
    with signed(oidc_provider) as (auth, _):
        token = auth.token().access_token
    for scheme in ("Bearer", "DPoP"):
        headers = {"Authorization": f"{scheme} {token}"}
        answer = requests.get(f"{oidc_provider.issuer}/me", headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code in {400, 401}


def test_the_refresh_token_is_bound_too(oidc_provider: Provider) -> None:
    """It gives the next token to who has its key, and to nobody else (section 5)."""
    grant = code_grant(Visitor(), endpoint(oidc_provider.issuer, nonces=Nonces()), **LASTING)
    first = grant.fetch()
    second = grant.refresh(first)
    assert (second.dpop_jwk, second.token_type) == (first.dpop_jwk, "DPoP")
    assert second.access_token != first.access_token
    with pytest.raises(RefreshRefused):
        grant.refresh(replace(second, dpop_jwk=ProofKey.made().jwk))


def test_each_sign_in_has_a_key_of_its_own(oidc_provider: Provider) -> None:
    """What was bound before tells nothing of what comes."""
    grant = code_grant(Visitor(), endpoint(oidc_provider.issuer, nonces=Nonces()), **LASTING)
    assert grant.fetch().dpop_jwk != grant.fetch().dpop_jwk


def test_on_another_device(oidc_provider: Provider) -> None:
    """The token of a device code is bound as well."""
    grant = device_grant(
        oidc_provider.issuer, Person({12: signed_in}), Time(time()), client_id="device", scope="openid"
    )
    auth = bound(replace(grant, endpoint=replace(grant.endpoint, nonces=Nonces())))
    assert userinfo(oidc_provider, auth).json() == {"sub": "alice"}


def test_a_machine(oidc_provider: Provider, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API that has nothing but the provider's keys takes the token of a profile, with a proof."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    file = written(home, MACHINE.format(issuer=oidc_provider.issuer))
    auth = profile("work", file=file)
    with BoundApi(Verified(oidc_provider.issuer), "api-nonce") as api:
        answer = requests.put(f"{api.url}/me", b"x", auth=auth, timeout=PATIENCE_SECONDS)
        assert answer.json() == {"method": "PUT"}
        assert api.wrong == []
    assert Verified(oidc_provider.issuer)[auth.token().access_token] == key_of(auth.token())


def test_a_machine_is_told_the_nonce_once(oidc_provider: Provider) -> None:
    """The second token costs one request."""
    auth = ClientSecretBasic("cc-basic", lambda: "s3cret:with/odd+chars %")
    at = endpoint(oidc_provider.issuer, "cc-basic", client_auth=auth, nonces=Nonces())
    counts = [oidc_provider.token_requests()]
    for _ in range(2):
        at.token("client_credentials", Form({"scope": "read"}), attempts=1)
        counts.append(oidc_provider.token_requests())
    assert (counts[1] - counts[0], counts[2] - counts[1]) == (2, 1)
