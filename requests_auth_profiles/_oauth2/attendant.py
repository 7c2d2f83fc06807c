"""Who takes the person to the provider, and tells what is waited for."""

import os
import sys
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from shutil import which
from subprocess import DEVNULL, Popen
from threading import Thread
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, urlsplit

from requests_auth_profiles._surroundings import container, in_wsl, over_ssh
from requests_auth_profiles.errors import ConfigurationError, InteractionRequired

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.device import UserCode

__all__ = ["SIGNING_IN", "Attend", "Attendant", "BrowserAttendant"]

SIGNING_IN = "waiting for you to sign in"

_STDERR = 2
_OURS = "REQUESTS_AUTH_"
_MINUTE = 60
_BATCH = (".bat", ".cmd")
_IN_WINDOWS = ("wslview", "explorer.exe")  # the first is of wslu, and knows more kinds of addresses


class Attendant(Protocol):
    """Takes the person to the provider."""

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        """Shows the person where to sign in; does not wait for it."""

    def show_code(self, profile: str, provider: str, code: "UserCode") -> None:
        """Shows the person what to type, and where, on any device; does not wait for it."""

    def waiting(self, seconds_left: float, what: str = SIGNING_IN) -> None:
        """Called about twice a second while the person signs in, or once while another process has the token.

        Args:
            seconds_left: until nobody waits for it any more.
            what: what goes on, for a person to read.
        """

    def done(self) -> None:
        """Called when nobody is waited for any more, however that came."""


Attend = Callable[[Sequence[str]], Attendant]
"""Gives an attendant, by the words of the browser that a profile names: none = the person's own."""


class BrowserAttendant:
    """Opens a browser, and writes the address to stderr for where none opens.

    Args:
        browser: a browser's name, or a program and its arguments, with `%s` for the address; empty = the
            person's own.
    """

    def __init__(self, browser: Sequence[str] = ()) -> None:
        self._browser = browser

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        """Opens the browser; some of them return only when they are closed, hence the thread.

        Raises:
            ConfigurationError: the profile's browser is not there, and there is no stderr for the address.
        """
        address = f"{authorization_url}\n{_way_back(authorization_url)}"
        try:
            browsers = iter([_named(self._browser)]) if self._browser else _own()
        except webbrowser.Error as error:
            # Another one may be signed in as somebody else: the person is the one to take it.
            problem = f"browser of profile {profile!r} names {self._browser[0]}, which {error}"
            hint = f"install it, or name another: requests-auth edit {profile}"
            if not self._say(
                f"No browser opens: {problem}.\n  hint: {hint}\n"
                f"Sign in to {provider} for {profile} at:\n{address}"
            ):
                raise ConfigurationError(problem, hint=hint) from None
            return
        self._say(
            f"Sign in to {provider} for {profile} in your browser. If it does not open, go to:\n{address}"
        )
        arguments = browsers, authorization_url
        thread = Thread(target=_open, args=arguments, name="requests-auth-browser", daemon=True)
        with suppress(RuntimeError):  # there may be too many; the address is on stderr
            thread.start()

    def show_code(self, profile: str, provider: str, code: "UserCode") -> None:
        """Writes the code to stderr, and opens nothing.

        Who has a browser here has a better flow, whose answer comes to this machine alone (RFC 8628 section
        5.4); and where this flow is needed, what would open is a browser in this very terminal, or on the
        screen of somebody else.

        Raises:
            InteractionRequired: there is no stderr.
        """
        link = f"    link   {code.link}\n" if code.link else ""  # one that a terminal can open
        minutes = code.seconds / _MINUTE
        good = f"{minutes:.0f} min" if minutes >= 2 else f"{code.seconds:.0f} s"  # noqa: PLR2004
        told = self._say(
            f"Sign in to {provider} for {profile}, with a browser on this or any other device:\n\n"
            f"    page   {code.page}\n"
            f"    code   {self._strong(code.text)}\n"
            f"{link}\n"
            f"The code is good for {good}. Give it to nobody, and confirm only what you have begun here.\n"
        )
        if not told:  # nobody can type what nobody sees
            raise InteractionRequired(
                f"a person must sign in to {provider} for {profile}, and there is no stderr for a code",
                hint=f"in a terminal, and with the same store: requests-auth login {profile}",
            )

    def waiting(self, seconds_left: float, what: str = SIGNING_IN) -> None:
        """Nothing: a program's own output is not ours to fill."""

    def done(self) -> None:
        """Nothing, likewise."""

    def _say(self, text: str) -> bool:
        """Writes to stderr, and tells whether there is one."""
        with suppress(OSError, ValueError):  # it may be closed
            if sys.stderr is not None:  # as in a program without a console on Windows
                sys.stderr.write(text)
                sys.stderr.flush()
                return True
        return False

    def _strong(self, text: str) -> str:
        return text


def _way_back(authorization_url: str) -> str:
    """What a person at another machine has to do, so that the answer finds its way back; often nothing."""
    if os.environ.get("BROWSER") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    port = urlsplit(dict(parse_qsl(urlsplit(authorization_url).query)).get("redirect_uri", "")).port
    if port is None or not (over_ssh() or container()):
        return ""
    here, way = "container", "run it with the host's network (docker run --network host)"
    if over_ssh():
        here, way = "machine", f"on the other one: ssh -N -L {port}:localhost:{port} THIS-MACHINE"
    return (
        f"A browser elsewhere must reach port {port} of this {here}: {way}. "
        'Or take flow = "device-code", which needs no way back.\n'
    )


def _named(words: Sequence[str]) -> webbrowser.BaseBrowser:
    """The browser that these words name.

    Raises:
        webbrowser.Error: it is not here, or none to be started with an address.
    """
    if len(words) == 1:
        with suppress(webbrowser.Error):
            return webbrowser.get(words[0])
    program = which(os.path.expanduser(words[0]))  # noqa: PTH111  a name without a folder stays one
    if program is None:
        raise webbrowser.Error("is not to be found")
    if program.lower().endswith(_BATCH):
        # Windows has its shell start them, for which each & in an address begins another command.
        raise webbrowser.Error("is a batch file, whose shell would take a part of the address for a command")
    says_where = any("%s" in word for word in words[1:])
    return webbrowser.BackgroundBrowser([program, *words[1:], *(() if says_where else ("%s",))])


def _own() -> Iterator[webbrowser.BaseBrowser]:
    """The person's own browsers, the one to take first."""
    if in_wsl() and not os.environ.get("BROWSER"):
        for program in filter(None, map(which, _IN_WINDOWS)):
            yield webbrowser.BackgroundBrowser([program, "%s"])
    # BROWSER may be a list, of which get() without a name gives the first.
    for name in (None, *os.environ.get("BROWSER", "").split(os.pathsep)[1:]):
        with suppress(webbrowser.Error, ValueError, IndexError):  # it may be no command line
            yield webbrowser.get(name)


def _open(browsers: Iterator[webbrowser.BaseBrowser], url: str) -> None:
    for browser in browsers:
        with suppress(webbrowser.Error, OSError, ValueError, IndexError):  # the address is on stderr
            if _opens(browser, url):
                return


def _opens(browser: webbrowser.BaseBrowser, url: str) -> bool:
    """Whether a browser could be started; returns when it has ended, if it is ours to wait for."""
    if isinstance(browser, webbrowser.GenericBrowser):
        arguments, background = browser.args, isinstance(browser, webbrowser.BackgroundBrowser)
    elif isinstance(browser, webbrowser.UnixBrowser):
        arguments, background = ["%s"], browser.background
    else:
        return browser.open(url)
    # Not by its own open(): what a browser says would stand in what our program prints, and nobody would
    # wait for its end. One that is not for the background may be for this very terminal.
    _run([browser.name, *(argument.replace("%s", url) for argument in arguments)], background=background)
    return True  # when it has ended


def _run(command: list[str], *, background: bool) -> None:
    """Runs a browser to its end."""
    talk = DEVNULL if background or sys.__stderr__ is None else _STDERR
    # Not with our own secrets, which all that it starts would inherit.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with Popen(
        command,
        stdin=DEVNULL if background else None,
        stdout=talk,
        stderr=talk,
        start_new_session=background,
        env=environment,
    ):
        pass  # it is waited for
