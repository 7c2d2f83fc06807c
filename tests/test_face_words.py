"""What a class of requests_auth says when something goes wrong: no word that only profiles have."""

import re
import socket
from collections.abc import Callable

import pytest
import requests
from callback import SignIn
from faults import SECRET, World, query, redirect_port, stranger, world

from requests_auth_profiles import Basic, QueryApiKey
from requests_auth_profiles._requests_auth.cache import AGAIN
from requests_auth_profiles.errors import (
    CompositionConflict,
    ConfigurationError,
    GrantNotProvided,
    HostNotAllowed,
    InteractionRequired,
    InvalidGrantRequest,
    InvalidProviderResponse,
    InvalidToken,
    ProviderUnavailable,
    RedirectPortUnavailable,
    RequestsAuthException,
    SignInRefused,
    TimeoutOccurred,
)
from requests_auth_profiles.testing import Reply

__all__ = ["world"]

# What means something for profiles only; keys of theirs may be told if it is told whose they are.
ONLY_FOR_PROFILES = re.compile(r"requests-auth |the profile|[0-9a-f]{32}")
OF_A_PROFILE = re.compile(r"redirect_port|client_auth|allow_http|\bin = ")
Trouble = Callable[[World], object]


def answered(*replies: Reply) -> Trouble:
    """A token request of a program that gets these answers."""

    def trouble(world: World) -> None:
        world.server.replies["token"] += replies
        world.machine().token()

    return trouble


def refused(error: str) -> Trouble:
    """A sign-in that the provider refuses in the browser."""

    def trouble(world: World) -> None:
        def visit(url: str) -> None:
            state = world.browser.asked[-1]["state"]
            world.browser.pages.append(stranger(redirect_port(url), "GET", query(error=error, state=state)))

        world.browser.visit = visit
        try:
            world.pkce().token()
        finally:
            world.browser.rest()

    return trouble


def a_busy_port(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        world.pkce(redirect_uri_port=busy.getsockname()[1]).token()


def nobody(world: World) -> None:
    world.browser.visit = lambda _: None
    world.pkce(timeout=0.5).token()


def slow(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world.machine(token_url=f"http://127.0.0.1:{silent.getsockname()[1]}/token", timeout=0.5).token()


def unreachable(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    world.machine(token_url=f"http://127.0.0.1:{port}/token").token()


def wrong_password(world: World) -> None:
    world.server.passwords["ada"] = "another"
    world.password(session_auth=("job", SECRET)).token()


TROUBLES: dict[str, tuple[Trouble, type[RequestsAuthException], str]] = {
    "wrong secret": (
        lambda world: world.machine(secret="wr0ng").token(),
        InvalidGrantRequest,
        "client_secret",
    ),
    "wrong password": (wrong_password, InvalidGrantRequest, "check username and password"),
    "scope": (answered(Reply.json({"error": "invalid_scope"}, 400)), InvalidGrantRequest, "scopes"),
    "busy": (answered(*[Reply(503)] * 3), ProviderUnavailable, "try again later"),
    "redirect": (answered(Reply(302, {"Location": "/"})), InvalidProviderResponse, "check the URLs"),
    "a page": (answered(Reply(200, {}, b"<html>")), InvalidProviderResponse, "check the URLs"),
    "no error code": (answered(Reply(400)), InvalidProviderResponse, "check the URLs"),
    "no token": (answered(Reply.json({})), GrantNotProvided, "check the scopes"),
    "no bearer": (answered(Reply.json({"access_token": "a", "token_type": "mac"})), InvalidToken, "ask for"),
    "slow": (slow, TimeoutOccurred, "raise timeout"),
    "unreachable": (unreachable, ProviderUnavailable, "answers"),
    "a busy port": (a_busy_port, RedirectPortUnavailable, "redirect_uri_port=0 in a class"),
    "nobody": (nobody, TimeoutOccurred, "send the request again; or raise timeout"),
    "denied": (refused("access_denied"), SignInRefused, "sign in again"),
    "asked wrongly": (refused("invalid_request"), SignInRefused, "redirect URI"),
    "http": (
        lambda world: requests.get("http://api.acme.com/", auth=world.machine()),
        HostNotAllowed,
        "https",
    ),
    "a key in the query": (
        lambda _: QueryApiKey("k").headers("https://a.com"),
        ConfigurationError,
        "HeaderApiKey",
    ),
    "one header": (lambda world: world.machine() + Basic("a", "b"), CompositionConflict, "header_name"),
}


@pytest.mark.parametrize(("trouble", "kind", "hint"), TROUBLES.values(), ids=TROUBLES.keys())
def test_the_hint_is_for_a_class(
    world: World, trouble: Trouble, kind: type[RequestsAuthException], hint: str
) -> None:
    """The hint says what to do next, where there is no profile to do it to."""
    with pytest.raises(kind) as caught:
        trouble(world)
    said = str(caught.value)
    assert hint in caught.value.hint
    assert not ONLY_FOR_PROFILES.search(said)
    assert not OF_A_PROFILE.search(said) or "in a profile" in said


def test_nobody_can_be_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI, the error names the class, and one that needs nobody."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(InteractionRequired, match="OAuth2AuthorizationCodePKCE") as caught:
        world.pkce().token()
    assert "OAuth2ClientCredentials" in caught.value.hint
    assert not ONLY_FOR_PROFILES.search(str(caught.value))


def test_the_page_of_a_failure(world: World) -> None:
    """Nor does the browser tell of a command that is for profiles."""
    with pytest.raises(SignInRefused):
        refused("access_denied")(world)
    assert b"refused the sign-in" in world.browser.pages[-1]
    assert b"requests-auth login" not in world.browser.pages[-1]


def test_the_page_of_a_program_that_stopped_waiting() -> None:
    """Where no error of ours says what to do next, the browser says what there is to do for a class."""
    with SignIn(failure=RuntimeError("stopped"), again=AGAIN) as sign_in:
        page = sign_in.get().decode()
    assert AGAIN in page
    assert "requests-auth login" not in page
