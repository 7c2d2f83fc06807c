"""Profiles for httpx: `httpx.Client(auth=ProfileAuth("work-okta"))`, and the same for its `AsyncClient`.

What holds for requests holds here: a credential goes to its hosts only, over https, and to no other origin on
a redirect; a refused token is renewed once; with `dpop = true` each request has a proof of its own. No event
loop waits for a token: that is done in a thread.
"""

import os
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict

from requests_auth_profiles import _auth
from requests_auth_profiles._build import profile
from requests_auth_profiles._build.host_auth import HostAuth
from requests_auth_profiles._credential import WithoutToken
from requests_auth_profiles._signed import Placed, is_refusal
from requests_auth_profiles.errors import ConfigurationError, HostNotAllowed

try:
    import anyio
    import httpx
    from anyio.lowlevel import RunVar
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "requests_auth_profiles.httpx needs httpx: pip install 'requests-auth-profiles[httpx]'",
        name=error.name,
    ) from None

__all__ = ["ProfileAuth"]

_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110 section 9.2.1
_MOST_THREADS = 40  # as many as anyio has for all others

_Step = Callable[[], Any] | httpx.Request
_Talk = Generator[_Step, Any, None]
_Auth = _auth.ProfileAuth | _auth.ComposedAuth


class ProfileAuth(httpx.Auth):
    """An authentication of httpx by a profile.

    Args:
        name: the profile, as in `profile()`; or what that gives, `by_host()`, a class of requests_auth, or
            several of these put together with `+`.
        file: the profiles file, as in `profile()`.

    Raises:
        ProfileNotFound: there is no such file, or no such profile in it.
        ProfilesFileError: the file is wrong; all its faults at once.
        ConfigurationError: only requests can use it: flows `ntlm` and `class`, and auths of other packages.
    """

    def __init__(
        self,
        name: str | _auth.ProfileAuth | _auth.ComposedAuth | HostAuth | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
    ) -> None:
        if "x" in httpx.Headers(_Unfollowed(httpx.Headers({"x": ""}), httpx.Headers())):
            raise ConfigurationError(
                f"httpx {httpx.__version__} would take credentials along to wherever it is redirected",
                hint="pip install 'httpx<1'",
            )
        if isinstance(name, _auth.ProfileAuth | _auth.ComposedAuth | HostAuth):
            self._auth = name
        else:
            self._auth = profile(name, file=file)
        if not isinstance(self._auth, HostAuth):
            _members(self._auth)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs a request of a `Client`.

        Raises:
            HostNotAllowed: the credential may not go there; no token was asked for.
        """
        talk = self._talk(request, _Guard)
        with suppress(StopIteration):
            step = next(talk)
            while True:
                step = talk.send((yield step) if isinstance(step, httpx.Request) else step())

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Signs a request of an `AsyncClient`; whoever gives up meanwhile does not wait for a person.

        Raises:
            HostNotAllowed: the credential may not go there; no token was asked for.
        """
        talk = self._talk(request, _AsyncGuard)
        with suppress(StopIteration):
            step = next(talk)
            while True:
                if isinstance(step, httpx.Request):
                    step = talk.send((yield step))
                else:
                    done = await anyio.to_thread.run_sync(step, abandon_on_cancel=True, limiter=_limiter())
                    step = talk.send(done)

    def __repr__(self) -> str:
        return f"<httpx.ProfileAuth of {self._auth!r}>" if "_auth" in vars(self) else super().__repr__()

    def _talk(self, request: httpx.Request, guard: "type[_Guard]") -> _Talk:
        """Yields what is to be done, which may take its time, and what is to be sent."""
        auth = self._auth.chosen(str(request.url)) if isinstance(self._auth, HostAuth) else self._auth
        if auth is None:
            yield request
            return
        sent, placed = yield partial(_signed, request, auth, guard)
        earlier: list[httpx.Response] = []
        tried = set[bool]()
        while True:
            response = yield sent
            answers = [*response.history, response]
            answers = answers[[answer.request for answer in answers].index(sent) :]
            asking = _asking(answers, placed)
            same = bool(asking)  # each way once: the same token with another proof, and another token
            fresh = None
            if (found := _left_behind(answers, placed)) is not None:
                index, placed = found
                earlier += answers[:index]
                fresh = yield partial(_signed_again, answers[index].request, placed, guard)
            elif same not in tried and _may_be_renewed(response):
                tried.add(same)
                placed = [one for one in placed if one.is_on(_draft(response.request))]
                # All that are on it, as the answer does not say which one it means.
                fresh = yield partial(_renewed, response, asking or placed, placed, guard, same=same)
                earlier += answers if fresh is not None else []
            if fresh is None:
                if earlier:
                    response.history = [*earlier, *answers[:-1]]
                return
            sent = fresh


class _Unfollowed(httpx.Headers):
    """Headers with credentials that do not go along on a redirect.

    httpx makes the headers of the request that follows of those before it, which takes nothing off but
    `Authorization`. So what it copies is not what is sent.
    """

    def __init__(self, sent: httpx.Headers, copied: httpx.Headers) -> None:
        super().__init__(copied)
        self._sent = sent

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        return self._sent.raw

    def keys(self) -> Any:
        return self._sent.keys()

    def values(self) -> Any:
        return self._sent.values()

    def items(self) -> Any:
        return self._sent.items()

    def multi_items(self) -> list[tuple[str, str]]:
        return self._sent.multi_items()

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        return self._sent.get_list(key, split_commas)

    def __getitem__(self, key: str) -> str:
        return self._sent[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._sent[key] = value
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        del self._sent[key]
        if super().__contains__(key):
            super().__delitem__(key)

    def __contains__(self, key: Any) -> bool:
        return key in self._sent

    def __len__(self) -> int:
        return len(self._sent)


class _Guard:
    """Sees, as the `trace` of httpx, that no key in the query leaves with a redirect that has it from there.

    Args:
        placed: what is on the request.
        url: where it may go.
        trace: the caller's own one.
    """

    def __init__(self, placed: Sequence[Placed], url: str, trace: Callable[[str, Any], Any] | None) -> None:
        self._placed = placed
        self._url = url
        self._trace = trace

    def __call__(self, event: str, info: Any) -> Any:
        self._look(event, info)
        return self._trace(event, info) if self._trace is not None else None

    def _look(self, event: str, info: Any) -> None:
        # Asked of another function: a frame that an error goes through shows its variables.
        if event.endswith(".send_request_headers.started") and self._is_taken_away(info["request"].url):
            raise HostNotAllowed(
                "the server redirects to another origin with the key in the URL",
                hint="follow_redirects=False; or a key in a header, if the API takes that",
            )

    def _is_taken_away(self, url: Any) -> bool:
        target = url.target.decode("latin-1")
        if not target.startswith(("http://", "https://")):  # else it goes through a proxy
            port = "" if url.port is None else f":{url.port}"
            target = f"{url.scheme.decode()}://{url.host.decode()}{port}{target}"
        return any(one.is_in_url(target) and not one.stays(self._url, target) for one in self._placed)


class _AsyncGuard(_Guard):
    """The same for an `AsyncClient`."""

    async def __call__(self, event: str, info: Any) -> Any:
        self._look(event, info)
        return await self._trace(event, info) if self._trace is not None else None


def _members(auth: _Auth) -> list[_auth.ProfileAuth]:
    """The credentials of an auth, each by itself."""
    members = auth.members if isinstance(auth, _auth.ComposedAuth) else (auth,)
    found = []
    for member in members:
        if not isinstance(member, _auth.ProfileAuth):
            raise ConfigurationError(
                f"{auth.name} has a {type(member).__name__}, which only requests can use",
                hint="leave it out, or use requests for it",
            )
        if isinstance(member.credential, WithoutToken):
            raise ConfigurationError(
                f"{member.name} cannot be used with httpx: flows ntlm and class are for requests alone",
                hint=f"use it as auth=profile({member.name!r}) of requests",
            )
        found.append(member)
    return found


def _draft(request: httpx.Request) -> PreparedRequest:
    """A request as credentials know it."""
    draft = PreparedRequest()
    draft.method = request.method
    draft.url = str(request.url)
    draft.headers = CaseInsensitiveDict(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
    )
    return draft


def _signed(
    request: httpx.Request, auth: _Auth, guard: type[_Guard]
) -> tuple[httpx.Request, Sequence[Placed]]:
    """A request with all credentials of an auth, and they."""
    url = _auth.for_any_client(str(request.url))
    members = _members(auth)
    for member in members:  # before any is asked for a token
        member.check(url)
    draft = _draft(request)
    placed = [member.place(draft) for member in members]
    return _sent(request, draft, placed, guard), placed


def _signed_again(request: httpx.Request, placed: Sequence[Placed], guard: type[_Guard]) -> httpx.Request:
    """A request that follows a redirect, with what may go along."""
    draft = _draft(request)
    for one in placed:
        if not one.is_on(draft):
            one.put(draft)
    return _sent(request, draft, placed, guard)


def _asking(answers: Sequence[httpx.Response], placed: Sequence[Placed]) -> Sequence[Placed]:
    """Those that the last of these answers asks to write the same token anew; they hear all of them."""
    asking: Sequence[Placed] = ()
    for answer in answers:
        heard = Response()
        heard.status_code, heard.request = answer.status_code, _draft(answer.request)
        heard.headers = CaseInsensitiveDict(answer.headers.items())
        asking = [one for one in placed if one.hears(heard)]
    return asking


def _renewed(
    refusal: httpx.Response,
    refused: Sequence[Placed],
    placed: Sequence[Placed],
    guard: type[_Guard],
    *,
    same: bool,
) -> httpx.Request | None:
    """The request that was refused, with other tokens, or the same anew; None where there can be none."""
    draft = _draft(refusal.request)
    renewed = [one for one in refused if one.renew(draft, same=same)]
    if not renewed:
        return None
    for one in renewed:
        one.swap(draft)
    retry = _sent(refusal.request, draft, placed, guard)
    if refusal.cookies:
        httpx.Cookies(refusal.cookies).set_cookie_header(retry)
    return retry


def _sent(
    request: httpx.Request, draft: PreparedRequest, placed: Sequence[Placed], guard: type[_Guard]
) -> httpx.Request:
    """A copy of a request as the draft has it: the caller's own stays as it is."""
    url, extensions = draft.url or "", dict(request.extensions)
    if any(one.is_in_url(url) for one in placed):
        extensions["trace"] = guard(placed, url, request.extensions.get("trace"))
    copy = httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions=extensions
    )
    if isinstance(copy.stream, httpx.ByteStream):
        copy.read()  # so that its content can be looked at, as that of the caller's own
    fields = [pair for pair in copy.headers.raw if pair[0].lower().decode("latin-1") not in _names(placed)]
    values = [(name, value) for name, value in draft.headers.items() if name.lower() in _names(placed)]
    ours = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in values]
    copy.headers = httpx.Headers(fields + ours)
    if bound := _names([one for one in placed if not _goes_along_rightly(one, url)]):
        left = [pair for pair in ours if pair[0].lower().decode("latin-1") not in bound]
        copy.headers = _Unfollowed(copy.headers, httpx.Headers(fields + left))
    return copy


def _names(placed: Sequence[Placed]) -> set[str]:
    """The headers that credentials are in, in small letters."""
    return {name for one in placed for name in one.headers}


def _goes_along_rightly(one: Placed, url: str) -> bool:
    """Whether httpx takes a credential along on a redirect just where it may go.

    It does so with `Authorization` for the same origin, and from http to https.
    """
    target = httpx.URL(url)
    moves_up = target.scheme == "http" and target.port is None
    return one.headers <= {"authorization"} and one.is_by_origin and not moves_up


def _left_behind(
    answers: Sequence[httpx.Response], placed: Sequence[Placed]
) -> tuple[int, list[Placed]] | None:
    """The first request that followed a redirect without what may go along, and what that is.

    Not one that changed something without it: sent once more, it would do so twice.
    """
    staying = list(placed)
    for index, (before, after) in enumerate(pairwise(answers), 1):
        staying = [one for one in staying if one.stays(str(before.url), str(after.url))]
        draft = _draft(after.request)
        if not all(one.is_on(draft) for one in staying):
            is_done = after.is_success and after.request.method not in _SAFE
            return None if is_done or not _is_repeatable(after.request) else (index, staying)
    return None


def _may_be_renewed(response: httpx.Response) -> bool:
    challenge = response.headers.get("www-authenticate", "")
    return is_refusal(response.status_code, challenge) and _is_repeatable(response.request)


def _is_repeatable(request: httpx.Request) -> bool:
    """Whether the body can be sent again: bytes, or a form whose files can be read again."""
    stream: Any = request.stream
    parts = (getattr(field, "file", b"") for field in getattr(stream, "fields", ()))
    return isinstance(stream, httpx.ByteStream) or (
        hasattr(stream, "fields") and all(isinstance(part, str | bytes) or part.seekable() for part in parts)
    )


_limiters: RunVar[anyio.CapacityLimiter] = RunVar("requests_auth_profiles.httpx")


def _limiter() -> anyio.CapacityLimiter:
    """Threads of our own in each event loop: those of the program must not wait with us for a person."""
    try:
        return _limiters.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_MOST_THREADS)
        _limiters.set(limiter)
        return limiter
