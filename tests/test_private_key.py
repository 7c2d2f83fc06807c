"""Private keys as people have them: what they sign with, and what is said of a text that is none."""

import base64
import json
import traceback
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import EC, KEYS, RSA, certificate, key_file, pem, public_pem
from wire import words_of

from requests_auth_profiles._oauth2.assertion import KeySigner, SecretSigner
from requests_auth_profiles._oauth2.private_key import Account, account_of
from requests_auth_profiles.errors import ConfigurationError

CLAIMS = {"iss": "nightly"}


def jwk(key: Any, **more: Any) -> str:
    """A private key as a JWK."""
    kinds = {"RS": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm}
    kind = "RS" if isinstance(key, rsa.RSAPrivateKey) else "EC"
    algorithm: Any = kinds.get(kind) if kind in kinds and not hasattr(key, "private_bytes_raw") else None
    algorithm = algorithm or jwt.algorithms.OKPAlgorithm
    return json.dumps({**algorithm.to_jwk(key, as_dict=True), **more})


def signed(text: str, key_id: str = "") -> str:
    """A JWT that is signed with the key in a text."""
    return KeySigner(lambda: text, "work.private_key", key_id).signed(CLAIMS)


def frames_of(error: BaseException) -> str:
    """The variables of our frames that an error went through, as a debugger shows them."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if "requests_auth_profiles" in frame.f_code.co_filename]
    assert ours
    return "".join(repr(frame.f_locals) for frame in ours)


def refused(text: str) -> ConfigurationError:
    """What is said of a text that is no key."""
    with pytest.raises(ConfigurationError) as caught:
        signed(text)
    return caught.value


@pytest.mark.parametrize("form", [pem, jwk])
@pytest.mark.parametrize("name", KEYS)
def test_the_algorithm_is_that_of_the_key(name: str, form: Callable[[Any], str]) -> None:
    """A key signs by the usual algorithm of its kind, which its public half shows."""
    key, algorithm = KEYS[name], name.partition(",")[0]
    made = signed(form(key))
    assert jwt.decode(made, key.public_key(), algorithms=[algorithm]) == CLAIMS
    assert jwt.get_unverified_header(made) == {"alg": algorithm, "typ": "JWT"}


@pytest.mark.parametrize("key", [RSA, EC])
def test_the_older_forms_of_pem(key: Any) -> None:
    """PKCS#1 and SEC1, as older programs write, are PEM too."""
    assert jwt.decode(
        signed(pem(key, PrivateFormat.TraditionalOpenSSL)), key.public_key(), algorithms=["RS256", "ES256"]
    )


@pytest.mark.parametrize("write", [str.strip, lambda text: text.replace("\n", "\\n"), "\ufeff \n{}\n".format])
def test_a_pem_that_came_a_long_way(write: Callable[[str], str]) -> None:
    """Line breaks that became backslash and n in a variable, and text around the key, do no harm."""
    assert jwt.decode(signed(write(pem(EC))), EC.public_key(), algorithms=["ES256"]) == CLAIMS


def test_a_jwk_says_more() -> None:
    """Its `alg`, where that is for such a key, and its `kid` hold."""
    made = signed(jwk(RSA, alg="PS256", kid="one"))
    assert jwt.decode(made, RSA.public_key(), algorithms=["PS256"]) == CLAIMS
    assert jwt.get_unverified_header(made) == {"alg": "PS256", "typ": "JWT", "kid": "one"}


def test_key_id_wins() -> None:
    """What the profile says holds over what the JWK says."""
    assert jwt.get_unverified_header(signed(jwk(EC, kid="one"), "two"))["kid"] == "two"


def test_a_certificate_beside_the_key() -> None:
    """Entra knows the key by the digest of its certificate, and wants PS256."""
    shown = certificate(RSA)
    made = signed(shown.public_bytes(Encoding.PEM).decode() + pem(RSA))
    header = jwt.get_unverified_header(made)
    digest = base64.urlsafe_b64decode(header["x5t#S256"] + "=")
    assert (header["alg"], digest) == ("PS256", shown.fingerprint(hashes.SHA256()))
    assert jwt.decode(made, RSA.public_key(), algorithms=["PS256"]) == CLAIMS


def test_a_key_file() -> None:
    """It has the key, its number, whose it is, and where that is taken."""
    text = key_file(RSA)
    made = signed(text)
    assert jwt.decode(made, RSA.public_key(), algorithms=["RS256"]) == CLAIMS
    assert jwt.get_unverified_header(made)["kid"] == "0123456789"
    assert account_of(text) == Account("service@acme.test", "https://oauth2.googleapis.com/token")


@pytest.mark.parametrize("text", [pem(EC), jwk(EC), "{", "[]", '{"client_email": 1}', "{" * 100_000])
def test_no_key_file(text: str) -> None:
    """Of any other text nobody is the owner."""
    assert account_of(text) is None


SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
CURVE = ec.generate_private_key(ec.SECP256K1())
PASSPHRASE = b"of-the-key"
WRONG = {
    "nothing of a key": ("canary", "neither a key in PEM nor a JWK", "-----BEGIN PRIVATE KEY-----"),
    "broken": (pem(EC).replace("M", "!"), "no key in PEM that can be read", "openssl pkey"),
    "cut off": (pem(EC)[:-40], "neither a key in PEM nor a JWK", "-----BEGIN"),
    "encrypted": (pem(EC, passphrase=PASSPHRASE), "encrypted with a passphrase", "openssl pkey -in"),
    "encrypted, old": (
        pem(RSA, PrivateFormat.TraditionalOpenSSL, passphrase=PASSPHRASE),
        "encrypted with a passphrase",
        "openssl pkey -in",
    ),
    "OpenSSH's": (pem(EC, PrivateFormat.OpenSSH), "the form of OpenSSH", "ssh-keygen -p -m PKCS8"),
    "public": (public_pem(EC), "is a public key", "the private key that belongs to it"),
    "public, JWK": (jwk(EC.public_key()), "is a public key", "private part"),
    "a certificate": (
        certificate(EC).public_bytes(Encoding.PEM).decode(),
        "is a certificate, without its key",
        "into the same file",
    ),
    "another's certificate": (
        certificate(EC).public_bytes(Encoding.PEM).decode() + pem(RSA),
        "a certificate beside it that is not of this key",
        "openssl x509",
    ),
    "a shared secret": ('{"kty": "oct", "k": "canary"}', "is a shared secret", "client_secret_jwt"),
    "a kty of nobody": ('{"kty": "canary", "d": "canary"}', "a JWK that cannot be read", "RSA, EC or OKP"),
    "a JWK without most": ('{"kty": "RSA", "d": "canary"}', "a JWK that cannot be read", "RSA, EC or OKP"),
    "other JSON": ('{"secret": "canary"}', "neither a JWK nor a key file", "PEM, or one JWK"),
    "broken JSON": ('{"kty": "canary', "neither a JWK nor a key file", "PEM, or one JWK"),
    "a key file without a key": (
        json.dumps({"client_email": "a", "private_key": "canary"}),
        "neither a key in PEM nor a JWK",
        "-----BEGIN",
    ),
    "too small": (pem(SMALL), "has 1024 bits", "openssl genpkey"),
    "a curve of coins": (pem(CURVE), "of a kind that signs no tokens", "openssl genpkey"),
    "DSA": (pem(dsa.generate_private_key(1024)), "of a kind that signs no tokens", "openssl genpkey"),
    "for encryption": (pem(x25519.X25519PrivateKey.generate()), "signs no tokens", "openssl genpkey"),
    "an alg of another kind": (jwk(RSA, alg="ES256"), "an alg that is not for a key", '"alg": "RS256"'),
    "an alg of a shared secret": (jwk(EC, alg="HS256"), "an alg that is not for a key", '"alg": "ES256"'),
    "no alg at all": (jwk(EC, alg="none"), "an alg that is not for a key", '"alg": "ES256"'),
}


@pytest.mark.parametrize(("text", "problem", "hint"), WRONG.values(), ids=WRONG)
def test_no_key(text: str, problem: str, hint: str) -> None:
    """It is said what the text is, where it stands and what to do, and nothing of it is shown."""
    error = refused(text)
    assert error.message.startswith("work.private_key: it ")
    assert problem in error.message
    assert hint in error.hint
    told = words_of(error) + frames_of(error)
    pieces = {"canary"} | {text[start : start + 24] for start in range(30, len(text) - 60, 24)}
    assert [piece for piece in pieces if piece in told] == []


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.binary().map(lambda data: f"-----BEGIN PRIVATE KEY-----{data!r}-----END")))
def test_any_text(text: str) -> None:
    """Whatever the text is, the error is ours."""
    assert refused(text).hint


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["kty", "d", "crv", "x", "y", "n", "e", "alg", "kid", "p", "q", "private_key"]),
        st.sampled_from(
            ["", "RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "AQAB", "canary", 1, None, [], {}]
        ),
    )
)
def test_any_jwk(said: dict[str, Any]) -> None:
    """Whatever a JWK says that is none, the error is ours."""
    assert refused(json.dumps(said)).hint


def test_a_secret_that_is_too_short() -> None:
    """RFC 7518 section 3.2: 32 bytes at least, as a shorter one can be guessed from what it signs."""
    with pytest.raises(
        ConfigurationError, match=r"work\.client_secret: it has fewer than 32 bytes"
    ) as caught:
        SecretSigner(lambda: "canary" * 5, "work.client_secret").signed(CLAIMS)
    assert "canary" not in words_of(caught.value) + frames_of(caught.value)
    assert jwt.decode(SecretSigner(lambda: "€" * 11).signed(CLAIMS), "€" * 11, algorithms=["HS256"]) == CLAIMS
