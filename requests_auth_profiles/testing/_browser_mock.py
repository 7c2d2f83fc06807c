"""A browser for tests: it opens what it is told to, and brings the answer that it is told to."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Lock
from unittest import mock
from urllib.parse import parse_qs, parse_qsl, urlsplit

from requests_auth_profiles._oauth2.id_token import Expected
from requests_auth_profiles._oauth2.loopback import Loopback
from requests_auth_profiles._oauth2.page import bounce
from requests_auth_profiles.testing._created_token import is_created

__all__ = ["BrowserMock", "Tab"]

_FRESH = {"code_challenge", "code_challenge_method", "nonce", "state"}
_PATIENCE_SECONDS = 10.0
_EXCHANGE_SECONDS = 60.0
_OK = 200
_LONGEST_TEXT = 299  # what the page shows whole of a longer one


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a tab shows at the end.

    Args:
        body: the page.
        good: whether it says that the sign-in is done.
    """

    body: str
    good: bool

    @property
    def text(self) -> str:
        """What a person reads."""
        bare = re.sub(r"(?s)<(style|script)\b.*?</\1>|<[^>]*>", " ", self.body)
        return _one_line(html.unescape(bare))


class Tab:
    """A tab of the browser: the address that it opens, and the answer that it then brings.

    Args:
        opened_url: the authorization URL, as `BrowserMock.add_response` takes it.
        reply_url: where the provider sends the browser; None = it never does.
        data: what is posted there; None = it is visited.
        displayed_html: the page that is then shown; None = any.
    """

    def __init__(
        self, opened_url: str, reply_url: str | None, data: str | None, displayed_html: str | None
    ) -> None:
        self.opened_url = opened_url
        self._reply_url = reply_url
        self._data = data
        self._displayed_html = displayed_html
        self._page: Future[_Shown] | None = None
        self._checked = reply_url is None

    @property
    def is_opened(self) -> bool:
        """Whether the browser was sent to its address."""
        return self._page is not None

    def assert_success(self, timeout: int = 1) -> None:
        """Fails where the browser does not show that the sign-in is done.

        Args:
            timeout: milliseconds after which the page closes, as in `DisplaySettings.success_display_time`.

        Raises:
            AssertionError: it does not.
        """
        shown = self._shown()
        if not shown.good:
            raise AssertionError(f"the sign-in failed; the browser shows: {shown.text}")
        self._assert_displayed(shown, timeout, "")

    def assert_failure(self, expected_message: str, timeout: int = 10_000) -> None:
        """Fails where the browser does not show that the sign-in failed, and why.

        Args:
            expected_message: what it says, or a part of it.
            timeout: milliseconds after which the page closes, as in `DisplaySettings.failure_display_time`.

        Raises:
            AssertionError: it does not.
        """
        shown = self._shown()
        if shown.good:
            raise AssertionError(f"the sign-in did not fail; the browser shows: {shown.text}")
        if _one_line(expected_message)[:_LONGEST_TEXT] not in shown.text:
            raise AssertionError(f"{expected_message!r} is not what the browser shows: {shown.text}")
        self._assert_displayed(shown, timeout, expected_message)

    def assert_checked(self) -> None:
        """Fails where neither `assert_success` nor `assert_failure` was called.

        Raises:
            AssertionError: neither was.
        """
        if not self._checked:
            told = "was not checked" if self.is_opened else "was not opened"
            raise AssertionError(f"{self.opened_url} {told}: call assert_success() or assert_failure(…)")

    def open(self, authorization_url: str) -> None:
        """Brings the answer, in a thread."""
        if self._reply_url is None:
            self._page = Future()
            return
        asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        arguments = (
            urlsplit(asked["redirect_uri"]).port or 80,
            self._with_state(self._reply_url, asked["state"]),
            None if self._data is None else self._with_state(self._data, asked["state"]),
        )
        threads = ThreadPoolExecutor(1, "browser-mock")
        self._page = threads.submit(_visit, *arguments)
        threads.shutdown(wait=False)

    def _with_state(self, said: str, state: str) -> str:
        """What is said, with the real state where it says the one that the opened URL showed."""
        shown = re.search(r"[?&]state=([^&#]*)", self.opened_url)
        if shown is None:
            return said
        return re.sub(rf"(?<![^?&#])state={re.escape(shown[1])}(?![^&#])", f"state={state}", said)

    def _shown(self) -> _Shown:
        self._checked = True
        if self._page is None:
            raise AssertionError(f"the browser did not open {self.opened_url}")
        try:
            return self._page.result(_PATIENCE_SECONDS)
        except TimeoutError:
            raise AssertionError("the browser still waits for its page") from None
        except (OSError, HTTPException) as error:
            raise AssertionError(f"the browser could not open {self._reply_url}: {error}") from error

    def _assert_displayed(self, shown: _Shown, timeout: int, message: str) -> None:
        closing = re.search(r"setTimeout\(close, (\d+)\)", shown.body)
        if self._displayed_html is not None:
            expected = self._displayed_html.format(display_time=timeout, information=html.escape(message))
            if shown.body != expected:
                raise AssertionError(f"the browser shows {shown.body!r}, not {expected!r}")
        elif closing is not None and int(closing[1]) != timeout:
            raise AssertionError(f"the page closes after {closing[1]} ms, not after {timeout} ms")


class BrowserMock:
    """A browser that opens no window, and brings the answers that it is told to."""

    def __init__(self) -> None:
        self._tabs: list[Tab] = []
        self._opening = Lock()

    def add_response(
        self,
        opened_url: str,
        reply_url: str | None,
        data: str | None = None,
        displayed_html: str | None = None,
    ) -> Tab:
        """Says what happens when the browser is sent to an address.

        What is new in each sign-in is not compared: `state`, `nonce`, the challenge, the port of
        `redirect_uri`. All else is, in any order. An address without `redirect_uri` is a shorthand, for which
        what it leaves out is not compared, nor whether it is https.

        Args:
            opened_url: the address.
            reply_url: where the provider sends the browser from there; a `state` that is the one of
                `opened_url` becomes the real one, and so does the port. None = it never does.
            data: what is posted there, in the place of a fragment; None = it is visited.
            displayed_html: the page that is then shown, with `{display_time}`, and for a failure
                `{information}`, in it; None = any.
        """
        tab = Tab(opened_url, reply_url, data, displayed_html)
        self._tabs.append(tab)
        return tab

    def assert_checked(self) -> None:
        """Fails where a tab was not looked at.

        Raises:
            AssertionError: one was not.
        """
        for tab in self._tabs:
            tab.assert_checked()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Takes the browser's place for as long as the block lasts, for classes and for profiles."""
        check = Expected.check

        def check_others(self: Expected, id_token: str, access_token: str, now: float) -> None:
            if not is_created(id_token):
                check(self, id_token, access_token, now)

        # Patched, as a setting for it would be a way to weaken the check.
        with (
            mock.patch.object(Expected, "check", check_others),
            mock.patch.object(Loopback, "stand_in", self),
        ):
            yield

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:  # noqa: ARG002
        """Opens the tab of an address.

        Raises:
            AssertionError: there is none.
        """
        with self._opening:
            fitting = [tab for tab in self._tabs if _fits(tab.opened_url, authorization_url)]
            tab = next((one for one in fitting if not one.is_opened), None)
            if tab is None:
                told = "opened once more" if fitting else "opened, for which there is no response"
                known = "".join(f"\n  {one.opened_url}" for one in self._tabs) or " none"
                raise AssertionError(f"{authorization_url} was {told}. There are responses for:{known}")
            tab.open(authorization_url)

    def show_code(self, profile: str, provider: str, code: object) -> None:
        """Nothing: a code opens no browser."""

    def waiting(self, seconds_left: float, what: str = "") -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""


def _visit(port: int, reply_url: str, data: str | None) -> _Shown:
    """What a browser shows that is sent to a redirect URI on this machine, at this port."""
    parts = urlsplit(reply_url)
    host = re.sub(r":\d*$", "", parts.netloc)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def ask(method: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        connection = HTTPConnection("localhost", port, timeout=_EXCHANGE_SECONDS)
        try:
            connection.request(method, target, body, {"Host": f"{host}:{port}", **headers})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    posted = data
    if posted is None:
        status, body = ask("GET")
        if body != bounce().body.decode():
            return _Shown(body, status == _OK)
        if not parts.fragment and not parts.query:
            return _Shown(body, good=False)
        posted = parts.fragment
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{host}:{port}"}
    status, body = ask("POST", posted, **form)
    return _Shown(body, status == _OK)


def _fits(expected_url: str, url: str) -> bool:
    """Whether an address is the one that is expected."""
    (scheme, place, expected), (real_scheme, real_place, real) = _compared(expected_url), _compared(url)
    if any(name == "redirect_uri" for name, _ in expected):
        return (scheme, place, expected) == (real_scheme, real_place, real)
    return place == real_place and expected <= real


def _compared(url: str) -> tuple[str, str, Counter[tuple[str, str]]]:
    """What is compared of an address."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    said = Counter((name, _portless(name, value)) for name, value in pairs if name not in _FRESH)
    return parts.scheme, parts.netloc.lower() + (parts.path or "/"), said


def _portless(name: str, value: str) -> str:
    return re.sub(r"^(https?://[^/?#]*?):\d+", r"\1", value) if name == "redirect_uri" else value


def _one_line(text: str) -> str:
    """Text as a page of ours shows it."""
    return " ".join("".join(one for one in text if one.isprintable() or one.isspace()).split())
