"""Files of one person: who may have touched them, and what is left when writing them fails."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from threading import Thread

import counterparts
import pytest
import vault

from requests_auth_profiles import _private_file
from requests_auth_profiles._private_file import UnsafeFileError

pytestmark = pytest.mark.platform("linux", "darwin")

LIMIT = 1000
FOLDER_0700 = stat.S_IFDIR | 0o700
FILE_0600 = stat.S_IFREG | 0o600


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Create files under another umask for as long as the block lasts."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose name a shell would take apart."""
    folder = tmp_path / "it's a $HOME"
    folder.mkdir(mode=0o700)
    return folder


def written(path: Path, mode: int = 0o600) -> Path:
    path.write_bytes(b"content")
    path.chmod(mode)
    return path


def test_a_file_of_ones_own_is_read(place: Path) -> None:
    """A 0600 file is given, with the word that nobody else may read it."""
    assert _private_file.read(written(place / "file"), limit=LIMIT) == (b"content", False)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o640, 0o620, 0o610, 0o644, 0o666, 0o777], ids=oct)
def test_a_file_open_to_others_is_refused_until_the_hint_is_typed(place: Path, mode: int) -> None:
    """Any bit for others refuses it, and the hint, typed as it stands, mends that and nothing else."""
    path = written(place / "file", mode)
    with pytest.raises(UnsafeFileError, match="by others") as refused:
        _private_file.read(path, limit=LIMIT)
    assert str(path) in str(refused.value)
    subprocess.run(refused.value.hint, shell=True, check=True)
    assert _private_file.read(path, limit=LIMIT) == (b"content", False)
    assert stat.S_IMODE(path.stat().st_mode) == mode & 0o700


@pytest.mark.parametrize(("mode", "readable"), [(0o644, True), (0o640, True), (0o600, False), (0o611, True)])
def test_a_shareable_file_may_be_read_by_others(place: Path, mode: int, *, readable: bool) -> None:
    """Others may read what has no secret in it, and the caller is told whether they may."""
    path = written(place / "file", mode)
    assert _private_file.read(path, limit=LIMIT, shareable=True) == (b"content", readable)


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666], ids=oct)
def test_a_shareable_file_may_not_be_written_by_others(place: Path, mode: int) -> None:
    """Who could write it could send our tokens elsewhere; the hint takes only that away from them."""
    path = written(place / "file", mode)
    with pytest.raises(UnsafeFileError, match="can be written by others") as refused:
        _private_file.read(path, limit=LIMIT, shareable=True)
    subprocess.run(refused.value.hint, shell=True, check=True)
    assert stat.S_IMODE(path.stat().st_mode) == mode & 0o755


def test_a_shareable_file_may_be_a_link(place: Path) -> None:
    """Dotfiles are often links into a repository; what they point to is what is checked."""
    (place / "link").symlink_to(written(place / "file", 0o644))
    assert _private_file.read(place / "link", limit=LIMIT, shareable=True) == (b"content", True)


READ_PASSWD = """
from pathlib import Path
from requests_auth_profiles import _private_file
try:
    print(len(_private_file.read(Path("/etc/passwd"), limit=10**6, shareable={shareable})[0]) > 0)
except _private_file.UnsafeFileError as error:
    print(error, "|", error.hint)
"""


def test_a_shareable_file_may_be_the_administrators(ordinary_user: counterparts.OrdinaryUser) -> None:
    """A file of root, as in a container or for a whole site, is read: root could change all of it anyway."""
    done = ordinary_user.run_python("-c", READ_PASSWD.format(shareable=True))
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_file_of_somebody_else_is_refused(ordinary_user: counterparts.OrdinaryUser) -> None:
    """A private file must be our own: the message says whose it is."""
    done = ordinary_user.run_python("-c", READ_PASSWD.format(shareable=False))
    assert "/etc/passwd belongs to user 0, and we run as" in done.stdout
    assert "| sudo chown" in done.stdout


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, chdir(path.parent):
        listener.bind(path.name)  # a whole path may be too long for a socket


def a_link(path: Path) -> None:
    path.symlink_to(written(path.with_name("target")))


KINDS: dict[str, Callable[[Path], None]] = {
    "link": a_link,
    "dangling link": lambda path: path.symlink_to("/nowhere"),
    "link in a circle": lambda path: path.symlink_to(path),
    "folder": Path.mkdir,
    "FIFO": os.mkfifo,
    "socket": a_socket,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "large file": lambda path: path.write_bytes(bytes(LIMIT + 1)) and None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_small_file_is_refused_at_once(place: Path, kind: str) -> None:
    """Whatever was put in the place of a file is refused without waiting for it, and nothing stays open."""
    path = place / "file"
    with umask(0o077):
        KINDS[kind](path)
    before = vault.descriptors() if sys.platform == "linux" else set()
    with pytest.raises(OSError, match=r"."):
        _private_file.read(path, limit=LIMIT)
    assert sys.platform != "linux" or vault.descriptors() == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "socket"])
def test_the_hint_moves_away_what_is_in_the_way(place: Path, kind: str) -> None:
    """What is no file of ours is kept under another name by the command of the hint."""
    path = place / "file"
    with umask(0o077):
        KINDS[kind](path)
    with pytest.raises(UnsafeFileError) as refused:
        _private_file.read(path, limit=LIMIT)
    subprocess.run(refused.value.hint, shell=True, check=True)
    assert not os.path.lexists(path)
    assert os.path.lexists(f"{path}.away")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_folders_are_made_for_one_person_whatever_the_umask(place: Path, mask: int) -> None:
    """Every folder that is made on the way is 0700, as the XDG specification asks."""
    with umask(mask):
        _private_file.make_folder(place / "a" / "b" / "c")
    made = [place / "a", place / "a/b", place / "a/b/c"]
    assert [path.stat().st_mode for path in made] == [FOLDER_0700] * 3


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
@pytest.mark.parametrize("write", [_private_file.create, _private_file.replace])
def test_files_are_written_for_one_person_whatever_the_umask(
    place: Path, mask: int, write: Callable[[Path, bytes], None]
) -> None:
    """A new file is 0600 from the first moment."""
    with umask(mask):
        write(place / "file", b"new")
    assert (place / "file").stat().st_mode == FILE_0600


@pytest.mark.parametrize("mode", [0o701, 0o705, 0o710, 0o750, 0o755, 0o770, 0o777], ids=oct)
def test_a_folder_open_to_others_is_refused_until_the_hint_is_typed(place: Path, mode: int) -> None:
    """Any bit for others refuses the folder, and the hint mends it."""
    folder = place / "folder"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UnsafeFileError, match="by others") as refused:
        _private_file.make_folder(folder)
    subprocess.run(refused.value.hint, shell=True, check=True)
    _private_file.make_folder(folder)
    assert folder.stat().st_mode == FOLDER_0700


@pytest.mark.parametrize("kind", ["link", "link to a folder", "dangling link", "FIFO"])
def test_what_is_no_folder_is_refused(place: Path, kind: str) -> None:
    """A link in the place of a folder is refused too, wherever it leads."""
    if kind == "link to a folder":
        (place / "target").mkdir(mode=0o700)
        (place / "folder").symlink_to(place / "target")
    else:
        KINDS[kind](place / "folder")
    with pytest.raises(UnsafeFileError, match=r"is not a folder|is a symbolic link"):
        _private_file.make_folder(place / "folder")


@pytest.mark.parametrize("behind_link", [False, True])
def test_a_folder_that_everybody_could_exchange_is_refused(place: Path, *, behind_link: bool) -> None:
    """A folder in a world-writable one is refused, also where a link on the way leads into one."""
    open_folder = place / "open"
    (open_folder / "inner").mkdir(parents=True)
    (open_folder / "inner").chmod(0o700)
    open_folder.chmod(0o777)
    inner = open_folder / "inner"
    if behind_link:
        inner = place / "link"
        inner.symlink_to(open_folder / "inner")
    with pytest.raises(UnsafeFileError, match="everybody may rename") as refused:
        _private_file.make_folder(inner / "folder")
    subprocess.run(refused.value.hint, shell=True, check=True)
    _private_file.make_folder(inner / "folder")


def test_a_shareable_file_in_a_folder_open_to_everybody_is_refused(place: Path) -> None:
    """Who may rename it could put another in its place, also where a link leads there; the hint mends it."""
    open_folder = place / "open"
    open_folder.mkdir()
    written(open_folder / "file", 0o644)
    (place / "link").symlink_to(open_folder / "file")
    for path in (open_folder / "file", place / "link"):
        open_folder.chmod(0o777)
        with pytest.raises(UnsafeFileError, match="everybody may rename") as refused:
            _private_file.read(path, limit=LIMIT, shareable=True)
        subprocess.run(refused.value.hint, shell=True, check=True)
        assert _private_file.read(path, limit=LIMIT, shareable=True) == (b"content", True)
    open_folder.chmod(0o1777)
    assert _private_file.read(path, limit=LIMIT, shareable=True) == (b"content", True)


def test_a_file_with_another_name_is_refused_until_the_hint_is_typed(place: Path) -> None:
    """A hard link elsewhere is a way to it that nobody looks at; only what all may read can have one."""
    path = written(place / "file")
    (place / "other").hardlink_to(path)
    assert _private_file.read(path, limit=LIMIT, shareable=True) == (b"content", False)
    with pytest.raises(UnsafeFileError, match="hard link") as refused:
        _private_file.read(path, limit=LIMIT)
    subprocess.run(refused.value.hint, shell=True, check=True)
    assert _private_file.read(path, limit=LIMIT) == (b"content", False)
    assert sorted(each.name for each in place.iterdir()) == ["file", "other"]


def test_what_a_person_named_is_not_moved_away(place: Path) -> None:
    """Where they named a folder for a file, or a file for a folder, the hint says so and moves nothing."""
    with pytest.raises(UnsafeFileError) as folder:
        _private_file.read(place, limit=LIMIT, shareable=True)
    with pytest.raises(UnsafeFileError) as file:
        _private_file.make_folder(written(place / "file"), named=True)
    hints = (folder.value.hint, file.value.hint)
    assert hints == ("name a file; this is a folder", "name a folder; this is a file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_is_told_to_be_the_owner(place: Path) -> None:
    """To take a person's file from them would sign them out: it is for root to run as that person."""
    path = written(place / "file")
    os.chown(path, 4242, -1)
    with pytest.raises(UnsafeFileError, match="belongs to user 4242") as refused:
        _private_file.read(path, limit=LIMIT)
    assert refused.value.hint == "run it as its owner: sudo -u '#4242' ..."


def test_a_folder_in_a_sticky_one_is_taken(place: Path) -> None:
    """In a folder like /tmp nobody can rename what is ours."""
    place.chmod(0o1777)
    _private_file.make_folder(place / "folder")
    assert (place / "folder").is_dir()


def test_create_leaves_a_file_that_is_there(place: Path) -> None:
    """A new file never takes the place of one that is there."""
    path = written(place / "file")
    with pytest.raises(FileExistsError):
        _private_file.create(path, b"new")
    assert path.read_bytes() == b"content"


def test_create_does_not_follow_a_link(place: Path) -> None:
    """A dangling link is not written through to where it points."""
    (place / "file").symlink_to(place / "target")
    with pytest.raises(FileExistsError):
        _private_file.create(place / "file", b"new")
    assert not (place / "target").exists()


def test_replace_puts_a_file_in_place_of_a_link(place: Path) -> None:
    """A link is replaced itself: what it points to keeps its content."""
    a_link(place / "file")
    _private_file.replace(place / "file", b"new")
    assert (place / "file").lstat().st_mode == FILE_0600
    assert (place / "target").read_bytes() == b"content"


REPLACE_WITHOUT_ROOM = """
import resource, signal, sys
from pathlib import Path
from requests_auth_profiles import _private_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
try:
    getattr(_private_file, sys.argv[1])(Path(sys.argv[2]), b"too much content")
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("write", ["create", "replace"])
def test_what_cannot_be_written_whole_leaves_nothing(place: Path, write: str) -> None:
    """Where the room ends in the middle of a file, the old one stays and no part of the new one does."""
    old = {written(place / "file")} if write == "replace" else set()
    done = counterparts.run(sys.executable, "-c", REPLACE_WITHOUT_ROOM, write, str(place / "file"))
    assert (done.stdout, done.stderr) == ("File too large\n", "")
    assert set(place.iterdir()) == old
    assert all(path.read_bytes() == b"content" for path in old)


def test_a_sweep_takes_only_what_killed_writers_left(place: Path) -> None:
    """Only names of our own form go, and only those of more than an hour ago."""
    ours = ".a.json.0123456789abcdef.tmp"
    others = ["x.tmp", ".x.tmp", f"{ours}.bak", "a.json"]
    for name in (ours, *others):
        written(place / name)
    now = (place / ours).stat().st_mtime
    _private_file.sweep(place, now + _private_file.SWEEP_SECONDS - 1)
    assert {path.name for path in place.iterdir()} == {ours, *others}
    _private_file.sweep(place, now + _private_file.SWEEP_SECONDS + 1)
    assert {path.name for path in place.iterdir()} == set(others)


def test_sweeps_do_not_stand_in_each_others_way(place: Path) -> None:
    """What vanishes under a sweep, as another process sweeps or writes, is no error."""
    failures: list[BaseException] = []

    def sweep() -> None:
        try:
            _private_file.sweep(place, 1e12)
        except OSError as error:
            failures.append(error)

    for _ in range(20):
        for number in range(50):
            (place / f".a.json.{number:016x}.tmp").touch()
        threads = [Thread(target=sweep) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    shutil.rmtree(place)
