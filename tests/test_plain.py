"""HeaderApiKey, QueryApiKey, Basic and NTLM: what they take, and what they refuse when they are made."""

import traceback
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request
from requests.auth import HTTPBasicAuth
from requests.exceptions import InvalidHeader
from requests.utils import check_header_validity

from requests_auth_profiles import NTLM, Basic, HeaderApiKey, OAuth2ClientCredentials, QueryApiKey
from requests_auth_profiles.errors import ConfigurationError, RequestsAuthException
from requests_auth_profiles.testing import Received

URL = "https://api.acme.com/p"
TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def prepared(auth: Any) -> Any:
    """A request that this has signed."""
    return Request("GET", URL, auth=auth).prepare()


def machine(**more: Any) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials("https://idp.example/token", "app", "s3cret", **more)


@pytest.mark.parametrize(
    ("said", "sent"),
    [("k3y", b"k3y"), (b"k3y", b"k3y"), (12345, b"12345"), ("ké", b"k\xe9"), (b"k\xc3\xa9", b"k\xc3\xa9")],
)
def test_a_key_in_a_header(said: Any, sent: bytes) -> None:
    """Text, bytes and numbers are sent as http.client would write them."""
    assert prepared(HeaderApiKey(said)).headers["X-API-Key"].encode("latin-1") == sent


@pytest.mark.parametrize(
    ("said", "sent"),
    [("k3y", "k3y"), (b"k3y", "k3y"), (12345, "12345"), ("ké", "k%C3%A9"), (b"k\xc3\xa9", "k%C3%A9")],
)
def test_a_key_in_the_query(said: Any, sent: str) -> None:
    """Text, bytes and numbers are sent as requests writes parameters."""
    assert prepared(QueryApiKey(said)).url == f"{URL}?api_key={sent}"


@pytest.mark.parametrize(
    ("username", "password"), [("ada", b"p4ss"), (b"ada", "p4ss"), (b"\xff\xfe", b"\xe9:\x00"), ("", "")]
)
def test_basic_takes_what_requests_takes(username: Any, password: Any) -> None:
    """Bytes are sent as they are, by requests and by us."""
    ours, theirs = (prepared(kind(username, password)) for kind in (Basic, HTTPBasicAuth))
    assert ours.headers["Authorization"] == theirs.headers["Authorization"]


def test_basic_takes_numbers() -> None:
    """A number is sent by its digits, as requests does with a warning."""
    sent = prepared(Basic(5, 678)).headers["Authorization"]  # type: ignore[arg-type]
    assert sent == f"Basic {b64encode(b'5:678').decode()}"


WRONG: list[tuple[Callable[[], object], str, str]] = [
    (lambda: HeaderApiKey(None), "api_key is mandatory in HeaderApiKey", "api_key="),  # type: ignore[arg-type]
    (lambda: HeaderApiKey(api_key=True), "api_key of HeaderApiKey is not text", "api_key="),  # type: ignore[arg-type]
    (lambda: HeaderApiKey(["k"]), "api_key of HeaderApiKey is not text", "api_key="),  # type: ignore[arg-type]
    (lambda: QueryApiKey(None), "api_key is mandatory in QueryApiKey", "api_key="),  # type: ignore[arg-type]
    (lambda: QueryApiKey({"k": 1}), "api_key of QueryApiKey is not text", "api_key="),  # type: ignore[arg-type]
    (lambda: QueryApiKey(b"\xff"), "api_key of QueryApiKey is not text", "api_key="),  # type: ignore[arg-type]
    (lambda: QueryApiKey("k", 5), "query_parameter_name of QueryApiKey", "api_key"),  # type: ignore[arg-type]
    (lambda: Basic(None, "p4ss"), "username of Basic is not text", "username="),  # type: ignore[arg-type]
    (lambda: Basic("ada", None), "password of Basic is not text", "password="),  # type: ignore[arg-type]
    (lambda: NTLM(5, 6), "username of NTLM is not text", "username="),  # type: ignore[arg-type]
    (lambda: NTLM("ada", b"p4ss"), "password of NTLM is not text", "password="),  # type: ignore[arg-type]
    (lambda: NTLM("ada"), "password is mandatory in NTLM", "password="),
    (lambda: machine(header_value="token"), "header_value of OAuth2ClientCredentials", "Bearer {token}"),
    (lambda: machine(header_value=5), "header_value of OAuth2ClientCredentials", "Bearer {token}"),
]


@pytest.mark.parametrize(("make", "problem", "hint"), WRONG, ids=[problem for _, problem, _ in WRONG])
def test_what_is_wrong_is_told_at_once(make: Callable[[], object], problem: str, hint: str) -> None:
    """The error names class and parameter, and what to write."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert caught.value.message.startswith(problem)
    assert hint in caught.value.hint


def test_no_value_is_told() -> None:
    """A value of the wrong type may be a secret all the same."""
    for make in (HeaderApiKey, QueryApiKey):
        with pytest.raises(ConfigurationError) as caught:
            make(["s3cret"])  # type: ignore[arg-type]
        assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        QueryApiKey(b"s3cret\xff")  # type: ignore[arg-type]
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


BLANKS = [" ", "\t", "X Y", " X", "X ", "X:", "X: y", "X\n", "X\r\nY: z", "X\0", "Clé", "X\x7f", "“X”"]


@pytest.mark.parametrize("name", [*BLANKS, b"X", 5, ["X"]], ids=repr)
@pytest.mark.parametrize("make", [partial(HeaderApiKey, "k3y"), lambda name: machine(header_name=name)])
def test_a_name_that_no_header_has(make: Callable[[Any], object], name: Any) -> None:
    """It is refused when the auth is made, with a name that can be written."""
    with pytest.raises(ConfigurationError, match="header_name of") as caught:
        make(name)
    assert caught.value.hint.startswith("header_name=")


@pytest.mark.parametrize("name", ["Host", "content-length", "Connection", "Transfer-Encoding"])
def test_a_header_that_is_not_for_this(name: str) -> None:
    """A header by which the request itself is sent carries no key."""
    with pytest.raises(ConfigurationError, match="is a header that is set for every request"):
        HeaderApiKey("k3y", name)


@given(st.text(TOKEN_CHARACTERS, min_size=1, max_size=30))
def test_each_name_of_a_header_is_taken(name: str) -> None:
    """Whatever RFC 9110 allows as a name is sent as it is."""
    if name.lower() not in {"host", "te", "connection", "content-length", "trailer", "upgrade"}:
        assert prepared(HeaderApiKey("k3y", name)).headers[name] == "k3y"


@given(st.text(max_size=8))
def test_what_requests_refuses_is_refused(name: str) -> None:
    """No name that requests would not send in a header gets through."""
    try:
        taken = HeaderApiKey("k3y", name).credential.writes[0].removeprefix("header ")
    except ConfigurationError:
        return
    try:
        check_header_validity((taken, "k3y"))
    except InvalidHeader:
        pytest.fail("requests refuses it")


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeaderApiKey(""),
        lambda: NTLM("alice"),
        lambda: OAuth2ClientCredentials("https://idp.example/token", "", "s3cret"),
        lambda: Basic("u", "p") + Basic("u", "p"),
    ],
    ids=["key", "NTLM", "machine", "composition"],
)
def test_what_failed_while_it_was_made(make: Callable[[], Any]) -> None:
    """A debugger that shows the variables of the error gets a repr of the object that there is so far."""
    with pytest.raises(RequestsAuthException) as caught:
        make()
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert " object at 0x" in "".join(shown.format())


# All of Unicode but its controls and the half characters that UTF-8 has not; no colon in a user's name.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@given(TEXTS.map(lambda text: text.replace(":", "")), TEXTS)
def test_a_server_decodes_any_user_and_password(user: str, password: str) -> None:
    """What a server reads of Basic (RFC 7617, UTF-8) is what was meant."""
    headers = prepared(Basic(user, password)).headers
    received = Received(method="GET", path="/", query="", headers=headers, body=b"")
    assert received.basic == (user, password)
