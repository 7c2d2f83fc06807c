"""`flow = "class"` with requests' own Digest, against a real Apache; and a class that cannot be imported."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import profiles_file
import pytest
import requests
from apache import USERS, Apache, came, running_apache
from wire import RawServer, http

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ConfigurationError, HostNotAllowed

CLASS = "requests.auth:HTTPDigestAuth"
CHALLENGE = 'Digest realm="digest", nonce="bm9uY2U=", algorithm=MD5, qop="auth"'
THREADS = 4

Auth = Callable[..., requests.auth.AuthBase]


@pytest.fixture(scope="module")
def apache() -> Iterator[Apache]:
    """A running Apache."""
    with running_apache() as server:
        yield server


@pytest.fixture
def auth(home: Path, apache: Apache, monkeypatch: pytest.MonkeyPatch) -> Auth:
    """The auth of a profile with these lines, for Apache only."""
    monkeypatch.setenv("USER_NAME", "alice")
    monkeypatch.setenv("WORD", USERS["alice"])

    def made(lines: str = 'args = ["alice", { env = "WORD" }]', hosts: str = f"127.0.0.1:{apache.port}"):
        text = f'[profiles.digest]\nflow = "class"\nclass = "{CLASS}"\nhosts = ["{hosts}"]\n{lines}\n'
        return profile("digest", file=profiles_file.written(home, text))

    return made


@pytest.mark.parametrize(
    "lines",
    [
        'args = ["alice", { env = "WORD" }]',
        'args = [{ env = "USER_NAME" }, { env = "WORD" }]',
        'options = { username = "alice", password = { env = "WORD" } }',
        'args = ["alice"]\n[profiles.digest.options]\npassword = { env = "WORD" }',
    ],
)
def test_it_lets_in(apache: Apache, auth: Auth, lines: str) -> None:
    """What the class takes can stand in args or options, as secrets too."""
    assert came(requests.get(apache.at("/digest"), auth=auth(lines), timeout=10))[0] == "alice"


def test_a_password_of_other_letters(apache: Apache, auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent as it is."""
    monkeypatch.setenv("WORD", USERS["bob"])
    answer = requests.get(apache.at("/digest"), auth=auth('args = ["bob", { env = "WORD" }]'), timeout=10)
    assert came(answer)[0] == "bob"


def test_the_class_remembers(apache: Apache, auth: Auth) -> None:
    """The server's nonce is used again by the same object: the next requests are not refused first."""
    with requests.Session() as session:
        session.auth = auth()
        answers = [session.get(apache.at("/digest"), timeout=10) for _ in range(3)]
    assert [len(answer.history) for answer in answers] == [1, 0, 0]


@pytest.mark.parametrize("kind", [bytes, BytesIO])
def test_a_body(apache: Apache, auth: Auth, kind: type) -> None:
    """It is sent again, whole, with the answer to the challenge."""
    answer = requests.post(apache.at("/digest"), data=kind(b"one\ntwo"), auth=auth(), timeout=10)
    assert (len(answer.history), came(answer)[3:]) == (1, ["one", "two"])


def test_threads(apache: Apache, auth: Auth) -> None:
    """Several use one profile at once, from its first request on, each with a body of its own."""
    both, start = auth(), threading.Barrier(THREADS)

    def posts(number: int) -> list[list[str]]:
        start.wait(10)
        with requests.Session() as session:
            session.auth = both
            answers = [session.post(apache.at("/digest"), data=f"{number}.{i}", timeout=20) for i in range(5)]
        return [came(answer) for answer in answers]

    with ThreadPoolExecutor(THREADS) as pool:
        got = list(pool.map(posts, range(THREADS)))
    assert got == [[["alice", "", "", f"{number}.{i}"] for i in range(5)] for number in range(THREADS)]


def test_beside_a_key(apache: Apache, auth: Auth, home: Path) -> None:
    """In a composition of the file both come with the answer to the challenge."""
    auth(
        'args = ["alice", { env = "WORD" }]\n[profiles.key]\nflow = "api-key"\napi_key = "k3y"\n'
        '[profiles.both]\ncompose = ["key", "digest"]'
    )
    both = profile("both", file=home / "profiles.toml")
    assert came(requests.get(apache.at("/digest"), auth=both, timeout=10))[:2] == ["alice", "k3y"]


class TestRefused:
    """A password that is wrong."""

    def test_it_is_refused(self, apache: Apache, auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who asks gets the 401 after one try."""
        monkeypatch.setenv("WORD", "wrong")
        answer = requests.get(apache.at("/digest"), auth=auth(), timeout=10)
        assert (answer.status_code, len(answer.history)) == (401, 1)

    @pytest.mark.platform("linux", "darwin")
    def test_it_is_looked_up_again(self, apache: Apache, auth: Auth, home: Path) -> None:
        """For the next request, and the one that is good is not."""
        vault, runs = home / "vault", home / "runs"
        vault.write_text("old")
        command = f'["sh", "-c", "echo x >> {runs}; cat {vault}"]'
        digest = auth(f'args = ["alice", {{ command = {command} }}]')
        url = apache.at("/digest")
        assert requests.get(url, auth=digest, timeout=10).status_code == 401
        vault.write_text(USERS["alice"])
        assert [requests.get(url, auth=digest, timeout=10).status_code for _ in range(3)] == [200] * 3
        assert runs.read_text().split() == ["x", "x"]

    @pytest.mark.platform("linux", "darwin")
    def test_late(self, apache: Apache, auth: Auth, home: Path) -> None:
        """A request that was signed before another was refused does not have the new one looked up again."""
        runs = home / "runs"
        digest = auth(f'args = ["alice", {{ command = ["sh", "-c", "echo x >> {runs}; echo old"] }}]')
        with requests.Session() as session:
            first, second = (
                session.prepare_request(requests.Request("GET", apache.at("/digest"), auth=digest))
                for _ in range(2)
            )
            third = requests.Request("GET", apache.at("/digest"), auth=digest)
            assert session.send(first, timeout=10).status_code == 401
            session.prepare_request(third)
            assert session.send(second, timeout=10).status_code == 401
            session.prepare_request(third)
        assert runs.read_text().split() == ["x", "x"]


class TestReach:
    """The answer to a challenge goes where the profile says, and nowhere else."""

    def test_another_host(self, apache: Apache, auth: Auth) -> None:
        """Nothing is sent to it."""
        before = apache.log()
        with pytest.raises(HostNotAllowed, match=r"^digest is not for http://127\.0\.0\.1"):
            requests.get(apache.at("/digest"), auth=auth(hosts="api.acme.com"), timeout=10)
        assert apache.log() == before

    def test_a_redirect_to_another_server(self, apache: Apache, auth: Auth) -> None:
        """Its challenge stays unanswered, though the one of the first was answered."""
        with RawServer(http(401, WWW_Authenticate=CHALLENGE)) as other:
            answer = requests.get(apache.at(f"/digest/away/{other.port}"), auth=auth(), timeout=10)
        assert answer.status_code == 401
        assert answer.history[0].request.headers["Authorization"].startswith("Digest ")
        assert [b"authorization" in request.lower() for request in other.requests] == [False]

    def test_a_redirect_on_the_server(self, apache: Apache, auth: Auth) -> None:
        """There it is answered."""
        answer = requests.get(apache.at("/digest/moved"), auth=auth(), timeout=10)
        assert (answer.url, came(answer)[0]) == (apache.at("/digest/there"), "alice")


class TestMissing:
    """A class that cannot be imported."""

    @pytest.mark.parametrize(
        ("path", "text", "problem", "hint"),
        [
            ("no_such.sub:X", "", "cannot import no_such.sub", "pip install no-such"),
            ("needy:X", "import no_lib.sub", "cannot import needy, which needs no_lib", "pip install no-lib"),
            ("broken:X", "raise ImportError", "cannot import broken", "python -c 'import broken' says why"),
        ],
    )
    def test_hint(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, path: str, text: str, problem: str, hint: str
    ) -> None:
        """It names the package to install, or what says why that is not all."""
        module = path.partition(":")[0]
        if text:
            (home / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(str(home))
        monkeypatch.delitem(sys.modules, module, raising=False)
        file = profiles_file.written(home, f'[profiles.work]\nflow = "class"\nclass = "{path}"\n')
        with pytest.raises(ConfigurationError) as caught:
            requests.Request("GET", "https://api.acme.com/", auth=profile("work", file=file)).prepare()
        assert caught.value.message == f"{path}, the class of work, {problem}"
        assert caught.value.hint.endswith(hint)
