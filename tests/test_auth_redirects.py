"""What we add to a request stays with its origin, through every kind of redirect."""

import http.server
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import requests
from auths import CountingGrant, key_in_header, key_in_query, renewable
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles.testing import ProtectedApi, Received, Reply

every_kind = pytest.mark.parametrize("kind", ["authorization", "header", "query", "all"])


def auth_of(kind: str, hosts: Sequence[str] = ()) -> ProfileAuth | ComposedAuth:
    """A credential in the header that requests knows, in another one, in the query; or all three."""
    kinds: dict[str, ProfileAuth] = {
        "authorization": renewable(CountingGrant(), hosts=hosts),
        "header": key_in_header(hosts=hosts),
        "query": key_in_query(hosts=hosts),
    }
    return kinds["authorization"] + kinds["header"] + kinds["query"] if kind == "all" else kinds[kind]


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """The origin that the credential is for."""
    with ProtectedApi() as api:
        yield api


@pytest.fixture
def other() -> Iterator[ProtectedApi]:
    """Another origin: another port."""
    with ProtectedApi() as api:
        yield api


def chain(*urls: str) -> str:
    """A URL that redirects from each of these to the next."""
    *before, target = urls
    for url in reversed(before):
        target = f"{url}/redirect?{urlencode({'to': target})}"
    return target


def credentials(received: Received) -> list[str]:
    """What a request carries of ours."""
    found = [received.headers.get("Authorization"), received.headers.get("X-API-Key")]
    found += [value for name, value in received.arguments if name == "api_key"]
    return [value for value in found if value]


def carried(api: ProtectedApi) -> list[bool]:
    return [bool(credentials(received)) for received in api.requests]


def by_name(api: ProtectedApi) -> str:
    return api.url.replace("127.0.0.1", "localhost")


class TestSameOrigin:
    """A redirect to the same scheme, host and port keeps the credential."""

    @every_kind
    def test_it_stays_for_three_hops(self, api: ProtectedApi, kind: str) -> None:
        """The first, second and third hop each carry just what the first request did."""
        url = chain(api.url, api.url, api.url, f"{api.url}/echo")
        assert requests.get(url, auth=auth_of(kind), timeout=10).status_code == 200
        first, *hops = [credentials(received) for received in api.requests]
        assert first
        assert hops == [first] * 3

    @every_kind
    @pytest.mark.parametrize(
        "location", ["/echo", "echo", "//{host}/echo", "echo?a=1#b", "?status=x", "#top"]
    )
    def test_it_stays_on_a_relative_one(self, api: ProtectedApi, kind: str, location: str) -> None:
        """A Location without scheme or host means the same origin."""
        where = location.format(host=api.url.removeprefix("http://"))
        api.replies["redirect"].append(Reply(302, {"Location": where}))
        requests.get(f"{api.url}/redirect?x=y", auth=auth_of(kind), timeout=10)
        first, hop = [credentials(received) for received in api.requests]
        assert hop == first

    @every_kind
    def test_an_empty_location_is_no_redirect(self, api: ProtectedApi, kind: str) -> None:
        """What requests takes for an answer stays one."""
        api.replies["redirect"].append(Reply(302, {"Location": ""}))
        assert requests.get(f"{api.url}/redirect", auth=auth_of(kind), timeout=10).status_code == 302

    @every_kind
    @pytest.mark.parametrize("status", [307, 308])
    def test_the_body_goes_along(self, api: ProtectedApi, kind: str, status: int) -> None:
        """A redirect that keeps the method sends body and credential again."""
        url = f"{api.url}/redirect?to=/echo&status={status}"
        requests.post(url, data=b"body", auth=auth_of(kind), timeout=10)
        assert [(received.method, received.body) for received in api.requests] == [("POST", b"body")] * 2
        assert carried(api) == [True, True]

    def test_a_parameter_that_the_server_copied_is_there_once(self, api: ProtectedApi) -> None:
        """A server that keeps the query in its Location makes no second key of ours."""
        api.replies["redirect"].append(Reply(302, {"Location": "/echo?api_key=k%33y&b=2"}))
        requests.get(f"{api.url}/redirect", auth=key_in_query(), timeout=10)
        assert api.requests[-1].arguments == [("api_key", "k3y"), ("b", "2")]

    def test_a_header_of_the_callers_own_stays(self, api: ProtectedApi) -> None:
        """Where the caller wrote another value over ours, it is theirs to keep."""
        with requests.Session() as session:
            request = requests.Request("GET", f"{api.url}/redirect?to=/echo", auth=key_in_header())
            prepared = session.prepare_request(request)
            prepared.headers["X-API-Key"] = "mine"
            session.send(prepared, timeout=10)
        assert [credentials(received) for received in api.requests] == [["mine"], ["mine"]]


class TestOtherOrigin:
    """A redirect to any other origin strips the credential, whatever its name."""

    @every_kind
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_another_port(self, api: ProtectedApi, other: ProtectedApi, kind: str, status: int) -> None:
        """Another port is another origin, by whichever status it is reached."""
        url = f"{api.url}/redirect?{urlencode({'to': f'{other.url}/echo', 'status': status})}"
        requests.get(url, auth=auth_of(kind), timeout=10)
        assert (carried(api), carried(other)) == ([True], [False])

    @every_kind
    def test_another_name(self, api: ProtectedApi, kind: str) -> None:
        """Another name of the same machine is another origin, both ways."""
        requests.get(chain(api.url, f"{by_name(api)}/echo"), auth=auth_of(kind), timeout=10)
        requests.get(chain(by_name(api), f"{api.url}/echo"), auth=auth_of(kind), timeout=10)
        assert carried(api) == [True, False, True, False]

    @every_kind
    def test_another_that_the_profile_names_too(
        self, api: ProtectedApi, other: ProtectedApi, kind: str
    ) -> None:
        """Two origins that are both among the profile's hosts are still two: no server may choose."""
        hosts = [api.url, other.url]
        requests.get(chain(api.url, f"{other.url}/echo"), auth=auth_of(kind, hosts), timeout=10)
        assert (carried(api), carried(other)) == ([True], [False])

    @every_kind
    def test_back_again(self, api: ProtectedApi, other: ProtectedApi, kind: str) -> None:
        """What was stripped does not come back where the chain returns to the first origin."""
        url = chain(api.url, other.url, api.url, f"{api.url}/echo")
        requests.get(url, auth=auth_of(kind), timeout=10)
        assert (carried(api), carried(other)) == ([True, False, False], [False])

    @every_kind
    def test_the_other_origin_redirects_to_itself(
        self, api: ProtectedApi, other: ProtectedApi, kind: str
    ) -> None:
        """A redirect within an origin that never had the credential does not bring it there."""
        requests.get(chain(api.url, other.url, f"{other.url}/echo"), auth=auth_of(kind), timeout=10)
        assert carried(other) == [False, False]

    @every_kind
    @pytest.mark.parametrize(
        "location",
        [
            "{api}\\@{other}/echo",
            "{api}%5c@{other}/echo",
            "{api}:@{other}/echo",
            "//{other}/echo",
            "http:\\\\{other}/echo",
        ],
    )
    def test_a_location_that_parsers_disagree_on(
        self, api: ProtectedApi, other: ProtectedApi, kind: str, location: str
    ) -> None:
        """Wherever requests takes such a Location, the other origin gets nothing."""
        where = location.format(api=api.url, other=other.url.removeprefix("http://"))
        api.replies["redirect"].append(Reply(302, {"Location": where}))
        requests.get(f"{api.url}/redirect", auth=auth_of(kind), timeout=10)
        assert not any(carried(other))

    @pytest.mark.parametrize(
        "copied",
        [
            "/echo?api_key={plain}",
            "/echo?api_key={plus}",
            "/echo?a=1&api_key={quoted}&b=2",
            "/echo?api%5Fkey={quoted}",
            "/echo#api_key={quoted}",
            "/echo?next={nested}",
            "/echo?next={twice}",
            "/echo/{nested}",
            "/echo?next={lower}",
        ],
    )
    def test_a_server_that_copies_the_parameter(
        self, api: ProtectedApi, other: ProtectedApi, copied: str
    ) -> None:
        """The parameter is taken out of a Location elsewhere, as it is or nested in another URL."""
        key = "S3CRET/k y+=&%é"
        quoted = quote(key, safe="")
        nested = quote(f"{api.url}/?api_key={quoted}", safe="")
        twice = quote(nested, safe="")
        forms = {"plain": "S3CRET/k%20y%2B%3D%26%25%C3%A9", "plus": "S3CRET/k+y%2B%3D%26%25%C3%A9"}
        forms |= {"quoted": quoted, "nested": nested, "twice": twice, "lower": nested.lower()}
        forms["lower"] = forms["lower"].replace("s3cret", "S3CRET")
        api.replies["redirect"].append(Reply(302, {"Location": other.url + copied.format(**forms)}))
        response = requests.get(f"{api.url}/redirect", auth=key_in_query(key), timeout=10)
        arrived = other.requests[0]
        assert "S3CRET" not in f"{arrived.path}?{arrived.query} {response.url}"

    @pytest.mark.parametrize("query", ["api_key=k3yed", "api_key=theirs", "key=k3y", "a=api_key%3Dk3y-2"])
    def test_a_parameter_that_is_not_ours(self, api: ProtectedApi, other: ProtectedApi, query: str) -> None:
        """What only begins like ours is left as the server wrote it."""
        api.replies["redirect"].append(Reply(302, {"Location": f"{other.url}/echo?{query}"}))
        requests.get(f"{api.url}/redirect", auth=key_in_query(), timeout=10)
        assert other.requests[0].query == query

    @every_kind
    def test_a_path_outside_the_hosts(self, api: ProtectedApi, kind: str) -> None:
        """The same origin is not enough where the profile names a path of it."""
        auth = auth_of(kind, [f"{api.url}/redirect"])
        requests.get(chain(api.url, api.url, f"{api.url}/echo"), auth=auth, timeout=10)
        assert carried(api) == [True, True, False]

    @every_kind
    def test_the_body_goes_without_the_credential(
        self, api: ProtectedApi, other: ProtectedApi, kind: str
    ) -> None:
        """A 307 sends the caller's body elsewhere, as the caller let it, but nothing of ours."""
        url = f"{api.url}/redirect?{urlencode({'to': f'{other.url}/echo', 'status': 307})}"
        requests.post(url, data=b"body", auth=auth_of(kind), timeout=10)
        assert (other.requests[0].body, carried(other)) == (b"body", [False])


class TestByHand:
    """Who follows redirects by hand gets requests as safe as those that requests would send."""

    @every_kind
    @pytest.mark.parametrize("same", [True, False])
    def test_the_next_request(self, api: ProtectedApi, other: ProtectedApi, kind: str, same: bool) -> None:
        """`response.next` carries the credential to the same origin alone."""
        target = api if same else other
        with requests.Session() as session:
            url = chain(api.url, f"{target.url}/echo")
            response = session.get(url, auth=auth_of(kind), allow_redirects=False, timeout=10)
            assert response.next is not None
            session.send(response.next, timeout=10)
        assert bool(credentials(target.requests[-1])) is same

    @every_kind
    @pytest.mark.parametrize("same", [True, False])
    def test_resolving_redirects(self, api: ProtectedApi, other: ProtectedApi, kind: str, same: bool) -> None:
        """`Session.resolve_redirects` on an answer that `Session.send` gave is safe too."""
        target = api if same else other
        with requests.Session() as session:
            url = chain(api.url, target.url, f"{target.url}/echo")
            prepared = session.prepare_request(requests.Request("GET", url, auth=auth_of(kind)))
            response = session.send(prepared, allow_redirects=False, timeout=10)
            assert [hop.status_code for hop in session.resolve_redirects(response, prepared)] == [302, 200]
        assert carried(target)[-2:] == [same, same]

    @every_kind
    def test_a_session_that_always_signs(self, api: ProtectedApi, other: ProtectedApi, kind: str) -> None:
        """An auth of the session itself is not put on again behind a redirect."""
        with requests.Session() as session:
            session.auth = auth_of(kind)
            session.get(chain(api.url, f"{other.url}/echo"), timeout=10)
        assert carried(other) == [False]


class TestBehindARenewal:
    """A redirect that follows a renewed request is like any other, with the fresh token."""

    def test_the_fresh_token_stays(self, api: ProtectedApi) -> None:
        """The hop carries the token that was accepted, not the one that was refused."""
        api.replies["redirect"].append(Reply(401))
        requests.get(chain(api.url, f"{api.url}/echo"), auth=renewable(CountingGrant()), timeout=10)
        assert [credentials(received)[0] for received in api.requests] == [
            "Bearer t1",
            "Bearer t2",
            "Bearer t2",
        ]

    @pytest.mark.parametrize("order", [1, -1])
    def test_no_member_of_a_composition_leaks(
        self, api: ProtectedApi, other: ProtectedApi, order: int
    ) -> None:
        """Whichever member was renewed, and whichever comes first, none follows to another origin."""
        api.replies["redirect"].append(Reply(401))
        first, *rest = [renewable(CountingGrant()), key_in_header(), key_in_query()][::order]
        requests.get(chain(api.url, f"{other.url}/echo"), auth=first + rest[0] + rest[1], timeout=10)
        assert (carried(api), carried(other)) == ([True, True], [False])

    @pytest.mark.parametrize("order", [1, -1])
    def test_behind_a_digest(self, api: ProtectedApi, other: ProtectedApi, order: int) -> None:
        """Where requests' own digest sent the request again, our header leaves all the same."""
        challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
        api.replies["redirect"].append(Reply(401, challenge))
        digest = requests.auth.HTTPDigestAuth("ada", "lovelace")
        first, second = [digest, key_in_header()][::order]
        requests.get(chain(api.url, f"{other.url}/echo"), auth=first + second, timeout=10)
        assert [received.status for received in api.requests] == [401, 302]
        assert "X-API-Key" not in other.requests[0].headers


class TestNetrc:
    """What ~/.netrc has for a host never takes the place of what we put."""

    @pytest.fixture(autouse=True)
    def netrc(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A password for this machine."""
        file = tmp_path / "netrc"
        file.write_text("machine 127.0.0.1 login somebody password else\n")
        file.chmod(0o600)
        monkeypatch.setenv("NETRC", str(file))

    @every_kind
    def test_on_the_first_request(self, api: ProtectedApi, kind: str) -> None:
        """An auth that is passed is the one that is used."""
        requests.get(f"{api.url}/echo", auth=auth_of(kind), timeout=10)
        assert not api.requests[0].basic

    def test_on_a_redirect(self, api: ProtectedApi) -> None:
        """Though requests looks into ~/.netrc again for each hop, our header stays."""
        url = chain(api.url, api.url, f"{api.url}/echo")
        requests.get(url, auth=renewable(CountingGrant()), timeout=10)
        assert [credentials(received) for received in api.requests] == [["Bearer t1"]] * 3

    def test_on_a_redirect_that_is_refused(self, api: ProtectedApi) -> None:
        """A hop whose token is refused is renewed, and the hop after it carries the fresh one."""
        api.replies["redirect"] += [Reply(), Reply(401)]
        url = chain(api.url, api.url, f"{api.url}/echo")
        requests.get(url, auth=renewable(CountingGrant()), timeout=10)
        assert [credentials(received)[0] for received in api.requests] == [
            *("Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2")
        ]


class _Redirector(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Send whoever comes where the path says."""
        self.send_response(302)
        self.send_header("Location", self.path.partition("?to=")[2].partition("&")[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def over_tls(folder: Path) -> Iterator[tuple[str, str]]:
    """A redirector at an https URL, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Redirector) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"https://localhost:{server.server_address[1]}", str(pem)
        server.shutdown()
        thread.join()


@every_kind
def test_from_https_to_plain_http(api: ProtectedApi, tmp_path: Path, kind: str) -> None:
    """A redirect to plain http, even on this machine, strips the credential."""
    with over_tls(tmp_path) as (url, certificate):
        requests.get(f"{url}/?to={by_name(api)}/echo", auth=auth_of(kind), verify=certificate, timeout=10)
    assert carried(api) == [False]
