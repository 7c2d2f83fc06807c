"""`profile()`: which file and profile is meant, one object while nothing changed, and what it does not do."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from conftest import RunProgram

import requests_auth_profiles
from requests_auth_profiles import profile
from requests_auth_profiles.errors import (
    ConfigurationError,
    ProfileNotFound,
    ProfilesFileError,
    SecretUnavailable,
)

PROFILES = """
default_profile = "key"

[profiles.key]
flow = "api-key"
api_key = "{key}"

[profiles.other]
flow = "bearer"
token = {{ env = "NOT_SET" }}

[profiles.nightly]
flow = "client-credentials"
token_url = "https://login.acme.com/token"
client_id = "nightly"
client_secret = {{ file = "/nowhere/secret" }}

[profiles.person]
flow = "authorization-code-pkce"
issuer = "https://login.acme.com"
client_id = "person"

[profiles.both]
compose = ["key", "nightly"]
"""


def write(path: Path, key: str = "k3y") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PROFILES.format(key=key))
    path.chmod(0o600)
    return path


def sent(name: str | None = None, **where: Path | str) -> str | bytes:
    """The key that a profile puts on a request."""
    auth = profile(name, **where)
    return requests.Request("GET", "https://api.acme.com/", auth=auth).prepare().headers["X-API-Key"]


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profiles file that REQUESTS_AUTH_PROFILES_FILE names."""
    path = write(home / "profiles.toml")
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    return path


class TestWhichFile:
    """The argument, else the environment, else the person's own; one that is named must be there."""

    @pytest.fixture(autouse=True)
    def own(self, home: Path) -> Path:
        """The person's own file."""
        return write(home / ".config/requests-auth/profiles.toml", "own")

    def test_the_persons_own(self) -> None:
        """Where nothing is said, it is the one in the person's configuration folder."""
        assert sent() == "own"

    def test_the_environment_before_the_persons_own(self, file: Path) -> None:
        """REQUESTS_AUTH_PROFILES_FILE counts."""
        assert sent() == "k3y"

    @pytest.mark.parametrize("kind", [str, Path])
    def test_the_argument_before_the_environment(self, file: Path, tmp_path: Path, kind: type) -> None:
        """`file=` counts most, as text or as a path."""
        assert sent(file=kind(write(tmp_path / "mine.toml", "mine"))) == "mine"

    def test_a_tilde(self, home: Path) -> None:
        """`~` is the person's home, which a shell would not expand behind the equals sign."""
        write(home / "mine.toml", "mine")
        assert sent(file="~/mine.toml") == "mine"

    def test_a_relative_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name is looked up from the working directory of each call."""
        for folder in ("one", "two"):
            write(tmp_path / folder / "mine.toml", folder)
        seen = []
        for folder in ("one", "two", "one"):
            monkeypatch.chdir(tmp_path / folder)
            seen.append(sent(file="mine.toml"))
        assert seen == ["one", "two", "one"]

    def test_another_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment is looked at in each call."""
        assert sent() == "own"
        write(tmp_path / "elsewhere/requests-auth/profiles.toml", "elsewhere")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
        assert sent() == "elsewhere"

    @pytest.mark.parametrize("how", ["argument", "environment"])
    def test_one_that_is_named_and_not_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """It is an error that names it; the person's own file does not stand in."""
        missing = tmp_path / "missing.toml"
        if how == "environment":
            monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(missing))
        with pytest.raises(ProfileNotFound, match=r"missing\.toml"):
            profile("key", file=missing if how == "argument" else None)

    def test_the_working_directory_is_not_searched(
        self, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A profiles.toml in a checkout of somebody else's is not read."""
        write(tmp_path / "profiles.toml", "trap")
        monkeypatch.chdir(tmp_path)
        assert sent() == "own"


class TestWhichProfile:
    """The argument, else the environment, else `default_profile`, else `default`."""

    @pytest.mark.parametrize(
        ("argument", "variable", "name"),
        [(None, None, "key"), (None, "other", "other"), ("nightly", "other", "nightly"), (None, "", "key")],
    )
    def test_it_is_chosen(
        self,
        file: Path,
        monkeypatch: pytest.MonkeyPatch,
        argument: str | None,
        variable: str | None,
        name: str,
    ) -> None:
        """An empty variable says nothing."""
        if variable is not None:
            monkeypatch.setenv("REQUESTS_AUTH_PROFILE", variable)
        assert profile(argument).name == name

    def test_a_name_that_is_not_there(self, file: Path) -> None:
        """It is an error that offers the nearest one."""
        with pytest.raises(ProfileNotFound, match="did you mean 'nightly'"):
            profile("nihgtly")

    def test_a_variable_that_names_none(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is an error, never the default, also where that was used before."""
        profile()
        monkeypatch.setenv("REQUESTS_AUTH_PROFILE", "prod")
        with pytest.raises(ProfileNotFound, match="REQUESTS_AUTH_PROFILE"):
            profile()


class TestTheSameObject:
    """While nothing changed, a profile is one object, with one token in memory."""

    def test_called_again(self, file: Path) -> None:
        """However it is named, the object is the same."""
        assert profile() is profile("key") is profile("key", file=file) is profile(file=str(file))

    def test_as_a_member(self, file: Path) -> None:
        """A composition asks the members' own sources, so that a token is won once for both."""
        (nightly,) = [member for member in profile("both").members if member.name == "nightly"]
        assert nightly.credential is profile("nightly").credential

    def test_written_anew_with_the_same_text(self, file: Path) -> None:
        """Another time stamp, or another file with the same text, is no change."""
        before = profile()
        os.utime(file, (1, 1))
        assert profile() is before
        again = write(file.with_name("again"))
        again.replace(file)
        assert profile() is before

    def test_for_threads_that_come_first(self, file: Path) -> None:
        """Thirty-two threads that call it first at once get one object for each profile."""
        barrier = threading.Barrier(32)

        def call(number: int) -> tuple[str, int]:
            name = ["key", "other", "nightly", "both"][number % 4]
            barrier.wait(timeout=30)
            return name, id(profile(name))

        with ThreadPoolExecutor(32) as pool:
            assert len(set(pool.map(call, range(32)))) == 4

    @pytest.mark.platform("linux", "darwin")
    def test_in_a_child_that_was_forked_while_a_thread_read(self, file: Path, run_python: RunProgram) -> None:
        """A lock that another thread held when the process was forked does not stop the child."""
        script = """
import faulthandler, os, sys, threading
from requests_auth_profiles import profile
from requests_auth_profiles._build.builder import making

with making():  # as a thread holds it that reads a file
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(20, exit=True)
        thread = threading.Thread(target=lambda: print(profile("key").name, flush=True))
        thread.start()
        thread.join()
        os._exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
        done = run_python("-c", script)
        assert (done.stdout, done.returncode) == ("key\n", 0), done.stderr


class TestAChangedFile:
    """A change is seen by the next call, whichever way it was made."""

    def test_written_in_place(self, file: Path) -> None:
        """Also many times within a tick of the clock that stamps files, with text of the same length."""
        seen = []
        for number in range(100, 200):
            file.write_text(PROFILES.format(key=number))
            seen.append(sent())
        assert seen == [str(number) for number in range(100, 200)]

    def test_put_in_its_place(self, file: Path) -> None:
        """As editors do it."""
        assert sent() == "k3y"
        write(file.with_name("new"), "new").replace(file)
        assert sent() == "new"

    @pytest.mark.platform("linux", "darwin")
    def test_a_link_that_leads_elsewhere(self, file: Path, tmp_path: Path) -> None:
        """As cluster software does it."""
        link = tmp_path / "link.toml"
        link.symlink_to(file)
        assert sent(file=link) == "k3y"
        link.unlink()
        link.symlink_to(write(tmp_path / "new.toml", "new"))
        assert sent(file=link) == "new"

    def test_gone_wrong_and_mended(self, file: Path) -> None:
        """A file that is gone or broken is its own error each time, and works again when it is mended."""
        before = profile()
        for _ in range(2):
            file.rename(file.with_name("away"))
            for _ in range(2):
                with pytest.raises(ProfileNotFound):
                    profile()
            file.with_name("away").rename(file)
            assert profile().name == "key"
        text = file.read_text()
        file.write_text(text + "[profiles.key]\n")
        for _ in range(2):
            with pytest.raises(ProfilesFileError):
                profile()
        file.write_text(text)
        assert profile() is before

    @pytest.mark.platform("linux", "darwin")
    def test_opened_to_others(self, file: Path) -> None:
        """A change of its mode alone is seen: a secret that others can read is refused from then on."""
        profile()
        file.chmod(0o644)
        with pytest.raises(ProfilesFileError, match="chmod 600"):
            profile()
        file.chmod(0o600)
        assert profile().name == "key"

    def test_a_profile_that_was_removed(self, file: Path) -> None:
        """What was given for it before is not given again."""
        profile("other")
        file.write_text('[profiles.key]\nflow = "api-key"\napi_key = "k3y"\n')
        with pytest.raises(ProfileNotFound):
            profile("other")


class TestReadingIsAllItDoes:
    """No secret, no key, no network, no import that a profile does not need."""

    def test_secrets_that_are_not_there(self, file: Path) -> None:
        """They are missed when a request is made, not before."""
        auth = profile("other")
        with pytest.raises(SecretUnavailable, match="NOT_SET"):
            auth.token()

    @pytest.mark.parametrize("name", ["key", "other", "nightly", "person", "both"])
    def test_nothing_is_written_or_called(
        self, file: Path, home: Path, run_python: RunProgram, name: str
    ) -> None:
        """No folder, no key and no lock is made, no socket opened, and nothing heavy imported."""
        script = f"""
import json, sys
import requests
heavy = {{"cryptography", "jwt", "filelock", "rich", "click", "keyring", "redis", "platformdirs", "tomli_w",
          "webbrowser", "asyncio", "requests_ntlm"}}
before = heavy & set(sys.modules)
sockets = []
sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith("socket.") else None)
from requests_auth_profiles import profile
auth = profile({name!r})
print(json.dumps([auth.name, sorted(heavy & set(sys.modules) - before), sockets, repr(auth)]))
"""
        there = sorted(home.rglob("*"))
        done = run_python("-c", script)
        said, imported, sockets, _ = json.loads(done.stdout or f'["{done.stderr!r}", [], [], ""]')
        assert (said, sockets, sorted(home.rglob("*"))) == (name, [], there)
        # Where the tokens live is worked out for those profiles that have one.
        assert set(imported) <= ({"platformdirs"} if name in {"nightly", "person", "both"} else set())

    def test_importing_the_package_is_next_to_nothing(self, run_python: RunProgram) -> None:
        """Beside requests itself it imports not one module more."""
        script = """
import sys
import requests
before = set(sys.modules)
import requests_auth_profiles
print(sorted(set(sys.modules) - before))
"""
        assert run_python("-c", script).stdout == "['requests_auth_profiles']\n"

    def test_importing_the_package_does_not_import_requests(self, run_python: RunProgram) -> None:
        """A program that only asks for the version pays for nothing."""
        script = """
import sys
import requests_auth_profiles
print(requests_auth_profiles.__version__, "requests" in sys.modules)
"""
        assert run_python("-c", script).stdout == f"{requests_auth_profiles.__version__} False\n"


def test_a_name_that_no_file_can_have(home: Path) -> None:
    """A NUL in a path is our error, as any other name that leads nowhere."""
    with pytest.raises(ConfigurationError):
        profile("key", file=f"{home}/profiles\0.toml")


def test_a_wrong_kind_of_file(file: Path, tmp_path: Path) -> None:
    """A folder in its place is our error, with a hint."""
    with pytest.raises(ConfigurationError) as caught:
        profile("key", file=tmp_path)
    assert str(tmp_path) in caught.value.message


def test_parentheses_that_were_forgotten() -> None:
    """`auth=profile` is an error that shows what is missing."""
    with pytest.raises(ConfigurationError, match=r"write auth=profile\(\), with parentheses"):
        requests.get("https://api.acme.com/", auth=profile, timeout=10)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "hint"), [(Path("x.toml"), "write profile(file=…)"), (b"work", 'profile("work-okta")')]
)
def test_a_name_that_is_no_text(name: object, hint: str) -> None:
    """A path or bytes in place of the name are an error that shows what to write."""
    with pytest.raises(ConfigurationError) as caught:
        profile(name)  # type: ignore[arg-type]
    assert caught.value.hint == hint
