"""The key of a store in the keyring of the system: kept in one that proves itself, and nowhere else later."""

import json
from collections.abc import Callable
from pathlib import Path

import keyring.backends.null
import pytest
import secret_service
from keyring.backend import KeyringBackend
from keyrings import Forgetful, InMemory, Locked, PlaintextKeyring, Silent, Weak, in_use
from vault import TOKEN, all_bytes, kept

from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores import FileStore, KeySource
from requests_auth_profiles.stores.keyring import os_keyring
from requests_auth_profiles.stores.keys import key_files

# Keeps a token in a store whose key may be in the keyring, and tells where that is; "get" gives it again.
PROGRAM = """
import json, sys
from pathlib import Path
from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores import FileStore, Token
from requests_auth_profiles.stores.keyring import os_keyring
from requests_auth_profiles.stores.keys import key_files

folder, keys, verb = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
store = FileStore(folder, os_keyring(), key_files(keys))
try:
    if verb == "set":
        store.set("work", Token(access_token="s3cret"))
    elif verb == "rotate":
        store.rotate_key()
    elif verb == "clear":
        store.clear()
    found = store.get("work")
    import keyring
    kid = "" if verb == "clear" else json.loads((folder / "store.json").read_text())["keys"][0]["kid"]
    entry = store.key_source == "file" or keyring.get_password("requests-auth-profiles", kid)
    print(json.dumps([store.key_source, found and found.access_token == "s3cret", bool(entry)]))
except StoreKeyError as error:
    print(json.dumps(["error", error.message, error.hint]))
"""


class Deletes(InMemory):
    """A keyring that can remove what it has."""

    def delete_password(self, service: str, username: str) -> None:
        del self._passwords[service, username]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


def quick() -> KeySource:
    """The keyring, which has half a second."""
    return os_keyring(0.5)


def entries(backend: InMemory) -> list[str]:
    """The ids of the keys that a keyring has."""
    return [user for _, user in backend._passwords]


class TestSecretService:
    """A real one: gnome-keyring, over D-Bus."""

    @pytest.fixture
    def used(self, home: Path, folder: Path) -> Callable[..., list[object]]:
        """Use the store in a session of its own; an empty password leaves the keyring locked."""

        def use(verb: str, password: str = secret_service.PASSWORD) -> list[object]:
            done = secret_service.run(home, PROGRAM, folder, home / "keys", verb, unlock=password)
            assert done.stdout, done.stderr
            return json.loads(done.stdout)

        return use

    def test_the_key_is_in_it(self, used: Callable[..., list[object]], home: Path) -> None:
        """It is found again in the next session, can be replaced, and goes with the store; no file has it."""
        assert used("set") == ["keyring", True, True]
        assert used("get") == ["keyring", True, True]
        assert used("rotate") == ["keyring", True, True]
        assert not (home / "keys").exists()
        assert used("clear") == ["", None, False]

    def test_a_locked_one_changes_nothing(self, used: Callable[..., list[object]], folder: Path) -> None:
        """Locked later on, it is an error that says so; no file takes its place."""
        assert used("set") == ["keyring", True, True]
        before = all_bytes(folder)
        kind, message, hint = used("get", "")
        assert (kind, "keyring" in str(message), bool(hint)) == ("error", True, True)
        assert all_bytes(folder) == before
        assert used("get") == ["keyring", True, True]

    def test_where_it_is_locked_at_first(self, used: Callable[..., list[object]]) -> None:
        """A store that begins while it is locked has its key in a file, and keeps to it."""
        assert used("set", "")[:2] == ["file", True]
        assert used("get")[:2] == ["file", True]


NO_KEYRINGS = [keyring.backends.null.Keyring, Locked, PlaintextKeyring, Weak, Forgetful, Silent]
each_bad = pytest.mark.parametrize("kind", NO_KEYRINGS, ids=lambda kind: kind.__name__)


@each_bad
def test_what_is_no_keyring_gets_no_key(
    folder: Path, tmp_path: Path, kind: type[KeyringBackend], caplog: pytest.LogCaptureFixture
) -> None:
    """A null, locked, plaintext, weak, forgetful or hanging one is passed over, and a warning tells why."""
    with in_use(kind()):
        store = FileStore(folder, quick(), key_files(tmp_path / "keys"))
        store.set("work", TOKEN)
        assert (store.key_source, store.get("work")) == ("file", TOKEN)
    assert "not in the best place: the key" in caplog.text
    assert "s3cret" not in caplog.text


@each_bad
def test_where_the_key_was_in_one(folder: Path, tmp_path: Path, kind: type[KeyringBackend]) -> None:
    """A key that is in a keyring is never looked for elsewhere, nor is another made; nothing changes."""
    with in_use(InMemory()):
        kept(folder, quick())
    before = all_bytes(folder)
    with in_use(kind()):
        for use in (lambda store: store.get("work"), lambda store: store.set("work", TOKEN)):
            with pytest.raises(StoreKeyError, match="keyring") as refused:
                use(FileStore(folder, quick(), key_files(tmp_path / "keys")))
            assert refused.value.hint
            assert "s3cret" not in str(refused.value)
    assert all_bytes(folder) == before
    assert not (tmp_path / "keys").exists()


@each_bad
def test_where_nothing_else_will_do(folder: Path, kind: type[KeyringBackend]) -> None:
    """Where a keyring is asked for and nothing else, there is an error and no key."""
    with in_use(kind()), pytest.raises(StoreKeyError, match="keyring") as refused:
        FileStore(folder, quick()).set("work", TOKEN)
    assert refused.value.hint
    assert not (folder / "store.json").exists()


def test_a_rotation_leaves_one_entry(folder: Path) -> None:
    """The new key is put in, the old one taken out, and `clear` takes out the last."""
    with in_use(Deletes()) as backend:
        store = kept(folder, quick())
        (before,) = entries(backend)
        store.rotate_key()
        (after,) = entries(backend)
        assert before != after
        assert FileStore(folder, quick()).get("work") == TOKEN
        store.clear()
        assert entries(backend) == []


def test_what_it_has_is_checked(folder: Path) -> None:
    """An entry that was changed is no key of ours."""
    with in_use(InMemory()) as backend:
        kept(folder, quick())
        ((service, user),) = backend._passwords
        backend._passwords[service, user] = "s3cret"
        with pytest.raises(StoreKeyError, match="is not a key") as wrong:
            FileStore(folder, quick()).get("work")
    assert "s3cret" not in str(wrong.value)
