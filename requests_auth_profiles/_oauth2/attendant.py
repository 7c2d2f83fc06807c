"""Who takes the person to the provider, and tells what is waited for."""

import os
import sys
import webbrowser
from contextlib import suppress
from subprocess import DEVNULL, Popen
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from requests_auth_profiles.errors import InteractionRequired

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.device import UserCode

__all__ = ["Attendant", "BrowserAttendant"]

_STDERR = 2
_OURS = "REQUESTS_AUTH_"
_MINUTE = 60


class Attendant(Protocol):
    """Takes the person to the provider."""

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        """Shows the person where to sign in; does not wait for it."""

    def show_code(self, profile: str, provider: str, code: "UserCode") -> None:
        """Shows the person what to type, and where, on any device; does not wait for it."""

    def waiting(self, seconds_left: float) -> None:
        """Called about twice a second while the person signs in."""

    def done(self) -> None:
        """Called when nobody is waited for any more, however that came."""


class BrowserAttendant:
    """Opens the person's browser, and writes the address to stderr for where none opens."""

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        """Opens the browser; some of them return only when they are closed, hence the thread."""
        self._say(
            f"Sign in to {provider} for {profile} in your browser. If it does not open, go to:\n"
            f"{authorization_url}\n"
        )
        thread = Thread(target=_open, args=(authorization_url,), name="requests-auth-browser", daemon=True)
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

    def waiting(self, seconds_left: float) -> None:
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


def _open(url: str) -> None:
    # BROWSER may be a list, of which get() without a name gives the first.
    for name in (None, *os.environ.get("BROWSER", "").split(os.pathsep)[1:]):
        # The last two come where BROWSER is no command line. The address is on stderr in any case.
        with suppress(webbrowser.Error, OSError, ValueError, IndexError):
            if _opens(webbrowser.get(name), url):
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
    talk = DEVNULL if background or sys.__stderr__ is None else _STDERR
    command = [browser.name, *(argument.replace("%s", url) for argument in arguments)]
    # Nor with our own secrets, which all that it starts would inherit.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with Popen(
        command,
        stdin=DEVNULL if background else None,
        stdout=talk,
        stderr=talk,
        start_new_session=background,
        env=environment,
    ):
        return True  # when it has ended
