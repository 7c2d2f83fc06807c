"""Wrong profiles files of tests/wrong_files, one fault each: what is said of it, and what is never said.

There a file is what stands under its title, with those beside it under their names; the mark in the line at
fault has behind it what is said, and what to write instead. `no sound`: no profile is put after it.
"""

import os
import re
import traceback
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import RunProgram
from profiles_file import MARK, marked, written

from requests_auth_profiles import by_host
from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.environment import config_folder
from requests_auth_profiles._config.file import ProfilesFile, site_path
from requests_auth_profiles.cli import run
from requests_auth_profiles.errors import ProfilesFileError

CANARY = "c4n4ry"
FOLDER = Path(__file__).parent / "wrong_files"
SOUND = '[profiles.sound]\nflow = "bearer"\ntoken = { env = "SOUND_TOKEN" }\n'
ALONE = "no sound\n"
"""Before a file that cannot have a sound profile beside it."""
TOP = "profiles.toml"
SITE = "site"
TEN = """\
default_profile = "wrok"  # <-
retries = 3  # <-
[store]
url = "memory"  # <-
[providers.acme]
issuer = "https://login.acme.com"  # <-
[profiles.work]
flow = "authorization-code-pkce"
provider = "otka"  # <-
client_id = "app"
client_secret = ["c4n4ry"]  # <-
redirect_port = "5000"  # <-
scopes = ["openid", "two words"]  # <-
[profiles.work.when.ci]
extends = "nobody"  # <-
[profiles.gate]
flow = "api-key"
api_kee = "c4n4ry"  # <-
api_key = "c4n4ry"
"""
SAME = """\
[profiles.a]
flow = "bearer"
token = "c4n4ry"
hosts = ["api.acme.com"]
[profiles.b]
flow = "bearer"
token = "c4n4ry"
hosts = ["API.acme.com"]  # <-
"""


class Wrong(NamedTuple):
    """A wrong file, and those beside it.

    Args:
        files: what stands in them, by their names; the line that ends in the mark is at fault.
        said: what is said of it, a bar, and what to write instead.
    """

    files: dict[str, str]
    said: str

    @property
    def at(self) -> tuple[str, int]:
        """The file and the line at fault."""
        ((name, line),) = [(name, line) for name, text in self.files.items() for line in marked(text)]
        return name, line


def cases() -> dict[str, Wrong]:
    """All of them, by what is wrong."""
    found = {}
    for page in sorted(FOLDER.glob("*.txt")):
        for case in page.read_text("utf-8").split("=== ")[1:]:
            title, _, text = case.partition("\n")
            (said,) = re.findall(rf"{MARK} (.+)", text)
            text = text.replace(f"{MARK} {said}", MARK)
            alone = text.startswith(ALONE)
            top, *others = re.split(r"(?m)^--- (.+)\n", text.removeprefix(ALONE))
            files = {
                TOP: top if alone else f"{top}{SOUND}",
                **dict(zip(others[::2], others[1::2], strict=True)),
            }
            assert title not in found
            found[title] = Wrong(files, said)
    return found


CASES = cases()
NOT_ON_WINDOWS = [pytest.mark.platform("linux", "darwin")]  # the site's place cannot be chosen on Windows
each_case = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=title, marks=NOT_ON_WINDOWS if SITE in case.files else [])
        for title, case in CASES.items()
    ],
)


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person's own file is; the site's is elsewhere below."""
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(home / "site"))
    folder = config_folder()
    folder.mkdir(parents=True)
    return folder


def place(folder: Path, name: str) -> Path:
    """Where a file is looked for."""
    return folder / name if name != SITE else site_path() or folder


def laid(folder: Path, files: dict[str, str]) -> Path:
    """Writes files to where they are looked for, and gives the first one's path."""
    for name, text in files.items():
        path = place(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o600)
    return folder / TOP


def error_of(path: Path) -> ProfilesFileError:
    """What is wrong with the person's own file, and what lies under it."""
    with pytest.raises(ProfilesFileError) as caught:
        ProfilesFile.read(path, site_path())
    return caught.value


def test_there_are_many() -> None:
    """More than the sixty that there have to be."""
    assert len(CASES) >= 60


@each_case
def test_a_wrong_file(folder: Path, capsys: pytest.CaptureFixture[str], case: Wrong) -> None:
    """`check` ends with 3, and says one fault: its file, line, profile, key, and what to write instead."""
    laid(folder, case.files)
    name, line = case.at
    assert run(["check"]) == 3
    told = capsys.readouterr()
    first, place_of, hint = told.err.splitlines()
    assert (told.out, first) == ("", "error: 1 fault in the profiles file")
    where, said = f"  {place(folder, name)}:{line}: ", case.said.replace("FOLDER/", f"{folder}{os.sep}")
    message, _, write = said.partition(" | ")
    assert place_of == where + message
    assert hint == f"    hint: {write.replace('FOLDER', typed(folder))}"


@each_case
def test_no_secret(folder: Path, capsys: pytest.CaptureFixture[str], case: Wrong) -> None:
    """No verb says a secret of a wrong file, and no error, nor what it came from, holds one."""
    path = laid(folder, case.files)
    for words in (["check"], ["check", "--json"], ["list"], ["show", "work"], ["token", "work"]):
        assert run(words) == 3
    assert CANARY not in "".join(capsys.readouterr())
    error = error_of(path)
    assert CANARY not in "".join([repr(vars(error)), *traceback.format_exception(error)])


def test_ten_faults_at_once(folder: Path, run_cli: RunProgram) -> None:
    """A file with ten faults tells all ten, each at its line, in one go."""
    path = written(folder, TEN)
    done = run_cli("check")
    places = [int(line) for line in re.findall(rf"(?m)^  {re.escape(str(path))}:(\d+): ", done.stderr)]
    assert (done.returncode, done.stdout, places) == (3, "", marked(TEN))
    assert len(marked(TEN)) == 10
    assert done.stderr.startswith("error: 10 faults in the profiles file\n")
    assert CANARY not in done.stderr
    assert TEN.count(MARK) == done.stderr.count("hint:")


def test_two_profiles_for_the_same_host(folder: Path) -> None:
    """by_host() refuses them, with the line of the second and the name of the first."""
    path = written(folder, SAME)
    with pytest.raises(ProfilesFileError) as caught:
        by_host(file=path)
    (line,) = marked(SAME)
    assert str(caught.value.faults[0]) == (
        "profile 'b', hosts.0: names api.acme.com, as does profile 'a': by_host() could not tell them apart\n"
        "    hint: give one of them other hosts, or use profile('b') by its name"
    )
    assert (caught.value.faults[0].line, CANARY in str(caught.value)) == (line, False)


def test_check_tells_of_them_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the same words, as a note that `--strict` passes over: each is as good as ever by its name."""
    path = written(folder, SAME)
    with pytest.raises(ProfilesFileError) as caught:
        by_host(file=path)
    (line,) = marked(SAME)
    assert run(["check"]) == 0
    assert f"note: {path}:{line}: {caught.value.faults[0]}\n" in capsys.readouterr().err
