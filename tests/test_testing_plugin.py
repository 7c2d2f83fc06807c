"""The plugin for pytest: the examples of requests_auth run with the import changed, and nothing else does."""

import os
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import RunProgram

import requests_auth_profiles

ROOT = Path(requests_auth_profiles.__file__).parent.parent
NAME = "requests_auth_profiles"
PLUGIN = "requests_auth_profiles.testing._fixtures"
PLACE = "# perform code using authentication"
CODE = """
    import requests
    from requests_auth_profiles import OAuth2ClientCredentials, OktaImplicitIdToken
    from requests_auth_profiles.testing import ProtectedApi
    client = OAuth2ClientCredentials("https://idp.invalid/token", "me", client_secret="s3cret")
    person = OktaImplicitIdToken("acme.invalid", "me")
    with ProtectedApi(tokens=["{token}"]) as api:
        for auth in (client, person):
            assert requests.get(f"{{api.url}}/me", auth=auth).status_code == 200
"""

TOKEN_CACHE_MOCK = """
from requests_auth_profiles.testing import token_cache_mock, token_mock

def test_something(token_cache_mock):
    # perform code using authentication
    pass
"""
OWN_TOKEN = """
import pytest

from requests_auth_profiles.testing import token_cache_mock


@pytest.fixture
def token_mock() -> str:
    return "MyCustomTokenValue"


def test_something(token_cache_mock):
    # perform code using authentication
    pass
"""
CREATED_TOKEN = """
import pytest

from requests_auth_profiles.testing import token_cache_mock, create_token


@pytest.fixture
def token_mock() -> str:
    expiry = None  # TODO Compute your expiry
    return create_token(expiry)


def test_something(token_cache_mock):
    # perform code using authentication
    pass
"""
TOKEN_CACHE = """
from requests_auth_profiles.testing import token_cache

def test_something(token_cache):
    # perform code using authentication
    pass
"""
BROWSER_MOCK = """
import datetime

from requests_auth_profiles.testing import browser_mock, BrowserMock, create_token

def test_something(browser_mock: BrowserMock):
    token_expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    token = create_token(token_expiry)
    tab = browser_mock.add_response(
        opened_url="http://url_opened_by_browser?state=1234",
        reply_url=f"http://localhost:5000#access_token={token}&state=1234",
    )

    # perform code using authentication

    tab.assert_success()
"""
SIGN_IN = """
    import requests
    from requests_auth_profiles import OAuth2Implicit
    from requests_auth_profiles.testing import ProtectedApi
    with ProtectedApi(tokens=[token]) as api:
        auth = OAuth2Implicit("https://url_opened_by_browser")
        assert requests.get(f"{api.url}/me", auth=auth).status_code == 200
"""


def run_tests(run_python: RunProgram, folder: Path, *texts: str, installed: bool = True) -> dict[str, int]:
    """How a run of pytest in a folder of its own ends, without other plugins: `{"passed": 1}`.

    Args:
        run_python: the fixture.
        folder: where it runs.
        texts: the tests, a file each.
        installed: whether pytest finds the plugin, as where the package is installed.
    """
    metadata = folder / "site/installed-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: installed\nVersion: 1\n", "utf-8")
    (metadata / "entry_points.txt").write_text(f"[pytest11]\n{NAME} = {PLUGIN}\n", "utf-8")
    (metadata / "RECORD").write_text("requests_auth_profiles/__init__.py,,\n", "utf-8")
    for number, text in enumerate(texts):
        (folder / f"test_{number}.py").write_text(text, "utf-8")
    others = {plugin.name for plugin in entry_points(group="pytest11")} - {NAME}
    options = [f"-pno:{name}" for name in sorted(others if installed else {*others, NAME})]
    command = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(folder))
    path = os.pathsep.join([str(metadata.parent), str(ROOT)])
    done = run_python(*command, *options, cwd=folder, env=os.environ | {"PYTHONPATH": path})
    words = (done.stdout.strip().splitlines() or [""])[-1].replace(",", "").split()
    counts = {kind.removesuffix("s"): int(count) for count, kind in pairwise(words) if count.isdecimal()}
    assert counts, done.stdout + done.stderr
    sys.stdout.write(done.stdout)  # shown where the test fails
    return counts


EXAMPLES = (
    (TOKEN_CACHE_MOCK, CODE.format(token="2YotnFZFEjr1zCsicMWpAA")),
    (OWN_TOKEN, CODE.format(token="MyCustomTokenValue")),
    (CREATED_TOKEN, CODE.replace('"{token}"', "create_token(None)").format()),
    (TOKEN_CACHE, "    assert token_cache.get_token\n"),
    (BROWSER_MOCK, SIGN_IN),
)


@pytest.mark.parametrize("installed", [False, True])
def test_the_examples_of_requests_auth(run_python: RunProgram, tmp_path: Path, installed: bool) -> None:
    """Each example of its documentation does what it says, also where pytest has loaded the plugin."""
    texts = [example.replace(PLACE, PLACE + "\n" + code) for example, code in EXAMPLES]
    assert run_tests(run_python, tmp_path / "run", *texts, installed=installed) == {"passed": len(texts)}


def test_the_entry_point() -> None:
    """Who installs the package has the plugin: its entry point names the module that the tests here load."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {NAME: PLUGIN}


UNTOUCHED = """
import os
import sys

import pytest

BEFORE = set(sys.modules)

@pytest.fixture
def browser_mock():
    return "my own"

def test_nothing_is_loaded():
    ours = {name for name in BEFORE if name.startswith("requests_auth_profiles")}
    assert ours == {
        "requests_auth_profiles", "requests_auth_profiles.testing", "requests_auth_profiles.testing._fixtures"
    }
    assert not {"requests", "cryptography", "jwt"} & BEFORE

def test_ones_own_fixture_counts(browser_mock):
    assert browser_mock == "my own"

def test_nothing_is_set():
    from requests_auth_profiles import OAuth2, TokenMemoryCache
    from requests_auth_profiles._oauth2.loopback import Loopback
    assert type(OAuth2.token_cache) is TokenMemoryCache
    assert Loopback.stand_in is None
    assert not any(name.startswith("REQUESTS_AUTH_") for name in os.environ)
"""


def test_being_installed_changes_nothing(run_python: RunProgram, tmp_path: Path) -> None:
    """Tests that ask for no fixture of ours see no trace of the plugin, and their own fixtures win."""
    assert run_tests(run_python, tmp_path / "run", UNTOUCHED) == {"passed": 3}


ENDS = """
import pytest
from requests_auth_profiles import OAuth2, OAuth2Implicit, TokenMemoryCache
from requests_auth_profiles._oauth2.loopback import Loopback

SPARE = []

def test_a_tab_is_left_unopened(browser_mock):
    browser_mock.add_response("https://idp.invalid/authorize", "http://localhost:5000#access_token=a")

def test_a_tab_is_left_unchecked(browser_mock, token_cache):
    browser_mock.add_response(
        "https://idp.invalid/authorize?state=1", "http://localhost:5000#access_token=a&state=1"
    )
    import requests
    request = requests.Request("GET", "https://api.invalid").prepare()
    assert OAuth2Implicit("https://idp.invalid/authorize")(request).headers["Authorization"] == "Bearer a"

def test_another_cache_is_put_there(token_cache):
    SPARE.append(token_cache)
    token_cache.get_token("key", on_missing_token=lambda: ("key", "a-token", 3600))
    OAuth2.token_cache = TokenMemoryCache()

def test_all_is_as_before():
    assert Loopback.stand_in is None
    assert [OAuth2.token_cache] == SPARE
    with pytest.raises(Exception, match="there is no token"):
        OAuth2.token_cache.get_token("key")
"""


def test_what_holds_at_the_end_of_a_test(run_python: RunProgram, tmp_path: Path) -> None:
    """A tab that nobody looked at is an error, and the next test finds nothing of the one before."""
    assert run_tests(run_python, tmp_path / "run", ENDS) == {"passed": 4, "error": 2}


CROWD = """
import pytest
import requests
from requests_auth_profiles import OAuth2Implicit

@pytest.mark.parametrize("count", range(10))
def test_a_sign_in(browser_mock, token_cache, count):
    tab = browser_mock.add_response(
        "https://idp.invalid/authorize?state=1", "http://localhost:5000#access_token=a&state=1"
    )
    request = requests.Request("GET", "https://api.invalid").prepare()
    OAuth2Implicit("https://idp.invalid/authorize")(request)
    tab.assert_success()
"""


def test_ports_never_collide(run_python: RunProgram, tmp_path: Path) -> None:
    """Tests that sign in at the same time, in several processes, each get a port, as under pytest-xdist."""

    def run(name: str) -> int:
        return run_tests(run_python, tmp_path / name, CROWD)["passed"]

    with ThreadPoolExecutor() as threads:
        assert list(threads.map(run, ("one", "two"))) == [10, 10]


def test_without_pytest(run_python: RunProgram) -> None:
    """The servers, the browser and the tokens need no pytest, and importing loads nothing."""
    code = """
import sys
sys.modules["pytest"] = None
import requests_auth_profiles.testing as testing
assert not {"requests", "cryptography", "jwt"} & set(sys.modules)
with testing.AuthorizationServer() as server, testing.BrowserMock().in_use():
    assert testing.create_token(None)
try:
    testing.token_mock
except ImportError as error:
    print(error)
"""
    done = run_python("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert "pytest" in done.stdout


def test_dir_shows_all() -> None:
    """`dir` shows the fixtures too, so that an editor completes them."""
    from requests_auth_profiles import testing

    assert {"browser_mock", "AuthorizationServer", "create_token"} < set(dir(testing))
    with pytest.raises(AttributeError, match="no attribute 'browser_mok'"):
        _ = testing.browser_mok
