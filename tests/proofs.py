"""Servers that take tokens bound to a key (RFC 9449), and verify each proof by PyJWT alone."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from itertools import count
from typing import Any

import jwt

from requests_auth_profiles.testing._loopback_server import (
    Endpoint,
    LoopbackServer,
    Received,
    Reply,
    redirect_to,
)

CLOCK_SECONDS = 60
CLAIMS = {"jti", "htm", "htu", "iat"}
UNIQUE_CHARACTERS = 16  # 96 bits in base64url (RFC 9449 section 11.1)


def digest(text: str) -> str:
    """SHA-256 in base64url, as RFC 7638 and RFC 9449 have it."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def thumbprint(jwk: Mapping[str, str]) -> str:
    """What tells a public key (RFC 7638 section 3)."""
    needed = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return digest(json.dumps(needed, sort_keys=True, separators=(",", ":")))


def header_of(proof: str) -> dict[str, Any]:
    """What a proof says of itself."""
    return jwt.get_unverified_header(proof)


class Verifier:
    """Looks at proofs as RFC 9449 section 4.3 wants it.

    Attributes:
        nonce: what each of them must have in it; None = nothing.
        seen: the identifiers that were used.
    """

    def __init__(self, nonce: str | None = None) -> None:
        self.nonce = nonce
        self.seen: set[str] = set()

    def key(self, received: Received, url: str, access_token: str | None = None) -> str:
        """The thumbprint of the key that proves a request; raises what is wrong with the proof."""
        proof = received.headers.get("DPoP", "")
        head = header_of(proof)
        assert head.keys() == {"typ", "alg", "jwk"}
        assert (head["typ"], head["alg"]) == ("dpop+jwt", "ES256")
        assert head["jwk"].keys() == {"kty", "crv", "x", "y"}, "a public key and nothing else"
        claims = jwt.decode(proof, jwt.PyJWK(head["jwk"], "ES256").key, algorithms=["ES256"])
        assert claims.keys() - {"nonce", "ath"} == CLAIMS
        assert (claims["htm"], claims["htu"]) == (received.method, url)
        assert abs(time.time() - claims["iat"]) < CLOCK_SECONDS
        assert len(claims["jti"]) >= UNIQUE_CHARACTERS
        assert claims["jti"] not in self.seen, "a proof is for one request"
        self.seen.add(claims["jti"])
        assert claims.get("ath") == (None if access_token is None else digest(access_token))
        if claims.get("nonce") != self.nonce:
            raise LookupError("nonce")
        return thumbprint(head["jwk"])


class Binding(LoopbackServer):
    """A token endpoint that binds what it gives to the key of the proof, and knows a refresh token once.

    Attributes:
        verifier: looks at the proofs; its nonce is asked for.
        bound: the thumbprint of the key of each access token.
        renewals: that of each refresh token.
        wrong: what was wrong with requests, which none should be.
    """

    def __init__(self, nonce: str | None = "as-nonce-1") -> None:
        self.verifier = Verifier(nonce)
        self.bound: dict[str, str] = {}
        self.renewals: dict[str, str] = {}
        self.wrong: list[str] = []
        self._numbers = count(1)
        super().__init__({"token": Endpoint(self._token, ("/token",), ("POST",))})

    @property
    def token_url(self) -> str:
        """Where it is."""
        return f"{self.url}/token"

    @property
    def grants(self) -> list[str]:
        """The grant types that it was asked with, the latest last."""
        return [dict(received.form)["grant_type"] for received in self.requests]

    def _token(self, received: Received) -> Reply:
        try:
            key = self.verifier.key(received, self.token_url)
        except LookupError:
            nonce = {"DPoP-Nonce": self.verifier.nonce or ""}
            return Reply.json({"error": "use_dpop_nonce"}, 400, nonce)
        except (AssertionError, jwt.PyJWTError) as error:
            self.wrong.append(repr(error))
            return Reply.json({"error": "invalid_dpop_proof"}, 400)
        form = dict(received.form)
        if form["grant_type"] == "refresh_token" and self.renewals.pop(form["refresh_token"], "") != key:
            return Reply.json({"error": "invalid_grant"}, 400)
        number = next(self._numbers)
        self.bound[f"at-{number}"] = self.renewals[f"rt-{number}"] = key
        said = {"access_token": f"at-{number}", "refresh_token": f"rt-{number}", "expires_in": 3600}
        return Reply.json(said | {"token_type": "dPoP"})


class BoundApi(LoopbackServer):
    """An API that takes the tokens of a `Binding`, each with a proof: `/me`, and `/redirect?to=&status=`.

    Attributes:
        verifier: looks at the proofs; its nonce is asked for.
        next_nonce: what the next answer says is to be the nonce from then on; None = nothing.
        refused: access tokens that it does not take any more.
        wrong: what was wrong with proofs, which none should be.
    """

    def __init__(self, tokens: Mapping[str, str], nonce: str | None = None) -> None:
        self.tokens = tokens
        self.verifier = Verifier(nonce)
        self.next_nonce: str | None = None
        self.refused: set[str] = set()
        self.wrong: list[str] = []
        paths = {"me": Endpoint(self._me, ("/me",)), "redirect": Endpoint(self._redirect, ("/redirect",))}
        super().__init__(paths)

    def _me(self, received: Received) -> Reply:
        return self._guarded(received) or Reply.json({"method": received.method}, 200, self._said())

    def _redirect(self, received: Received) -> Reply:
        asked = dict(received.arguments)
        refusal = self._guarded(received) if "open" not in asked else None
        return refusal or redirect_to(asked["to"], int(asked["status"]))

    def _guarded(self, received: Received) -> Reply | None:
        token = received.credentials("DPoP")
        try:
            key = self.verifier.key(received, f"{self.url}{received.path}", token)
        except LookupError:
            return self._refusal("use_dpop_nonce", {"DPoP-Nonce": self.verifier.nonce or ""})
        except (AssertionError, jwt.PyJWTError) as error:
            self.wrong.append(repr(error))
            return self._refusal("invalid_dpop_proof")
        if self.tokens.get(token) != key or token in self.refused:
            return self._refusal("invalid_token")
        return None

    def _refusal(self, error: str, headers: Mapping[str, str] | None = None) -> Reply:
        challenge = {"WWW-Authenticate": f'DPoP error="{error}", algs="ES256"'}
        return Reply.json({"error": error}, 401, {**challenge, **(headers or {})})

    def _said(self) -> dict[str, str]:
        if self.next_nonce is None:
            return {}
        self.verifier.nonce, self.next_nonce = self.next_nonce, None
        return {"DPoP-Nonce": self.verifier.nonce}
