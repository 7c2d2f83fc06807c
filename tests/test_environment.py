"""What the environment says: whether it is CI, whether a person can be asked, and where folders are."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RunProgram
from platformdirs.windows import Windows

from requests_auth_profiles import profile
from requests_auth_profiles._config import environment
from requests_auth_profiles.errors import ConfigurationError, ProfileNotFound

CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "BUILDKITE", "JENKINS_URL", "TEAMCITY_VERSION")
Folder = Callable[[], Path]
FOLDERS: dict[str, Folder] = {
    "XDG_CONFIG_HOME": environment.config_folder,
    "XDG_STATE_HOME": environment.state_folder,
    "XDG_DATA_HOME": environment.data_folder,
}
unix = pytest.mark.platform("linux", "darwin")
each_folder = pytest.mark.parametrize(("variable", "folder"), FOLDERS.items(), ids=FOLDERS)


@pytest.fixture(autouse=True)
def clean(home: Path) -> None:
    """Every test begins where no variable says anything."""


class TestCI:
    """Where programs run without a person."""

    @pytest.mark.parametrize("name", CI)
    def test_one_variable_is_enough(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """Each of them alone tells that this is CI, and that nobody can be asked."""
        monkeypatch.setenv(name, "https://ci.example/" if name.endswith("URL") else "true")
        assert (environment.in_ci(), environment.interactive()) == (True, False)

    @pytest.mark.parametrize("value", ["1", "True", "woodpecker", " "])
    def test_any_value_counts(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """Servers write what they like into it."""
        monkeypatch.setenv("CI", value)
        assert environment.in_ci()

    @pytest.mark.parametrize("value", ["", "0", "false", "False", "FALSE", "no", "No"])
    def test_a_value_that_says_no(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """A variable that is empty, 0, false or no is as if it were not there."""
        for name in CI:
            monkeypatch.setenv(name, value)
        assert (environment.in_ci(), environment.interactive()) == (False, True)

    def test_one_that_says_no_beside_one_that_says_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A no does not take back what another variable tells."""
        monkeypatch.setenv("CI", "false")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        assert environment.in_ci()

    def test_nothing_is_set(self) -> None:
        """A person's own machine is not CI."""
        assert (environment.in_ci(), environment.interactive()) == (False, True)


class TestInteractive:
    """REQUESTS_AUTH_INTERACTIVE counts before all else."""

    @pytest.mark.parametrize("ci", ["true", "false"])
    @pytest.mark.parametrize("said", ["0", "1"])
    def test_it_counts(self, monkeypatch: pytest.MonkeyPatch, ci: str, said: str) -> None:
        """0 and 1 hold in CI and elsewhere."""
        monkeypatch.setenv("CI", ci)
        monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", said)
        assert environment.interactive() is (said == "1")

    @pytest.mark.parametrize(("ci", "can"), [("true", False), ("false", True)])
    def test_empty_says_nothing(self, monkeypatch: pytest.MonkeyPatch, ci: str, can: bool) -> None:
        """An empty variable is one that is not set."""
        monkeypatch.setenv("CI", ci)
        monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", "")
        assert environment.interactive() is can

    @pytest.mark.parametrize("said", ["true", "yes", "2", "00", "01", " 1", "s3cret"])
    def test_anything_else(self, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
        """It is an error that names the variable and what to type, and not the value."""
        monkeypatch.setenv("REQUESTS_AUTH_INTERACTIVE", said)
        with pytest.raises(ConfigurationError) as caught:
            environment.interactive()
        assert caught.value.message == "REQUESTS_AUTH_INTERACTIVE is neither 0 nor 1"
        assert caught.value.hint == "export REQUESTS_AUTH_INTERACTIVE=0"


class TestFolders:
    """Where a person's files are."""

    @unix
    def test_without_a_word(self, home: Path) -> None:
        """They are in the places that XDG names, on macOS too."""
        assert [folder() for folder in FOLDERS.values()] == [
            home / ".config/requests-auth",
            home / ".local/state/requests-auth",
            home / ".local/share/requests-auth",
        ]

    @unix
    @each_folder
    def test_a_variable(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, folder: Folder
    ) -> None:
        """An absolute path in its variable counts, and moves that folder alone."""
        before = [each() for each in FOLDERS.values()]
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
        assert folder() == tmp_path / "elsewhere/requests-auth"
        assert [each() for each in FOLDERS.values() if each is not folder] == [
            path for each, path in zip(FOLDERS.values(), before, strict=True) if each is not folder
        ]

    @unix
    @each_folder
    def test_an_empty_variable(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, folder
    ) -> None:
        """It is one that is not set (XDG Base Directory Specification)."""
        before = folder()
        monkeypatch.setenv(variable, "")
        assert folder() == before

    @unix
    @each_folder
    @pytest.mark.parametrize("value", ["config", "./config", "../config", "~/config", "."])
    def test_a_relative_path(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, folder: Folder, value: str
    ) -> None:
        """It is an error that names the variable: the working directory is anybody's."""
        monkeypatch.setenv(variable, value)
        with pytest.raises(ConfigurationError, match=f"^{variable} names no folder") as caught:
            folder()
        assert caught.value.hint == f"export {variable}=/…"

    @unix
    @each_folder
    def test_a_relative_home(self, monkeypatch: pytest.MonkeyPatch, variable: str, folder: Folder) -> None:
        """Where HOME is relative, HOME is what is named."""
        monkeypatch.setenv("HOME", "home")
        with pytest.raises(ConfigurationError, match=r"^HOME names no folder: home is not an absolute path"):
            folder()

    @unix
    @each_folder
    def test_an_absolute_variable_beside_a_relative_home(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, folder: Folder
    ) -> None:
        """Where the variable counts, HOME does not matter."""
        monkeypatch.setenv("HOME", "home")
        monkeypatch.setenv(variable, str(tmp_path))
        assert folder() == tmp_path / "requests-auth"

    @unix
    @pytest.mark.parametrize("home", [None, ""])
    def test_no_home_in_the_environment(self, monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
        """Where HOME is not set or empty, a folder is never in the working directory."""
        monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
        assert environment.config_folder().is_absolute()

    @unix
    def test_somebody_without_a_home(self, monkeypatch: pytest.MonkeyPatch, run_python: RunProgram) -> None:
        """Who is in no list of users, as in many containers, is told to set HOME, and still gets a token."""
        script = """
import os, sys
from pathlib import Path
from requests_auth_profiles import profile
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.layers import Layers
from requests_auth_profiles.errors import ConfigurationError
import platformdirs.unix, requests_auth_profiles.stores.keys
file = ProfilesFile(Path("/nowhere"), Layers(), {})
if os.getuid() == 0:  # else it must do without
    os.setuid(54321)
    del os.environ["HOME"]
else:
    os.environ["HOME"] = "home"
try:
    profile("work")
except ConfigurationError as error:
    print(error.message.partition(":")[0])
print(type(Builder(file).store).__name__)
"""
        done = run_python("-c", script)
        assert done.stdout == "HOME names no folder\nMemoryStore\n", done.stderr
        assert done.stderr.count("no place for a token store") == 1

    @pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
    def test_of_unix(self, home: Path, platform: str) -> None:
        """Every Unix has them in the same places."""
        folders = environment.folders(platform)
        assert Path(folders.user_config_dir) == Path("~/.config/requests-auth").expanduser()
        assert Path(folders.user_state_dir) == Path("~/.local/state/requests-auth").expanduser()

    @pytest.mark.parametrize("roaming", [False, True])
    def test_of_windows(self, roaming: bool) -> None:
        """Windows has them below %APPDATA% or %LOCALAPPDATA%, without a folder for an author."""
        folders = environment.folders("win32", roaming=roaming)
        assert isinstance(folders, Windows)
        assert (folders.appname, folders.appauthor, folders.roaming) == ("requests-auth", False, roaming)

    @pytest.mark.platform("win32")
    def test_on_windows(self) -> None:
        """The profiles file is with what roams, tokens and keys with what does not."""
        roaming, local = (Path(os.environ[name]) / "requests-auth" for name in ("APPDATA", "LOCALAPPDATA"))
        assert [folder() for folder in FOLDERS.values()] == [roaming, local, local]


@unix
def test_a_relative_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profiles file in the working directory is not found by way of a relative XDG_CONFIG_HOME."""
    trap = tmp_path / "config/requests-auth/profiles.toml"
    trap.parent.mkdir(parents=True)
    trap.write_text('[profiles.default]\nflow = "api-key"\napi_key = "trap"\n')
    trap.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")
    with pytest.raises(ConfigurationError, match="XDG_CONFIG_HOME"):
        profile()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ProfileNotFound):
        profile()


class TestExpanded:
    """The path that a name means."""

    @pytest.mark.parametrize("name", ["~", "~/a b", "/a", "a/~", "a", "a/../~b"])
    def test_a_path(self, home: Path, name: str) -> None:
        """A `~` at the start is the home folder, and all else stays as it is."""
        expected = name.replace("~", str(home), 1) if name.startswith("~") else name
        assert environment.expanded(name) == environment.expanded(Path(name)) == Path(expected)

    @pytest.mark.parametrize("name", ["", "~nobody-of-that-name/a", "a\0b"])
    def test_no_path(self, name: str) -> None:
        """What can be no path is None, not an error of the system."""
        assert environment.expanded(name) is None

    @unix
    @pytest.mark.parametrize("home", ["~", "home", "."])
    def test_a_relative_home(self, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
        """A home that would lead to the working directory is none."""
        monkeypatch.setenv("HOME", home)
        assert environment.expanded("~/a") is None
