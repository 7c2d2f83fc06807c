"""Several authentications on one request: `+`, `&`, `compose`, and what does not go together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from auths import CountingGrant, key_in_header, key_in_query, renewable, unasked
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth, HTTPProxyAuth

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._build import profile
from requests_auth_profiles.errors import (
    CompositionConflict,
    ConfigurationError,
    HostNotAllowed,
    ProfilesFileError,
)
from requests_auth_profiles.testing import ProtectedApi, Reply

PROFILES = """
[profiles.gateway-key]
flow = "api-key"
api_key = "k3y"
hosts = ["127.0.0.1:{port}", "b.acme.com"]

[profiles.legacy-key]
flow = "api-key"
api_key = "0ld"
in = "query"

[profiles.work]
flow = "bearer"
token = "t0ken"
hosts = ["127.0.0.1:{port}", "*.acme.com"]

[profiles.intranet]
flow = "bearer"
token = "t0ken"
allow_http = true

[profiles.partner]
compose = ["gateway-key", "work"]

[profiles.narrow]
compose = ["legacy-key", "work"]
hosts = ["http://127.0.0.1:{port}/redirect"]

[profiles.nested]
compose = ["partner", "legacy-key"]

[profiles.inside]
compose = ["intranet", "gateway-key"]
allow_http = true

[profiles.inside-https]
compose = ["intranet"]

[profiles.one]
compose = ["work"]
"""


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes one token and one key."""
    with ProtectedApi(tokens={"t0ken", "t1"}, api_keys={"k3y"}) as api:
        yield api


@pytest.fixture
def file(home: Path, api: ProtectedApi, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Profiles, and compositions of them."""
    file = home / "profiles.toml"
    file.write_text(PROFILES.replace("{port}", api.url.rpartition(":")[2]))
    file.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    return file


def prepared(auth: AuthBase, url: str = "https://api.acme.com/p") -> requests.PreparedRequest:
    return requests.Request("GET", url, auth=auth).prepare()


class Tagging(AuthBase):
    """An auth that says on the request what was there when it came."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["X-Seen"] = ",".join(sorted(name for name in r.headers if name.startswith(("X-", "Auth"))))
        return r


class TestOperators:
    """`+` and `&` join ours with ours, and with all that requests takes for an auth."""

    @pytest.mark.parametrize("operator", ["+", "&"])
    def test_two_profiles(self, api: ProtectedApi, file: Path, operator: str) -> None:
        """Both sign the request, and the API lets it in for both."""
        one, other = profile("gateway-key"), profile("work")
        both = one + other if operator == "+" else one & other
        response = requests.get(f"{api.url}/partner", auth=both, timeout=10)
        assert response.json()["by"] == ["api-key", "bearer"]

    @pytest.mark.parametrize(
        ("other", "header"),
        [
            (("ada", "lovelace"), "Basic YWRhOmxvdmVsYWNl"),
            (HTTPBasicAuth("ada", "lovelace"), "Basic YWRhOmxvdmVsYWNl"),
            (renewable(CountingGrant()) + key_in_query(), "Bearer t1"),
            (lambda r: r.headers.update({"Authorization": "mine"}) or r, "mine"),
        ],
        ids=["tuple", "basic", "composition", "function"],
    )
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_anything_on_either_side(self, other: Any, header: str, side: str) -> None:
        """A tuple, an auth of requests, a composition and a function go before ours and behind it."""
        auth = other + key_in_header() if side == "left" else key_in_header() + other
        request = prepared(auth)
        assert (request.headers["Authorization"], request.headers["X-API-Key"]) == (header, "k3y")

    def test_they_sign_in_their_order(self) -> None:
        """Each sees what those before it wrote."""
        request = prepared(key_in_header() + Tagging() + renewable(CountingGrant()))
        assert request.headers["X-Seen"] == "X-API-Key"
        assert request.headers["Authorization"] == "Bearer t1"

    def test_a_member_may_give_another_request(self) -> None:
        """What a member returns is what the next one signs."""

        def copying(r: requests.PreparedRequest) -> requests.PreparedRequest:
            r = r.copy()
            r.headers["X-Copied"] = "yes"
            return r

        request = prepared(copying + key_in_header())
        assert (request.headers["X-Copied"], request.headers["X-API-Key"]) == ("yes", "k3y")

    @pytest.mark.parametrize("other", [None, 1, "key", ("a", "b", "c"), HTTPBasicAuth, ["a", "b"]])
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_what_is_no_auth(self, other: Any, side: str) -> None:
        """It is an error where it is written, not where a request is made."""
        with pytest.raises(TypeError, match="is no requests auth"):
            _ = other + key_in_header() if side == "left" else key_in_header() + other

    def test_its_name_is_that_of_its_members(self) -> None:
        """Ours go by their names, others by their class."""
        auth = key_in_header() + Tagging() + (renewable(CountingGrant()) & key_in_query())
        assert auth.name == "gateway + Tagging + work + legacy"
        assert repr(auth) == (
            "<ComposedAuth 'gateway + Tagging + work + legacy': "
            "header X-Api-Key, header Authorization, parameter api_key>"
        )


class TestConflicts:
    """Two that write the same thing are refused by name, where they are put together."""

    @pytest.mark.parametrize(
        ("one", "other", "message"),
        [
            (
                renewable(CountingGrant()),
                unasked("nightly"),
                "work and nightly both write the header Authorization",
            ),
            (
                renewable(CountingGrant()),
                ("ada", "lovelace"),
                "work and HTTPBasicAuth both write the header Authorization",
            ),
            (
                HTTPDigestAuth("ada", "lovelace"),
                renewable(CountingGrant()),
                "HTTPDigestAuth and work both write the header Authorization",
            ),
            (
                key_in_header(),
                key_in_header(name="other", header="x-api-KEY"),
                "gateway and other both write the header X-Api-Key",
            ),
            (
                key_in_query(),
                key_in_query(name="other"),
                "legacy and other both write the parameter api_key",
            ),
            (
                key_in_header() + renewable(CountingGrant()),
                key_in_query() + unasked("nightly"),
                "work and nightly both write the header Authorization",
            ),
        ],
        ids=["profiles", "tuple", "digest", "header in another case", "parameter", "nested"],
    )
    def test_the_same_thing_twice(self, one: Any, other: Any, message: str) -> None:
        """The error names both, and what to do."""
        with pytest.raises(CompositionConflict) as caught:
            _ = one + other
        assert (caught.value.message, bool(caught.value.hint)) == (message, True)

    @pytest.mark.parametrize(
        "other",
        [
            key_in_query(parameter="API_KEY"),
            key_in_header(header="api_key"),
            renewable(CountingGrant()) + HTTPProxyAuth("ada", "lovelace"),
        ],
        ids=["parameter in another case", "header of that name", "proxy"],
    )
    def test_what_only_looks_the_same(self, other: ProfileAuth | ComposedAuth) -> None:
        """Parameters have a case, and a header is no parameter, nor a proxy's header the host's."""
        assert "parameter api_key" in (key_in_query() + other).writes

    def test_in_the_file(self, file: Path) -> None:
        """A composition in the file whose members conflict is refused before any request."""
        file.write_text(f'{file.read_text()}[profiles.twice]\ncompose = ["one", "intranet"]\n')
        with pytest.raises(ProfilesFileError) as caught:
            profile("twice")
        (fault,) = caught.value.faults
        assert (fault.profile, fault.key) == ("twice", "compose")
        said = "puts 'work' and 'intranet' together, which both write the header Authorization"
        assert fault.message == said


class TestWithOthers:
    """Auths of requests that answer a challenge go on doing so beside ours."""

    @pytest.mark.parametrize("order", [1, -1])
    def test_digest_beside_a_key(self, api: ProtectedApi, order: int) -> None:
        """The digest is made for the second request, and both carry the key."""
        challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
        api.replies["key"].append(Reply(401, challenge))
        first, second = [HTTPDigestAuth("ada", "lovelace"), key_in_header()][::order]
        response = requests.get(f"{api.url}/key", auth=first + second, timeout=10)
        assert response.status_code == 200
        assert [received.headers["X-API-Key"] for received in api.requests] == ["k3y", "k3y"]
        assert api.requests[1].headers["Authorization"].startswith("Digest ")

    def test_digest_beside_a_token_that_is_renewed(self, api: ProtectedApi) -> None:
        """First the digest, then the fresh token: the last request has both, and the history each attempt."""
        challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
        api.replies["echo"] += [Reply(401, challenge), Reply(401)]
        auth = renewable(CountingGrant(), header="X-Token") + HTTPDigestAuth("ada", "lovelace")
        response = requests.get(f"{api.url}/echo", auth=auth, timeout=10)
        assert [received.headers["X-Token"] for received in api.requests] == [
            "Bearer t1",
            "Bearer t1",
            "Bearer t2",
        ]
        assert "Authorization" in api.requests[2].headers
        assert [refusal.status_code for refusal in response.history] == [401, 401]


class TestHosts:
    """A composition goes where all of its members, and it itself, may go."""

    def test_no_member_is_asked_where_one_may_not_go(self) -> None:
        """All URLs are looked at before any secret."""
        auth = unasked("first") + key_in_header(hosts=["a.acme.com"])
        with pytest.raises(HostNotAllowed, match="gateway is not for"):
            prepared(auth, "https://b.acme.com/")

    @pytest.mark.parametrize(
        ("name", "url", "refused_by"),
        [
            ("partner", "https://b.acme.com/", ""),
            ("partner", "https://a.acme.com/", "gateway-key"),
            ("partner", "https://evil.com/", "gateway-key"),
            ("nested", "https://b.acme.com/", ""),
            ("nested", "https://a.acme.com/", "gateway-key"),
            ("narrow", "https://b.acme.com/", "narrow"),
            ("inside", "http://b.acme.com/", "gateway-key"),
            ("inside-https", "http://b.acme.com/", "inside-https"),
        ],
    )
    def test_hosts_intersect(self, file: Path, name: str, url: str, refused_by: str) -> None:
        """Who does not admit the URL, a member or the composition, is named: for its host or plain http."""
        if not refused_by:
            assert prepared(profile(name), url).headers["Authorization"] == "Bearer t0ken"
            return
        with pytest.raises(HostNotAllowed, match=f"^{refused_by} "):
            prepared(profile(name), url)

    def test_a_redirect_out_of_the_compositions_hosts(self, api: ProtectedApi, file: Path) -> None:
        """A path that only the composition names binds its members behind a redirect too."""
        requests.get(f"{api.url}/redirect?to=/echo", auth=profile("narrow"), timeout=10)
        first, second = api.requests
        assert (first.headers["Authorization"], first.query) == ("Bearer t0ken", "to=/echo&api_key=0ld")
        assert ("Authorization" in second.headers, second.query) == (False, "")

    def test_a_member_alone_is_not_bound(self, api: ProtectedApi, file: Path) -> None:
        """What a composition forbids, its members may still do on their own."""
        profile("narrow")
        requests.get(f"{api.url}/redirect?to=/echo", auth=profile("work"), timeout=10)
        assert [received.headers["Authorization"] for received in api.requests] == ["Bearer t0ken"] * 2


class TestItsMethods:
    """A composition is as usable as a single profile, where that makes sense."""

    def test_the_token_of_several(self, file: Path) -> None:
        """Which one is meant is asked back, with the names."""
        with pytest.raises(ConfigurationError, match="name one of them: gateway-key, work"):
            profile("partner").token()

    def test_the_token_of_one(self, file: Path) -> None:
        """A composition of one has its token."""
        assert profile("one").token().access_token == "t0ken"

    def test_signing_in_and_out(self) -> None:
        """Each member signs in anew, and forgets."""
        first, second = CountingGrant(), CountingGrant()
        one, other = renewable(first), renewable(second, name="other", header="X-Other")
        (one + other).login()
        assert (one.token().access_token, other.token().access_token) == ("t1", "t1")
        (one + other).logout()
        assert (one.stored(), other.stored()) == (None, None)
