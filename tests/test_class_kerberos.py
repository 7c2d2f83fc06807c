"""`flow = "class"` with requests-gssapi: whoever has a Kerberos ticket, against a real KDC and Apache."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import profiles_file
import pytest
import requests
from apache import Apache, came, running_apache
from kdc import Kdc, running_kdc
from wire import RawServer, http

from requests_auth_profiles import profile
from requests_auth_profiles.errors import HostNotAllowed

pytestmark = pytest.mark.platform("linux")

AT_ONCE = "options = { opportunistic_auth = true }"
THREADS = 4

Auth = Callable[..., requests.auth.AuthBase]


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
def cache(home: Path, kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Kerberos looks for tickets; there are none."""
    path = home / "tickets"
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{path}")
    for name, value in kdc.client.items():
        monkeypatch.setenv(name, value)
    return path


@pytest.fixture
def alice(kdc: Kdc, cache: Path) -> Path:
    """The same, with one of alice's."""
    kdc.sign_in("alice", cache)
    return cache


@pytest.fixture
def auth(home: Path, cache: Path, apache: Apache) -> Auth:
    """The auth of a profile with these lines, for Apache only."""

    def made(lines: str = "", hosts: str = f"127.0.0.1:{apache.port}"):
        text = '[profiles.kerberos]\nflow = "class"\nclass = "requests_gssapi:HTTPSPNEGOAuth"\n'
        file = profiles_file.written(home, f'{text}hosts = ["{hosts}"]\n{lines}\n')
        return profile("kerberos", file=file)

    return made


@pytest.mark.usefixtures("alice")
class TestWithATicket:
    """Somebody who has signed in."""

    @pytest.mark.parametrize(("lines", "refusals"), [("", 1), (AT_ONCE, 0)])
    def test_it_lets_in(self, apache: Apache, auth: Auth, lines: str, refusals: int) -> None:
        """After a challenge or, if the profile says so, without waiting for one."""
        answer = requests.get(apache.at("/kerberos"), auth=auth(lines), timeout=10)
        assert (came(answer)[0], len(answer.history)) == ("alice@ACME.TEST", refusals)

    def test_a_secret(self, apache: Apache, auth: Auth, alice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The name of the service comes from where the file says, and that is what the ticket is for."""
        asks = auth('options = { target_name = { env = "SERVICE" } }')
        monkeypatch.setenv("SERVICE", "HTTP@localhost")
        assert came(requests.get(apache.at("/kerberos"), auth=asks, timeout=10))[0] == "alice@ACME.TEST"
        assert b"localhost" in alice.read_bytes()

    @pytest.mark.parametrize("kind", [bytes, BytesIO])
    def test_a_body(self, apache: Apache, auth: Auth, kind: type) -> None:
        """It is sent again, whole, with the ticket."""
        answer = requests.post(apache.at("/kerberos"), data=kind(b"one\ntwo"), auth=auth(), timeout=10)
        assert (len(answer.history), came(answer)[3:]) == (1, ["one", "two"])

    @pytest.mark.parametrize("lines", ["", AT_ONCE])
    def test_threads(self, apache: Apache, auth: Auth, lines: str) -> None:
        """Several use one profile at once, from its first request on, each with a body of its own."""
        shared, start = auth(lines), threading.Barrier(THREADS)

        def posts(number: int) -> list[list[str]]:
            start.wait(10)
            with requests.Session() as session:
                session.auth = shared
                url = apache.at("/kerberos")
                return [came(session.post(url, data=f"{number}.{i}", timeout=20)) for i in range(5)]

        with ThreadPoolExecutor(THREADS) as pool:
            got = list(pool.map(posts, range(THREADS)))
        assert got == [
            [["alice@ACME.TEST", "", "", f"{number}.{i}"] for i in range(5)] for number in range(THREADS)
        ]

    def test_another_host(self, apache: Apache, auth: Auth) -> None:
        """Nothing is sent to it."""
        before = apache.log()
        with pytest.raises(HostNotAllowed, match=r"^kerberos is not for http://127\.0\.0\.1"):
            requests.get(apache.at("/kerberos"), auth=auth(AT_ONCE, hosts="api.acme.com"), timeout=10)
        assert apache.log() == before

    @pytest.mark.parametrize("lines", ["", AT_ONCE])
    def test_a_redirect_to_another_server(self, apache: Apache, auth: Auth, lines: str) -> None:
        """That gets no ticket, not even if it asks for one."""
        with RawServer(http(401, WWW_Authenticate="Negotiate")) as other:
            url = apache.at(f"/kerberos/away/{other.port}")
            answer = requests.get(url, auth=auth(lines), timeout=10)
        assert (answer.status_code, len(answer.history)) == (401, 1)
        assert [b"authorization" in request.lower() for request in other.requests] == [False]


class TestWithoutATicket:
    """Somebody who has not signed in."""

    def test_it_is_refused(self, apache: Apache, auth: Auth) -> None:
        """Who asks gets the 401."""
        assert requests.get(apache.at("/kerberos"), auth=auth(), timeout=10).status_code == 401

    def test_it_comes_later(self, apache: Apache, auth: Auth, kdc: Kdc, cache: Path) -> None:
        """The same auth is let in once there is one."""
        waits = auth()
        requests.get(apache.at("/kerberos"), auth=waits, timeout=10)
        kdc.sign_in("bob", cache)
        assert came(requests.get(apache.at("/kerberos"), auth=waits, timeout=10))[0] == "bob@ACME.TEST"
