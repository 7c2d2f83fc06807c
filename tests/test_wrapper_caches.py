"""Caches around a session: requests-cache and CacheControl, as their documentation uses them."""

from pathlib import Path

import pytest
import requests
from auths import CountingGrant, key_in_header, renewable
from cachecontrol import CacheControl, CacheControlAdapter
from cachecontrol.caches import FileCache
from conftest import RunProgram
from requests_cache import CachedSession
from wrapped import KEY, Auth, api, auth, server, token_url

from requests_auth_profiles.testing import AuthorizationServer, ProtectedApi, Reply

__all__ = ["api", "auth", "server", "token_url"]

INSTALLED = """
import sys, requests, requests_cache
requests_cache.install_cache("demo_cache", allowable_methods=["GET", "POST"])
from requests_auth_profiles import profile
ada = profile("ada", file=sys.argv[2])
print([requests.get(sys.argv[1], auth=ada, timeout=10).from_cache for _ in range(2)])
ada.login()
"""
FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a cache may lie."""
    return tmp_path / "cache"


def hello(answer: requests.Response) -> str:
    return answer.json()["hello"]


def kept(folder: Path) -> bytes:
    """All that lies in the files of a cache."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


class TestRequestsCache:
    """`CachedSession`, which stands between its user and requests."""

    def test_the_second_call(self, folder: Path, api: ProtectedApi, auth: Auth) -> None:
        """It is answered by the cache."""
        with CachedSession(folder / "acme") as session:
            answers = [session.get(f"{api.url}/me", auth=auth("ada"), timeout=10) for _ in range(2)]
        assert [(hello(answer), answer.from_cache) for answer in answers] == [("ada", False), ("ada", True)]
        assert api.count("me") == 1

    def test_a_renewal(self, api: ProtectedApi) -> None:
        """What is kept is the answer to the second request."""
        api.tokens = {"t2"}
        with CachedSession(backend="memory") as session:
            answers = [
                session.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10) for _ in range(2)
            ]
        assert [(answer.status_code, answer.from_cache) for answer in answers] == [(200, False), (200, True)]
        assert [received.status for received in api.requests] == [401, 200]

    @pytest.mark.parametrize("path", ["/me", "/redirect?to=/me"])
    def test_an_api_that_refuses_everything(self, api: ProtectedApi, path: str) -> None:
        """It costs two requests and one renewal, though the hooks run once more, also behind a redirect."""
        grant = CountingGrant()
        with CachedSession(backend="memory") as session:
            answer = session.get(f"{api.url}{path}", auth=renewable(grant), timeout=10)
        assert (answer.status_code, api.count("me"), grant.given) == (401, 2, 2)

    def test_a_refusal_that_was_kept(self, api: ProtectedApi) -> None:
        """Whoever keeps refusals gets them: another token is not asked for, as no server said anything."""
        grant = CountingGrant()
        with CachedSession(backend="memory", allowable_codes=[200, 401]) as session:
            for _ in range(3):
                answer = session.get(f"{api.url}/me", auth=renewable(grant), timeout=10)
        assert (answer.status_code, answer.from_cache, api.count("me")) == (401, True, 2)

    @pytest.mark.parametrize(("name", "path"), [("ada", "/me"), ("gateway", "/key"), ("legacy", "/key")])
    def test_a_redirect(self, api: ProtectedApi, auth: Auth, name: str, path: str) -> None:
        """It is followed once, with the credential, and then kept."""
        with CachedSession(backend="memory") as session:
            for _ in range(2):
                answer = session.get(f"{api.url}/redirect?to={path}", auth=auth(name), timeout=10)
        assert (answer.status_code, answer.from_cache, len(api.requests)) == (200, True, 2)

    @pytest.mark.parametrize("name", ["gateway", "legacy"])
    def test_a_redirect_elsewhere(self, api: ProtectedApi, auth: Auth, name: str) -> None:
        """Nothing of ours goes there, from the cache or not."""
        with ProtectedApi() as other, CachedSession(backend="memory") as session:
            for _ in range(2):
                session.get(f"{api.url}/redirect?to={other.url}/echo", auth=auth(name), timeout=10)
        assert [KEY in f"{dict(asked.headers)} {asked.query}" for asked in other.requests] == [False]

    @pytest.mark.parametrize(
        ("name", "path", "ignored"),
        [
            ("ada", "/me", None),
            ("legacy", "/key", None),
            ("gateway", "/key", ["X-API-Key"]),  # its own list has the name in capitals
        ],
    )
    def test_no_secret_is_kept(
        self, folder: Path, api: ProtectedApi, auth: Auth, name: str, path: str, ignored: list[str] | None
    ) -> None:
        """Of what is sent with a request, the cache keeps nothing that `ignored_parameters` names."""
        more = {} if ignored is None else {"ignored_parameters": ignored}
        with CachedSession(folder / "acme", **more) as session:
            answer = session.get(api.url + path, auth=auth(name), timeout=10)
        assert (answer.status_code, b"python-requests" in kept(folder)) == (200, True)
        assert auth(name).token().access_token.encode() not in kept(folder)

    def test_a_renewal_leaves_no_good_token(self, folder: Path, api: ProtectedApi, auth: Auth) -> None:
        """Though the history is kept as it is, headers and all, there is only the token that was refused."""
        api.replies["me"].append(Reply(401))
        with CachedSession(folder / "acme") as session:
            assert session.get(f"{api.url}/me", auth=auth("ada"), timeout=10).history
        assert auth("ada").token().access_token.encode() not in kept(folder)

    def test_a_redirect_leaves_none_if_it_is_not_kept(
        self, folder: Path, api: ProtectedApi, auth: Auth
    ) -> None:
        """As docs/wrappers.md says, `filter_fn` keeps what has a history out."""
        with CachedSession(folder / "acme", filter_fn=lambda answer: not answer.history) as session:
            answer = session.get(f"{api.url}/redirect?to=/me", auth=auth("ada"), timeout=10)
        assert hello(answer) == "ada"
        assert auth("ada").token().access_token.encode() not in kept(folder)

    def test_a_cache_for_each(self, folder: Path, api: ProtectedApi, auth: Auth) -> None:
        """Two people with a cache of their own each get their own answers."""
        for name in ("ada", "bob", "ada", "bob"):
            with CachedSession(folder / name) as session:
                assert hello(session.get(f"{api.url}/me", auth=auth(name), timeout=10)) == name
        assert api.count("me") == 2

    def test_a_cache_for_all_sessions(
        self, home: Path, server: AuthorizationServer, api: ProtectedApi, auth: Auth, run_python: RunProgram
    ) -> None:
        """What the provider says is not kept, even where `install_cache` comes first and keeps POST too."""
        done = run_python("-c", INSTALLED, f"{api.url}/me", str(home / "profiles.toml"), cwd=home)
        assert (done.stdout, done.stderr) == ("[False, True]\n", "")
        assert (server.count("token"), (home / "demo_cache.sqlite").exists()) == (2, True)

    def test_one_cache_for_two(self, api: ProtectedApi, auth: Auth) -> None:
        """As docs/wrappers.md warns, one cache gives the one what the other asked for."""
        with CachedSession(backend="memory") as session:
            got = [
                hello(session.get(f"{api.url}/me", auth=auth(name), timeout=10)) for name in ("ada", "bob")
            ]
        assert got == ["ada", "ada"]


class TestCacheControl:
    """`CacheControl`, which stands between requests and the network."""

    def test_the_second_call(self, api: ProtectedApi, auth: Auth) -> None:
        """It is answered by the cache for as long as the server said."""
        api.replies["me"].append(Reply(200, FRESH, b"one"))
        with CacheControl(requests.Session()) as session:
            answers = [session.get(f"{api.url}/me", auth=auth("ada"), timeout=10) for _ in range(2)]
        assert [(answer.text, answer.from_cache) for answer in answers] == [("one", False), ("one", True)]

    def test_a_renewal(self, api: ProtectedApi, auth: Auth) -> None:
        """The second request goes the same way, and its answer is kept."""
        api.replies["me"] += [Reply(401), Reply(200, FRESH, b"one")]
        with requests.Session() as session:
            session.mount("http://", CacheControlAdapter())
            answers = [session.get(f"{api.url}/me", auth=auth("ada"), timeout=10) for _ in range(2)]
        assert [(answer.text, answer.from_cache) for answer in answers] == [("one", False), ("one", True)]
        assert [received.status for received in api.requests] == [401, 200]

    def test_what_has_not_changed(self, api: ProtectedApi, auth: Auth) -> None:
        """A validator goes along with the token, and a 304 is answered from the cache."""
        api.replies["me"] += [Reply(200, {"ETag": '"1"'}, b"one"), Reply(304, {"ETag": '"1"'})]
        with CacheControl(requests.Session()) as session:
            answers = [session.get(f"{api.url}/me", auth=auth("ada"), timeout=10).text for _ in range(2)]
        assert (answers, api.requests[1].headers["If-None-Match"]) == (["one", "one"], '"1"')

    @pytest.mark.parametrize("name", ["gateway", "legacy"])
    def test_a_redirect_elsewhere_that_was_kept(self, api: ProtectedApi, auth: Auth, name: str) -> None:
        """A permanent one comes from the cache, and takes nothing of ours along either."""
        with ProtectedApi() as other, CacheControl(requests.Session()) as session:
            api.replies["redirect"].append(Reply(301, FRESH | {"Location": f"{other.url}/echo"}))
            for _ in range(2):
                session.get(f"{api.url}/redirect", auth=auth(name), timeout=10)
        assert api.count("redirect") == 1
        assert [KEY in f"{dict(asked.headers)} {asked.query}" for asked in other.requests] == [False] * 2

    def test_a_session_for_each(self, api: ProtectedApi) -> None:
        """Two keys with a session of their own each get their own answers."""
        api.replies["echo"] += [Reply(200, FRESH, b"one"), Reply(200, FRESH, b"two")]
        for key, answer in (("one", "one"), ("two", "two")):
            with CacheControl(requests.Session()) as session:
                assert session.get(f"{api.url}/echo", auth=key_in_header(key), timeout=10).text == answer

    def test_one_session_for_two(self, api: ProtectedApi) -> None:
        """As docs/wrappers.md warns, one gives the one what the other asked for, if no server says Vary."""
        api.replies["echo"] += [Reply(200, FRESH, b"one"), Reply(200, FRESH | {"Vary": "X-API-Key"}, b"two")]
        got = []
        for _ in range(2):
            with CacheControl(requests.Session()) as session:
                session.get(f"{api.url}/echo", auth=key_in_header("one"), timeout=10)
                got.append(session.get(f"{api.url}/echo", auth=key_in_header("two"), timeout=10).from_cache)
        assert got == [True, False]

    def test_what_lies_in_its_files(self, folder: Path, api: ProtectedApi, auth: Auth) -> None:
        """Of a request nothing is kept there, as long as the server does not say Vary for its header."""
        api.replies["me"].append(Reply(200, FRESH, b"0ne"))
        with CacheControl(requests.Session(), cache=FileCache(folder / "web")) as session:
            session.get(f"{api.url}/me", auth=auth("ada"), timeout=10)
        assert b"0ne" in kept(folder / "web")
        assert auth("ada").token().access_token.encode() not in kept(folder / "web")
