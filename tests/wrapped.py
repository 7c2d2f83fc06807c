"""Two people and a key, their provider and an API, for what others have wrapped around requests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import profiles_file
import pytest

from requests_auth_profiles import profile
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

SECRET = "0f-the-cl1ent"
KEY = "k3y-0f-the-gateway"

PROFILES = """
[profiles.ada]
flow = "client-credentials"
token_url = "{token_url}"
client_id = "ada"
client_secret = "{secret}"

[profiles.bob]
extends = "ada"
client_id = "bob"

[profiles.gateway]
flow = "api-key"
api_key = "{key}"

[profiles.legacy]
extends = "gateway"
in = "query"
"""

Auth = Callable[[str], Any]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that knows the two."""
    with AuthorizationServer() as server:
        server.clients |= {name: Client(secret=SECRET) for name in ("ada", "bob")}
        yield server


@pytest.fixture
def api(server: AuthorizationServer) -> Iterator[ProtectedApi]:
    """An API that greets them by name."""
    with ProtectedApi(server, api_keys={KEY}) as api:
        yield api


@pytest.fixture
def token_url(server: AuthorizationServer) -> str:
    """Where their tokens come from."""
    return f"{server.issuer}/token"


@pytest.fixture
def auth(home: Path, token_url: str, monkeypatch: pytest.MonkeyPatch) -> Auth:
    """The auth of the profile of a name: `ada`, `bob`, or the key as `gateway` or, in the query, `legacy`."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    file = profiles_file.written(home, PROFILES.format(token_url=token_url, secret=SECRET, key=KEY))
    return lambda name: profile(name, file=file)
