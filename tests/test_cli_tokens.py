"""The verbs about tokens: login, logout, status, token, request, on an authorization server and an API."""

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import counterparts
import pytest
from conftest import RunProgram

from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

PROFILES = """\
default_profile = "nightly"

[profiles.nightly]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = {{ env = "NIGHTLY_SECRET" }}
scopes = ["api.read"]
hosts = ["{api}"]

[profiles.me]
flow = "authorization-code-pkce"
issuer = "{issuer}"
client_id = "app"
scopes = ["openid"]
redirect_port = 0
timeout = 20

[profiles.gateway]
flow = "api-key"
api_key = "canary-k3y"
hosts = ["{api}"]

[profiles.both]
compose = ["gateway", "nightly"]
"""

# A browser that follows redirects and says nothing.
BROWSER = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"


@dataclass(frozen=True)
class World:
    """A profiles file, the servers that it is for, and the command line on it."""

    server: AuthorizationServer
    api: ProtectedApi
    run: Callable[..., object]
    home: Path


@pytest.fixture
def world(home: Path, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ExitStack() as running:
        server = running.enter_context(AuthorizationServer())
        api = running.enter_context(ProtectedApi(server, api_keys={"canary-k3y"}))
        server.clients |= {"nightly": Client(secret="s3cret"), "app": Client()}
        file = home / "profiles.toml"
        file.write_text(PROFILES.format(issuer=server.issuer, api=urlsplit(api.url).netloc), "utf-8")
        file.chmod(0o600)
        monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
        monkeypatch.setenv("NIGHTLY_SECRET", "s3cret")
        script = home / "browser.py"
        script.write_text(BROWSER, "utf-8")
        monkeypatch.setenv("BROWSER", shlex.join([sys.executable, str(script), "%s"]))
        yield World(server, api, run_cli, home)


def test_a_token_is_won_once_and_printed_alone(world: World) -> None:
    """`token` prints nothing but the token, and the second process takes it from the store."""
    first, second = world.run("token"), world.run("token", "nightly")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == second.stdout
    assert world.server.introspect(first.stdout.strip())["client_id"] == "nightly"
    assert second.stderr == ""
    assert world.server.count("token") == 1


def test_a_token_in_other_forms(world: World) -> None:
    """For a header, a program and kubectl, the same token is printed as each wants it."""
    token = world.run("token").stdout.strip()
    assert world.run("token", "--header").stdout == f"Authorization: Bearer {token}\n"
    said = json.loads(world.run("token", "--format", "json").stdout)
    assert said | {"expires_at": 0} == {
        "access_token": token,
        "token_type": "Bearer",
        "expires_at": 0,
        "scope": "api.read",
    }
    assert abs(said["expires_at"] - time.time() - 3600) < 120
    credential = json.loads(world.run("token", "--format", "k8s").stdout)
    assert credential["kind"] == "ExecCredential"
    assert credential["status"]["token"] == token
    assert time.strptime(credential["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
    assert world.run("token", "gateway", "--header").stdout == "X-Api-Key: canary-k3y\n".replace("Api", "API")


def test_a_token_that_ends_too_soon_is_renewed(world: World) -> None:
    """`--time S` gives one that is good for at least S seconds, where the one that is kept is not."""
    first = world.run("token", "--time", "60").stdout
    assert world.run("token", "--time", "60").stdout == first
    assert world.run("token", "--time", "7200").stdout != first
    assert world.server.count("token") == 2


def test_several_credentials_are_no_token(world: World) -> None:
    """Of a composition, `token` asks which member is meant."""
    done = world.run("token", "both")
    assert (done.returncode, done.stdout) == (2, "")
    assert "both has several credentials: name one of gateway, nightly" in done.stderr


def test_login_takes_a_person_through_the_browser(world: World) -> None:
    """`login` opens the browser, keeps the token, and tells how long it is good."""
    done = world.run("login", "me")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"Sign in to {urlsplit(world.server.issuer).netloc} for me in your browser" in done.stderr
    assert done.stderr.endswith("Signed in for me; valid for 59 min.\n")
    asked = world.server.count("token")
    assert world.run("request", "me", f"{world.api.url}/me").stdout == '{"hello": "ada", "by": ["bearer"]}'
    assert world.server.count("token") == asked == 1


def test_login_replaces_a_good_token(world: World) -> None:
    """Whoever says `login` wants a new token."""
    first = world.run("token").stdout
    assert world.run("login").returncode == 0
    assert world.run("token").stdout != first


def test_login_where_no_person_can_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI it ends at once with 4, and says what a person would type."""
    monkeypatch.setenv("CI", "true")
    began = time.monotonic()
    for words in (["login", "me"], ["token", "me"], ["request", "me", f"{world.api.url}/me"]):
        done = world.run(*words)
        assert (done.returncode, done.stdout) == (4, "")
        assert "and with the same store: requests-auth login me" in done.stderr
    assert time.monotonic() - began < 20
    assert world.server.count("authorize") == 0


def test_a_sign_in_that_is_refused(world: World) -> None:
    """What the provider says is told, the exit code is 1, and nothing is kept."""
    refusal = {"error": "access_denied", "error_description": "not today"}
    world.server.replies["token"].append(Reply.json(refusal, 400))
    done = world.run("login", "me")
    assert done.returncode == 1
    assert "refused the token request: access_denied (not today)" in done.stderr
    assert "not signed in" in world.run("status").stdout


def test_login_where_nothing_can_be_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is gone with the program is no sign-in: the exit code says so, and what would help."""
    monkeypatch.setenv("CI", "true")
    done = world.run("login", "nightly")
    assert done.returncode == 1
    assert "error: but the token could not be kept, and is gone with this program\n" in done.stderr
    assert "hint: export REQUESTS_AUTH_STORE=" in done.stderr


def test_what_has_no_token(world: World) -> None:
    """An API key is nothing to sign in to, nor to sign out of."""
    done = world.run("login", "gateway")
    assert done.returncode == 2
    assert "gateway has nothing to sign in to" in done.stderr
    assert world.run("logout", "gateway").stderr == "gateway keeps no token.\n"


def test_status_shows_who_is_signed_in(world: World) -> None:
    """For each profile with a token to keep: its state, how long it is good, and whether it renews itself."""
    before = world.run("status")
    assert [line.split() for line in before.stdout.splitlines()[1:]] == [
        ["nightly", "client-credentials", "not", "signed", "in"],
        ["me", "authorization-code-pkce", "not", "signed", "in"],
    ]
    world.run("login", "nightly")
    world.run("login", "me")
    rows = [line.split() for line in world.run("status").stdout.splitlines()[1:]]
    assert rows[0] == ["nightly", "client-credentials", "valid", "for", "59", "min", "api.read"]
    assert rows[1] == ["me", "authorization-code-pkce", "valid", "for", "59", "min", "yes", "openid"]
    said = json.loads(world.run("status", "--json").stdout)
    assert [(row["name"], row["state"], row["renewable"]) for row in said["profiles"]] == [
        ("nightly", "valid", False),
        ("me", "valid", True),
    ]
    assert said["store"] == str(world.home / ".local/state/requests-auth")


def test_status_asks_nobody_and_changes_nothing(world: World) -> None:
    """To look is free: no request goes out, and no file is made."""
    before = sorted(world.home.rglob("*"))
    assert world.run("status").returncode == 0
    assert sorted(world.home.rglob("*")) == before
    assert world.server.requests == []


def test_an_expired_token_is_shown_as_one(world: World) -> None:
    """A token past its end is told as expired, not as there."""
    world.server.lifetime_seconds = 0
    world.run("login")
    row = world.run("status").stdout.splitlines()[1]
    assert "expired" in row
    assert json.loads(world.run("status", "--json").stdout)["profiles"][0]["state"] == "expired"


def test_logout_forgets_one(world: World) -> None:
    """After `logout NAME` its token is gone, and the others stay."""
    world.run("login", "nightly")
    world.run("login", "me")
    done = world.run("logout", "me")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Forgot the token of me.\n")
    states = [row["state"] for row in json.loads(world.run("status", "--json").stdout)["profiles"]]
    assert states == ["valid", "none"]


def test_logout_forgets_all(world: World) -> None:
    """After `logout --all` no document is left, and the next sign-in works."""
    world.run("login", "nightly")
    world.run("login", "me")
    assert world.run("logout", "--all").returncode == 0
    state = world.home / ".local/state/requests-auth"
    assert list((state / "tokens").iterdir()) == []
    assert not (state / "store.json").exists()
    assert world.run("token").returncode == 0


def test_request_sends_what_it_is_told(world: World) -> None:
    """Method, headers and body go out, signed; the answer's body is stdout, its head with -i stderr."""
    body = world.home / "body.json"
    body.write_bytes(b'{"a": 1}')
    url = f"{world.api.url}/echo?x=1"
    words = ("-X", "PUT", "-H", "Content-Type: application/json", "-H", "X-A:b", "-d", f"@{body}", "-i")
    done = world.run("request", "both", url, *words)
    said = json.loads(done.stdout)
    assert (said["method"], said["query"], said["body"]) == ("PUT", "x=1", '{"a": 1}')
    assert (said["headers"]["X-A"], said["headers"]["X-API-Key"]) == ("b", "canary-k3y")
    assert said["headers"]["Authorization"].startswith("Bearer ")
    assert "200 OK\n" in done.stderr
    piped = world.run("request", "gateway", url, "-d", "@-", input="from stdin")
    assert json.loads(piped.stdout) | {"headers": 0} == {
        "method": "POST",
        "path": "/echo",
        "query": "x=1",
        "headers": 0,
        "body": "from stdin",
    }


def test_request_that_the_api_refuses(world: World) -> None:
    """From 400 on the exit code is 1; the body is still printed."""
    world.api.api_keys.clear()
    done = world.run("request", "gateway", f"{world.api.url}/key")
    assert (done.returncode, done.stdout) == (1, '{"error": "unauthorized"}')
    assert done.stderr == "401 Unauthorized\n"


def test_request_to_where_the_credential_may_not_go(world: World) -> None:
    """Another host is refused before anything is sent, with what to change."""
    done = world.run("request", "gateway", "https://other.example/")
    assert (done.returncode, done.stdout) == (1, "")
    assert "gateway is not for https://other.example: the profile's hosts do not name it" in done.stderr


def test_request_that_cannot_be_sent(world: World) -> None:
    """A server that hangs up, a file that is not there: told in one line, and no key in it."""
    world.api.replies["key"].append(Reply(hang_up=True))
    done = world.run("request", "gateway", f"{world.api.url}/key")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the request failed: ConnectionError\n")
    done = world.run("request", "gateway", f"{world.api.url}/key", "-d", "@nowhere")
    assert done.returncode == 2
    assert "nowhere: No such file or directory" in done.stderr
    assert "canary" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("-H", "X: €"),
        ("-H", "Ünicode: x"),
        ("-H", ": x"),
        ("-X", "GET FOO"),
        ("--timeout", "inf"),
        ("--timeout", "1e20"),
    ],
    ids=" ".join,
)
def test_request_that_cannot_be_written(world: World, words: tuple[str, str]) -> None:
    """A header, method or time that cannot be sent is wrong usage, told without a traceback."""
    done = world.run("request", "gateway", f"{world.api.url}/key", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: requests-auth request")
    assert world.api.requests == []


@pytest.mark.parametrize("url", ["foo", "https://a..b/", "ftp://a.example/", "https://"])
def test_request_to_what_is_no_url(world: World, url: str) -> None:
    """What cannot be called is told as such."""
    done = world.run("request", "gateway", url)
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr


@pytest.mark.platform("linux")
def test_streams_that_are_closed(world: World) -> None:
    """With stdin, stdout or stderr closed, each verb still ends as it should."""
    call = f"{sys.executable} -m requests_auth_profiles"
    url = f"{world.api.url}/key"
    for words in (f"request gateway {url}", "list", "status", f"request gateway {url} -d @- <&-"):
        done = counterparts.run("sh", "-c", f"{call} {words} >&-")
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert counterparts.run("sh", "-c", f"{call} token nope 2>&-").returncode == 3


def test_no_verb_shows_a_secret(world: World) -> None:
    """What list, check, status, login and logout write holds no key, secret or token."""
    token = world.run("token").stdout.strip()
    for words in (["list"], ["check", "--secrets"], ["status"], ["status", "--json"], ["login"], ["logout"]):
        done = world.run(*words)
        assert done.returncode == 0
        said = done.stdout + done.stderr
        assert not any(secret in said for secret in (token, "canary-k3y", "s3cret"))
