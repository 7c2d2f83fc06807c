"""The flows of a profile for which a person signs in otherwise: without PKCE, implicit, with a password."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import profiles_file
import pytest
import requests

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.errors import InteractionRequired, InvalidGrantRequest
from requests_auth_profiles.testing import AuthorizationServer, Client, Received, Reply

ISSUER = "https://login.acme.com"


class Visitor:
    """Goes to the provider as a browser does; where the answer is in the fragment, sends that to us.

    Attributes:
        asked: the parameters of the authorization requests.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        self.asked.append(dict(parse_qsl(urlsplit(authorization_url).query)))
        Thread(target=self._visit, args=(authorization_url,)).start()

    @staticmethod
    def _visit(url: str) -> None:
        target = requests.get(url, allow_redirects=False, timeout=20).headers["Location"]
        address, _, fragment = target.partition("#")
        if fragment:
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
            requests.post(address, dict(parse_qsl(fragment)), headers={"Origin": origin}, timeout=20)
        else:
            requests.get(target, timeout=20)

    def waiting(self, seconds_left: float, what: str = "") -> None:
        pass

    def done(self) -> None:
        pass


Make = Callable[..., ProfileAuth]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that knows a client without a secret, one with one, and a user with a password."""
    with AuthorizationServer() as server:
        server.clients |= {"app": Client(), "job": Client(secret="s3cret"), "": Client()}
        server.passwords["bob"] = "builder"
        yield server


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def made(home: Path, server: AuthorizationServer, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the auth of a profile, whose tokens are kept between auths."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))

    def make(flow: str, client_id: str | None = "app", **keys: str) -> ProfileAuth:
        said = {"flow": f'"{flow}"', "issuer": f'"{server.issuer}"', "redirect_port": "0", "timeout": "10"}
        if flow == "password":
            del said["redirect_port"]
        if client_id is not None:
            said["client_id"] = f'"{client_id}"'
        text = "".join(f"{key} = {value}\n" for key, value in (said | keys).items())
        file = ProfilesFile.read(profiles_file.written(home, f"[profiles.work]\n{text}"))
        auth = Builder(file, lambda _: visitor).auth("work")
        assert isinstance(auth, ProfileAuth)
        return auth

    return make


def received(server: AuthorizationServer, endpoint: str = "/token") -> Received:
    """The latest request to an endpoint."""
    return next(one for one in reversed(server.requests) if one.path == endpoint)


def give(server: AuthorizationServer, field: str) -> None:
    """Lets the token endpoint answer with a token in this field."""
    reply = Reply.json({field: "t0ken", "token_type": "Bearer", "expires_in": 3600})
    server.replies["token"].append(reply)


def test_no_pkce(server: AuthorizationServer, visitor: Visitor, made: Make) -> None:
    """`authorization-code` sends neither a challenge nor a verifier, and wins a token all the same."""
    token = made("authorization-code", "job", client_secret='"s3cret"').token()
    assert server.introspect(token.access_token) is not None
    assert "code_challenge" not in visitor.asked[0]
    assert "code_verifier" not in dict(received(server).form)


def test_a_token_under_another_name(server: AuthorizationServer, made: Make) -> None:
    """`token_field_name` says where in the answer the token is."""
    give(server, "bearer")
    token = made("authorization-code-pkce", token_field_name='"bearer"').token()
    assert token.access_token == "t0ken"


def test_a_code_under_another_name(server: AuthorizationServer, visitor: Visitor, made: Make) -> None:
    """`code_field_name` says where in the answer the code is; `response_type` what is asked for."""
    keys = {"response_type": '"token"', "code_field_name": '"access_token"'}
    give(server, "access_token")
    assert made("authorization-code-pkce", **keys).token().access_token == "t0ken"
    assert visitor.asked[0]["response_type"] == "token"
    assert dict(received(server).form)["code"]


@pytest.mark.parametrize("secret", [{}, {"client_secret": '"s3cret"'}])
@pytest.mark.parametrize("flow", ["authorization-code", "authorization-code-pkce"])
def test_a_user_at_the_token_endpoint(
    server: AuthorizationServer, made: Make, flow: str, secret: dict[str, str]
) -> None:
    """`username` and `password` go into the header of the token request, the client into its body."""
    give(server, "access_token")
    made(flow, "job", username='"g%way"', password='"p%41ss"', **secret).token()
    assert received(server).basic == ("g%way", "p%41ss")
    form = dict(received(server).form)
    assert (form["client_id"], form.get("client_secret")) == ("job", "s3cret" if secret else None)


def test_an_access_token_of_the_implicit_flow(
    server: AuthorizationServer, visitor: Visitor, made: Make
) -> None:
    """The browser brings it; the token endpoint is not called, and the token is kept."""
    token = made("implicit", scopes='["read"]').token()
    assert server.introspect(token.access_token)["scope"] == "read"
    assert made("implicit", scopes='["read"]').token() == token
    assert [one["response_type"] for one in visitor.asked] == ["token"]
    assert server.count("token") == 0


def test_an_id_token_of_the_implicit_flow(server: AuthorizationServer, visitor: Visitor, made: Make) -> None:
    """`token = "id_token"` asks for it with a nonce, verifies it with the provider's keys, and gives it."""
    token = made("implicit", token='"id_token"', scopes='["openid"]').token()
    assert token.access_token == token.id_token
    assert (visitor.asked[0]["response_type"], bool(visitor.asked[0]["nonce"])) == ("id_token", True)
    assert server.count("jwks") == 1


def test_both_tokens_of_the_implicit_flow(server: AuthorizationServer, made: Make) -> None:
    """`response_type` may ask for more than is used."""
    token = made("implicit", response_type='"id_token token"', scopes='["openid"]').token()
    assert server.introspect(token.access_token) is not None
    assert token.id_token


def test_a_token_of_another_kind_is_not_used(visitor: Visitor, made: Make) -> None:
    """A profile that is changed from one kind of token to the other signs in again."""
    kinds = ('"access_token"', '"id_token"')
    access_token, id_token = (made("implicit", token=kind, scopes='["openid"]').token() for kind in kinds)
    assert access_token.access_token != id_token.access_token
    assert len(visitor.asked) == 2


def test_nobody_signs_in_where_nobody_is(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The implicit flow needs a person, and says so at once where none can be there."""
    monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "0")
    with pytest.raises(InteractionRequired):
        made("implicit").token()


BOB = {"username": '"bob"', "password": '{ env = "BOBS" }'}


@pytest.mark.parametrize(
    ("client_id", "more", "basic"),
    [
        (None, {}, None),
        ("app", {}, None),
        ("job", {"client_secret": '"s3cret"'}, ("job", "s3cret")),
        ("job", {"client_secret": '"s3cret"', "client_auth": '"post"'}, None),
    ],
)
def test_a_password(
    server: AuthorizationServer,
    made: Make,
    monkeypatch: pytest.MonkeyPatch,
    client_id: str | None,
    more: dict[str, str],
    basic: tuple[str, str] | None,
) -> None:
    """The user goes into the body, and the client where it belongs, or nowhere."""
    monkeypatch.setenv("BOBS", "builder")
    token = made("password", client_id, **BOB, **more, scopes='["read"]').token()
    assert server.introspect(token.access_token)["sub"] == "bob"
    form = dict(received(server).form)
    assert (form["username"], form["password"], form["scope"]) == ("bob", "builder", "read")
    assert received(server).basic == basic
    assert form.get("client_id") == (None if basic else client_id)


def test_a_password_is_asked_for_once(
    server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next process takes the token from the store, without the password."""
    monkeypatch.setenv("BOBS", "builder")
    first = made("password", **BOB).token()
    monkeypatch.delenv("BOBS")
    assert made("password", **BOB).token() == first
    assert server.count("token") == 1


def test_a_wrong_password(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the provider's refusal, with no password in it."""
    monkeypatch.setenv("BOBS", "canary-wrong")
    with pytest.raises(InvalidGrantRequest) as caught:
        made("password", **BOB).token()
    assert caught.value.error == "invalid_grant"
    assert "canary" not in str(caught.value)


def test_a_token_of_another_user_is_not_used(
    server: AuthorizationServer, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the name comes from the environment, each user gets their own token."""
    server.passwords["eve"] = "builder"
    monkeypatch.setenv("BOBS", "builder")
    keys = BOB | {"username": '{ env = "WHO" }'}
    monkeypatch.setenv("WHO", "bob")
    auth = made("password", **keys)
    auth.login()
    assert auth.stored() is not None
    monkeypatch.delenv("WHO")
    assert auth.stored() is None
    monkeypatch.setenv("WHO", "eve")
    assert server.introspect(made("password", **keys).token().access_token)["sub"] == "eve"


FAULTS = {
    "a secret as a kind": ("implicit", 'token = { env = "A" }', "is a table, not text"),
    "no kind": ("implicit", 'token = "refresh_token"', "is not one of access_token, id_token"),
    "a secret that is not sent": ("implicit", 'client_secret = "x"', "is not a key of flow 'implicit'"),
    "a user without a password": ("authorization-code", 'username = "bob"', "needs password, as it has user"),
    "a password of nobody": ("authorization-code-pkce", 'password = "x"', "needs username, as it has pass"),
    "a response type twice": (
        "authorization-code",
        'authorize_params = { response_type = "code" }',
        "is set for you, and cannot be said here",
    ),
}


@pytest.mark.parametrize(("flow", "line", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_line(tmp_path: Path, flow: str, line: str, message: str) -> None:
    """What is wrong with a key of these flows is one fault."""
    text = f'[profiles.work]\nflow = "{flow}"\nissuer = "{ISSUER}"\nclient_id = "x"\n{line}'
    (fault,) = profiles_file.faults(tmp_path, text)
    assert fault.message.startswith(message)


def test_two_for_one_header(tmp_path: Path) -> None:
    """A client that should be in the header, where the user is, is a fault."""
    text = f'[profiles.work]\nflow = "authorization-code"\nissuer = "{ISSUER}"\nclient_id = "x"\n'
    text += 'client_secret = "x"\nusername = "bob"\npassword = "x"\nclient_auth = "basic"'
    (fault,) = profiles_file.faults(tmp_path, text)
    assert (fault.key, fault.hint) == ("client_auth", 'client_auth = "post"')


def test_a_secret_of_no_client(tmp_path: Path) -> None:
    """A password flow with a client's secret and no client is a fault."""
    text = f'[profiles.work]\nflow = "password"\nissuer = "{ISSUER}"\nusername = "bob"\npassword = "x"\n'
    (fault,) = profiles_file.faults(tmp_path, f'{text}client_secret = "x"')
    assert fault.message == "needs client_id, as it has client_secret"


@pytest.mark.platform("linux", "darwin")
def test_what_is_no_secret_may_be_read_by_others(tmp_path: Path) -> None:
    """The kind of a token is none, also where a parent says the flow; a token itself is one."""
    text = f'[profiles.a]\nflow = "implicit"\nissuer = "{ISSUER}"\nclient_id = "x"\n'
    text += '[profiles.b]\nextends = "a"\ntoken = "id_token"'
    assert ProfilesFile.read(profiles_file.written(tmp_path, text, 0o644)).names == ["a", "b"]


@pytest.mark.parametrize(
    ("flow", "scopes"),
    [
        ("authorization-code", ("openid",)),
        ("implicit", ("openid", "profile", "email")),
        ("password", ("openid",)),
    ],
)
def test_what_okta_is_asked_for(tmp_path: Path, flow: str, scopes: tuple[str, ...]) -> None:
    """Okta's row says the scopes that the classes of requests_auth have."""
    text = (
        f'[profiles.work]\nflow = "{flow}"\nprovider = "okta"\ninstance = "acme.okta.com"\nclient_id = "x"\n'
    )
    text += 'username = "bob"\npassword = "x"\n' if flow == "password" else ""
    assert profiles_file.oauth2(tmp_path, text).scopes == scopes
