"""`requests-auth edit`: the person's editor on a copy, which takes the file's place only if it is right."""

import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import profiles_file
import pytest
from conftest import RunProgram
from profiles_file import KEY
from terminal import Terminal

Editor = Callable[..., None]
NEW = '[profiles.new]\nflow = "ntlm"\n'


@pytest.fixture
def editor(home: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """`editor("path.write_text(…)")`: an editor that does this to the file; it keeps its arguments."""

    def made(program: str, *, name: str = "vi", variable: str = "VISUAL") -> None:
        path = home / "my editors" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\n"
            f"pathlib.Path({str(home / 'arguments')!r}).write_text('\\n'.join(sys.argv[1:]))\n"
            f"path = pathlib.Path(sys.argv[-1])\n{program}\n",
            "utf-8",
        )
        path.chmod(0o700)
        monkeypatch.setenv(variable, f"{shlex.quote(str(path))} -q")

    return made


def copies(home: Path) -> list[Path]:
    """What is left beside the file."""
    return sorted(home.glob("profiles.edit-*.toml"))


pytestmark = pytest.mark.platform("linux", "darwin")


def test_a_change_that_is_right(home: Path, cli: RunProgram, editor: Editor) -> None:
    """What is saved takes the file's place, with its permissions; no copy is left."""
    path = profiles_file.written(home, KEY, 0o640)
    editor(f"path.write_text({KEY + NEW!r})")
    done = cli("--file", str(path), "edit")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"Changed {path}: 2 profiles, nothing wrong.\n"
    assert path.read_text("utf-8") == KEY + NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert copies(home) == []


def test_the_copy_is_private_and_looks_like_toml(home: Path, cli: RunProgram, editor: Editor) -> None:
    """What is opened lies beside the file, for its owner's eyes only, under a name that ends in .toml."""
    path = profiles_file.written(home, KEY)
    said = home / "said"
    editor(f"pathlib.Path({str(said)!r}).write_text(f'{{path.parent}} {{path.suffix}} {{path.stat()[0]:o}}')")
    done = cli("--file", str(path), "edit")
    assert said.read_text("utf-8") == f"{home} .toml 100600"
    assert (done.returncode, done.stderr) == (0, f"Nothing was changed in {path}.\n")
    assert copies(home) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vi", ["-q", "+4", "COPY"]),
        ("nano", ["-q", "+4", "COPY"]),
        ("code", ["-q", "--goto", "COPY:4"]),
        ("hx", ["-q", "COPY:4"]),
        ("mine", ["-q", "COPY"]),
    ],
)
def test_it_opens_at_the_profile(
    home: Path, cli: RunProgram, editor: Editor, name: str, expected: list[str]
) -> None:
    """An editor that is known to take a line is opened at that of the profile; others get the file alone."""
    path = profiles_file.written(home, KEY + NEW)
    editor("", name=name)
    assert cli("--file", str(path), "edit", "new").returncode == 0
    words = (home / "arguments").read_text("utf-8").split("\n")
    copy = next(word.removesuffix(":4") for word in words if "profiles.edit-" in word)
    assert [word.replace(copy, "COPY") for word in words] == expected


def test_a_file_that_is_wrong_can_be_opened(home: Path, cli: RunProgram, editor: Editor) -> None:
    """A file that is no TOML is what one wants to edit most; its profiles are found nevertheless."""
    path = profiles_file.written(home, f"x = \n{KEY}")
    editor(f"path.write_text({KEY!r})")
    assert cli("--file", str(path), "edit", "work").returncode == 0
    assert "+2" in (home / "arguments").read_text("utf-8").split("\n")
    assert path.read_text("utf-8") == KEY


def test_faults_keep_the_file_as_it_is(home: Path, cli: RunProgram, editor: Editor) -> None:
    """Without a terminal, what is wrong is told with its lines, and what was written is kept in the copy."""
    path = profiles_file.written(home, KEY)
    editor(f"path.write_text({KEY + 'x = 1'!r})")
    done = cli("--file", str(path), "edit")
    (copy,) = copies(home)
    assert done.returncode == 3
    assert f"{path}:4: profile 'work', x: is not a known key" in done.stderr
    assert done.stderr.endswith(f"{path} is as it was; what you wrote is in {copy}\n")
    assert (path.read_text("utf-8"), copy.read_text("utf-8")) == (KEY, f"{KEY}x = 1")


def test_a_change_by_somebody_else_is_not_lost(home: Path, cli: RunProgram, editor: Editor) -> None:
    """A file that was changed while it was edited is left, and what was written is kept in the copy."""
    path = profiles_file.written(home, KEY)
    theirs = KEY.replace("GATEWAY", "THEIRS")
    editor(f"pathlib.Path({str(path)!r}).write_text({theirs!r}); path.write_text({KEY + NEW!r})")
    done = cli("--file", str(path), "edit")
    (copy,) = copies(home)
    assert done.returncode == 1
    assert f"{path} was changed by somebody else meanwhile" in done.stderr
    assert f"hint: diff {path} {copy}\n" in done.stderr
    assert (path.read_text("utf-8"), copy.read_text("utf-8")) == (theirs, KEY + NEW)


def test_an_editor_that_fails(home: Path, cli: RunProgram, editor: Editor) -> None:
    """Where the editor fails, nothing is changed; what it saved before is kept."""
    path = profiles_file.written(home, KEY)
    editor("sys.exit(3)")
    assert cli("--file", str(path), "edit").returncode == 1
    assert copies(home) == []
    editor(f"path.write_text({KEY + NEW!r}); sys.exit(3)")
    done = cli("--file", str(path), "edit")
    assert done.returncode == 1
    assert f"ended with 3, so nothing was changed; what you wrote is in {copies(home)[0]}" in done.stderr
    assert path.read_text("utf-8") == KEY


@pytest.mark.parametrize(
    "program",
    ["path.write_text('')", "path.unlink(); path.symlink_to('/etc/hostname')", "path.unlink(); path.mkdir()"],
    ids=["empty", "a link", "a folder"],
)
def test_what_an_editor_may_not_leave(home: Path, cli: RunProgram, editor: Editor, program: str) -> None:
    """Nothing at all, or what somebody else may have put in the copy's place, does not take the file's."""
    path = profiles_file.written(home, KEY)
    editor(program)
    done = cli("--file", str(path), "edit")
    assert (done.returncode, done.stdout) == (1, "")
    assert path.read_text("utf-8") == KEY


def test_a_copy_of_somebody_elses(home: Path, cli: RunProgram, editor: Editor) -> None:
    """A file that all can write is not taken back, and it is told where it is."""
    path = profiles_file.written(home, KEY)
    editor(f"path.write_text({KEY + NEW!r}); path.chmod(0o666)")
    done = cli("--file", str(path), "edit")
    assert done.returncode == 1
    assert str(copies(home)[0]) in done.stderr
    assert path.read_text("utf-8") == KEY


def test_interrupted(home: Path, cli: RunProgram, editor: Editor) -> None:
    """Ctrl-C while the editor waits: it is told where the work is."""
    path = profiles_file.written(home, KEY)
    editor(f"path.write_text({KEY + NEW!r}); import os, signal; os.kill(os.getppid(), signal.SIGINT)")
    done = cli("--file", str(path), "edit")
    assert done.returncode == 130
    assert f"What you wrote is in {copies(home)[0]}" in done.stderr


def test_a_linked_file_stays_a_link(home: Path, cli: RunProgram, editor: Editor) -> None:
    """What a link leads to is changed, and the link is one still."""
    (home / "dotfiles").mkdir(mode=0o700)
    real, link = profiles_file.written(home / "dotfiles", KEY), home / "link.toml"
    link.symlink_to(real)
    editor(f"path.write_text({KEY + NEW!r})")
    assert cli("--file", str(link), "edit").returncode == 0
    assert link.is_symlink()
    assert real.read_text("utf-8") == KEY + NEW


def test_visual_comes_before_editor(home: Path, cli: RunProgram, editor: Editor) -> None:
    """VISUAL is asked first, then EDITOR."""
    path = profiles_file.written(home, KEY)
    editor("sys.exit(1)", name="other", variable="EDITOR")
    assert cli("--file", str(path), "edit").returncode == 1
    editor("", variable="VISUAL")
    assert cli("--file", str(path), "edit").returncode == 0


def test_an_editor_that_comes_back_at_once(home: Path, cli: RunProgram, editor: Editor) -> None:
    """Of one that is known to, it is told which option makes it wait."""
    path = profiles_file.written(home, KEY)
    editor("", name="code")
    assert "/code --wait'" in cli("--file", str(path), "edit").stderr


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/nowhere/vi", "cannot start the editor /nowhere/vi: No such"),
        ("vi 'x", "has a quote that does not"),
    ],
)
def test_no_such_editor(
    home: Path, cli: RunProgram, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    """An editor that cannot be started is an error that names it, and leaves nothing."""
    path = profiles_file.written(home, KEY)
    monkeypatch.setenv("VISUAL", value)
    done = cli("--file", str(path), "edit")
    assert done.returncode == 1
    assert said in done.stderr
    assert copies(home) == []


def test_what_is_not_there(home: Path, cli: RunProgram, editor: Editor) -> None:
    """A file or a profile that is not there is told before an editor is opened."""
    editor("")
    assert "hint: requests-auth init" in cli("edit").stderr
    path = profiles_file.written(home, KEY)
    done = cli("--file", str(path), "edit", "nobody")
    assert "there is no profile 'nobody'" in done.stderr
    assert done.returncode == 3
    assert not (home / "arguments").exists()


@pytest.mark.parametrize(("said", "code", "kept"), [("drop", 3, 0), ("keep", 3, 1)])
def test_a_person_is_asked_what_to_do_with_faults(
    home: Path, editor: Editor, said: str, code: int, kept: int
) -> None:
    """At a terminal, a person may edit once more, drop what they wrote, or keep it in the copy."""
    path = profiles_file.written(home, KEY)
    editor("path.write_text(path.read_text() + 'x = 1\\n')")
    terminal = Terminal("--file", str(path), "edit")
    terminal.answer("[edit]:", "")
    terminal.answer("[edit]:", said)
    assert terminal.end() == code
    assert "+4" in (home / "arguments").read_text("utf-8").split("\n")  # the line of the first fault
    assert len(copies(home)) == kept
    assert path.read_text("utf-8") == KEY
