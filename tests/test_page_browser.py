"""The pages that the loopback listener shows, in a real Chromium."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pages import PAGES, READABLE, every_page

from requests_auth_profiles._oauth2.page import Page, bounce, custom, refused, signed_in

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
SECRET = "s3cr3t-t0ken"

Visit = Callable[..., Any]  # (page, what follows the URL, what a POST gets) -> the browser that went there


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
    """A loopback server that gives set answers and keeps what it was asked; it ends with all its threads."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Page] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/callback"
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        # A browser opens connections in advance, and would keep the threads that wait for its word on them.
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


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

    WebDriverWait(browser, 30, poll_frequency=0.02).until(lambda driver: driver.title == title)
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


def test_bounce_posts_where_only_a_query_came(site: Site, visit: Visit) -> None:
    """A query without an answer in it is posted too: its state decides whether the sign-in ends."""
    until_title(visit(bounce(), "?state=s3cret", PAGES["refused"]), "The sign-in failed")
    assert site.asked[1:] == [("POST", "/callback?state=s3cret", "")]


def test_bounce_without_a_fragment_is_stray(visit: Visit) -> None:
    """A request that brings nothing at all is told that the wait goes on."""
    assert "it goes on waiting" in read(visit(bounce()))


def test_bounce_says_when_nobody_listens(visit: Visit) -> None:
    """A listener that has gone meanwhile is said, rather than waited for."""
    there = visit(bounce(), f"#access_token={SECRET}")
    assert "no longer listens" in read(until_title(there, "The sign-in did not arrive"))


def test_bounce_dresses_somebodys_own_page(visit: Visit) -> None:
    """Styles of one's own page hold, and none of its scripts runs under the policy of ours."""
    own = "<title>own</title><style>p { color: rgb(1, 2, 3) }</style><p style='opacity: 0.5'>mine</p>"
    there = visit(bounce(), "#state=s", custom(f"{own}<script>document.title = 'ran'</script>"))
    paragraph = until_title(there, "own").find_element("tag name", "p")
    seen = [paragraph.value_of_css_property(name) for name in ("color", "opacity")]
    assert seen == ["rgba(1, 2, 3, 1)", "0.5"]


@pytest.mark.parametrize(
    "answer", [signed_in("work", "idp.example", close_after=1), custom("<p>mine</p>", close_after=1)]
)
def test_bounce_closes_the_page(site: Site, browser: Any, answer: Page) -> None:
    """The page that a fragment's answer is shown on closes after its time, where the browser lets it."""
    from selenium.webdriver.support.wait import WebDriverWait

    site.answers = {"GET": bounce(), "POST": answer}
    browser.execute_script("open(arguments[0])", f"{site.url}#state=s")
    wait = WebDriverWait(browser, 30, poll_frequency=0.02)
    wait.until(lambda driver: len(site.asked) > 1 and len(driver.window_handles) == 1)


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
