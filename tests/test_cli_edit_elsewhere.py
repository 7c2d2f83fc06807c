"""`requests-auth edit NAME` where that profile is in another file than one's own."""

from pathlib import Path

import pytest
from conftest import RunProgram
from profiles_file import KEY, PERSON

from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.environment import config_folder
from requests_auth_profiles._config.file import site_path

pytestmark = pytest.mark.platform("linux", "darwin")

OTHER = KEY.replace("[profiles.work]", "[profiles.other]")
BROKEN = "this is no TOML\n"


@pytest.fixture
def own(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where one's own file is, over the site's, which has the profile `work`; the editor changes nothing."""
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(home / "site"))
    monkeypatch.setenv("VISUAL", "true")
    site, folder = site_path(), config_folder()
    assert site is not None
    laid(site, KEY)
    folder.mkdir(parents=True)
    return folder / "profiles.toml"


def laid(path: Path, text: str) -> Path:
    """Writes a file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def said(own: Path, owner: Path) -> str:
    """What is said of `work` where it is in another file."""
    return (
        f"error: work is not in {own} but in {owner}\nhint: requests-auth edit work --file {typed(owner)}; "
        f"or say in {own} what counts in its place: [profiles.work]\n"
    )


@pytest.mark.parametrize("text", [OTHER, ""], ids=["with another", "empty"])
def test_in_the_site_s(cli: RunProgram, own: Path, text: str) -> None:
    """It is told where it stands, and what counts in its place."""
    laid(own, text)
    done = cli("edit", "work")
    assert (done.returncode, done.stderr) == (1, said(own, site_path() or own))


def test_without_a_file_of_one_s_own(cli: RunProgram, own: Path) -> None:
    """Likewise."""
    assert cli("edit", "work").stderr == said(own, site_path() or own)


def test_in_an_included_file(cli: RunProgram, own: Path) -> None:
    """The included file counts before the site's."""
    team = laid(own.with_name("team.toml"), PERSON)
    laid(own, 'include = ["team.toml"]\n')
    assert cli("edit", "work").stderr == said(own, team)


def test_in_both(cli: RunProgram, own: Path) -> None:
    """One's own is the one that is edited."""
    laid(own, KEY)
    assert cli("edit", "work").stderr == f"Nothing was changed in {own}.\n"


def test_in_none(cli: RunProgram, own: Path) -> None:
    """That there is none is told as before."""
    laid(own, OTHER)
    assert cli("edit", "nobody").stderr.startswith(f"error: there is no profile 'nobody' in {own}\n")


def test_one_s_own_is_wrong(cli: RunProgram, own: Path) -> None:
    """A file that cannot be read as TOML may have it, so it is opened."""
    laid(own, BROKEN)
    assert cli("edit", "work").stderr == f"Nothing was changed in {own}.\n"
