"""The fixtures at work: what the browser of the tests opens, brings and shows, and where there is none."""

import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from wire import RawServer

from requests_auth_profiles import (
    DisplaySettings,
    GrantNotProvided,
    InvalidToken,
    OAuth2,
    OAuth2AuthorizationCode,
    OAuth2AuthorizationCodePKCE,
    OAuth2Implicit,
    OktaImplicitIdToken,
    TimeoutOccurred,
    profile,
    testing,
)
from requests_auth_profiles._oauth2.id_token import Expected
from requests_auth_profiles.errors import InteractionRequired, SignInRefused
from requests_auth_profiles.testing import AuthorizationServer, BrowserMock, ProtectedApi, Reply, create_token
from requests_auth_profiles.testing._signer import Signer

token_cache = testing.token_cache
browser_mock = testing.browser_mock
no_browser = testing.no_browser
authorization_server = testing.authorization_server
profiles_file = testing.profiles_file

URL = "https://idp.invalid/authorize"
ASKED = f"{URL}?response_type=token&state=1234&redirect_uri=http%3A%2F%2Flocalhost%3A5000%2F"
TOKEN = "a-token"
REPLY = f"http://localhost:5000/#access_token={TOKEN}&state=1234"

pytestmark = pytest.mark.usefixtures("token_cache", "a_person")


@pytest.fixture
def a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who can be asked, also where these tests run in CI."""
    monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "1")


def header(auth: requests.auth.AuthBase) -> str:
    """What a request carries."""
    request = auth(requests.Request("GET", "https://api.invalid").prepare())
    return str(request.headers["Authorization"])


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.parametrize(
    "opened_url",
    [
        ASKED,
        f"{URL}?redirect_uri=http%3A%2F%2Flocalhost%3A80%2F&state=1234&nonce=n&response_type=token",
        f"{URL}?response_type=token&state=1234",
        f"{URL}?state=1234",
    ],
)
def test_what_is_new_is_not_compared(browser_mock: BrowserMock, opened_url: str) -> None:
    """An address is known whatever its state, nonce, order and port; a shorthand by what it says."""
    tab = browser_mock.add_response(opened_url, REPLY)
    assert header(OAuth2Implicit(URL)) == f"Bearer {TOKEN}"
    tab.assert_success()


@pytest.mark.parametrize(
    "opened_url",
    [
        f"{ASKED}&scope=read",
        ASKED.replace("localhost", "127.0.0.1"),
        ASKED.replace("https:", "http:"),
        f"{URL}/other?state=1234",
        f"{URL}?response_type=code&state=1234",
    ],
)
def test_all_else_is_compared(opened_url: str) -> None:
    """Where another address is opened than is expected, the test fails at once, and says which."""
    browser = BrowserMock()
    tab = browser.add_response(opened_url, REPLY)
    with browser.in_use(), pytest.raises(AssertionError, match="was opened, for which there is no response"):
        header(OAuth2Implicit(URL))
    with pytest.raises(AssertionError, match="the browser did not open"):
        tab.assert_success()


def test_each_response_is_for_one_sign_in(browser_mock: BrowserMock) -> None:
    """Two responses for one address come in their order, and a third sign-in is one too many."""
    tabs = [
        browser_mock.add_response(
            f"{URL}?state={state}", f"http://localhost:5000#access_token={name}&state={state}"
        )
        for state, name in (("1", "first"), ("2", "second"))
    ]
    one, two, three = (OAuth2Implicit(URL, scope=scope) for scope in ("a", "b", "c"))
    assert [header(one), header(two)] == ["Bearer first", "Bearer second"]
    for tab in tabs:
        tab.assert_success()
    with pytest.raises(AssertionError, match="was opened once more"):
        header(three)


def test_a_wrong_state(browser_mock: BrowserMock) -> None:
    """A state that is not the one of the opened address is sent as it is, and the sign-in goes on waiting."""
    tab = browser_mock.add_response(ASKED, REPLY.replace("1234", "123"))
    with pytest.raises(TimeoutOccurred):
        header(OAuth2Implicit(URL, timeout=0.5))
    tab.assert_failure("It does not belong to this sign-in.")


def test_nobody_answers(browser_mock: BrowserMock) -> None:
    """Without a reply the sign-in waits in vain, and the tab needs no check."""
    browser_mock.add_response(ASKED, None)
    with pytest.raises(TimeoutOccurred):
        header(OAuth2Implicit(URL, timeout=0.1))


def test_an_answer_that_is_posted(browser_mock: BrowserMock) -> None:
    """`data` is posted, and the state in it becomes the real one."""
    tab = browser_mock.add_response(ASKED, "http://localhost:5000", data=f"access_token={TOKEN}&state=1234")
    assert header(OAuth2Implicit(URL)) == f"Bearer {TOKEN}"
    tab.assert_success()


def test_a_refusal(browser_mock: BrowserMock) -> None:
    """A tab that shows a failure says so, and no other message and no success fits it."""
    said = "error=access_denied&error_description=%3Cb%3E+not+you"
    tab = browser_mock.add_response(ASKED, f"http://localhost:5000#{said}&state=1234")
    with pytest.raises(SignInRefused):
        header(OAuth2Implicit(URL))
    tab.assert_failure("access_denied (<b> not you)")
    with pytest.raises(AssertionError, match=r"is not what the browser shows: .* not you"):
        tab.assert_failure("server_error")
    with pytest.raises(AssertionError, match="the sign-in failed"):
        tab.assert_success()
    with pytest.raises(AssertionError, match="closes after 10000 ms"):
        tab.assert_failure("access_denied", timeout=1)


@pytest.mark.parametrize(
    "reply_url", ["http://localhost:5000?state=1234", "http://localhost:5000#state=1234"]
)
def test_an_answer_without_a_token(browser_mock: BrowserMock, reply_url: str) -> None:
    """The sign-in ends at once where the provider has answered and there is no token, as a browser would."""
    tab = browser_mock.add_response(ASKED, reply_url)
    with pytest.raises(GrantNotProvided, match="holds no access_token"):
        header(OAuth2Implicit(URL))
    tab.assert_failure("holds no access_token")


def test_no_failure(browser_mock: BrowserMock) -> None:
    """A tab that shows a success is no failure."""
    tab = browser_mock.add_response(ASKED, REPLY)
    header(OAuth2Implicit(URL))
    with pytest.raises(AssertionError, match="did not fail"):
        tab.assert_failure("")


def test_pages_of_ones_own(browser_mock: BrowserMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is expected is compared to the letter, with its time and the reason in it."""
    good, bad = "<b>done {display_time}</b>", "<i>{information} {display_time}</i>"
    own = DisplaySettings(success_html=good, success_display_time=7, failure_html=bad)
    monkeypatch.setattr(OAuth2, "display", own)
    done = browser_mock.add_response(ASKED, REPLY, displayed_html=good)
    refused = browser_mock.add_response(
        ASKED + "&scope=b", "http://localhost:5000#error=a%26b&state=1234", displayed_html=bad
    )
    header(OAuth2Implicit(URL))
    with pytest.raises(SignInRefused) as caught:
        header(OAuth2Implicit(URL, scope="b"))
    done.assert_success(timeout=7)
    with pytest.raises(AssertionError, match="done 1"):
        done.assert_success()
    refused.assert_failure(caught.value.message)


def test_a_port_that_is_taken(browser_mock: BrowserMock) -> None:
    """The port that a class names may be anybody's: the browser brings its answer to the one that listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        tab = browser_mock.add_response(ASKED.replace("5000", str(port)), REPLY.replace("5000", str(port)))
        assert header(OAuth2Implicit(URL, redirect_uri_port=port)) == f"Bearer {TOKEN}"
    tab.assert_success()


def test_an_id_token_of_the_tests(browser_mock: BrowserMock) -> None:
    """What `create_token` makes is taken for an ID token, as it is, and nothing else that is signed so."""
    url = "https://acme.invalid/oauth2/default/v1/authorize"
    reply = "http://localhost:5000#id_token={}&state=1"
    forged = jwt.encode({"exp": in_an_hour()}, "another key that nobody else has", algorithm="HS256")
    made = create_token(in_an_hour())
    tabs = [browser_mock.add_response(f"{url}?state=1", reply.format(token)) for token in (made, forged)]
    assert header(OktaImplicitIdToken("acme.invalid", "me")) == f"Bearer {made}"
    with pytest.raises(InvalidToken):
        header(OktaImplicitIdToken("acme.invalid", "another"))
    tabs[0].assert_success()
    tabs[1].assert_failure("the ID token is not signed as it must be")


def test_a_signed_id_token_of_another_sign_in(
    browser_mock: BrowserMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused as it would be anywhere, and no provider is asked for the keys: tests have no network."""
    claims = {"aud": "me", "sub": "ada", "nonce": "1", "iat": 0, "exp": in_an_hour()}
    claims["iss"] = "https://acme.invalid/oauth2/default"
    signed = Signer().id_token(claims)
    url = "https://acme.invalid/oauth2/default/v1/authorize?state=1&nonce=1"
    tab = browser_mock.add_response(url, f"http://localhost:5000#id_token={signed}&state=1")
    with RawServer() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(InvalidToken, match="is of another sign-in"):
            header(OktaImplicitIdToken("acme.invalid", "me"))
        assert proxy.connections == 0
    tab.assert_failure("is of another sign-in")


def test_an_id_token_of_the_tests_elsewhere() -> None:
    """Where the browser is not in use, before and after, what `create_token` makes is refused."""
    token, expected = create_token(in_an_hour()), Expected("me", None)
    with BrowserMock().in_use():
        expected.check(token, "", 0)
    with pytest.raises(InvalidToken, match="is not signed as it must be"):
        expected.check(token, "", 0)


@pytest.mark.parametrize("kind", [OAuth2AuthorizationCode, OAuth2AuthorizationCodePKCE])
def test_a_code(browser_mock: BrowserMock, authorization_server: AuthorizationServer, kind: Any) -> None:
    """A code that the browser brings is sent on, and the ID token that comes with the token is accepted."""
    answer = {"access_token": TOKEN, "token_type": "Bearer", "id_token": create_token(None)}
    authorization_server.replies["token"].append(Reply.json(answer))
    asked = (
        f"{URL}?client_id=me&response_type=code&state=5&code_challenge=c&code_challenge_method=S256"
        "&redirect_uri=http%3A%2F%2Flocalhost%3A5000%2Fback"
    )
    tab = browser_mock.add_response(asked, "http://localhost:5000/back?code=c0de&state=5")
    auth = kind(URL, f"{authorization_server.url}/token", client_id="me", redirect_uri_endpoint="back")
    assert header(auth) == f"Bearer {TOKEN}"
    tab.assert_success()
    assert b"code=c0de" in authorization_server.requests[-1].body


PROFILE = """
    [profiles.work]
    flow = "authorization-code-pkce"
    issuer = "{issuer}"
    client_id = "me"
"""


def test_a_profile_with_a_browser(
    browser_mock: BrowserMock,
    profiles_file: Callable[[str], Path],
    authorization_server: AuthorizationServer,
) -> None:
    """The browser of the tests works for profiles too."""
    profiles_file(PROFILE.format(issuer=authorization_server.issuer))
    authorization_server.replies["token"].append(Reply.json({"access_token": TOKEN, "token_type": "Bearer"}))
    tab = browser_mock.add_response(
        f"{authorization_server.url}/authorize?client_id=me&state=1",
        f"http://localhost:5000?code=c0de&state=1&iss={authorization_server.issuer}",
    )
    with ProtectedApi(tokens=[TOKEN]) as api:
        assert requests.get(f"{api.url}/me", auth=profile("work"), timeout=10).status_code == 200
    tab.assert_success()


def test_nobody_can_be_asked(
    no_browser: None, profiles_file: Callable[[str], Path], authorization_server: AuthorizationServer
) -> None:
    """Without a browser, neither a class nor a profile waits for anybody, nor listens where another does."""
    profiles_file(PROFILE.format(issuer=authorization_server.issuer))
    for auth in (OAuth2Implicit(URL), profile("work")):
        with pytest.raises(InteractionRequired):
            header(auth)
    assert os.environ["REQUESTS_AUTH_INTERACTIVE"] == "0"


@pytest.fixture
def settings_of_a_person(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the environment says before, and says again after."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("REQUESTS_AUTH_PROFILE", "mine")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    before = dict(os.environ)
    yield before
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**before, "PYTEST_CURRENT_TEST": ""}


def test_a_profiles_file(settings_of_a_person: dict[str, str], profiles_file: Callable[[str], Path]) -> None:
    """The file is its owner's alone, in a fresh HOME, and is what `profile()` reads; text may be indented."""
    path = profiles_file("""
        [profiles.default]
        flow = "api-key"
        api_key = "k3y"
    """)
    assert path.stat().st_mode & 0o777 == (0o666 if os.name == "nt" else 0o600)
    assert path.is_relative_to(Path.home())
    assert not {"CI", "REQUESTS_AUTH_PROFILE", "XDG_CONFIG_HOME"} & set(os.environ)
    with ProtectedApi(api_keys=["k3y"]) as api:
        assert requests.get(f"{api.url}/key", auth=profile(), timeout=10).status_code == 200


def test_the_authorization_server(authorization_server: AuthorizationServer) -> None:
    """The server is there and has not been asked anything."""
    assert authorization_server.count("discovery") == 0
    found = requests.get(f"{authorization_server.issuer}/.well-known/openid-configuration", timeout=10).json()
    assert found["issuer"] == authorization_server.issuer
