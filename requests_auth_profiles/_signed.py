"""What looks after a request that was signed: renews what is refused, and keeps it from other hosts."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any
from urllib.parse import urljoin, urlparse

from requests import PreparedRequest, RequestException, Response
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import requote_uri, rewind_body

from requests_auth_profiles._credential import Credential, InQuery, unfit
from requests_auth_profiles._hosts import Reach, origin
from requests_auth_profiles._token import Token

__all__ = ["Placed", "Signed", "is_refusal", "is_repeatable", "is_rewound", "let_go", "take_cookies"]

_UNAUTHORIZED = 401
_NONE = Token(access_token="")
_BYTES = (str, bytes, bytearray, memoryview)
_SHORT_BYTES = 65_536
_ANSWERS = "answers"  # an attribute of what answers a request that was sent again: the first one


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
        self._token = self._fresh = _NONE

    @property
    def headers(self) -> set[str]:
        """The headers that it is in, in small letters; none where it is in the query."""
        written = (what.partition(" ") for what in self._credential.writes)
        return {name.lower() for kind, _, name in written if kind == "header"}

    @property
    def is_by_origin(self) -> bool:
        """Whether it may go to all URLs of an origin, or to none."""
        return self._reach.is_by_origin()

    def is_on(self, request: PreparedRequest) -> bool:
        """Whether it is on a request as it was put there."""
        return self._credential.is_on(request, self._token)

    def is_in_url(self, url: str) -> bool:
        """Whether it stands in a URL, in whatever form."""
        ours = self._credential
        return isinstance(ours, InQuery) and ours.taken_out(url, self._token) != url

    def put(self, request: PreparedRequest) -> None:
        """Puts it on a request, with a token that is good now.

        Raises:
            ConfigurationError: the token has characters that cannot be sent there.
        """
        self._token = self._credential.source.token()
        if not self._credential.put(request, self._token):
            raise unfit(self._credential.writes)

    def hears(self, response: Response) -> bool:
        """Takes note of what an answer says; whether that asks for the same token, written anew."""
        return self._credential.hears(response)

    def renew(self, refused: PreparedRequest, *, same: bool) -> bool:
        """Asks for the token to be sent in place of the one on a request.

        Args:
            refused: the request; False = the token on it is not ours.
            same: whether it is to be that one; else it is another, and False = there is none.
        """
        if not self.is_on(refused):
            return False
        if same:
            self._fresh = self._token
            return True
        self._fresh = self._credential.source.token(rejected=self._token.access_token)
        return self._fresh.access_token != self._token.access_token

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
        """The URL for the request that follows a redirect, with the credential, which may go along."""
        return self._credential.stay(request, url, self._token)

    def leave(self, first: PreparedRequest, response: Response) -> None:
        """Sees to it that a redirect does not take the credential to where it may not go."""
        try:
            stays = self.stays(response.url, _target(response))
        except (ValueError, RequestException):
            stays = False
        if not stays:
            self._credential.leave(first, response, self._token)

    def stays(self, before: str, url: str) -> bool:
        """Whether it may go along from one URL to another."""
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
        first = _first(response)
        once = not hasattr(response, _ANSWERS)  # some wrappers run all hooks twice
        if response.status_code == _UNAUTHORIZED and once:
            response = self._insisted(first, response, how)
        if response.is_redirect:
            for placed in self._placed:
                placed.leave(first, response)
            if isinstance(first, PreparedRequest):  # and not what stands for it in somebody's tests
                first.__class__ = _Departing
                vars(first)["placed"] = self._placed
        return response

    def _insisted(self, first: PreparedRequest, refusal: Response, how: dict[str, Any]) -> Response:
        """The answer to the same request with other tokens, or the same ones written anew, each once."""
        answer, tried = refusal, set[bool]()
        while True:
            asking = [placed for placed in self._placed if placed.hears(answer)]
            same = bool(asking)
            refused = is_refusal(answer.status_code, answer.headers.get("www-authenticate", ""))
            if not refused or same in tried:
                return answer
            tried.add(same)
            # All that are refused, as the answer does not say which one it means.
            again = self._again(first, answer, how, asking or self._placed, same=same)
            if again is answer:
                return answer
            answer = again

    def _again(
        self,
        first: PreparedRequest,
        refusal: Response,
        how: dict[str, Any],
        refused: Sequence[Placed],
        *,
        same: bool,
    ) -> Response:
        """The answer to the same request, signed again, or the refusal where that cannot be."""
        send = getattr(getattr(refusal, "connection", None), "send", None)
        if send is None or iscoroutinefunction(send):  # it comes from a cache; it would have to be awaited
            return refusal
        sent, retry = _copy(refusal.request), _copy(refusal.request)
        if not is_repeatable(retry):
            return refusal
        streamed = how.get("stream", False)
        _take_in(refusal, streamed=streamed)  # a renewal may take long, and others wait for the connection
        try:
            renewed = [placed for placed in refused if placed.renew(retry, same=same)]
            if not renewed or not is_rewound(retry):
                return refusal
            for placed in renewed:
                placed.swap(first, retry)
        except BaseException:
            refusal.close()
            raise
        let_go(refusal, streamed=streamed)
        take_cookies(retry, refusal)
        refusal.request = sent  # the history tells what was refused, and shows no token that is good
        how.pop("allow_redirects", None)  # requests-cache says it too
        started = perf_counter()
        answer: Response = send(retry, **how)
        answer.elapsed = timedelta(seconds=perf_counter() - started)
        answer.history = [*refusal.history, refusal]
        answer.request = retry
        setattr(answer, _ANSWERS, first)
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
    """A request that follows a redirect once it is given its URL and then its method, as requests does it.

    After that it is like any other. What goes along is told of the method too: a proof is for one.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        staying: Sequence[Placed] = vars(self).get("placed", ())
        if name == "url":
            before = self.url or ""
            staying = [placed for placed in staying if placed.stays(before, value) and placed.is_on(self)]
            vars(self)["placed"] = staying
            for placed in staying:
                value = placed.stay(self, value)
        super().__setattr__(name, value)
        if name == "method":
            for placed in vars(self).pop("placed", ()):
                placed.stay(self, self.url or "")


def _copy(request: PreparedRequest) -> PreparedRequest:
    ours = isinstance(request, PreparedRequest)  # and not, as with niquests, one of another kind
    return PreparedRequest.copy(request) if ours else request.copy()


def _first(response: Response) -> PreparedRequest:
    """The request that was sent first, which is what requests copies for a redirect."""
    before: Any = (response.history or [response])[0]
    found: PreparedRequest = getattr(response, _ANSWERS, None) or getattr(before, _ANSWERS, before.request)
    return found


def _target(response: Response) -> str:
    """Where requests goes on a redirect: to the letter, as what is checked must be what is called."""
    location = response.headers["location"].encode("latin1").decode()
    if location.startswith("//"):
        location = f"{urlparse(response.url).scheme}:{location}"
    parts = urlparse(location)
    quoted = requote_uri(parts.geturl())
    return quoted if parts.netloc else urljoin(response.url, quoted)


def let_go(refusal: Response, *, streamed: bool) -> None:
    """Ends a refusal, so that its connection can be used again where it is short."""
    _take_in(refusal, streamed=streamed)
    refusal.close()


def _take_in(refusal: Response, *, streamed: bool) -> None:
    """Reads a refusal that is short, as requests would do: that gives its connection back."""
    length = getattr(refusal.raw, "length_remaining", None)
    if not streamed and length is not None and length <= _SHORT_BYTES:  # else it may never end
        with suppress(RequestException, RuntimeError):  # it breaks off, or a hook has read it
            refusal.content  # noqa: B018


def is_refusal(status: int, challenge: str) -> bool:
    """Whether an answer refuses a token, so that another one may be let in."""
    # RFC 6750 section 3.1: another token of the same scope would be refused alike.
    return status == _UNAUTHORIZED and "insufficient_scope" not in challenge


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
