"""Credentials: what is written on a request, and how it is taken off again."""

import logging
import re
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, unquote_plus

from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests.utils import get_netrc_auth

from requests_auth_profiles._source import TokenSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["Credential", "InHeader", "InQuery", "WithoutToken", "unfit", "utf8"]

_NOT_IN_A_HEADER = re.compile(r"[^\x20-\x7e\x80-\xff]")
_NOT_TEXT = re.compile(r"[\ud800-\udfff]")
_TELLING_LENGTH = 8  # a shorter key may be a word of any URL


def utf8(text: str) -> bytes:
    """A secret as bytes.

    Raises:
        ConfigurationError: it is not text: a variable of the environment can hold any bytes.
    """
    if _NOT_TEXT.search(text):  # looked for, as an exception of the codec would hold the secret
        del text  # debuggers show variables
        raise ConfigurationError(
            "a secret is not UTF-8 text", hint="look at what its variable holds, or give it as base64url"
        )
    return text.encode()


def unfit(writes: tuple[str, ...]) -> ConfigurationError:
    """The error that a token cannot be sent, to be raised where no variable shows the token."""
    return ConfigurationError(
        f"what goes into the {writes[0]} has characters that cannot be sent there",
        hint="look at the secret where it comes from: a line break, a typographic quote, no UTF-8?",
    )


class Credential(Protocol):
    """One thing that is written on a request."""

    @property
    def source(self) -> TokenSource:
        """Where it comes from."""

    @property
    def writes(self) -> tuple[str, ...]:
        """What it writes: `header X`, `parameter x`; two that write the same cannot go together."""

    def headers(self, token: Token, method: str, url: str) -> dict[str, str] | None:
        """The headers that it would write on a request; None = it writes something else.

        Raises:
            ConfigurationError: the token has characters that cannot be sent there.
        """

    def put(self, request: PreparedRequest, token: Token) -> bool:
        """Writes it on a request; False = the token has characters that cannot be sent there."""

    def is_on(self, request: PreparedRequest, token: Token) -> bool:
        """Whether it is on a request as it was put there."""

    def hears(self, response: Response) -> bool:
        """Takes note of what an answer says; whether that asks for the same token, written anew."""

    def swap(self, request: PreparedRequest, token: Token, fresh: Token) -> bool:
        """Puts a fresh token in place of the one that is on a request; see `put`."""

    def stay(self, request: PreparedRequest, url: str, token: Token) -> str:
        """Takes it along on a redirect, where requests would not do so by itself.

        Args:
            request: the one that follows: its method may still be that of the one before.
            url: where it is about to go.
            token: what is on the request before it.
        """

    def leave(self, request: PreparedRequest, response: Response, token: Token) -> None:
        """Takes it off before a redirect."""


class Unprompted:
    """A credential that is written in one way, whatever a server says; see `Credential`."""

    __slots__ = ()

    def hears(self, response: Response) -> bool:  # noqa: ARG002
        """Nothing: a refusal is one of the token."""
        return False


class WithoutToken(Unprompted):
    """A credential that has no token: it talks with the server, or signs each request; see `Credential`."""

    __slots__ = ()

    def headers(self, token: Token, method: str, url: str) -> None:
        """None: it takes a request, and perhaps its answer."""

    def is_on(self, request: PreparedRequest, token: Token) -> bool:  # noqa: ARG002
        """No: there is nothing to renew or to take along."""
        return False

    def swap(self, request: PreparedRequest, token: Token, fresh: Token) -> bool:  # noqa: ARG002
        """Nothing: there is no other."""
        return True

    def stay(self, request: PreparedRequest, url: str, token: Token) -> str:  # noqa: ARG002
        """Nothing: what is there goes along by itself."""
        return url


@dataclass(slots=True, eq=False)
class InHeader(Unprompted):
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
    def writes(self) -> tuple[str, ...]:
        """The header, whose name is the same without regard to case."""
        return (f"header {self.name.title()}",)

    def headers(self, token: Token, method: str, url: str) -> dict[str, str]:  # noqa: ARG002
        """The header, whatever the request."""
        if (value := self._value(token)) is None:
            raise unfit(self.writes)
        return {self.name: value}

    def _value(self, token: Token) -> str | None:
        known, value = self._last
        if token.access_token != known or not value:
            value = self.form.replace("{token}", token.access_token)
            if _NOT_IN_A_HEADER.search(value):  # http.client would say so too, and show the value
                return None
            self._last = token.access_token, value
        return value

    def put(self, request: PreparedRequest, token: Token) -> bool:
        """Sets the header."""
        value = self._value(token)
        if value is not None:
            request.headers[self.name] = value
        return value is not None

    def is_on(self, request: PreparedRequest, token: Token) -> bool:
        """Whether the header is as it was set."""
        return request.headers.get(self.name) == self._value(token)

    def swap(self, request: PreparedRequest, token: Token, fresh: Token) -> bool:  # noqa: ARG002
        """Sets the header anew."""
        request.headers.pop(self.name, None)
        return self.put(request, fresh)

    def stay(self, request: PreparedRequest, url: str, token: Token) -> str:  # noqa: ARG002
        """Holds on to the header: requests takes it along, but would put what ~/.netrc has in its place."""
        if self.name.lower() == "authorization" and get_netrc_auth(url):
            request.headers = _Arriving(request.headers)
        return url

    def leave(self, request: PreparedRequest, response: Response, token: Token) -> None:  # noqa: ARG002
        """Takes the header off; requests itself does that only for one named Authorization."""
        request.headers.pop(self.name, None)


class _Arriving(CaseInsensitiveDict[Any]):
    """Headers whose Authorization stays as it is until it is taken off."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key.lower() != "authorization" or key not in self:
            super().__setitem__(key, value)


@dataclass(frozen=True, slots=True, eq=False)
class InQuery(Unprompted):
    """A credential in the query; what urllib3 logs does not show it, its exceptions do.

    Args:
        name: the parameter's name.
        source: where the token comes from.
    """

    name: str
    source: TokenSource

    @property
    def writes(self) -> tuple[str, ...]:
        """The parameter."""
        return (f"parameter {self.name}",)

    def headers(self, token: Token, method: str, url: str) -> None:
        """None."""

    def put(self, request: PreparedRequest, token: Token) -> bool:
        """Appends the parameter; every byte that is there stays: signed URLs depend on it."""
        if _NOT_TEXT.search(token.access_token):
            return False
        _REDACTION.names.add(quote(self.name, safe=""))
        for log in _LOGS_OF_URLS:
            log.addFilter(_REDACTION)
        request.url = self._with(request.url or "", token)
        return True

    def is_on(self, request: PreparedRequest, token: Token) -> bool:
        """Whether the parameter is there with this token."""
        return self._has(request.url or "", token)

    def swap(self, request: PreparedRequest, token: Token, fresh: Token) -> bool:
        """Takes the parameter out, and appends it anew."""
        request.url = self._without(request.url or "", token)
        return self.put(request, fresh)

    def stay(self, request: PreparedRequest, url: str, token: Token) -> str:  # noqa: ARG002
        """Appends the parameter to where the server points, unless it is there already."""
        return url if self._has(url, token) else self._with(url, token)

    def leave(self, request: PreparedRequest, response: Response, token: Token) -> None:  # noqa: ARG002
        """Takes the parameter out of where the server points: many copy the query, or nest the whole URL."""
        response.headers["location"] = self.taken_out(response.headers["location"], token)

    def taken_out(self, url: str, token: Token) -> str:
        """A URL without the token, in whatever form it stands there."""
        url = self._without(url, token)
        if len(token.access_token) >= _TELLING_LENGTH:  # it may be under another name, or in a path
            url = re.sub(_in_any_form(token.access_token), "", url)
        return url

    def _with(self, url: str, token: Token) -> str:
        head, hash_, fragment = url.partition("#")
        _, asked, query = head.partition("?")
        mark = "?" if not asked else "" if not query or query.endswith("&") else "&"
        return (
            f"{head}{mark}{quote(self.name, safe='')}={quote(token.access_token, safe='')}{hash_}{fragment}"
        )

    def _has(self, url: str, token: Token) -> bool:
        query = url.partition("#")[0].partition("?")[2]
        return any(unquote_plus(pair) == f"{self.name}={token.access_token}" for pair in query.split("&"))

    def _without(self, url: str, token: Token) -> str:
        pair = _in_any_form(f"{self.name}={token.access_token}")
        return re.sub(rf"{pair}(?![A-Za-z0-9._~-])", "", url)


class _Redaction(logging.Filter):
    """Takes the values of parameters out of the URLs that a log shows."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record through, without those values."""
        if isinstance(record.args, tuple):
            names = "|".join(map(re.escape, tuple(self.names)))
            pattern = re.compile(rf"([?&](?:{names})=)[^&#\s]*")
            record.args = tuple(
                pattern.sub(r"\1***", str(argument)) if pattern.search(str(argument)) else argument
                for argument in record.args  # httpx gives its own kind of URLs
            )
        return True


_REDACTION = _Redaction()
# A filter sees what is logged by its own logger only, so that "urllib3" alone would not do.
_LOGS_OF_URLS = (
    logging.getLogger("httpx"),
    *(
        logging.getLogger(f"{package}.{name}")
        for package in ("urllib3", "urllib3_future", "urllib3_future._async")  # those are what niquests has
        for name in ("connection", "connectionpool", "util.retry")
    ),
)


def _in_any_form(text: str) -> str:
    """A pattern for a text as it can stand in a URL."""
    return "".join(map(_any_form, text.encode()))


def _any_form(byte: int) -> str:
    """A pattern for a byte as it is, or percent-encoded any number of times."""
    form = f"{re.escape(chr(byte))}|%(?:25)*(?i:{byte:02x})"
    return f"(?:{form}|{_any_form(ord('+'))})" if byte == ord(" ") else f"(?:{form})"
