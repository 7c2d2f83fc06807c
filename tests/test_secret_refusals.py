"""A secret that was refused is looked up again: by an API in the same call, by a provider in the next."""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from references import folder

from requests_auth_profiles import profile
from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles.errors import InvalidGrantRequest, SecretUnavailable
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

__all__ = ["folder"]

VAULT = "open('runs', 'a').write('x'); print(open('vault').read())"
REFERENCE = f"{{ command = {json.dumps([sys.executable, '-c', VAULT])} }}"

KINDS = {
    "bearer": ("/me", f'flow = "bearer"\ntoken = {REFERENCE}'),
    "api-key": ("/key", f'flow = "api-key"\napi_key = {REFERENCE}'),
    "api-key in the query": ("/key", f'flow = "api-key"\nin = "query"\napi_key = {REFERENCE}'),
    "basic": ("/basic", f'flow = "basic"\nusername = "ada"\npassword = {REFERENCE}'),
}
kinds = pytest.mark.parametrize(("path", "keys"), KINDS.values(), ids=KINDS)


class Vault:
    """What a command reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def holds(self, value: str) -> None:
        (self._folder / "vault").write_text(value)

    def breaks(self) -> None:
        (self._folder / "vault").unlink()

    @property
    def looks(self) -> int:
        """How often it was looked into."""
        return len((self._folder / "runs").read_text())


@pytest.fixture
def vault(folder: Path) -> Vault:
    """It holds what was good once."""
    vault = Vault(folder)
    vault.holds("old")
    return vault


@pytest.fixture
def api(vault: Vault) -> Iterator[ProtectedApi]:
    """An API that takes what is good now."""
    with ProtectedApi(tokens={"new"}, api_keys={"new"}, users={"ada": "new"}) as api:
        yield api


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorizationServer]:
    """A provider that takes what is good now."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))
    with AuthorizationServer() as server:
        server.clients |= {"job": Client(secret="new"), "": Client()}
        server.passwords["ada"] = "new"
        yield server


def auth_of(folder: Path, keys: str) -> ProfileAuth | ComposedAuth:
    path = folder / "profiles.toml"
    path.write_text(f"[profiles.work]\n{keys}\n")
    path.chmod(0o600)
    return profile("work", file=path)


class TestByAnApi:
    """A 401 to what was kept."""

    @kinds
    def test_another_one(self, folder: Path, vault: Vault, api: ProtectedApi, path: str, keys: str) -> None:
        """The fresh one is sent in the same call, and kept."""
        auth = auth_of(folder, keys)
        auth.token()
        vault.holds("new")
        statuses = [requests.get(api.url + path, auth=auth, timeout=10).status_code for _ in range(2)]
        assert (statuses, [one.status for one in api.requests], vault.looks) == (
            [200] * 2,
            [401, 200, 200],
            2,
        )

    @kinds
    def test_the_same_one(self, folder: Path, vault: Vault, api: ProtectedApi, path: str, keys: str) -> None:
        """Where a fresh look gives the same, nothing is sent again, and the refusal is the answer."""
        response = requests.get(api.url + path, auth=auth_of(folder, keys), timeout=10)
        assert (response.status_code, len(api.requests), vault.looks) == (401, 1, 2)

    @kinds
    def test_another_one_that_is_wrong_too(
        self, folder: Path, vault: Vault, api: ProtectedApi, path: str, keys: str
    ) -> None:
        """It is sent once; the next call begins with another look."""
        auth = auth_of(folder, keys)
        auth.token()
        vault.holds("older")
        assert requests.get(api.url + path, auth=auth, timeout=10).status_code == 401
        vault.holds("new")
        assert requests.get(api.url + path, auth=auth, timeout=10).status_code == 200
        assert [one.status for one in api.requests] == [401, 401, 401, 200]

    @kinds
    def test_no_more_of_it(self, folder: Path, vault: Vault, api: ProtectedApi, path: str, keys: str) -> None:
        """Where a fresh look fails, the refusal is the answer; the next call tells what is wrong."""
        auth = auth_of(folder, keys)
        auth.token()
        vault.breaks()
        assert requests.get(api.url + path, auth=auth, timeout=10).status_code == 401
        with pytest.raises(SecretUnavailable):
            requests.get(api.url + path, auth=auth, timeout=10)

    @kinds
    @pytest.mark.parametrize("value", ["old", "new"])
    def test_for_twenty_threads(
        self, folder: Path, vault: Vault, api: ProtectedApi, path: str, keys: str, value: str
    ) -> None:
        """Twenty that are refused at once cost one look, whatever it gives."""
        auth = auth_of(folder, keys)
        auth.token()
        vault.holds(value)
        # Held, so that all have sent the old one before the first is refused.
        api.replies[path[1:]] += [Reply(delay_seconds=1)] * 20

        def call(_: int) -> int:
            return requests.get(api.url + path, auth=auth, timeout=30).status_code

        with ThreadPoolExecutor(20) as pool:
            statuses = set(pool.map(call, range(20)))
        assert (statuses, vault.looks) == ({401} if value == "old" else {200}, 2)

    def test_a_body_that_cannot_be_sent_again(self, folder: Path, vault: Vault, api: ProtectedApi) -> None:
        """It is not looked up for nothing: the next call that is refused and can be sent again does that."""
        auth = auth_of(folder, KINDS["bearer"][1])
        response = requests.post(f"{api.url}/me", data=iter([b"once"]), auth=auth, timeout=10)
        assert (response.status_code, vault.looks) == (401, 1)

    def test_forgotten_by_hand(self, folder: Path, vault: Vault) -> None:
        """`logout` has it looked up again."""
        auth = auth_of(folder, KINDS["basic"][1])
        auth.token()
        auth.logout()
        auth.token()
        assert vault.looks == 2


CLIENT = f'flow = "client-credentials"\nclient_id = "job"\nclient_secret = {REFERENCE}\n'
PERSON = f'flow = "password"\nusername = "ada"\npassword = {REFERENCE}\n'


class TestByAProvider:
    """A client, or a person, whom the provider does not know by what was kept."""

    @pytest.mark.parametrize(
        ("keys", "error"), [(CLIENT, "invalid_client"), (PERSON, "invalid_grant")], ids=["client", "person"]
    )
    def test_the_next_call(
        self, folder: Path, vault: Vault, server: AuthorizationServer, keys: str, error: str
    ) -> None:
        """It looks the secret up again; the one that was refused does not."""
        auth = auth_of(folder, f'{keys}issuer = "{server.issuer}"')
        with pytest.raises(InvalidGrantRequest) as caught:
            auth.token()
        assert (caught.value.error, vault.looks, server.count("token")) == (error, 1, 1)
        vault.holds("new")
        assert auth.token().access_token
        assert (vault.looks, server.count("token")) == (2, 2)

    def test_another_error(self, folder: Path, vault: Vault, server: AuthorizationServer) -> None:
        """What is wrong with something else is no reason to ask for the secret again."""
        vault.holds("new")
        server.replies["token"].append(Reply.json({"error": "invalid_scope"}, 400))
        auth = auth_of(folder, f'{CLIENT}issuer = "{server.issuer}"')
        with pytest.raises(InvalidGrantRequest, match="invalid_scope"):
            auth.token()
        assert auth.token().access_token
        assert vault.looks == 1

    def test_at_a_refresh(self, folder: Path, vault: Vault, server: AuthorizationServer) -> None:
        """The secret of a client that is refused there is looked up again, and the refresh token kept."""
        vault.holds("new")
        person = 'flow = "password"\nusername = "ada"\npassword = "new"\n'
        client = f'client_id = "job"\nclient_secret = {REFERENCE}\n'
        auth = auth_of(folder, f'{person}{client}issuer = "{server.issuer}"')
        first = auth.token().access_token
        server.replies["token"].append(Reply.json({"error": "invalid_client"}, 401))
        with pytest.raises(InvalidGrantRequest, match="invalid_client"):
            auth.credential.source.token(rejected=first)  # type: ignore[union-attr]
        assert auth.credential.source.token(rejected=first).access_token != first  # type: ignore[union-attr]
        grants = [dict(one.form)["grant_type"] for one in server.requests if one.path == "/token"]
        assert (grants, vault.looks) == (["password", "refresh_token", "refresh_token"], 2)

    def test_for_twenty_threads(self, folder: Path, vault: Vault, server: AuthorizationServer) -> None:
        """Twenty that need a token at once cost one look."""
        server.replies["token"].append(Reply(delay_seconds=0.5))
        auth = auth_of(folder, f'{CLIENT}issuer = "{server.issuer}"')
        start = threading.Barrier(20)

        def call(_: int) -> str:
            start.wait(timeout=30)
            with pytest.raises(InvalidGrantRequest) as caught:
                auth.token()
            return caught.value.error

        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(call, range(20))) == {"invalid_client"}
        assert vault.looks == server.count("token") == 1
