"""A provider that grants less than was asked for: it is told, once, and the token is used."""

import logging
import warnings
from pathlib import Path

import pytest
from faults import World, world
from profiles_file import written

from requests_auth_profiles import JsonTokenFileCache, OAuth2, profile

__all__ = ["world"]

PROFILE = """[profiles.nightly]
flow = "client-credentials"
token_url = "{url}"
client_id = "job"
client_secret = "{secret}"
scopes = ["read", "write"]
"""


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings of the library."""
    found = [record for record in caplog.records if record.name == "requests_auth_profiles"]
    assert all(record.levelno == logging.WARNING for record in found)
    return [record.getMessage() for record in found]


def test_a_class_tells_it_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The warning names the class and what is missing, and comes once however often the token is won."""
    auth = world.machine(scope=["read", "write"])
    for token in ("s3cret-1", "s3cret-2"):
        world.answer_next({"access_token": token, "scope": "read"})
        assert auth.login().access_token == token
    (said,) = told(caplog)
    assert said == "The provider granted OAuth2ClientCredentials less than was asked for: no scope write"


def test_a_class_with_a_file_tells_it_once(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it come again because the file has changed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        monkeypatch.setattr(OAuth2, "token_cache", JsonTokenFileCache(tmp_path / "tokens.json"))
    auth = world.machine(scope="read write")
    for _ in range(3):
        world.answer_next({"access_token": "t", "scope": "read", "expires_in": 0})
        auth.token()
    assert len(world.token_forms) == 3
    assert len(told(caplog)) == 1


def test_a_profile_tells_it_once(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile is told of by its name, in the same words."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    file = written(tmp_path, PROFILE.format(url=world.token, secret="p%41ss+word/x"))
    auth = profile("nightly", file=file)
    auth.logout()  # memory is one for all tests
    for _ in range(2):
        world.answer_next({"access_token": "t", "scope": "read"})
        auth.login()
    assert told(caplog) == ["The provider granted nightly less than was asked for: no scope write"]


@pytest.mark.parametrize(
    ("asked", "granted", "lacking"),
    [
        ("read write", "write", "read"),
        ("read write admin", "write", "read admin"),
        ("read", "", None),  # as if nothing were said
        ("read", None, None),
        ("read", "read", None),
        ("read", "read write", None),
        ("", "read", None),
        ("read write", "write read", None),
        ("read", "reader", "read"),
        ("read.all", "readXall", "read.all"),
        ("repo gist", "gist,repo", None),
        ("email,read_stats", "email read_stats", None),
        ("openid profile email offline_access read", "read", None),
        ("User.Read", "https://graph.example/User.Read openid", None),
        ("user.read", "User.Read", None),
        ("api://app/.default", "api://app/read", None),
    ],
)
def test_what_is_lacking(
    world: World,
    caplog: pytest.LogCaptureFixture,
    asked: str,
    granted: str | None,
    lacking: str | None,
) -> None:
    """Only what was asked for and is certainly not granted is told."""
    world.answer_next({"access_token": "t", "scope": granted})
    world.machine(scope=asked).token()
    assert [said.partition("no scope ")[2] for said in told(caplog)] == ([lacking] if lacking else [])
