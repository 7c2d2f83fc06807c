"""The flow `ntlm` of a profiles file, against a real Apache."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from apache import USERS, Apache, came, running_apache

from requests_auth_profiles import HeaderApiKey, profile
from requests_auth_profiles.errors import (
    ConfigurationError,
    HostNotAllowed,
    ProfilesFileError,
    SecretUnavailable,
)

ProfilesText = Callable[[str], Path]


@pytest.fixture(scope="module")
def apache() -> Iterator[Apache]:
    """A running Apache."""
    with running_apache() as server:
        yield server


@pytest.fixture
def file(home: Path) -> ProfilesText:
    """Writes a profiles file."""

    def write(text: str) -> Path:
        path = home / "profiles.toml"
        path.write_text(f'[profiles.intranet]\nflow = "ntlm"\n{text}\n')
        path.chmod(0o600)
        return path

    return write


def test_it_lets_in(apache: Apache, file: ProfilesText, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user and the password come from where the file says, when they are needed."""
    path = file("username = 'TESTDOM\\alice'\npassword = { env = \"WORD\" }\nhosts = ['127.0.0.1:1']")
    auth = profile("intranet", file=path)
    with pytest.raises(HostNotAllowed, match="intranet is not for"):
        requests.get(apache.url, auth=auth, timeout=10)
    path.write_text(path.read_text().replace(":1'", f":{apache.port}'"))
    monkeypatch.setenv("WORD", USERS["alice"])
    auth = profile("intranet", file=path)
    answer = requests.get(apache.url, auth=auth + HeaderApiKey("k3y"), timeout=10)
    assert came(answer)[:2] == ["TESTDOM\\alice", "k3y"]


def test_a_secret_that_is_not_there(apache: Apache, file: ProfilesText) -> None:
    """It is missed when the server asks."""
    auth = profile("intranet", file=file("username = 'alice'\npassword = { env = 'NOT_SET' }"))
    assert requests.get(apache.url.replace("/ntlm", "/open"), auth=auth, timeout=10).status_code == 200
    with pytest.raises(SecretUnavailable, match="NOT_SET"):
        requests.get(apache.url, auth=auth, timeout=10)


@pytest.mark.platform("linux", "darwin")
def test_a_password_that_is_refused(apache: Apache, file: ProfilesText, home: Path) -> None:
    """It is looked up again for the next request, and the one that is good is not."""
    vault, runs = home / "vault", home / "runs"
    vault.write_text("old")
    command = f'["sh", "-c", "echo x >> {runs}; cat {vault}"]'
    path = file(f"username = 'alice'\npassword = {{ command = {command} }}")
    auth = profile("intranet", file=path)
    assert requests.get(apache.url, auth=auth, timeout=10).status_code == 401
    vault.write_text(USERS["alice"])
    assert [requests.get(apache.url, auth=auth, timeout=10).status_code for _ in range(3)] == [200] * 3
    assert runs.read_text().split() == ["x", "x"]


@pytest.mark.parametrize(
    ("said", "lacking"),
    [("username = 'alice'", "password"), ("password = { env = 'WORD' }", "username")],
)
def test_one_of_both(file: ProfilesText, said: str, lacking: str) -> None:
    """It is a fault of the file."""
    with pytest.raises(ProfilesFileError, match=f"needs {lacking}, as it has"):
        profile("intranet", file=file(said))


@pytest.mark.platform("linux", "darwin")
def test_without_a_user(file: ProfilesText) -> None:
    """Elsewhere than on Windows it is said as soon as the profile is asked for."""
    with pytest.raises(ConfigurationError, match="for Windows"):
        profile("intranet", file=file(""))


def test_two_of_them(file: ProfilesText) -> None:
    """Beside another one that answers for the person it is a fault of the file."""
    more = "[profiles.jenkins]\nflow='basic'\nusername='a'\npassword={env='B'}\n"
    path = file(f"username='a'\npassword={{env='B'}}\n{more}[profiles.both]\ncompose=['intranet', 'jenkins']")
    with pytest.raises(ProfilesFileError, match="both write the header Authorization"):
        profile("both", file=path)
