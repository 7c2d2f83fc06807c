"""Channel: the one place that speaks to an identity provider."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase

from requests_auth_profiles._hosts import is_loopback
from requests_auth_profiles._oauth2.line import Line, Timed, TookTooLong, Unmoved
from requests_auth_profiles.errors import (
    ConfigurationError,
    InvalidProviderResponse,
    ProviderUnavailable,
    RequestsAuthException,
    TimeoutOccurred,
)

__all__ = ["AnswerLost", "Channel", "Reply", "Route"]

_LIMIT = 1024 * 1024
_LATE = "it took too long"
_REFUSED = "its proxy wants another user or password (407)"
_HINTS = {
    "proxy": "check the URL of the proxy, and the user and password in it",
    "CERTIFICATE_VERIFY_FAILED": "if your house vouches for it: ca_bundle, or export REQUESTS_CA_BUNDLE=…",
}
_BUSY = frozenset({429, 500, 502, 503, 504})


class AnswerLost(Exception):
    """What was sent may have arrived, and no answer came.

    Args:
        error: why not.
    """

    def __init__(self, error: RequestsAuthException) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider answered.

    Args:
        status: the status code.
        headers: its headers, by name without regard to case.
        body: its body, as it came.
        requested_at: when the request left (epoch seconds): lifetimes count from here.
        request: what it is an answer to.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    requested_at: float
    request: requests.PreparedRequest = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """By which way a provider is reached, where that is not as a session and the environment say.

    Args:
        proxy: the proxy's URL, perhaps with a password in it; empty = as they say.
        ca_bundle: the file or folder of who vouches for the provider; empty = as they say.
        cert: the file of the certificate that we show, with its key or beside that; empty = as they say.
    """

    proxy: str = field(default="", repr=False)
    ca_bundle: str = ""
    cert: str | tuple[str, str] = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """Calls to the identity provider: no redirects, no netrc, 1 MiB at most, one deadline for all of it.

    Args:
        timeout_seconds: how long one exchange may take, its repetitions included.
        now: the clock (epoch seconds).
        spent_seconds: how much of that time is gone already; see `since`.
        session: whose proxies, certificates and adapters are used, and nothing else of it; None = what the
            environment says.
        route: gives the way to the provider for each exchange; None = as the session says.
        retries: how often a request is sent again; None = as often as the caller allows.
    """

    timeout_seconds: float
    now: Callable[[], float] = time.time
    spent_seconds: float = 0
    session: requests.Session | None = field(default=None, repr=False)
    route: Callable[[], Route] | None = field(default=None, repr=False)
    retries: int | None = None

    def since(self, started: float) -> Self:
        """This channel for an exchange that shares its deadline with those before it.

        Args:
            started: when the first of them began (monotonic seconds).
        """
        return replace(self, spent_seconds=time.monotonic() - started)

    def get(self, url: str, auth: AuthBase | None = None) -> Reply:
        """What stands at a URL; see `post` for the errors."""
        attempts = 3 if self.retries is None else 1 + self.retries
        return self._exchange(requests.Request("GET", url, auth=auth), attempts=attempts)

    def post(
        self,
        url: str,
        form: Mapping[str, str],
        auth: AuthBase,
        *,
        attempts: int,
        single_use: bool = False,
    ) -> Reply:
        """The answer to a form.

        Args:
            url: an endpoint of the provider.
            form: what is sent.
            auth: how the client proves itself: called for each time that it is sent.
            attempts: how often it may be sent where the provider is busy or cannot be reached; 1 for what
                works only once. What could not be sent at all does not count, where `retries` is said.
            single_use: whether it may be used up once it was sent, so that a lost answer is told apart.

        Raises:
            AnswerLost: it is, and there was none; it was not sent again.
            ProviderUnavailable: it cannot be reached, or is still busy after the last attempt.
            TimeoutOccurred: it did not answer in time.
            InvalidProviderResponse: it redirects, or answers more than 1 MiB.
            RequestsAuthException: what `auth` raises.
        """
        if self.retries is not None:
            attempts = min(attempts, 1 + self.retries)
        request = requests.Request("POST", url, data=dict(form), auth=auth)
        return self._exchange(request, attempts=attempts, single_use=single_use)

    def _exchange(self, request: requests.Request, *, attempts: int, single_use: bool = False) -> Reply:
        host = urlsplit(request.url).netloc
        # Here, not in the thread: to prove who the client is may take a secret that is not there.
        prepared = _prepared(request, host)
        route = self.route() if self.route is not None else Route()
        deadline = time.monotonic() + self.timeout_seconds - self.spent_seconds
        for attempt in range(1, 1 + max(attempts, 1 + (self.retries or 0))):
            left = max(deadline - time.monotonic(), 0.001)
            line = Line()
            reply = self._send(line, route, prepared, left)
            if reply is None or (isinstance(reply, str) and time.monotonic() >= deadline):
                reply = _LATE
            if isinstance(reply, Reply) and reply.status not in _BUSY:
                return _accepted(reply, host)
            asked = _asked_pause(reply, self.now())
            error = _late(host, self.timeout_seconds) if reply == _LATE else _unavailable(reply, host, asked)
            if single_use and isinstance(reply, str) and not line.is_unused:
                raise AnswerLost(error)
            pause = random.uniform(0.1, 0.3) * attempt if asked is None else asked  # noqa: S311  no secret
            again = attempt < attempts or (attempt <= (self.retries or 0) and line.is_unused)
            if not again or reply in (_LATE, _REFUSED) or time.monotonic() + pause > deadline:
                raise error
            time.sleep(pause)
            prepared = _prepared(request, host)  # anew, as an assertion is good once (RFC 7523 section 3)
        raise ValueError("attempts must be 1 or more")

    def _send(
        self, line: Line, route: Route, prepared: requests.PreparedRequest, seconds: float
    ) -> Reply | str | None:
        """The reply, or why there is none: an exception of requests would carry the request, secrets too.

        None = it took too long.
        """
        requested_at = self.now()
        url = prepared.url or ""
        way = self._mounted(url) or line
        line.is_unused = way is line  # nobody knows what another adapter has sent
        session = Unmoved()
        session.mount(url, Timed(way, seconds, line.cut, _LIMIT))
        try:
            # By a session, and in this thread, as what stands in for servers in tests wants it.
            response = session.send(
                prepared, timeout=seconds, allow_redirects=False, **_settings(url, self.session, route)
            )
            return Reply(response.status_code, response.headers, response.content, requested_at, prepared)
        except ProviderUnavailable:
            raise
        except TookTooLong:
            return None
        except requests.exceptions.ProxyError as error:
            if "407" in str(_bottom(error)):
                return _REFUSED
            names = "http.proxy" if route.proxy else "the environment"
            return f"the proxy that {names} names does not let us through"
        except Exception as error:  # noqa: BLE001  whatever it is, it may hold the request
            return _cause(error)
        finally:
            line.close()

    def _mounted(self, url: str) -> BaseAdapter | None:
        """The adapter of another kind that the person's session has for a URL, if it has one."""
        if self.session is None:
            return None
        adapter = self.session.get_adapter(url)
        return None if type(adapter) is HTTPAdapter else adapter


def _prepared(request: requests.Request, host: str) -> requests.PreparedRequest:
    # Not by a session: that would add what ~/.netrc has for the host.
    request.headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": requests.utils.default_user_agent(),
    }
    try:
        prepared = request.prepare()
    except RequestsAuthException:
        raise
    except (requests.RequestException, ValueError) as error:
        problem = type(error).__name__  # raised below: this exception may hold a secret
    else:
        prepared.hooks = {}  # one call has one answer
        return prepared
    raise ConfigurationError(f"no request to {host} can be written: {problem}", hint="check URLs and secrets")


def _settings(url: str, own: requests.Session | None, route: Route) -> dict[str, Any]:
    """How to send: what a session and the environment say of proxies and certificates, and a route."""
    session = own or Unmoved()
    settings = session.merge_environment_settings(url, proxies={}, stream=True, verify=None, cert=None)
    stays = is_loopback(urlsplit(url).hostname or "")  # it may be plain http, which a proxy could read
    if stays and not (own and own.proxies):
        settings["proxies"] = {}
    if route.proxy and (not stays or is_loopback(urlsplit(route.proxy).hostname or "")):
        settings["proxies"] = {"http": route.proxy, "https": route.proxy}
    if route.ca_bundle:
        settings["verify"] = route.ca_bundle
    if route.cert:
        settings["cert"] = route.cert
    return dict(settings)


def _late(host: str, seconds: float) -> RequestsAuthException:
    return TimeoutOccurred(f"{host} did not answer within {seconds:g} s", hint="try again, or raise timeout")


def _unavailable(reply: Reply | str, host: str, asked_seconds: float | None) -> RequestsAuthException:
    if isinstance(reply, str):
        hints = (word for known, word in _HINTS.items() if known in reply)
        hint = next(hints, f"look whether {host} answers")
        return ProviderUnavailable(f"cannot reach {host}: {reply}", hint=hint)
    when = "" if asked_seconds is None else f", and asks to come back in {asked_seconds:.0f} s"
    return ProviderUnavailable(f"{host} answered {reply.status}{when}", hint="try again later")


def _accepted(reply: Reply, host: str) -> Reply:
    if reply.status in range(300, 400):
        # Followed, a 307 would carry the client's secret to wherever it points (RFC 9700 section 4.12).
        raise InvalidProviderResponse(
            f"{host} answered {reply.status}, a redirect; it was not followed",
            hint="check the URLs of the provider",
        )
    if len(reply.body) > _LIMIT:
        raise InvalidProviderResponse(
            f"{host} answered more than {_LIMIT:,} bytes", hint="check the URLs of the provider"
        )
    if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise InvalidProviderResponse(
            f"{host} answered in an encoding that was not asked for", hint="tell the provider (RFC 9110)"
        )
    return reply


def _asked_pause(reply: Reply | str, now: float) -> float | None:
    """Seconds until the provider wants to be asked again (RFC 9110 section 10.2.3), where it says."""
    asked = "" if isinstance(reply, str) else reply.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return min(float(asked), 1e9)
    try:
        when = parsedate_to_datetime(asked)
        return max(when.replace(tzinfo=when.tzinfo or UTC).timestamp() - now, 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _bottom(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _cause(error: BaseException) -> str:
    """The name of what is at the bottom of an exception: its text may hold the request."""
    error = _bottom(error)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return reason or type(error).__name__
