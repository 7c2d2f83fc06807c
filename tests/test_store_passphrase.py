"""A store whose key is wrapped by a passphrase."""

import json
import resource
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vault import TOKEN, all_bytes, kept

from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores import FileStore, KeySource
from requests_auth_profiles.stores._passphrase import unwrap, wrap

PHRASE = "s3cret horse battery"
KEY = bytes(range(32))
WRAPPED = wrap(KEY, PHRASE.encode())


def said(phrase: str) -> KeySource:
    """The passphrase of a store."""
    return KeySource("passphrase", lambda _: phrase.encode(), is_passphrase=True)


def entry(folder: Path) -> dict[str, str]:
    """What the record says of the key."""
    (only,) = json.loads((folder / "store.json").read_bytes())["keys"]
    return only


class TestWrapping:
    """A key comes out of its wrapping by that passphrase alone, as it was."""

    def test_it_comes_out(self) -> None:
        """Wrapped twice, a key looks different, and is the same each time."""
        other = wrap(KEY, PHRASE.encode())
        assert other != WRAPPED
        assert unwrap(WRAPPED, PHRASE.encode(), "here") == unwrap(other, PHRASE.encode(), "here") == KEY

    @settings(max_examples=12, deadline=None)
    @given(at=st.integers(0, len(WRAPPED) - 1), character=st.sampled_from(string.printable))
    def test_a_change_is_refused(self, at: int, character: str) -> None:
        """Whatever character is another one, there is no key."""
        changed = WRAPPED[:at] + character + WRAPPED[at + 1 :]
        if changed != WRAPPED:
            with pytest.raises(StoreKeyError):
                unwrap(changed, PHRASE.encode(), "here")

    @pytest.mark.parametrize("cost", ["0", "00", "19", "20", "30", "99", "-1"])
    def test_its_cost_is_capped(self, cost: str) -> None:
        """Parameters that would take the memory of the machine are refused before any is taken."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(StoreKeyError, match="was changed"):
            unwrap(WRAPPED.replace("$17$", f"${cost}$"), PHRASE.encode(), "here")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss == before


class TestStore:
    """What a store with a passphrase does."""

    def test_its_token_is_found_again(self, tmp_path: Path) -> None:
        """The next process, with the same passphrase, reads the token; the record has no secret in it."""
        kept(tmp_path / "store", said(PHRASE))
        assert FileStore(tmp_path / "store", said(PHRASE)).get("work") == TOKEN
        text = (tmp_path / "store/store.json").read_text()
        assert PHRASE not in text
        assert entry(tmp_path / "store")["wrapped"].startswith("scrypt$17$")

    def test_another_passphrase_changes_nothing(self, tmp_path: Path) -> None:
        """It is an error that says so, for reading and writing, without either passphrase."""
        kept(tmp_path / "store", said(PHRASE))
        before = all_bytes(tmp_path)
        for use in (lambda store: store.get("work"), lambda store: store.set("work", TOKEN)):
            with pytest.raises(StoreKeyError, match="passphrase is not the one") as wrong:
                use(FileStore(tmp_path / "store", said("an0ther passphrase")))
            assert "s3cret" not in str(wrong.value)
            assert "an0ther" not in str(wrong.value)
        assert all_bytes(tmp_path) == before

    def test_a_short_one_is_refused(self, tmp_path: Path) -> None:
        """What can be guessed makes no key, and nothing is written."""
        with pytest.raises(StoreKeyError, match="less than 8 characters"):
            FileStore(tmp_path / "store", said("s3cret7")).set("work", TOKEN)
        assert not (tmp_path / "store/store.json").exists()

    def test_it_can_be_changed(self, tmp_path: Path) -> None:
        """With the old one besides, the tokens are sealed with a key that the new one wraps."""
        kept(tmp_path / "store", said(PHRASE))
        new = "n3w horse battery"
        old = KeySource("--old", lambda _: PHRASE.encode())
        assert FileStore(tmp_path / "store", said(new)).rotate_key(old) == 1
        assert FileStore(tmp_path / "store", said(new)).get("work") == TOKEN
        with pytest.raises(StoreKeyError, match="passphrase is not the one"):
            FileStore(tmp_path / "store", said(PHRASE)).get("work")

    def test_a_lost_record_is_told(self, tmp_path: Path) -> None:
        """The key was in it: that is an error, and no new key over the documents."""
        kept(tmp_path / "store", said(PHRASE))
        (tmp_path / "store/store.json").unlink()
        with pytest.raises(StoreKeyError, match="is missing") as lost:
            FileStore(tmp_path / "store", said(PHRASE)).set("work", TOKEN)
        assert "begin anew" in lost.value.hint
