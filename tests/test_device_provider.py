"""The device flow at a certified provider, whose pages a person goes through."""

import re
from html import unescape
from time import time
from urllib.parse import urljoin

import pytest
import requests
from counterparts import Provider
from devices import Person, Time, device_grant
from wire import PATIENCE_SECONDS

from requests_auth_profiles._oauth2.device import DeviceCode, UserCode
from requests_auth_profiles.errors import RefreshRefused, SignInRefused

STEPS = 12


def signed_in(code: UserCode) -> None:
    """They open the link, confirm that the code is theirs, sign in as alice and consent."""
    go_through(code, {})


def called_off(code: UserCode) -> None:
    """They see that the code is not theirs."""
    go_through(code, {"abort": "yes"})


def go_through(code: UserCode, more: dict[str, str]) -> None:
    """Fill in what forms there are, until there is none."""
    browser = requests.Session()
    reply = browser.get(code.link, timeout=PATIENCE_SECONDS)
    for _ in range(STEPS):
        if reply.is_redirect:
            target = urljoin(reply.url, reply.headers["Location"])
            reply = browser.get(target, allow_redirects=False, timeout=PATIENCE_SECONDS)
            continue
        action = re.search(r'<form[^>]* action="([^"]+)"', reply.text)
        if action is None or "op.deviceInputForm" in reply.text:  # at the end, or at the beginning again
            return
        form = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', reply.text))
        if form.get("prompt") == "login":
            form |= {"login": "alice", "password": "wonderland"}
        if "confirm" in form:
            form |= more
            assert code.text in unescape(reply.text)  # RFC 8628 section 3.3: the person compares the two
        target = urljoin(reply.url, action[1])
        reply = browser.post(target, form, allow_redirects=False, timeout=PATIENCE_SECONDS)
    raise AssertionError(f"no end of pages: {reply.text}")


def grant(
    provider: Provider, person: Person, *, scope: str = "openid read", resource: str = "api"
) -> DeviceCode:
    """The grant of the provider's client `device`."""
    asked = {"resource": f"{provider.issuer}/{resource}"}
    if "offline_access" in scope:
        asked["prompt"] = "consent"
    return device_grant(
        provider.issuer, person, Time(time()), client_id="device", scope=scope, parameters=asked
    )


def test_a_person_signs_in(oidc_provider: Provider) -> None:
    """They go through the pages while we ask, and the API takes the token for theirs."""
    person = Person({12: signed_in})
    before = oidc_provider.token_requests()
    token = grant(oidc_provider, person).fetch()
    headers = {"Authorization": f"Bearer {token.access_token}"}
    said = requests.get(oidc_provider.api_url, headers=headers, timeout=PATIENCE_SECONDS).json()
    assert (said["sub"], said["client"], said["scope"]) == ("alice", "device", "read")
    assert oidc_provider.token_requests() - before == 3
    assert token.id_token is not None


def test_a_person_calls_it_off(oidc_provider: Provider) -> None:
    """It is told at the next question."""
    with pytest.raises(SignInRefused):
        grant(oidc_provider, Person({0: called_off})).fetch()


def test_renewed_without_the_person(oidc_provider: Provider) -> None:
    """The refresh token gives the next one, of the same person; what was used up gives none."""
    person = Person({0: signed_in})
    at = grant(oidc_provider, person, scope="openid offline_access read", resource="api/short")
    first = at.fetch()
    second = at.refresh(first)
    assert second.access_token != first.access_token
    assert len(person.shown) == 1
    with pytest.raises(RefreshRefused):
        at.refresh(first)
