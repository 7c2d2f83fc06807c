"""The table `http` of a profile: what it may hold, what a child has of it, what a house cannot say."""

from pathlib import Path

import profiles_file
import pytest
from profiles_file import KEY, MACHINE, MARK, PERSON

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.errors import ProfilesFileError

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("proxy = 8080", "is a number, not text or a reference"),
        ('proxy = ""', "is empty"),
        ('proxy = "proxy.acme.com:3128"', "is not the URL of a proxy"),
        ('proxy = "ftp://proxy.acme.com"', "is not the URL of a proxy"),
        ('proxy = "http://proxy.acme.com/path"', "is not the URL of a proxy"),
        ('proxy = "http://"', "has no host"),
        ('proxy = "http://proxy.acme.com:99999"', "has no host, or a host or port that cannot be"),
        ('proxy = { envv = "GATE" }', "is not one of { env"),
        (f'proxy = "http://ada:{SECRET} x@proxy.acme.com"', "has a character in its user or password"),
        (f'proxy = "http://ada:{SECRET}/x@proxy.acme.com"', "is not the URL of a proxy"),
        ("ca_bundle = true", "is a boolean, not text"),
        ('client_cert = ""', "is empty"),
        ("retries = -1", "is not between 0 and 10"),
        ("retries = 11", "is not between 0 and 10"),
        ("retries = true", "is a boolean, not a whole number"),
        ('retries = "3"', "is text, not a whole number"),
        ('proxi = "http://proxy.acme.com"', "is not a known key"),
        ("timeout = 5", "is not a known key"),
    ],
)
def test_a_wrong_entry(tmp_path: Path, entry: str, message: str) -> None:
    """Each is one fault with its line, its whole name and a hint, and without a password."""
    text = f"{MACHINE}[profiles.work.http]\n{entry} {MARK}\n"
    (fault,) = profiles_file.faults(tmp_path, text)
    name = entry.partition(" ")[0]
    assert ([fault.line], fault.key) == (profiles_file.marked(text), f"http.{name}")
    assert message in fault.message
    assert fault.hint
    assert SECRET not in str(fault)


@pytest.mark.parametrize(
    "proxy",
    [
        '"http://proxy.acme.com:3128"',
        '"https://proxy.acme.com"',
        '"http://[::1]:3128/"',
        '"socks5h://127.0.0.1:1080"',
        '"http://ada:p%40ss@proxy.acme.com:3128"',
        '{ env = "GATE" }',
        '{ keyring = "gate", username = "ada" }',
    ],
)
def test_a_right_proxy(tmp_path: Path, proxy: str) -> None:
    """It is a URL, or read elsewhere."""
    found = profiles_file.oauth2(tmp_path, f"{MACHINE}http.proxy = {proxy}\n").http
    assert found.proxy is not None
    assert found.proxy.is_literal == proxy.startswith('"')


def test_nothing_said(tmp_path: Path) -> None:
    """Where there is no table, the environment says it all."""
    found = profiles_file.oauth2(tmp_path, PERSON).http
    values = (found.proxy, found.ca_bundle, found.client_cert, found.client_key, found.retries)
    assert values == (None,) * 5


def test_no_table(tmp_path: Path) -> None:
    """Something else under this name is a fault, with how it is written."""
    (fault,) = profiles_file.faults(tmp_path, f'{MACHINE}http = "http://proxy.acme.com" {MARK}\n')
    assert (fault.key, fault.message, fault.hint) == (
        "http",
        "is text, not a table",
        "[profiles.NAME.http]",
    )


def test_a_flow_without_a_provider(tmp_path: Path) -> None:
    """Where no provider is called, there is nothing to say."""
    (fault,) = profiles_file.faults(tmp_path, f"{KEY}http.retries = 1 {MARK}\n")
    assert fault.message == "is not a key of flow 'api-key'"


def test_a_key_without_its_certificate(tmp_path: Path) -> None:
    """It is a fault at load."""
    text = f'{MACHINE}[profiles.work.http]\nclient_key = "job.key" {MARK}\n'
    (fault,) = profiles_file.faults(tmp_path, text)
    assert ([fault.line], fault.key) == (profiles_file.marked(text), "http.client_key")
    assert fault.hint == 'client_cert = "client.pem"'


def test_a_certificate_from_the_parent(tmp_path: Path) -> None:
    """A child may say the key of its parent's certificate."""
    text = f'{MACHINE}http.client_cert = "job.pem"\n'
    text += '[profiles.child]\nextends = "work"\nhttp.client_key = "my.key"\n'
    found = profiles_file.oauth2(tmp_path, text, "child").http
    assert found.client_cert is not None
    assert found.client_key is not None
    assert (found.client_cert.text, found.client_key.text) == ("job.pem", "my.key")


def test_a_child(tmp_path: Path) -> None:
    """It has what its parent says, but for what it says itself, each with its own place."""
    text = f"""{MACHINE}
[profiles.work.http]
proxy = {{ env = "GATE" }} # parent
ca_bundle = "acme.pem" # parent
retries = 1
[profiles.child]
extends = "work"
http.ca_bundle = "child.pem" # child
[profiles.grandchild]
extends = "child"
http.retries = 5
"""
    found = profiles_file.oauth2(tmp_path, text, "grandchild").http
    assert found.proxy is not None
    assert found.ca_bundle is not None
    assert (found.ca_bundle.text, found.retries) == ("child.pem", 5)
    lines = text.split("\n")
    places = [str(place).split(":")[1] for place in (found.proxy.place, found.ca_bundle.place)]
    assert [lines[int(number) - 1].partition("# ")[2] for number in places] == ["parent", "child"]
    assert str(found.proxy.place).endswith(": profile 'work', http.proxy")


def test_in_continuous_integration(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The overlay merges like a child."""
    text = f'{MACHINE}http.ca_bundle = "acme.pem"\nhttp.retries = 1\nwhen.ci.http.retries = 5\n'
    monkeypatch.setenv("CI", "true")
    found = profiles_file.oauth2(tmp_path, text).http
    assert found.ca_bundle is not None
    assert (found.ca_bundle.text, found.retries) == ("acme.pem", 5)
    assert str(found.ca_bundle.place).endswith(":6: profile 'work', http.ca_bundle")


def test_beside_the_file_that_says_it(tmp_path: Path) -> None:
    """A file that a team's file names is beside that one."""
    (tmp_path / "team").mkdir()
    team = tmp_path / "team" / "team.toml"
    team.write_text(f'{MACHINE.replace("work", "base")}http.ca_bundle = "acme.pem"\n')
    team.chmod(0o600)
    text = 'include = ["team/team.toml"]\n[profiles.work]\nextends = "base"\nhttp.client_cert = "mine.pem"\n'
    found = profiles_file.oauth2(tmp_path, text).http
    assert found.ca_bundle is not None
    assert found.client_cert is not None
    assert (found.ca_bundle.place.file, found.client_cert.place.file) == (team, tmp_path / "profiles.toml")


@pytest.mark.parametrize("table", ["keys", "flows.client-credentials"])
def test_a_house_cannot_say_it(tmp_path: Path, table: str) -> None:
    """By which way a person's secrets go is not for a provider's row to say."""
    text = f'[providers.acme.{table}]\ntoken_url = "https://login.acme.com/token"\n'
    text += f"http = {{ retries = 1 }} {MARK}\n"
    (fault,) = profiles_file.faults(tmp_path, text)
    assert ([fault.line], fault.message) == (profiles_file.marked(text), "is not a known key")


@pytest.mark.platform("linux", "darwin")
class TestSharedFile:
    """A file that others can read."""

    def test_a_password(self, tmp_path: Path) -> None:
        """It cannot hold a proxy's password, in a profile or its overlay."""
        for key in ("http", "when.ci.http"):
            text = f'{MACHINE}{key}.proxy = "http://ada:{SECRET}@proxy.acme.com" {MARK}\n'
            with pytest.raises(ProfilesFileError) as caught:
                ProfilesFile.read(profiles_file.written(tmp_path, text, 0o644))
            (fault,) = caught.value.faults
            assert (fault.key, fault.message) == (
                f"{key}.proxy",
                "is a secret in a file that others can read",
            )
            assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("proxy", ['"http://proxy.acme.com:3128"', '{ env = "GATE" }'])
    def test_no_password(self, tmp_path: Path, proxy: str) -> None:
        """It may name a proxy that wants none, or where its URL is read."""
        ProfilesFile.read(profiles_file.written(tmp_path, f"{MACHINE}http.proxy = {proxy}\n", 0o644))
