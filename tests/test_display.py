"""DisplaySettings: what the browser shows at the end of a sign-in, by pages of ours and of one's own."""

import html
import re
import shlex
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from callback import SignIn
from conftest import RunProgram
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_auth_profiles import DisplaySettings, OAuth2
from requests_auth_profiles._oauth2.page import refused, signed_in
from requests_auth_profiles.errors import AuthenticationFailed, ConfigurationError
from requests_auth_profiles.testing import AuthorizationServer, Client

SUCCESS = "<!doctype html><title>ours</title><style>p {{ color: green }}</style><p id=ms>{display_time}</p>"
FAILURE = "<!doctype html><p>{information}</p><p id=ms>{display_time}</p>"
XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</p></body><iframe src=javascript:alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<ScRiPt/x>alert(1)</ScRiPt >",
    "<!--<script>-->",
    "<![CDATA[<script>]]>",
    "{display_time}{information}{0.__class__}",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "<\x00script>",
    "\u202e<b>\u200b",
]


class Elements(HTMLParser):
    """The elements and the text of a page, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[Any]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A server that knows a public client."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        yield server


def page_of(settings: DisplaySettings, failure: Exception | None = None) -> tuple[int, str]:
    """The status and the page that the browser gets from the listener at the end of a sign-in."""
    with SignIn(failure=failure, display=settings) as sign_in:
        head, _, body = sign_in.get().decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


class TestDefaults:
    """Without pages of one's own."""

    def test_the_pages_are_ours(self) -> None:
        """The default pages are those of the package, and close after the documented times."""
        settings = DisplaySettings()
        assert settings.signed_in("work", "idp") == signed_in("work", "idp", close_after=1)
        assert settings.refused("work", "no", "hint") == refused("work", "no", "hint", close_after=10_000)

    @pytest.mark.parametrize("time", [0, 1, 2500])
    def test_the_times_are_those_that_are_set(self, time: int) -> None:
        """A page of ours closes after the time that was set."""
        settings = DisplaySettings(success_display_time=time, failure_display_time=time + 1)
        pages = settings.signed_in("", "idp"), settings.refused("", "no", "")
        times = [re.findall(r"setTimeout\(close, (\d+)\)", page.body.decode()) for page in pages]
        assert times == [[str(time)], [str(time + 1)]]

    def test_only_names_are_taken(self) -> None:
        """As in requests_auth, there are no arguments without a name."""
        with pytest.raises(TypeError):
            DisplaySettings(1)  # type: ignore[call-arg]


class TestLater:
    """What is set on settings that are there already, as on `OAuth2.display`."""

    def test_it_counts_from_then_on(self) -> None:
        """Each can be changed after all the others, and the next page is of what was set last."""
        settings = DisplaySettings(failure_html=FAILURE)
        settings.success_html = SUCCESS
        settings.success_display_time = 4321
        assert page_of(settings) == (200, SUCCESS.format(display_time=4321))
        settings.success_html = settings.failure_html = None
        assert settings.signed_in("", "idp") == signed_in("", "idp", close_after=4321)

    def test_the_programs_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`OAuth2.display.success_html = …` is all that a program needs to write."""
        monkeypatch.setattr(OAuth2, "display", DisplaySettings())
        OAuth2.display.success_html = SUCCESS
        assert page_of(OAuth2.display)[1] == SUCCESS.format(display_time=1)

    def test_wrong_braces_change_nothing(self) -> None:
        """A page that can't be filled in is refused, and the one before stays."""
        settings = DisplaySettings(success_html=SUCCESS)
        with pytest.raises(ConfigurationError, match="success_html has braces"):
            settings.success_html = "p { color: red }"
        assert settings.success_html == SUCCESS

    @pytest.mark.parametrize("time", ["soon", None, float("nan"), [1]], ids=repr)
    def test_a_time_that_is_none(self, time: Any) -> None:
        """It is refused by its name."""
        settings = DisplaySettings()
        with pytest.raises(ConfigurationError, match="failure_display_time is no number"):
            settings.failure_display_time = time

    def test_a_name_that_is_none(self) -> None:
        """A typo is seen."""
        with pytest.raises(AttributeError):
            DisplaySettings().succes_html = SUCCESS  # type: ignore[attr-defined]


class TestOwnPages:
    """With pages of one's own."""

    def test_success(self) -> None:
        """The page of a success is one's own, with the time in it and doubled braces as single ones."""
        settings = DisplaySettings(success_html=SUCCESS, success_display_time=4321)
        assert page_of(settings) == (200, SUCCESS.format(display_time=4321))

    def test_failure(self) -> None:
        """The page of a failure is one's own, with the time and the reason in it."""
        settings = DisplaySettings(failure_html=FAILURE, failure_display_time=8765)
        shown = page_of(settings, AuthenticationFailed("it went wrong", hint="try again"))
        assert shown == (400, "<!doctype html><p>it went wrong</p><p id=ms>8765</p>")

    @pytest.mark.parametrize("pages", [{"success_html": SUCCESS}, {"failure_html": FAILURE}])
    def test_the_other_page_is_still_ours(self, pages: dict[str, str]) -> None:
        """One page of one's own leaves the other one as it is."""
        settings = DisplaySettings(**pages)  # type: ignore[arg-type]
        ours = settings.refused("", "no", "") if "success_html" in pages else settings.signed_in("", "idp")
        assert b"Shown by requests-auth-profiles" in ours.body

    @pytest.mark.parametrize("page", ["no braces at all", "{{}}", "{display_time:>5}", "{display_time}" * 2])
    def test_a_page_is_filled_in_as_by_requests_auth(self, page: str) -> None:
        """A page needs no placeholders, and may have all that `str.format` knows."""
        assert DisplaySettings(success_html=page).signed_in("", "idp").body.decode() == page.format(
            display_time=1
        )

    @pytest.mark.parametrize(
        "page",
        ["p { color: red }", "{}", "{0}", "{", "}", "{unknown}", "{display_time.x}", "{display_time:x y}"],
    )
    @pytest.mark.parametrize("name", ["success_html", "failure_html"])
    def test_wrong_braces_are_told_at_once(self, name: str, page: str) -> None:
        """A page that can't be filled in is refused when it is set, not when a person has signed in."""
        with pytest.raises(ConfigurationError, match=name) as error:
            DisplaySettings(**{name: page})
        assert "double them" in error.value.hint

    def test_a_success_knows_no_information(self) -> None:
        """Only a failure has something to tell."""
        with pytest.raises(ConfigurationError, match="information"):
            DisplaySettings(success_html="{information}")

    def test_when_it_closes(self) -> None:
        """The page that reads a fragment is told the time of one's own that says it, and no other time."""
        closing = DisplaySettings(success_html=SUCCESS, failure_html=FAILURE, success_display_time=4321)
        pages = closing.signed_in("", "idp"), closing.refused("", "no", "")
        assert [page.headers["X-Close-After"] for page in pages] == ["4321", "10000"]
        assert "X-Close-After" not in DisplaySettings(success_html="done").signed_in("", "idp").headers

    @pytest.mark.parametrize("page", [b"<p>", 5, Path("page.html")], ids=repr)
    def test_a_page_that_is_no_text(self, page: Any) -> None:
        """It is refused by its name, when it is set."""
        with pytest.raises(ConfigurationError, match="failure_html is not text"):
            DisplaySettings(failure_html=page)

    def test_they_get_nothing_from_elsewhere(self) -> None:
        """Own pages have their styles and scripts in them, and can send nothing anywhere."""
        for page in (
            DisplaySettings(success_html=SUCCESS).signed_in("", "idp"),
            DisplaySettings(failure_html=FAILURE).refused("", "no", ""),
        ):
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none';")
            assert "http" not in policy


class TestEscaping:
    """What a stranger says is text."""

    @pytest.mark.parametrize("words", XSS)
    @pytest.mark.parametrize("own", [True, False])
    def test_a_reason_makes_no_element(self, words: str, own: bool) -> None:
        """A page has the same elements whatever the reason is, and shows an own page's reason as it came."""
        settings = DisplaySettings(failure_html=FAILURE if own else None)
        page, plain = (
            Elements(settings.refused("work", text, "").body.decode()) for text in (words, "plain words")
        )
        assert page.tags == plain.tags
        if own and "\x00" not in words:
            assert words in page.text

    @settings(deadline=None)
    @given(words=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
    def test_any_text_comes_out_as_it_is(self, words: str) -> None:
        """`{information}` is the reason, escaped for text and for quoted attributes."""
        settings = DisplaySettings(failure_html='<a title="{information}">')
        body = settings.refused("", words, "").body.decode()
        assert body == f'<a title="{html.escape(words, quote=True)}">'

    def test_half_a_character_is_no_end_of_the_sign_in(self) -> None:
        """A reason that is no text can be shown too."""
        assert b"<p>" in DisplaySettings(failure_html=FAILURE).refused("", "\udc80", "").body


class TestSignIn:
    """In a program of its own, with `OAuth2.display`, through the browser and the listener."""

    @pytest.fixture
    def browser(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Where the browser notes the page that it ends at."""
        script, page = home / "browser.py", home / "page.html"
        script.write_text(BROWSER)
        monkeypatch.setenv("BROWSER", shlex.join([sys.executable, str(script), str(page), "%s"]))
        return page

    def test_success(self, server: AuthorizationServer, run_python: RunProgram, browser: Path) -> None:
        """The person sees the page that the program set."""
        done = run_python("-c", PROGRAM, f"{server.issuer}/authorize", f"{server.issuer}/token")
        assert (done.stdout, done.returncode) == ("signed in\n", 0), done.stderr
        assert browser.read_text() == "200 " + SUCCESS.format(display_time=4321)

    def test_failure(
        self,
        server: AuthorizationServer,
        run_python: RunProgram,
        browser: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The words of a provider are text on the page that the program set."""
        monkeypatch.setenv("WORDS", " ".join(words for words in XSS if words.isprintable()))
        done = run_python("-c", PROGRAM, f"{server.issuer}/authorize", f"{server.issuer}/token")
        assert (done.stdout, done.returncode) == ("SignInRefused\n", 0), done.stderr
        status, _, page = browser.read_text().partition(" ")
        assert (status, Elements(page).tags) == ("400", [("p", []), ("p", [("id", "ms")])])
        assert "<script>alert(1)</script>" in Elements(page).text


BROWSER = """
import os, sys, urllib.error, urllib.parse, urllib.request
_, page, url = sys.argv
asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
if words := os.environ.get("WORDS"):
    said = {"error": "access_denied", "error_description": words, "state": asked["state"]}
    url = asked["redirect_uri"] + "?" + urllib.parse.urlencode(said)
try:
    reply = urllib.request.urlopen(url, timeout=20)
except urllib.error.HTTPError as error:
    reply = error
text = f"{reply.status} {reply.read().decode()}"
open(page + ".part", "w").write(text)
os.rename(page + ".part", page)
"""
PROGRAM = f"""
import os, sys, time
from requests_auth_profiles import DisplaySettings, OAuth2, OAuth2AuthorizationCodePKCE, RequestsAuthException
OAuth2.display = DisplaySettings(
    success_html={SUCCESS!r}, success_display_time=4321, failure_html={FAILURE!r}
)
try:
    OAuth2AuthorizationCodePKCE(*sys.argv[1:], client_id="app", redirect_uri_port=0, timeout=30).token()
    print("signed in")
except RequestsAuthException as error:
    print(type(error).__name__)
page = os.path.join(os.environ["HOME"], "page.html")
for _ in range(1000):
    if os.path.exists(page):
        break
    time.sleep(0.02)
"""
