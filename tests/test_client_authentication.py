"""How a client proves itself at the token endpoint: what a server gets is what the person wrote."""

import base64
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_plus

import pytest
import requests
from counterparts import Provider
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from sign_ins import endpoint, machine_grant
from wire import PATIENCE_SECONDS, RawServer, http, words_of

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import ClientSecretBasic, ClientSecretPost, PublicClient
from requests_auth_profiles.errors import ConfigurationError, InvalidGrantRequest, SecretUnavailable
from requests_auth_profiles.testing import AuthorizationServer, Client

WITH_SECRET = [ClientSecretBasic, ClientSecretPost]
WithSecret = type[ClientSecretBasic | ClientSecretPost]
# All of Unicode, of which UTF-8 has no half characters and a configuration file no controls.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
ODD = "s3cret:with/odd+chars %&=é€\U0001f511~ "
FORM = {"grant_type": "client_credentials", "scope": "a b", "resource": "https://acme.com/?a=b&c=d"}


def signed(auth: AuthBase) -> requests.PreparedRequest:
    """A token request of this client."""
    return requests.Request("POST", "https://login.acme.com/token", data=FORM, auth=auth).prepare()


def form_of(request: requests.PreparedRequest) -> list[tuple[str, str]]:
    """The form in a request, as a server reads it."""
    return parse_qsl(str(request.body), keep_blank_values=True, strict_parsing=True)


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
@example("a:b", "c:d")
@example("p%41ss+word/x", ODD)
def test_basic_is_decoded_by_a_server(client_id: str, secret: str) -> None:
    """RFC 6749 section 2.3.1: id and secret are form-encoded, joined by a colon, and in base64."""
    scheme, _, credentials = (
        signed(ClientSecretBasic(client_id, lambda: secret)).headers["Authorization"].partition(" ")
    )
    pair = base64.b64decode(credentials, validate=True).decode("ascii").split(":")
    assert (scheme, [unquote_plus(part, errors="strict") for part in pair]) == ("Basic", [client_id, secret])


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
@example("a&b=c", ODD)
def test_post_is_decoded_by_a_server(client_id: str, secret: str) -> None:
    """Id and secret stand in the form, behind all that stood there before."""
    request = signed(ClientSecretPost(client_id, lambda: secret))
    assert form_of(request) == [*FORM.items(), ("client_id", client_id), ("client_secret", secret)]


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_a_public_client_says_who_it_is(client_id: str) -> None:
    """Its id stands in the form, and nothing else is added (RFC 6749 section 3.2.1)."""
    request = signed(PublicClient(client_id))
    assert form_of(request) == [*FORM.items(), ("client_id", client_id)]
    assert "Authorization" not in request.headers


def test_basic_leaves_the_form_alone() -> None:
    """No client proves itself in two ways at once (RFC 6749 section 2.3)."""
    assert form_of(signed(ClientSecretBasic("nightly", lambda: "s3cret"))) == list(FORM.items())


def test_post_writes_no_header() -> None:
    """No client proves itself in two ways at once (RFC 6749 section 2.3)."""
    assert "Authorization" not in signed(ClientSecretPost("nightly", lambda: "s3cret")).headers


@pytest.mark.parametrize("auth", [ClientSecretPost("é", lambda: ODD), PublicClient("é")])
def test_the_form_that_was_written_anew(auth: AuthBase) -> None:
    """Its length and type are those of the form as it is sent."""
    request = signed(auth)
    assert request.headers["Content-Length"] == str(len(str(request.body)))
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_blank_values_stay() -> None:
    """A parameter that says nothing is sent as it was written."""
    url, form = "https://login.acme.com/token", {"a": "", "b": "c"}
    request = requests.Request("POST", url, data=form, auth=PublicClient("native")).prepare()
    assert form_of(request) == [("a", ""), ("b", "c"), ("client_id", "native")]


@pytest.mark.parametrize("kind", WITH_SECRET)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(client_id=TEXTS, secret=TEXTS)
@example(client_id="nightly:a", secret=ODD)
def test_a_server_lets_the_client_in(
    authorization_server: AuthorizationServer, kind: WithSecret, client_id: str, secret: str
) -> None:
    """Through the wire, a server that decodes as the standard says finds the client and its secret."""
    authorization_server.clients[client_id] = Client(secret=secret)
    auth = kind(client_id, lambda: secret)
    token = machine_grant(endpoint(authorization_server.issuer, client_id, client_auth=auth)).fetch()
    claims = authorization_server.introspect(token.access_token)
    assert claims is not None
    assert claims["client_id"] == client_id


@pytest.fixture
def authorization_server() -> Iterator[AuthorizationServer]:
    """An authorization server of the test's own."""
    with AuthorizationServer() as server:
        yield server


class TestTheSecretIsLookedUp:
    """When a request is made, each time, and before anything is sent."""

    @pytest.mark.parametrize("kind", WITH_SECRET)
    def test_at_each_request(self, kind: WithSecret) -> None:
        """A secret that was changed in its place is used from then on."""
        secrets = iter(["old", "new"])
        auth = kind("nightly", lambda: next(secrets))
        one, two = signed(auth), signed(auth)
        assert (one.body, one.headers) != (two.body, two.headers)
        assert next(secrets, None) is None

    @pytest.mark.parametrize("kind", WITH_SECRET)
    def test_that_is_not_there(self, kind: WithSecret) -> None:
        """Its own error comes through, and no request is sent."""

        def missing() -> str:
            raise SecretUnavailable("NIGHTLY_SECRET is not set", hint="export it")

        with RawServer(http(200)) as server:
            with pytest.raises(SecretUnavailable, match="NIGHTLY_SECRET is not set"):
                Channel(PATIENCE_SECONDS).post(server.url, FORM, kind("nightly", missing), attempts=3)
            assert server.connections == 0

    @pytest.mark.parametrize("kind", WITH_SECRET)
    def test_that_nothing_can_encode(self, kind: WithSecret) -> None:
        """Half a character is an error of ours, which does not hold the secret."""
        auth = kind("nightly", lambda: "s3cret\ud800")
        with RawServer(http(200)) as server:
            with pytest.raises(ConfigurationError) as caught:
                Channel(PATIENCE_SECONDS).post(server.url, FORM, auth, attempts=3)
            assert server.connections == 0
        assert "s3cret" not in words_of(caught.value)

    @pytest.mark.parametrize("kind", WITH_SECRET)
    def test_not_for_a_repr(self, kind: WithSecret) -> None:
        """What is printed of a client names it, and not its secret."""
        auth = kind("nightly", lambda: "s3cret")
        signed(auth)
        assert "nightly" in repr(auth)
        assert "s3cret" not in repr(auth)


class TestAtTheProvider:
    """What a certified provider says."""

    @pytest.mark.parametrize(
        ("client_id", "auth"),
        [
            ("cc-basic", ClientSecretBasic("cc-basic", lambda: "s3cret:with/odd+chars %")),
            ("cc-post", ClientSecretPost("cc-post", lambda: "post-secret")),
        ],
    )
    def test_the_right_way(self, oidc_provider: Provider, client_id: str, auth: AuthBase) -> None:
        """The client gets a token that the API takes."""
        token = machine_grant(endpoint(oidc_provider.issuer, client_id, client_auth=auth), "").fetch()
        headers = {"Authorization": f"Bearer {token.access_token}"}
        answer = requests.get(oidc_provider.api_url, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.json()["client"] == client_id

    @pytest.mark.parametrize(
        ("client_id", "auth", "error"),
        [
            ("cc-basic", ClientSecretBasic("cc-basic", lambda: "wr0ng"), "invalid_client"),
            ("cc-post", ClientSecretPost("cc-post", lambda: "wr0ng"), "invalid_client"),
            ("nobody", ClientSecretBasic("nobody", lambda: "wr0ng"), "invalid_client"),
            ("cc-basic", PublicClient("cc-basic"), "invalid_client"),
            ("native", PublicClient("native"), "invalid_request"),
        ],
    )
    def test_another_way(self, oidc_provider: Provider, client_id: str, auth: AuthBase, error: str) -> None:
        """It is refused in the provider's words, asked once only, and no secret is told."""
        grant = machine_grant(endpoint(oidc_provider.issuer, client_id, client_auth=auth), "")
        before = oidc_provider.token_requests()
        with pytest.raises(InvalidGrantRequest) as caught:
            grant.fetch()
        assert caught.value.error == error
        assert oidc_provider.token_requests() == before + 1
        words = words_of(caught.value)
        assert [secret for secret in ("wr0ng", "s3cret", "post-secret") if secret in words] == []
