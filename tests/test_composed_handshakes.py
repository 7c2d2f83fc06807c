"""NTLM and Kerberos beside API keys: who is let in is a connection, and the talk about that stays on it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import profiles_file
import pytest
import requests
from apache import PATIENCE_SECONDS, USERS, Apache, came, running_apache
from auths import CountingGrant, renewable
from kdc import Kdc, running_kdc
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession

from requests_auth_profiles import profile

pytestmark = pytest.mark.platform("linux")

PROFILES = """
[profiles.gateway]
flow = "api-key"
api_key = "k3y"

[profiles.legacy]
extends = "gateway"
in = "query"

[profiles.ntlm]
flow = "ntlm"
username = "alice"
password = { env = "A_PASSWORD" }

[profiles.kerberos]
flow = "class"
class = "requests_gssapi:HTTPSPNEGOAuth"
"""

# How many answers each way of letting somebody in takes, and who that is.
every_way = pytest.mark.parametrize(
    ("way", "refusals", "user"), [("ntlm", 2, "alice"), ("kerberos", 1, "alice@ACME.TEST")]
)
both_orders = pytest.mark.parametrize("order", [1, -1])


@pytest.fixture(scope="module")
def kdc() -> Iterator[Kdc]:
    """A running KDC."""
    pytest.importorskip("requests_gssapi")
    with running_kdc() as server:
        yield server


@pytest.fixture(scope="module")
def apache(kdc: Kdc) -> Iterator[Apache]:
    """A running Apache that the KDC knows."""
    with running_apache(kdc.server) as server:
        yield server


@pytest.fixture
def file(home: Path, kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profiles of alice, who has a password and a ticket."""
    monkeypatch.setenv("A_PASSWORD", USERS["alice"])
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{home / 'tickets'}")
    for name, value in kdc.client.items():
        monkeypatch.setenv(name, value)
    kdc.sign_in("alice", home / "tickets")
    return profiles_file.written(home, PROFILES)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A session that has one connection, and waits where it is not free."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True))
        yield session


def talk(apache: Apache, path: str, answers: int) -> list[str]:
    """What Apache's log tells of a path, once it has that many answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found := [line for line in apache.log() if line.endswith(f" {path}")]) < answers:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return [line.rpartition(" ")[0] for line in found]


def numbered(statuses: list[int], method: str) -> list[str]:
    return [f"{status} {number} {method}" for number, status in enumerate(statuses)]


@every_way
@both_orders
@pytest.mark.parametrize("key", ["gateway", "legacy"])
def test_one_connection(
    apache: Apache,
    session: requests.Session,
    file: Path,
    way: str,
    refusals: int,
    user: str,
    order: int,
    key: str,
) -> None:
    """All rounds go over one, whichever comes first and wherever the key is; and so does the next call."""
    first, second = [profile(way, file=file), profile(key, file=file)][::order]
    session.auth = first + second
    path = f"/{way}/{'key' if key == 'gateway' else 'query'}{'first' if order == -1 else 'last'}"
    for _ in range(2):
        answer = session.post(apache.at(path), data="a=1", timeout=20)
        assert came(answer) == [user, "k3y" if key == "gateway" else "", "", "a=1"]
        assert ("api_key=k3y" in answer.url) == (key == "legacy")
    # NTLM has let in the connection, Kerberos the request.
    again = [200] if way == "ntlm" else [401, 200]
    expected = numbered([*[401] * refusals, 200, *again], "POST")
    assert talk(apache, path, len(expected)) == expected


@every_way
@both_orders
def test_a_token_that_can_be_renewed(
    apache: Apache, session: requests.Session, file: Path, way: str, refusals: int, user: str, order: int
) -> None:
    """The refusals of the talk are not taken for one of the token."""
    grant = CountingGrant()
    first, second = [profile(way, file=file), renewable(grant, header="X-API-Key")][::order]
    answer = session.get(apache.at(f"/{way}"), auth=first + second, timeout=20)
    assert (came(answer)[:2], len(answer.history), grant.given) == ([user, "Bearer t1"], refusals, 1)


@pytest.mark.parametrize(("password", "status"), [(USERS["alice"], 200), ("wrong", 401)])
def test_in_a_cache(
    apache: Apache, file: Path, monkeypatch: pytest.MonkeyPatch, password: str, status: int
) -> None:
    """requests-cache runs all hooks twice, and yet there is one talk."""
    monkeypatch.setenv("A_PASSWORD", password)
    profile("ntlm", file=file).logout()
    path = f"/ntlm/cache{'d' if status == 200 else ''}"
    with CachedSession(backend="memory") as session:
        auth = profile("gateway", file=file) + profile("ntlm", file=file)
        assert session.get(apache.at(path), auth=auth, timeout=20).status_code == status
    requests.get(apache.at("/open/end"), timeout=20)  # the log is written in order
    talk(apache, "/open/end", 1)
    assert talk(apache, path, 3) == numbered([401, 401, status], "GET")


@pytest.mark.parametrize("way", ["ntlm", "kerberos"])
def test_both_in_a_profile(apache: Apache, file: Path, way: str) -> None:
    """`compose` is the same as `+`."""
    text = f'{PROFILES}\n[profiles.both]\ncompose = ["gateway", "{way}"]\n'
    both: Any = profile("both", file=profiles_file.written(file.parent, text))
    assert came(requests.get(apache.at(f"/{way}"), auth=both, timeout=20))[1] == "k3y"
