"""What a token endpoint answers: which answers are a token, and that all others are an error of ours."""

import base64
import json
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import PATIENCE_SECONDS, RawServer, http

from requests_auth_profiles._oauth2.channel import Channel, Reply
from requests_auth_profiles._oauth2.client import PublicClient
from requests_auth_profiles._oauth2.response import token_of
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    GrantNotProvided,
    InvalidGrantRequest,
    InvalidProviderResponse,
    InvalidToken,
    RequestsAuthException,
)

REQUESTED_AT = 1_000_000.0
TEN_YEARS = 10 * 365 * 86400
KIB = 1024
REQUEST = requests.Request("POST", "https://login.acme.com/token", data={"grant_type": "x"}).prepare()
GOOD = {"access_token": "t", "token_type": "Bearer"}


def read(
    body: bytes, kind: str = "application/json", status: int = 200, grant_type: str = "client_credentials"
) -> Token:
    """The token in an answer of these bytes."""
    reply = Reply(status, {"Content-Type": kind} if kind else {}, body, REQUESTED_AT, REQUEST)
    return token_of(reply, host="login.acme.com", grant_type=grant_type)


def read_json(document: object, status: int = 200, grant_type: str = "client_credentials") -> Token:
    """The token in an answer of this JSON."""
    return read(json.dumps(document).encode(), "application/json", status, grant_type)


def encoded(data: bytes) -> str:
    """Base64url, as it stands in a JWT."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(claims: dict[str, Any]) -> str:
    """A JWT of these claims."""
    parts = ({"alg": "RS256"}, claims)
    return ".".join([*(encoded(json.dumps(part, ensure_ascii=False).encode()) for part in parts), "c2ln"])


NO_OBJECT = {
    "empty": b"",
    "blank": b" \r\n",
    "words": b"no json",
    "page": b"<html><body>access_token=t</body></html>",
    "list": b'[{"access_token": "t"}]',
    "empty list": b"[]",
    "number": b"5",
    "string": b'"access_token"',
    "null": b"null",
    "true": b"true",
    "cut short": b'{"access_token": "t"',
    "something behind it": b'{"access_token": "t"} x',
    "two": b'{"access_token": "t"}{"access_token": "t"}',
    "apostrophes": b"{'access_token': 't'}",
    "a comma too many": b'{"access_token": "t",}',
    "a NUL": b'{"access_token": "t"}\x00',
    "BOM": b'\xef\xbb\xbf{"access_token": "t"}',
    "UTF-16": '{"access_token": "t"}'.encode("utf-16"),
    "UTF-16 without BOM": '{"access_token": "t"}'.encode("utf-16-le"),
    "UTF-32": '{"access_token": "t"}'.encode("utf-32"),
    "Latin-1": '{"access_token": "t", "who": "Zoë"}'.encode("latin-1"),
    "a name twice": b'{"access_token": "t", "access_token": "u"}',
    "a name twice in another spelling": b'{"access_token": "t", "\\u0061ccess_token": "u"}',
    "a name twice further in": b'{"access_token": "t", "a": [{"b": 1, "b": 2}]}',
    "NaN": b'{"access_token": "t", "expires_in": NaN}',
    "Infinity": b'{"access_token": "t", "expires_in": Infinity}',
    "-Infinity further in": b'{"access_token": "t", "a": [-Infinity]}',
    "a number of 5000 digits": b'{"access_token": "t", "expires_in": ' + b"9" * 5000 + b"}",
    "deep lists": b'{"access_token": "t", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep, and cut short": b"[" * 100_000,
}


class TestBodies:
    """What is no JSON object, or could be read in two ways, is refused."""

    @pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT.keys())
    @pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8", ""])
    def test_no_json_object(self, body: bytes, kind: str) -> None:
        """It is refused, whatever it calls itself, and with what to look at."""
        with pytest.raises(InvalidProviderResponse, match=r"login\.acme\.com is not a JSON object") as caught:
            read(body, kind)
        assert caught.value.hint

    @pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT.keys())
    def test_no_json_object_in_an_error(self, body: bytes) -> None:
        """The status is then all that is known."""
        with pytest.raises(InvalidProviderResponse, match="answered 400, and no error code"):
            read(body, status=400)

    def test_nothing_of_a_page_is_repeated(self) -> None:
        """What a proxy or a captive portal says is not in the message."""
        with pytest.raises(InvalidProviderResponse) as caught:
            read(b"<html>s3cret-of-the-page</html>", "text/html")
        assert "s3cret" not in str(caught.value)

    def test_through_the_wire(self) -> None:
        """An answer as it really comes is read in the same way."""
        with RawServer(http(200, b'{"access_token": "t", "expires_in": 60}')) as server:
            channel = Channel(PATIENCE_SECONDS, lambda: REQUESTED_AT)
            reply = channel.post(server.url, {"grant_type": "x"}, PublicClient("a"), attempts=1)
        expected = Token(access_token="t", expires_at=REQUESTED_AT + 60)
        assert token_of(reply, host="a", grant_type="x") == expected

    def test_members_that_nobody_knows(self) -> None:
        """They are passed over, as RFC 6749 section 5.1 demands."""
        assert read_json(GOOD | {"ext": {"a": [1]}, "not_before": 5, "é": None}) == Token(access_token="t")

    def test_all_that_is_known(self) -> None:
        """Each member goes to its place."""
        more = {"expires_in": 60, "refresh_token": "r", "id_token": "i", "scope": "a b"}
        assert read_json(GOOD | more) == Token(
            access_token="t", expires_at=REQUESTED_AT + 60, refresh_token="r", id_token="i", scope="a b"
        )


class TestForms:
    """Some providers answer with a form, and call it what they like."""

    @pytest.mark.parametrize(
        "kind",
        ["text/html", "text/html; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", ""],
    )
    def test_it_is_read(self, kind: str) -> None:
        """Values are decoded, numbers are numbers."""
        body = b"access_token=a%2Fb%3D%3D&token_type=bearer&expires_in=60&scope=repo%2Cuser+x"
        assert read(body, kind) == Token(
            access_token="a/b==", expires_at=REQUESTED_AT + 60, scope="repo,user x"
        )

    def test_equals_signs_are_kept(self) -> None:
        """A token that ends in = is whole, though nobody encoded it."""
        assert read(b"access_token=abc==&token_type=bearer", "text/html").access_token == "abc=="

    @pytest.mark.parametrize(
        "body",
        [
            b"access_token=t&access_token=u",
            b"access_token=%FF",
            b"access_token=t&scope=%FF",
            b"access_token=t&scope",
            b"token=t&token_type=bearer",
            b"access_token",
            b"\xef\xbb\xbfaccess_token=t",
        ],
    )
    def test_what_is_refused(self, body: bytes) -> None:
        """A name twice, bytes that are no UTF-8, a name without a value, no name of ours."""
        with pytest.raises(InvalidProviderResponse):
            read(body, "text/html")

    def test_not_where_it_says_json(self) -> None:
        """What calls itself JSON is read as JSON only."""
        with pytest.raises(InvalidProviderResponse, match="not a JSON object"):
            read(b"access_token=t", "application/json")

    @pytest.mark.parametrize("status", [200, 400])
    def test_an_error(self, status: int) -> None:
        """It is the error that it says, also with status 200, as GitHub answers."""
        body = b"error=bad_verification_code&error_description=The+code+is+expired."
        with pytest.raises(InvalidGrantRequest) as caught:
            read(body, "application/x-www-form-urlencoded", status)
        expected = ("bad_verification_code", "The code is expired.")
        assert (caught.value.error, caught.value.error_description) == expected


class TestExpiresIn:
    """How long a token is good, in all the ways that providers say it."""

    @pytest.mark.parametrize(
        ("said", "seconds"),
        [
            ("3600", 3600),
            ('"3600"', 3600),
            ('"3600.0"', 3600),
            ("3600.9", 3600),
            ("0", 0),
            ("-5", 0),
            ('"-5"', 0),
            ("-1e400", 0),
            (f"{TEN_YEARS}", TEN_YEARS),
            ("1e12", TEN_YEARS),
            ("1e400", TEN_YEARS),
            ("9" * 4000, TEN_YEARS),
        ],
    )
    def test_a_number(self, said: str, seconds: int) -> None:
        """Fractions are dropped, an end in the past is now, and none is further off than ten years."""
        token = read(b'{"access_token": "t", "expires_in": ' + said.encode() + b"}")
        assert token.expires_at == REQUESTED_AT + seconds

    @pytest.mark.parametrize("said", [{}, {"expires_in": None}], ids=["missing", "null"])
    def test_not_said(self, said: dict[str, None]) -> None:
        """Then it is not known."""
        assert read_json(GOOD | said).expires_at is None

    @pytest.mark.parametrize(
        "said", [True, False, [], [1], {}, "abc", "", "nan", "inf", "1_000", " 1", "1 h"]
    )
    def test_no_number(self, said: object) -> None:
        """It is refused, rather than guessed."""
        with pytest.raises(InvalidToken, match=r"expires_in of login\.acme\.com is not a number"):
            read_json(GOOD | {"expires_in": said})

    @pytest.mark.parametrize(
        ("claims", "ends"),
        [
            ({"exp": 1_000_060}, 1_000_060),
            ({"exp": 1_000_060.5, "name": "Zoë ~ü?"}, 1_000_060.5),
            ({"exp": 1_000_060, "sub": 5, "aud": [1], "iat": "x", "nbf": 9e9}, 1_000_060),
            ({}, None),
            *(({"exp": value}, None) for value in (None, "1000060", True, [], 0, -1, 1e15, 10**400)),
        ],
    )
    def test_a_jwt_says_it_itself(self, claims: dict[str, Any], ends: float | None) -> None:
        """Where the answer does not; what makes no sense in it is passed over."""
        assert read_json(GOOD | {"access_token": compact(claims)}).expires_at == ends

    def test_the_answer_before_the_jwt(self) -> None:
        """What the answer says counts."""
        assert read_json({"access_token": compact({"exp": 5}), "expires_in": 60}).expires_at == 1_000_060

    @pytest.mark.parametrize(
        "token", ["..", "a.b.c", "a.b.c.d.e", "a.b", "eyJ9.eyJ9.", f"{'a' * 60_000}.b.c"]
    )
    def test_what_only_looks_like_a_jwt(self, token: str) -> None:
        """It is a token all the same, and its end is not known."""
        assert read_json(GOOD | {"access_token": token}) == Token(access_token=token)

    def test_a_jwt_that_is_deep(self) -> None:
        """One that no parser likes is a token all the same."""
        token = ".".join(("eyJhbGciOiJub25lIn0", encoded(b"[" * 40_000), "c"))
        assert read_json(GOOD | {"access_token": token}).expires_at is None


NO_TOKEN: dict[str, Any] = {
    "a number": 5,
    "an object": {"a": "b"},
    "a list": ["t"],
    "true": True,
    "CR and LF": "t\r\nX-Evil: 1",
    "LF at the end": "t\n",
    "a space": "a b",
    "only a space": " ",
    "a letter that is not ASCII": "é",
    "half a character": "\ud800",
    "NUL": "t\0",
    "DEL": "t\x7f",
    "64 KiB and 1": "t" * (64 * KIB + 1),
    "100 KiB": "t" * 100 * KIB,
}


class TestTokens:
    """What can be a token, and what cannot be sent in a header."""

    @pytest.mark.parametrize("name", ["access_token", "refresh_token", "id_token"])
    @pytest.mark.parametrize("value", NO_TOKEN.values(), ids=NO_TOKEN.keys())
    def test_what_is_none(self, name: str, value: object) -> None:
        """It is refused, and not repeated, whichever token it is."""
        with pytest.raises(InvalidToken, match=f"the {name} of login.acme.com") as caught:
            read_json(GOOD | {name: value})
        assert "Evil" not in str(caught.value)

    @pytest.mark.parametrize("answer", [{}, {"access_token": None}, {"access_token": ""}])
    def test_none_at_all(self, answer: dict[str, Any]) -> None:
        """An answer without an access token is refused, be there others."""
        with pytest.raises(GrantNotProvided, match="has no access_token"):
            read_json({"token_type": "Bearer", "id_token": "i", "refresh_token": "r"} | answer)

    @pytest.mark.parametrize("name", ["refresh_token", "id_token"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_others_may_be_missing(self, name: str, value: str | None) -> None:
        """An empty one is none."""
        assert getattr(read_json(GOOD | {name: value}), name) is None

    @pytest.mark.parametrize("value", ["t" * 64 * KIB, "".join(map(chr, range(0x21, 0x7F)))])
    def test_what_is_taken(self, value: str) -> None:
        """All of visible ASCII is, and 64 KiB of it."""
        assert read_json(GOOD | {"access_token": value}).access_token == value

    @pytest.mark.parametrize("said", [{}, *({"token_type": kind} for kind in (None, "", "bearer", "BEARER"))])
    def test_bearer(self, said: dict[str, Any]) -> None:
        """That is its type in any spelling (RFC 6749 section 5.1), or where none is named."""
        assert read_json({"access_token": "t"} | said) == Token(access_token="t", token_type="Bearer")

    @pytest.mark.parametrize("kind", ["DPoP", "mac", "N_A", "Bearer ", [], ["Bearer"], {}, 5, 0, True, False])
    def test_another_type(self, kind: object) -> None:
        """A token of a type that is not known is not used (RFC 6749 section 7.1)."""
        with pytest.raises(InvalidToken, match="not a bearer token"):
            read_json({"access_token": "t", "token_type": kind})

    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("a b", "a b"),
            ("", None),
            (None, None),
            (["a"], None),
            (5, None),
            ("a\nb", None),
            ("\ud800", None),
        ],
    )
    def test_scope(self, said: object, kept: str | None) -> None:
        """One that makes no sense is not worth a failure."""
        assert read_json(GOOD | {"scope": said}).scope == kept


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = "access_token token_type expires_in refresh_token id_token scope error error_description error_uri"
OBJECTS = st.dictionaries(st.sampled_from(MEMBERS.split()), JSON | st.just("t") | st.just("Bearer"))
KINDS = st.sampled_from(["application/json", "text/html", "application/x-www-form-urlencoded", ""])
FORMS = st.lists(st.tuples(st.sampled_from(MEMBERS.split()), st.binary(max_size=9))).map(
    lambda pairs: b"&".join(name.encode() + b"=" + value for name, value in pairs)
)


@settings(max_examples=200, deadline=None)
@given(
    body=st.binary() | FORMS | JSON.map(json.dumps).map(str.encode) | OBJECTS.map(json.dumps).map(str.encode),
    kind=KINDS,
    status=st.sampled_from([200, 201, 400, 401]),
    grant_type=st.sampled_from(["refresh_token", "authorization_code"]),
)
def test_any_bytes(body: bytes, kind: str, status: int, grant_type: str) -> None:
    """They end in a token that can be sent, or in an error of ours with a hint."""
    try:
        token = read(body, kind, status, grant_type)
    except RequestsAuthException as error:
        assert error.hint
    else:
        assert status < 300
        assert token.access_token.isascii()
        assert token.access_token.isprintable()
        assert " " not in token.access_token
        assert token.expires_at is None or token.expires_at >= REQUESTED_AT or "." in token.access_token
