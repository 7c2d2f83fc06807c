"""The fixtures for pytest. This module is a plugin of every run where the package is installed.

So it only offers: nothing is done, and nothing but pytest imported, before a test asks for a fixture.
"""

import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from requests_auth_profiles.testing._authorization_server import AuthorizationServer
    from requests_auth_profiles.testing._browser_mock import BrowserMock

__all__ = [
    "authorization_server",
    "browser_mock",
    "no_browser",
    "profiles_file",
    "token_cache",
    "token_cache_mock",
    "token_mock",
]


@pytest.fixture
def token_mock() -> str:
    """The token that `token_cache_mock` gives: write a fixture of this name for another one."""
    return "2YotnFZFEjr1zCsicMWpAA"


@pytest.fixture
def token_cache_mock(token_mock: str) -> Iterator[None]:
    """All OAuth2 classes have the token of `token_mock`, without a browser or a network."""
    from requests_auth_profiles._requests_auth.oauth2 import OAuth2

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OAuth2, "token_cache", _Constant(token_mock))
        yield


@pytest.fixture
def token_cache() -> Iterator[Any]:
    """`OAuth2.token_cache`, emptied at the end, and put back where the test has put another one."""
    from requests_auth_profiles._requests_auth.oauth2 import OAuth2

    cache = OAuth2.token_cache
    yield cache
    OAuth2.token_cache = cache
    cache.clear()


@pytest.fixture
def browser_mock() -> "Iterator[BrowserMock]":
    """A browser that opens no window: say with `add_response` what it opens, and which answer it brings.

    Listeners take any free port meanwhile, and ID tokens of `create_token` are accepted.
    """
    from requests_auth_profiles._config.environment import INTERACTIVE
    from requests_auth_profiles.testing._browser_mock import BrowserMock

    browser = BrowserMock()
    with pytest.MonkeyPatch.context() as patch, browser.in_use():
        patch.setenv(INTERACTIVE, "1")
        yield browser
    browser.assert_checked()


@pytest.fixture
def no_browser() -> Iterator[None]:
    """No browser opens: where a person would have to sign in, `InteractionRequired` is raised at once."""
    from requests_auth_profiles._config.environment import INTERACTIVE
    from requests_auth_profiles._oauth2.loopback import Loopback

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(INTERACTIVE, "0")
        patch.setattr(Loopback, "stand_in", _Nobody())
        yield


@pytest.fixture
def authorization_server() -> "Iterator[AuthorizationServer]":
    """An authorization server on the loopback, at a free port, for this test alone."""
    from requests_auth_profiles.testing._authorization_server import AuthorizationServer

    with AuthorizationServer() as server:
        yield server


@pytest.fixture
def profiles_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Writes the profiles file: `profiles_file("…")` gives its path, and `profile()` reads it.

    HOME is a fresh folder meanwhile, and nothing of the environment that the package reads is left, neither
    of a person's nor of a CI server's.
    """
    from requests_auth_profiles._config import environment

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in _foreign_variables():
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        for name, folder in (("USERPROFILE", "."), ("APPDATA", "roaming"), ("LOCALAPPDATA", "local")):
            patch.setenv(name, str(home / folder))
        path = environment.config_folder() / "profiles.toml"
        patch.setenv(environment.FILE, str(path))

        def write(text: str) -> Path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(textwrap.dedent(text), "utf-8")
            return path

        yield write


def _foreign_variables() -> list[str]:
    """What a person's session or a CI server sets, and what would change how the package behaves."""
    from requests_auth_profiles._config.environment import CI_VARIABLES, INTERACTIVE
    from requests_auth_profiles._oauth2.loopback import Loopback

    # Another fixture's word on whether somebody can be asked is the test's own.
    kept = {INTERACTIVE} if Loopback.stand_in is not None else set()
    named = {*CI_VARIABLES, "DBUS_SESSION_BUS_ADDRESS"}
    return [
        name
        for name in os.environ
        if name not in kept and (name in named or name.startswith(("REQUESTS_AUTH_", "XDG_")))
    ]


class _Constant:
    """A token cache that has one token, whatever is asked for."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, key: str, **how: Any) -> str:  # noqa: ARG002
        """The token."""
        return self._token

    def clear(self) -> None:
        """Nothing."""


class _Nobody:
    """An attendant where nobody is."""

    def show_code(self, profile: str, provider: str, code: object) -> None:  # noqa: ARG002
        """Refuses."""
        self.invite(profile, provider, "")

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:  # noqa: ARG002
        """Refuses."""
        from requests_auth_profiles.errors import InteractionRequired

        raise InteractionRequired(
            f"a person must sign in to {provider} for {profile}, and none can be asked here",
            hint="give the test a token, or take browser_mock instead of no_browser",
        )

    def waiting(self, seconds_left: float, what: str = "") -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""
