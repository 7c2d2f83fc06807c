"""Where tokens are kept: what the environment says, else the file, else the person's own folder."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
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
    "said", ["redis://localhost:6379", "rediss://h", "postgres://u:s3cret@h/db", "file:///x"]
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
