"""Sealing: a document gives its token back to the right key and name, and nothing else does."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_token import TOKENS
from vault import KEY, SECRETS

from requests_auth_profiles._token import Token
from requests_auth_profiles.stores.sealing import (
    KEY_BYTES,
    Document,
    SealError,
    VersionError,
    derive,
    key_id,
    open_document,
    seal,
)

ACCESS, REFRESH, IDENTITY = SECRETS
TOKEN = Token(
    access_token=ACCESS,
    refresh_token=REFRESH,
    id_token=IDENTITY,
    expires_at=1_700_000_000,
    scope="api.read",
    issued_for="fingerprint",
)
OTHER_KEY = bytes(32)


def sealed(token: Token = TOKEN, *, key: bytes = KEY, profile: str = "work", seq: int = 7) -> bytes:
    return seal(token, key=key, profile=profile, seq=seq).to_bytes()


def opened(data: bytes, *, key: bytes = KEY, profile: str = "work") -> Token:
    return open_document(Document.parse(data), key=key, profile=profile)


def changed(**members: Any) -> bytes:
    """A document in our own form whose header says something else."""
    return json.dumps(json.loads(DOCUMENT) | members, separators=(",", ":")).encode() + b"\n"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


DOCUMENT = sealed()
MEMBERS = json.loads(DOCUMENT)


@given(token=TOKENS, profile=st.text(max_size=80), seq=st.integers(), key=st.binary(min_size=32, max_size=32))
@settings(max_examples=100)
def test_a_sealed_token_comes_back(token: Token, profile: str, seq: int, key: bytes) -> None:
    """Any token, under any key, name and number, is opened as it was sealed."""
    data = sealed(token, key=key, profile=profile, seq=seq)
    assert opened(data, key=key, profile=profile) == token
    assert Document.parse(data).seq == seq


def test_the_document_has_the_form_that_is_documented() -> None:
    """Its members, and their order, are those that people and other tools may count on."""
    assert list(MEMBERS) == ["v", "alg", "kid", "profile", "seq", "salt", "nonce", "ct"]
    assert {
        "v": 1,
        "alg": "A256GCM",
        "kid": key_id(KEY),
        "profile": "work",
        "seq": 7,
        "salt": "",
        "nonce": "",
        "ct": "",
    } == MEMBERS | {"salt": "", "nonce": "", "ct": ""}


def test_every_document_has_a_salt_and_nonce_of_its_own() -> None:
    """The same token sealed twice has nothing in common but its header: no key and nonce is used twice."""
    documents = [json.loads(sealed()) for _ in range(100)]
    for name in ("salt", "nonce", "ct"):
        assert len({document[name] for document in documents}) == len(documents)


def test_every_flipped_bit_is_refused() -> None:
    """No document with one bit changed, wherever, gives a token or another exception than ours."""
    for index in range(len(DOCUMENT)):
        for bit in range(8):
            damaged = bytearray(DOCUMENT)
            damaged[index] ^= 1 << bit
            refuse(bytes(damaged))


def refuse(data: bytes) -> None:
    """Sees that a document is refused: by its form, its seal, or as one of another key."""
    try:
        document = Document.parse(data)
    except (SealError, VersionError):
        return
    if document.kid == key_id(KEY):
        with pytest.raises(SealError):
            open_document(document, key=KEY, profile="work")


def test_every_truncated_document_is_refused() -> None:
    """No beginning of a document, the empty one included, is taken for one."""
    for length in range(len(DOCUMENT)):
        with pytest.raises(SealError):
            Document.parse(DOCUMENT[:length])


@pytest.mark.parametrize(
    "member",
    [
        {"profile": "home"},
        {"profile": "Work"},
        {"seq": 8},
        {"seq": 6},
        {"seq": -7},
        {"salt": encoded(bytes(32))},
        {"salt": ""},
        {"nonce": encoded(bytes(12))},
        {"nonce": ""},
        {"nonce": encoded(bytes(7))},
        {"nonce": encoded(bytes(13))},
        {"nonce": encoded(bytes(2**20))},
        {"ct": ""},
        {"ct": encoded(bytes(16))},
        pytest.param({"ct": MEMBERS["ct"][:-4]}, id="ct, shorter"),
        pytest.param({"ct": MEMBERS["ct"] + "AAAA"}, id="ct, longer"),
    ],
    ids=lambda member: str(member)[:40],
)
def test_every_changed_member_is_refused(member: dict[str, Any]) -> None:
    """All that stands beside the ciphertext is authenticated with it."""
    with pytest.raises(SealError):
        opened(changed(**member))


def test_another_key_id_does_not_make_it_another_keys() -> None:
    """A document whose key id was exchanged opens neither with that key nor with its own."""
    forged = Document.parse(changed(kid=key_id(OTHER_KEY)))
    for key in (KEY, OTHER_KEY):
        with pytest.raises(SealError):
            open_document(forged, key=key, profile="work")


def test_a_document_is_for_its_own_name_only() -> None:
    """A copied to B is refused at B, be the name in it left or changed."""
    with pytest.raises(SealError, match="another name"):
        opened(DOCUMENT, profile="home")
    with pytest.raises(SealError):
        opened(changed(profile="home"), profile="home")


def rewritten(*, indent: int | None = None, **how: Any) -> bytes:
    return json.dumps(MEMBERS, indent=indent, **how).encode() + b"\n"


COMPACT = (",", ":")
CT = json.dumps(MEMBERS["ct"]).encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(rewritten(), id="spaces"),
        pytest.param(rewritten(indent=2), id="indented"),
        pytest.param(DOCUMENT.rstrip(), id="no line end"),
        pytest.param(DOCUMENT + b"\n", id="one more line end"),
        pytest.param(b" " + DOCUMENT, id="space before"),
        pytest.param(b"\xef\xbb\xbf" + DOCUMENT, id="byte order mark"),
        pytest.param(DOCUMENT.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(DOCUMENT.decode().encode("utf-32"), id="UTF-32"),
        pytest.param(rewritten(separators=COMPACT, sort_keys=True), id="reordered"),
        pytest.param(DOCUMENT.replace(b"{", b'{"v":1,', 1), id="a name twice, first"),
        pytest.param(DOCUMENT.replace(b"}", b',"ct":' + CT + b"}"), id="a name twice, last"),
        pytest.param(DOCUMENT.replace(b'"work"', b'"\\u0077ork"'), id="escapes in a value"),
        pytest.param(DOCUMENT.replace(b'"kid"', b'"\\u006bid"'), id="escapes in a name"),
        pytest.param(DOCUMENT.replace(b'"seq":7', b'"seq":7.0'), id="a float"),
        pytest.param(DOCUMENT.replace(b'"seq":7', b'"seq":7e0'), id="an exponent"),
        pytest.param(DOCUMENT.replace(b'"seq":7', b'"seq":true'), id="true for a number"),
        pytest.param(DOCUMENT.replace(b'"seq":7', b'"seq":"7"'), id="text for a number"),
        pytest.param(DOCUMENT.replace(b'"seq":7', b'"seq":' + b"7" * 10_000), id="a number without end"),
        pytest.param(DOCUMENT.replace(b'"v":1', b'"v":true'), id="true for the version"),
        pytest.param(DOCUMENT.replace(b'"v":1,', b""), id="no version"),
        pytest.param(changed(extra=1), id="one member more"),
        pytest.param(changed(ct=None), id="null"),
        pytest.param(changed(ct=[]), id="a list"),
        pytest.param(changed(ct=MEMBERS["ct"] + "="), id="padded"),
        pytest.param(changed(ct=base64.b64encode(b"\xfb\xff" * 30).decode()), id="the other alphabet"),
        pytest.param(changed(ct="é"), id="not base64"),
        pytest.param(changed(kid="../../../../tmp/key"), id="a path for a key"),
        pytest.param(changed(kid=key_id(KEY).upper()), id="a key in capitals"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[" + DOCUMENT.rstrip() + b"]\n", id="in a list"),
        pytest.param(b"null\n", id="no object"),
        pytest.param(b"\x00" * 600, id="zeros"),
        pytest.param(b"\xff" * 600, id="no text"),
    ],
)
def test_one_document_has_one_form(data: bytes) -> None:
    """What two readers could read differently, or differs in form alone, is refused before any decryption."""
    with pytest.raises(SealError):
        Document.parse(data)


def test_the_last_digits_of_base64_have_one_form() -> None:
    """Bits that no byte comes from must be as we write them."""
    nonce = MEMBERS["salt"]  # 32 bytes in 43 digits: two bits of the last one are left over
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = nonce[:-1] + digits[digits.index(nonce[-1]) ^ 1]
    with pytest.raises(SealError):
        Document.parse(changed(salt=twin))


@pytest.mark.parametrize(
    "member",
    [{"v": 2}, {"v": 0}, {"v": -1}, {"v": 10**40}, {"alg": "A128GCM"}, {"alg": None}, {"alg": []}],
    ids=str,
)
def test_another_version_is_told_apart_from_damage(member: dict[str, Any]) -> None:
    """A document that a newer version may have written is not called damaged: nobody throws it away."""
    with pytest.raises(VersionError):
        Document.parse(changed(**member))


def test_a_newer_version_may_have_another_form() -> None:
    """Its other members are not looked at."""
    with pytest.raises(VersionError):
        Document.parse(b'{"v": 2, "recipients": [{"kdf": "scrypt"}]}')


@given(data=st.binary(max_size=600))
@settings(max_examples=200)
def test_bytes_are_no_document(data: bytes) -> None:
    """Whatever lies in the place of a document is refused in our own words."""
    with pytest.raises((SealError, VersionError)):
        Document.parse(data)


@given(
    start=st.integers(0, len(DOCUMENT)),
    length=st.integers(0, 40),
    put=st.binary(max_size=40),
    end=st.binary(max_size=3),
)
@settings(max_examples=500)
def test_mutations_are_refused(start: int, length: int, put: bytes, end: bytes) -> None:
    """Cut, filled or lengthened anywhere, a document is itself or nothing."""
    data = DOCUMENT[:start] + put + DOCUMENT[start + length :] + end
    if data == DOCUMENT:
        assert opened(data) == TOKEN
    else:
        refuse(data)


def test_nothing_of_a_token_is_in_the_clear() -> None:
    """Neither a secret nor the end, the scope, or what it was issued for can be read without the key."""
    seen = DOCUMENT + base64.urlsafe_b64decode(MEMBERS["ct"] + "===")
    for value in (*SECRETS, "1700000000", "api.read", "fingerprint", "access_token"):
        assert value.encode() not in seen


@pytest.mark.parametrize("length", [1, 200, 300, 301, 302, 303, 304, 305, 306, 307, 400, 800])
def test_sizes_tell_little(length: int) -> None:
    """The ciphertext is a multiple of 512 bytes and its tag, whatever the length of the token."""
    ciphertext = Document.parse(sealed(Token(access_token="a" * length))).ct
    assert len(ciphertext) % 512 == 16


@pytest.mark.parametrize(
    "plain", [b"", b"\0\0\0\1", b"\0\0\0\2{}" + bytes(506), b"\xff\xff\xff\xff{" + bytes(507)]
)
def test_an_authentic_document_without_a_token_is_refused(plain: bytes) -> None:
    """What the key sealed but holds no token is refused in our own words too."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    document = seal(TOKEN, key=KEY, profile="work", seq=7)
    cipher = AESGCM(derive(KEY, "document", document.salt))
    ct = cipher.encrypt(document.nonce, plain, document.associated_data)
    forged = Document(document.kid, "work", 7, document.salt, document.nonce, ct)
    with pytest.raises(SealError, match="no token"):
        open_document(forged, key=KEY, profile="work")


def test_keys_for_different_purposes_differ() -> None:
    """The key of a document, of the record, and the key's id have nothing in common, nor two salts' keys."""
    found = [
        derive(KEY, "document"),
        derive(KEY, "record"),
        derive(KEY, "kid"),
        derive(KEY, "document", bytes([2] * 32)),  # RFC 5869 section 2.2: no salt is one of zeros
        derive(KEY, "document", bytes([1] * 32)),
        derive(OTHER_KEY, "document"),
    ]
    assert len(set(found)) == len(found)
    assert all(len(key) == KEY_BYTES for key in found)


@given(key=st.binary(min_size=32, max_size=32))
@settings(max_examples=50)
def test_a_key_id_is_not_a_part_of_the_key(key: bytes) -> None:
    """What stands in the clear to tell keys apart gives nothing of them away."""
    assert bytes.fromhex(key_id(key)) not in key


def test_a_refusal_holds_nothing_of_the_token_or_the_document() -> None:
    """An exception, with all that hangs on it, tells neither what was inside nor what a stranger wrote."""
    with pytest.raises(SealError) as refused:
        opened(changed(profile="\x1b[31m" + "x" * 500_000))
    error: BaseException | None = refused.value
    while error is not None:
        assert len(repr(error)) < 200
        error = error.__context__
