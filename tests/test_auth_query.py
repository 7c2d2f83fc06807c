"""A key in the query: every byte that is there stays, and the server reads our value."""

import logging
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_to_bytes

import pytest
import requests
from auths import key_in_query, reach
from hypothesis import example, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from wire import RawServer, http

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InQuery
from requests_auth_profiles._source import StaticSource
from requests_auth_profiles.errors import ConfigurationError
from requests_auth_profiles.testing import ProtectedApi, Reply

# What signed URLs, old servers and sloppy clients have in their queries.
PARTS = [
    *("", "a", "a=1", "a=", "=1", "=", "a=b=c", "a=1", "flag", "api_key", "api_key=other", "a[]=1"),
    *("%2F", "%2f", "%7E", "~", "+", "%20", "%2B", ";", "a;b=1", "%E9", "%FF%FE", "%C3%A9", "%00", "%0A"),
    *("%26", "%3D", "%23", "%25", "%2525", "%u00e9", "%zz", "%", "?", "/", ":", "@", "!$'()*,", "é", "💩"),
]
queries = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=6).map("&".join)
fragments = st.sampled_from(["", "#", "#top", "#a=1&b", "#?x"])
paths = st.sampled_from(["", "/", "/p", "/p&", "/p;v=1", "/a=b&c", "/%3F", "/p%26"])
keys = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
names = st.sampled_from(["api_key", "key", "api key", "k&y", "clé", "a=b", "k#"])


def signed(url: str, key: str, name: str = "api_key") -> requests.PreparedRequest:
    """A request as it is sent with the key."""
    return requests.Request("GET", url, auth=key_in_query(key, parameter=name)).prepare()


def check(url: str, key: str, name: str) -> None:
    """See that what is sent begins with what would have been sent without us, and ends in our parameter."""
    plain = requests.Request("GET", url).prepare()
    with_key = signed(url, key, name)
    assert with_key.path_url.startswith(plain.path_url)
    added = with_key.path_url.removeprefix(plain.path_url).lstrip("?&")
    assert [unquote_to_bytes(part).decode() for part in added.split("=", 1)] == [name, key]
    last = parse_qsl(with_key.path_url.partition("?")[2], keep_blank_values=True, encoding="latin1")[-1]
    assert last == (name.encode().decode("latin1"), key.encode().decode("latin1"))


@settings(max_examples=400, deadline=None)
@given(paths, queries, fragments, keys, names)
@example("/p&", "", "", "k", "api_key")
@example("", "?", "", "k", "api_key")
@example("", "a=%E9&b", "#f", "a/b+c d&e=f#g%h", "api_key")
def test_the_bytes_that_are_there_stay(path: str, query: str, fragment: str, key: str, name: str) -> None:
    """Whatever path, query and fragment are, they are sent as they would be without a key."""
    check(f"https://api.acme.com{path}{'?' if query else ''}{query}{fragment}", key, name)


def random_urls(count: int, *origins: str) -> Iterator[str]:
    """URLs of all sorts, among them what nobody should send."""
    chance = random.Random(6749)
    letters = [chr(code) for code in (*range(0x21, 0x7F), 0x20, 0xA0, 0xE9, 0xFF, 0x100, 0x20AC, 0x1F4A9)]
    for _ in range(count):
        words = [*PARTS, *("".join(chance.choices(letters, k=5)) for _ in range(4))]
        path = "".join(f"/{word}" for word in chance.choices(words, k=chance.randrange(4)))
        query = "&".join(chance.choices(words, k=chance.randrange(6)))
        fragment = chance.choice(["", "", "#", "#top", f"#{chance.choice(words)}"])
        yield f"{chance.choice(origins)}{path}?{query}{fragment}"


def test_the_bytes_of_ten_thousand_urls_stay() -> None:
    """Blanks, duplicates, escapes of slashes and of bytes that are no UTF-8, in any order."""
    chance = random.Random(6749)
    for url in random_urls(
        10_000, "https://api.acme.com", "https://api.acme.com:8443", "https://ÄPI.acme.com"
    ):
        check(url, chance.choice(PARTS) + "k", chance.choice(["api_key", "key", "k&y"]))


def test_the_bytes_of_some_go_over_a_socket() -> None:
    """What is prepared is what is sent: to the letter the same line, with and without a key."""

    def line(url: str, **how: Any) -> bytes:
        with suppress(requests.RequestException):  # it hangs up, and all that matters has come
            session.get(url, timeout=10, allow_redirects=False, **how)
        return server.requests[-1].partition(b"\r\n")[0].removesuffix(b" HTTP/1.1")

    with RawServer(http(200)) as server, requests.Session() as session:
        for url in random_urls(150, f"http://127.0.0.1:{server.port}"):
            plain, signed = line(url), line(url, auth=key_in_query())
            assert signed.startswith(plain)
            assert signed.removeprefix(plain).lstrip(b"?&") == b"api_key=k3y"
        assert len(server.requests) == 300


@settings(max_examples=200, deadline=None)
@given(queries, fragments)
def test_the_fragment_stays_behind_the_query(query: str, fragment: str) -> None:
    """The fragment is still the one of the URL, and nothing of ours is in it."""
    url = f"https://api.acme.com/?{query}{fragment}"
    plain = requests.Request("GET", url).prepare().url or ""
    assert (signed(url, "k3y").url or "").partition("#")[2] == plain.partition("#")[2]


@pytest.fixture(scope="module")
def api() -> Iterator[ProtectedApi]:
    """An API that gives back what arrived."""
    with ProtectedApi() as api:
        yield api


@settings(max_examples=200, deadline=None)
@given(queries, keys)
def test_the_server_reads_our_value(api: ProtectedApi, query: str, key: str) -> None:
    """Over a real connection, the last argument that the server decodes is the key."""
    requests.get(f"{api.url}/echo?{query}", auth=key_in_query(key), timeout=10)
    assert api.requests[-1].arguments[-1] == ("api_key", key)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("/echo", "api_key=k3y"),
        ("/echo?", "api_key=k3y"),
        ("/echo?a=&b", "a=&b&api_key=k3y"),
        ("/echo?a=1&", "a=1&api_key=k3y"),
        ("/echo?api_key=theirs", "api_key=theirs&api_key=k3y"),
        ("/echo?sig=a%2Fb%3D&x=1;y", "sig=a%2Fb%3D&x=1;y&api_key=k3y"),
        ("/echo?b=2&a=1&b=1#f", "b=2&a=1&b=1&api_key=k3y"),
    ],
)
def test_what_goes_over_the_wire(api: ProtectedApi, url: str, sent: str) -> None:
    """Blanks, duplicates, order and escapes arrive as the caller wrote them."""
    requests.get(api.url + url, auth=key_in_query(), timeout=10)
    assert api.requests[-1].query == sent


def test_params_come_before(api: ProtectedApi) -> None:
    """What the caller passes as `params` stands before the key."""
    requests.get(f"{api.url}/echo?a=1", params={"b": "2"}, auth=key_in_query(), timeout=10)
    assert api.requests[-1].query == "a=1&b=2&api_key=k3y"


def test_a_key_that_is_no_text() -> None:
    """Bytes of a variable that are no UTF-8 are our error, without a trace of the key."""
    with pytest.raises(ConfigurationError) as caught:
        requests.get("https://api.acme.com/", auth=key_in_query("s3cr3t\udce9"), timeout=10)
    assert "s3cr3t" not in repr((caught.value, caught.value.args, vars(caught.value)))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


KEY = "S3CRET/k y+=&%é"
QUOTED = quote(KEY, safe="")


class TestRedirects:
    """The key goes along on the request that follows, and is in nothing else."""

    @pytest.fixture
    def other(self) -> Iterator[ProtectedApi]:
        """Another origin: another port."""
        with ProtectedApi() as api:
            yield api

    @pytest.mark.parametrize("follow", [True, False])
    def test_the_answer_stays_as_the_server_sent_it(self, api: ProtectedApi, follow: bool) -> None:
        """The Location of a redirect within the origin has no key in it: callers log headers."""
        url = f"{api.url}/redirect?to=/echo"
        response = requests.get(url, auth=key_in_query(), allow_redirects=follow, timeout=10)
        answer = response.history[0] if follow else response
        assert answer.headers["Location"] == "/echo"

    def test_two_keys_go_along(self, api: ProtectedApi) -> None:
        """Each of a composition's parameters is there once."""
        auth = key_in_query() + key_in_query("o7her", name="other", parameter="b")
        requests.get(f"{api.url}/redirect?to=/redirect%3Fto=/echo", auth=auth, timeout=10)
        assert api.requests[-1].arguments == [("api_key", "k3y"), ("b", "o7her")]

    def test_one_request_that_is_redirected_again_and_again(
        self, api: ProtectedApi, other: ProtectedApi
    ) -> None:
        """What a prepared request met before does not take the key elsewhere, nor keep it from its origin."""
        with requests.Session() as session:
            request = requests.Request("GET", f"{api.url}/redirect", auth=key_in_query())
            prepared = session.prepare_request(request)
            for where in (api, other, api):
                api.replies["redirect"].append(Reply(302, {"Location": f"{where.url}/echo"}))
                session.send(prepared, timeout=10)
        assert [received.query for received in other.requests] == [""]
        assert [received.query for received in api.requests[-2:]] == ["api_key=k3y", "api_key=k3y"]

    def test_the_next_one_is_renewed_and_redirected(self, api: ProtectedApi) -> None:
        """A hop whose key is refused is sent again with the new one alone, and so is the hop after it."""
        keys = iter(["old"])
        auth = ProfileAuth(reach(), InQuery("api_key", StaticSource(lambda: next(keys, "new"))))
        api.replies["redirect"] += [Reply(302, {"Location": "/redirect?to=/echo"}), Reply(401)]
        requests.get(f"{api.url}/redirect", auth=auth, timeout=10)
        assert [received.query for received in api.requests[-4:]] == [
            *("api_key=old", "to=/echo&api_key=old", "to=/echo&api_key=new", "api_key=new")
        ]

    @pytest.mark.parametrize(
        "copied",
        [
            f"/echo?key={QUOTED}",
            f"/echo?key=x{QUOTED}x",
            f"/echo/{QUOTED}/x",
            f"/echo?next={quote(QUOTED, safe='')}",
            f"/echo?next={quote(quote(QUOTED, safe=''), safe='')}",
            f"/echo#{QUOTED}",
            f"/echo?key={QUOTED.lower().replace('s3cret', 'S3CRET')}",
            f"/echo?key={quote_plus(KEY)}",
            f"/echo?api_key={QUOTED}-and-more",
        ],
    )
    def test_a_server_that_repeats_the_key(self, api: ProtectedApi, other: ProtectedApi, copied: str) -> None:
        """Whatever it is named there, and whatever is around it, the key is not carried to another origin."""
        api.replies["redirect"].append(Reply(302, {"Location": other.url + copied}))
        response = requests.get(f"{api.url}/redirect", auth=key_in_query(KEY), timeout=10)
        arrived = other.requests[0]
        assert "S3CRET" not in f"{arrived.path}?{arrived.query} {response.url}"

    def test_a_short_key_may_be_a_word(self, api: ProtectedApi, other: ProtectedApi) -> None:
        """Where it is no parameter of ours, a key of seven characters is left as the server wrote it."""
        api.replies["redirect"].append(Reply(302, {"Location": f"{other.url}/echo?a=letters"}))
        requests.get(f"{api.url}/redirect", auth=key_in_query("letters"), timeout=10)
        assert other.requests[0].query == "a=letters"


class TestLogs:
    """What urllib3 logs of a request has its URL in it, and that no key."""

    def test_headers_that_cannot_be_read(self, caplog: pytest.LogCaptureFixture) -> None:
        """Its warning shows the URL without the key."""
        with RawServer(http(200).replace(b"Connection", b"no header\r\nConnection")) as server:
            requests.get(f"{server.url}?a=1", auth=key_in_query(KEY), timeout=10)
        assert "?a=1&api_key=***" in caplog.text
        assert "S3CRET" not in caplog.text

    def test_another_try(self, caplog: pytest.LogCaptureFixture) -> None:
        """What it says where it tries once more shows the URL without the key."""
        caplog.set_level(logging.DEBUG)
        with RawServer(http(503)) as server:
            url = server.url
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=1))
            with pytest.raises(requests.ConnectionError):
                session.get(url, auth=key_in_query(KEY), timeout=10)
        assert "Incremented Retry for (url='/token?api_key=***')" in caplog.text
        assert "S3CRET" not in caplog.text
