"""What stands in for servers in tests of others: responses, requests-mock and VCR, as they are documented."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import profiles_file
import pytest
import requests
import requests_mock
import responses
import vcr
from responses import matchers
from wrapped import KEY, PROFILES, SECRET, Auth, api, auth, server, token_url

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ProviderUnavailable
from requests_auth_profiles.testing import AuthorizationServer, ProtectedApi, Reply

__all__ = ["api", "auth", "server", "token_url"]

ME = "https://api.acme.com/me"
TOKEN_URL = "https://login.acme.com/token"


@pytest.fixture
def ada(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The auth of a profile whose provider and API are nowhere."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    text = PROFILES.format(token_url=TOKEN_URL, secret=SECRET, key=KEY)
    ada = profile("ada", file=profiles_file.written(home, text))
    ada.logout()  # the memory is that of the process
    return ada


class TestResponses:
    """`responses`, whose answers stand in for those of the adapter."""

    @responses.activate
    def test_a_call(self, ada: Any) -> None:
        """Token and API are asked in this order, and each once for two calls."""
        token = responses.post(TOKEN_URL, json={"access_token": "t1", "token_type": "Bearer"})
        bearer = matchers.header_matcher({"Authorization": "Bearer t1"})
        responses.get(ME, json={"hello": "ada"}, match=[bearer])
        for _ in range(2):
            assert requests.get(ME, auth=ada, timeout=10).json() == {"hello": "ada"}
        assert [call.request.url for call in responses.calls] == [TOKEN_URL, ME, ME]
        assert (token.call_count, "client_credentials" in token.calls[0].request.body) == (1, True)

    @responses.activate
    def test_a_renewal(self, ada: Any) -> None:
        """A 401 is renewed, and the history tells which token was refused."""
        for number in (1, 2):
            responses.post(TOKEN_URL, json={"access_token": f"t{number}", "token_type": "Bearer"})
        responses.get(ME, status=401)
        responses.get(ME, json={})
        answer = requests.get(ME, auth=ada, timeout=10)
        assert [each.request.headers["Authorization"] for each in (*answer.history, answer)] == [
            *("Bearer t1", "Bearer t2")
        ]

    @responses.activate
    def test_a_redirect_elsewhere(self, auth: Auth) -> None:
        """A key leaves before the second request."""
        responses.get(ME, status=302, headers={"Location": "https://evil.example/"})
        responses.get("https://evil.example/")
        requests.get(ME, auth=auth("gateway"), timeout=10)
        assert KEY not in str(responses.calls[1].request.headers)


class TestRequestsMock:
    """`requests-mock`, which gives all sessions an adapter of its own."""

    def test_a_call(self, ada: Any) -> None:
        """The provider's answer is the one of the test, and nothing is sent to anybody."""
        with requests_mock.Mocker() as mock:
            mock.post(TOKEN_URL, json={"access_token": "t1", "token_type": "Bearer"})
            mock.get(ME, json={"hello": "ada"}, request_headers={"Authorization": "Bearer t1"})
            assert requests.get(ME, auth=ada, timeout=10).json() == {"hello": "ada"}
            assert [asked.url for asked in mock.request_history] == [TOKEN_URL, ME]

    def test_the_fixture(self, ada: Any, requests_mock: requests_mock.Mocker) -> None:
        """So it is with the fixture that it has for pytest."""
        requests_mock.post(TOKEN_URL, json={"access_token": "t1", "token_type": "Bearer"})
        requests_mock.get(ME, text="in")
        assert requests.get(ME, auth=ada, timeout=10).text == "in"

    def test_an_adapter_of_one_session(self, auth: Auth) -> None:
        """So it is with an adapter that one session has."""
        adapter = requests_mock.Adapter()
        adapter.register_uri("GET", "https://api.acme.com/key", text="in")
        with requests.Session() as session:
            session.mount("https://api.acme.com/", adapter)
            session.get("https://api.acme.com/key", auth=auth("gateway"), timeout=10)
        assert adapter.last_request.headers["X-API-Key"] == KEY

    def test_a_renewal(self, ada: Any) -> None:
        """A 401 is renewed, and the history tells which token was refused."""
        tokens = [{"json": {"access_token": token, "token_type": "Bearer"}} for token in ("t1", "t2")]
        with requests_mock.Mocker() as mock:
            mock.post(TOKEN_URL, tokens)
            mock.get(ME, [{"status_code": 401}, {"text": "in"}])
            answer = requests.get(ME, auth=ada, timeout=10)
        assert [each.request.headers["Authorization"] for each in (*answer.history, answer)] == [
            *("Bearer t1", "Bearer t2")
        ]

    def test_a_redirect_elsewhere(self, auth: Auth) -> None:
        """A key leaves before the second request."""
        with requests_mock.Mocker() as mock:
            mock.get(ME, status_code=302, headers={"Location": "https://evil.example/"})
            mock.get("https://evil.example/")
            requests.get(ME, auth=auth("gateway"), timeout=10)
        assert KEY not in str(mock.request_history[1].headers)

    def test_a_provider_that_was_forgotten(self, ada: Any) -> None:
        """A test that has no answer for the provider hears so, and no secret leaves the machine."""
        with requests_mock.Mocker() as mock, pytest.raises(ProviderUnavailable, match="NoMockAddress"):
            mock.get(ME)
            requests.get(ME, auth=ada, timeout=10)


def documented() -> vcr.VCR:
    """The recorder that docs/wrappers.md shows."""
    text = (Path(__file__).parents[1] / "docs/wrappers.md").read_text("utf-8")
    code = text.partition("## VCR")[2].partition("```python\n")[2].partition("```")[0]
    names = {"re": re, "sha256": sha256, "vcr": vcr}
    exec(code, names)
    return names["recorder"]


RECORDER = documented()


class TestVcr:
    """VCR, which records what goes over a connection, sign-ins too."""

    CALLS = (("ada", "/me"), ("gateway", "/key"), ("legacy", "/key"), ("legacy", "/redirect?to=/key"))

    def played(self, tape: Path, api: ProtectedApi, auth: Auth) -> list[str]:
        """What some calls get while a tape is in the recorder."""
        with RECORDER.use_cassette(str(tape)):
            auth("ada").logout()
            return [
                requests.get(api.url + path, auth=auth(name), timeout=10).text for name, path in self.CALLS
            ]

    def test_a_tape(self, tmp_path: Path, api: ProtectedApi, server: AuthorizationServer, auth: Auth) -> None:
        """Played back it gives the same answers, with neither provider nor API."""
        recorded = self.played(tmp_path / "tape.yaml", api, auth)
        before = len(api.requests), len(server.requests)
        assert self.played(tmp_path / "tape.yaml", api, auth) == recorded
        assert before == (len(api.requests), len(server.requests)) == (5, 1)

    def test_no_secret_is_on_it(self, tmp_path: Path, api: ProtectedApi, auth: Auth) -> None:
        """With the filters that docs/wrappers.md shows, neither keys nor tokens are recorded."""
        self.played(tmp_path / "tape.yaml", api, auth)
        said = (tmp_path / "tape.yaml").read_text()
        assert "client_credentials" in said
        assert not [secret for secret in (auth("ada").token().access_token, KEY, SECRET) if secret in said]

    def test_a_renewal(self, tmp_path: Path, api: ProtectedApi, auth: Auth) -> None:
        """A refusal that was recorded is renewed when it is played back, too."""
        for _ in range(2):
            api.replies["me"].append(Reply(401))
            with RECORDER.use_cassette(str(tmp_path / "tape.yaml"), allow_playback_repeats=False):
                auth("ada").logout()
                answer = requests.get(f"{api.url}/me", auth=auth("ada"), timeout=10)
            assert [each.status_code for each in (*answer.history, answer)] == [401, 200]
        assert api.count("me") == 2
