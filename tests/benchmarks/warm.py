"""A request that is signed with a token that is there: the auth alone, and as people write it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from requests import PreparedRequest

from benchmarks.contender import FLOOR, OURS, THEIRS, Bench, Contender, Sample, Target, Work
from benchmarks.peers import SECRET, TOKEN, URL, FixedHeader, NoNetwork, prepared, profiles
from requests_auth_profiles import profile

__all__ = ["WORKS"]

_CALLS = 1000
_IN_FILE = f"{THEIRS}, its JSON file"

Sign = Callable[[PreparedRequest], object]


def _signing(bench: Bench, sign: Sign, before: Callable[[], object] = lambda: None) -> Sample:
    """Signs requests, each its own as in life, and gives what one took."""

    def sample() -> float:
        before()
        requests = [prepared() for _ in range(_CALLS // 5 if bench.quick else _CALLS)]
        begin = time.thread_time()
        for request in requests:
            sign(request)
        return (time.thread_time() - begin) / len(requests) * 1e6

    return sample


@contextmanager
def _floor(bench: Bench) -> Iterator[Sample]:
    yield _signing(bench, FixedHeader())


@contextmanager
def _ours(bench: Bench) -> Iterator[Sample]:
    profiles(bench)
    yield _signing(bench, profile("work"))


@contextmanager
def _ours_as_written(bench: Bench) -> Iterator[Sample]:
    profiles(bench)
    yield _signing(bench, lambda request: profile("work")(request))  # noqa: PLW0108  it is the work


@contextmanager
def _key_as_written(bench: Bench) -> Iterator[Sample]:
    profiles(bench)
    yield _signing(bench, lambda request: profile("key")(request))  # noqa: PLW0108  it is the work


def _theirs(bench: Bench, cache: Callable[[Path], Any]) -> Sample:
    from requests_auth import OAuth2, OAuth2ClientCredentials

    kept = cache(bench.home / "theirs.json")

    def take() -> None:
        OAuth2.token_cache = kept

    auth = OAuth2ClientCredentials(
        f"{bench.server.issuer}/token", client_id="job", client_secret=SECRET, scope="api.read"
    )
    return _signing(bench, auth, take)


@contextmanager
def _theirs_in_memory(bench: Bench) -> Iterator[Sample]:
    from requests_auth import TokenMemoryCache

    yield _theirs(bench, lambda _: TokenMemoryCache())


@contextmanager
def _theirs_in_file(bench: Bench) -> Iterator[Sample]:
    from requests_auth import JsonTokenFileCache

    yield _theirs(bench, lambda path: JsonTokenFileCache(str(path)))


@contextmanager
def _msal(bench: Bench) -> Iterator[Sample]:
    import msal

    app = msal.ConfidentialClientApplication(
        "job",
        client_credential=SECRET,
        authority="https://login.microsoftonline.com/acme",
        instance_discovery=False,
        http_client=NoNetwork(),
    )

    def sign(request: PreparedRequest) -> None:
        answer = app.acquire_token_for_client(["api.read/.default"])
        request.headers["Authorization"] = f"Bearer {answer['access_token']}"

    yield _signing(bench, sign)


@contextmanager
def _oauth2client(bench: Bench) -> Iterator[Sample]:
    from requests_oauth2client import BearerToken, OAuth2AccessTokenAuth, OAuth2Client

    client = OAuth2Client(
        token_endpoint="https://login.acme.com/token", client_id="job", client_secret=SECRET
    )
    token = BearerToken(access_token=TOKEN, expires_in=86400)
    yield _signing(bench, OAuth2AccessTokenAuth(client=client, token=token))


@contextmanager
def _httpx_auth(bench: Bench) -> Iterator[Sample]:
    import httpx
    import httpx_auth

    auth = httpx_auth.OAuth2ClientCredentials(
        f"{bench.server.issuer}/token", client_id="job", client_secret=SECRET, scope="api.read"
    )
    request = httpx.Request("GET", URL)
    yield _signing(bench, lambda _: next(auth.sync_auth_flow(request)))


@contextmanager
def _authlib(bench: Bench) -> Iterator[Sample]:
    from authlib.integrations.requests_client import OAuth2Session

    token = {"access_token": TOKEN, "token_type": "Bearer", "expires_at": time.time() + 86400}
    with OAuth2Session("job", SECRET, token=token) as session:
        yield _signing(bench, session.token_auth)


_FLOOR = Contender(FLOOR, _floor)
_MEMORY = Contender(THEIRS, _theirs_in_memory, ("requests-auth",))

WORKS = (
    Work(
        "a",
        "auth(request), warm",
        "µs",
        FLOOR,
        (
            _FLOOR,
            Contender(OURS, _ours),
            _MEMORY,
            Contender(_IN_FILE, _theirs_in_file, ("requests-auth",)),
            Contender("msal", _msal, ("msal",)),
            Contender("requests-oauth2client", _oauth2client, ("requests-oauth2client",)),
            Contender("httpx-auth", _httpx_auth, ("httpx-auth",)),
            Contender("authlib", _authlib, ("authlib",)),
        ),
        (Target(OURS, 0.25, THEIRS), Target(OURS, 4, FLOOR)),
    ),
    Work(
        "b",
        'profile("x") and its call, warm',
        "µs",
        THEIRS,
        (
            _MEMORY,
            Contender(OURS, _ours_as_written),
            Contender(f"{OURS}, an API key", _key_as_written),
        ),
        (Target(OURS, 0.8, THEIRS),),
    ),
)
