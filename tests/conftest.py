"""Fixtures and rules for all tests: real counterparts, a HOME of one's own, and no test skipped unnoticed."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import counterparts
import httpx_clients
import pytest
import redis_servers

# What a person's own session or a CI server sets, and what would change how the package behaves.
FOREIGN_PREFIXES = ("XDG_", "REQUESTS_AUTH_")
FOREIGN_VARIABLES = (
    "BUILDKITE",
    "CI",
    "CIRCLECI",
    "DBUS_SESSION_BUS_ADDRESS",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "TF_BUILD",
)
ELSEWHERE = ("elsewhere", True)
RunProgram = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="session")
def oidc_provider() -> Iterator[counterparts.Provider]:
    """A running OpenID Provider, one for all tests: compare its counts before and after."""
    with counterparts.running_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_servers.RedisServer]:
    """A running Redis server, one for all tests: take a prefix of your own."""
    with redis_servers.running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def browser_command() -> str:
    """A value for BROWSER that signs in as alice and blocks until the browser has ended."""
    return counterparts.browser_command()


@pytest.fixture(scope="session")
def background_browser_command() -> str:
    """A value for BROWSER that signs in as alice and returns at once."""
    return counterparts.browser_command(background=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh HOME in an environment that neither a CI server nor a person's own settings reach."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    for name in os.environ:
        if name in FOREIGN_VARIABLES or name.startswith(FOREIGN_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # not the person's own
    if "keyring" in sys.modules:  # where a test has set one
        sys.modules["keyring"].set_keyring(sys.modules["keyring.backends.fail"].Keyring())
    if sys.platform == "win32":
        monkeypatch.setenv("USERPROFILE", str(folder))
        monkeypatch.setenv("APPDATA", str(folder / "AppData/Roaming"))
        monkeypatch.setenv("LOCALAPPDATA", str(folder / "AppData/Local"))
    return folder


@pytest.fixture
def run_python(home: Path) -> RunProgram:
    """Run Python in the environment of `home`: `run_python("-c", "print(1)").stdout`."""
    return partial(counterparts.run, sys.executable)


@pytest.fixture
def run_cli(run_python: RunProgram) -> RunProgram:
    """Run the command line in the environment of `home`: `run_cli("list", "--json").stdout`."""
    return partial(run_python, "-m", "requests_auth_profiles")


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> RunProgram:
    """Run the command line in this process, without a terminal: `cli("list", "--json").stdout`."""
    from requests_auth_profiles.cli import run

    def called(*words: str) -> CompletedProcess[str]:
        return CompletedProcess(words, run(words), *capsys.readouterr())

    return called


@pytest.fixture(params=httpx_clients.KINDS)
def call(request: pytest.FixtureRequest) -> httpx_clients.Call:
    """A client of httpx, of each kind; see `caller`."""
    return httpx_clients.caller(request.param)


@pytest.fixture
def no_more_threads() -> Iterator[None]:
    """A process that can start no more threads: none has room for a stack of this size."""
    before = threading.stack_size(1 << 46)
    yield
    threading.stack_size(before)


@pytest.fixture
def ordinary_user() -> Iterator[counterparts.OrdinaryUser]:
    """Someone whom file modes bind, unlike root: `nobody` where the tests run as root."""
    with counterparts.ordinary_user() as user:
        yield user


class Completeness:
    """Makes a run fail where it skipped a test that this operating system could have run."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Keep the name of what was skipped; what was expected to fail, or is for elsewhere, was not."""
        excused = hasattr(report, "wasxfail") or ELSEWHERE in getattr(report, "user_properties", ())
        if report.skipped and not excused:
            self.skipped.append(report.nodeid)

    pytest_runtest_logreport = note
    pytest_collectreport = note

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let the exit status tell of skipped tests where nothing worse did."""
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the skipped tests."""
        if self.skipped:
            terminalreporter.section("skipped, though REQUESTS_AUTH_TESTS_COMPLETE=1 allows none", red=True)
            terminalreporter.write_line("\n".join(self.skipped))


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, look for skipped tests where none may be, and be a run that Ctrl-C ends."""
    config.addinivalue_line("markers", "platform(*names): run only where sys.platform is one of these")
    if os.environ.get("REQUESTS_AUTH_TESTS_COMPLETE") == "1":
        config.pluginmanager.register(Completeness())
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `&` has it ignored, by our children too
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is meant for another operating system."""
    for item in items:
        marker = item.get_closest_marker("platform")
        if marker and sys.platform not in marker.args:
            item.add_marker(pytest.mark.skip(reason=f"only for {', '.join(marker.args)}"))
            item.user_properties.append(ELSEWHERE)
