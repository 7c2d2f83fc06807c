"""What is made of a profile: what its token is issued for, when it is renewed, and what errors show."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import words_of

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ConfigurationError, TimeoutOccurred
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

SECRET = "s3cret-password"
PROFILE = """
[profiles.work]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "one"
client_secret = "s3cret"
scopes = ["a", "b"]
"""


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider with two clients."""
    with AuthorizationServer() as server:
        server.clients |= {"one": Client(secret="s3cret"), "two": Client(secret="s3cret")}
        yield server


@pytest.fixture
def file(home: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profile `work`, whose tokens are kept in a folder."""
    path = home / "profiles.toml"
    path.write_text(PROFILE.replace("{issuer}", server.issuer))
    path.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "kept"))
    return path


def requests_after(file: Path, server: AuthorizationServer, text: str) -> int:
    """How many token requests a change of the file costs."""
    profile("work").token()
    before = server.count("token")
    file.write_text(text)
    profile("work").token()
    profile("work").token()
    return server.count("token") - before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('client_id = "one"', 'client_id = "two"'),
        ('["a", "b"]', '["a"]'),
        ('["a", "b"]', '["a", "b", "c"]'),
        ("scopes", 'audience = "https://api.acme.com"\nscopes'),
        ("scopes", 'resource = "https://api.acme.com"\nscopes'),
        ("scopes", 'token_params = { tenant = "x" }\nscopes'),
        ("scopes", 'token_url = "{issuer}/token"\nscopes'),
        ('issuer = "{issuer}"', 'token_url = "{issuer}/token"'),
    ],
)
def test_a_change_that_means_another_token(
    file: Path, server: AuthorizationServer, old: str, new: str
) -> None:
    """A token is not used for another client, provider, scope or target; one new one is asked for."""
    text = PROFILE.replace(old, new).replace("{issuer}", server.issuer)
    assert requests_after(file, server, text) == 1


def test_another_provider(file: Path, server: AuthorizationServer) -> None:
    """A token of one provider is not used where the profile names another."""
    with AuthorizationServer() as other:
        other.clients |= server.clients
        text = PROFILE.replace("{issuer}", other.issuer)
        assert (requests_after(file, server, text), other.count("token")) == (0, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["a", "b"]', '["b", "a"]'),
        ('["a", "b"]', '"a b"'),
        ("scopes", 'description = "for the night"\nscopes'),
        ("scopes", 'hosts = ["api.acme.com"]\nscopes'),
        ("scopes", "timeout = 5\nearly_expiry = 10\nscopes"),
        ("scopes", 'header_name = "X-Token"\nscopes'),
        ('client_secret = "s3cret"', 'client_secret = { env = "NOT_SET" }'),
        ('client_secret = "s3cret"', 'client_secret = "s3cret"\nclient_auth = "post"'),
    ],
)
def test_a_change_that_means_the_same_token(
    file: Path, server: AuthorizationServer, old: str, new: str
) -> None:
    """What does not change what the token is good for does not cost it."""
    assert requests_after(file, server, PROFILE.replace(old, new).replace("{issuer}", server.issuer)) == 0


@pytest.mark.parametrize(
    ("lifetime", "early", "asked"), [(3600, None, 1), (20, None, 1), (0, None, 2), (600, 0, 1), (600, 601, 1)]
)
def test_early_expiry(
    file: Path, server: AuthorizationServer, lifetime: int, early: float | None, asked: int
) -> None:
    """No early expiry, however long, makes a token that is young be renewed; one that is over is."""
    server.lifetime_seconds = lifetime
    if early is not None:
        file.write_text(file.read_text() + f"early_expiry = {early}\n")
    for _ in range(2):
        profile("work").token()
    assert server.count("token") == asked


def test_timeout(file: Path, server: AuthorizationServer) -> None:
    """`timeout` is how long the provider may take."""
    file.write_text(file.read_text() + "timeout = 0.3\n")
    server.replies["token"].append(Reply(delay_seconds=60))
    with pytest.raises(TimeoutOccurred, match=r"did not answer within 0\.3 s"):
        profile("work").token()


def test_each_profile_has_its_own_token(file: Path, server: AuthorizationServer) -> None:
    """Two profiles that say the same do not share a token; a profile and its member of a composition do."""
    text = PROFILE.replace("{issuer}", server.issuer)
    file.write_text(
        text
        + text.replace("profiles.work", "profiles.other")
        + '[profiles.key]\nflow = "api-key"\napi_key = "k3y"\n[profiles.both]\ncompose = ["key", "work"]\n'
    )
    tokens = {profile(name).token().access_token for name in ("work", "other")}
    headers = profile("both").headers("https://api.acme.com/")
    assert len(tokens) == server.count("token") == 2
    assert headers["Authorization"].removeprefix("Bearer ") in tokens


def test_a_username_with_a_password_in_it(file: Path) -> None:
    """A colon in a username is an error in which no part of it is seen, also not by a debugger."""
    file.write_text(f'[profiles.ada]\nflow = "basic"\nusername = "ada:{SECRET}"\npassword = "p"\n')
    with pytest.raises(ConfigurationError, match="colon") as caught:
        profile("ada").token()
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in words_of(caught.value) + "".join(shown.format())
