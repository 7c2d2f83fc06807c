"""A key in the query: every byte that is there stays, and the server reads our value."""

import random
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
import requests
from auths import key_in_query
from hypothesis import example, given, settings
from hypothesis import strategies as st

from requests_auth_profiles.errors import ConfigurationError
from requests_auth_profiles.testing import ProtectedApi

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


@settings(max_examples=1500, deadline=None)
@given(paths, queries, fragments, keys, names)
@example("/p&", "", "", "k", "api_key")
@example("", "?", "", "k", "api_key")
@example("", "a=%E9&b", "#f", "a/b+c d&e=f#g%h", "api_key")
def test_the_bytes_that_are_there_stay(path: str, query: str, fragment: str, key: str, name: str) -> None:
    """Whatever path, query and fragment are, they are sent as they would be without a key."""
    check(f"https://api.acme.com{path}{'?' if query else ''}{query}{fragment}", key, name)


def test_the_bytes_of_ten_thousand_queries_stay() -> None:
    """Blanks, duplicates, escapes of slashes and of bytes that are no UTF-8, in any order."""
    chance = random.Random(6749)
    for _ in range(10_000):
        query = "&".join(chance.choices(PARTS, k=chance.randrange(6)))
        check(f"https://api.acme.com/p?{query}", chance.choice(PARTS) + "k", "api_key")


@settings(max_examples=500, deadline=None)
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
