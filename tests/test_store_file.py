"""FileStore: what its documents hold, and what becomes of those that were damaged or exchanged."""

import itertools
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import counterparts
import pytest
import vault
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vault import TOKEN, all_bytes

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreKeyError, StoreUnavailable, StoreVersionError, TimeoutOccurred
from requests_auth_profiles.stores import FileStore
from requests_auth_profiles.stores.sealing import Document, open_document, seal

NEXT = replace(TOKEN, access_token="s3cret-next-token")
OTHER_KEY = bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is, with two documents."""
    path = tmp_path / "store"
    store = opened(path)
    store.set("work", TOKEN)
    store.set("home", NEXT)
    return path


def opened(folder: Path, key: bytes = vault.KEY) -> FileStore:
    """The store as a process sees it that has just begun."""
    return FileStore(folder, vault.source(key))


def aside(folder: Path, name: str = "work") -> list[Path]:
    """What was set aside of a name, the oldest first."""
    return sorted((folder / "tokens").glob(f"{name}.json.corrupt-*"))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


class TestDocuments:
    """One sealed document for each name."""

    def test_a_document_is_where_and_what_is_documented(self, folder: Path) -> None:
        """`tokens/<name>.json` holds the token, sealed for that name with the store's key."""
        document = Document.parse((folder / "tokens/work.json").read_bytes())
        assert open_document(document, key=vault.KEY, profile="work") == TOKEN

    def test_nothing_else_is_left(self, folder: Path) -> None:
        """What is written on the way to a document does not stay."""
        names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert names == {"store.json", "store.lock", "tokens/work.json", "tokens/home.json"}

    def test_no_file_shows_a_token_or_the_key(self, folder: Path) -> None:
        """No name and no content below the folder has a secret in it, in hexadecimal or base64 neither."""
        store = opened(folder)
        with store.lock("work", vault.PATIENCE_SECONDS):
            store.set("work", NEXT)
            found = vault.disclosed([*vault.SECRETS, NEXT.access_token, vault.KEY], folder)
        assert found == []

    def test_the_same_token_is_sealed_anew(self, folder: Path) -> None:
        """A document is another one with each write, so that its bytes tell nobody that nothing changed."""
        before = (folder / "tokens/work.json").read_bytes()
        opened(folder).set("work", TOKEN)
        assert json.loads((folder / "tokens/work.json").read_bytes())["ct"] != json.loads(before)["ct"]

    def test_other_processes_see_it(self, folder: Path) -> None:
        """A token that one process keeps is the one that the next finds."""
        said = vault.together(["ready(); print(opened(sys.argv[1]).get('WORK').access_token)"], folder)
        assert said == [TOKEN.access_token]

    def test_a_process_sees_what_another_writes(self, folder: Path) -> None:
        """A store that is open already gives the newer token of another process, and the one after that."""
        store, script = opened(folder), "ready(); opened(sys.argv[1]).set('work', Token(access_token='new'))"
        assert store.get("work") == TOKEN
        vault.together([script], folder)
        assert store.get("work") == Token(access_token="new")

    def test_a_token_that_is_too_large_is_refused(self, folder: Path) -> None:
        """What could not be read again is not written; the document before stays."""
        before = all_bytes(folder)
        with pytest.raises(StoreUnavailable, match="the token of work is too large"):
            opened(folder).set("work", replace(TOKEN, id_token="x" * 1024 * 1024))
        assert all_bytes(folder) == before

    def test_a_name_that_is_too_long_is_an_error_of_ours(self, folder: Path) -> None:
        """What the file system cannot name cannot be kept, and that is said."""
        with pytest.raises(StoreUnavailable, match="too long"):
            opened(folder).set("x" * 300, TOKEN)

    def test_a_lock_that_times_out_names_its_file(self, folder: Path) -> None:
        """Who waited in vain is told which file to look at for its holder."""
        store = opened(folder)
        with store.lock("work", 0), pytest.raises(TimeoutOccurred) as late, opened(folder).lock("WORK", 0):
            pass
        assert str(folder / "locks/work.lock") in late.value.hint

    def test_its_repr_shows_its_folder_only(self, folder: Path) -> None:
        """A store can be logged."""
        assert repr(opened(folder)) == f"FileStore({str(folder)!r})"


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)


def swapped(path: Path) -> None:
    path.write_bytes(path.with_name("home.json").read_bytes())


def renumbered(path: Path) -> None:
    said = json.loads(path.read_bytes())
    path.write_bytes(json.dumps(said | {"seq": said["seq"] + 1}, separators=(",", ":")).encode() + b"\n")


def spaced(path: Path) -> None:
    path.write_bytes(json.dumps(json.loads(path.read_bytes())).encode() + b"\n")


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


DAMAGES = [emptied, cut, flipped, swapped, renumbered, spaced, nested]
damages = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
Damage = Callable[[Path], None]


class TestDamage:
    """A document that cannot be opened is refused by who reads it, and set aside by who writes the next."""

    @damages
    def test_it_is_not_used(self, folder: Path, damage: Damage) -> None:
        """A document that is not just as it was written gives no token."""
        damage(folder / "tokens/work.json")
        assert opened(folder).get("work") is None

    @damages
    def test_reading_leaves_it_as_it_is(self, folder: Path, damage: Damage) -> None:
        """Nothing changes on disk before there is a token to take its place."""
        damage(folder / "tokens/work.json")
        before = all_bytes(folder)
        opened(folder).get("work")
        assert all_bytes(folder) == before

    @damages
    def test_the_next_write_sets_it_aside(self, folder: Path, damage: Damage) -> None:
        """Its bytes are kept under another name, and the new token is there."""
        damage(folder / "tokens/work.json")
        damaged = (folder / "tokens/work.json").read_bytes()
        opened(folder).set("work", NEXT)
        assert [path.read_bytes() for path in aside(folder)] == [damaged]
        assert opened(folder).get("work") == NEXT

    @damages
    def test_the_others_are_untouched(self, folder: Path, damage: Damage) -> None:
        """What happens to one document costs no other profile its token."""
        damage(folder / "tokens/work.json")
        opened(folder).set("work", TOKEN)
        assert opened(folder).get("home") == NEXT

    @damages
    def test_it_is_told_once(self, folder: Path, caplog: pytest.LogCaptureFixture, damage: Damage) -> None:
        """One warning names the file, however often it is read, and shows nothing of what is in it."""
        damage(folder / "tokens/work.json")
        store = opened(folder)
        store.get("work")
        store.get("Work")
        store.set("work", TOKEN)
        assert [str(folder / "tokens/work.json") in said for said in warnings(caplog)] == [True]
        assert not any(secret in caplog.text for secret in vault.SECRETS)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(start=st.integers(0, 600), length=st.integers(0, 20), put=st.binary(max_size=20))
    def test_no_change_gives_another_token(self, folder: Path, start: int, length: int, put: bytes) -> None:
        """Whatever is cut out and put in, there is the token that was kept, or none, or our error."""
        document = seal(TOKEN, key=vault.KEY, profile="work", seq=1).to_bytes()
        (folder / "tokens/work.json").write_bytes(document[:start] + put + document[start + length :])
        try:
            assert opened(folder).get("work") in {None, TOKEN}
        except (StoreKeyError, StoreVersionError) as error:
            assert error.hint

    def test_three_are_kept_aside(self, folder: Path) -> None:
        """Of many damaged documents the last three stay, so that they do not fill the disk."""
        store = FileStore(folder, vault.source(), now=itertools.count(1_800_000_000).__next__)
        for number in range(6):
            (folder / "tokens/work.json").write_bytes(b"damaged %d" % number)
            store.set("work", TOKEN)
        assert [path.read_bytes() for path in aside(folder)] == [b"damaged 3", b"damaged 4", b"damaged 5"]

    def test_what_is_aside_is_no_name(self, folder: Path) -> None:
        """A document that was set aside is not listed as a profile."""
        cut(folder / "tokens/work.json")
        opened(folder).set("work", TOKEN)
        assert sorted(opened(folder).keys()) == ["home", "work"]

    def test_a_forgotten_name_leaves_nothing_aside(self, folder: Path) -> None:
        """What was set aside goes with its name, and that of others stays."""
        for name in ("work", "home"):
            cut(folder / f"tokens/{name}.json")
            opened(folder).set(name, TOKEN)
        opened(folder).delete("work")
        assert (aside(folder, "work"), len(aside(folder, "home"))) == ([], 1)
        assert opened(folder).keys() == ["home"]


class TestOlderDocuments:
    """A document that was put back is not used by a process that has seen a newer one."""

    def test_an_older_document_is_refused(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A token that was replaced does not come back by its file, and it is told which."""
        store, path = opened(folder), folder / "tokens/work.json"
        older = path.read_bytes()
        store.set("work", NEXT)
        path.write_bytes(older)
        assert [store.get("work"), store.get("work")] == [None, None]
        assert [f"{path} is older than it was before" in said for said in warnings(caplog)] == [True]

    def test_what_was_read_counts_too(self, folder: Path) -> None:
        """It is enough to have read the newer one, that another process wrote."""
        store, path = opened(folder), folder / "tokens/work.json"
        older = path.read_bytes()
        opened(folder).set("work", NEXT)
        assert store.get("work") == NEXT
        path.write_bytes(older)
        assert store.get("WORK") is None

    def test_the_next_token_is_used_again(self, folder: Path) -> None:
        """A new token over an older document is newer than all that was seen, in every process."""
        store, reader, path = opened(folder), opened(folder), folder / "tokens/work.json"
        older = path.read_bytes()
        store.set("work", NEXT)
        reader.get("work")
        path.write_bytes(older)
        store.set("work", TOKEN)
        assert (store.get("work"), reader.get("work")) == (TOKEN, TOKEN)

    def test_a_clock_that_went_back_costs_no_token(self, folder: Path) -> None:
        """Documents are numbered on from the last one, even ten years before it."""
        reader = opened(folder)
        reader.get("work")
        FileStore(folder, vault.source(), now=lambda: 1e9).set("work", NEXT)
        assert reader.get("work") == NEXT

    def test_a_name_that_was_forgotten_is_numbered_on(self, folder: Path) -> None:
        """A document after a sign-out is no older than the one before it."""
        reader, writer = opened(folder), opened(folder)
        opened(folder).set("work", TOKEN)
        reader.get("work")
        writer.delete("work")
        writer.set("work", NEXT)
        assert reader.get("work") == NEXT

    def test_it_is_numbered_on_even_where_the_clock_went_back(self, folder: Path) -> None:
        """What a process keeps is newer than all that it has seen, whatever the clock and the disk say."""
        clock, reader = [2e9], opened(folder)
        store = FileStore(folder, vault.source(), now=lambda: clock[0])
        store.set("work", TOKEN)
        assert reader.get("work") == TOKEN
        store.delete("work")
        clock[0] = 1e9
        store.set("work", NEXT)
        assert reader.get("work") == NEXT


USES: dict[str, Callable[[FileStore], object]] = {
    "get": lambda store: store.get("work"),
    "set": lambda store: store.set("work", NEXT),
    "set another": lambda store: store.set("new", NEXT),
}
uses = pytest.mark.parametrize("use", USES)


@uses
def test_a_wrong_key_changes_nothing(folder: Path, use: str) -> None:
    """With another key, each use is an error that says so, and all files stay as they are."""
    before = all_bytes(folder)
    with pytest.raises(StoreKeyError, match="is not the one") as wrong:
        USES[use](opened(folder, OTHER_KEY))
    assert "store clear" in wrong.value.hint
    assert all_bytes(folder) == before


@pytest.mark.parametrize("use", ["get", "set"])
def test_a_document_of_another_key_is_left(folder: Path, use: str) -> None:
    """A document from another store, sealed for this name, is neither opened nor set aside."""
    path = folder / "tokens/work.json"
    path.write_bytes(seal(TOKEN, key=OTHER_KEY, profile="work", seq=1).to_bytes())
    before = all_bytes(folder)
    with pytest.raises(StoreKeyError, match="is sealed with another key") as wrong:
        USES[use](opened(folder))
    assert str(path) in str(wrong.value)
    assert all_bytes(folder) == before


@pytest.mark.parametrize("use", ["get", "set"])
@pytest.mark.parametrize(
    "member", [{"v": 2}, {"v": 0}, {"alg": "C20P"}, {"v": 2, "kdf": {"scrypt": 2**30}}], ids=str
)
def test_another_version_is_left(folder: Path, member: dict[str, object], use: str) -> None:
    """What a newer version wrote is not for this one to read, replace or set aside."""
    path = folder / "tokens/work.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | member))
    before = all_bytes(folder)
    with pytest.raises(StoreVersionError, match="another version") as newer:
        USES[use](opened(folder))
    assert "pip install -U" in newer.value.hint
    assert all_bytes(folder) == before


COST = """
import json
counts = {}
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith(sys.argv[1]):
        counts[event] = counts.get(event, 0) + 1
store = opened(sys.argv[1])
store.set("first", Token(access_token="a"))  # imports what it needs, and looks once for what was left behind
ready()
sys.addaudithook(note)
for name in ("p1", "new"):
    with store.lock(name, 10):
        store.get(name)
        store.set(name, Token(access_token="a"))
fresh = opened(sys.argv[1])
fresh.get("p2")
print(json.dumps(counts, sort_keys=True))
"""


@pytest.mark.timeout(60)
def test_the_cost_does_not_grow_with_the_profiles(tmp_path: Path) -> None:
    """Among 5,000 profiles as among 5, one is read and written with as many files opened and none listed."""
    for folder, number in ((tmp_path / "few", 5), (tmp_path / "many", 5000)):
        opened(folder).set("p0", TOKEN)
        document = folder / "tokens/p0.json"
        for name in range(1, number):
            document.with_name(f"p{name}.json").hardlink_to(document)
        for name in ("p1", "p2"):
            document.with_name(f"{name}.json").unlink()
            opened(folder).set(name, TOKEN)
    few, many = (vault.together([COST], folder) for folder in (tmp_path / "few", tmp_path / "many"))
    assert few == many
    assert list(json.loads(few[0])) == ["open"]


def test_a_store_costs_nothing_before_it_is_used(tmp_path: Path) -> None:
    """Making a store touches no file and loads no cipher: reading the profiles must cost next to nothing."""
    script = (
        "import sys; from pathlib import Path\n"
        "from requests_auth_profiles.stores import FileStore, KeySource\n"
        "FileStore(Path(sys.argv[1]), KeySource('test', lambda kid: 1 / 0))\n"
        "print([name for name in ('cryptography', 'filelock') if name in sys.modules])"
    )
    done = counterparts.run(sys.executable, "-c", script, str(tmp_path / "store"))
    assert (done.stdout, list(tmp_path.iterdir())) == ("[]\n", [])
