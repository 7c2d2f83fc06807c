"""What comes to the redirect URI, judged: the one answer, or a page for what is not."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from callback import ANSWER, CODE, PATH, QUERY, STATE, request
from hypothesis import given
from hypothesis import strategies as st

from requests_auth_profiles._oauth2.page import Page, bounce
from requests_auth_profiles._oauth2.redirection import Awaited, Request

PORT = 5000
AUTHORITIES = frozenset({"localhost:5000", "127.0.0.1:5000", "[::1]:5000"})
AWAITED = Awaited(AUTHORITIES, PATH, STATE)
UNREADABLE = None

Verdict = Mapping[str, str] | Page | None


def verdict_on(data: bytes, awaited: Awaited = AWAITED) -> Verdict:
    """What becomes of a request; None where it cannot be read."""
    head, _, body = data.partition(b"\r\n\r\n")
    read = Request.parse(head + b"\r\n\r\n")
    return UNREADABLE if read is None else awaited.judge(read, body)


def status_of(verdict: Verdict) -> int | None:
    """The status of the page that a verdict is; None where it is the answer, or there is none."""
    return verdict.status if isinstance(verdict, Page) else None


def asked(query: str) -> Verdict:
    return verdict_on(request(PORT, f"{PATH}?{query}"))


def posted(body: str, query: str = "", **headers: str | None) -> Verdict:
    return verdict_on(request(PORT, f"{PATH}?{query}", "POST", body.encode(), **headers))


# --- the answer


def test_the_answer_is_taken() -> None:
    """A code with the right state is what was waited for, with all else that the provider says."""
    assert asked(f"{QUERY}&iss=https%3A%2F%2Fidp&x=") == ANSWER | {"iss": "https://idp"}


def test_a_refusal_is_an_answer() -> None:
    """An error with the right state ends the sign-in too (RFC 6749 section 4.1.2.1)."""
    said = {"error": "access_denied", "error_description": "no <b>", "state": STATE}
    assert asked(urlencode(said)) == said


@pytest.mark.parametrize("host", [*sorted(AUTHORITIES), "LOCALHOST:5000"])
def test_the_host_is_any_name_of_this_machine(host: str) -> None:
    """Browsers write it as the redirect URI has it, in any case of letters."""
    assert verdict_on(request(PORT, Host=host)) == ANSWER


def test_other_headers_do_not_matter() -> None:
    """A browser sends what cookies other programs of this machine gave it, be they not even text."""
    assert (
        verdict_on(request(PORT, Cookie="a=\xff\x80; b=\t", Cookie2="", Sec_Fetch_Site="cross-site"))
        == ANSWER
    )


@pytest.mark.parametrize(("unset", "kept"), [("error", "code"), ("code", "error")])
def test_a_parameter_without_a_value_is_none(unset: str, kept: str) -> None:
    """What is said to be nothing is not said, so nobody downstream sees it (RFC 6749 section 3.1)."""
    assert asked(f"{unset}=&{kept}=x&state={STATE}") == {kept: "x", "state": STATE}


# --- the state


@pytest.mark.parametrize(
    "state",
    [
        "&state=wrong",
        "",
        "&state=",
        "&state",
        f"&state={STATE}&state={STATE}",
        f"&state={STATE}&state=wrong",
        f"&state={STATE[:-1]}",
        f"&state={STATE}x",
        f"&state={STATE.upper()}",
        f"&state=+{STATE}",
        f"&State={STATE}",
        "&state=%C3%A9%F0%9F%92%A9",
        "&state=%00",
        "&state=" + "s" * 1_000_000,
    ],
    ids=lambda state: state[:40] or "missing",
)
@pytest.mark.parametrize("said", [f"code={CODE}", "error=access_denied"])
def test_another_state_is_refused(said: str, state: str) -> None:
    """Neither a code nor a refusal counts without the state of this sign-in (RFC 6749 section 10.12)."""
    assert status_of(asked(said + state)) == 400


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda state: state != STATE))
def test_no_other_state_is_right(state: str) -> None:
    """There is one state, and no text that passes for it."""
    assert status_of(asked(urlencode({"code": CODE, "state": state}))) == 400


# --- what makes no sense


@pytest.mark.parametrize(
    "query",
    [
        f"{QUERY}&error=access_denied",
        f"{QUERY}&code={CODE}",
        f"{QUERY}&code=other",
        f"{QUERY}&iss=a&iss=b",
        f"{QUERY}&x=1&x=2",
        f"{QUERY}&x=%ff",
        f"%ff={QUERY}",
        QUERY + "".join(f"&x{number}=" for number in range(40)),
    ],
    ids=lambda query: query.replace(CODE, "c").replace(STATE, "s")[:40],
)
def test_an_answer_that_makes_no_sense_is_refused(query: str) -> None:
    """Both code and error, something said twice, no text, too much: none of it is used."""
    assert status_of(asked(query)) == 400


@pytest.mark.parametrize(
    "query",
    [
        "",
        "iss=https%3A%2F%2Fidp",
        "utm_source=x",
        f"x={CODE}",
        f"state={STATE}",
        f"code=&state={STATE}",
        f"code=&error=&state={STATE}",
    ],
    ids=lambda query: query.replace(CODE, "c").replace(STATE, "s"),
)
def test_a_query_without_an_answer_may_have_one_in_the_fragment(query: str) -> None:
    """The page that reads the fragment is sent, also where the query has the issuer."""
    assert asked(query) == bounce()


# --- what is not for us


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/favicon.ico",
        f"{PATH}/",
        f"{PATH}/x",
        f"/x{PATH}",
        f"/{PATH}",
        "/%63allback",
        "/Callback",
        "/./callback",
    ],
)
def test_another_path_is_not_found(target: str) -> None:
    """Nothing stands beside the redirect URI, and it is spelled in one way."""
    assert status_of(verdict_on(request(PORT, f"{target}?{QUERY}"))) == 404


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example:5000",
        "evil.example@localhost:5000",
        "localhost",
        "localhost:5001",
        "localhost:05000",
        "localhost.:5000",
        "127.0.0.2:5000",
        "127.1:5000",
        "0.0.0.0:5000",
        "::1:5000",
        "localhost:5000, localhost:5000",
    ],
)
def test_another_host_is_forbidden(host: str | None) -> None:
    """A page whose name was pointed at this machine (DNS rebinding) gets nothing, even with the state."""
    assert status_of(verdict_on(request(PORT, Host=host))) == 403


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "X"])
def test_another_method_is_not_allowed(method: str) -> None:
    """Browsers come with GET, and our own page with POST."""
    assert status_of(verdict_on(request(PORT, method=method))) == 405


GET = f"GET {PATH}?{QUERY}".encode()
HOST = b"\r\nHost: localhost:5000"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\r\n" + GET + b" HTTP/1.1" + HOST,
        GET,
        GET + HOST,
        GET + b" HTTP/0.9" + HOST,
        GET + b" HTTP/2.0" + HOST,
        GET + b" HTTP/1.1 " + HOST,
        GET + b"  HTTP/1.1" + HOST,
        GET + b" HTTP/1.1\n" + HOST,
        GET + b" x HTTP/1.1" + HOST,
        GET + b"\xc3\xa9 HTTP/1.1" + HOST,
        GET.lower() + b" HTTP/1.1" + HOST,
        b"PRI * HTTP/2.0",
        b"OPTIONS * HTTP/1.1" + HOST,
        b"CONNECT localhost:5000 HTTP/1.1" + HOST,
        GET.replace(b"GET ", b"GET http://localhost:5000") + b" HTTP/1.1" + HOST,
        GET.replace(b" /", b" ") + b" HTTP/1.1" + HOST,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        GET + b" HTTP/1.1" + HOST + HOST,
        GET + b" HTTP/1.1" + HOST + b"\r\nhost: evil.example",
        GET + b" HTTP/1.1" + HOST + b"\r\nContent-Length: 0\r\nContent-Length: 5",
        GET + b" HTTP/1.1" + HOST + b"\r\nOrigin: null\r\nOrigin: http://localhost:5000",
        GET + b" HTTP/1.1\r\nHost : localhost:5000",
        GET + b" HTTP/1.1" + HOST + b"\r\n folded",
        GET + b" HTTP/1.1" + HOST + b"\r\nno colon",
        GET + b" HTTP/1.1" + HOST + b"\r\n: no name",
        GET + b" HTTP/1.1" + HOST + b"\r\nX: a\rb",
        GET + b" HTTP/1.1" + HOST + b"\r\nX: a\nSet-Cookie: b",
        GET + b" HTTP/1.1" + HOST + b"\r\nX: a\x00b",
    ],
    ids=lambda head: repr(head.replace(GET, b"GET x").replace(HOST, b" Host: h"))[2:-1][:40] or "nothing",
)
def test_what_no_browser_sends_is_unreadable(head: bytes) -> None:
    """Other protocols and versions, and what two readers could read differently, are not looked into."""
    assert verdict_on(head) is UNREADABLE


# --- a fragment, posted by our own page


def test_a_posted_fragment_is_an_answer() -> None:
    """What our page read from the fragment counts, with what the provider said in the query."""
    assert posted(QUERY, "iss=https%3A%2F%2Fidp") == ANSWER | {"iss": "https://idp"}


def test_a_state_in_the_query_goes_with_the_fragment() -> None:
    """The answer may come in two parts, of which the fragment alone would be nobody's."""
    assert posted(f"code={CODE}", f"state={STATE}") == ANSWER


@pytest.mark.parametrize(
    ("body", "query"),
    [(f"state={STATE}", ""), ("", f"state={STATE}"), ("", f"code=&state={STATE}"), ("x=", f"state={STATE}")],
)
def test_an_answer_without_anything_is_one(body: str, query: str) -> None:
    """Only the provider knows the state: it has answered, and no better answer is to come."""
    assert posted(body, query) == {"state": STATE}


def test_nothing_with_another_state_is_no_answer() -> None:
    """A page of a stranger, opened without a fragment, ends no sign-in."""
    assert status_of(posted("", "state=wrong")) == status_of(posted("", "utm_source=x")) == 400


OTHER_PAGES: list[dict[str, str | None]] = [
    {"Origin": "https://idp.example", "Sec_Fetch_Site": "cross-site"},
    {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
    {"Origin": None},
]


@pytest.mark.parametrize("headers", OTHER_PAGES, ids=str)
def test_a_post_of_the_provider_is_taken_where_it_was_asked_for(headers: dict[str, str | None]) -> None:
    """With `response_mode=form_post` the answer comes from a page of the provider; the state tells which."""
    asked_for = replace(AWAITED, form_post=True)
    assert verdict_on(request(PORT, PATH, "POST", QUERY.encode(), **headers), asked_for) == ANSWER
    wrong = f"code={CODE}&state=wrong".encode()
    assert status_of(verdict_on(request(PORT, PATH, "POST", wrong, **headers), asked_for)) == 400
    assert status_of(verdict_on(request(PORT, PATH, "POST", QUERY.encode(), **headers))) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "http://localhost:5001"},
        {"Origin": "https://localhost:5000"},
        {"Origin": "http://127.0.0.1:5000"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
def test_a_post_of_another_page_is_forbidden(headers: dict[str, str | None]) -> None:
    """Only our own page has a fragment to post, even where another one knew the state."""
    assert status_of(posted(QUERY, **headers)) == 403


def test_a_post_says_nothing_twice() -> None:
    """A fragment that repeats what the query says is refused: which one would count?"""
    assert status_of(posted(QUERY, f"state={STATE}")) == 400


@pytest.mark.parametrize("body", ["", "x", f"code={CODE}", f"code={CODE}&state=wrong", "code=é&state=\xff"])
def test_a_post_without_an_answer_is_refused(body: str) -> None:
    """What is posted has to be the answer: no page is sent that would post again."""
    assert status_of(posted(body)) == 400


# --- bodies


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({}, 0),
        ({"Content_Length": "5"}, 5),
        ({"Content_Length": "16384"}, 16384),
        ({"Content_Length": "16385"}, None),
        ({"Content_Length": "1000000000"}, None),
        ({"Content_Length": "9" * 5000}, None),
        ({"Content_Length": "-1"}, None),
        ({"Content_Length": "+5"}, None),
        ({"Content_Length": "5, 5"}, None),
        ({"Content_Length": "0x10"}, None),
        ({"Content_Length": "\xb2"}, None),
        ({"Content_Length": ""}, None),
        ({"Transfer_Encoding": "chunked"}, None),
        ({"Content_Length": "5", "Transfer_Encoding": "identity"}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_length_of_a_body_is_plain_and_small(headers: dict[str, str | None], length: int | None) -> None:
    """A body is as long as one plain number up to 16 KiB says, or it is not read."""
    read = Request.parse(request(PORT, **headers))
    assert read is not None
    assert read.body_length == length


# --- whatever comes

GOOD = (request(PORT), request(PORT, PATH, "POST", QUERY.encode()), request(PORT, PATH))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good request with pieces replaced by others."""
    data = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        data = data[:start] + draw(st.binary(max_size=8) | st.sampled_from(GOOD)) + data[end:]
    return data


@given(st.binary(max_size=400) | damaged())
def test_any_bytes_end_in_a_verdict(data: bytes) -> None:
    """Whatever comes is unreadable, a page that refuses it, the page for fragments, or our own answer."""
    verdict = verdict_on(data)
    refused = status_of(verdict) in {400, 403, 404, 405}
    answer = (
        isinstance(verdict, Mapping) and verdict["state"] == STATE and not {"code", "error"} <= set(verdict)
    )
    assert verdict is UNREADABLE or verdict == bounce() or refused or answer


@given(st.text(st.characters(max_codepoint=0xFF, exclude_characters="\r\n")))
def test_any_length_that_is_said_ends_in_one_or_none(said: str) -> None:
    """Nothing that a header says of a length makes us read more than 16 KiB."""
    read = Request("POST", PATH, "", {"content-length": said})
    assert read.body_length is None or 0 <= read.body_length <= 16384
