"""A credential in a header: what can stand there, what cannot, Basic, and headers for another client."""

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from auths import CountingGrant, key_in_header, key_in_query, reach, renewable, unasked
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._build import profile
from requests_auth_profiles._credential import InHeader, InQuery
from requests_auth_profiles._source import StaticSource
from requests_auth_profiles.errors import ConfigurationError, HostNotAllowed
from requests_auth_profiles.testing import ProtectedApi

PROFILE = """
[profiles.ada]
flow = "basic"
username = { env = "A_USER" }
password = { env = "A_PASSWORD" }
"""


@pytest.fixture(scope="module")
def api() -> Iterator[ProtectedApi]:
    """An API that gives back what arrived."""
    with ProtectedApi() as api:
        yield api


def chain_of(error: BaseException) -> str:
    """All that an error and what hangs on it says."""
    texts = []
    at: BaseException | None = error
    while at is not None:
        texts += [str(at), repr(at), repr(at.args), repr(vars(at))]
        at = at.__cause__ or at.__context__
    return "\n".join(texts)


def variables_of(error: BaseException) -> str:
    """What the frames behind the test's own hold, as a debugger or an error tracker shows it."""
    assert error.__traceback__ is not None
    shown = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    return "".join(shown.format())


def get(auth: ProfileAuth, url: str) -> None:
    requests.get(f"{url}/echo", auth=auth, timeout=10)


def headers(auth: ProfileAuth, url: str) -> None:
    auth.headers(f"{url}/echo")


def renewed(auth: ProfileAuth, url: str) -> None:
    requests.get(f"{url}/key", auth=auth, timeout=10)


class TestValues:
    """A header's value is sent as it is, or refused before http.client would show it."""

    @pytest.mark.parametrize(
        "key", ["k3y", "with spaces in it", "a,b;c=d", 'quo"ted', "latin1: é ÿ", "{token}"]
    )
    def test_what_can_stand_in_a_header(self, api: ProtectedApi, key: str) -> None:
        """Visible ASCII, blanks and Latin-1 arrive as they are."""
        requests.get(f"{api.url}/echo", auth=key_in_header(key), timeout=10)
        assert api.requests[-1].headers["X-API-Key"] == key

    @pytest.mark.parametrize(
        "key",
        [
            "s3cr3t\n",
            "s3cr3t\r\n X: 1",
            "s3cr3t\r",
            "s3cr3t\0",
            "\x7fs3cr3t",
            "s3cr3t\t",
            "s3cr3t“”",
            "s3cr3t\udce9",
        ],
    )
    def test_what_cannot(self, api: ProtectedApi, key: str) -> None:
        """Control characters and what is not in Latin-1 are our error, which says where but not what."""
        before = len(api.requests)
        with pytest.raises(ConfigurationError, match="the header X-Api-Key") as caught:
            requests.get(f"{api.url}/echo", auth=key_in_header(key), timeout=10)
        assert "s3cr3t" not in chain_of(caught.value)
        assert caught.value.hint
        assert len(api.requests) == before

    @pytest.mark.parametrize("call", [get, headers, renewed])
    @pytest.mark.parametrize("kind", ["header", "query"])
    def test_no_variable_of_a_frame_shows_it(
        self, api: ProtectedApi, call: Callable[[ProfileAuth, str], object], kind: str
    ) -> None:
        """What a debugger shows of the variables of each frame of ours has no secret in it."""
        tokens = iter(["k3y"] * (call is renewed) + ["s3cr3t\udce9"])
        source = StaticSource(lambda: next(tokens))
        credential = (
            InHeader("X-API-Key", "{token}", source) if kind == "header" else InQuery("api_key", source)
        )
        with pytest.raises(ConfigurationError) as caught:
            call(ProfileAuth(reach(), credential), api.url)
        assert "s3cr3t" not in variables_of(caught.value)

    @settings(max_examples=300, deadline=None)
    @given(st.text(st.characters(codec="utf-8"), min_size=1))
    def test_any_text_is_sent_or_refused(self, key: str) -> None:
        """What is not refused is what http.client takes, and is read as it was written."""
        request = requests.Request("GET", "https://api.acme.com/", auth=key_in_header(key))
        try:
            value = request.prepare().headers["X-API-Key"]
        except ConfigurationError:
            return
        raw = value.encode("latin1")
        assert raw.decode("latin1") == key
        assert not set(raw) & {*range(0x20), 0x7F}

    def test_the_form_surrounds_the_token(self, api: ProtectedApi) -> None:
        """`header_value` is kept to the letter, and `{token}` replaced wherever it stands."""
        credential = InHeader("X-Auth", "Token {token}, v={version}; {token}", StaticSource(lambda: "t"))
        requests.get(f"{api.url}/echo", auth=ProfileAuth(reach(), credential), timeout=10)
        assert api.requests[-1].headers["X-Auth"] == "Token t, v={version}; t"

    def test_a_value_follows_its_token(self, api: ProtectedApi) -> None:
        """Nothing that was remembered of one token is sent for the next."""
        keys = iter(["a", "b", "a", "a"])
        auth = ProfileAuth(reach(), InHeader("X-API-Key", "{token}", StaticSource(lambda: next(keys))))
        for _ in range(4):
            requests.get(f"{api.url}/echo", auth=auth, timeout=10)
        assert [received.headers["X-API-Key"] for received in api.requests[-4:]] == ["a", "b", "a", "a"]


class TestBasic:
    """User and password as RFC 7617 has them."""

    @pytest.fixture
    def users(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """A profile whose user and password are in USERNAME and PASSWORD."""
        file = home / "profiles.toml"
        file.write_text(PROFILE)
        file.chmod(0o600)
        monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
        return monkeypatch

    @pytest.mark.parametrize(
        ("user", "password"),
        [
            ("ada", "lovelace"),
            ("zoë", "pässwörd:€"),
            ("Иван", "пароль"),
            ("ada", ":"),
            ("a b", " "),
            ("名", "💩"),
            ("ada", "x" * 4000),
        ],
    )
    def test_a_server_reads_what_was_meant(self, users: pytest.MonkeyPatch, user: str, password: str) -> None:
        """Any text goes there, in UTF-8 and in one line."""
        users.setenv("A_USER", user)
        users.setenv("A_PASSWORD", password)
        with ProtectedApi(users={user: password}) as api:
            assert requests.get(f"{api.url}/basic", auth=profile("ada"), timeout=10).json()["hello"] == user

    def test_a_user_with_a_colon(self, users: pytest.MonkeyPatch) -> None:
        """No server could tell the user from the password, so it is an error that names the profile."""
        users.setenv("A_USER", "s3cr3t:user")
        users.setenv("A_PASSWORD", "s3cr3t-password")
        with pytest.raises(ConfigurationError, match="profile 'ada' has a colon") as caught:
            requests.get("https://api.acme.com/", auth=profile("ada"), timeout=10)
        assert "s3cr3t" not in chain_of(caught.value)

    @pytest.mark.platform("linux", "darwin")
    def test_a_password_that_is_no_text(self, users: pytest.MonkeyPatch) -> None:
        """Bytes that are not UTF-8 are our error, without a trace of them."""
        users.setenv("A_USER", "ada")
        users.setenv("A_PASSWORD", "s3cr3t\udce9")
        with pytest.raises(ConfigurationError) as caught:
            requests.get("https://api.acme.com/", auth=profile("ada"), timeout=10)
        assert "s3cr3t" not in chain_of(caught.value)


class TestHeadersForAnotherClient:
    """`headers(url)` gives a client that is not requests what it needs, for a URL that is meant."""

    def test_they_are_what_requests_would_send(self) -> None:
        """The header has the token in its form."""
        assert renewable(CountingGrant()).headers("https://api.acme.com/") == {"Authorization": "Bearer t1"}

    def test_of_a_composition(self) -> None:
        """All members' headers are there."""
        auth = renewable(CountingGrant()) + key_in_header()
        assert auth.headers("https://x.acme.com") == {"Authorization": "Bearer t1", "X-API-Key": "k3y"}

    @pytest.mark.parametrize(
        "url",
        [
            "https://api.acme.com",
            "HTTPS://API.ACME.COM/x?y=ä",
            "https://api.acme.com/users/@me",
            "https://bücher.example/",
        ],
    )
    def test_for_any_plain_url(self, url: str) -> None:
        """Upper case, foreign scripts and an @ in the path are no riddle."""
        auth = key_in_header(hosts=["api.acme.com", "bücher.example"])
        assert auth.headers(url) == {"X-API-Key": "k3y"}

    @pytest.mark.parametrize(
        "url",
        [
            "https://api.acme.com\\@evil.com/",
            "https://evil.com\\@api.acme.com/",
            "https://api.acme.com/\\evil",
            " https://api.acme.com/",
            "https://api.acme.com/a b",
            "https://api.acme\t.com/",
            "https://api.acme.com\n/",
            "https://ap%69.acme.com/",
            "https://api%2eacme.com/",
            "https://api.acme.com%2f.evil.com/",
            "https://api.acme.com%2f@api.acme.com/",
            "https://user%40evil.com@api.acme.com/",
            "https://api.acme.com%00/",
            "https://evil.com/",
            "http://api.acme.com/",
        ],
    )
    def test_not_for_a_url_that_clients_read_differently(self, url: str) -> None:
        """Where two parsers of URLs could disagree, no secret is even looked up."""
        with pytest.raises(HostNotAllowed):
            unasked(hosts=["api.acme.com"]).headers(url)

    @pytest.mark.parametrize(
        "url",
        [
            "https://api.acme.com%2f.evil.com/",
            "https://api.acme.com%23.evil.com/",
            "https://api.acme.com%40evil.com/",
        ],
    )
    def test_not_for_an_escape_in_the_host(self, url: str) -> None:
        """Without `hosts` too: who decodes the host gets to another one."""
        with pytest.raises(HostNotAllowed, match="read in two ways"):
            unasked().headers(url)

    @pytest.mark.parametrize(
        "url",
        [
            *("", "user:s3cr3t@api.acme.com", "api.acme.com/?s3cr3t", "https://", "https://s3cr3t@"),
            *("https://*.acme.com/?s3cr3t", "https://[s3cr3t/", "http://:s3cr3t", "https://\u00fc..s3cr3t/"),
        ],
    )
    def test_what_is_no_url(self, url: str) -> None:
        """It is our error with a hint, and neither the text nor what requests says of it hangs on it."""
        with pytest.raises(HostNotAllowed) as caught:
            (key_in_header() + renewable(CountingGrant())).headers(url)
        assert caught.value.hint
        assert "s3cr3t" not in chain_of(caught.value)

    def test_a_query_key_has_none(self) -> None:
        """A key that goes into the query is an error that says how to have it in a header."""
        with pytest.raises(ConfigurationError, match='in = "header"'):
            key_in_query().headers("https://api.acme.com/")

    def test_a_member_that_only_requests_can_use(self) -> None:
        """A digest is made for one request, so there is no header to give beforehand."""
        auth = key_in_header() + requests.auth.HTTPDigestAuth("ada", "lovelace")
        with pytest.raises(ConfigurationError, match="only requests can use"):
            auth.headers("https://api.acme.com/")
