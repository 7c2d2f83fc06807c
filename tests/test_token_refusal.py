"""A token endpoint that says no: what is told of it, and that no secret of the request is."""

import base64
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from wire import PATIENCE_SECONDS, RawServer, http, json_reply, words_of

from requests_auth_profiles._oauth2.channel import Channel, Reply
from requests_auth_profiles._oauth2.client import ClientSecretBasic, ClientSecretPost, PublicClient
from requests_auth_profiles._oauth2.response import token_of
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    InvalidGrantRequest,
    InvalidProviderResponse,
    RefreshRefused,
    RequestsAuthException,
)

URL = "https://login.acme.com/token"
GOOD = {"access_token": "t", "token_type": "Bearer"}


def read_json(
    document: object,
    status: int = 200,
    grant_type: str = "client_credentials",
    auth: AuthBase | None = None,
    **form: str,
) -> Token:
    """The token in this JSON, which answers a request with this form."""
    request = requests.Request("POST", URL, data={"grant_type": grant_type} | form, auth=auth).prepare()
    headers = {"Content-Type": "application/json"}
    reply = Reply(status, headers, json.dumps(document).encode(), 1_000_000.0, request)
    return token_of(reply, host="login.acme.com", grant_type=grant_type)


class TestRefusals:
    """The provider says no, in its own words where it has any."""

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 501])
    def test_with_an_error_code(self, status: int) -> None:
        """It is told with code, description, page and a hint, whatever the status."""
        said = {"error": "invalid_client", "error_description": "who?", "error_uri": "https://acme.com/e"}
        with pytest.raises(InvalidGrantRequest) as caught:
            read_json(said, status)
        told = caught.value
        assert (told.error, told.error_description, told.error_uri) == tuple(said.values())
        assert "invalid_client (who?)" in str(told)
        assert "client_secret" in told.hint

    def test_beside_a_token(self) -> None:
        """A token that comes with an error is not used."""
        with pytest.raises(InvalidGrantRequest):
            read_json(GOOD | {"error": "invalid_scope"})

    @pytest.mark.parametrize("empty", [None, "", False, [], {}])
    def test_an_empty_error_beside_a_token(self, empty: object) -> None:
        """Some providers always name all members."""
        assert read_json(GOOD | {"error": empty}) == Token(access_token="t")

    @pytest.mark.parametrize("said", [{}, *({"error": code} for code in (None, "", " \n", 5, [1], {"a": 1}))])
    @pytest.mark.parametrize("token", [{}, GOOD], ids=["no token", "token"])
    def test_without_an_error_code(self, said: dict[str, Any], token: dict[str, str]) -> None:
        """The status is told; a token that comes with a bad one is not used."""
        with pytest.raises(InvalidProviderResponse, match="answered 403, and no error code"):
            read_json(token | said, 403)

    @pytest.mark.parametrize("status", [200, 400])
    def test_a_refresh_token_that_is_over(self, status: int) -> None:
        """It is an error of its own, as then only a new sign-in helps."""
        with pytest.raises(RefreshRefused, match="invalid_grant"):
            read_json({"error": "invalid_grant"}, status, "refresh_token")

    @pytest.mark.parametrize(
        ("error", "grant_type"),
        [
            ("invalid_grant", "authorization_code"),
            ("invalid_client", "refresh_token"),
            ("invalid_scope", "refresh_token"),
            ("temporarily_unavailable", "refresh_token"),
            ("INVALID_GRANT", "refresh_token"),
        ],
    )
    def test_the_refresh_token_is_not_at_fault(self, error: str, grant_type: str) -> None:
        """Any other refusal leaves it as it is."""
        with pytest.raises(InvalidGrantRequest) as caught:
            read_json({"error": error}, 400, grant_type)
        assert type(caught.value) is InvalidGrantRequest

    @pytest.mark.parametrize("description", [5, None, [], {"a": "b"}])
    def test_a_description_that_is_no_text(self, description: object) -> None:
        """It is left out."""
        with pytest.raises(InvalidGrantRequest) as caught:
            read_json({"error": "invalid_grant", "error_description": description}, 400)
        assert caught.value.error_description == ""

    @pytest.mark.parametrize("name", ["error", "error_description", "error_uri"])
    def test_what_could_write_on_a_terminal(self, name: str) -> None:
        """Only printable characters are told, on one line of sane length."""
        text = "a\x1b[2J\r\n\u202e\ud800" + "b" * 100_000
        with pytest.raises(InvalidGrantRequest) as caught:
            read_json({"error": "invalid_grant"} | {name: text}, 400)
        told = getattr(caught.value, name)
        assert told.isprintable()
        assert 100 < len(told) <= 300


def with_entities(text: str) -> str:
    """A text in HTML, every character by its number."""
    return "".join(f"&#{ord(character)};" for character in text)


def in_a_browser(text: str) -> str:
    """A text as JavaScript's encodeURIComponent writes it."""
    return quote(text, safe="!'()*")


def in_an_address(text: str) -> str:
    """A text as JavaScript's encodeURI writes it."""
    return quote(text, safe=";,/?:@&=+$-_.!~*'()#")


def in_lower_case(text: str) -> str:
    """A text in a URL, with small hexadecimal digits."""
    return "".join(quote(c, safe="").lower() if quote(c, safe="") != c else c for c in text)


WRITINGS: list[Callable[[str], str]] = [
    str,
    repr,
    json.dumps,
    quote,
    quote_plus,
    html.escape,
    with_entities,
    in_a_browser,
    in_an_address,
    in_lower_case,
]
# Longer than any word of ours, so that to find it in a message means something.
SECRETS = st.text(st.characters(exclude_categories=["Cc", "Cs"])).map("Zq7 /&+\"'%\\".__add__)
CARRIERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "basic": lambda secret: {"auth": ClientSecretBasic("nightly", lambda: secret)},
    "post": lambda secret: {"auth": ClientSecretPost("nightly", lambda: secret)},
    **{
        name: lambda secret, name=name: {name: secret, "auth": PublicClient("nightly")}
        for name in ("code", "code_verifier", "refresh_token", "password", "x-new")
    },
}


@settings(max_examples=200, deadline=None)
@given(
    secret=SECRETS,
    carrier=st.sampled_from(sorted(CARRIERS)),
    write=st.sampled_from(WRITINGS),
    around=st.sampled_from(["", "no such thing: ", "x" * 295, "x" * 299, "a\n", "\\", "&amp;"]),
    name=st.sampled_from(["error", "error_description", "error_uri"]),
    status=st.sampled_from([200, 400]),
)
@example(secret="Zq7a b/c", carrier="post", write=in_a_browser, around="", name="error", status=400)
@example(secret="Zq7é\U0001f600", carrier="basic", write=json.dumps, around="", name="error_uri", status=200)
def test_a_secret_that_is_repeated(
    secret: str, carrier: str, write: Callable[[str], str], around: str, name: str, status: int
) -> None:
    """No provider's word makes our error tell what the request carried, however it is written."""
    said = {"error": "invalid_request"} | {name: f"{around}{write(secret)}{around}"}
    with pytest.raises(RequestsAuthException) as caught:
        read_json(said, status, **CARRIERS[carrier](secret))
    words = words_of(caught.value)
    assert "Zq7" not in words
    assert with_entities("Zq7") not in words


def test_the_credentials_themselves() -> None:
    """Nor is the Authorization header told, as a provider that logs it may."""
    auth = ClientSecretBasic("nightly", lambda: "s3cret")
    header = auth(requests.Request("POST", URL).prepare()).headers["Authorization"]
    with pytest.raises(InvalidGrantRequest) as caught:
        read_json({"error": "invalid_client", "error_description": f"bad {header}"}, 401, auth=auth)
    assert caught.value.error_description == "bad Basic ***"


class AnyBytes(AuthBase):
    """An auth of somebody's own, which writes what it likes."""

    def __init__(self, body: bytes, authorization: str | bytes) -> None:
        self.body, self.authorization = body, authorization

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.body = self.body
        r.headers["Authorization"] = self.authorization  # type: ignore[assignment]  # as some do
        return r


def _basic(pair: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(pair).decode()}"


@pytest.mark.parametrize(
    ("body", "authorization"),
    [
        ("password=pässword".encode("latin-1"), ""),
        ("password=pässword".encode(), ""),
        (b"password=p%E4ssword", ""),
        (b"password=p%C3%A4ssword", ""),
        (b"", _basic("id:pässword".encode("latin-1"))),
        (b"", _basic("id:pässword".encode(), "basic")),
        (b"", _basic(b"id:p%E4ssword")),
        (b"", _basic(b"id:p%C3%A4ssword").encode()),
        (b"password=p%C3%A4ssword", "Basic no base64: ä"),
        (b"", "Own pässword"),
    ],
)
def test_a_secret_in_any_encoding(body: bytes, authorization: str | bytes) -> None:
    """The refusal is told without it, whatever bytes somebody's own auth has written."""
    said = {"error": "invalid_client", "error_description": "no pässword here"}
    with pytest.raises(InvalidGrantRequest) as caught:
        read_json(said, 401, auth=AnyBytes(body, authorization))
    assert caught.value.error == "invalid_client"
    assert caught.value.error_description == "no *** here"


@pytest.mark.parametrize(
    "write",
    [
        lambda secret: secret[:12],
        lambda secret: secret[-12:],
        lambda secret: quote(secret[5:20], safe=""),
        lambda secret: secret.encode().hex(),
        lambda secret: secret.encode().hex().upper(),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    ],
    ids=["start", "end", "middle in a URL", "hex", "HEX", "base64", "base64url"],
)
@pytest.mark.parametrize("carrier", sorted(CARRIERS))
def test_a_part_or_a_code_of_a_secret(carrier: str, write: Callable[[str], str]) -> None:
    """Of a text that repeats twelve characters of one, or all of it in a usual code, nothing is told."""
    said = {
        "error": "invalid_grant",
        "error_description": f"no such thing: {write('R3f/re+sh-T0ken_of.ada~9')}",
    }
    with pytest.raises(InvalidGrantRequest) as caught:
        read_json(said, 400, **CARRIERS[carrier]("R3f/re+sh-T0ken_of.ada~9"))
    assert (caught.value.error, caught.value.error_description) == ("invalid_grant", "***")


def test_the_rest_of_a_text_is_told() -> None:
    """What stands around a secret helps, as do what is no secret: client, scope, address."""
    form = {"scope": "api.read", "redirect_uri": "http://127.0.0.1/", "refresh_token": "r3fresh"}
    text = "nightly may not api.read at http://127.0.0.1/ with r3fresh (100% sure)"
    with pytest.raises(InvalidGrantRequest) as caught:
        read_json(
            {"error": "access_denied", "error_description": text}, 400, auth=PublicClient("nightly"), **form
        )
    assert caught.value.error_description == text.replace("r3fresh", "***")


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("token_type_hint", "access_token", "unsupported_token_type", "no access_token is ended here"),
        ("token_type_hint", "refresh_token", "unsupported_token_type", "a refresh token cannot be revoked"),
        ("response_type", "code", "invalid_request", "a code_challenge is needed"),
        ("code_challenge_method", "S256", "invalid_request", "the method S256 alone is taken"),
        ("prompt", "login", "login_required", "nobody has signed in"),
    ],
)
def test_the_words_of_a_standard_are_told(name: str, value: str, error: str, text: str) -> None:
    """What is said in each revocation and each pushed request is no secret, in whatever text it stands."""
    said = {"error": error, "error_description": text}
    with pytest.raises(InvalidGrantRequest) as caught:
        read_json(said, 400, auth=PublicClient("nightly"), **{name: value, "token": "canary-token"})
    assert (caught.value.error, caught.value.error_description) == (error, text)


@pytest.mark.parametrize(
    "echo",
    [
        lambda body: json_reply(json.dumps({"error": "invalid_client", "error_description": body}), 400),
        lambda body: json_reply(json.dumps({"access_token": body, "expires_in": body})),
        lambda body: json_reply(json.dumps({"access_token": "t", "expires_in": body})),
        lambda body: json_reply(json.dumps({"access_token": "t", "token_type": body})),
        lambda body: http(200, body.encode(), Content_Type="text/html"),
        lambda body: http(400, body.encode(), Content_Type="text/html"),
        lambda body: http(302, body.encode(), Location=body),
        lambda body: http(503, body.encode(), Retry_After=body),
        lambda body: http(200, body.encode(), Content_Encoding=body),
    ],
)
@pytest.mark.parametrize("kind", [ClientSecretBasic, ClientSecretPost])
def test_a_request_that_is_sent_back(
    echo: Callable[[str], bytes], kind: type[ClientSecretBasic | ClientSecretPost]
) -> None:
    """A provider that answers with all that it was told does not get it into our error."""
    auth = kind("nightly", lambda: "s3cret/of+nightly")
    form = {"grant_type": "refresh_token", "refresh_token": "r3fresh/token"}
    prepared = requests.Request("POST", URL, data=form, auth=auth).prepare()
    credentials = prepared.headers.get("Authorization", "").removeprefix("Basic ")
    with (
        RawServer(echo(f"{prepared.body} {credentials}")) as server,
        pytest.raises(RequestsAuthException) as caught,
    ):
        reply = Channel(PATIENCE_SECONDS).post(server.url, form, auth, attempts=1)
        token_of(reply, host="acme", grant_type="refresh_token")
    words = words_of(caught.value)
    assert [secret for secret in ("s3cret", "r3fresh", credentials) if secret and secret in words] == []
