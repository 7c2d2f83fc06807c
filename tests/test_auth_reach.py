"""What is checked is where the bytes go: our reading of URLs against that of requests and urllib3."""

import ipaddress
from contextlib import closing
from urllib.parse import unquote_plus

import requests
from auths import key_in_header, key_in_query, reach
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from urllib3.util import parse_url

from requests_auth_profiles._hosts import Origin, is_plain, origin
from requests_auth_profiles.errors import HostNotAllowed

TRUSTED = "https://api.acme.com/v1/me"
PORTS = {"http": 80, "https": 443}

# What parsers of URLs are known to disagree on, and what is harmless, in any order.
pieces = st.sampled_from(
    [
        *("https://", "http://", "//", "/", "\\", "@", ":", "?", "#", "&", ";", "=", ".", "..", "%"),
        *(
            "api.acme.com",
            "evil.com",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "[",
            "]",
            "::1",
            "user:pw@",
            "user@",
        ),
        *(":443", ":80", ":8443", ":0", ":", ":99999", ":port"),
        *(
            "%00",
            "%09",
            "%0d%0a",
            "%20",
            "%23",
            "%2e",
            "%2E",
            "%2f",
            "%3f",
            "%40",
            "%5c",
            "%61",
            "%C3%A9",
            "%zz",
        ),
        *("\t", "\n", "\r", " ", "\0", "\x0b", "\x7f", "\x85", "\xa0", "\xad", "\u2028", "\ufeff", "\u3000"),
        *("é", "ß", "ü", "\u2100", "\uff0f", "\uff20", "\uff1a", "\u3002", "\uff0e", "\u2024", "\U0001f4a9"),
        *("v1", "a", "A", "xn--", "-", "_", "*", "~", "+", "0", "1", "0x7f", "[v1.x]", "[::1%25lo]"),
    ]
)
texts = st.lists(pieces | st.text(max_size=3), max_size=10).map("".join)
urls = st.builds("{}{}{}".format, st.sampled_from(["https://", "http://", "HTTPS://", ""]), texts, texts)


def connected(request: requests.PreparedRequest) -> Origin:
    """Where requests opens the connection for a request."""
    with closing(HTTPAdapter()) as adapter:
        connection = adapter.get_connection_with_tls_context(request, verify=True)
        host, port = connection.host, connection.port
    return Origin(connection.scheme, written_once(host), port or PORTS[connection.scheme])


def written_once(host: str) -> str:
    """A host in one spelling: escapes in lower case, an IPv6 address compressed, its zone not escaped."""
    host = host.lower().replace("%25", "%")
    bare = host[1:-1] if host.startswith("[") else host
    return str(ipaddress.ip_address(bare)) if ":" in bare else bare


@settings(max_examples=400, deadline=None)
@given(urls)
@example("https://api.acme.com\\@evil.com/")
@example("https://evil.com\\@api.acme.com/")
@example("https://evil.com#@api.acme.com")
@example("https://api.acme.com%00@evil.com")
@example("https://api.acme.com\t@evil.com")
@example("https://ap%69.acme.com:0443/")
@example("https://[0:0:0:0:0:0:0:1]:8443/")
@example("\x1bhttps://api.acme.com/")
@example("ht\ttps://api.acme.com/")
def test_what_is_checked_is_what_is_called(url: str) -> None:
    """A URL that may be called has, to us, the scheme, host and port to which requests connects."""
    try:
        request = requests.Request("GET", url).prepare()
    except (requests.RequestException, UnicodeError, ValueError):
        return  # it is called by nobody
    if not reach(allow_http=True).admits(request.url or ""):
        return
    checked = origin(request.url or "")
    assert checked._replace(host=written_once(checked.host)) == connected(request)
    read = parse_url(request.url or "")
    assert (read.scheme, written_once(read.host or "")) == connected(request)[:2]


# Mostly what a server would answer, whether it means well or not.
locations = st.builds(
    "{}{}".format,
    st.sampled_from(
        ["", "/", "//", "https://api.acme.com", "http://api.acme.com", "https://", "\\\\", "/\\"]
    ),
    texts,
).map(lambda text: text.encode().decode("latin1"))


def redirected(auth: requests.auth.AuthBase, location: str) -> requests.PreparedRequest:
    """The request that requests makes of a redirect to this Location."""
    request = requests.Request("GET", TRUSTED, auth=auth).prepare()
    response = requests.Response()
    response.status_code, response.url, response.request = 302, request.url or "", request
    response.headers["location"] = location
    response._content = b""
    for hook in request.hooks["response"]:
        response = hook(response)
    with requests.Session() as session:
        session.trust_env = False
        return next(session.resolve_redirects(response, request, yield_requests=True))


def may_follow(request: requests.PreparedRequest) -> bool:
    try:
        return connected(request) == Origin("https", "api.acme.com", 443)
    except (requests.RequestException, ValueError):
        return False


@settings(max_examples=300, deadline=None)
@given(locations)
@example("https://api.acme.com\\@evil.com/")
@example("https://api.acme.com%5c@evil.com/")
@example("//evil.com/")
@example("https:evil.com")
@example("\\\\evil.com")
@example("https://api.acme.com\t@evil.com/")
@example("https://api.acme.com:443/")
@example("https://api%2eacme.com/")
def test_a_header_goes_along_to_the_same_origin_alone(location: str) -> None:
    """On a redirect, the header is on the next request exactly where requests calls the same origin again."""
    try:
        request = redirected(key_in_header(), location)
    except (StopIteration, requests.RequestException, ValueError):
        return  # requests does not follow it
    assert ("X-API-Key" in request.headers) == may_follow(request)


@settings(max_examples=300, deadline=None)
@given(locations, st.sampled_from(["k3y", "a b/c+d%=&é"]))
@example("?a=1", "k3y")
@example("#top", "k3y")
@example("??", "k3y")
@example("%zz", "a/b")
@example("https://api.acme.com\\@evil.com/?api_key=k3y", "k3y")
@example("https://evil.com/?next=https%3A%2F%2Fapi.acme.com%2F%3Fapi_key%3Dk3y", "k3y")
def test_a_parameter_goes_along_to_the_same_origin_alone(location: str, key: str) -> None:
    """On a redirect, the parameter is in the next query exactly where the same origin is called again."""
    try:
        request = redirected(key_in_query(key), location)
    except (StopIteration, requests.RequestException, ValueError):
        return  # requests does not follow it
    query = (request.url or "").partition("#")[0].partition("?")[2]
    sent = [unquote_plus(pair) for pair in query.split("&")].count(f"api_key={key}")
    assert sent == may_follow(request)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["https://api.acme.com", "https://api.acme.com/v1/"]), texts)
def test_what_was_admitted_before_changes_no_verdict(first: str, rest: str) -> None:
    """A URL gets the same verdict after one that was admitted as it gets alone."""
    url = first + rest
    fresh = reach(hosts=["api.acme.com", "evil.com"])
    warm = reach(hosts=["api.acme.com", "evil.com"])
    warm.check(TRUSTED)
    verdicts = []
    for where in (fresh, warm):
        try:
            where.check(url)
        except HostNotAllowed:
            verdicts.append(False)
        else:
            verdicts.append(True)
    assert verdicts[0] == verdicts[1]


def other_reading(url: str) -> str | None:
    """The host by RFC 3986's own regular expression (appendix B), to the letter; None where it has none."""
    _, _, rest = url.partition("://")
    authority = rest
    for mark in "/?#":
        authority = authority.partition(mark)[0]
    host = authority.rpartition("@")[2]
    return host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]


@settings(max_examples=300, deadline=None)
@given(urls)
@example("https://api.acme.com\\@evil.com/")
@example("https://api.acme.com\n@evil.com/")
@example("https://ap%69.acme.com/")
def test_headers_for_another_client_go_where_it_reads_the_same(url: str) -> None:
    """A URL that gets headers for another client has the same host by the letter of the RFC."""
    try:
        request = requests.Request("GET", url).prepare()
    except (requests.RequestException, UnicodeError, ValueError):
        return
    assume(request.url)
    if is_plain(url, request.url or ""):
        host = (other_reading(url) or "").lower()
        assume(host.isascii() and ":" not in host)
        assert host == connected(request).host
