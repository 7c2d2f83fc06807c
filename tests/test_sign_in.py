"""A person signs in: a real Chromium, a certified provider, and programs that only name a profile."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import counterparts
import pytest
from counterparts import Provider
from vault import all_bytes

PROFILE = """
[profiles.{name}]
flow = "authorization-code-pkce"
issuer = "{issuer}"
client_id = "{client}"
scopes = {scopes}
resource = "{issuer}/{resource}"
redirect_port = 0
timeout = 60
{more}
"""
PROGRAM = """
import json, sys, requests
from requests_auth_profiles import profile
from requests_auth_profiles.errors import RequestsAuthException

answers = []
try:
    for _ in range({times}):
        answer = requests.get(sys.argv[2], auth=profile(sys.argv[1]), timeout=90)
        answers.append([answer.status_code, answer.json().get("sub"), answer.json().get("scope")])
    print(json.dumps(answers))
except RequestsAuthException as error:
    print(json.dumps([type(error).__name__, error.message, error.hint]))
"""
PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Desk:
    """A person's machine: a profiles file in their home, a browser that is counted, programs to run.

    Args:
        provider: where they sign in.
        home: their home folder.
    """

    provider: Provider
    home: Path

    def write(
        self,
        *,
        client: str = "native",
        resource: str = "api",
        scopes: str = '["openid", "read"]',
        more: str = "",
    ) -> None:
        """Write the profile `work` into the profiles file."""
        path = self.home / ".config/requests-auth/profiles.toml"
        path.parent.mkdir(parents=True)
        text = PROFILE.format(
            name="work",
            issuer=self.provider.issuer,
            client=client,
            scopes=scopes,
            resource=resource,
            more=more,
        )
        path.write_text(text)
        path.chmod(0o600)

    def start(self, times: int = 1, **variables: str) -> subprocess.Popen[str]:
        """Start a program that calls the API this often, in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(times=times), "work", self.provider.api_url],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, times: int = 1, **variables: str) -> list[object]:
        """What such a program has got from the API, or the error that it came to."""
        return ended(self.start(times, **variables))

    @property
    def browsers(self) -> int:
        """How many browsers were opened."""
        log = self.home / "browsers"
        return len(log.read_text().splitlines()) if log.exists() else 0


def ended(program: subprocess.Popen[str]) -> list[object]:
    """What a program has printed when it has come to its end."""
    with program:
        stdout, stderr = program.communicate(timeout=PATIENCE_SECONDS)
    assert program.returncode == 0, stderr
    found: list[object] = json.loads(stdout)
    return found


COUNTED = """#!/bin/sh
echo opened >> {log}
exec {browser} "$1"
"""


@pytest.fixture
def desk(oidc_provider: Provider, home: Path, monkeypatch: pytest.MonkeyPatch, browser_command: str) -> Desk:
    """A person's machine whose browser blocks until it has ended."""
    monkeypatch.setenv("BROWSER", f"{counted(home, browser_command)} %s")
    return Desk(oidc_provider, home)


def counted(home: Path, browser: str) -> str:
    """A program that notes that it was started, and then is this browser."""
    program = home / "browser"
    command = browser.removesuffix(" &").removesuffix(" %s").removesuffix(" '%s'")
    program.write_text(COUNTED.format(log=shlex.quote(str(home / "browsers")), browser=command))
    program.chmod(0o700)
    return str(program)


@pytest.fixture
def requests_made(oidc_provider: Provider) -> Callable[[], int]:
    """How many token requests were made since the test began."""
    before = oidc_provider.token_requests()
    return lambda: oidc_provider.token_requests() - before


ALICE = [200, "alice", "read"]
CLIENTS = {"native": "", "web": 'client_secret = "web-secret"'}


@pytest.mark.parametrize(("client", "more"), CLIENTS.items(), ids=CLIENTS.keys())
def test_a_person_signs_in_once_for_all_programs(
    desk: Desk, requests_made: Callable[[], int], client: str, more: str
) -> None:
    """The first program opens the browser and is let in; the next one needs neither browser nor provider."""
    desk.write(client=client, more=more)
    assert desk.run(times=2) == [ALICE, ALICE]
    assert (desk.browsers, requests_made()) == (1, 1)
    assert desk.run() == [ALICE]
    assert (desk.browsers, requests_made()) == (1, 1)


def test_a_browser_in_the_background_signs_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, background_browser_command: str
) -> None:
    """A browser that returns at once is waited for at the loopback, and an IP literal will do."""
    monkeypatch.setenv("BROWSER", f"{counted(desk.home, background_browser_command)} %s &")
    desk.write(more='redirect_host = "127.0.0.1"\nredirect_path = "/callback"')
    assert desk.run() == [ALICE]


def test_the_browser_of_a_profile_signs_in(desk: Desk) -> None:
    """`browser` is what opens, with its arguments, and not the person's own, which BROWSER names."""
    words = [sys.executable, str(counterparts.TESTS / "browser.py"), "%s", "--login", "bob"]
    desk.write(more=f"browser = {json.dumps(words)}")
    assert desk.run() == [[200, "bob", "read"]]
    assert desk.browsers == 0


def test_an_expired_token_is_renewed_without_the_person(desk: Desk, requests_made: Callable[[], int]) -> None:
    """Each program that finds the token at its end refreshes it, with the refresh token of the one before."""
    desk.write(
        resource="api/short",
        scopes='["openid", "offline_access", "read"]',
        more='authorize_params = { prompt = "consent" }',
    )
    for pause_seconds in (0, 2.1, 2.1):  # the tokens of this resource live 2 s
        sleep(pause_seconds)
        assert [row[:2] for row in desk.run()] == [ALICE[:2]]  # type: ignore[index]
    assert (desk.browsers, requests_made()) == (1, 3)


def test_programs_that_start_at_once_open_one_browser(desk: Desk, requests_made: Callable[[], int]) -> None:
    """One signs in, and the others wait for it and use what it has got."""
    desk.write()
    programs = [desk.start() for _ in range(5)]
    assert [ended(program) for program in programs] == [[ALICE]] * 5
    assert (desk.browsers, requests_made()) == (1, 1)


def test_a_refusal_of_the_provider_is_told(
    desk: Desk, requests_made: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the provider says in the browser, here one without forms, is the error; no token is asked for."""
    visit = "import sys, urllib.request as u; u.urlopen(sys.argv[1])"
    monkeypatch.setenv("BROWSER", counted(desk.home, shlex.join([sys.executable, "-c", visit])))
    desk.write(more='authorize_params = { prompt = "none" }')  # nobody is signed in in a fresh browser
    kind, message, _ = desk.run()
    assert kind == "SignInRefused"
    assert "login_required" in str(message)
    assert (desk.browsers, requests_made()) == (1, 0)


def test_nobody_is_asked_in_ci(desk: Desk, requests_made: Callable[[], int]) -> None:
    """The error comes at once and says what to type, and no browser opens."""
    desk.write()
    started = monotonic()
    kind, _, hint = desk.run(CI="true")
    assert (kind, hint.endswith(": requests-auth login work")) == ("InteractionRequired", True)
    assert (desk.browsers, requests_made()) == (0, 0)
    assert monotonic() - started < 20  # far below the profile's timeout


def test_nothing_of_a_sign_in_lies_about(desk: Desk) -> None:
    """Neither what is kept nor what is printed holds the tokens, the code or the secret in clear."""
    desk.write(client="web", more='client_secret = { env = "WEB_SECRET" }')
    with desk.start(WEB_SECRET="web-secret", PYTHONASYNCIODEBUG="1") as program:
        stdout, stderr = program.communicate(timeout=PATIENCE_SECONDS)
    assert json.loads(stdout) == [ALICE]
    kept = b"".join(content for *_, content in all_bytes(desk.home).values())
    words = ("web-secret", "code=", "code_verifier", "access_token", "id_token")
    assert [word for word in words if word in stderr or word.encode() in kept] == []
