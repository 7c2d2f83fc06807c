"""`requests-auth logout`: what is forgotten here, what is ended at the provider, and what lives on."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import RunProgram

from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

MACHINE = """\
[profiles.{name}]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "{name}"
client_secret = "canary-s3cret"
header_name = "X-{name}"

"""
MORE = """\
[profiles.gateway]
flow = "api-key"
api_key = "canary-k3y"

[profiles.both]
compose = ["gateway", "one", "two"]

[profiles.printed]
flow = "command"
command = {command}
"""
DOWN = [Reply(hang_up=True)] * 3


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        server.clients |= {name: Client(secret="canary-s3cret") for name in ("one", "two")}
        yield server


@pytest.fixture
def file(home: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profiles file of which two profiles have that server, and one a program."""
    path = home / "profiles.toml"
    command = json.dumps([sys.executable, "-c", "print('canary-printed')"])
    machines = [MACHINE.format(name=name, issuer=server.issuer) for name in ("one", "two")]
    path.write_text("".join(machines) + MORE.format(command=command), "utf-8")
    path.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    return path


def states(cli: RunProgram) -> dict[str, str]:
    """Who is signed in."""
    return {row["name"]: row["state"] for row in json.loads(cli("status", "--json").stdout)["profiles"]}


def told(cli: RunProgram, *words: str, code: int = 0) -> list[str]:
    """What a command line says, which ends so and shows no secret."""
    done = cli(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert "canary" not in done.stderr
    return done.stderr.splitlines()


def test_one(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """`--revoke` ends its token at the provider, and forgets it."""
    token = cli("token", "one").stdout.strip()
    assert told(cli, "logout", "one", "--revoke") == ["Revoked and forgot the token of one."]
    assert server.introspect(token) is None
    assert states(cli)["one"] == "none"


def test_not_unasked(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """Without it, the token is forgotten, and good at the provider."""
    token = cli("token", "one").stdout.strip()
    assert told(cli, "logout", "one") == ["Forgot the token of one."]
    assert server.introspect(token) is not None
    assert server.count("revoke") == 0


def test_one_that_is_not_signed_in(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """That is told, and nobody is called."""
    assert told(cli, "logout", "one", "--revoke") == ["one was not signed in."]
    assert told(cli, "logout", "gateway", "--revoke") == ["gateway keeps no token."]
    assert server.requests == []


def test_a_provider_that_is_away(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """The token is forgotten; what lives on, until when, and what to do, is told with 1."""
    cli("login", "one")
    server.replies["revoke"].extend(DOWN)
    error, hint = told(cli, "logout", "one", "--revoke", code=1)
    assert error.startswith(
        "error: the token of one is forgotten here, and not ended: cannot reach 127.0.0.1"
    )
    assert "; its access token is good until " in error
    assert hint.startswith("hint: have it ended at 127.0.0.1:")
    assert states(cli)["one"] == "none"


def test_a_composition(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """Each member is told of, and one that fails does not keep the others from it."""
    cli("login", "both")
    server.replies["revoke"].extend(DOWN)
    done, error, _ = told(cli, "logout", "both", "--revoke", code=1)
    assert done == "Revoked and forgot the token of two."
    assert "the token of one is forgotten here" in error
    assert {*states(cli).values()} == {"none"}


def test_all(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """All that are signed in, and no other."""
    cli("login", "one")
    assert told(cli, "logout", "--all", "--revoke") == [
        "Revoked and forgot the token of one.",
        "Forgot all tokens.",
    ]
    assert server.count("revoke") == 1


def test_all_where_some_fail(file: Path, cli: RunProgram, server: AuthorizationServer) -> None:
    """All are forgotten; those that live on are told, each with what to do."""
    tokens = [cli("token", name).stdout.strip() for name in ("one", "two", "printed")]
    server.replies["revoke"].extend(DOWN)
    said = told(cli, "logout", "--all", "--revoke", code=1)
    assert said[:2] == ["Revoked and forgot the token of two.", "Forgot all tokens."]
    assert "the token of one is forgotten here, and not ended: cannot reach" in said[2]
    assert said[3].startswith("  hint: have it ended at 127.0.0.1:")
    assert "the token of printed is forgotten here, and not ended: it is not known who" in said[4]
    assert said[5] == "hint: have it ended where the command has it from"
    assert len(said) == 6
    assert [server.introspect(token) is not None for token in tokens] == [True, False, False]
    assert {*states(cli).values()} == {"none"}


def test_all_with_a_token_of_no_profile(file: Path, cli: RunProgram) -> None:
    """A token whose profile is gone is forgotten; that nobody could be asked to end it is told."""
    cli("login", "one")
    file.write_text(file.read_text("utf-8").replace("profiles.one", "profiles.uno").replace('"one", ', ""))
    said = told(cli, "logout", "--all", "--revoke", code=1)
    assert said[0] == "Forgot all tokens."
    assert said[1].startswith("error: the token of one, no profile of this file, is forgotten and not ended")
    file.write_text(file.read_text("utf-8").replace("profiles.uno", "profiles.one"))
    assert states(cli)["one"] == "none"


def test_a_command_keeps_tokens_too(file: Path, cli: RunProgram) -> None:
    """`login`, `status` and `logout` are for profiles whose token a program prints, too."""
    assert states(cli)["printed"] == "none"
    assert told(cli, "login", "printed") == ["Signed in for printed."]
    assert states(cli)["printed"] == "valid"
    assert told(cli, "logout", "printed") == ["Forgot the token of printed."]
    assert states(cli)["printed"] == "none"
