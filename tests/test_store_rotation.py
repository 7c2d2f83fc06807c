"""A new key for a store: whenever it ends, all can be read, and nobody who writes meanwhile loses a token."""

import json
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import vault
from test_store_keys import OTHER_KEY
from vault import KEY, TOKEN, kept, source

from requests_auth_profiles.errors import StoreError, StoreKeyError, StoreVersionError
from requests_auth_profiles.stores import FileStore, KeySource
from requests_auth_profiles.stores.keys import key_files
from requests_auth_profiles.stores.sealing import key_id

NAMES = ("home", "work", "zoo")
STEPS = {"open", "os.rename", "os.remove", "os.mkdir"}
BOTH = (source(OTHER_KEY, "new"), source(KEY, "old"))
FORMER = replace(BOTH[1], is_former=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of three tokens, whose key is in a file."""
    for name in NAMES:
        kept(tmp_path / "store", key_files(tmp_path / "keys"), name)
    return tmp_path / "store"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Where the key files are."""
    return tmp_path / "keys"


def recorded(folder: Path) -> list[str]:
    """The ids of the keys that the record names."""
    return [entry["kid"] for entry in json.loads((folder / "store.json").read_bytes())["keys"]]


def sealed_with(folder: Path) -> set[str]:
    """The ids of the keys that the documents name."""
    return {json.loads(path.read_bytes())["kid"] for path in (folder / "tokens").glob("*.json")}


def test_all_is_sealed_again(folder: Path, keys: Path) -> None:
    """Each document has the new key and its token as before; the old key is gone from record and disk."""
    (before,) = recorded(folder)
    store = FileStore(folder, key_files(keys))
    assert store.get("work") == TOKEN
    assert store.rotate_key() == len(NAMES)
    (after,) = recorded(folder)
    assert sealed_with(folder) == {after} != {before}
    assert [path.stem for path in keys.iterdir()] == [after]
    for one in (store, FileStore(folder, key_files(keys))):
        assert [one.get(name) for name in NAMES] == [TOKEN] * len(NAMES)


def test_an_empty_store_gets_its_first_key(tmp_path: Path) -> None:
    """Where there is no key yet, one is made and recorded."""
    store = FileStore(tmp_path / "store", key_files(tmp_path / "keys"))
    assert store.rotate_key() == 0
    assert [path.stem for path in (tmp_path / "keys").iterdir()] == recorded(tmp_path / "store")


def test_a_damaged_document_is_left(folder: Path, keys: Path) -> None:
    """What cannot be opened stops nothing, and the next token takes its place."""
    (folder / "tokens/work.json").write_bytes(b"damaged")
    store = FileStore(folder, key_files(keys))
    store.rotate_key()
    assert [store.get(name) for name in NAMES] == [TOKEN, None, TOKEN]
    store.set("work", TOKEN)
    assert FileStore(folder, key_files(keys)).get("work") == TOKEN


class TestAnotherSource:
    """A key that comes from elsewhere now: moved to only when that is said."""

    def test_it_moves(self, folder: Path, keys: Path) -> None:
        """From a key file to a key that was named: until then that is refused, from then on the file is."""
        named = source(OTHER_KEY, "reference")
        with pytest.raises(StoreKeyError, match="a key from 'file'") as refused:
            FileStore(folder, named).get("work")
        assert "rotate-key" in refused.value.hint
        assert FileStore(folder, named, key_files(keys)).rotate_key() == len(NAMES)
        assert FileStore(folder, named).get("work") == TOKEN
        assert list(keys.iterdir()) == []
        with pytest.raises(StoreKeyError, match="a key from 'reference'"):
            FileStore(folder, key_files(keys)).get("work")

    def test_the_old_key_is_given(self, tmp_path: Path) -> None:
        """Where a variable has the new key, the old one is said besides; without it nothing changes."""
        folder = tmp_path / "store"
        kept(folder, source(KEY, "environment"))
        store = FileStore(folder, source(OTHER_KEY, "environment"))
        before = vault.all_bytes(folder)
        with pytest.raises(StoreKeyError, match="is not the one"):
            store.rotate_key()
        with pytest.raises(StoreKeyError, match="is not the one"):
            store.rotate_key(source(bytes(range(1, 33)), "--old"))
        assert vault.all_bytes(folder) == before
        assert store.rotate_key(source(KEY, "--old")) == 1
        assert FileStore(folder, source(OTHER_KEY, "environment")).get("work") == TOKEN

    def test_the_same_key_is_refused(self, tmp_path: Path) -> None:
        """A key that is there already is no new one, and that is said."""
        store = kept(tmp_path / "store", source(KEY, "environment"))
        with pytest.raises(StoreKeyError, match="is one that the tokens are sealed with") as same:
            store.rotate_key()
        assert "--old" in same.value.hint

    def test_an_old_key_is_not_taken_again(self, folder: Path) -> None:
        """While one key takes the place of another, that other one is not the new one."""
        kept(folder.with_name("two"), BOTH[1])
        assert killed_after(folder.with_name("two"), 12)
        if recorded(folder.with_name("two"))[0] == key_id(OTHER_KEY):
            with pytest.raises(StoreKeyError, match="is one that"):
                FileStore(folder.with_name("two"), *reversed(BOTH)).rotate_key()

    @pytest.mark.parametrize("how", ["where it was", "by --old"])
    @pytest.mark.platform("linux", "darwin")
    def test_a_move_can_be_killed_at_every_step(self, tmp_path: Path, how: str) -> None:
        """The same call ends it, wherever the key of before is from, and the new key alone opens all."""
        step, killed = 0, True
        while killed:
            folder = tmp_path / f"store-{step}"
            for name in NAMES:
                kept(folder, BOTH[1], name)
            sources, old = (BOTH[:1], BOTH[1]) if how == "by --old" else ((BOTH[0], FORMER), None)
            killed = killed_after(folder, step, *sources, old=old)
            if recorded(folder) != [key_id(OTHER_KEY)]:
                assert FileStore(folder, *sources).rotate_key(old) == len(NAMES), f"after step {step}"
            assert [FileStore(folder, BOTH[0]).get(name) for name in NAMES] == [TOKEN] * len(NAMES)
            assert recorded(folder) == [key_id(OTHER_KEY)]
            step += 1
        assert step > 10

    def test_nobody_takes_the_key_of_before(self, tmp_path: Path) -> None:
        """Where a key may have been is no place for one: it opens nothing, and no store begins with it."""
        kept(tmp_path / "store", BOTH[1])
        with pytest.raises(StoreKeyError, match="a key from 'old'") as refused:
            FileStore(tmp_path / "store", BOTH[0], FORMER).get("work")
        assert "requests-auth store rotate-key, or" in refused.value.hint
        (tmp_path / "store/store.json").unlink()
        with pytest.raises(StoreKeyError, match="another key"):
            FileStore(tmp_path / "store", BOTH[0], FORMER).get("work")

    def test_a_store_that_is_cleared(self, folder: Path, keys: Path) -> None:
        """Its key is forgotten too, though it is not where keys come from now."""
        FileStore(folder, BOTH[0], replace(key_files(keys), is_former=True)).clear()
        assert list(keys.iterdir()) == []


def test_one_that_never_ends_makes_one_key(folder: Path, keys: Path) -> None:
    """However often it fails and is tried again, it is one new key that it puts in."""
    work = folder / "tokens/work.json"
    document = work.read_bytes()
    work.write_bytes(document.replace(b'"v":1', b'"v":2'))
    for _ in range(20):
        with pytest.raises(StoreVersionError):
            FileStore(folder, key_files(keys)).rotate_key()
    assert len(recorded(folder)) == len(list(keys.iterdir())) == 2
    work.write_bytes(document)
    assert FileStore(folder, key_files(keys)).rotate_key() == len(NAMES)
    assert [path.stem for path in keys.iterdir()] == recorded(folder) == list(sealed_with(folder))


def killed_after(folder: Path, steps: int, *sources: KeySource, old: KeySource | None = None) -> bool:
    """Rotates from one key to another in a process that is killed at a step, and tells whether it was."""
    child = os.fork()
    if child == 0:
        left = steps

        def count(event: str, _: tuple[object, ...]) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        FileStore(folder, *(sources or BOTH)).rotate_key(old)
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.platform("linux", "darwin")
def test_it_can_be_killed_at_every_step(tmp_path: Path) -> None:
    """After a kill before each open, rename, removal and mkdir, all can be read, and the next try ends it."""
    step, killed = 0, True
    while killed:
        folder = tmp_path / f"store-{step}"
        for name in NAMES:
            kept(folder, BOTH[1], name)
        killed = killed_after(folder, step)
        opened = FileStore(folder, *BOTH)
        assert [opened.get(name) for name in NAMES] == [TOKEN] * len(NAMES), f"after step {step}"
        if sealed_with(folder) != {key_id(OTHER_KEY)} or len(recorded(folder)) > 1:
            FileStore(folder, *BOTH).rotate_key()
        assert [FileStore(folder, BOTH[0]).get(name) for name in NAMES] == [TOKEN] * len(NAMES)
        step += 1
    assert step > 10


@pytest.mark.platform("linux", "darwin")
def test_writers_go_on(folder: Path, keys: Path) -> None:
    """Those who read and write while keys are replaced see their tokens, and no error."""
    over, problems, counts = threading.Event(), [], dict.fromkeys(NAMES, 0)

    def write(name: str) -> None:
        store = FileStore(folder, key_files(keys))
        try:
            while not over.is_set():
                token = replace(TOKEN, scope=str(counts[name]))
                with store.lock(name, 30):
                    store.set(name, token)
                    assert store.get(name) == token
                counts[name] += 1
        except (StoreError, AssertionError) as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in NAMES]
    for thread in threads:
        thread.start()
    rotating = FileStore(folder, key_files(keys))
    while min(counts.values()) < 20 and not problems:
        rotating.rotate_key()
    over.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert {rotating.get(name).scope for name in NAMES} == {str(count - 1) for count in counts.values()}
    assert [path.stem for path in keys.iterdir()] == recorded(folder)


def test_two_rotations_take_turns(folder: Path, keys: Path) -> None:
    """Two at once are one after the other, and one key is left."""
    stores = [FileStore(folder, key_files(keys)) for _ in range(2)]
    threads = [threading.Thread(target=store.rotate_key) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.stem for path in keys.iterdir()] == recorded(folder) == list(sealed_with(folder))
