"""Credentials: what is written on a request, renewed where it is refused, and kept from other hosts."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any, Protocol
from urllib.parse import quote, unquote_plus, urljoin, urlparse

from requests import PreparedRequest, RequestException, Response
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.structures import CaseInsensitiveDict
from requests.utils import get_netrc_auth, requote_uri, rewind_body

from requests_auth_profiles._hosts import Reach, origin
from requests_auth_profiles._source import TokenSource
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["Credential", "InHeader", "InQuery", "Placed", "Signed", "utf8"]

_UNAUTHORIZED = 401
_BYTES = (str, bytes, bytearray, memoryview)
_NOT_IN_A_HEADER = re.compile(r"[^\x20-\x7e\x80-\xff]")
_NOT_TEXT = re.compile(r"[\ud800-\udfff]")


def utf8(text: str) -> bytes:
    """A secret as bytes.

    Raises:
        ConfigurationError: it is not text: a variable of the environment can hold any bytes.
    """
    if _NOT_TEXT.search(text):  # looked for, as an exception of the codec would hold the secret
        raise ConfigurationError(
            "a secret is not UTF-8 text", hint="look at what its variable holds, or give it as base64url"
        )
    return text.encode()


class Credential(Protocol):
    """One thing that is written on a request."""

    @property
    def source(self) -> TokenSource:
        """Where it comes from."""

    @property
    def writes(self) -> str:
        """What it writes: `header X` or `parameter x`; two of one kind cannot go together."""

    def put(self, request: PreparedRequest, token: str) -> None:
        """Writes it on a request.

        Raises:
            ConfigurationError: the token has characters that cannot be sent there.
        """

    def is_on(self, request: PreparedRequest, token: str) -> bool:
        """Whether it is on a request as it was put there."""

    def swap(self, request: PreparedRequest, token: str, fresh: str) -> None:
        """Puts a fresh token in place of the one that is on a request."""

    def stay(self, request: PreparedRequest, response: Response, token: str) -> None:
        """Takes it along on a redirect, where requests would not do so by itself."""

    def leave(self, request: PreparedRequest, response: Response, token: str) -> None:
        """Takes it off before a redirect."""


@dataclass(slots=True, eq=False)
class InHeader:
    """A credential in a header.

    Args:
        name: the header's name.
        form: its value, with `{token}` in it.
        source: where the token comes from.
    """

    name: str
    form: str
    source: TokenSource
    _last: tuple[str, str] = field(default=("", ""), init=False, repr=False)

    @property
    def writes(self) -> str:
        """The header, whose name is the same without regard to case."""
        return f"header {self.name.title()}"

    def value(self, token: str) -> str:
        """The header's value.

        Raises:
            ConfigurationError: it has characters that cannot stand in a header.
        """
        known, value = self._last
        if token != known or not value:
            value = self.form.replace("{token}", token)
            if _NOT_IN_A_HEADER.search(value):  # http.client would say so too, and show the value
                raise ConfigurationError(
                    f"what goes into the header {self.name} has a control character, "
                    "or one that is not in Latin-1",
                    hint="look at the secret where it comes from: a line break, a typographic quote?",
                )
            self._last = token, value
        return value

    def put(self, request: PreparedRequest, token: str) -> None:
        """Sets the header."""
        request.headers[self.name] = self.value(token)

    def is_on(self, request: PreparedRequest, token: str) -> bool:
        """Whether the header is as it was set."""
        return request.headers.get(self.name) == self.value(token)

    def swap(self, request: PreparedRequest, token: str, fresh: str) -> None:  # noqa: ARG002
        """Sets the header anew."""
        request.headers.pop(self.name, None)
        self.put(request, fresh)

    def stay(self, request: PreparedRequest, response: Response, token: str) -> None:  # noqa: ARG002
        """Holds on to the header: requests takes it along, but would put what ~/.netrc has in its place."""
        if self.name.lower() == "authorization" and get_netrc_auth(response.url):
            request.headers = _Departing(request.headers)

    def leave(self, request: PreparedRequest, response: Response, token: str) -> None:  # noqa: ARG002
        """Takes the header off; requests itself does that only for one named Authorization."""
        request.headers.pop(self.name, None)


class _Departing(CaseInsensitiveDict[Any]):
    """Headers of a request that is redirected: requests sends a copy of them."""

    def copy(self) -> "CaseInsensitiveDict[Any]":
        return _Arriving(self)


class _Arriving(CaseInsensitiveDict[Any]):
    """Headers whose Authorization stays as it is until it is taken off."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key.lower() != "authorization" or key not in self:
            super().__setitem__(key, value)


@dataclass(frozen=True, slots=True, eq=False)
class InQuery:
    """A credential in the query.

    Args:
        name: the parameter's name.
        source: where the token comes from.
    """

    name: str
    source: TokenSource

    @property
    def writes(self) -> str:
        """The parameter."""
        return f"parameter {self.name}"

    def put(self, request: PreparedRequest, token: str) -> None:
        """Appends the parameter; every byte that is there stays: signed URLs depend on it."""
        request.url = self._with(request.url or "", token)

    def is_on(self, request: PreparedRequest, token: str) -> bool:
        """Whether the parameter is there with this token."""
        return self._has(request.url or "", token)

    def swap(self, request: PreparedRequest, token: str, fresh: str) -> None:
        """Takes the parameter out, and appends it anew."""
        request.url = self._with(self._without(request.url or "", token), fresh)

    def stay(self, request: PreparedRequest, response: Response, token: str) -> None:  # noqa: ARG002
        """Appends the parameter to where the server points, unless it is there already."""
        target = _target(response)
        if not self._has(target, token):
            response.headers["location"] = self._with(target, token)

    def leave(self, request: PreparedRequest, response: Response, token: str) -> None:  # noqa: ARG002
        """Takes the parameter out of where the server points: many copy the query, or nest the whole URL."""
        response.headers["location"] = self._without(response.headers["location"], token)

    def _with(self, url: str, token: str) -> str:
        head, hash_, fragment = url.partition("#")
        _, asked, query = head.partition("?")
        mark = "?" if not asked else "" if not query or query.endswith("&") else "&"
        return f"{head}{mark}{quote(self.name, safe='')}={quote(utf8(token), safe='')}{hash_}{fragment}"

    def _has(self, url: str, token: str) -> bool:
        query = url.partition("#")[0].partition("?")[2]
        return any(unquote_plus(pair) == f"{self.name}={token}" for pair in query.split("&"))

    def _without(self, url: str, token: str) -> str:
        pair = "".join(map(_any_form, utf8(f"{self.name}={token}")))
        return re.sub(rf"{pair}(?![A-Za-z0-9._~-])", "", url)


def _any_form(byte: int) -> str:
    """A pattern for a byte as it is, or percent-encoded any number of times."""
    form = f"{re.escape(chr(byte))}|%(?:25)*(?i:{byte:02x})"
    return f"(?:{form}|{_any_form(ord('+'))})" if byte == ord(" ") else f"(?:{form})"


class Placed:
    """A credential that was put on a request, within its reach.

    Args:
        reach: where it may go.
        credential: what was put there.
        token: with which token.
    """

    __slots__ = ("_credential", "_reach", "_token")

    def __init__(self, reach: Reach, credential: Credential, token: str) -> None:
        self._reach = reach
        self._credential = credential
        self._token = token

    def renewed(self, first: PreparedRequest, response: Response, how: dict[str, Any]) -> Response:
        """The answer, or where it refuses the token, the one to the request with another token.

        Args:
            first: what requests copies for a redirect, be it sent again since then or not.
            response: the answer.
            how: how to send a request.
        """
        if response.status_code == _UNAUTHORIZED and self._credential.is_on(response.request, self._token):
            return self._again(first, response, how)
        return response

    def redirected(self, first: PreparedRequest, response: Response) -> None:
        """Sees to it that a redirect takes the credential to where it may go, and not elsewhere."""
        if not self._stays(response):
            self._credential.leave(first, response, self._token)
        elif self._credential.is_on(first, self._token):
            self._credential.stay(first, response, self._token)

    def _again(self, first: PreparedRequest, refusal: Response, how: dict[str, Any]) -> Response:
        """The answer to the same request with another token, or the refusal where there can be none."""
        # RFC 6750 section 3.1: another token of the same scope would be refused alike.
        if "insufficient_scope" in refusal.headers.get("www-authenticate", ""):
            return refusal
        retry = refusal.request.copy()
        if not _is_repeatable(retry):
            return refusal
        try:
            fresh = self._credential.source.token(rejected=self._token).access_token
        except BaseException:
            refusal.close()
            raise
        if fresh == self._token or not _is_rewound(retry):
            return refusal
        for request in (first, retry):
            self._credential.swap(request, self._token, fresh)
        self._token = fresh
        with suppress(RequestException, RuntimeError):  # it breaks off, or a hook has read it
            refusal.content  # noqa: B018  read to its end, its connection can be used again
        refusal.close()
        _take_cookies(retry, refusal)
        started = perf_counter()
        answer: Response = refusal.connection.send(retry, **how)
        answer.elapsed = timedelta(seconds=perf_counter() - started)
        answer.history = [*refusal.history, refusal]
        answer.request = retry
        return answer

    def _stays(self, response: Response) -> bool:
        try:
            target = _target(response)
            return origin(target) == origin(response.url) and self._reach.admits(target)
        except (ValueError, RequestException):
            return False


class Signed:
    """A response hook: renews what was put on a request once, and keeps it from other hosts.

    One for all credentials of a request, behind all hooks that send it again: each has to see the answer that
    counts.

    Args:
        placed: the credentials.
    """

    __slots__ = ("_placed",)

    def __init__(self, *placed: Placed) -> None:
        self._placed = placed

    def __call__(self, response: Response, **how: Any) -> Response:
        """The answer that the caller gets."""
        first = (response.history or [response])[0].request
        for placed in self._placed:
            response = placed.renewed(first, response, how)
        if response.is_redirect:
            for placed in self._placed:
                placed.redirected(first, response)
        return response

    def __reduce__(self) -> Any:
        raise TypeError("a request that a profile signed is not pickled or copied: it carries its secrets")


def _target(response: Response) -> str:
    """Where requests goes on a redirect: to the letter, as what is checked must be what is called."""
    location = response.headers["location"].encode("latin1").decode()
    if location.startswith("//"):
        location = f"{urlparse(response.url).scheme}:{location}"
    parts = urlparse(location)
    quoted = requote_uri(parts.geturl())
    return quoted if parts.netloc else urljoin(response.url, quoted)


def _is_repeatable(request: PreparedRequest) -> bool:
    """Whether the body can be sent again: not a generator, nor a file that cannot tell where it is."""
    position: Any = request._body_position  # type: ignore[attr-defined]  # noqa: SLF001  see rewind_body
    return request.body is None or isinstance(request.body, _BYTES) or isinstance(position, int)


def _is_rewound(request: PreparedRequest) -> bool:
    """Whether the body, which is repeatable, is at its start again."""
    if request.body is None or isinstance(request.body, _BYTES):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True


def _take_cookies(retry: PreparedRequest, refusal: Response) -> None:
    """Sends the cookies that came with a refusal, as requests does on a redirect."""
    jar: Any = retry._cookies  # type: ignore[attr-defined]  # noqa: SLF001  as requests' own digest does
    if jar is None:
        return
    if len(jar):
        retry.headers.pop("Cookie", None)  # made of the jar; one that was set by hand stays
    extract_cookies_to_jar(jar, refusal.request, refusal.raw)  # type: ignore[no-untyped-call]
    retry.prepare_cookies(jar)
