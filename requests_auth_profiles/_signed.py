"""What looks after a request that was signed: renews what is refused, and keeps it from other hosts."""

from contextlib import suppress
from datetime import timedelta
from time import perf_counter
from typing import Any
from urllib.parse import urljoin, urlparse

from requests import PreparedRequest, RequestException, Response
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import requote_uri, rewind_body

from requests_auth_profiles._credential import Credential, unfit
from requests_auth_profiles._hosts import Reach, origin

__all__ = ["Placed", "Signed", "is_repeatable", "is_rewound", "let_go", "take_cookies"]

_UNAUTHORIZED = 401
_BYTES = (str, bytes, bytearray, memoryview)
_SHORT_BYTES = 65_536


class Placed:
    """A credential that is put on a request, within its reach.

    Args:
        reach: where it may go.
        credential: what is put there.
    """

    __slots__ = ("_credential", "_fresh", "_reach", "_token")

    def __init__(self, reach: Reach, credential: Credential) -> None:
        self._reach = reach
        self._credential = credential
        # Here and not in variables: a frame that an error goes through shows those.
        self._token = self._fresh = ""

    def put(self, request: PreparedRequest) -> None:
        """Puts it on a request, with a token that is good now.

        Raises:
            ConfigurationError: the token has characters that cannot be sent there.
        """
        self._token = self._credential.source.token().access_token
        if not self._credential.put(request, self._token):
            raise unfit(self._credential.writes)

    def renew(self, refused: PreparedRequest) -> bool:
        """Asks for another token than the one on a request; False = there is none, or it is not our token."""
        if not self._credential.is_on(refused, self._token):
            return False
        self._fresh = self._credential.source.token(rejected=self._token).access_token
        return self._fresh != self._token

    def swap(self, *requests: PreparedRequest) -> None:
        """Puts the token that was asked for in place of the other one.

        Raises:
            ConfigurationError: it has characters that cannot be sent there.
        """
        for request in requests:
            if not self._credential.swap(request, self._token, self._fresh):
                raise unfit(self._credential.writes)
        self._token = self._fresh

    def stay(self, request: PreparedRequest, url: str) -> str:
        """The URL for the request that follows a redirect, with the credential where it may go along."""
        if self._stays(request.url or "", url) and self._credential.is_on(request, self._token):
            return self._credential.stay(request, url, self._token)
        return url

    def leave(self, first: PreparedRequest, response: Response) -> None:
        """Sees to it that a redirect does not take the credential to where it may not go."""
        try:
            stays = self._stays(response.url, _target(response))
        except (ValueError, RequestException):
            stays = False
        if not stays:
            self._credential.leave(first, response, self._token)

    def _stays(self, before: str, url: str) -> bool:
        try:
            return origin(url) == origin(before) and self._reach.admits(url)
        except ValueError:
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
        first = (response.history or [response])[0].request  # what requests copies for a redirect
        # RFC 6750 section 3.1: another token of the same scope would be refused alike.
        scope = "insufficient_scope" in response.headers.get("www-authenticate", "")
        if response.status_code == _UNAUTHORIZED and not scope:
            response = self._again(first, response, how)
        if response.is_redirect:
            for placed in self._placed:
                placed.leave(first, response)
            if isinstance(first, PreparedRequest):  # and not what stands for it in somebody's tests
                first.__class__ = _Departing
                vars(first)["placed"] = self._placed
        return response

    def _again(self, first: PreparedRequest, refusal: Response, how: dict[str, Any]) -> Response:
        """The answer to the same request with other tokens, or the refusal where there can be none."""
        retry = PreparedRequest.copy(refusal.request)
        if not is_repeatable(retry):
            return refusal
        try:
            # All that are refused, as the answer does not say which one it means.
            renewed = [placed for placed in self._placed if placed.renew(retry)]
            if not renewed or not is_rewound(retry):
                return refusal
            for placed in renewed:
                placed.swap(first, retry)
        except BaseException:
            refusal.close()
            raise
        let_go(refusal, streamed=how.get("stream", False))
        take_cookies(retry, refusal)
        started = perf_counter()
        answer: Response = refusal.connection.send(retry, **how)
        answer.elapsed = timedelta(seconds=perf_counter() - started)
        answer.history = [*refusal.history, refusal]
        answer.request = retry
        return answer

    def __reduce__(self) -> Any:
        raise TypeError("a request that a profile signed is not pickled or copied: it carries its secrets")


class _Departing(PreparedRequest):
    """A request that is redirected: requests makes a copy of it, and then gives that its URL.

    So what goes along is written on the copy, and not on the answer, which the caller may log.
    """

    def copy(self) -> PreparedRequest:
        following = super().copy()
        following.__class__ = _Following
        vars(following)["placed"] = vars(self)["placed"]
        return following


class _Following(PreparedRequest):
    """A request that follows a redirect once it is given its URL; after that it is like any other."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "url":
            for placed in vars(self).pop("placed", ()):
                value = placed.stay(self, value)
        super().__setattr__(name, value)


def _target(response: Response) -> str:
    """Where requests goes on a redirect: to the letter, as what is checked must be what is called."""
    location = response.headers["location"].encode("latin1").decode()
    if location.startswith("//"):
        location = f"{urlparse(response.url).scheme}:{location}"
    parts = urlparse(location)
    quoted = requote_uri(parts.geturl())
    return quoted if parts.netloc else urljoin(response.url, quoted)


def let_go(refusal: Response, *, streamed: bool) -> None:
    """Ends a refusal: where it is short it is read, as requests would do, to use its connection again."""
    length = getattr(refusal.raw, "length_remaining", None)
    if not streamed and length is not None and length <= _SHORT_BYTES:  # else it may never end
        with suppress(RequestException, RuntimeError):  # it breaks off, or a hook has read it
            refusal.content  # noqa: B018
    refusal.close()


def is_repeatable(request: PreparedRequest) -> bool:
    """Whether the body can be sent again: not a generator, nor a file that cannot tell where it is."""
    position: Any = request._body_position  # type: ignore[attr-defined]  # noqa: SLF001  see rewind_body
    return request.body is None or isinstance(request.body, _BYTES) or isinstance(position, int)


def is_rewound(request: PreparedRequest) -> bool:
    """Whether the body, which is repeatable, is at its start again."""
    if request.body is None or isinstance(request.body, _BYTES):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True


def take_cookies(retry: PreparedRequest, refusal: Response) -> None:
    """Sends the cookies that came with a refusal, as requests does on a redirect."""
    jar: Any = retry._cookies  # type: ignore[attr-defined]  # noqa: SLF001  as requests' own digest does
    if jar is None:
        return
    if len(jar):
        retry.headers.pop("Cookie", None)  # made of the jar; one that was set by hand stays
    extract_cookies_to_jar(jar, refusal.request, refusal.raw)  # type: ignore[no-untyped-call]
    retry.prepare_cookies(jar)
