"""A profile that a person signs in for: asked where one can be there, and an error at once where none can."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import requests

from requests_auth_profiles._build import Builder, profile
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.errors import ConfigurationError, InteractionRequired
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

PROFILES = """
[profiles.ada]
flow = "authorization-code-pkce"
issuer = "{issuer}"
client_id = "app"
redirect_host = "127.0.0.1"
redirect_port = 0
timeout = 20
"""


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider where whoever comes is signed in at once."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        yield server


@pytest.fixture
def api(server: AuthorizationServer) -> Iterator[ProtectedApi]:
    """An API that takes the provider's tokens."""
    with ProtectedApi(server) as api:
        yield api


@pytest.fixture
def file(home: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profile `ada`, whose tokens are kept in memory."""
    path = home / "profiles.toml"
    path.write_text(PROFILES.format(issuer=server.issuer))
    path.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    return path


class Visitor:
    """Goes to the provider as a browser does, and notes who was invited where."""

    def __init__(self) -> None:
        self.invited: list[tuple[str, str]] = []
        self.visits: list[Thread] = []

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        self.invited.append((profile, provider))
        visit = Thread(target=requests.get, args=(authorization_url,), kwargs={"timeout": 20})
        self.visits.append(visit)
        visit.start()

    def waiting(self, seconds_left: float, what: str = "") -> None:
        pass

    def done(self) -> None:
        pass


@pytest.mark.parametrize(("ci", "interactive"), [("true", None), ("true", "0"), (None, "0")])
def test_where_nobody_can_be_asked(
    file: Path,
    api: ProtectedApi,
    server: AuthorizationServer,
    monkeypatch: pytest.MonkeyPatch,
    ci: str | None,
    interactive: str | None,
) -> None:
    """The error comes at once and names the command to type; neither provider nor API is called."""
    for name, value in (("CI", ci), ("REQUESTS_AUTH_INTERACTIVE", interactive)):
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(InteractionRequired) as caught:
        requests.get(f"{api.url}/me", auth=profile("ada"), timeout=10)
    assert caught.value.hint.endswith("requests-auth login ada")
    assert (server.requests, api.requests) == ([], [])


def test_a_setting_that_is_none(file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_AUTH_INTERACTIVE is 0 or 1; anything else is not taken for one of them."""
    monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "yes")
    with pytest.raises(ConfigurationError, match="REQUESTS_AUTH_INTERACTIVE is neither 0 nor 1"):
        requests.get(f"{api.url}/me", auth=profile("ada"), timeout=10)


@pytest.mark.parametrize("ci", [False, True])
def test_where_somebody_can(
    file: Path, api: ProtectedApi, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch, ci: bool
) -> None:
    """Whoever signs in is let in, once for all requests; REQUESTS_AUTH_INTERACTIVE=1 counts before CI."""
    if ci:
        monkeypatch.setenv("CI", "true")
        monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "1")
    visitor = Visitor()
    auth = Builder(ProfilesFile.read(file), lambda _: visitor).auth("ada")
    answers = [requests.get(f"{api.url}/me", auth=auth, timeout=30).json() for _ in range(2)]
    for visit in visitor.visits:
        visit.join()
    auth.logout()
    assert answers == [{"hello": "ada", "by": ["bearer"]}] * 2
    assert visitor.invited == [("ada", server.issuer.removeprefix("http://"))]


def test_a_refused_token_is_renewed_without_the_person(
    file: Path, api: ProtectedApi, server: AuthorizationServer
) -> None:
    """A refusal is mended with the refresh token: the person is not asked again."""
    visitor = Visitor()
    auth = Builder(ProfilesFile.read(file), lambda _: visitor).auth("ada")
    auth.login()
    token = auth.token().access_token
    requests.post(f"{server.issuer}/revoke", data={"token": token, "client_id": "app"}, timeout=10)
    assert requests.get(f"{api.url}/me", auth=auth, timeout=30).status_code == 200
    for visit in visitor.visits:
        visit.join()
    auth.logout()
    assert (len(visitor.invited), [received.status for received in api.requests]) == (1, [401, 200])
