"""The key of a file store: where it comes from, and that neither it nor its source changes silently."""

import base64
import json
import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import counterparts
import pytest
import vault
from hypothesis import given
from hypothesis import strategies as st
from vault import KEY, TOKEN, kept, refused, source

from requests_auth_profiles.errors import (
    SecretUnavailable,
    StoreKeyError,
    StoreUnavailable,
)
from requests_auth_profiles.stores import FileStore, KeySource, SealedStore
from requests_auth_profiles.stores.documents import Documents
from requests_auth_profiles.stores.keys import decode_key, key_files
from requests_auth_profiles.stores.sealing import key_id

OTHER_KEY = bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Where the key files are."""
    return tmp_path / "keys"


class TestText:
    """A key as people give it: 32 bytes in base64."""

    @given(
        key=st.binary(min_size=32, max_size=32),
        encode=st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
        padded=st.booleans(),
        around=st.sampled_from(["", "\n", " ", "\r\n"]),
    )
    def test_it_is_read(
        self, key: bytes, encode: Callable[[bytes], bytes], around: str, *, padded: bool
    ) -> None:
        """Either alphabet, with or without its padding, and with the line end of a file, gives the key."""
        text = encode(key).decode()
        assert decode_key(around + (text if padded else text.rstrip("=")) + around, "here") == key

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "hunter2",
            "correct horse battery staple",
            base64.b64encode(KEY[:31]).decode(),
            base64.b64encode(KEY + b"x").decode(),
            vault.KEY_TEXT + "!",
            vault.KEY_TEXT[:20] + "\n" + vault.KEY_TEXT[20:],
            KEY.hex(),
            "ключ" * 11,
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        """What is no key is never made into one, and the error names where it came from."""
        with pytest.raises(StoreKeyError, match="MY_KEY is not a key: 32 random bytes") as error:
            decode_key(text, "MY_KEY")
        assert "openssl rand -base64 32" in error.value.hint

    @given(text=st.text())
    def test_the_error_does_not_show_it(self, text: str) -> None:
        """What was given may be a passphrase that is used elsewhere."""
        with pytest.raises(StoreKeyError) as error:
            decode_key(f"s3cret!{text}", "MY_KEY")
        assert "s3cret" not in f"{error.value!r} {error.value} {error.value.__dict__}"
        assert error.value.__cause__ is None


class TestKeyFiles:
    """Where nothing better is configured, the key is in a file of its own, apart from the documents."""

    def test_the_first_write_makes_one(self, folder: Path, keys: Path) -> None:
        """It holds 32 random bytes, 0600 in 0700, under the id that the record names."""
        kept(folder, key_files(keys))
        (file,) = keys.iterdir()
        assert file.stem == json.loads((folder / "store.json").read_bytes())["keys"][0]["kid"]
        assert key_id(decode_key(file.read_text(), "")) == file.stem
        assert [stat.filemode(path.stat().st_mode) for path in (keys, file)] == ["drwx------", "-rw-------"]

    def test_each_store_has_a_key_of_its_own(self, tmp_path: Path) -> None:
        """Keys are random: two stores of one person can share the folder of their keys, and no key."""
        for name in ("one", "two"):
            kept(tmp_path / name, key_files(tmp_path / "keys"))
        assert len(list((tmp_path / "keys").iterdir())) == 2
        assert FileStore(tmp_path / "one", key_files(tmp_path / "keys")).get("work") == TOKEN

    def test_reading_makes_none(self, folder: Path, keys: Path) -> None:
        """To look into a store that is not there leaves nothing behind."""
        store = FileStore(folder, key_files(keys))
        assert (store.get("work"), store.keys(), list(folder.parent.iterdir())) == (None, [], [])

    def test_it_is_told_once(self, folder: Path, keys: Path, caplog: pytest.LogCaptureFixture) -> None:
        """The person learns where the key is as it is made, and is not told again, nor shown it."""
        kept(folder, key_files(keys)).set("home", TOKEN)
        kept(folder, key_files(keys)).get("home")
        (file,) = keys.iterdir()
        assert [str(file) in record.getMessage() for record in caplog.records] == [True]
        assert file.read_text().strip() not in caplog.text

    def test_the_documents_do_not_hold_it(self, folder: Path, keys: Path) -> None:
        """A copy of the store's folder opens nothing."""
        kept(folder, key_files(keys))
        (file,) = keys.iterdir()
        assert vault.disclosed([file.read_text().strip(), decode_key(file.read_text(), "")], folder) == []

    def test_processes_that_begin_at_once_make_one(self, folder: Path, keys: Path) -> None:
        """However many are the first, they agree on one key, and all their tokens can be read."""
        script = (
            "from requests_auth_profiles.stores.keys import key_files\n"
            "store = FileStore(Path(sys.argv[1]), key_files(Path(sys.argv[2])))\n"
            "ready(); store.set('p%d', Token(access_token='a'))"
        )
        vault.together([script % number for number in range(4)], folder, keys)
        store = FileStore(folder, key_files(keys))
        assert (len(list(keys.iterdir())), len(store.keys())) == (1, 4)
        assert None not in [store.get(name) for name in store.keys()]  # noqa: SIM118 - no dict

    def test_one_that_cannot_be_recorded_does_not_stay(self, folder: Path, keys: Path) -> None:
        """Each try makes a key anew, so that those before would only fill the folder."""
        by = key_files(keys)

        def create() -> bytes:
            assert by.create is not None
            (folder / "store.json").mkdir(exist_ok=True)  # in the way of the record
            return by.create()

        with pytest.raises(StoreUnavailable, match=r"store\.json"):
            kept(folder, replace(by, create=create))
        assert list(keys.iterdir()) == []

    def test_one_that_was_recorded_all_the_same_stays(self, folder: Path, keys: Path) -> None:
        """Where the record was written and the system fails afterwards, its key is not taken away."""

        class Late:
            """Documents whose record is there when its writing fails."""

            def __init__(self, documents: Documents) -> None:
                self._documents = documents

            def __getattr__(self, name: str) -> Any:
                return getattr(self._documents, name)

            def write(self, name: str | None, data: bytes) -> None:
                self._documents.write(name, data)
                raise StoreUnavailable("its folder cannot be synced", hint="df")

        with pytest.raises(StoreUnavailable):
            SealedStore(Late(FileStore(folder)._documents), key_files(keys)).set("work", TOKEN)
        assert kept(folder, key_files(keys)).get("work") == TOKEN

    def test_a_missing_one_is_not_replaced(self, folder: Path, keys: Path) -> None:
        """Without the key file nothing is opened, written or made; with it back, all is as it was."""
        kept(folder, key_files(keys))
        (file,) = keys.iterdir()
        file.rename(keys.parent / "backup")
        hint = refused(folder, key_files(keys), f"is missing: {file}")
        assert "restore it" in hint
        assert list(keys.iterdir()) == []
        (keys.parent / "backup").rename(file)
        assert FileStore(folder, key_files(keys)).get("work") == TOKEN

    @pytest.mark.platform("linux", "darwin")
    @pytest.mark.parametrize("kind", ["readable", "link", "FIFO", "folder"])
    def test_an_unsafe_one_is_not_used(self, folder: Path, keys: Path, kind: str) -> None:
        """A key that others could read or exchange is refused, and the hint names what to type."""
        kept(folder, key_files(keys))
        (file,) = keys.iterdir()
        if kind == "readable":
            file.chmod(0o644)
        else:
            file.rename(keys.parent / "key")
            put = {
                "link": lambda: file.symlink_to(keys.parent / "key"),
                "FIFO": lambda: os.mkfifo(file, 0o600),
            }
            put.get(kind, file.mkdir)()
        hint = refused(folder, key_files(keys), "is not safe")
        subprocess.run(hint, shell=True, check=True)
        if kind != "readable":
            (keys.parent / "key").rename(file)
        assert FileStore(folder, key_files(keys)).get("work") == TOKEN

    @pytest.mark.parametrize(
        ("content", "match"),
        [
            (b"", "is not a key"),
            (b"\xff" * 44, "is not a key"),
            (base64.b64encode(OTHER_KEY), "not the one that"),
        ],
    )
    def test_a_changed_one_is_not_used(self, folder: Path, keys: Path, content: bytes, match: str) -> None:
        """What is no key, or another one, is told apart, and changes nothing."""
        kept(folder, key_files(keys))
        (file,) = keys.iterdir()
        file.write_bytes(content)
        refused(folder, key_files(keys), match)

    def test_one_that_cannot_be_read_is_named(self, ordinary_user: counterparts.OrdinaryUser) -> None:
        """A key file without the right to read it is an error of the key, with its path."""
        script = (
            "from requests_auth_profiles.stores.keys import key_files\n"
            "store = FileStore(Path('store'), key_files(Path('keys')))\n"
            "store.set('work', Token(access_token='a'))\n"
            "(file,) = Path('keys').iterdir(); file.chmod(0)\n"
            "try: FileStore(Path('store'), key_files(Path('keys'))).get('work')\n"
            "except Exception as error: print(type(error).__name__, error.message); print(file)"
        )
        done = ordinary_user.run_python("-c", vault.PRELUDE + script)
        said, path = done.stdout.splitlines()
        assert said == f"StoreKeyError cannot read the key of the token store: {path}: Permission denied"


SOURCES: dict[str, Callable[[Path], KeySource]] = {
    "file": key_files,
    "environment": lambda _: source(KEY, "environment"),
    "reference": lambda _: source(KEY, "reference"),
}
chosen = pytest.mark.parametrize("first", SOURCES)


class TestChoice:
    """Which source a key has is recorded with the first write."""

    @chosen
    def test_it_is_recorded(self, folder: Path, keys: Path, first: str) -> None:
        """The record names the source and which key it is, and the next process finds its token by it."""
        kept(folder, SOURCES[first](keys))
        said = json.loads((folder / "store.json").read_bytes())
        (entry,) = said["keys"]
        assert (list(said), said["v"], entry["source"]) == (["v", "keys", "mac"], 1, first)
        assert FileStore(folder, SOURCES[first](keys)).get("work") == TOKEN

    @chosen
    @pytest.mark.parametrize("second", SOURCES)
    def test_it_never_switches(self, folder: Path, keys: Path, first: str, second: str) -> None:
        """Another source, be it with the same key, is an error that names both, until the first is back."""
        if first == second:
            assert kept(folder, SOURCES[first](keys)).get("work") == TOKEN
            return
        kept(folder, SOURCES[first](keys))
        assert "begin anew" in refused(folder, SOURCES[second](keys), f"'{first}'.*'{second}' now")
        assert FileStore(folder, SOURCES[first](keys)).get("work") == TOKEN

    def test_a_wrong_key_is_not_a_new_one(self, folder: Path) -> None:
        """A variable with another key in it is an error, and the right one finds all as it was."""
        kept(folder, source(KEY, "environment"))
        refused(folder, source(OTHER_KEY, "environment"), "'environment' is not the one")
        assert FileStore(folder, source(KEY, "environment")).get("work") == TOKEN

    def test_the_key_is_asked_for_once(self, folder: Path) -> None:
        """A command or keyring behind a source is not run for each token."""
        asked: list[str] = []
        kept(folder, source())
        store = FileStore(folder, KeySource("test", lambda kid: asked.append(kid) or KEY))
        for name in ("work", "home"):
            store.get(name)
            store.set(name, TOKEN)
        assert asked == [key_id(KEY)]

    def test_who_waited_for_the_choice_takes_it(self, folder: Path) -> None:
        """A thread or process that comes while the first key is made does not make another."""
        made: list[bytes] = []
        threads: list[threading.Thread] = []

        def create() -> bytes:
            made.append(os.urandom(32))
            if not threads:
                threads.append(threading.Thread(target=lambda: kept(folder, by)))
                threads[0].start()
                time.sleep(0.2)  # so that it waits for us
            return made[0]

        by = KeySource("test", lambda _: made[0], create)
        with pytest.raises(StoreUnavailable, match="too large"):  # a key, and no document that tells of it
            FileStore(folder, by).set("home", replace(TOKEN, id_token="x" * 1024 * 1024))
        threads[0].join()
        assert len(made) == 1
        assert FileStore(folder, by).get("work") == TOKEN

    @pytest.mark.parametrize(
        "error", [SecretUnavailable("no such variable"), StoreKeyError("no key")], ids=repr
    )
    def test_a_source_that_fails_is_heard_before_a_sign_in(self, folder: Path, error: Exception) -> None:
        """Where a token could not be kept, looking for one says so already, as nobody has signed in yet."""

        def fail(_: str) -> bytes:
            raise error

        with pytest.raises(type(error), match=str(error)):
            FileStore(folder, KeySource("reference", fail)).get("work")
        assert not folder.exists()

    def test_forgetting_needs_no_key(self, folder: Path) -> None:
        """Who lost the key can still sign out."""
        kept(folder, source())
        store = FileStore(folder, KeySource("gone", lambda _: 1 // 0))
        store.delete("work")
        assert store.keys() == []
