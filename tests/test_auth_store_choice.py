"""Where tokens are kept: what the environment says, else the file, else the person's own folder."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from conftest import RunProgram
from redis_servers import PASSWORD, RedisServer
from vault import KEY_TEXT

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ConfigurationError
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

PROFILES = """
[profiles.nightly]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = "s3cret"
"""
DOCUMENT = "tokens/nightly.json"


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that knows the client of the profile `nightly`."""
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret="s3cret")
        yield server


@pytest.fixture
def api(server: AuthorizationServer) -> Iterator[ProtectedApi]:
    """An API that takes the provider's tokens."""
    with ProtectedApi(server) as api:
        yield api


@pytest.fixture
def file(home: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profiles file, in a folder of its own beside the home."""
    path = home.parent / "etc/profiles.toml"
    path.parent.mkdir(mode=0o700)
    path.write_text(PROFILES.format(issuer=server.issuer))
    path.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    return path


def call(api: ProtectedApi) -> int:
    """Call the API twice, which asks for one token wherever it is kept."""
    auth = profile("nightly")
    first = requests.get(f"{api.url}/me", auth=auth, timeout=10)
    second = requests.get(f"{api.url}/me", auth=auth, timeout=10)
    assert first.status_code == second.status_code
    return first.status_code


def files(*folders: Path) -> list[str]:
    return sorted(path.name for folder in folders for path in folder.rglob("*") if path.is_file())


def test_the_persons_own(home: Path, file: Path, api: ProtectedApi) -> None:
    """Where nothing is said, a sealed document is in the person's state folder, and its key apart from it."""
    assert call(api) == 200
    assert (home / ".local/state/requests-auth" / DOCUMENT).exists()
    assert list((home / ".local/share/requests-auth/keys").iterdir())


def test_memory(
    home: Path, file: Path, api: ProtectedApi, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`memory:` writes nothing anywhere, and still asks for one token only."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    assert call(api) == 200
    assert (files(home, file.parent), server.count("token")) == (["profiles.toml"], 1)


def test_memory_outlives_a_change_of_the_file(
    file: Path, api: ProtectedApi, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token in memory is that of the process: reading the file again does not cost it."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    before = profile("nightly")
    call(api)
    file.write_text(file.read_text() + "\n# a comment\n")
    assert profile("nightly") is not before
    call(api)
    assert server.count("token") == 1


@pytest.mark.parametrize("said", ["{home}/kept", "~/kept", "../home/kept"])
def test_a_folder(
    home: Path, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """A folder in full, from the person's home, or beside the file: never in the working directory."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", said.format(home=home))
    assert call(api) == 200
    assert (home / "kept" / DOCUMENT).exists()


def test_what_the_file_says(home: Path, file: Path, api: ProtectedApi) -> None:
    """`[store] url` in the file counts where the environment says nothing."""
    file.write_text(file.read_text() + f'[store]\nurl = "{home / "kept"}"\n')
    assert call(api) == 200
    assert (home / "kept" / DOCUMENT).exists()


def test_the_environment_before_the_file(
    home: Path, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job can say `memory:` whatever the file says."""
    file.write_text(file.read_text() + f'[store]\nurl = "{home / "kept"}"\n')
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    assert call(api) == 200
    assert files(home) == []


@pytest.mark.parametrize(
    "said", ["redis://u:s3cret@", "rediss://u:s3cret@h/a", "postgres://u:s3cret@h/db", "file:///x"]
)
def test_a_kind_that_is_not_known(file: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """It is an error that names the variable, not its value, which may hold a password."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", said)
    with pytest.raises(ConfigurationError, match="REQUESTS_AUTH_STORE") as caught:
        profile("nightly")
    assert said not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL"])
def test_in_ci_nothing_is_written(
    home: Path, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """With nothing configured, tokens of a job stay in its memory: a cached folder would hand them on."""
    monkeypatch.setenv(variable, "true")
    assert call(api) == 200
    assert list(home.rglob("*")) == []


@pytest.mark.parametrize(
    ("variable", "value"), [("REQUESTS_AUTH_STORE_KEY", KEY_TEXT), ("REQUESTS_AUTH_STORE", "~/kept")]
)
def test_in_ci_what_is_configured_counts(
    home: Path, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A job that names a key or a folder means a store on disk."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv(variable, value)
    assert call(api) == 200
    assert "nightly.json" in files(home)


def test_a_key_of_ones_own_makes_no_key_file(
    home: Path, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the key is given, none is made."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", KEY_TEXT)
    assert call(api) == 200
    assert files(home) == ["nightly.json", "nightly.lock", "store.json", "store.lock"]


def test_no_place_at_all(
    file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the folder cannot be, requests are made all the same, and one warning says what is lost."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "~nobody-of-that-name/kept")
    with caplog.at_level(logging.WARNING):
        assert call(api) == 200
    said = [record.getMessage() for record in caplog.records]
    assert sum("no place for a token store" in each for each in said) == 1


def test_a_key_that_the_file_refers_to(
    home: Path, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`[store] key` is looked up when the first token is kept, and no key file is made."""
    file.write_text(file.read_text() + '[store]\nkey = { env = "TEAM_KEY" }\n')
    profile("nightly")
    monkeypatch.setenv("TEAM_KEY", KEY_TEXT)
    assert call(api) == 200
    assert files(home) == ["nightly.json", "nightly.lock", "store.json", "store.lock"]


class TestOnAServer:
    """Tokens on a Redis server, where the URL says so."""

    @pytest.fixture(autouse=True)
    def key(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The key that all machines have."""
        monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", KEY_TEXT)

    def test_the_environment_names_it(
        self,
        home: Path,
        file: Path,
        api: ProtectedApi,
        redis_server: RedisServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The token is there, sealed, and nothing on this machine; a CI job is no exception."""
        monkeypatch.setenv("REQUESTS_AUTH_STORE", redis_server.url("named"))
        monkeypatch.setenv("CI", "true")
        assert call(api) == 200
        assert redis_server.store("named").keys() == ["nightly"]
        assert files(home) == []

    def test_the_file_refers_to_it(
        self, file: Path, api: ProtectedApi, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The URL, which holds a password, is looked up when the first token is kept."""
        file.write_text(file.read_text() + '[store]\nurl = { env = "TEAM_STORE" }\n')
        profile("nightly")
        monkeypatch.setenv("TEAM_STORE", redis_server.url("referred"))
        assert call(api) == 200
        assert redis_server.store("referred").keys() == ["nightly"]

    def test_a_reference_to_something_else(
        self, file: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is looked up and is no URL of a server is an error that does not tell it."""
        file.write_text(file.read_text() + '[store]\nurl = { env = "TEAM_STORE" }\n')
        monkeypatch.setenv("TEAM_STORE", "redis://u:s3cret@")
        with pytest.raises(ConfigurationError, match="the URL of the token store") as caught:
            call(api)
        assert "s3cret" not in repr([str(caught.value), locals_of(caught)])

    @pytest.mark.parametrize("said", ["", '[store]\nurl = { env = "TEAM_STORE" }\n'])
    def test_it_needs_a_key(self, file: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
        """No key is made on one machine that the others do not have."""
        monkeypatch.delenv("REQUESTS_AUTH_STORE_KEY")
        if said:
            file.write_text(file.read_text() + said)
        else:
            monkeypatch.setenv("REQUESTS_AUTH_STORE", "redis://:s3cret@127.0.0.1:9")
        with pytest.raises(ConfigurationError, match="none is given") as caught:
            profile("nightly")
        assert "openssl rand" in caught.value.hint
        assert "s3cret" not in repr(locals_of(caught))

    def test_a_password_in_the_file(self, file: Path) -> None:
        """A URL with a password is a secret: others may not read the file then."""
        file.write_text(file.read_text() + '[store]\nurl = "rediss://:s3cret@redis.acme.com"\n')
        file.write_text(file.read_text().replace('"s3cret"', '{ env = "SECRET" }'))  # that of the client
        file.chmod(0o644)
        with pytest.raises(
            ConfigurationError, match=r"store\.url: is a secret in a file that others can read"
        ) as caught:
            profile("nightly")
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("url", "told"),
        [("rediss://:pass@redis.acme.com", 1), ("rediss://redis.acme.com", 0), ("~/mine@work", 0)],
    )
    def test_a_url_without_a_password(self, file: Path, cli: RunProgram, url: str, told: int) -> None:
        """It is no secret, nor is a folder, and `check` tells of one that is without showing it."""
        file.write_text(file.read_text() + f'[store]\nurl = "{url}"\n')
        said = cli("check").stderr
        assert (said.count("store.url: is a secret"), ":pass@" in said) == (told, False)

    def test_what_the_command_line_says_of_it(
        self, file: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, cli: RunProgram
    ) -> None:
        """`login` keeps the token there, `status` says where, `logout --all` forgets it."""
        monkeypatch.setenv("REQUESTS_AUTH_STORE", redis_server.url("cli"))
        assert cli("login", "nightly").returncode == 0
        assert redis_server.store("cli").keys() == ["nightly"]
        told = cli("status")
        assert f"tokens redis://127.0.0.1:{redis_server.port}/0" in told.stderr
        assert PASSWORD not in told.stderr
        assert cli("logout", "--all").returncode == 0
        assert redis_server.store("cli").keys() == []

    @pytest.mark.parametrize(
        ("url", "wrong"),
        [("redis://redis.acme.com", 1), ("rediss://redis.acme.com", 0), ("redis://127.0.0.1", 0)],
    )
    def test_what_check_advises(self, file: Path, cli: RunProgram, url: str, wrong: int) -> None:
        """A server that is not on this machine is better spoken to over TLS."""
        file.write_text(file.read_text() + f'[store]\nurl = "{url}"\n')
        assert cli("check").stderr.count("is without TLS") == wrong


def locals_of(caught: pytest.ExceptionInfo[ConfigurationError]) -> list[dict[str, object]]:
    """The variables of the package's functions that an error came through, as debuggers show them."""
    return [
        entry.frame.f_locals
        for entry in caught.traceback
        if "requests_auth_profiles" in str(entry.path) and "/tests/" not in str(entry.path)
    ]
