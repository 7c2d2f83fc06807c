"""Which profiles file and which profile is meant, and which files are refused before they are read."""

import os
import subprocess
from pathlib import Path

import counterparts
import profiles_file
import pytest
from profiles_file import KEY, TOKEN, written

from requests_auth_profiles._config.file import ProfilesFile, profiles_path
from requests_auth_profiles.errors import ConfigurationError, ProfileNotFound, ProfilesFileError

FILE = "REQUESTS_AUTH_PROFILES_FILE"
PROFILE = "REQUESTS_AUTH_PROFILE"
LITERAL = f'{TOKEN}token = "s3cret"\n'
THREE = "".join(
    f'[profiles.{name}]\nflow = "bearer"\ntoken = {{ env = "A" }}\n' for name in ("one", "two", "WORK")
)
unix = pytest.mark.platform("linux", "darwin")


class TestWhichFile:
    """The argument, else the environment, else the person's own; the working directory is never searched."""

    @unix
    def test_the_persons_own(self, home: Path) -> None:
        """It is in ~/.config, on macOS too."""
        assert profiles_path() == home / ".config/requests-auth/profiles.toml"

    @unix
    def test_another_folder_for_configuration(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """XDG_CONFIG_HOME replaces ~/.config."""
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
        assert profiles_path() == home / "xdg/requests-auth/profiles.toml"

    @unix
    def test_a_relative_folder_for_configuration(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It never leads into the working directory: the XDG specification calls such a value invalid."""
        monkeypatch.setenv("XDG_CONFIG_HOME", "config")
        with pytest.raises(ConfigurationError, match="XDG_CONFIG_HOME"):
            profiles_path()

    def test_the_environment(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It names a file."""
        monkeypatch.setenv(FILE, str(home / "team.toml"))
        assert profiles_path() == home / "team.toml"

    def test_an_empty_variable(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It says nothing."""
        own = profiles_path()
        monkeypatch.setenv(FILE, "")
        assert profiles_path() == own

    def test_the_argument(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It counts more than the environment."""
        monkeypatch.setenv(FILE, str(home / "team.toml"))
        assert profiles_path(home / "mine.toml") == home / "mine.toml"

    @pytest.mark.parametrize("name", ["", "a\0b", "~nobody-of-this-name/profiles.toml"])
    def test_an_argument_that_can_be_no_file(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        """It is an error, and what the environment names does not stand in."""
        monkeypatch.setenv(FILE, str(home / "team.toml"))
        with pytest.raises(ConfigurationError, match="file names no file") as caught:
            profiles_path(name)
        assert caught.value.hint == "give the whole path of the profiles file"

    def test_a_variable_that_can_be_no_file(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error names the variable."""
        monkeypatch.setenv(FILE, "~nobody-of-this-name/profiles.toml")
        with pytest.raises(ConfigurationError, match=f"{FILE} names no file"):
            profiles_path()

    def test_a_relative_name(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is made absolute at once, so that it means the same file later."""
        monkeypatch.chdir(home)
        assert profiles_path("mine.toml") == home / "mine.toml"

    def test_the_working_directory(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that stands there is not read: it may be anybody's."""
        monkeypatch.chdir(home)
        written(home, KEY)
        with pytest.raises(ProfileNotFound):
            ProfilesFile.read(profiles_path())

    def test_the_persons_own_is_not_there(self, home: Path) -> None:
        """The hint is the command that writes it."""
        with pytest.raises(ProfileNotFound, match="there is no profiles file") as caught:
            ProfilesFile.read(profiles_path())
        assert caught.value.hint == "requests-auth init"

    def test_one_that_is_named_is_not_there(self, home: Path) -> None:
        """It is an error, though the person has one; the hint is the command that writes it."""
        profiles_path().parent.mkdir(parents=True)
        written(profiles_path().parent, KEY)
        with pytest.raises(ProfileNotFound, match=r"no profiles file .*mine\.toml") as caught:
            ProfilesFile.read(profiles_path(home / "my profiles" / "mine.toml"))
        assert caught.value.hint.startswith("requests-auth init --file ")

    @unix
    def test_what_cannot_be_read(self, home: Path) -> None:
        """What the system says is told, with a command that shows more."""
        below = written(home, KEY) / "profiles.toml"
        with pytest.raises(ConfigurationError, match="Not a directory") as caught:
            ProfilesFile.read(below)
        assert caught.value.hint == f"ls -l {below}"


class TestWhichProfile:
    """The argument, else the environment, else `default_profile`, else the one named `default`."""

    @pytest.mark.parametrize(
        ("text", "variable", "argument", "name"),
        [
            (f'default_profile = "two"\n{THREE}', "WORK", "one", "one"),
            (f'default_profile = "two"\n{THREE}', "WORK", None, "WORK"),
            (f'default_profile = "two"\n{THREE}', "", None, "two"),
            (
                f'default_profile = "two"\n{THREE}{KEY}'.replace("profiles.work", "profiles.default"),
                "",
                None,
                "two",
            ),
            (KEY.replace("work", "default"), "", None, "default"),
        ],
    )
    def test_it_is_chosen(
        self,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
        text: str,
        variable: str,
        argument: str | None,
        name: str,
    ) -> None:
        """What is nearer to the call counts more; an empty variable says nothing."""
        monkeypatch.setenv(PROFILE, variable)
        assert profiles_file.read(home, text).chosen(argument) == name

    def test_none_is_named(self, home: Path) -> None:
        """The error lists the names, and how to make one the default."""
        file = profiles_file.read(home, THREE)
        with pytest.raises(ProfileNotFound, match="no profile is named, and none is the default") as caught:
            file.chosen(None)
        assert caught.value.hint == """name one of 'one', 'two', 'WORK'; or write default_profile = "one\""""

    def test_none_is_there(self, home: Path) -> None:
        """The error says where to write one."""
        file = profiles_file.read(home, "")
        with pytest.raises(ProfileNotFound) as caught:
            file.chosen(None)
        assert caught.value.hint == f"write one in {file.path}: [profiles.NAME]"

    @pytest.mark.parametrize(
        ("name", "nearest"), [("tow", "two"), ("work", "WORK"), ("Work", "WORK"), ("ones", "one")]
    )
    def test_a_name_that_is_not_there(self, home: Path, name: str, nearest: str) -> None:
        """It is an error that offers the nearest."""
        file = profiles_file.read(home, THREE)
        with pytest.raises(ProfileNotFound) as caught:
            file.chosen(name)
        assert caught.value.message == f"there is no profile {name!r} in {file.path}"
        assert caught.value.hint == f"did you mean {nearest!r}?"

    def test_a_name_that_is_like_none(self, home: Path) -> None:
        """The names are listed."""
        with pytest.raises(ProfileNotFound, match="'one', 'two', 'WORK'"):
            profiles_file.read(home, THREE).chosen("production")

    def test_many_names(self, home: Path) -> None:
        """A list of names stays readable."""
        text = "".join(f'[profiles.p{number}]\nflow = "bearer"\ntoken = "x"\n' for number in range(500))
        with pytest.raises(ProfileNotFound) as caught:
            profiles_file.read(home, text).chosen("x")
        assert caught.value.hint.endswith("'p7', …")

    @pytest.mark.parametrize("name", ["", "\x1b[31m", "\u202e", "x" * 100_000])
    def test_a_name_that_no_profile_can_have(self, home: Path, name: str) -> None:
        """The error does nothing to a terminal, and does not fill it."""
        with pytest.raises(ProfileNotFound) as caught:
            profiles_file.read(home, THREE).chosen(name)
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 100 + len(str(home)) + 64

    def test_a_variable_that_names_none(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is an error that names the variable, never the default."""
        monkeypatch.setenv(PROFILE, "tow")
        file = profiles_file.read(home, f'default_profile = "one"\n{THREE}')
        with pytest.raises(ProfileNotFound, match=f"no profile 'tow', which {PROFILE} names, in"):
            file.chosen(None)


@unix
class TestWhoMayTouchIt:
    """Who could write it could send tokens elsewhere; who can read it must find no secret."""

    @pytest.mark.parametrize("mode", [0o602, 0o620, 0o622, 0o666, 0o777], ids=oct)
    def test_others_can_write_it(self, tmp_path: Path, mode: int) -> None:
        """It is refused, and typing the hint mends that."""
        folder = tmp_path / "it's mine"
        folder.mkdir()
        path = written(folder, KEY, mode)
        with pytest.raises(ProfilesFileError) as caught:
            ProfilesFile.read(path)
        (fault,) = caught.value.faults
        assert fault.message == "can be written by others"
        subprocess.run(fault.hint, shell=True, check=True)
        assert ProfilesFile.read(path).names == ["work"]

    @pytest.mark.parametrize("mode", [0o604, 0o640, 0o644], ids=oct)
    def test_others_can_read_a_secret(self, tmp_path: Path, mode: int) -> None:
        """It is refused, with the line of the secret, and typing the hint mends that."""
        folder = tmp_path / "it's mine"
        folder.mkdir()
        path = written(folder, LITERAL, mode)
        with pytest.raises(ProfilesFileError) as caught:
            ProfilesFile.read(path)
        (fault,) = caught.value.faults
        assert (fault.line, fault.profile, fault.key) == (3, "work", "token")
        assert fault.message == "is a secret in a file that others can read"
        subprocess.run(fault.hint, shell=True, check=True)
        assert ProfilesFile.read(path).names == ["work"]

    @pytest.mark.parametrize(
        "text", [f'[store]\nkey = "s3cret"\n{KEY}', f'{KEY}[profiles.base]\npassword = "s3cret"']
    )
    def test_any_secret_counts(self, tmp_path: Path, text: str) -> None:
        """The store's key is a secret too, and one in a profile that is not finished."""
        with pytest.raises(ProfilesFileError, match="secret in a file that others can read"):
            ProfilesFile.read(written(tmp_path, text, 0o644))

    def test_others_can_read_what_is_no_secret(self, tmp_path: Path) -> None:
        """References are none, and a user's name is none."""
        text = f'{KEY}[profiles.user]\nflow = "basic"\nusername = "bob"\npassword = {{ env = "A" }}'
        assert ProfilesFile.read(written(tmp_path, text, 0o644)).names == ["work", "user"]

    def test_all_that_is_wrong_is_told_with_it(self, tmp_path: Path) -> None:
        """A secret that others can read is one fault among the others."""
        with pytest.raises(ProfilesFileError) as caught:
            ProfilesFile.read(written(tmp_path, f"xyz = 1\n{LITERAL}zyx = 1\n", 0o644))
        assert [fault.line for fault in caught.value.faults] == [1, 4, 5]

    def test_a_link_to_a_good_file(self, tmp_path: Path) -> None:
        """Dotfiles are often links: they are followed."""
        link = tmp_path / "link.toml"
        link.symlink_to(written(tmp_path, LITERAL))
        assert ProfilesFile.read(link).names == ["work"]

    @pytest.mark.parametrize(("mode", "message"), [(0o666, "can be written"), (0o644, "others can read")])
    def test_a_link_to_a_bad_file(self, tmp_path: Path, mode: int, message: str) -> None:
        """What counts is the file that it leads to."""
        link = tmp_path / "link.toml"
        link.symlink_to(written(tmp_path, LITERAL, mode))
        with pytest.raises(ProfilesFileError, match=message):
            ProfilesFile.read(link)

    def test_a_link_in_a_circle(self, tmp_path: Path) -> None:
        """It is our error."""
        link = tmp_path / "link.toml"
        link.symlink_to(link)
        with pytest.raises(ConfigurationError, match=r"link\.toml"):
            ProfilesFile.read(link)

    def test_somebody_elses(self, tmp_path: Path) -> None:
        """A file of another person is refused, as they may change it at any time."""
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        path = written(tmp_path, KEY)
        os.chown(path, counterparts.NOBODY, counterparts.NOBODY)
        with pytest.raises(ProfilesFileError, match=f"belongs to user {counterparts.NOBODY}"):
            ProfilesFile.read(path)

    def test_a_file_that_may_not_be_read(self, ordinary_user: counterparts.OrdinaryUser) -> None:
        """What the system says is told, with a command that shows more."""
        script = "from requests_auth_profiles import profile\nprofile('x', file='locked.toml')"
        (ordinary_user.folder / "locked.toml").write_text(KEY)
        (ordinary_user.folder / "locked.toml").chmod(0)
        said = ordinary_user.run_python("-c", script).stderr
        assert "ConfigurationError: cannot read" in said
        assert "Permission denied\n  hint: ls -l " in said


@unix
class TestWhatIsNoFile:
    """Whatever stands in its place neither holds us up nor fills the memory."""

    def test_a_pipe(self, tmp_path: Path) -> None:
        """Nobody ever writes to it, and it is refused at once."""
        os.mkfifo(tmp_path / "profiles.toml", 0o600)
        with pytest.raises(ProfilesFileError, match="is not a regular file"):
            ProfilesFile.read(tmp_path / "profiles.toml")

    def test_a_device(self) -> None:
        """One that never ends is refused at once."""
        with pytest.raises(ProfilesFileError, match="is not a regular file"):
            ProfilesFile.read(Path("/dev/zero"))

    def test_a_folder(self, tmp_path: Path) -> None:
        """The hint asks for a file, and moves nobody's folder away."""
        with pytest.raises(ProfilesFileError, match="is not a regular file") as caught:
            ProfilesFile.read(tmp_path)
        assert caught.value.faults[0].hint == "name a file; this is a folder"

    def test_a_huge_file(self, tmp_path: Path) -> None:
        """Of a file of a terabyte no more is read than any profiles file has."""
        path = written(tmp_path, KEY)
        os.truncate(path, 1 << 40)
        with pytest.raises(ProfilesFileError, match="is larger than 16,777,216 bytes"):
            ProfilesFile.read(path)


@pytest.mark.platform("win32")
def test_the_persons_own_on_windows(home: Path) -> None:
    """It is in %APPDATA%."""
    assert profiles_path() == home / "AppData/Roaming/requests-auth/profiles.toml"
