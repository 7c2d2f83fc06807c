"""Several files: the site's under the person's own, and those that a file includes."""

import os
import sys
from pathlib import Path
from types import FrameType

import pytest
import requests
from profiles_file import MARK, marked

from requests_auth_profiles import profile
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.layers import Layers
from requests_auth_profiles._config.lines import lines
from requests_auth_profiles.errors import Fault, ProfileNotFound, ProfilesFileError

OLD = 1_700_000_000


def key(name: str, value: str, more: str = "") -> str:
    """A profile with an API key."""
    return f'[profiles.{name}]\nflow = "api-key"\napi_key = "{value}"\n{more}\n'


def write(path: Path, text: str) -> Path:
    """A file that only its owner reads, and that is long there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    os.utime(path, (OLD, OLD))
    return path


@pytest.fixture
def own(home: Path) -> Path:
    """Where the person's own file is."""
    return home / ".config/requests-auth/profiles.toml"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the site's file is."""
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    return tmp_path / "xdg/requests-auth/profiles.toml"


def sent(name: str | None = None, file: Path | None = None) -> str | bytes:
    """The key that a profile puts on a request."""
    auth = profile(name, file=file)
    return requests.Request("GET", "https://api.acme.com/", auth=auth).prepare().headers["X-API-Key"]


def faults(path: Path) -> tuple[Fault, ...]:
    """All that is wrong with a file and those below it."""
    with pytest.raises(ProfilesFileError) as caught:
        ProfilesFile.read(path)
    return caught.value.faults


@pytest.mark.platform("linux", "darwin")
class TestSite:
    """The file for everybody on a machine."""

    def test_a_template_that_nobody_extends(self, own: Path, site: Path) -> None:
        """A profile of the site's that is there to be extended is no fault of anybody's file."""
        write(site, '[profiles.base]\nprovider = "okta"\n')
        write(own, key("work", "mine"))
        assert sent("work") == "mine"
        with pytest.raises(ProfilesFileError, match="has no flow"):
            profile("base")

    def test_both(self, own: Path, site: Path) -> None:
        """A profile of the person's own file counts, whole; what only the site's has holds too."""
        write(site, key("work", "site", 'name = "X-Site"') + key("gate", "gate"))
        write(own, key("work", "own"))
        assert [sent("work"), sent("gate")] == ["own", "gate"]

    def test_alone(self, own: Path, site: Path) -> None:
        """A person without a file of their own has the site's profiles."""
        write(site, 'default_profile = "gate"\n' + key("gate", "gate"))
        assert sent() == "gate"

    def test_the_default(self, own: Path, site: Path) -> None:
        """The person's own default counts."""
        write(site, 'default_profile = "gate"\n' + key("gate", "gate"))
        write(own, 'default_profile = "work"\n' + key("work", "own"))
        assert sent() == "own"

    def test_a_file_that_is_named(self, own: Path, site: Path, tmp_path: Path) -> None:
        """It stands alone, even if it is the person's own."""
        write(site, key("gate", "gate"))
        write(own, key("work", "own"))
        with pytest.raises(ProfileNotFound, match="no profile 'gate'"):
            sent("gate", own)

    def test_neither(self, own: Path, site: Path) -> None:
        """Where none is there, the person's own is what is missing."""
        with pytest.raises(ProfileNotFound, match="profiles file") as caught:
            sent("work")
        assert str(own) in caught.value.message

    def test_a_parent_there(self, own: Path, site: Path) -> None:
        """A profile may extend one of the site's."""
        write(site, key("gate", "gate"))
        write(own, '[profiles.mine]\nextends = "gate"\nname = "X-API-Key"\n')
        assert sent("mine") == "gate"

    def test_a_fault_there(self, own: Path, site: Path) -> None:
        """It is told with the file that it stands in."""
        write(site, 'nonsense = 1\n[profiles.x]\nflow = "api-kee"\n')
        write(own, key("work", "own"))
        with pytest.raises(ProfilesFileError) as caught:
            sent("work")
        assert [(one.file, one.line) for one in caught.value.faults] == [(str(site), 1), (str(site), 3)]
        assert f"{site}:3: profile 'x', flow: is not one of" in caught.value.message

    def test_a_change_there(self, own: Path, site: Path) -> None:
        """It is seen by the next call."""
        write(own, key("work", "own"))
        write(site, key("gate", "one"))
        before = profile("gate")
        assert profile("gate") is before
        write(site, key("gate", "three"))
        assert sent("gate") == "three"

    def test_a_secret_that_others_read(self, own: Path, site: Path) -> None:
        """It is a fault of the file that it stands in."""
        write(own, key("work", "own"))
        write(site, key("gate", "gate")).chmod(0o644)
        with pytest.raises(ProfilesFileError, match=r"profile 'gate', api_key: is a secret") as caught:
            sent("work")
        assert caught.value.faults[0].hint == f"chmod 600 {site}"


class TestInclude:
    """A team's file under one's own."""

    def test_a_teams_profile(self, tmp_path: Path) -> None:
        """A profile of the team holds where one's own file has none of that name."""
        write(tmp_path / "team/team.toml", key("work", "team") + key("gate", "gate"))
        file = write(tmp_path / "mine.toml", 'include = ["team/team.toml"]\n' + key("work", "own"))
        assert [sent("work", file), sent("gate", file)] == ["own", "gate"]

    def test_the_first_counts(self, tmp_path: Path) -> None:
        """Of two files that have a profile, the one that is named first."""
        for name in ("one", "two"):
            write(tmp_path / f"{name}.toml", key("work", name))
        file = write(tmp_path / "mine.toml", 'include = ["two.toml", "one.toml"]\n')
        assert sent("work", file) == "two"

    def test_one_that_includes(self, tmp_path: Path) -> None:
        """An included file includes others, from beside itself."""
        write(tmp_path / "a/b/c.toml", key("work", "deep"))
        write(tmp_path / "a/b.toml", 'include = ["b/c.toml"]\n')
        assert sent("work", write(tmp_path / "mine.toml", 'include = ["a/b.toml"]\n')) == "deep"

    def test_a_secret_file_beside_it(self, tmp_path: Path) -> None:
        """A relative name in it is beside it, not beside the file that includes it."""
        write(tmp_path / "team/key.txt", "k3y")
        text = '[profiles.work]\nflow = "api-key"\napi_key = { file = "key.txt" }\n'
        write(tmp_path / "team/team.toml", text)
        assert sent("work", write(tmp_path / "mine.toml", 'include = ["team/team.toml"]\n')) == "k3y"

    def test_twice(self, tmp_path: Path) -> None:
        """A file that is reached by two ways is there once."""
        write(tmp_path / "base.toml", key("work", "base"))
        for name in ("a", "b"):
            write(tmp_path / f"{name}.toml", 'include = ["base.toml"]\n')
        assert sent("work", write(tmp_path / "mine.toml", 'include = ["a.toml", "b.toml"]\n')) == "base"

    def test_a_circle(self, tmp_path: Path) -> None:
        """It is a fault, with the file and the line that closes it."""
        other = write(tmp_path / "other.toml", f'include = [\n  "mine.toml", {MARK}\n]\n')
        write(tmp_path / "mine.toml", 'include = ["other.toml"]\n')
        (fault,) = faults(tmp_path / "mine.toml")
        assert (fault.file, fault.line, fault.key) == (str(other), *marked(other.read_text()), "include.0")
        assert "goes round in a circle" in fault.message

    def test_a_file_that_includes_itself(self, tmp_path: Path) -> None:
        """That is a circle too, whatever link it goes by."""
        (tmp_path / "link.toml").symlink_to("mine.toml")
        (fault,) = faults(write(tmp_path / "mine.toml", 'include = ["link.toml"]\n'))
        assert "goes round in a circle" in fault.message

    def test_a_missing_one(self, tmp_path: Path) -> None:
        """It is a fault that names it, and what it would have said is not missed besides."""
        (fault,) = faults(write(tmp_path / "mine.toml", 'include = ["x.toml"]\ndefault_profile = "work"\n'))
        assert (fault.key, fault.line) == ("include.0", 1)
        assert fault.message == f"names {tmp_path / 'x.toml'}, which is not there"

    @pytest.mark.parametrize("line", ['default_profile = "work"', "[store]"])
    def test_what_is_for_the_first_file_only(self, tmp_path: Path, line: str) -> None:
        """An included file says neither which profile is meant nor where tokens are."""
        team = write(tmp_path / "team.toml", f"{line} {MARK}\n" + key("work", "team"))
        (fault,) = faults(write(tmp_path / "mine.toml", 'include = ["team.toml"]\n'))
        assert (fault.file, [fault.line]) == (str(team), marked(team.read_text()))
        assert "not for a file that others include" in fault.message

    def test_faults_of_all(self, tmp_path: Path) -> None:
        """All are told at once, each with its file."""
        team = write(tmp_path / "team.toml", "a = 1\n" + key("gate", "x", "b = 2"))
        mine = write(tmp_path / "mine.toml", 'include = ["team.toml"]\n' + key("work", "x", "c = 3"))
        assert [(one.file, one.key) for one in faults(mine)] == [
            (str(mine), "c"),
            (str(team), "a"),
            (str(team), "b"),
        ]

    @pytest.mark.platform("linux", "darwin")
    def test_one_that_others_can_write(self, tmp_path: Path) -> None:
        """It is refused, as any profiles file is."""
        team = write(tmp_path / "team.toml", key("work", "team"))
        team.chmod(0o666)
        (fault,) = faults(write(tmp_path / "mine.toml", 'include = ["team.toml"]\n'))
        assert (fault.file, "can be changed by others" in fault.message or "chmod" in fault.hint) == (
            str(team),
            True,
        )

    def test_names_that_differ_in_case(self, tmp_path: Path) -> None:
        """They are one name to a token store, in two files as in one."""
        write(tmp_path / "team.toml", key("Work", "team"))
        (fault,) = faults(write(tmp_path / "mine.toml", 'include = ["team.toml"]\n' + key("work", "x")))
        assert fault.message == "has the name of 'work' but for upper and lower case"

    def test_too_deep(self, tmp_path: Path) -> None:
        """A long chain is a fault, not a crash."""
        for number in range(1500):
            write(tmp_path / f"{number}.toml", f'include = ["{number + 1}.toml"]\n')
        (fault,) = faults(tmp_path / "0.toml")
        assert fault.message == "goes more than 20 files deep"

    def test_a_list_that_is_none(self, tmp_path: Path) -> None:
        """A single name in quotes is told to be a list."""
        (fault,) = faults(write(tmp_path / "mine.toml", 'include = "team.toml"\n'))
        assert (fault.key, fault.message) == ("include", "is text, not a list of text")


def test_the_lines_of_a_file_are_looked_up_once(tmp_path: Path) -> None:
    """However many of its includes are wrong: to look them up takes longer than to read the file."""
    looked_up: list[str] = []
    scanner = lines.__code__

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is scanner:
            looked_up.append(event)

    names = ", ".join(f'"missing-{number}.toml"' for number in range(20))
    path = write(tmp_path / "profiles.toml", f"include = [{names}]\n{key('a', 'x')}")
    sys.setprofile(watch)
    try:
        layers = Layers.of(path)
    finally:
        sys.setprofile(None)
    assert (len(layers.faults), len(looked_up)) == (20, 1)
