"""A store on disk: whose its files are, what else may stand there, and disks that are full or read-only."""

import itertools
import json
import logging
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import counterparts
import pytest
import vault
from test_private_file import umask
from vault import TOKEN, all_bytes

from requests_auth_profiles import _private_file
from requests_auth_profiles._private_file import UnsafeFileError
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreUnavailable
from requests_auth_profiles.stores import FallbackStore, FileStore
from requests_auth_profiles.stores.keys import key_files

pytestmark = pytest.mark.platform("linux", "darwin")

NEXT = Token(access_token="next")
HOUR = 3600.0


def opened(folder: Path) -> FileStore:
    """The store as a process sees it that has just begun."""
    return FileStore(folder, vault.source())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is, with a document, in a folder whose name a shell would take apart."""
    path = tmp_path / "it's a $HOME" / "store"
    opened(path).set("work", TOKEN)
    return path


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, mask: int) -> None:
    """Every folder is 0700 and every file 0600, the key's and the locks' too, whatever the person's umask."""
    (tmp_path / "state").mkdir()
    with umask(mask):
        store = FileStore(tmp_path / "state/store", key_files(tmp_path / "state/keys"))
        with store.lock("work", vault.PATIENCE_SECONDS):
            store.set("work", TOKEN)
    made = sorted((tmp_path / "state").rglob("*"))
    modes = {stat.filemode(path.lstat().st_mode) for path in made}
    assert (len(made), modes) == (9, {"drwx------", "-rw-------"})


PLACES = {
    "document": "tokens/work.json",
    "record": "store.json",
    "folder of documents": "tokens",
    "folder": "",
    "lock": "locks/work.lock",
    "lock of the key": "store.lock",
    "folder of locks": "locks",
}


def a_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def a_dangling_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("nowhere")


def a_fifo(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    os.mkfifo(path, 0o600)


def a_folder(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.mkdir(mode=0o700)


def a_file(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.touch(mode=0o600)


def readable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o044)


def writable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o022)


def renewed(store: FileStore) -> Token | None:
    """What a renewal finds, and leaves."""
    with store.lock("work", vault.PATIENCE_SECONDS):
        found = store.get("work")
        store.set("work", NEXT)
    return found


@pytest.mark.parametrize(
    ("place", "change"),
    [
        *itertools.product(
            ("document", "record"), (a_link, a_dangling_link, a_fifo, a_folder, readable, writable)
        ),
        *itertools.product(("folder", "folder of documents"), (a_link, a_fifo, readable, writable)),
        ("folder of documents", a_file),
        *itertools.product(("folder of locks",), (a_link, a_file, writable)),
        ("lock", a_link),
        ("lock", a_dangling_link),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_others_could_have_put_there_is_refused(
    folder: Path, place: str, change: Callable[[Path], None]
) -> None:
    """It is named, nothing is written past it, and the store works once the hint is typed as it stands."""
    with opened(folder).lock("work", 0):
        pass
    path = folder / PLACES[place]
    change(path)
    before = all_bytes(folder.parent)
    with pytest.raises(StoreUnavailable) as refused:
        renewed(opened(folder))
    assert str(path) in refused.value.message
    assert all_bytes(folder.parent) == before
    subprocess.run(refused.value.hint, shell=True, check=True)
    renewed(opened(folder))
    assert opened(folder).get("work") == NEXT


def test_a_file_that_was_named_for_a_folder_stays(folder: Path) -> None:
    """Where the store is said to be in what is a file, that may be a dear one: nobody is told to move it."""
    a_file(folder)
    with pytest.raises(StoreUnavailable, match="is not a folder") as refused:
        renewed(opened(folder))
    assert refused.value.hint == "name a folder; this is a file"


def test_the_lock_of_the_first_key_is_no_link(tmp_path: Path) -> None:
    """No file elsewhere is made or opened through a link in the place of the store's own lock."""
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    (folder / "store.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="is a symbolic link"):
        opened(folder).set("work", TOKEN)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("place", ["document", "record", "folder of documents", "folder"])
def test_listing_and_forgetting_refuse_it_too(folder: Path, place: str) -> None:
    """A folder that others could write to is not listed, nor are files deleted in what it leads to."""
    path = folder / PLACES[place]
    a_link(path)
    if place in {"document", "record"}:  # only the link would go
        assert opened(folder).keys() == ["work"]
        return
    for use in (opened(folder).keys, opened(folder).clear, lambda: opened(folder).delete("work")):
        with pytest.raises(StoreUnavailable, match="is a symbolic link"):
            use()


def test_a_folder_that_everybody_could_exchange_is_refused(folder: Path) -> None:
    """A store in a folder where everybody may rename it is not used until that is mended."""
    folder.parent.chmod(0o777)
    with pytest.raises(StoreUnavailable, match="everybody may rename") as refused:
        opened(folder).get("work")
    subprocess.run(refused.value.hint, shell=True, check=True)
    assert opened(folder).get("work") == TOKEN


OF_SOMEBODY_ELSE = """
from requests_auth_profiles.errors import StoreUnavailable
try:
    opened("/etc").set("work", Token(access_token="a"))
except StoreUnavailable as error:
    print(error.message, "|", error.hint)
"""


def test_a_folder_of_somebody_else_is_refused(ordinary_user: counterparts.OrdinaryUser) -> None:
    """A store is one person's: the error says whose the folder is, and what would make it ours."""
    done = ordinary_user.run_python("-c", vault.PRELUDE + OF_SOMEBODY_ELSE)
    assert "/etc belongs to user 0, and we run as" in done.stdout, done.stderr
    assert "| sudo chown" in done.stdout


class TestLeftovers:
    """Temporary files of writers that were killed go with a later write."""

    @pytest.fixture
    def left(self, folder: Path) -> list[Path]:
        """What such writers left: of a document, of the record; and two files that are not of that form."""
        names = [".store.json.00112233445566ff.tmp", "tokens/.work.json.0123456789abcdef.tmp"]
        names += ["notes.tmp", "tokens/.work.json.tmp"]
        for name in names:
            (folder / name).write_bytes(b"x")
        return [folder / name for name in names]

    def test_old_ones_go(self, folder: Path, left: list[Path]) -> None:
        """The first write of a process more than an hour later takes them away, and nothing else."""
        later = left[0].stat().st_mtime + HOUR + 1
        FileStore(folder, vault.source(), now=lambda: later).set("work", NEXT)
        assert [path.exists() for path in left] == [False, False, True, True]

    def test_young_ones_stay(self, folder: Path, left: list[Path]) -> None:
        """What may be a write of this moment is left to its process."""
        opened(folder).set("work", NEXT)
        assert all(path.exists() for path in left)

    def test_reading_leaves_them(self, folder: Path, left: list[Path]) -> None:
        """Who only reads changes nothing."""
        later = left[0].stat().st_mtime + HOUR + 1
        FileStore(folder, vault.source(), now=lambda: later).get("work")
        assert all(path.exists() for path in left)


class TestNoRoom:
    """A full disk costs the new token its place, and nothing that was there before."""

    @pytest.fixture(params=["size=256k", "size=1m,nr_inodes=20"], ids=["bytes", "files"])
    def full(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
        """A store with a document, on a disk where there is no room for another byte, or another file."""
        volume = tmp_path / "volume"
        volume.mkdir(mode=0o700)
        with vault.little_room(volume, request.param) as mounted:
            with opened(volume / "store").lock("work", 0):
                opened(volume / "store").set("work", TOKEN)
            with vault.no_room(volume, mounted=mounted):
                yield volume / "store"

    def test_it_is_an_error_of_the_store(self, full: Path) -> None:
        """It says which file could not be written and why, and how to look for the reason."""
        with pytest.raises(StoreUnavailable, match=r"work\.json: (No space left|File too large)") as failed:
            opened(full).set("work", NEXT)
        assert "df " in failed.value.hint

    def test_what_was_there_stays(self, full: Path) -> None:
        """The token before can still be read, and no part of the new one is left."""
        before = all_bytes(full)
        with pytest.raises(StoreUnavailable):
            opened(full).set("work", NEXT)
        assert all_bytes(full) == before
        assert opened(full).get("work") == TOKEN

    def test_the_token_is_in_memory(self, full: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A request goes on with the new token, and one warning tells what happened."""
        store = FallbackStore(opened(full))
        with caplog.at_level(logging.WARNING), store.lock("work", vault.PATIENCE_SECONDS):
            store.set("work", NEXT)
            store.set("work", NEXT)
        assert (store.get("work"), len(caplog.records)) == (NEXT, 1)

    def test_a_token_can_be_forgotten(self, full: Path) -> None:
        """A full disk keeps nobody from signing out."""
        opened(full).delete("work")
        assert opened(full).get("work") is None


PUT = "opened(sys.argv[1]).set('work', Token(access_token='kept'))"
READ_ONLY = """
import json, logging
from requests_auth_profiles.errors import StoreUnavailable
logging.basicConfig(format="%(message)s")
store, said = FallbackStore(opened(sys.argv[1])), []
said.append(store.get("work").access_token)
with store.lock("work", 10):
    try:
        store.meant.set("work", Token(access_token="new"))
    except StoreUnavailable as error:
        said.append(error.message.partition(": ")[2])
    store.set("work", Token(access_token="new"))
said.append(store.get("work").access_token)
said.append(opened(sys.argv[1]).get("work").access_token)
print(json.dumps(said))
"""


def test_a_read_only_store_is_read(ordinary_user: counterparts.OrdinaryUser) -> None:
    """What is there is used, what is new stays in memory, one warning says so, and nothing waits or fails."""
    folder = ordinary_user.folder / "store"
    made = ordinary_user.run_python("-c", vault.PRELUDE + PUT, str(folder))
    assert made.returncode == 0, made.stderr
    with vault.read_only(folder):
        done = ordinary_user.run_python("-c", vault.PRELUDE + READ_ONLY, str(folder))
    kept, reason, new, still = json.loads(done.stdout or done.stderr)
    assert (kept, new, still) == ("kept", "new", "kept")
    assert reason in {"Read-only file system", "Permission denied"}
    assert done.stderr.count("out of order") == done.stderr.count("\n") == 1


class TestPrivateFiles:
    """What a store asks of its files, where it can only be seen at their own level."""

    def test_create_makes_the_folders_on_the_way(self, tmp_path: Path) -> None:
        """A first key file needs no folder to be there; those that are made are for one person only."""
        with umask(0o000):
            _private_file.create(tmp_path / "a/b/file", b"new")
        assert (tmp_path / "a/b/file").read_bytes() == b"new"
        assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b")] == [0o700] * 2

    def test_replace_leaves_a_folder_that_is_in_the_way(self, tmp_path: Path) -> None:
        """Where the new file cannot take its place, it does not stay beside it."""
        (tmp_path / "file").mkdir()
        with pytest.raises(IsADirectoryError):
            _private_file.replace(tmp_path / "file", b"new")
        assert list(tmp_path.rglob("*")) == [tmp_path / "file"]

    def test_replace_makes_no_folder(self, tmp_path: Path) -> None:
        """A folder that vanished is an error, not a new one that nobody looked at."""
        with pytest.raises(FileNotFoundError):
            _private_file.replace(tmp_path / "gone/file", b"new")
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_folder_is_not_made_by_looking(self, tmp_path: Path) -> None:
        """To check a folder is not to make it."""
        with pytest.raises(FileNotFoundError):
            _private_file.check_folder(tmp_path / "gone")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_cannot_be_made_in_a_file(self, tmp_path: Path) -> None:
        """What stands in the way is an error and stays as it is."""
        (tmp_path / "file").write_bytes(b"content")
        with pytest.raises(NotADirectoryError):
            _private_file.make_folder(tmp_path / "file/folder")
        assert (tmp_path / "file").read_bytes() == b"content"

    def test_links_are_told_apart_from_what_they_lead_to(self, tmp_path: Path) -> None:
        """A link is refused even where nothing is behind it, and a path with nothing there is none."""
        (tmp_path / "link").symlink_to("nowhere")
        _private_file.refuse_link(tmp_path / "nothing")
        with pytest.raises(UnsafeFileError, match="is a symbolic link"):
            _private_file.refuse_link(tmp_path / "link")
