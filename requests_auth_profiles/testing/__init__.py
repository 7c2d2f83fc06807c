"""What tests need: servers on the loopback to test against, and fixtures for pytest.

An authorization server, and an API that asks for its tokens::

    from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

    with AuthorizationServer() as server, ProtectedApi(server) as api:
        server.clients["nightly"] = Client(secret="s3cret")
        server.replies["token"].append(Reply(503, headers={"Retry-After": "1"}))  # break it on demand
        ...  # call f"{api.url}/me" with tokens of server.issuer
        assert server.count("token") == 2
        assert api.requests[-1].status == 200

They speak real HTTP on 127.0.0.1, each on a free port. They are for tests: whoever asks is signed in.

The fixtures of requests_auth are here under their names, and more. pytest knows them where the package is
installed; they can be imported by name all the same::

    def test_something(token_cache_mock):
        ...  # all OAuth2 classes have a token: that of token_mock

    def test_a_sign_in(browser_mock):
        tab = browser_mock.add_response(opened_url="https://…?state=1", reply_url="http://localhost:5000#…")
        ...
        tab.assert_success()

    def test_a_profile(profiles_file, authorization_server):
        profiles_file(f'profiles.work = {{ flow = "implicit", issuer = "{authorization_server.issuer}", … }}')
        ...  # profile("work") is read from it, with nothing of the person's own environment

A token store of one's own is held against what every store must do::

    class TestOwnStore(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return OwnStore(tmp_path)

        @pytest.fixture
        def another(self, store, tmp_path):  # if processes share it
            return OwnStore(tmp_path)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests_auth_profiles.testing._authorization_server import AuthorizationServer, Client
    from requests_auth_profiles.testing._browser_mock import BrowserMock
    from requests_auth_profiles.testing._created_token import create_token
    from requests_auth_profiles.testing._fixtures import (
        authorization_server,
        browser_mock,
        no_browser,
        profiles_file,
        token_cache,
        token_cache_mock,
        token_mock,
    )
    from requests_auth_profiles.testing._loopback_server import Received, Reply
    from requests_auth_profiles.testing._protected_api import ProtectedApi
    from requests_auth_profiles.testing._store_contract import StoreContract

__all__ = [
    "AuthorizationServer",
    "BrowserMock",
    "Client",
    "ProtectedApi",
    "Received",
    "Reply",
    "StoreContract",
    "authorization_server",
    "browser_mock",
    "create_token",
    "no_browser",
    "profiles_file",
    "token_cache",
    "token_cache_mock",
    "token_mock",
]

_ELSEWHERE = {
    "AuthorizationServer": "_authorization_server",
    "BrowserMock": "_browser_mock",
    "Client": "_authorization_server",
    "ProtectedApi": "_protected_api",
    "Received": "_loopback_server",
    "Reply": "_loopback_server",
    "StoreContract": "_store_contract",
    "create_token": "_created_token",
}


def __getattr__(name: str) -> Any:
    # On demand (PEP 562): the plugin costs a run of pytest nothing, and the servers need no pytest.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, '_fixtures')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
