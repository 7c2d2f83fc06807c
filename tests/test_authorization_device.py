"""The device flow of the authorization server for tests (RFC 8628), over HTTP by nothing but requests."""

import re
from typing import Any

import pytest
import requests
from authorization import SECRET, server

from requests_auth_profiles.testing import AuthorizationServer

__all__ = ["server"]

NOW = 1_700_000_000.0
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def waiting(server: AuthorizationServer) -> AuthorizationServer:
    """A server whose people answer for themselves, and whose clock stands still."""
    server.approve = False
    server.clock = lambda: NOW
    return server


def begin(server: AuthorizationServer, **more: str) -> dict[str, Any]:
    """What a device is told."""
    form = {"client_id": "app", "scope": "openid read"} | more
    answer = requests.post(f"{server.issuer}/device_authorization", form, timeout=10)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return dict(answer.json())


def poll(server: AuthorizationServer, told: dict[str, Any], client_id: str = "app") -> dict[str, Any]:
    """What the device is given."""
    form = {"grant_type": DEVICE_CODE, "device_code": told["device_code"], "client_id": client_id}
    return dict(requests.post(f"{server.issuer}/token", form, timeout=10).json())


def say(server: AuthorizationServer, user_code: str, approve: str) -> str:
    """The page that a person sees who answers the device."""
    url = f"{server.issuer}/device"
    return requests.post(url, {"approve": approve}, params={"user_code": user_code}, timeout=10).text


def test_it_is_announced(server: AuthorizationServer) -> None:
    """Discovery names the endpoint and the grant (RFC 8628 section 4)."""
    found = requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=10).json()
    assert found["device_authorization_endpoint"] == f"{server.issuer}/device_authorization"
    assert DEVICE_CODE in found["grant_types_supported"]


def test_what_a_device_is_told(server: AuthorizationServer) -> None:
    """All that section 3.2 asks for; the code is one that people can read out."""
    told = begin(server)
    assert re.fullmatch(r"[BCDFGHJ-NP-TVWXZ]{4}-[BCDFGHJ-NP-TVWXZ]{4}", told["user_code"])
    assert told["verification_uri_complete"] == f"{told['verification_uri']}?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)


def test_at_once(server: AuthorizationServer) -> None:
    """Where people approve at once, the first question gets the tokens, and no second one does."""
    told = begin(server)
    answer = poll(server, told)
    assert {"access_token", "refresh_token", "id_token"} <= {*answer}
    assert server.introspect(answer["access_token"])["sub"] == "ada"  # type: ignore[index]
    assert poll(server, told)["error"] == "invalid_grant"


def test_a_person_approves(waiting: AuthorizationServer) -> None:
    """Until they do, the device waits; the code may be typed in any way."""
    told = begin(waiting)
    page = requests.get(told["verification_uri_complete"], timeout=10).text
    assert "Sign in to app?" in page
    assert poll(waiting, told)["error"] == "authorization_pending"
    assert "go back to the device" in say(waiting, told["user_code"].lower().replace("-", " "), "yes")
    assert poll(waiting, told)["scope"] == "openid read"


def test_a_person_refuses(waiting: AuthorizationServer) -> None:
    """It is told to the device."""
    told = begin(waiting)
    say(waiting, told["user_code"], "no")
    assert poll(waiting, told)["error"] == "access_denied"


def test_too_often(waiting: AuthorizationServer) -> None:
    """A device that asks too soon is slowed down by five seconds each time."""
    told = begin(waiting)
    assert [poll(waiting, told)["error"] for _ in range(2)] == ["authorization_pending", "slow_down"]
    waiting.clock = lambda: NOW + 9
    assert poll(waiting, told)["error"] == "slow_down"
    waiting.clock = lambda: NOW + 9 + 15
    assert poll(waiting, told)["error"] == "authorization_pending"


def test_how_often_is_the_tests_own_word(waiting: AuthorizationServer) -> None:
    """A device that is told to ask at once is not slowed down, so a test need not wait."""
    waiting.interval_seconds = 0
    told = begin(waiting)
    assert told["interval"] == 0
    assert [poll(waiting, told)["error"] for _ in range(2)] == ["authorization_pending"] * 2


def test_too_late(waiting: AuthorizationServer) -> None:
    """After its time a code is good for nothing."""
    told = begin(waiting)
    say(waiting, told["user_code"], "yes")
    waiting.clock = lambda: NOW + 600
    assert poll(waiting, told)["error"] == "expired_token"


def test_another_client(server: AuthorizationServer) -> None:
    """It gets nothing for the code of the first one."""
    server.clients["other"] = server.clients["app"]
    assert poll(server, begin(server), "other")["error"] == "invalid_grant"


def test_a_client_with_a_secret(server: AuthorizationServer) -> None:
    """It proves itself at both endpoints."""
    assert begin(server, client_id="job", client_secret=SECRET)["device_code"]
    answer = requests.post(f"{server.issuer}/device_authorization", {"client_id": "job"}, timeout=10)
    assert answer.json()["error"] == "invalid_client"


def test_a_code_that_nobody_shows(server: AuthorizationServer) -> None:
    """The page asks for one."""
    assert "Type the code" in requests.get(f"{server.issuer}/device?user_code=X", timeout=10).text
