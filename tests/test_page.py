"""The pages that the loopback listener shows, as text."""

import base64
import hashlib
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from pages import PAGES, every_page

from requests_auth_profiles._oauth2.page import Page, refused, signed_in, stray

PLACES: dict[str, Callable[[str], Page]] = {
    "signed_in profile": lambda text: signed_in(text, "idp"),
    "signed_in provider": lambda text: signed_in("work", text),
    "refused profile": lambda text: refused(text, "denied", "again"),
    "refused reason": lambda text: refused("work", text, "again"),
    "refused hint": lambda text: refused("work", "denied", text),
    "refused code": lambda text: refused("work", "denied", f"type `{text}`"),
    "stray reason": stray,
}
XSS = (
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><svg onload=alert(1)>",
    "</template></main><iframe srcdoc='<script>alert(1)</script>'>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='<a href=javascript:alert(1)>x</a>",
    "--><!--<script>alert(1)//--><![CDATA[<script>alert(1)</script>]]>",
    "&lt;b&gt;&#x3c;b&#x3e;",
    "{0}{title}${x}%s\\1\\g<0>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
)

every_place = pytest.mark.parametrize("make", PLACES.values(), ids=PLACES.keys())


class Outline(HTMLParser):
    """The elements of a page with their attributes, its text, and the text of its style and script."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.inside = ""
        self.text = ""
        self.raw: dict[str, str] = {}
        self.feed(page.body.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("style", "script"):
            self.raw[self.inside] = data
        else:
            self.text += data


@every_place
@pytest.mark.parametrize("attack", XSS)
def test_no_value_adds_an_element_or_an_attribute(make: Callable[[str], Page], attack: str) -> None:
    """Whatever a value holds, the page has the elements and attributes that it has for a plain word."""
    assert Outline(make(attack)).elements == Outline(make("word")).elements


@every_place
@pytest.mark.parametrize("attack", XSS)
def test_a_value_is_shown_as_it_is(make: Callable[[str], Page], attack: str) -> None:
    """A value that looks like markup is read by the person letter for letter."""
    assert attack in Outline(make(attack)).text


@every_place
def test_hidden_characters_are_removed(make: Callable[[str], Page]) -> None:
    """Controls, bidi and zero-width characters and lone surrogates go, white space becomes a space."""
    hidden = "a\x00b\x1b\x7f\x85\u061c\u200b\u200e\u202e\u2028\u2066\ufeff\ud800\r\nc"
    assert "ab c" in Outline(make(hidden)).text


@every_place
def test_a_long_value_is_cut(make: Callable[[str], Page]) -> None:
    """No more than 300 characters of a value are shown, the ellipsis included."""
    assert Outline(make("\N{SNOWMAN}" * 10_000)).text.count("\N{SNOWMAN}") in range(280, 300)


@every_page
def test_the_policy_allows_exactly_the_style_and_script_of_the_page(page: Page) -> None:
    """The hashes of the policy are those of the page's own style and script, and nothing else is allowed."""
    hashes = {tag: hashlib.sha256(text.encode()).digest() for tag, text in Outline(page).raw.items()}
    allowed = {tag: f"'sha256-{base64.b64encode(digest).decode()}'" for tag, digest in hashes.items()}
    style, script = allowed["style"], allowed.get("script", "'none'")
    connect = "'self'" if page is PAGES["bounce"] else "'none'"
    assert page.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src {connect}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@every_page
def test_the_headers_keep_the_page_to_itself(page: Page) -> None:
    """No cache, referrer, sniffing or shared window, and the connection ends with the body."""
    rest = {name: value for name, value in page.headers.items() if name != "Content-Security-Policy"}
    assert rest == {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(page.body)),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Connection": "close",
    }


@every_page
def test_nothing_comes_from_another_place(page: Page) -> None:
    """The only address in a page is the empty icon, which spares the request for one."""
    outline = Outline(page)
    loading = {"src", "srcset", "href", "xlink:href", "data", "action", "poster", "style", "http-equiv"}
    found = [value for _, attributes in outline.elements for name, value in attributes if name in loading]
    found += [word for word in ("url(", "@import", "//") if word in outline.raw["style"]]
    assert found == ["data:,"]


@every_page
def test_a_page_has_what_assistive_technology_needs(page: Page) -> None:
    """A page has its language, a title, a viewport that can be zoomed, and one main part."""
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    needed = ['<html lang="en">', "<title>", viewport, "<main>"]
    assert [markup for markup in needed if page.body.decode().count(markup) != 1] == []


def test_the_status_tells_how_it_ended() -> None:
    """A sign-in that is done, and the page that fetches the rest, are 200; what failed is not."""
    statuses = {name: page.status for name, page in PAGES.items()}
    assert statuses == {"signed_in": 200, "refused": 400, "stray": 404, "answered": 409, "bounce": 200}


@pytest.mark.parametrize("shown", ["You are signed in", "work-okta", "acme.okta-emea.com", "close this tab"])
def test_signed_in_says_to_what_and_by_whom(shown: str) -> None:
    """The page of a good end names the profile and the provider, and what to do now."""
    assert shown in Outline(PAGES["signed_in"]).text


@pytest.mark.parametrize("profile", ["", "\u202e"])
def test_a_profile_without_a_name_has_no_row(profile: str) -> None:
    """An auth that stands in no profiles file is not shown with an empty name."""
    assert "Profile" not in Outline(signed_in(profile, "idp")).text


def test_what_to_type_is_set_as_code() -> None:
    """What stands between backticks in a hint is a code element, which translation leaves alone."""
    code = '<p>Type <code translate="no">requests-auth login work</code>, then wait.</p>'
    assert code in refused("", "", "Type `requests-auth login work`, then wait.").body.decode()
