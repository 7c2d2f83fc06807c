"""NTLM: a credential that is no text to write on a request, but a talk with the server on one connection."""

import re
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from time import perf_counter
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict

from requests_auth_profiles._credential import WithoutToken, utf8
from requests_auth_profiles._hosts import Origin, origin
from requests_auth_profiles._signed import is_repeatable, is_rewound, let_go, take_cookies
from requests_auth_profiles._source import StaticSource, TokenSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import AuthenticationFailed, ConfigurationError

__all__ = ["ByNtlm", "Handshake", "by_password", "by_windows"]

_UNAUTHORIZED = 401
_OFFERED = re.compile(r"(?:^|,)\s*(?:ntlm|negotiate)\s*(?:$|,|\s)", re.IGNORECASE)
_CHALLENGE = re.compile(r"(?:^|,)\s*(?:ntlm|negotiate)\s+[a-z0-9+/]", re.IGNORECASE)
_LONGEST_REFUSAL = 65_536  # bytes; what is longer may never end
_TRIES = 4  # another thread may take a connection from under us, but not the last time

Talk = Callable[..., Response]


def by_password(username: Callable[[], str], password: Callable[[], str]) -> Callable[[bool], AuthBase]:
    """What talks for a user with a password, given whether it can bind the talk to the TLS channel.

    Args:
        username: gives the user's name, with a domain and a backslash before it or without.
        password: gives the user's password.
    """

    def talker(channel_is_known: bool) -> AuthBase:
        from requests_ntlm import HttpNtlmAuth

        user, word = username(), password()
        fit = bool(user and word)  # with an empty one it would speak for whoever is signed in to Windows
        if not fit:
            del user, word  # debuggers show variables
            raise ConfigurationError("NTLM with an empty user name or password", hint="give both")
        utf8(user + word)
        auth: AuthBase = HttpNtlmAuth(user, word, send_cbt=channel_is_known)
        return auth

    return talker


def by_windows() -> Callable[[bool], AuthBase]:
    """What talks for the person who is signed in to Windows.

    Raises:
        ConfigurationError: this is not Windows, or a package is missing.
    """
    if sys.platform != "win32":
        raise ConfigurationError(
            "NTLM without a user name is for Windows, where the person is signed in already",
            hint="give a username, as in DOMAIN\\name, and a password",
        )
    try:
        from requests_negotiate_sspi import HttpNegotiateAuth
    except ImportError:
        missing = True
    else:
        missing = False
    if missing:  # raised out here, as the other error would only repeat it
        raise ConfigurationError(
            "NTLM without a user name needs the package requests-negotiate-sspi",
            hint="pip install requests-negotiate-sspi, or give a user name and a password",
        )

    def talker(_: bool) -> AuthBase:
        auth: AuthBase = HttpNegotiateAuth()
        return auth

    return talker


class ByNtlm(WithoutToken):
    """A credential that the server's 401 is answered with; see `Credential`.

    Args:
        talker: see `by_password` and `by_windows`.
        forget: has the user's name and password looked up again the next time.
    """

    __slots__ = ("source", "talker")

    def __init__(
        self, talker: Callable[[bool], AuthBase], forget: Callable[[str | None], None] = lambda _: None
    ) -> None:
        self.talker = talker
        # There is no token: each talk is another one.
        self.source: TokenSource = StaticSource(str, forget)

    @property
    def writes(self) -> tuple[str, ...]:
        """The header that the talk goes through."""
        return ("header Authorization",)

    def put(self, request: PreparedRequest, token: Token) -> bool:  # noqa: ARG002
        """Waits for the refusal of a request."""
        request.headers.pop("Authorization", None)  # as with every auth, it counts and not what was there
        request.headers["Connection"] = "Keep-Alive"  # what is let in is a connection
        request.register_hook("response", Handshake(self, origin(request.url or "")))  # type: ignore[no-untyped-call]
        return True

    def leave(self, request: PreparedRequest, response: Response, token: Token) -> None:  # noqa: ARG002
        """Waits no more, before a redirect."""
        waiting = request.hooks["response"]
        request.hooks["response"] = [
            hook for hook in waiting if not (isinstance(hook, Handshake) and hook.credential is self)
        ]


class Handshake:
    """A response hook: answers the refusal of a request, to its own origin only.

    What `requests_ntlm` leaves to others is seen to here: the body is sent from its start each time, cookies
    stay cookies, and a connection that the server will not hear on again is not used again.

    Args:
        credential: who talks.
        home: where the request goes.
    """

    __slots__ = ("_home", "credential")

    def __init__(self, credential: ByNtlm, home: Origin) -> None:
        self.credential = credential
        self._home = home

    def __call__(self, response: Response, **how: Any) -> Response:
        """The answer that the caller gets.

        Raises:
            AuthenticationFailed: the server does not speak NTLM as it should.
        """
        first = response.request
        if (
            not _offers(response)
            or origin(first.url or "") != self._home
            or "Authorization" in first.headers
            or not is_repeatable(first)
        ):
            return response
        history: list[Response] = []
        for left in reversed(range(_TRIES)):
            talk = _Connection(response)
            answer = self._answer(response, talk, how)
            history += talk.refusals
            if not talk.is_astray or not left:
                break
            # From the start, on a connection that is new, as the other one is given up.
            history.append(answer)
            if left == 1:
                talk.adapter = _alone(talk.adapter)
            answer = response = talk.resend(PreparedRequest.copy(first), answer, how)
            if not _offers(response):
                break
        if answer.status_code == _UNAUTHORIZED:
            self.credential.source.logout()
        answer.connection = talk.adapter
        answer.history = history
        return answer

    def _answer(self, refusal: Response, talk: "_Connection", how: dict[str, Any]) -> Response:
        """The answer to a request that was refused, the last one of a talk."""
        speak = _hook(self.credential.talker(not _is_read(refusal)))
        refusal.connection = talk  # type: ignore[assignment]  # it has what is called
        _shorten(refusal)
        try:
            return speak(refusal, **how)
        except _Over as over:
            return over.answer
        except _broken() as error:
            broken = type(error).__name__
        finally:
            for answered in talk.refusals:
                answered.connection = talk.adapter
                vars(answered).pop("iter_content", None)
        # Raised out here, as the other error has variables that show the password.
        talk.give_up()
        raise AuthenticationFailed(
            f"{self._home} does not speak NTLM as it should ({broken})",
            hint="ask who runs the server which authentication it takes",
        )

    def __reduce__(self) -> Any:
        raise TypeError("a request that NTLM signed is not pickled or copied: it carries its secrets")


class _Over(Exception):
    """The talk has ended early, with an answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class _Connection:
    """What stands in for requests' adapter during a talk.

    Args:
        refusal: what is to be answered.

    Attributes:
        adapter: the real one.
        refusals: what was answered.
        is_astray: whether the last answer was no verdict, for the talk had lost its connection.
    """

    def __init__(self, refusal: Response) -> None:
        self.adapter = refusal.connection
        self.refusals = [refusal]
        self.is_astray = False
        self._cookie = refusal.request.headers.get("Cookie")
        self._socket: Any = None
        self._last = refusal

    def send(self, request: PreparedRequest, **how: Any) -> Response:
        """Sends the next word of the talk."""
        before = self.refusals[-1]
        is_first = len(self.refusals) == 1
        answer = self._send(request, before, how)
        if answer.status_code != _UNAUTHORIZED:
            raise _Over(answer)
        found = _socket(answer)
        if is_first and _challenges(answer):
            self._socket = found
            self.refusals.append(answer)
            answer.connection = self  # type: ignore[assignment]
            _shorten(answer)
            return answer
        self.is_astray = is_first or found is not self._socket
        self.give_up()
        raise _Over(answer)

    def resend(self, request: PreparedRequest, refusal: Response, how: dict[str, Any]) -> Response:
        """Sends the request itself once more, behind a refusal that said nothing."""
        let_go(refusal, streamed=how.get("stream", False))
        return self._send(request, refusal, how)

    def give_up(self) -> None:
        """Sees to it that nobody uses the connection of the last answer again; that can still be read.

        The socket stays open as long as the answer is read from it, and the connection, once it is back in
        its pool, makes itself a new one.
        """
        connection = getattr(self._last.raw, "connection", None)
        if connection is not None and connection.sock is not None:
            sock, connection.sock = connection.sock, None
            sock.close()

    def _send(self, request: PreparedRequest, before: Response, how: dict[str, Any]) -> Response:
        is_rewound(request)
        request.headers.pop("Cookie", None)
        if self._cookie is not None:
            request.headers["Cookie"] = self._cookie
        take_cookies(request, before)
        started = perf_counter()
        answer: Response = self.adapter.send(request, **how)
        answer.elapsed = timedelta(seconds=perf_counter() - started)
        self._last = answer
        return answer


def _offers(response: Response) -> bool:
    said = response.headers.get("www-authenticate", "")
    return response.status_code == _UNAUTHORIZED and bool(_OFFERED.search(said))


def _challenges(response: Response) -> bool:
    return bool(_CHALLENGE.search(response.headers.get("www-authenticate", "")))


def _socket(response: Response) -> Any:
    return getattr(getattr(response.raw, "connection", None), "sock", None)


def _alone(adapter: HTTPAdapter) -> HTTPAdapter:
    """An adapter like this one with connections of its own, where that is known how to make."""
    if not isinstance(adapter, HTTPAdapter):  # a session takes others too
        return adapter
    alone: HTTPAdapter = object.__new__(type(adapter))
    vars(alone).update(vars(adapter))
    alone.proxy_manager = {}
    alone.init_poolmanager(1, 1)
    return alone


def _is_read(response: Response) -> bool:
    """Whether an answer was read to its end, so that it no longer knows its connection."""
    return bool(getattr(response.raw, "closed", True))


def _shorten(refusal: Response) -> None:
    """Has a body read, as `requests_ntlm` does to the end, so far only; its connection is given up then."""
    read = refusal.iter_content

    def some(chunk_size: int) -> Iterator[bytes]:
        left = _LONGEST_REFUSAL
        for part in read(chunk_size):
            yield part
            left -= len(part)
            if left < 0:
                refusal.close()
                return

    refusal.iter_content = some  # type: ignore[method-assign, assignment]


def _hook(auth: AuthBase) -> Talk:
    """The response hook that an auth registers."""
    request = PreparedRequest()
    request.headers, request.hooks = CaseInsensitiveDict(), default_hooks()
    auth(request)
    talk: Talk = request.hooks["response"][0]
    return talk


def _broken() -> tuple[type[Exception], ...]:
    """What is raised where a server's words make no sense."""
    kinds: list[type[Exception]] = [PermissionError, LookupError, ValueError, AttributeError, struct.error]
    with suppress(ImportError):
        from spnego.exceptions import SpnegoError

        kinds.append(SpnegoError)
    return tuple(kinds)
