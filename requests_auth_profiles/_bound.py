"""A token that is bound to a key: each request that carries it carries a proof too (RFC 9449 section 7)."""

import time
from collections.abc import Callable
from typing import Any

from requests import PreparedRequest, Response

from requests_auth_profiles._credential import InHeader
from requests_auth_profiles._proof import Nonces, ProofKey
from requests_auth_profiles._source import TokenSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import AuthenticationFailed

__all__ = ["Bound"]

_PROOF = "DPoP"
_UNAUTHORIZED = 401
# RFC 9449 sections 9 and 7.1. The second is what a proof gets that comes twice, as when a caller sends again
_OF_THE_PROOF = ("use_dpop_nonce", "invalid_dpop_proof")


class Bound:
    """A token in the Authorization header, and the proof beside it; see `Credential`.

    Args:
        source: where the token comes from, with its key.
        again: what to type to get another one, for a message.
        now: the clock (epoch seconds).
    """

    __slots__ = ("_again", "_header", "_key", "_nonces", "_now")

    def __init__(self, source: TokenSource, again: str, now: Callable[[], float] = time.time) -> None:
        self._header = InHeader("Authorization", "DPoP {token}", source)
        self._again = again
        self._now = now
        self._nonces = Nonces()
        self._key: tuple[str, ProofKey] | None = None

    @property
    def source(self) -> TokenSource:
        """Where the token comes from."""
        return self._header.source

    @property
    def writes(self) -> tuple[str, ...]:
        """Both headers."""
        return (*self._header.writes, f"header {_PROOF.title()}")

    def headers(self, token: Token, method: str, url: str) -> dict[str, str]:
        """Both headers, for one request with this method to this URL."""
        return {**self._header.headers(token, method, url), _PROOF: self._proof(token, method.upper(), url)}

    def put(self, request: PreparedRequest, token: Token) -> bool:
        """Sets both headers, and listens to what the answer says of the next proof."""
        request.register_hook("response", _Listening(self._nonces))  # type: ignore[no-untyped-call]
        self._prove(request, request.url or "", token)
        return self._header.put(request, token)

    def is_on(self, request: PreparedRequest, token: Token) -> bool:
        """Whether the token is there as it was set; the proof is another one each time."""
        return self._header.is_on(request, token)

    def hears(self, response: Response) -> bool:
        """Takes note of the nonce that a server wants; whether it refused the proof, and not the token."""
        _hear(self._nonces, response)
        said = response.headers.get("www-authenticate", "")
        return response.status_code == _UNAUTHORIZED and any(error in said for error in _OF_THE_PROOF)

    def swap(self, request: PreparedRequest, token: Token, fresh: Token) -> bool:
        """Sets both headers anew."""
        self._prove(request, request.url or "", fresh)
        return self._header.swap(request, token, fresh)

    def stay(self, request: PreparedRequest, url: str, token: Token) -> str:
        """Sets the proof for where it is about to go, by its method of the moment."""
        self._prove(request, url, token)
        return self._header.stay(request, url, token)

    def leave(self, request: PreparedRequest, response: Response, token: Token) -> None:
        """Takes both headers off."""
        self._header.leave(request, response, token)
        request.headers.pop(_PROOF, None)

    def _prove(self, request: PreparedRequest, url: str, token: Token) -> None:
        request.headers[_PROOF] = self._proof(token, request.method or "", url)

    def _proof(self, token: Token, method: str, url: str) -> str:
        return self._key_of(token).proof(
            method, url, at=self._now(), nonce=self._nonces.of(url), access_token=token.access_token
        )

    def _key_of(self, token: Token) -> ProofKey:
        """The key that a token is bound to, read once."""
        known = self._key
        if known is not None and known[0] == token.dpop_jwk:
            return known[1]
        found = ProofKey.read(token.dpop_jwk or "")
        if found is None:
            del known  # debuggers show variables
            raise AuthenticationFailed(
                "the token is here without the key that it is bound to", hint=self._again
            )
        self._key = token.dpop_jwk or "", found
        return found


class _Listening:
    """A response hook: takes note of the nonce that an answer has, also one that is no refusal."""

    __slots__ = ("_nonces",)

    def __init__(self, nonces: Nonces) -> None:
        self._nonces = nonces

    def __call__(self, response: Response, **_: Any) -> None:
        """Leaves the answer as it is."""
        _hear(self._nonces, response)


def _hear(nonces: Nonces, response: Response) -> None:
    """Takes note of the nonce of an answer, if it has one and is to a request that has a proof."""
    if _PROOF in response.request.headers:
        nonces.hear(response.request.url or "", response.headers)
