"""Profiles of flow `device-code`: what the person sees, who is asked, and what is kept for all programs."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import profiles_file
import pytest
import requests
from conftest import RunProgram
from devices import Person, confirmed
from terminal import Terminal
from vault import processes, together

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._oauth2.device import UserCode
from requests_auth_profiles.errors import InteractionRequired, InvalidGrantRequest
from requests_auth_profiles.testing import AuthorizationServer, BrowserMock, Client, Reply

PROFILE = """
[profiles.work]
flow = "device-code"
issuer = "{issuer}"
client_id = "app"
"""
ASK = """
from requests_auth_profiles import profile
auth = profile("work")
ready()
print(auth.token().access_token)
"""
DONE = "Signed in for work; valid for"

Make = Callable[..., ProfileAuth]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that lets whoever has a code in at once, and may be asked at once."""
    with AuthorizationServer() as server:
        server.clients |= {"app": Client(), "job": Client(secret="s3cret")}
        server.interval_seconds = 0.1
        yield server


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def own_file(home: Path, server: AuthorizationServer) -> Path:
    """The person's own profiles file."""
    folder = home / ".config/requests-auth"
    folder.mkdir(parents=True)
    return profiles_file.written(folder, PROFILE.format(issuer=server.issuer))


@pytest.fixture
def made(home: Path, server: AuthorizationServer, person: Person, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the auth of a profile, whose tokens are kept between auths."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))

    def make(text: str = "") -> ProfileAuth:
        file = ProfilesFile.read(profiles_file.written(home, PROFILE.format(issuer=server.issuer) + text))
        auth = Builder(file, lambda _: person).auth("work")
        assert isinstance(auth, ProfileAuth)
        return auth

    return make


def test_one_sign_in_for_all(server: AuthorizationServer, made: Make, person: Person) -> None:
    """The token is kept, and the next auth needs neither person nor provider."""
    token = made().token()
    assert made().token() == token
    assert (len(person.shown), server.count("device_authorization"), server.count("token")) == (1, 1, 1)
    assert person.shown[0][:2] == ("work", server.issuer.partition("://")[2])


def test_an_expired_token(server: AuthorizationServer, made: Make, person: Person) -> None:
    """It is renewed with its refresh token."""
    server.lifetime_seconds = 0
    made().token()
    server.lifetime_seconds = 3600
    token = made().token()
    assert server.introspect(token.access_token) is not None
    assert len(person.shown) == 1


def test_what_a_profile_can_say(server: AuthorizationServer, made: Make) -> None:
    """Scopes, audience and parameters go into the first request, a secret into both."""
    more = 'client_secret = "s3cret"\nscopes = ["read"]\naudience = "api"\nauthorize_params = { a = "b" }'
    server.clients["app"] = server.clients["job"]
    made(more).token()
    first, second = (one for one in server.requests if one.path in {"/device_authorization", "/token"})
    assert dict(first.form) == {"scope": "read", "audience": "api", "a": "b"}
    assert (first.basic, second.basic) == (("app", "s3cret"), ("app", "s3cret"))


def test_endpoints_that_are_said(home: Path, server: AuthorizationServer, person: Person) -> None:
    """A provider that announces nothing is used by its two URLs."""
    text = f"""[profiles.work]
flow = "device-code"
device_authorization_url = "{server.url}/device_authorization"
token_url = "{server.url}/token"
client_id = "app"
"""
    token = Builder(profiles_file.read(home, text), lambda _: person).auth("work").token()  # type: ignore[union-attr]
    assert server.introspect(token.access_token) is not None
    assert server.count("discovery") == 0


@pytest.mark.parametrize(("variable", "value"), [("CI", "true"), ("REQUESTS_AUTH_INTERACTIVE", "0")])
def test_where_nobody_can_be_asked(
    server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The error comes before any request, and says what to type where somebody can."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(InteractionRequired) as caught:
        made().token()
    assert caught.value.hint.endswith(": requests-auth login work")
    assert server.requests == []


def test_a_refused_secret(server: AuthorizationServer, made: Make, home: Path) -> None:
    """It is looked up again the next time: by then its owner may have put another one there."""
    server.clients["app"] = Client(secret="n3w")
    auth = made(f'client_secret = {{ command = ["cat", "{home}/secret"] }}')
    (home / "secret").write_text("0ld")
    with pytest.raises(InvalidGrantRequest):
        auth.token()
    (home / "secret").write_text("n3w")
    assert server.introspect(auth.token().access_token) is not None


@pytest.mark.parametrize("provider", providers())
def test_providers(provider: str, home: Path) -> None:
    """Each one whose device endpoint is known is enough for a profile, and the other is told of."""
    variables = "".join(
        f"{name} = {key.example}\n"
        for name, key in providers()[provider].variables.items()
        if key.default is None
    )
    text = f'[profiles.work]\nflow = "device-code"\nclient_id = "me"\nprovider = "{provider}"\n{variables}'
    if provider == "wakatime":
        (fault,) = profiles_file.faults(home, text)
        assert fault.message.startswith(
            "needs device_authorization_url, or another flow: provider 'wakatime'"
        )
    else:
        endpoints = profiles_file.oauth2(home, text).endpoints
        assert {"device_authorization_url", "token_url"} <= endpoints.keys()


@pytest.mark.platform("linux", "darwin")
def test_a_person_is_asked_what_it_needs(home: Path) -> None:
    """`requests-auth add` asks for the provider's variable and the client, and the profile is whole."""
    terminal = Terminal("add", "server")
    terminal.answer("provider [none]:", "okta")
    terminal.answer("flow [authorization-code-pkce]:", "device-code")
    terminal.answer("instance:", "acme.okta.com")
    terminal.answer("client_id:", "0oa1")
    terminal.answer("scopes [openid]:", "")
    terminal.answer("hosts that it may go to", "api.acme.com")
    assert terminal.end() == 0
    file = ProfilesFile.read(home / ".config/requests-auth/profiles.toml")
    assert file.profile("server").flow == "device-code"


@pytest.mark.usefixtures("own_file")
class TestProcesses:
    """Programs of one person that need a token at the same time."""

    def test_one_code_for_all(self, server: AuthorizationServer) -> None:
        """One of them shows a code and signs in; the others wait for it, and have its token."""
        (token,) = set(together([ASK] * 4))
        assert server.introspect(token) is not None
        assert (server.count("device_authorization"), server.count("token")) == (1, 1)

    def test_a_no_is_a_no_for_all(self, server: AuthorizationServer) -> None:
        """Whoever waited for a sign-in that was refused does not ask the person again."""
        server.replies["token"].append(Reply.json({"error": "access_denied"}, 400, {}))
        server.interval_seconds = 4  # the other one is waiting by then
        with processes([ASK] * 2) as started:
            for process in started:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            said = [process.communicate(timeout=60)[1] for process in started]
        assert server.count("device_authorization") == 1
        assert sorted("SignInRefused" in one for one in said) == [False, True]
        assert sum("another process was signing in for work" in one for one in said) == 1


@pytest.mark.usefixtures("own_file")
class TestWords:
    """What the person reads."""

    def test_of_a_program(self, run_python: RunProgram, server: AuthorizationServer) -> None:
        """All that they need stands on stderr, without a code for a terminal, and nothing on stdout."""
        done = run_python("-c", "from requests_auth_profiles import profile; profile('work').token()")
        assert (done.returncode, done.stdout) == (0, "")
        (code,) = re.findall(r"code   ([A-Z-]{9})\n", done.stderr)
        page, host = f"{server.url}/device", server.url.partition("://")[2]
        assert done.stderr.startswith(
            f"Sign in to {host} for work, with a browser on this or any other device:\n"
            f"\n    page   {page}\n    code   {code}\n    link   {page}?user_code={code}\n\n"
            "The code is good for 10 min. Give it to nobody, and confirm only what you have begun here.\n"
        )

    def test_where_nobody_reads(self, run_python: RunProgram) -> None:
        """A program without a stderr does not wait for somebody to type what nobody sees."""
        script = """
import sys
from requests_auth_profiles import errors, profile
sys.stderr = None
try:
    profile("work").token()
except errors.InteractionRequired as error:
    print(error.hint)
"""
        assert run_python("-c", script).stdout.endswith(": requests-auth login work\n")

    def test_no_browser_opens(self, home: Path, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch) -> None:
        """This flow is for where there is none; and what is no terminal gets plain text."""
        opened = home / "opened"
        monkeypatch.setenv("BROWSER", f"touch {opened}")
        done = run_cli("login", "work")
        assert (done.returncode, "\x1b" in done.stderr, DONE in done.stderr) == (0, False, True)
        assert not opened.exists()

    @pytest.mark.platform("linux", "darwin")
    def test_of_the_command_line(self, server: AuthorizationServer) -> None:
        """In a terminal the code stands out, and a line tells how long it is still waited for."""
        server.approve = False
        terminal = Terminal("login", "work")
        terminal.answer("waiting for you to sign in, 9:5", "")
        (code,) = re.findall(r"code   \x1b\[1m([A-Z-]{9})\x1b\[0m\r\n", terminal.seen)
        requests.post(f"{server.url}/device?user_code={code}", {"approve": "yes"}, timeout=20)
        assert terminal.end() == 0
        assert DONE in terminal.seen.rpartition("\x1b[K\r")[2]

    def test_a_person_says_no(self, run_cli: RunProgram, server: AuthorizationServer) -> None:
        """It is told in a sentence, with what to type next, and is an error."""
        server.replies["token"].append(Reply.json({"error": "access_denied"}, 400))
        done = run_cli("login", "work")
        assert done.returncode == 1
        assert "refused the sign-in: access_denied\n" in done.stderr
        assert "hint: requests-auth login work\n" in done.stderr

    def test_the_flow_is_off(self, run_cli: RunProgram, server: AuthorizationServer) -> None:
        """Somebody who has not switched it on at the provider is told where that may be."""
        refusal = {"error": "unauthorized_client", "error_description": "not for this client"}
        server.replies["device_authorization"].append(Reply.json(refusal, 400))
        done = run_cli("login", "work")
        assert done.returncode == 1
        assert (
            "refused the device authorization request: unauthorized_client (not for this client)"
            in done.stderr
        )
        assert "hint: switch the device flow on for this client" in done.stderr


def test_an_interruption(server: AuthorizationServer, made: Make, person: Person) -> None:
    """Ctrl-C ends the wait, and nothing stands in the way of the next try."""

    def interrupted(code: UserCode) -> None:
        raise KeyboardInterrupt

    person.acts[0] = interrupted
    with pytest.raises(KeyboardInterrupt):
        made().token()
    assert person.ended == 1
    assert server.introspect(made().token().access_token) is not None


def test_a_test_without_a_browser(
    server: AuthorizationServer, made: Make, person: Person, no_browser: None
) -> None:
    """The fixture of that name is for codes too."""
    with pytest.raises(InteractionRequired):
        made().token()
    assert (person.shown, server.requests) == ([], [])


def test_a_test_with_a_browser(server: AuthorizationServer, made: Make, browser_mock: BrowserMock) -> None:
    """A code needs no response of a browser, and an authorization server that approves gives the token."""
    assert server.introspect(made().token().access_token) is not None


def test_the_link_is_the_page(server: AuthorizationServer, made: Make, person: Person) -> None:
    """Whoever opens the link has typed the code."""
    server.approve = False
    person.acts[0] = confirmed
    made().token()
    assert server.count("device") == 1
