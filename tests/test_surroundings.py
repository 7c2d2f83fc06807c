"""Signing in where the browser is not on this desktop: WSL, SSH, a container, a running event loop."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from conftest import RunProgram
from profiles_file import written

from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

pytestmark = pytest.mark.platform("linux", "darwin")

URL = "https://idp.example/authorize?state=a&redirect_uri=http%3A%2F%2Flocalhost%3A5000%2F"
INVITATION = f"Sign in to idp.example for work in your browser. If it does not open, go to:\n{URL}\n"
INVITE = """
import sys, threading
from requests_auth_profiles._oauth2.attendant import BrowserAttendant

BrowserAttendant().invite("work", "idp.example", sys.argv[1])
for thread in threading.enumerate():
    if thread.name == "requests-auth-browser":
        thread.join(20)
"""
CALLS = {
    "a coroutine": "async def main(): return requests.get(sys.argv[1], auth=profile('me'))",
    "a thread of a coroutine": (
        "async def main(): return await asyncio.to_thread(requests.get, sys.argv[1], auth=profile('me'))"
    ),
}
Invited = Callable[..., CompletedProcess[str]]


@pytest.fixture
def invited(run_python: RunProgram, tmp_path: Path) -> Invited:
    """A program that invites a person, with nothing but these variables and programs to go by."""
    programs = tmp_path / "programs"
    programs.mkdir()

    def run(*names: str, **variables: str) -> CompletedProcess[str]:
        for name in names:
            (programs / name).write_text(f'#!/bin/sh\nprintf %s "$#:$1" > "{tmp_path}/{name}.visited"\n')
            (programs / name).chmod(0o755)
        bare = {name: os.environ[name] for name in ("HOME", "PYTHONPATH") if name in os.environ}
        return run_python("-c", INVITE, URL, env={**bare, "PATH": str(programs), **variables})

    return run


@pytest.mark.parametrize("variable", ["WSL_DISTRO_NAME", "WSL_INTEROP"])
@pytest.mark.parametrize("programs", [("wslview",), ("explorer.exe",), ("wslview", "explorer.exe")])
def test_in_wsl_the_browser_of_windows_opens(
    invited: Invited, tmp_path: Path, variable: str, programs: tuple[str, ...]
) -> None:
    """The program that opens an address in Windows gets ours, whole; of two the first is enough."""
    invited(*programs, **{variable: "Ubuntu"})
    assert [(path.name, path.read_text()) for path in tmp_path.glob("*.visited")] == [
        (f"{programs[0]}.visited", f"1:{URL}")
    ]


def test_in_wsl_the_persons_own_choice_counts(invited: Invited, tmp_path: Path) -> None:
    """Where BROWSER names one, that opens, and not the browser of Windows."""
    invited("wslview", "mine", WSL_DISTRO_NAME="Ubuntu", BROWSER="mine %s")
    assert [path.name for path in tmp_path.glob("*.visited")] == ["mine.visited"]


def test_outside_of_wsl_they_are_left_alone(invited: Invited, tmp_path: Path) -> None:
    """A program of such a name is not run where this is not WSL."""
    invited("wslview", "explorer.exe")
    assert list(tmp_path.glob("*.visited")) == []


def test_in_wsl_without_them_the_address_is_shown(invited: Invited) -> None:
    """Where neither is there, the address is on stderr."""
    assert invited(WSL_DISTRO_NAME="Ubuntu").stderr.startswith(INVITATION)


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY"])
def test_over_ssh_the_way_back_is_told(invited: Invited, variable: str) -> None:
    """A person at another machine is told how to forward the port, and of the flow that needs none."""
    assert invited(**{variable: "x"}).stderr == (
        f"{INVITATION}A browser elsewhere must reach port 5000 of this machine: on the other one: "
        'ssh -N -L 5000:localhost:5000 THIS-MACHINE. Or take flow = "device-code", which needs no way back.\n'
    )


@pytest.mark.parametrize("variable", ["container", "KUBERNETES_SERVICE_HOST"])
def test_in_a_container_the_way_back_is_told(invited: Invited, variable: str) -> None:
    """In a container, whose loopback no browser reaches, its network is named, and the other flow."""
    said = invited(**{variable: "x"}).stderr.removeprefix(INVITATION)
    assert said.startswith(
        "A browser elsewhere must reach port 5000 of this container: run it with the host's"
    )
    assert 'flow = "device-code"' in said


@pytest.mark.parametrize("variable", ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY"])
def test_where_a_browser_is_set_up_no_more_is_said(invited: Invited, variable: str) -> None:
    """Somebody who has a browser here, or a tool that forwards ports by itself, needs no advice."""
    assert invited("true", SSH_CONNECTION="x", container="x", **{variable: "true"}).stderr == INVITATION


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_person_can_sign_in_within_an_event_loop(
    run_python: RunProgram, home: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A call of requests within a running loop, by itself or in a thread, signs in and is let in."""
    browser = home / "browser.py"
    browser.write_text("import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()")
    monkeypatch.setenv("BROWSER", shlex.join([sys.executable, str(browser), "%s"]))
    with AuthorizationServer() as server, ProtectedApi(server) as api:
        server.clients["app"] = Client()
        text = f"""
        [profiles.me]
        flow = "authorization-code-pkce"
        issuer = "{server.issuer}"
        client_id = "app"
        redirect_port = 0
        timeout = 30
        """
        monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(written(home, text)))
        program = f"import asyncio, requests, sys\nfrom requests_auth_profiles import profile\n{call}\n"
        done = run_python("-c", f"{program}print(asyncio.run(main()).status_code)", f"{api.url}/me")
    assert done.stdout == "200\n"
