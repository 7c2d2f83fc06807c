"""The pages that the loopback listener shows, as text and in a real Chromium."""

import base64
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from requests_auth_profiles._oauth2.page import Page, answered, bounce, refused, signed_in, stray

PAGES = {
    "signed_in": signed_in("work-okta", "acme.okta-emea.com"),
    "refused": refused("work-okta", "access_denied (no such user)", "Type `requests-auth login work-okta`."),
    "stray": stray("It is for another path.", 404),
    "answered": answered(),
    "bounce": bounce(),
}
READABLE = {
    "signed_in": "Profile\nwork-okta\nProvider\nacme.okta-emea.com",
    "refused": "requests-auth login work-okta",
    "stray": "It is for another path.",
    "answered": "This sign-in has its answer already.",
    "bounce": "Allow it for this page",
}
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
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
SECRET = "s3cr3t-t0ken"

Visit = Callable[..., Any]  # (page, what follows the URL, what a POST gets) -> the browser that went there

every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
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


# --- as text


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


# --- in a browser


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        site.asked.append((self.command, self.path, body))
        # A method that has no answer is a listener that is gone: the connection just ends.
        if page := site.answers.get(self.command):
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    """A loopback server that gives set answers and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Page] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/callback"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    folder = tmp_path_factory.mktemp("chromium")
    for flag in (*FLAGS.split(), NOWHERE_ELSE, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def browser(chromium: Any) -> Any:
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.get("about:blank")
    chromium.get_log("browser")
    return chromium


@pytest.fixture
def without_scripts(browser: Any) -> Iterator[Any]:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    yield browser
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture
def visit(site: Site, browser: Any) -> Visit:
    def go(page: Page, after: str = "", answer: Page | None = None) -> Any:
        site.answers = {"GET": page} | ({"POST": answer} if answer else {})
        browser.get(site.url + after)
        return browser

    return go


@pytest.fixture
def bounced(visit: Visit) -> Any:
    """A browser that came with a fragment and has got the answer to it."""
    there = visit(bounce(), f"?iss=idp#access_token={SECRET}&state=a%26b", PAGES["signed_in"])
    return until_title(there, "You are signed in")


def until_title(browser: Any, title: str) -> Any:
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(browser, 30).until(lambda driver: driver.title == title)
    return browser


def read(browser: Any) -> str:
    return str(browser.find_element("tag name", "main").text)


def violations(browser: Any) -> list[str]:
    said = [entry["message"] for entry in browser.get_log("browser")]
    return [message for message in said if "Content Security Policy" in message]


@pytest.mark.parametrize("name", ["signed_in", "refused"])
def test_the_address_bar_is_emptied(site: Site, visit: Visit, name: str) -> None:
    """The code and the state leave the address bar when the sign-in has ended."""
    assert visit(PAGES[name], f"?code={SECRET}&state=s#f").current_url == site.url


@every_page
def test_no_page_breaks_its_own_policy(visit: Visit, page: Page) -> None:
    """The browser finds nothing to forbid in a page of ours."""
    assert violations(visit(page)) == []


def test_a_foreign_script_does_not_run(visit: Visit) -> None:
    """Even if markup came through, the policy would not let it run."""
    page = PAGES["signed_in"]
    body = page.body.replace(b"</main>", b"</main><script>document.title = 'owned'</script>")
    forged = Page(200, {**page.headers, "Content-Length": str(len(body))}, body)
    assert visit(forged).title == "You are signed in"


def test_bounce_posts_the_fragment(site: Site, bounced: Any) -> None:
    """The fragment arrives as it came, at the URL that the provider sent the browser to."""
    assert site.asked[1:] == [("POST", "/callback?iss=idp", f"access_token={SECRET}&state=a%26b")]


def test_bounce_becomes_the_answer(bounced: Any) -> None:
    """The person reads the answer to what was posted."""
    assert READABLE["signed_in"] in read(bounced)


def test_bounce_empties_the_address_bar(site: Site, bounced: Any) -> None:
    """The token leaves the address bar."""
    assert bounced.current_url == site.url


def test_bounce_leaves_no_token_in_the_document(bounced: Any) -> None:
    """The token is nowhere in what the browser shows."""
    assert SECRET not in bounced.page_source


def test_bounce_keeps_to_its_policy(bounced: Any) -> None:
    """The answer that takes the place of the document breaks no rule of the first page."""
    assert violations(bounced) == []


def test_bounce_shows_the_answer_in_its_style(bounced: Any) -> None:
    """The style of the answer is applied under the policy of the first page."""
    assert bounced.find_element("tag name", "main").value_of_css_property("display") == "grid"


def test_bounce_shows_a_refusal(visit: Visit) -> None:
    """An answer with an error status is shown like any other."""
    there = visit(bounce(), "#error=access_denied", PAGES["refused"])
    assert READABLE["refused"] in read(until_title(there, "The sign-in failed"))


def test_bounce_without_a_fragment_is_stray(visit: Visit) -> None:
    """A request that brings nothing at all is told that the wait goes on."""
    assert "it goes on waiting" in read(visit(bounce()))


def test_bounce_says_when_nobody_listens(visit: Visit) -> None:
    """A listener that has gone meanwhile is said, rather than waited for."""
    there = visit(bounce(), f"#access_token={SECRET}")
    assert "no longer listens" in read(until_title(there, "The sign-in did not arrive"))


@pytest.mark.usefixtures("without_scripts")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_without_javascript(visit: Visit, name: str) -> None:
    """What a page says does not hang on a script, and where one is needed, it says so."""
    assert READABLE[name] in read(visit(PAGES[name], f"?code={SECRET}"))


CONTRASTS = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => getComputedStyle(element.closest("code, main, body")).backgroundColor;
return [...document.querySelectorAll("h1, p, dt, dd, code, footer, svg")].map((element) => {
  const [low, high] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
});
"""


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(visit: Visit, browser: Any, page: Page, scheme: str) -> None:
    """Text stands out by 4.5 to 1 in both colour schemes (WCAG 2.2, 1.4.3)."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    assert min(visit(page).execute_script(CONTRASTS)) >= 4.5


def test_a_narrow_screen_needs_no_sideways_scrolling(visit: Visit, browser: Any) -> None:
    """Long words wrap at 320 pixels, which is also 1280 at 400 % zoom (WCAG 2.2, 1.4.10)."""
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    visit(refused("p" * 64, "r" * 400, f"Type `requests-auth login {'p' * 64}`."))
    assert browser.execute_script("return document.documentElement.scrollWidth") == 320
