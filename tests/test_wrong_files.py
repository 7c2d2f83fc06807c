"""Wrong profiles files of tests/wrong_files, one fault each: what is said of it, and what is never said."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from profiles_file import MARK, marked, written

from requests_auth_profiles import profile
from requests_auth_profiles._config.file import ProfilesFile, site_path
from requests_auth_profiles.cli import run
from requests_auth_profiles.errors import Fault, ProfilesFileError

CANARY = "c4n4ry"
FOLDER = Path(__file__).parent / "wrong_files"
SOUND = '[profiles.sound]\nflow = "bearer"\ntoken = { env = "SOUND_TOKEN" }\n'
ALONE = "no sound\n"
"""Before a file that cannot have a sound profile beside it."""
TOP = "profiles.toml"
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


class Wrong(NamedTuple):
    """A wrong file, and those beside it, by their names; the line that ends in the mark is at fault."""

    files: dict[str, str]

    @property
    def at(self) -> tuple[str, int]:
        """The file and the line at fault."""
        ((name, line),) = [(name, line) for name, text in self.files.items() for line in marked(text)]
        return name, line

    @property
    def profile(self) -> str:
        """The profile that the line is in, if it is in one that has a name."""
        name, line = self.at
        before = "\n".join(self.files[name].split("\n")[:line])
        header = re.findall(r"(?m)^\[+([^\]\n]*)\]+", before)[-1:]
        found = re.fullmatch(r'profiles\.(?:"([^"]*)"|([^.]*)).*', header[0]) if header else None
        return (found[1] or found[2]) if found else ""

    @property
    def key(self) -> str:
        """The key that begins the line; empty for a table's header."""
        name, line = self.at
        found = re.match(r"([a-z_.]+) = ", self.files[name].split("\n")[line - 1])
        return found[1] if found else ""


def cases() -> dict[str, Wrong]:
    """All of them, by what is wrong."""
    found = {}
    for page in sorted(FOLDER.glob("*.txt")):
        for case in page.read_text("utf-8").split("=== ")[1:]:
            title, _, text = case.partition("\n")
            alone = text.startswith(ALONE)
            top, *others = re.split(r"(?m)^--- (.+)\n", text.removeprefix(ALONE))
            files = {
                TOP: top if alone else f"{top}{SOUND}",
                **dict(zip(others[::2], others[1::2], strict=True)),
            }
            assert title not in found
            found[title] = Wrong(files)
    return found


CASES = cases()


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person's own file is; the site's is elsewhere below."""
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(home / "site"))
    folder = home / ".config/requests-auth"
    folder.mkdir(parents=True)
    return folder


def laid(folder: Path, files: dict[str, str]) -> Path:
    """Writes files to where they are looked for, and gives the first one's path."""
    for name, text in files.items():
        path = folder.parent.parent / "site/requests-auth/profiles.toml" if name == "site" else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o600)
    return folder / TOP


def faults(path: Path) -> tuple[Fault, ...]:
    """What is wrong with the person's own file, and what lies under it."""
    with pytest.raises(ProfilesFileError) as caught:
        ProfilesFile.read(path, site_path(None))
    return caught.value.faults


def test_there_are_many() -> None:
    """More than the sixty that there have to be."""
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_file(folder: Path, capsys: pytest.CaptureFixture[str], case: Wrong) -> None:
    """One fault, at its file, line, profile and key, with what to write; `check` ends with 3; no secret."""
    path = laid(folder, case.files)
    (fault,) = faults(path)
    name, line = case.at
    where = folder.parent.parent / "site/requests-auth/profiles.toml" if name == "site" else folder / name
    assert (fault.file, fault.line) == (str(where), line)
    if fault.path:  # what is no TOML has no keys
        assert case.profile in (fault.profile, "")
        assert not case.key or {*case.key.split(".")} & {*fault.path}
    assert fault.message
    assert fault.hint
    assert run(["check"]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{where}:{line}: {fault}".split("\n")[0] in told.err
    assert CANARY not in told.err
    with pytest.raises(ProfilesFileError) as caught:
        profile("work")
    assert CANARY not in f"{caught.value!r}{caught.value}{caught.value.faults}"
    assert caught.value.__cause__ is None


def test_ten_faults_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with ten faults tells all ten, each at its line, in one go."""
    path = written(folder, TEN)
    assert [fault.line for fault in faults(path)] == marked(TEN)
    assert len(marked(TEN)) == 10
    assert run(["check"]) == 3
    told = capsys.readouterr().err
    assert "10 faults" in told
    assert CANARY not in told
    assert TEN.count(MARK) == told.count("hint:")
