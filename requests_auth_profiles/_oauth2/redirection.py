"""What a browser sends to the redirect URI, judged before anything of it is used: no I/O here."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl

from requests_auth_profiles._oauth2.page import Page, bounce, stray

__all__ = ["Awaited", "Request"]

_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[\x21-\x7e]*) HTTP/1\.[01]")
_FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(
    rb"[\t\x20-\x7e\x80-\xff]*"
)  # other programs' cookies for localhost may be anything
_LONGEST_BODY = 16 * 1024
_MOST_PARAMETERS = 32


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP/1.1 request, taken apart (RFC 9112).

    Args:
        method: its method.
        path: its path, as it came.
        query: its query, as it came.
        headers: its fields, by name in lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, head: bytes) -> Self | None:
        """The request that a head is, or None where it is none that a browser would send."""
        first, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        if (start := _REQUEST_LINE.fullmatch(first)) is None:
            return None
        pairs = []
        for line in rest:
            name, colon, value = line.partition(b":")
            if not colon or not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                return None
            pairs.append((name.decode().lower(), value.strip(b" \t").decode("latin-1")))
        path, _, query = start[2].decode().partition("?")
        headers = dict(pairs)
        # One Host and one length, or two readers could read it differently.
        ambiguous = len(headers) != len(pairs) and any(
            sum(name == single for name, _ in pairs) > 1 for single in ("host", "content-length", "origin")
        )
        return None if ambiguous else cls(start[1].decode(), path, query, headers)

    @property
    def body_length(self) -> int | None:
        """How many bytes of body follow; None where that is too many, or not said plainly."""
        said = self.headers.get("content-length", "0")
        plain = (
            said.isdecimal()
            and len(said) <= len(str(_LONGEST_BODY))
            and "transfer-encoding" not in self.headers
        )
        return int(said) if plain and int(said) <= _LONGEST_BODY else None


@dataclass(frozen=True, slots=True)
class Awaited:
    """The one answer that is waited for.

    Args:
        authorities: what the Host header may say: another name would be a page of somebody else's that
            was pointed at this machine (DNS rebinding).
        path: the path of the redirect URI.
        state: the state of the authorization request.
        field: the parameter that is waited for: `code`, or a token.
        form_post: whether the provider was asked to post it (OAuth 2.0 Form Post Response Mode).
    """

    authorities: frozenset[str]
    path: str
    state: str
    field: str = "code"
    form_post: bool = False

    def judge(self, request: Request, body: bytes) -> Mapping[str, str] | Page:
        """The parameters of the answer, or the page for a request that is not the one.

        Nothing but the state may be in the answer: only the provider knows that, so no other one will come.
        """
        authority = request.headers.get("host", "").lower()
        if authority not in self.authorities:
            return stray("It came by another host name.", 403)
        if request.path != self.path:
            return stray("There is nothing at this address.", 404)
        if request.method == "GET":
            return self._answer(request.query, fragment=False)
        if request.method != "POST":
            return stray("It came with another method.", 405)
        # Our own page posts the fragment; no other has anything to post, but a provider's that was told to.
        site = request.headers.get("sec-fetch-site", "same-origin")
        ours = request.headers.get("origin") == f"http://{authority}" and site == "same-origin"
        if not ours and not self.form_post:
            return stray("It came from another page.", 403)
        # Some providers say a part of the answer, as the issuer, in the query.
        return self._answer("&".join(filter(None, (request.query, body.decode("latin-1")))), fragment=True)

    def _answer(self, query: str, *, fragment: bool) -> Mapping[str, str] | Page:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            return stray("It could not be read.")
        # What has no value counts as left out (RFC 6749 section 3.1): `code=x&error=` is no refusal.
        answer = {name: value for name, value in pairs if value}
        answers = {"error", self.field} & set(answer)
        if not answers and not fragment:
            return bounce()
        if len(dict(pairs)) != len(pairs):
            return stray("It says something twice.")
        # The state first: until it is right, nothing else is looked at (RFC 6749 section 10.12).
        if not hmac.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            return stray("It does not belong to this sign-in.")
        return stray("It holds two answers.") if len(answers) > 1 else answer
