"""Which URLs a credential may go to: `hosts` in all its forms, plain http, and what attackers try."""

import pytest
import requests
from auths import reach, unasked

from requests_auth_profiles._hosts import HostPattern, is_confidential, is_loopback, origin
from requests_auth_profiles.errors import HostNotAllowed

DOTS = "has . or .., or what may be read so, in its path"
NO_BRACKETS = "is neither an IPv6 address in [ ] nor a host without them"
NO_PORT = "is neither a host nor host:port with a port from 1 to 65535"


def prepared(url: str) -> str:
    """A URL as requests sends it."""
    return requests.Request("GET", url).prepare().url or ""


def matches(pattern: str, url: str) -> bool:
    return HostPattern.parse(pattern).matches(prepared(url))


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("api.acme.com", "https://api.acme.com"),
        ("api.acme.com", "https://api.acme.com/any/path?q=1#f"),
        ("api.acme.com", "https://api.acme.com:443/"),
        ("api.acme.com", "HTTPS://API.ACME.COM/"),
        ("API.Acme.com", "https://api.acme.com/"),
        ("api.acme.com", "https://user:secret@api.acme.com/"),
        ("api.acme.com", "https://api.acme.com/@evil.com"),
        ("api.acme.com", "https://api.acme.com?@evil.com"),
        ("api.acme.com", "https://api.acme.com#@evil.com"),
        ("api.acme.com", "https://ap%69.acme.com/"),
        ("api.acme.com", "http://api.acme.com/"),
        ("*.acme.com", "https://api.acme.com/"),
        ("*.acme.com", "https://v2.api.acme.com/"),
        ("api.acme.com:8443", "https://api.acme.com:8443/"),
        ("api.acme.com:443", "https://api.acme.com/"),
        ("api.acme.com:", "https://api.acme.com/"),
        ("*.acme.com:8443", "https://api.acme.com:8443/"),
        ("https://api.acme.com", "https://api.acme.com/v1"),
        ("https://api.acme.com/", "https://api.acme.com/v1"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v2/me"),
        ("https://api.acme.com/v2", "https://api.acme.com/v2"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v2?page=2"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v2/a..b/...;x"),
        ("https://api.acme.com/v 2/".replace(" ", "%20"), "https://api.acme.com/v 2/me"),
        ("https://api.acme.com/größe/", "https://api.acme.com/größe/1"),
        ("https://api.acme.com:8443/v2/", "https://api.acme.com:8443/v2/me"),
        ("api.acme.com/v2", "https://api.acme.com/v2/me"),
        ("http://localhost:5000", "http://localhost:5000/"),
        ("bücher.example", "https://bücher.example/"),
        ("bücher.example", "https://xn--bcher-kva.example/"),
        ("xn--bcher-kva.example", "https://BÜCHER.example/"),
        ("127.0.0.1", "https://127.0.0.1/"),
        ("[::1]", "https://[::1]/"),
        ("[::1]:8443", "https://[0:0:0:0:0:0:0:1]:8443/"),
        ("[2001:DB8::1]", "https://[2001:db8:0::1]/"),
        ("my_host", "https://my_host/"),
    ],
)
def test_a_pattern_means_a_url(pattern: str, url: str) -> None:
    """A host, a wildcard, a port, a URL with a path, a foreign script, an IPv6 address: each has its URLs."""
    assert matches(pattern, url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("api.acme.com", "https://acme.com/"),
        ("api.acme.com", "https://v2.api.acme.com/"),
        ("api.acme.com", "https://api.acme.com.evil.com/"),
        ("api.acme.com", "https://xapi.acme.com/"),
        ("api.acme.com", "https://api.acme.com:8443/"),
        ("api.acme.com", "http://api.acme.com:443/"),
        ("api.acme.com", "https://api.acme.com./"),
        ("api.acme.com", "https://api.acme.com@evil.com/"),
        ("api.acme.com", "https://api.acme.com:443@evil.com/"),
        ("api.acme.com", "https://evil.com/api.acme.com"),
        ("api.acme.com", "https://evil.com?https://api.acme.com/"),
        ("api.acme.com", "https://evil.com#@api.acme.com"),
        ("api.acme.com", "https://evil.com?@api.acme.com"),
        ("api.acme.com", "https://evil.com\\@api.acme.com/"),
        ("api.acme.com", "https://api.acme.com%2Eevil.com/"),
        ("api.acme.com", "https://api.acme.com%20.evil.com/"),
        ("api.acme.com", "ftp://api.acme.com/"),
        ("*.acme.com", "https://acme.com/"),
        ("*.acme.com", "https://evilacme.com/"),
        ("*.acme.com", "https://api.acme.com.evil.com/"),
        ("*.acme.com", "https://evil.com/.acme.com"),
        ("*.acme.com", "https://evil.com#.acme.com"),
        ("*.acme.com:8443", "https://api.acme.com/"),
        ("https://api.acme.com", "http://api.acme.com/"),
        ("http://api.acme.com", "https://api.acme.com/"),
        ("https://api.acme.com/v2/", "https://api.acme.com/"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v1/"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v21/"),
        ("https://api.acme.com/v2/", "https://api.acme.com/V2/"),
        ("https://api.acme.com/v2/", "https://api.acme.com//v2/"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v2%2Fme"),
        ("https://api.acme.com/v2/", "https://api.acme.com/?/v2/"),
        ("bücher.example", "https://bucher.example/"),
        ("127.0.0.1", "https://127.0.0.2/"),
        ("[::1]", "https://[::2]/"),
    ],
)
def test_a_pattern_does_not_mean_a_url(pattern: str, url: str) -> None:
    """A near miss, a user name, a fragment and another scheme, port or path are not what was meant."""
    assert not matches(pattern, url)


@pytest.mark.parametrize(
    "path",
    [
        *("/v2/../admin", "/v2/./x", "/v2/..", "/v2/x/../../admin", "/../v2/x"),
        *("/v2/%2e%2e/admin", "/v2/%2E%2e/admin", "/v2/.%2e/admin", "/v2/%252e%252e/admin"),
        *("/v2/%2e%2e%2fadmin", "/v2/..%2fadmin", "/v2/..%5cadmin", "/v2/..%252fadmin", "/v2/x%5c..%5cy"),
        *("/v2/..;/admin", "/v2/..;x=1/admin", "/v2/%2e%2e%3b/admin", "/v2/%2e/", "/v2/..\\admin"),
        *("/v2/%25252e%25252e/admin", "/v2/%2525252e%2525252e/admin", f"/v2/%{'25' * 50}2e%2e/admin"),
        *("/v2/..%00/admin", "/v2/.%00./admin", "/v2/..%09/admin", "/v2/..%20/admin", "/v2/%20../admin"),
        *("/v2/..%C2%A0/admin", "/v2/..%C2%85/admin", "/v2/..%2500/admin", "/v2/..%20;x/admin"),
        *("/v2/%c0%ae%c0%ae/admin", "/v2/%C0%2E./admin", "/v2/%e0%80%ae./admin", "/v2/%25c0%25ae./admin"),
        *("/v2/%u002e%u002e/admin", "/v2/%25u002e./admin", "/v2/%U002E./admin", "/v2/x%u2215..%u2215y"),
        *("/v2/\uff0e\uff0e/admin", "/v2/\u2024\u2024/admin", "/v2/\u2025/admin", "/v2/..\uff0fadmin"),
        *("/v2/%EF%BC%8E%EF%BC%8E/admin", "/v2/\uff052e\uff052e/admin", "/v2/..\uff3cadmin"),
    ],
)
def test_dot_segments_never_match_a_path(path: str) -> None:
    """What a server may resolve to another path is refused, whichever way it is escaped."""
    pattern = HostPattern.parse("https://api.acme.com/v2/")
    assert not pattern.matches(f"https://api.acme.com{path}")


@pytest.mark.parametrize(
    "path",
    [
        *("/v2/100%25", "/v2/100%2525", "/v2/a%20b", "/v2/...", "/v2/\u2026", "/v2/.well-known", "/v2/a.b."),
        *("/v2/%E2%80%8C", "/v2/\uff21", "/v2/a%2Fb", "/v2/%7Eu002e", "/v2/%25zz", "/v2//x", "/v2/;x"),
    ],
)
def test_what_is_no_dot_segment_matches(path: str) -> None:
    """Per cent signs, blanks, dots and foreign scripts that mean themselves refuse no path."""
    assert matches("https://api.acme.com/v2/", f"https://api.acme.com{path}")


def test_a_long_run_of_escapes_is_judged_quickly() -> None:
    """The work for a path grows with its length, not with its square; what has no end is refused."""
    pattern = HostPattern.parse("https://api.acme.com/v2/")
    assert not pattern.matches(f"https://api.acme.com/v2/%{'25' * 500_000}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no host"),
        ("https://", "names no host"),
        ("https:///v2", "names no host"),
        (":443", "names no host"),
        ("*.", "names no host"),
        ("*", "has a * that is not all of the first label"),
        ("api.*.com", "has a * that is not all of the first label"),
        ("a*.acme.com", "has a * that is not all of the first label"),
        ("*.*.acme.com", "has a * that is not all of the first label"),
        ("*.com", "would match every host below .com; name at least two labels"),
        ("api.acme.com.", "ends in a dot; leave it out"),
        (".acme.com", "is not a host name"),
        ("api..acme.com", "is not a host name"),
        ("ap%69.acme.com", "is not a host name"),
        ("a,b", "is not a host name"),
        ("xn--\u00fc.example", "is not a host name (IDNA)"),
        ("api.acme.com:0", "has the port 0, which nothing can be reached at"),
        ("api.acme.com:65536", NO_PORT),
        ("api.acme.com:http", NO_PORT),
        ("api.acme.com:-1", NO_PORT),
        ("[::1", NO_PORT),
        ("[::1:]", NO_PORT),
        ("[1.2.3.4]", NO_BRACKETS),
        ("[api.acme.com]", NO_BRACKETS),
        ("::1", "has an IPv6 address without [ ] around it"),
        ("2001:db8::1", "has an IPv6 address without [ ] around it"),
        ("*.[::1]", NO_BRACKETS),
        ("[::1]evil.com", NO_BRACKETS),
        ("ftp://api.acme.com", "has the scheme 'ftp'; only https and http can be"),
        ("ws://api.acme.com", "has the scheme 'ws'; only https and http can be"),
        ("user@api.acme.com", "has a user name, a query or a fragment"),
        ("https://api.acme.com?x", "has a user name, a query or a fragment"),
        ("https://api.acme.com#x", "has a user name, a query or a fragment"),
        ("https://api.acme.com/v2/../x", DOTS),
        ("https://api.acme.com/%2e%2e/", DOTS),
        ("https://api.acme.com/..%00/", DOTS),
        ("api.acme.com\\@evil.com", "has blanks, backslashes or control characters"),
        ("api.acme.com ", "has blanks, backslashes or control characters"),
        ("api.acme\t.com", "has blanks, backslashes or control characters"),
        ("api.acme.com\n", "has blanks, backslashes or control characters"),
        ("api.acme.com\0", "has blanks, backslashes or control characters"),
        ("api.acme.com\u00a0", "has blanks, backslashes or control characters"),
    ],
)
def test_what_is_no_pattern_says_why(text: str, problem: str) -> None:
    """A mistake in `hosts` is told in words that fit behind the value, and never taken for something else."""
    with pytest.raises(ValueError, match=r".") as caught:
        HostPattern.parse(text)
    # What is wrong with [ ], newer versions of urlsplit find by themselves.
    assert str(caught.value) in {problem, NO_PORT if "[" in text else problem, "is not an IPv6 address"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("localhost.", False),
        ("localhost.evil.com", False),
        ("0.0.0.0", False),
        ("128.0.0.1", False),
        ("::", False),
        ("127.1", False),
        ("2130706433", False),
        ("0x7f000001", False),
        ("127.0.0.1.evil.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """Only what certainly stays on this machine is loopback: other spellings are a matter of the resolver."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.acme.com/", True),
        ("http://localhost:5000/", True),
        ("http://[::1]:5000/", True),
        ("http://api.acme.com/", False),
        ("http://localhost@evil.com/", False),
        ("ftp://localhost/", False),
        ("/relative", False),
        ("https://", False),
        ("https://api.acme.com:99999/", False),
        ("https://[::1/", False),
    ],
)
def test_confidential(url: str, expected: bool) -> None:
    """With https a secret is kept, and on this machine; with what is no such URL it is not."""
    assert is_confidential(url) is expected


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://api.acme.com/x", "https://api.acme.com"),
        ("https://api.acme.com:443/x", "https://api.acme.com"),
        ("http://api.acme.com:443/x", "http://api.acme.com:443"),
        ("https://user:secret@[::1]:8443/x", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_shown_without_user_and_path(url: str, text: str) -> None:
    """Messages show scheme, host and a port that is not the scheme's own: nothing that can be a secret."""
    assert str(origin(url)) == text


class TestRefusal:
    """A URL that is not for the credential is refused before anything secret is looked up."""

    @pytest.mark.parametrize(
        ("hosts", "url", "message", "hint"),
        [
            (
                ["api.acme.com"],
                "https://evil.com:8443/p?token=s",
                "work is not for https://evil.com:8443: the profile's hosts do not name it",
                'hosts = […, "evil.com:8443"] if it is meant to go there',
            ),
            (
                [],
                "http://api.acme.com/",
                "work does not go to http://api.acme.com: on plain http anybody on the way could read it",
                "call https; or allow_http = true in a profile",
            ),
            (["api.acme.com"], "ftp://api.acme.com/", "work: not an http or https URL", "call an https URL"),
        ],
    )
    def test_it_says_what_to_change(self, hosts: list[str], url: str, message: str, hint: str) -> None:
        """The error names the profile and the origin, and what to write or to call instead."""
        with pytest.raises(HostNotAllowed) as caught:
            requests.get(url, auth=unasked(hosts=hosts), timeout=10)
        assert (caught.value.message, caught.value.hint) == (message, hint)

    @pytest.mark.parametrize(
        "url",
        [
            "https://api.acme.com\\@evil.com/",
            "https://evil.com#@api.acme.com",
            "https://evil.com/https://api.acme.com",
            "https://api.acme.com:pw@evil.com/",
            "https://api.acme.com%00.evil.com/",
            "https://api.acme.com%0d%0a.evil.com/",
            "https://api.acme.com\t.evil.com/",
            "https://api.acme.com\n.evil.com/",
            "https:evil.com",
            "https:/evil.com",
            "//evil.com/",
            "ht\ttps://evil.com/",
            "http://localhost.evil.com/",
            "https://[::1].evil.com/",
            "https://api.acme.com:port/",
        ],
    )
    def test_no_disguise_gets_to_the_secret(self, url: str) -> None:
        """Whether requests or we refuse it, the secret is not looked up and nothing is sent."""
        auth = unasked(hosts=["*.acme.org"])
        with pytest.raises(requests.RequestException):
            requests.get(url, auth=auth, timeout=10)

    def test_it_holds_no_chain(self) -> None:
        """Nothing hangs on the error: a URL that cannot be read may hold a password."""
        with pytest.raises(HostNotAllowed) as caught:
            unasked().check("https://user:secret@api.acme.com:port/")
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert "secret" not in repr(caught.value)


class TestReach:
    """The verdict on a URL is the same whichever URL was asked about before."""

    def test_an_admitted_origin_admits_no_other(self) -> None:
        """What is remembered of a URL that was admitted lets no URL in that merely begins alike."""
        where = reach(hosts=["api.acme.com"])
        where.check("https://api.acme.com/")
        for url in (
            "https://api.acme.com.evil.com/",
            "https://api.acme.com@evil.com/",
            "https://api.acme.com:8443/",
            "https://api.acme.comevil.com/",
            "https://api.acme.com\\@evil.com/",
            "http://api.acme.com/",
        ):
            assert not where.admits(url)
            with pytest.raises(HostNotAllowed):
                where.check(url)

    def test_an_admitted_path_admits_no_other(self) -> None:
        """With a path among the hosts, each URL is looked at anew."""
        where = reach(hosts=["https://api.acme.com/v2/", "other.acme.com"])
        where.check("https://api.acme.com/v2/me")
        where.check("https://other.acme.com/")
        with pytest.raises(HostNotAllowed):
            where.check("https://api.acme.com/admin")

    def test_a_path_of_the_outer_reach_counts_too(self) -> None:
        """An inner reach without paths forgets nothing of what the outer one forbids."""
        where = reach("inner").within(reach("outer", ["https://api.acme.com/v2/"]))
        where.check("https://api.acme.com/v2/me")
        with pytest.raises(HostNotAllowed, match=r"^outer is not for"):
            where.check("https://api.acme.com/admin")

    @pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/"])
    def test_plain_http_goes_to_this_machine(self, url: str) -> None:
        """Loopback needs no https."""
        assert reach().admits(url)

    def test_plain_http_goes_where_the_profile_says_so(self) -> None:
        """`allow_http` admits http, and only to the profile's hosts."""
        where = reach(hosts=["intranet.acme.com"], allow_http=True)
        assert where.admits("http://intranet.acme.com/")
        assert not where.admits("http://api.acme.com/")

    def test_three_reaches_are_one(self) -> None:
        """What several allow together is what each of them allows."""
        inner, middle = reach("a", ["*.acme.com"]), reach("b", ["x.acme.com", "y.acme.com"])
        where = inner.within(middle).within(reach("c", ["y.acme.com", "z.acme.com"]))
        hosts = ("x", "y", "z")
        assert [where.admits(f"https://{host}.acme.com/") for host in hosts] == [False, True, False]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("API.acme.com", "api.acme.com"),
        ("*.Acme.com:8443", "*.acme.com:8443"),
        ("https://api.acme.com/v2/", "https://api.acme.com/v2"),
        ("http://[0:0::1]:80/x y".replace(" ", "%20"), "http://[::1]:80/x%20y"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_pattern_is_shown_as_it_may_be_written(written: str, shown: str) -> None:
    """What a table shows of `hosts` can be copied back into a profile, and means the same there."""
    pattern = HostPattern.parse(written)
    assert str(pattern) == shown
    assert HostPattern.parse(shown) == pattern
