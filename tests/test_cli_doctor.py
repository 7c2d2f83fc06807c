"""The verb doctor: how things stand, one line each, and what to type about what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import RunProgram
from profiles_file import PERSON, written
from wire import RawServer, http

from requests_auth_profiles.testing import AuthorizationServer, Client

MACHINE = """
default_profile = "nightly"

[profiles.nightly]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = "s3cret"
"""


def found(cli: RunProgram, *words: str) -> dict[str, Any]:
    """What the verb says in JSON, by thing."""
    done = cli("doctor", "--json", *words)
    said = {one["about"]: one for one in json.loads(done.stdout)}
    assert done.returncode == (0 if all(one["ok"] for one in said.values()) else 1)
    return said


@pytest.fixture
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with no browser, on no network of others."""
    for name in ("BROWSER", "SSH_CONNECTION", "SSH_TTY", "WSL_DISTRO_NAME", "WSL_INTEROP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(home / "profiles.toml"))
    return home


def test_all_is_well(cli: RunProgram, place: Path) -> None:
    """After a sign-in, file, profile, store and key are told, the exit code is 0, and no secret is shown."""
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret="s3cret")
        written(place, MACHINE.format(issuer=server.issuer))
        assert cli("login").returncode == 0
        done = cli("doctor", "--online")
    assert (done.returncode, "problem" in done.stdout, "s3cret" in done.stdout) == (0, False, False)
    for line in (
        f"file     {place / 'profiles.toml'}, 1 profile",
        "profile  nightly (the file's default)",
        f"store    {place / '.local/state/requests-auth'}, 1 kept, sealed with a key from 'file'",
        "person   can be asked to sign in",
        "clock    ",
    ):
        assert f"ok       {line}" in done.stdout


def test_a_file_that_is_missing_or_wrong_is_told(cli: RunProgram, place: Path) -> None:
    """Without a good file the verb says what to type, and goes on with what needs none."""
    assert found(cli)["file"]["hint"]
    written(place, '[profiles.work]\nflow = "wrong"\n')
    said = found(cli)
    assert said["file"]["says"] == "1 fault in the profiles file"
    assert said["file"]["hint"] == "requests-auth check"
    assert {"keyring", "person", "browser"} < set(said)


def test_a_profile_that_is_not_there_is_told(
    cli: RunProgram, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that names no profile is wrong; that none is the default is not."""
    written(place, PERSON)
    assert found(cli)["profile"]["ok"]
    monkeypatch.setenv("REQUESTS_AUTH_PROFILE", "wrok")
    assert "work" in found(cli)["profile"]["hint"]


def test_a_key_that_is_another_is_told(cli: RunProgram, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens that were sealed with another key are told, with what to type; so is a store in memory."""
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret="s3cret")
        written(place, MACHINE.format(issuer=server.issuer))
        assert cli("login").returncode == 0
    monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", "A" * 43)
    said = found(cli)["store"]
    assert "sealed with a key from 'file'" in said["says"]
    assert said["hint"].endswith("begin anew: requests-auth store clear")
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    assert found(cli)["store"]["says"].startswith("memory")


def test_what_says_that_nobody_can_be_asked_is_told(
    cli: RunProgram, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable of the CI service, or our own one, is named; a wrong one is a problem."""
    written(place, PERSON)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert found(cli)["person"]["says"] == "cannot be asked to sign in (GITHUB_ACTIONS says so)"
    monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "yes")
    assert found(cli)["person"]["hint"] == "export REQUESTS_AUTH_INTERACTIVE=0"


def test_no_browser_is_a_problem_where_one_is_wanted(
    cli: RunProgram, run_cli: RunProgram, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that signs in by browser, a person, and nothing that opens one: there is another flow."""
    monkeypatch.setenv("BROWSER", "firefox %s")
    monkeypatch.setenv("SSH_TTY", "x")
    written(place, PERSON)
    assert found(cli)["browser"]["says"].startswith("firefox %s (BROWSER), over SSH")
    monkeypatch.delenv("BROWSER")
    monkeypatch.setenv("PATH", str(place))
    said = found(run_cli)["browser"]
    assert "device-code" in said["hint"]
    written(place, MACHINE.format(issuer="https://login.acme.com"))
    assert found(run_cli)["browser"]["ok"]


def test_a_clock_that_is_wrong_is_told(cli: RunProgram, place: Path) -> None:
    """`--online` compares with the time that the provider says, and tells of one that cannot be reached."""
    with AuthorizationServer() as server:
        written(place, MACHINE.format(issuer=server.issuer))
        said = found(cli, "--online")["clock"]
        assert said["ok"]
    assert found(cli, "--online")["clock"]["hint"]
    with RawServer(http(200, b"{}", Date="Thu, 01 Jan 2026 00:00:00 GMT")) as server:
        written(place, MACHINE.format(issuer=f"http://127.0.0.1:{server.port}"))
        said = found(cli, "--online")["clock"]
        assert f"s ahead of 127.0.0.1:{server.port}" in said["says"]
    assert said["hint"] == "set it: timedatectl set-ntp true"
