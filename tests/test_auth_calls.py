"""What signing a request costs, and what it leaves alone: the caller's session, logs, pickles, reprs."""

import copy
import logging
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
from auths import CountingGrant, key_in_header, key_in_query, renewable

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._build import profile
from requests_auth_profiles._token import Token
from requests_auth_profiles.stores import MemoryStore
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

CANARY = "c4n4ry-s3cr3t"

PROFILES = """
[profiles.key]
flow = "api-key"
api_key = "{canary}"

[profiles.query]
flow = "api-key"
api_key = "{canary}"
in = "query"

[profiles.basic]
flow = "basic"
username = "{canary}"
password = "{canary}"

[profiles.bearer]
flow = "bearer"
token = "{canary}"
header_name = "X-Token"

[profiles.nightly]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = "{canary}"

[profiles.all]
compose = ["key", "query", "basic", "bearer"]
"""
NAMES = ["key", "query", "basic", "bearer", "nightly", "all"]

# In a process of its own: an audit hook can never be taken away again, and while there is one, threads that
# start at once under coverage disturb each other before Python 3.12 (`sys.settrace` raises in one of them).
AUDITED = """
import gc, sys
import requests
from requests_auth_profiles import profile

auth, request = profile(sys.argv[1]), requests.Request("GET", sys.argv[2]).prepare()
auth(request)
events, noted = [], {"open", "os", "socket", "subprocess", "import", "exec"}
gc.disable()
hook = lambda event, some: is_on and event.partition(".")[0] in noted and events.append((event, some[:1]))
is_on = False
sys.addaudithook(hook)
is_on = True
auth(request)
is_on = False
print(events)
"""


class TouchedStore(MemoryStore):
    """A store that counts how often it is touched."""

    def __init__(self) -> None:
        super().__init__()
        self.touched = 0

    def get(self, key: str) -> Token | None:
        self.touched += 1
        return super().get(key)

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        self.touched += 1
        return super().lock(key, timeout_seconds)


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that knows the client of the profile `nightly`."""
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret=CANARY)
        yield server


@pytest.fixture
def api(server: AuthorizationServer) -> Iterator[ProtectedApi]:
    """An API that takes the provider's tokens, and gives back what arrived."""
    with ProtectedApi(server) as api:
        yield api


@pytest.fixture
def profiles(home: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of profiles of all kinds, whose secrets are the canary."""
    file = home / "profiles.toml"
    file.write_text(PROFILES.format(canary=CANARY, issuer=server.issuer))
    file.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    return NAMES


class TestWarm:
    """With a good token at hand, a request costs next to nothing."""

    def test_the_store_is_not_touched(self) -> None:
        """No lock is taken and no document is read while the token in memory is good."""
        store = TouchedStore()
        auth = renewable(CountingGrant(), store=store)
        auth.token()
        before = store.touched
        for _ in range(100):
            requests.Request("GET", "https://api.acme.com/", auth=auth).prepare()
        assert store.touched == before

    @pytest.mark.parametrize("name", ["key", "nightly"])
    def test_nothing_is_opened_imported_or_written(
        self, profiles: list[str], api: ProtectedApi, run_python: Callable[..., Any], name: str
    ) -> None:
        """Not a file, not a socket, not a program: seen through the interpreter's audit events."""
        done = run_python("-c", AUDITED, name, f"{api.url}/echo")
        assert (done.stdout, done.stderr) == ("[]\n", "")

    def test_it_costs_some_plain_function_calls(self) -> None:
        """No URL is taken apart, no log formatted and no header put together anew: twenty calls do it all."""
        auth = renewable(CountingGrant(), hosts=["api.acme.com", "*.acme.com:8443"])
        request = requests.Request("GET", "https://api.acme.com/v2/me", auth=auth).prepare()
        calls: list[str] = []
        sys.setprofile(
            lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None
        )
        try:
            auth(request)
        finally:
            sys.setprofile(None)
        assert len(calls) <= 20, calls


class TestTheCallersObjects:
    """What the caller passed is as it was."""

    @pytest.mark.parametrize("name", NAMES)
    def test_the_session(self, profiles: list[str], api: ProtectedApi, name: str) -> None:
        """Auth, headers, hooks, parameters, cookies and adapters of the session stay the same."""
        with requests.Session() as session:
            session.headers["X-Mine"] = "1"
            session.params = {"mine": "1"}
            session.hooks["response"].append(lambda response, **_: None)
            before = (
                copy.copy(vars(session)),
                copy.deepcopy([session.headers, session.params, session.cookies]),
            )
            hooks = list(session.hooks["response"])
            session.get(f"{api.url}/echo", auth=profile(name), timeout=10)
            after = copy.copy(vars(session)), [session.headers, session.params, session.cookies]
            assert after[0] == before[0]
            assert [dict(part) for part in after[1]] == [dict(part) for part in before[1]]
            assert session.hooks["response"] == hooks

    @pytest.mark.parametrize("name", NAMES)
    def test_headers_params_and_hooks(self, profiles: list[str], api: ProtectedApi, name: str) -> None:
        """The dicts that are passed to a call get nothing of ours."""
        headers, params, hooks = {"X-Mine": "1"}, {"mine": "1"}, {"response": [lambda response, **_: None]}
        before = copy.copy([headers, params, hooks["response"]])
        requests.get(
            f"{api.url}/echo", headers=headers, params=params, hooks=hooks, auth=profile(name), timeout=10
        )
        assert [headers, params, hooks["response"]] == before

    def test_the_next_request_of_the_session_is_not_signed(
        self, profiles: list[str], api: ProtectedApi
    ) -> None:
        """Nothing of an auth that was passed to one call is left for the next."""
        with requests.Session() as session:
            session.get(f"{api.url}/echo", auth=profile("all"), timeout=10)
            session.get(f"{api.url}/echo", timeout=10)
        last = api.requests[-1]
        assert (CANARY in str(dict(last.headers)), "Authorization" in last.headers, last.query) == (
            False,
            False,
            "",
        )


class TestSecrets:
    """An auth shows nothing of what it holds."""

    @pytest.mark.parametrize("name", NAMES)
    def test_in_what_it_says_of_itself(self, profiles: list[str], api: ProtectedApi, name: str) -> None:
        """Neither repr, str nor format shows a secret, before and after it was used."""
        auth = profile(name)
        for _ in range(2):
            assert CANARY not in f"{auth!r} {auth!s} {auth}"
            if isinstance(auth, ProfileAuth):
                assert CANARY not in repr(auth.credential)
            requests.get(f"{api.url}/echo", auth=auth, timeout=10)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("method", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_in_pickles_and_copies(
        self, profiles: list[str], name: str, method: Callable[[object], object]
    ) -> None:
        """There are none: whoever tries is told where to get one."""
        with pytest.raises(TypeError, match=r"profile\(\) gives it"):
            method(profile(name))

    @pytest.mark.parametrize("method", [pickle.dumps, copy.deepcopy])
    def test_in_pickles_of_a_signed_request(self, method: Callable[[object], object]) -> None:
        """A request without its guard would follow redirects with our header, so there is no such copy."""
        request = requests.Request("GET", "https://api.acme.com/", auth=key_in_header(CANARY)).prepare()
        with pytest.raises(TypeError, match="carries its secrets"):
            method(request)

    @pytest.mark.parametrize("name", NAMES)
    def test_in_our_logs(
        self, profiles: list[str], api: ProtectedApi, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """At any level, over sign-in, refusal and renewal, no log of ours has a secret or a token."""
        with caplog.at_level(logging.DEBUG):
            requests.get(f"{api.url}/me", auth=profile(name), timeout=10)
        ours = "\n".join(
            record.getMessage()
            for record in caplog.records
            if record.name.startswith("requests_auth_profiles")
        )
        sent = str([dict(received.headers) for received in api.requests])
        token = sent.partition("Bearer ")[2].partition("'")[0]
        assert CANARY not in ours
        assert not token or token not in ours

    def test_a_copy_by_requests_itself_keeps_its_guard(self, api: ProtectedApi) -> None:
        """`PreparedRequest.copy()`, which requests uses, takes the guard along."""
        request = requests.Request("GET", f"{api.url}/redirect?to={by_name(api)}/echo", auth=key_in_header())
        with requests.Session() as session:
            session.send(request.prepare().copy(), timeout=10)
        assert ["X-API-Key" in received.headers for received in api.requests] == [True, False]


def by_name(api: ProtectedApi) -> str:
    return api.url.replace("127.0.0.1", "localhost")


def test_every_auth_is_one_to_requests(profiles: list[str]) -> None:
    """What `profile` gives passes for a requests auth everywhere, and has the name that was asked for."""
    auths: list[Any] = [profile(name) for name in profiles]
    assert all(isinstance(auth, requests.auth.AuthBase) for auth in auths)
    assert [auth.name for auth in auths] == profiles
    assert isinstance(auths[-1], ComposedAuth)
    assert (key_in_query() + auths[0]).name == "legacy + key"
