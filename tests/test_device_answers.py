"""What a device authorization endpoint may answer (RFC 8628 section 3.2): nothing else reaches the person."""

import json
from typing import Any

import pytest
from devices import Person, Time, device_grant
from hypothesis import given
from hypothesis import strategies as st
from wire import RawServer, http, json_reply

from requests_auth_profiles._oauth2.device import UserCode
from requests_auth_profiles.errors import InvalidProviderResponse, ProviderUnavailable, RequestsAuthException

PAGE = "https://idp.example/device"
USUAL = {
    "device_code": "d3v1ce",
    "user_code": "WDJB-MJHT",
    "verification_uri": PAGE,
    "expires_in": 600,
    "interval": 5,
}


class Seen(Exception):
    """The person was shown a code, which is all that these tests are about."""


class Reader(Person):
    """Somebody who leaves as soon as they have seen the code."""

    def show_code(self, profile: str, provider: str, code: UserCode) -> None:
        super().show_code(profile, provider, code)
        raise Seen


def shown(answer: bytes) -> UserCode:
    """What the person is shown of an answer."""
    person = Reader()
    with RawServer(answer) as server:
        at = {"device_authorization_url": server.url, "token_url": server.url}
        try:
            device_grant(at, person, Time()).fetch()
        except Seen:
            return person.code
        finally:
            assert len(person.shown) == person.ended
    raise AssertionError("nothing was shown, and nothing was wrong")


def answer(**changes: Any) -> bytes:
    """The usual answer, with other members; `...` leaves one out."""
    said = {name: value for name, value in (USUAL | changes).items() if value is not ...}
    return json_reply(json.dumps(said))


def test_a_good_answer() -> None:
    """Code, page and time are shown as they came."""
    assert shown(answer()) == UserCode("WDJB-MJHT", PAGE, "", 600)


@pytest.mark.parametrize(
    "changes",
    [
        {"verification_uri": ..., "verification_url": PAGE},
        {"expires_in": "600", "interval": "5"},
        {"interval": ..., "message": "To sign in, …"},
        {"user_code": " WDJB-MJHT "},
    ],
)
def test_what_providers_do_otherwise(changes: dict[str, Any]) -> None:
    """Google's name of the page, Entra's numbers that are text, and blanks around the code are taken."""
    assert shown(answer(**changes)) == UserCode("WDJB-MJHT", PAGE, "", 600)


BAD = {
    "device_code": [..., None, "", 7, ["d"], "two words", "new\nline", "d" * 70_000],
    "user_code": [..., None, "", " ", 12345678, ["W"], "W" * 65, "\x1b]0;title\x07", "A\rB", "A\u202eB"],
    "verification_uri": [
        *(..., None, "", 7, "idp.example/device", "ftp://idp.example/", "javascript:alert(1)"),
        *("http://idp.example/device", "https://idp.example@evil.example/", "https://idp.example/\x1b[2J"),
        *("https://idp.example/a b", "https://\u0131dp.example/", "https://idp.example\\@evil.example/", "https:///device"),
        "https://idp.example/" + "a" * 2048,
    ],
    "expires_in": [..., None, 0, -1, "soon", True, [600], float("nan")],
    "interval": ["soon", -1, True, [5], 600, 10**9, float("inf")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_answer(name: str, value: object) -> None:
    """What would take a person elsewhere or rewrite their screen, or never end, is refused and not shown."""
    with pytest.raises(InvalidProviderResponse) as caught:
        shown(answer(**{name: value}))
    assert caught.value.hint
    assert all(character.isprintable() or character == "\n" for character in str(caught.value))


@given(code=st.text(max_size=70))
def test_any_code(code: str) -> None:
    """Whatever a code is, what reaches the terminal is one line of printable text."""
    try:
        text = shown(answer(user_code=code)).text
    except InvalidProviderResponse:
        assert not code.strip() or not code.isprintable() or len(code) > 64
    else:
        assert text.isprintable()
        assert text == code.strip()


@pytest.mark.parametrize(
    "page", ["http://127.0.0.1:8080/device", "http://localhost/device", "https://[::1]/d#x"]
)
def test_a_page_on_this_machine(page: str) -> None:
    """It may be plain http, as tests and developers have it."""
    assert shown(answer(verification_uri=page)).page == page


@pytest.mark.parametrize(
    ("link", "is_shown"),
    [
        (f"{PAGE}?user_code=WDJB-MJHT", True),
        ("https://idp.example/other/WDJB-MJHT", True),
        ("https://evil.example/device?user_code=WDJB-MJHT", False),
        ("http://idp.example/device?user_code=WDJB-MJHT", False),
        ("https://idp.example:8443/device", False),
        ("https://idp.example/\x1b[2J", False),
        (7, False),
        (None, False),
    ],
)
def test_the_link(link: object, is_shown: bool) -> None:
    """One that leads elsewhere than the page is left out; page and code are enough."""
    assert shown(answer(verification_uri_complete=link)).link == (link if is_shown else "")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"<html>", b"{", b'{"user_code": "a", "user_code": "b"}']
)
def test_no_answer_at_all(body: bytes) -> None:
    """What is no JSON object is refused."""
    with pytest.raises(InvalidProviderResponse):
        shown(http(200, body, Content_Type="application/json"))


@pytest.mark.parametrize("status", [302, 404, 503])
def test_another_status(status: int) -> None:
    """A redirect is not followed, and no page of an error is taken for an answer."""
    with pytest.raises(RequestsAuthException) as caught:
        shown(http(status, answer(), Location="https://evil.example/"))
    assert isinstance(caught.value, InvalidProviderResponse | ProviderUnavailable)
