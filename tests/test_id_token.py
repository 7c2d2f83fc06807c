"""The ID token: what is taken, what is refused, and that nothing is kept of what came with a refused one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sign_ins import Answer, Visitor, code_grant, endpoint

from requests_auth_profiles._oauth2.id_token import Expected, subject_of
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode
from requests_auth_profiles._source import CachedSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import InvalidToken
from requests_auth_profiles.stores import MemoryStore
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

NOW = 1_000_000.0
ISSUER = "https://login.acme.com"
ACCESS_TOKEN = "s3cret-access-token"
CLAIMS = {"iss": ISSUER, "sub": "ada", "aud": "native", "exp": NOW + 600, "iat": NOW, "nonce": "n0nce"}
EXPECTED = Expected("native", ISSUER, "n0nce", "ada")
MISSING = object()


def encoded(data: bytes) -> str:
    """Base64url, as it stands in a JWT."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: object, **header: Any) -> str:
    """An ID token with these claims, and a signature that nobody looks at."""
    parts = ({"alg": "RS256", "kid": "1"} | header, claims)
    return ".".join([*(encoded(json.dumps(part).encode()) for part in parts), encoded(b"signature")])


def changed(**changes: Any) -> dict[str, Any]:
    """Claims as they must be but for these."""
    return {name: value for name, value in (CLAIMS | changes).items() if value is not MISSING}


def half_of(algorithm: str, access_token: str = ACCESS_TOKEN) -> str:
    """The `at_hash` of an access token."""
    digest = hashlib.new(algorithm, access_token.encode()).digest()
    return encoded(digest[: len(digest) // 2])


TAKEN: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "audience in a list": {"aud": ["native"]},
    "two audiences, and we are the party": {"aud": ["api", "native"], "azp": "native"},
    "one audience, and we are the party": {"azp": "native"},
    "no party": {"azp": None},
    "ends within two minutes' skew": {"exp": NOW - 119},
    "made within two minutes' skew": {"iat": NOW + 119},
    "times with fractions": {"exp": NOW + 0.5, "iat": NOW - 0.5},
    "ends when no float can say it": {"exp": 10**400},
    "made long ago": {"iat": 0},
    "at_hash": {"at_hash": half_of("sha256")},
    "more claims": {"name": "Zoë", "nbf": NOW + 9e9, "jti": 5, "acr": []},
}


@pytest.mark.parametrize("changes", TAKEN.values(), ids=TAKEN.keys())
def test_what_is_taken(changes: dict[str, Any]) -> None:
    """It is for us, from there, of this sign-in, of this person and of this time."""
    EXPECTED.check(signed(changed(**changes)), ACCESS_TOKEN, NOW)


OTHER_ISSUERS = ("https://evil.example", f"{ISSUER}/", ISSUER.upper(), "", None, MISSING, [ISSUER], {"a": 1})
OTHER_AUDIENCES = ("other", "Native", "", None, MISSING, [], ["other"], [["native"]], {"native": 1}, 5)
NO_TIMES = (None, MISSING, "1000600", True, [], {}, float("nan"), float("inf"), float("-inf"))
REFUSED: list[tuple[str, dict[str, Any]]] = [
    *(("is from another issuer", {"iss": value}) for value in OTHER_ISSUERS),
    *(("is for another client", {"aud": value}) for value in OTHER_AUDIENCES),
    *(("was issued to another client", {"azp": value}) for value in ("other", "", [], ["native"], 0, False)),
    ("was issued to another client", {"aud": ["native", "api"]}),
    ("was issued to another client", {"aud": ["native", "api"], "azp": "api"}),
    ("was issued to another client", {"aud": ["native", "api"], "azp": None}),
    *(("has expired", {"exp": value}) for value in (*NO_TIMES, NOW - 121, 0, -(10**400))),
    *(("is from the future", {"iat": value}) for value in (*NO_TIMES, NOW + 121, 10**400)),
    *(("is of another sign-in", {"nonce": value}) for value in ("other", "", None, MISSING, ["n0nce"])),
    *(("is of somebody else", {"sub": value}) for value in ("bob", "Ada", "", None, MISSING, ["ada"], 5)),
    *(("with another access token", {"at_hash": value}) for value in ("", None, 5, [], half_of("sha512"))),
    ("with another access token", {"at_hash": half_of("sha256", "other")}),
    ("with another access token", {"at_hash": half_of("sha256") + "="}),
]


@pytest.mark.parametrize(("problem", "changes"), REFUSED)
def test_what_is_refused(problem: str, changes: dict[str, Any]) -> None:
    """One wrong claim is enough, and the error says which without its value."""
    with pytest.raises(InvalidToken, match=f"the ID token .*{problem}") as caught:
        EXPECTED.check(signed(changed(**changes)), ACCESS_TOKEN, NOW)
    assert caught.value.hint
    assert "evil" not in str(caught.value)


def of_public_key(claims: dict[str, Any]) -> str:
    """HS256 with the provider's public key for a secret, which anyone could make."""
    public = generate_private_key(65537, 2048).public_key()
    secret = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    head = signed(claims, alg="HS256").rpartition(".")[0]
    return f"{head}.{encoded(hmac.digest(secret, head.encode(), 'sha256'))}"  # PyJWT declines to


ALGORITHMS = (
    "none",
    "None",
    "nOnE",
    "",
    "HS256",
    "HS512",
    "ES256K",
    "RSA-OAEP",
    "rs256",
    None,
    5,
    [],
    ["RS256"],
)
FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    **{f"alg {value!r}": lambda claims, value=value: signed(claims, alg=value) for value in ALGORITHMS},
    "HS256 with the public key": of_public_key,
    "none, and no signature": lambda claims: jwt.encode(claims, None, algorithm="none"),
    "no header": lambda claims: f".{signed(claims).partition('.')[2]}",
    "a list for a header": lambda claims: f"{encoded(b'[]')}.{signed(claims).partition('.')[2]}",
    "no signature at all": lambda claims: signed(claims).rpartition(".")[0],
    "JWE": lambda _: ".".join((encoded(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), "a2V5", "aXY", "Y3Q", "dGFn")),
    "JWE around": lambda claims: f"{signed(claims)}.Y3Q.dGFn",
    "a list of claims": lambda claims: signed([claims]),
    "text for claims": lambda claims: signed("claims"),
    "no base64": lambda claims: signed(claims).replace(".", ".é", 1),
    "no JSON": lambda _: ".".join(map(encoded, (b'{"alg":"RS256"}', b"claims", b"signature"))),
    "no UTF-8": lambda _: ".".join(map(encoded, (b'{"alg":"RS256"}', b'{"sub":"\xff"}', b"signature"))),
    "deep": lambda _: ".".join(map(encoded, (b'{"alg":"RS256"}', b'{"a":' * 100_000, b"signature"))),
    "deep header": lambda _: ".".join(map(encoded, (b'{"alg":' * 100_000, b"{}", b"signature"))),
    "garbage": lambda _: "garbage",
    "dots": lambda _: "..",
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED.keys())
def test_what_is_no_signed_token(make: Callable[[dict[str, Any]], str]) -> None:
    """Only a JWS of an asymmetric algorithm is one, though its signature is not looked at."""
    with pytest.raises(InvalidToken, match="is not signed as it must be"):
        EXPECTED.check(make(CLAIMS), ACCESS_TOKEN, NOW)


@pytest.mark.parametrize("family", ["RS", "PS", "ES"])
@pytest.mark.parametrize("bits", ["256", "384", "512"])
def test_at_hash_goes_with_the_algorithm(family: str, bits: str) -> None:
    """Its hash is the one of the signature (OpenID Connect Core 3.1.3.6)."""
    token = signed(changed(at_hash=half_of(f"sha{bits}")), alg=f"{family}{bits}")
    EXPECTED.check(token, ACCESS_TOKEN, NOW)
    with pytest.raises(InvalidToken, match="with another access token"):
        EXPECTED.check(token, "another", NOW)


def test_at_hash_where_the_id_token_is_what_is_sent() -> None:
    """It is that of an access token that nobody uses then (`token_field_name = "id_token"`)."""
    EXPECTED.check(signed(changed(at_hash=half_of("sha256"))), "", NOW)


@pytest.mark.parametrize("key", [{"kty": "oct", "k": "AA", "alg": "none"}, {"kty": "RSA", "alg": "none"}, {}])
def test_a_key_that_signs_nothing(key: dict[str, str]) -> None:
    """One whose algorithm is none is no key, and no crash."""
    expected = Expected("native", ISSUER, "n0nce", "ada", keys=lambda: {"keys": [key]})
    with pytest.raises(InvalidToken):
        expected.check(signed(CLAIMS), ACCESS_TOKEN, NOW)


def test_at_hash_of_ed25519_is_passed_over() -> None:
    """No standard says how it is made."""
    EXPECTED.check(signed(changed(at_hash="whatever"), alg="EdDSA"), ACCESS_TOKEN, NOW)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        (Expected("native", None, "n0nce"), {"iss": "https://elsewhere.example"}),
        (Expected("native", ISSUER), {"nonce": "another"}),
        (Expected("native", ISSUER), {"sub": "bob"}),
    ],
    ids=["issuer", "nonce", "subject"],
)
def test_what_is_not_known_is_not_compared(expected: Expected, changes: dict[str, Any]) -> None:
    """A profile without an issuer, a request without a nonce, a first sign-in."""
    expected.check(signed(changed(**changes)), ACCESS_TOKEN, NOW)


@settings(max_examples=100, deadline=None)
@given(st.text() | st.binary().map(encoded) | st.lists(st.binary().map(encoded), max_size=5).map(".".join))
def test_any_text(text: str) -> None:
    """What is no ID token is refused with an error of ours, and names nobody."""
    with pytest.raises(InvalidToken):
        EXPECTED.check(text, ACCESS_TOKEN, NOW)
    assert subject_of(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
NAMES = ("iss", "aud", "azp", "exp", "iat", "nonce", "sub", "at_hash")


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1), st.dictionaries(st.text(), JSON))
def test_any_claims(claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Whatever stands in a claim or in the header, it is taken or refused with an error of ours."""
    token = signed(changed(**claims), **header)
    subject = subject_of(token)
    try:
        EXPECTED.check(token, ACCESS_TOKEN, NOW)
    except InvalidToken:
        return
    assert subject == "ada"


@pytest.mark.parametrize("subject", ["", None, MISSING, ["ada"], 5])
def test_a_token_of_nobody(subject: object) -> None:
    """At the first sign-in any name will do, but there must be one."""
    with pytest.raises(InvalidToken, match="names nobody"):
        Expected("native", ISSUER).check(signed(changed(sub=subject)), ACCESS_TOKEN, NOW)


@pytest.mark.parametrize(
    ("id_token", "subject"),
    [
        (signed(CLAIMS), "ada"),
        (signed({}), None),
        (signed({"sub": 5}), None),
        ("garbage", None),
        (None, None),
    ],
)
def test_subject(id_token: str | None, subject: str | None) -> None:
    """Who signed in is what the token says, where it says it."""
    assert subject_of(id_token) == subject


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server that knows `native`."""
    with AuthorizationServer() as server:
        server.clients["native"] = Client()
        yield server


class Impostor(Visitor):
    """A visitor after which the token endpoint answers with an ID token of the test's own.

    Args:
        server: the authorization server.
        make: makes the ID token of the claims that would be right.
    """

    def __init__(self, server: AuthorizationServer, make: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._server = server
        self._make = make

    def __call__(self, authorization_url: str, state: str) -> Answer:
        answer = super().__call__(authorization_url, state)
        now = self._server.clock()
        claims = {"iss": self._server.issuer, "sub": "ada", "aud": "native", "exp": now + 600, "iat": now}
        id_token = self._make(claims | {"nonce": self.asked[-1]["nonce"]})
        self._server.replies["token"].append(tokens(id_token))
        return answer


def tokens(id_token: str) -> Reply:
    """An answer of the token endpoint."""
    return Reply.json({"access_token": ACCESS_TOKEN, "refresh_token": "r2", "id_token": id_token})


def kept(grant: AuthorizationCode, store: MemoryStore) -> CachedSource:
    """A source that keeps what the grant gives in the store."""
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


IMPOSTURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "alg none": FORGED["alg 'none'"],
    "HS256 with the public key": of_public_key,
    "JWE": FORGED["JWE"],
    "garbage": FORGED["garbage"],
    "iss": lambda claims: signed(claims | {"iss": ISSUER}),
    "aud": lambda claims: signed(claims | {"aud": "other"}),
    "azp": lambda claims: signed(claims | {"azp": "other"}),
    "nonce": lambda claims: signed(claims | {"nonce": "n0nce"}),
    "exp": lambda claims: signed(claims | {"exp": 1}),
    "iat": lambda claims: signed(claims | {"iat": 9e9}),
    "at_hash": lambda claims: signed(claims | {"at_hash": half_of("sha256", "other")}),
}


@pytest.mark.parametrize("make", IMPOSTURES.values(), ids=IMPOSTURES.keys())
def test_nothing_is_kept_of_a_sign_in(
    server: AuthorizationServer, make: Callable[[dict[str, Any]], str]
) -> None:
    """A sign-in whose ID token is wrong fails, and none of its tokens is stored."""
    store = MemoryStore()
    with pytest.raises(InvalidToken, match="the ID token"):
        kept(code_grant(Impostor(server, make), endpoint(server.issuer)), store).token()
    assert store.keys() == []


def test_a_right_one_is_kept(server: AuthorizationServer) -> None:
    """The same sign-in with a right ID token succeeds, so it is the ID token that the others fail for."""
    store = MemoryStore()
    kept(code_grant(Impostor(server, signed), endpoint(server.issuer)), store).token()
    assert store.keys() == ["work"]


@pytest.mark.parametrize("subject", ["bob", None], ids=["another", "nobody"])
def test_a_refresh_that_names_somebody_else(server: AuthorizationServer, subject: str | None) -> None:
    """Its tokens are refused, and what was stored stays (OpenID Connect Core 12.2)."""
    store = MemoryStore()
    old = Token(access_token="old", expires_at=1, refresh_token="r1", id_token=signed(CLAIMS))
    store.set("work", old)
    now = server.clock()
    claims = {"iss": server.issuer, "sub": subject, "aud": "native", "exp": now + 600, "iat": now}
    server.replies["token"].append(tokens(signed(claims)))
    visitor = Visitor()
    with pytest.raises(InvalidToken, match="is of somebody else"):
        kept(code_grant(visitor, endpoint(server.issuer)), store).token()
    assert (store.get("work"), visitor.urls) == (old, [])


def test_a_refresh_that_names_the_same(server: AuthorizationServer) -> None:
    """A new ID token of the same person, without a nonce, takes the place of the old one."""
    now = server.clock()
    claims = {"iss": server.issuer, "sub": "ada", "aud": "native", "exp": now + 600, "iat": now}
    fresh = signed(claims)
    server.replies["token"].append(tokens(fresh))
    old = Token(access_token="old", refresh_token="r1", id_token=signed(CLAIMS))
    assert endpoint(server.issuer).refresh(old).id_token == fresh
