"""The record of a store's key: believed no further than the key proves, and never a reason for a new key."""

import json
import sys
from pathlib import Path

import pytest
import vault
from test_store_keys import OTHER_KEY, SOURCES
from vault import KEY, TOKEN, all_bytes, kept, refused, source

from requests_auth_profiles.errors import StoreUnavailable, StoreVersionError
from requests_auth_profiles.stores import FileStore
from requests_auth_profiles.stores.keys import key_files
from requests_auth_profiles.stores.sealing import key_id, seal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Where the key files are."""
    return tmp_path / "keys"


class TestRecord:
    """`store.json` is believed no further than the key proves."""

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"source": "other"}, "a key from 'other'"),
            ({"kid": key_id(OTHER_KEY)}, "is not the one"),
            ({"kid": "../../../etc/shadow"}, "was changed"),
            ({"kid": ""}, "was changed"),
            ({"wrapped": "x"}, "was changed"),
            ({"wrapped": None}, "is damaged"),
            ({"keys": []}, "was changed"),
            ({"keys": ["x"]}, "is damaged"),
            ({"mac": "0" * 64}, "was changed"),
            ({"mac": "é" * 64}, "was changed"),
            ({"mac": 1}, "is damaged"),
            ({"v": True}, "is damaged"),
            ({"v": "1"}, "is damaged"),
            ({"more": "x"}, "is damaged"),
        ],
        ids=str,
    )
    def test_a_changed_member_is_refused(self, folder: Path, change: dict[str, object], match: str) -> None:
        """Whatever was changed is an error that changes nothing, not a reason for a new key."""
        kept(folder, source())
        path = folder / "store.json"
        said = json.loads(path.read_bytes())
        entry = said["keys"][0]
        (entry if change.keys() <= entry.keys() else said).update(change)
        path.write_text(json.dumps(said) + "\n")
        assert "begin anew" in refused(folder, source(), match)

    def test_a_source_cannot_be_written_into_it(self, folder: Path) -> None:
        """Who has no key cannot send us elsewhere for it, even where that is the same key."""
        kept(folder, source(KEY, "reference"))
        path = folder / "store.json"
        path.write_text(path.read_text().replace("reference", "environment"))
        refused(folder, source(KEY, "environment"), "was changed")

    @pytest.mark.parametrize(
        "content", [b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 60_000, b'{"v":1}']
    )
    def test_a_damaged_one_is_refused(self, folder: Path, content: bytes) -> None:
        """What is no record is told, and nothing is written over documents that may be opened one day."""
        kept(folder, source())
        (folder / "store.json").write_bytes(content)
        assert "begin anew" in refused(folder, source(), "is damaged")

    def test_a_large_one_is_not_read(self, folder: Path) -> None:
        """No more is taken into memory than a record can have."""
        kept(folder, source())
        (folder / "store.json").write_bytes(b" " * 1_000_000)
        with pytest.raises(StoreUnavailable, match="is larger than"):
            FileStore(folder, source()).get("work")

    def test_another_version_is_left(self, folder: Path) -> None:
        """A record that a newer version wrote is neither read nor replaced."""
        kept(folder, source())
        (folder / "store.json").write_text('{"v": 2, "keys": []}')
        before = all_bytes(folder)
        for use in (lambda store: store.get("work"), lambda store: store.set("work", TOKEN)):
            with pytest.raises(StoreVersionError, match="another version") as newer:
                use(FileStore(folder, source()))
        assert "pip install -U" in newer.value.hint
        assert all_bytes(folder) == before


class TestLostRecord:
    """Documents without a record are those of a key that is wanted, never a reason for a new one."""

    @pytest.mark.parametrize("first", SOURCES)
    def test_the_right_key_is_recorded_again(self, folder: Path, keys: Path, first: str) -> None:
        """With the key that they are sealed with, all goes on, by the same key file."""
        kept(folder, SOURCES[first](keys))
        before = (folder / "store.json").read_bytes()
        (folder / "store.json").unlink()
        assert FileStore(folder, SOURCES[first](keys)).get("work") == TOKEN
        assert (folder / "store.json").read_bytes() == before
        assert len(list(keys.glob("*"))) == (first == "file")

    def test_a_wrong_key_is_not_recorded(self, folder: Path) -> None:
        """Another key is refused, and there is still no record."""
        kept(folder, source())
        (folder / "store.json").unlink()
        refused(folder, source(OTHER_KEY), r"store\.json is missing, and .* sealed with another key")

    def test_no_new_key_file_is_made(self, folder: Path, keys: Path) -> None:
        """Where the key file is lost too, that is an error."""
        kept(folder, key_files(keys))
        (folder / "store.json").unlink()
        next(keys.iterdir()).unlink()
        refused(folder, key_files(keys), "is missing")
        assert list(keys.iterdir()) == []

    def test_damaged_documents_are_passed_over(self, folder: Path, keys: Path) -> None:
        """The key is told by any document that can be read, not by the first."""
        kept(folder, key_files(keys)).set("a", TOKEN)
        (folder / "store.json").unlink()
        (folder / "tokens/a.json").write_bytes(b"damaged")
        FileStore(folder, key_files(keys)).set("new", TOKEN)
        assert FileStore(folder, key_files(keys)).get("work") == TOKEN
        assert len(list(keys.iterdir())) == 1

    @pytest.mark.platform("linux", "darwin")
    def test_a_document_that_vanishes_is_passed_over(self, folder: Path, keys: Path) -> None:
        """Where another process forgets the first document just then, the next one still tells the key."""
        kept(folder, key_files(keys)).set("a", TOKEN)
        (folder / "store.json").unlink()
        vanishing = folder / "tokens/a.json"

        def forget(event: str, arguments: tuple[object, ...]) -> None:
            if event == "open" and str(arguments[0]) == str(vanishing):
                vanishing.unlink(missing_ok=True)

        def write() -> None:
            sys.addaudithook(forget)
            FileStore(folder, key_files(keys)).set("new", TOKEN)

        assert (vault.forked(write), vanishing.exists()) == ("None", False)
        assert FileStore(folder, key_files(keys)).get("work") == TOKEN


class TestClear:
    """`clear` is the way to begin anew, with another key or without the old one."""

    def test_nothing_of_the_tokens_stays(self, folder: Path) -> None:
        """Documents, those set aside, temporary files and the record go; what is not ours stays."""
        store = kept(folder, source())
        (folder / "tokens/work.json").write_bytes(b"damaged")
        store.set("work", TOKEN)
        (folder / "tokens/.work.json.0123456789abcdef.tmp").write_bytes(b"x")
        for name in ("notes.txt", "tokens/notes.txt"):
            (folder / name).write_bytes(b"x")
        store.clear()
        left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert left == {"store.lock", "notes.txt", "tokens/notes.txt"}

    @pytest.mark.parametrize("folder_too", [False, True])
    def test_what_others_put_there_stays(self, folder: Path, *, folder_too: bool) -> None:
        """In a folder that is used for other things too, only files of our own form are deleted."""
        store = kept(folder, source())
        foreign = ["package.json", "notes.json.txt", "work.json.corrupt-", "a.json.corrupt-1x", "x.corrupt-1"]
        for name in foreign:
            (folder / "tokens" / name).write_text('{"name": "x"}')
        if folder_too:
            foreign.append("folder.json")
            (folder / "tokens/folder.json").mkdir()
        (folder / "tokens/work.json.corrupt-12").write_bytes(b"damaged")
        store.clear()
        assert sorted(path.name for path in (folder / "tokens").iterdir()) == sorted(foreign)

    def test_the_key_file_goes_with_it(self, folder: Path, keys: Path) -> None:
        """The key of what was forgotten is of no use; that of another store stays."""
        kept(folder.with_name("other"), key_files(keys))
        (others,) = keys.iterdir()
        kept(folder, key_files(keys))
        FileStore(folder, key_files(keys)).clear()
        assert list(keys.iterdir()) == [others]

    def test_a_record_that_was_changed_costs_no_key(self, folder: Path, keys: Path) -> None:
        """The key of another store cannot be written into a record to have it deleted."""
        kept(folder.with_name("other"), key_files(keys))
        (others,) = keys.iterdir()
        kept(folder, key_files(keys))
        path = folder / "store.json"
        said = json.loads(path.read_bytes())
        said["keys"][0]["kid"] = others.stem
        path.write_text(json.dumps(said) + "\n")
        FileStore(folder, key_files(keys)).clear()
        assert others in keys.iterdir()
        assert not path.exists()

    @pytest.mark.parametrize("damage", [b"", b"{}", b'{"v": 2}'])
    def test_another_key_can_be_chosen(self, folder: Path, damage: bytes) -> None:
        """After a key was lost and the record damaged, a new source and key are taken."""
        kept(folder, source(OTHER_KEY, "lost"))
        (folder / "store.json").write_bytes(damage)
        FileStore(folder, source()).clear()
        kept(folder, source())
        assert FileStore(folder, source()).get("work") == TOKEN

    def test_a_store_in_use_goes_on(self, folder: Path, keys: Path) -> None:
        """A process that knew the old key keeps its next token under the new one."""
        store = kept(folder, key_files(keys))
        FileStore(folder, key_files(keys)).clear()
        assert store.get("work") is None
        kept(folder, key_files(keys), "home")
        store.set("work", TOKEN)
        assert [FileStore(folder, key_files(keys)).get(name) for name in ("work", "home")] == [TOKEN, TOKEN]

    def test_an_empty_place_can_be_cleared(self, folder: Path) -> None:
        """Where there is no store there is nothing to do, and nothing is made."""
        FileStore(folder, source()).clear()
        assert not folder.exists()


def test_a_document_of_a_newer_version_is_no_reason_for_a_new_key(folder: Path, keys: Path) -> None:
    """Where the record is lost and the documents are of another version, nothing is made or written."""
    kept(folder, key_files(keys))
    (folder / "store.json").unlink()
    document = folder / "tokens/work.json"
    document.write_text(
        json.dumps(json.loads(seal(TOKEN, key=KEY, profile="work", seq=1).to_bytes()) | {"v": 2})
    )
    with pytest.raises(StoreVersionError):
        FileStore(folder, key_files(keys)).set("new", TOKEN)
    assert len(list(keys.iterdir())) == 1
