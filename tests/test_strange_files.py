"""What is no file, and stands where one is read: each verb tells of it, and none waits for it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RunProgram
from profiles_file import KEY, written

from requests_auth_profiles._config.environment import config_folder
from requests_auth_profiles._config.file import site_path

pytestmark = pytest.mark.platform("linux", "darwin")

Make = Callable[[Path], object]


def bound(path: Path) -> None:
    """A socket, which has a short path to be bound to, whatever the path is that is meant."""
    with socket.socket(socket.AF_UNIX) as sock:
        before = Path.cwd()
        os.chdir(path.parent)
        sock.bind(path.name)
        os.chdir(before)


STRANGE: dict[str, Make] = {
    "a pipe": lambda path: os.mkfifo(path, 0o600),
    "a link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
    "a folder": lambda path: path.mkdir(mode=0o700),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": bound,
    "links in a circle": lambda path: path.symlink_to(path.name),
}
each = pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE.keys())


@pytest.fixture
def folder(home: Path) -> Path:
    """Where the profiles file is."""
    folder = home / "f"
    folder.mkdir()
    return folder


@each
def test_the_profiles_file(run_cli: RunProgram, folder: Path, make: Make) -> None:
    """It is told by its path, in words of ours."""
    make(folder / "profiles.toml")
    done = run_cli("check", "--file", str(folder / "profiles.toml"))
    assert (done.returncode, done.stdout) == (3, "")
    assert str(folder / "profiles.toml") in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


@each
def test_an_included_file(run_cli: RunProgram, folder: Path, make: Make) -> None:
    """Likewise, whatever else is right."""
    make(folder / "team.toml")
    done = run_cli("check", "--file", str(written(folder, f'include = ["team.toml"]\n{KEY}')))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: 1 fault in the profiles file\n")
    assert str(folder / "team.toml") in done.stderr
    assert "Traceback" not in done.stderr


@each
def test_the_schema(run_cli: RunProgram, folder: Path, make: Make) -> None:
    """`check` warns of it, and `schema --write` leaves it as it is."""
    make(folder / "profiles.schema.json")
    path = written(folder, f'#:schema profiles.schema.json\n{KEY}hosts = ["api.acme.com"]\n')
    before = (folder / "profiles.schema.json").lstat().st_ino
    done = run_cli("check", "--file", str(path))
    assert (done.returncode, done.stderr.count("warning: ")) == (0, 1)
    assert f"warning: {path}:1: names profiles.schema.json, which is " in done.stderr
    if (folder / "profiles.schema.json").exists():  # links in a circle lead to nothing that is there
        assert run_cli("schema", "--write", "--file", str(path)).returncode == 1
        assert (folder / "profiles.schema.json").lstat().st_ino == before


class TestALinkToNothing:
    """A link of somebody's own files, on a disk that is not mounted."""

    def test_the_profiles_file(self, run_cli: RunProgram, folder: Path) -> None:
        """The link and where it leads are told, through all links between."""
        path, end = folder / "profiles.toml", folder / "disk" / "profiles.toml"
        (folder / "between").symlink_to(end)
        path.symlink_to("between")
        for verb in (["check"], ["edit"], ["edit", "work"], ["show", "work"]):
            done = run_cli(*verb, "--file", str(path))
            assert done.returncode == 3
            assert done.stderr == (
                f"error: the profiles file {path} is a link to {end}, which is not there\n"
                f"hint: put the file there, or take the link away: rm {path}\n"
            )

    def test_an_included_file(self, run_cli: RunProgram, folder: Path) -> None:
        """Likewise, at the line that names it."""
        (folder / "team.toml").symlink_to(folder / "disk/team.toml")
        path = written(folder, f'include = ["team.toml"]\n{KEY}')
        told = f"names {folder / 'team.toml'}, a link to {folder / 'disk/team.toml'}, which is not there"
        assert (
            f"{path}:1: include.0: {told}\n    hint: ls -l {folder / 'disk'}\n"
            in run_cli("check", "--file", str(path)).stderr
        )

    def test_over_the_site_s(self, run_cli: RunProgram, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The site's profiles are not silently taken for one's own, which are not there."""
        monkeypatch.setenv("XDG_CONFIG_DIRS", str(home / "site"))
        site = site_path()
        assert site is not None
        site.parent.mkdir(parents=True)
        written(site.parent, KEY)
        assert run_cli("list").returncode == 0
        config_folder().mkdir(parents=True)
        (config_folder() / "profiles.toml").symlink_to(home / "disk/profiles.toml")
        assert f"is a link to {home / 'disk/profiles.toml'}, which is not there" in run_cli("list").stderr
