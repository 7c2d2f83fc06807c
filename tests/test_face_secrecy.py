"""What the errors of the classes of requests_auth show: no secret, in no variable of a frame of ours."""

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from faults import PASSWORD, World, world
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from requests_auth_profiles import (
    NTLM,
    Basic,
    HeaderApiKey,
    OAuth2,
    OAuth2AuthorizationCode,
    OAuth2ClientCredentials,
    OktaClientCredentials,
    TokenMemoryCache,
)
from requests_auth_profiles.errors import ConfigurationError, GrantNotProvided, InvalidGrantRequest
from requests_auth_profiles.testing import Reply

__all__ = ["world"]

CANARY = "pässCANARY"
URL = "https://idp.example/token"


class Foreign:
    """A cache of somebody else's, which renews whatever it has a refresh token for.

    Args:
        given: what it gives instead of a token.
    """

    def __init__(self, given: object = ...) -> None:
        self._given = given
        self._refresh_tokens: dict[str, str] = {}

    def get_token(self, key: str, *, on_missing_token: Any, on_expired_token: Any, **_: Any) -> Any:
        if self._given is not ...:
            return self._given
        old = self._refresh_tokens.pop(key, None)
        won = on_missing_token() if old is None else on_expired_token(old)
        self._refresh_tokens |= {key: won[3]} if len(won) > 3 else {}
        return won[1]


class Writing(AuthBase):
    """An auth of the person's own that writes this header."""

    def __init__(self, header: str | bytes) -> None:
        self._header = header

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["Authorization"] = self._header
        return r


def shown(caught: pytest.ExceptionInfo[BaseException]) -> str:
    """What a report of an error and its causes shows: their words, and the variables of frames of ours."""
    told, error = "", traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    while error is not None:
        told += "".join(error.format_exception_only())
        told += "".join(
            str(frame.locals) for frame in error.stack if "requests_auth_profiles" in frame.filename
        )
        error = error.__cause__ or error.__context__
    return told


@pytest.mark.parametrize(
    "client",
    [
        HTTPBasicAuth("id", CANARY),
        HTTPBasicAuth(b"id", CANARY.encode()),
        Writing(b"basic aWQ6Q0FOQVJZQ0FOQVJZ"),
        Writing("Basic CANARY!"),
        Writing("Basic Q0FOQVJZ="),
        Writing("Basic"),
    ],
    ids=["Latin-1", "UTF-8", "bytes", "no base64", "cut", "nothing"],
)
def test_whatever_a_client_proves_itself_by(world: World, client: AuthBase) -> None:
    """A refusal is an error of ours, and repeats nothing of the secret that the provider repeats."""
    said = {"error": "invalid_client", "error_description": f"{CANARY} is wrong"}
    world.server.replies["token"].append(Reply.json(said, 401))
    with pytest.raises(InvalidGrantRequest) as caught:
        world.password(session_auth=client).token()
    assert PASSWORD not in shown(caught)
    if isinstance(client, HTTPBasicAuth):
        assert "CANARY" not in shown(caught)


@pytest.mark.parametrize("error", [{"access_token": "CANARY\n"}, {"token_type": "mac"}])
def test_a_cache_of_others(world: World, monkeypatch: pytest.MonkeyPatch, error: dict[str, str]) -> None:
    """An answer that cannot be used leaves no password, and nothing of what came, in a variable."""
    monkeypatch.setattr(OAuth2, "token_cache", Foreign())
    world.answer_next({"access_token": "CANARY", "refresh_token": "CANARY"} | error)
    with pytest.raises(Exception) as caught:
        world.password().token()
    assert type(caught.value).__module__.startswith("requests_auth_profiles")
    assert PASSWORD not in shown(caught)
    assert "CANARY" not in shown(caught)


def test_a_cache_of_others_that_refreshes_in_vain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with nothing but another refresh token is an error of ours, which shows neither."""
    monkeypatch.setattr(OAuth2, "token_cache", Foreign())
    auth = world.password()
    world.answer_next({"access_token": "a", "refresh_token": "CANARY1", "expires_in": 1})
    auth.token()
    world.answer_next({"refresh_token": "CANARY2"})
    with pytest.raises(GrantNotProvided) as caught:
        auth.token()
    assert "CANARY" not in shown(caught)


class Wrapping(TokenMemoryCache):
    """Ours, with functions of its own around those that it is given."""

    def get_token(self, key: str, *, on_missing_token: Any, on_expired_token: Any, **options: Any) -> str:
        return super().get_token(
            key,
            on_missing_token=partial(on_missing_token),
            on_expired_token=partial(on_expired_token),
            **options,
        )


def test_a_cache_made_of_ours_that_refreshes_in_vain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps the refresh token that came, and sends that one the next time (RFC 9700 section 4.14.2)."""
    monkeypatch.setattr(OAuth2, "token_cache", Wrapping())
    auth = world.password()
    world.answer_next({"access_token": "a", "refresh_token": "first", "expires_in": 0})
    auth.token()
    world.answer_next({"refresh_token": "second"})
    with pytest.raises(GrantNotProvided):
        auth.token()
    world.answer_next({"access_token": "b"})
    assert auth.token().access_token == "b"
    assert [form.get("refresh_token") for form in world.token_forms] == [None, "first", "second"]


@pytest.mark.parametrize(
    "given", [None, "", b"CANARY", ("key", "CANARY")], ids=["None", "empty", "bytes", "all"]
)
def test_a_cache_of_others_that_gives_no_token(
    world: World, monkeypatch: pytest.MonkeyPatch, given: object
) -> None:
    """The error names the cache and what it must give, and does not show what it gave."""
    monkeypatch.setattr(OAuth2, "token_cache", Foreign(given))
    with pytest.raises(ConfigurationError, match=r"Foreign, .* gave no token") as caught:
        world.call(world.machine())
    assert "get_token" in caught.value.hint
    assert "CANARY" not in shown(caught)
    assert world.api.requests == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: OAuth2ClientCredentials("http://remote.example/t", "id", CANARY),
        lambda: OAuth2ClientCredentials(URL, "id", CANARY, timeout="x"),  # type: ignore[arg-type]
        lambda: OAuth2ClientCredentials(URL, "id", client_secret=CANARY, header_value="x"),
        lambda: OAuth2ClientCredentials(f"https://user:{CANARY}@idp.example/t", "id", "x"),
        lambda: OAuth2ClientCredentials(URL, client_secret=CANARY),  # type: ignore[call-arg]
        lambda: OAuth2AuthorizationCode(URL, "http://remote.example/t", client_secret=CANARY),
        lambda: OktaClientCredentials(f"acme/{CANARY}", "id", "x", scope="a"),
        lambda: HeaderApiKey(CANARY, header_name="bad name"),
        lambda: HeaderApiKey("a", f"X-{CANARY} b"),
        lambda: Basic(CANARY, 1.5),  # type: ignore[arg-type]
        lambda: NTLM(CANARY, 5),  # type: ignore[arg-type]
    ],
)
def test_a_class_that_is_called_wrongly(make: Callable[[], object]) -> None:
    """The error of a call shows nothing that the call said."""
    with pytest.raises((ConfigurationError, TypeError)) as caught:
        make()
    assert caught.value.__traceback__ is not None
    assert CANARY not in shown(caught)
