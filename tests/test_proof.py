"""Proofs and the keys that sign them (RFC 9449), as PyJWT and the texts of the RFCs have them."""

import copy
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofs import digest, header_of, thumbprint
from requests.structures import CaseInsensitiveDict

from requests_auth_profiles._proof import Nonces, ProofKey
from requests_auth_profiles._token import Token

KEY = ProofKey.made()
PARTS = json.loads(KEY.jwk)


def heard(nonces: Nonces, url: str, nonce: str) -> bool:
    """Whether it is taken note of."""
    return nonces.hear(url, CaseInsensitiveDict({"dpop-nonce": nonce}))


class TestKeys:
    """A key, and its text."""

    def test_what_a_proof_says(self) -> None:
        """What RFC 9449 section 4.2 wants, signed by the key whose public half is in it."""
        proof = KEY.proof(
            "PUT", "https://a:b@api.acme.com/v1/x;y?q=1#z", at=12.9, nonce="n", access_token="t"
        )
        head = header_of(proof)
        assert head == {
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": {name: PARTS[name] for name in ("crv", "kty", "x", "y")},
        }
        claims = jwt.decode(
            proof, jwt.PyJWK(head["jwk"], "ES256").key, algorithms=["ES256"], options={"verify_iat": False}
        )
        assert len(claims.pop("jti")) == 32
        assert claims == {
            "htm": "PUT",
            "htu": "https://api.acme.com/v1/x;y",
            "iat": 12,
            "nonce": "n",
            "ath": digest("t"),
        }

    def test_what_it_need_not_say(self) -> None:
        """Without a token there is no hash of one, and without a nonce none."""
        proof = KEY.proof("POST", "https://login.acme.com/token", at=0, nonce=None)
        claims = jwt.decode(proof, options={"verify_signature": False})
        assert claims.keys() == {"jti", "htm", "htu", "iat"}

    def test_the_thumbprint(self) -> None:
        """It is that of RFC 7638."""
        assert KEY.thumbprint == thumbprint(PARTS)

    def test_the_text_gives_back_the_key(self) -> None:
        """What is kept signs as the key itself; each key is another."""
        again = ProofKey.read(KEY.jwk)
        assert again is not None
        assert (again.jwk, again.thumbprint) == (KEY.jwk, KEY.thumbprint)
        assert ProofKey.made().thumbprint != KEY.thumbprint

    @given(number=st.integers(1, 2**200))
    def test_short_numbers_are_written_in_full(self, number: int) -> None:
        """RFC 7518 section 6.2.1.2: 32 octets, with zeros before them."""
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ProofKey(ec.derive_private_key(number, ec.SECP256R1()))
        assert {len(json.loads(key.jwk)[name]) for name in "xyd"} == {43}
        assert ProofKey.read(key.jwk) is not None

    @pytest.mark.parametrize(
        "text",
        [
            *("", "{", "[]", "5", "null", '"d"', "{}", "[" * 100_000, "\ud800", "\0"),
            *(json.dumps(PARTS | change) for change in ({"d": 5}, {"d": ""}, {"d": "ä"}, {"d": "A"})),
            *(json.dumps(PARTS | change) for change in ({"x": PARTS["y"]}, {"crv": "P-384"}, {"kty": "RSA"})),
            json.dumps(PARTS | {"d": "_" * 43}),
            json.dumps({name: value for name, value in PARTS.items() if name != "d"}),
        ],
    )
    def test_what_is_no_key(self, text: str) -> None:
        """A text that is none, or whose halves do not belong together, is told from one that is."""
        assert ProofKey.read(text) is None

    @pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_it_is_not_pickled(self, way: Callable[[Any], object]) -> None:
        """Nor shown."""
        with pytest.raises(TypeError):
            way(KEY)
        assert PARTS["d"] not in f"{KEY!r}{KEY}"


class TestTokens:
    """A token with its key."""

    TOKEN = Token(access_token="a", token_type="DPoP", dpop_jwk=KEY.jwk)

    def test_it_is_kept(self) -> None:
        """The key is a part of it, in its JSON and not in its repr."""
        assert Token.from_json(self.TOKEN.to_json()) == self.TOKEN
        assert PARTS["d"] not in repr(self.TOKEN)
        assert "dpop_jwk" not in Token(access_token="a").to_json()

    @pytest.mark.parametrize("text", ["", "{}", 5, PARTS])
    def test_a_key_that_cannot_be_read(self, text: object) -> None:
        """It makes the whole of no use."""
        with pytest.raises(ValueError, match="dpop_jwk"):
            Token.from_json(self.TOKEN.to_json() | {"dpop_jwk": text})


class TestNonces:
    """What servers want to see."""

    @given(
        nonce=st.text(
            st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1
        )
    )
    def test_what_is_one(self, nonce: str) -> None:
        """What section 8.1 lets it be is said to its server again, and to no other."""
        nonces = Nonces()
        assert heard(nonces, "https://A.acme.com/x?y", nonce)
        assert nonces.of("https://a.acme.com/z") == nonce
        others = ("https://b.acme.com/x", "http://a.acme.com/x", "https://a.acme.com:8443/")
        assert [nonces.of(url) for url in others] == [None] * 3

    @given(nonce=st.text(st.characters(max_codepoint=0x2FF)))
    def test_what_is_none(self, nonce: str) -> None:
        """Nothing else is ever said to anybody."""
        nonces = Nonces()
        good = 0 < len(nonce) <= 4096 and all("!" <= one <= "~" and one not in '"\\' for one in nonce)
        assert heard(nonces, "https://a.acme.com/", nonce) is good
        assert nonces.of("https://a.acme.com/") == (nonce if good else None)

    def test_an_answer_without_one(self) -> None:
        """It changes nothing."""
        nonces = Nonces()
        heard(nonces, "https://a.acme.com/", "n")
        assert not nonces.hear("https://a.acme.com/", {})
        assert nonces.of("https://a.acme.com/") == "n"

    def test_there_is_an_end(self) -> None:
        """However many servers there are: those that spoke last are known."""
        nonces = Nonces()
        for number in range(1000):
            heard(nonces, f"https://{number}.acme.com/", f"n{number}")
        known = [number for number in range(1000) if nonces.of(f"https://{number}.acme.com/")]
        assert known == list(range(936, 1000))

    def test_threads(self) -> None:
        """Whatever others do meanwhile, what is known of a server is its own words, at last the last."""
        nonces = Nonces()

        def talk(server: int) -> bool:
            url = f"https://{server}.acme.com/"
            words = [f"{server}-{number}" for number in range(500)]
            return all(heard(nonces, url, word) and nonces.of(url) in {None, *words} for word in words)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(talk, range(8)))
        for server in range(8):
            heard(nonces, f"https://{server}.acme.com/", "last")
        assert [nonces.of(f"https://{server}.acme.com/") for server in range(8)] == ["last"] * 8
