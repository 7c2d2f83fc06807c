"""JsonTokenFileCache: files of requests_auth, read and written by both, in the hands of many processes."""

import json
import logging
import os
import random
import signal
import stat
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests_auth
import vault
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_auth_profiles import (
    AuthenticationFailed,
    JsonTokenFileCache,
    OAuth2,
    OAuth2ClientCredentials,
)
from requests_auth_profiles._requests_auth.json_store import JsonStore
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreError
from requests_auth_profiles.testing import AuthorizationServer, Client

KILLS = 50
SECRET = "s3cret-of-the-client"
DAMAGED = [
    '{"key": ["token", 4000000000.0, nu',
    "[]",
    "5",
    "null",
    '{"key": 5}',
    '{"key": []}',
    '{"key": ["token"]}',
    '{"key": ["token", "soon", null]}',
    '{"key": ["token", true, null]}',
    '{"key": ["token", NaN, null]}',
    '{"key": ["token", Infinity, null]}',
    '{"key": ["token", 4e9, 5]}',
    '{"key": ["token", 4e9, null, 1]}',
    '{"key": [5, 4e9, null]}',
    "\x00" * 100,
    "[" * 100_000,
]
POSIX = pytest.mark.platform("linux", "darwin")


def opened(path: Path) -> JsonTokenFileCache:
    """The cache as a program sees it that has just begun."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return JsonTokenFileCache(path)


def gives(*given: Any) -> Callable[[], tuple[Any, ...]]:
    """A function that wins this token."""
    return lambda: ("any key", *given)


def put(path: Path, key: str, *given: Any) -> None:
    """Have a new cache win a token."""
    opened(path).get_token(key, on_missing_token=gives(*given))


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is going to be."""
    return tmp_path / "tokens.json"


class TestForm:
    """The form that requests_auth writes and reads."""

    @settings(deadline=None)
    @given(
        tokens=st.dictionaries(
            st.text(min_size=1, max_size=20),
            st.tuples(
                st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
                st.integers(100, 10**9),
                st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def test_both_read_what_the_other_wrote(
        self, tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, tuple[str, int, str | None]]
    ) -> None:
        """Tokens that one of them keeps are given by the other, there and back."""
        folder = tmp_path_factory.mktemp("form")
        theirs, ours = folder / "theirs.json", folder / "ours.json"
        for key, (token, expires_in, refresh_token) in tokens.items():
            won = (key, token, expires_in, refresh_token)
            requests_auth.JsonTokenFileCache(theirs).get_token(key, on_missing_token=lambda won=won: won)
            put(ours, key, token, expires_in, refresh_token)
        for key, (token, _, _) in tokens.items():
            assert opened(theirs).get_token(key) == token
            assert requests_auth.JsonTokenFileCache(ours).get_token(key) == token

    def test_a_refresh_token_goes_there_and_back(self, path: Path) -> None:
        """A refresh token that one of them kept is given to the other's function."""
        put(path, "key", "t1", 0, "r1")
        seen: list[str] = []

        def expired(refresh_token: str) -> tuple[str, str, int, str]:
            seen.append(refresh_token)
            return "key", f"t{len(seen) + 1}", 0, f"r{len(seen) + 1}"

        for cache in (requests_auth.JsonTokenFileCache(path), opened(path)):
            cache.get_token("key", on_missing_token=pytest.fail, on_expired_token=expired)
        assert seen == ["r1", "r2"]
        assert json.loads(path.read_text())["key"][0::2] == ["t3", "r3"]

    def test_a_token_without_an_end_is_kept(self, path: Path) -> None:
        """A token whose end nobody knows is used by both until it is refused."""
        put(path, "key", "t1")
        assert opened(path).get_token("key") == "t1"
        assert requests_auth.JsonTokenFileCache(path).get_token("key") == "t1"

    def test_entries_of_two_are_read(self, path: Path) -> None:
        """Older files have no place for a refresh token."""
        path.write_text('{"key": ["t1", 4e9]}')
        assert opened(path).get_token("key") == "t1"

    @pytest.mark.parametrize("as_text", [True, False])
    def test_a_path_is_text_or_a_path(self, path: Path, as_text: bool) -> None:
        """Both of what the documentation allows are taken; the file is made when there is a token."""
        cache = opened(str(path) if as_text else path)  # type: ignore[arg-type]
        assert not path.exists()
        cache.get_token("key", on_missing_token=gives("t1", 3600))
        assert list(json.loads(path.read_text())) == ["key"]

    def test_clear(self, path: Path) -> None:
        """After `clear()` no token is left, in the file or in memory."""
        cache = opened(path)
        cache.get_token("Upper", on_missing_token=gives("t1", 3600))
        cache.clear()
        assert json.loads(path.read_text()) == {}
        with pytest.raises(AuthenticationFailed):
            cache.get_token("Upper")


class TestWarning:
    """What its making says."""

    def test_it_names_the_encrypted_store(self, path: Path) -> None:
        """The warning names the file, what is wrong with it, and what is better; at the caller's line."""
        with pytest.warns(UserWarning, match=r"not encrypted.* token store .*profile\(\)") as told:
            JsonTokenFileCache(path)
        [warning] = told
        assert (str(path) in str(warning.message), warning.filename) == (True, __file__)


@POSIX
class TestFile:
    """Whose file it is, and what becomes of it."""

    @pytest.mark.parametrize("before", [None, 0o644, 0o600, 0o400])
    def test_it_is_for_its_owner_only(self, path: Path, before: int | None) -> None:
        """Whatever it was, a file that was written is 0600, and what stood in it is there."""
        kept = {"old": ["t0", 4e9, None]}
        if before is not None:
            path.write_text(json.dumps(kept))
            path.chmod(before)
        umask = os.umask(0)
        try:
            put(path, "key", "t1", 3600)
        finally:
            os.umask(umask)
        assert mode(path) == 0o600
        assert set(json.loads(path.read_text())) == {"key", *(kept if before is not None else ())}
        assert {mode(other) for other in path.parent.iterdir()} == {0o600}

    @pytest.mark.parametrize("kind", ["writable", "link", "dangling", "folder", "fifo", "device"])
    def test_a_file_that_is_not_safe_is_left_alone(
        self, path: Path, caplog: pytest.LogCaptureFixture, kind: str
    ) -> None:
        """What others may write, a link or no file at all is neither read nor written; memory serves."""
        elsewhere = path.with_name("elsewhere.json")
        elsewhere.write_text('{"key": ["planted", 4000000000, null]}')
        match kind:
            case "writable":
                elsewhere.rename(path)
                path.chmod(0o666)
            case "link":
                path.symlink_to(elsewhere)
            case "dangling":
                path.symlink_to(path.with_name("nowhere"))
            case "folder":
                path.mkdir()
            case "fifo":
                os.mkfifo(path)
            case _:
                path = Path("/dev/zero")
        before = vault.all_bytes(elsewhere.parent)
        cache = opened(path)
        assert [cache.get_token("key", on_missing_token=gives(f"t{n}", 3600)) for n in (1, 2)] == ["t1", "t1"]
        after = vault.all_bytes(elsewhere.parent)
        assert all(after[name] == was for name, was in before.items() if name != elsewhere.parent)
        assert not path.with_name("nowhere").exists()
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    @pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
    def test_a_damaged_file_is_an_error(self, path: Path, text: str) -> None:
        """A file that is no such file is named, and stays as it is to the last byte."""
        path.write_text(text)
        with pytest.raises(StoreError, match="damaged") as error:
            opened(path).get_token("key", on_missing_token=pytest.fail)
        assert (path.read_text(), error.value.hint) == (text, f"mv {path} {path}.away")

    @pytest.mark.parametrize("ends", ["1" + "0" * 400, "-1" + "0" * 400, "1e308", "-1"])
    def test_any_number_is_an_end(self, path: Path, ends: str) -> None:
        """A number too large for a clock is an end like others, in the future or in the past."""
        path.write_text(f'{{"key": ["kept", {ends}, null]}}')
        token = opened(path).get_token("key", on_missing_token=gives("new", 3600))
        assert token == ("new" if ends.startswith("-") else "kept")

    def test_an_empty_file_holds_no_tokens(self, path: Path) -> None:
        """A file of no bytes, as tempfile makes it, has nothing to lose."""
        path.touch()
        assert opened(path).get_token("key", on_missing_token=gives("t1", 3600)) == "t1"

    def test_what_others_do_to_the_file_counts_at_once(self, path: Path) -> None:
        """A token that somebody removed is not served on, and one that they put there is used."""
        cache = opened(path)
        cache.get_token("key", on_missing_token=gives("t1", 3600))
        path.write_text('{"key": ["theirs", 4000000000, null]}')
        os.utime(path, (1, 1))
        assert cache.get_token("key") == "theirs"
        path.unlink()
        assert cache.get_token("key", on_missing_token=gives("t2", 3600)) == "t2"

    def test_a_short_life_is_used_for_half_of_it(self, path: Path) -> None:
        """A token that lives shorter than the early expiry isn't won anew for each request."""
        cache = opened(path)
        got = [cache.get_token("key", on_missing_token=gives(f"t{n}", 20)) for n in range(3)]
        assert got == ["t0"] * 3


@POSIX
class TestTrouble:
    """A file that can't be kept costs a warning, not the request."""

    def serves(self, cache: JsonTokenFileCache, caplog: pytest.LogCaptureFixture) -> None:
        """See that it gives a token, the same one again, and one warning without it."""
        got = [cache.get_token("new", on_missing_token=gives(f"s3cret-{n}", 3600)) for n in (1, 2)]
        assert got == ["s3cret-1", "s3cret-1"]
        [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert "memory only" in warning.getMessage()
        assert "s3cret" not in warning.getMessage()

    def test_a_full_disk(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """On a full disk the old file stays whole, and tokens are kept in memory."""
        folder = tmp_path / "small"
        folder.mkdir(mode=0o700)
        with vault.little_room(folder) as mounted:
            put(folder / "tokens.json", "old", "t0", 3600)
            cache = opened(folder / "tokens.json")
            with vault.no_room(folder, mounted=mounted):
                self.serves(cache, caplog)
                assert cache.get_token("old") == "t0"
            assert list(json.loads((folder / "tokens.json").read_text())) == ["old"]

    def test_a_folder_that_nobody_may_write(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Where the folder is read-only, what is in the file is used, and what is new kept in memory."""
        folder = tmp_path / "fixed"
        folder.mkdir(mode=0o700)
        put(folder / "tokens.json", "old", "t0", 3600)
        with vault.read_only(folder):
            cache = opened(folder / "tokens.json")
            assert cache.get_token("old") == "t0"
            self.serves(cache, caplog)

    def test_no_folder(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A folder that isn't there is made with the file, for its owner only."""
        path = tmp_path / "new" / "newer" / "tokens.json"
        put(path, "key", "t1", 3600)
        assert (opened(path).get_token("key"), caplog.records) == ("t1", [])
        assert [mode(folder) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


@POSIX
class TestProcesses:
    """Many processes, one file."""

    def test_two_merge(self, path: Path) -> None:
        """What two processes keep, each not knowing of the other, is all there."""
        caches = [opened(path) for _ in range(2)]
        said = [
            vault.forked(
                lambda cache=cache, n=n: cache.get_token(f"k{n}", on_missing_token=gives(f"t{n}", 99))
            )
            for n, cache in enumerate(caches)
        ]
        assert said == ["t0", "t1"]
        assert set(json.loads(path.read_text())) == {"k0", "k1"}

    def test_writers_at_once_lose_nothing(self, path: Path) -> None:
        """Four processes that write at the same time lose none of what the others write."""
        script = PRELUDE + "for n in range(20): cache.get_token(f'{os.getpid()}-{n}', on_missing_token=new)"
        vault.together([script] * 4, path)
        assert len(json.loads(path.read_text())) == 80

    def test_eight_win_one_token(self, path: Path) -> None:
        """Of eight processes that need a token, one asks for it."""
        with AuthorizationServer() as server:
            server.clients["nightly"] = Client(secret=SECRET)
            tokens = vault.together([PRELUDE + PROGRAM] * 8, path, f"{server.issuer}/token")
            assert (len(set(tokens)), server.count("token")) == (1, 1)

    def test_writers_that_are_killed_leave_a_whole_file(self, path: Path) -> None:
        """After 50 kills at any moment, the file can be read each time, and a bystander's token is there."""
        chance = random.Random(20_26)
        store = JsonStore(path)
        store.set("bystander", Token(access_token="t0" * 2000, expires_at=4e9))
        for _ in range(KILLS):
            started, starts = os.pipe()
            with vault.child(lambda starts=starts: write_for_ever(path, starts)):
                os.close(starts)
                assert os.read(started, 1) == b"x"
                time.sleep(chance.uniform(0, 0.012))
            os.close(started)
            assert opened(path).get_token("bystander") == "t0" * 2000
            assert list(requests_auth.JsonTokenFileCache(path).tokens) == list(json.loads(path.read_text()))
        assert list(path.parent.glob(".*.tmp"))  # some died amid a write

    def test_what_the_killed_left_is_swept(self, path: Path) -> None:
        """A half-written file of an hour ago is gone after the next write, and nobody else's is."""
        left, other = (path.with_name(f".{name}.0123456789abcdef.tmp") for name in (path.name, "x"))
        mine = path.with_name("mine.tmp")
        for one in (left, other, mine):
            one.write_text("half")
            if one != other:
                os.utime(one, (1, 1))
        put(path, "key", "t1", 3600)
        assert (left.exists(), other.exists(), mine.exists()) == (False, True, True)

    def test_a_killed_one_holds_nobody_up(self, path: Path) -> None:
        """Who was killed amid a renewal leaves no lock behind."""
        started, starts = os.pipe()

        def hang() -> None:
            cache = opened(path)
            cache.get_token("key", on_missing_token=lambda: os.write(starts, b"x") and time.sleep(60))

        with vault.child(hang) as (process, _):
            os.close(starts)
            assert os.read(started, 1) == b"x"
            os.kill(process, signal.SIGKILL)
            put(path, "key", "t1", 3600)
        os.close(started)
        assert opened(path).get_token("key") == "t1"


PRELUDE = """
import warnings
warnings.simplefilter("ignore", UserWarning)
from requests_auth_profiles import JsonTokenFileCache, OAuth2, OAuth2ClientCredentials
cache = OAuth2.token_cache = JsonTokenFileCache(sys.argv[1])
new = lambda: ("key", "token" * 100, 3600)
ready()
"""
PROGRAM = f'print(OAuth2ClientCredentials(sys.argv[2], "nightly", {SECRET!r}).token().access_token)'


def write_for_ever(path: Path, starts: int) -> None:
    """Renew tokens, one name after the other, and tell of the first."""
    store = JsonStore(path)
    for number in range(1_000_000):
        store.set(f"k{number % 3}", Token(access_token=f"{number} " + "s3cret" * 1000, expires_at=4e9))
        if number == 0:
            os.write(starts, b"x")


def test_the_classes_keep_their_tokens_there(path: Path) -> None:
    """`OAuth2.token_cache = JsonTokenFileCache(path)` keeps the token, without a secret in its name."""
    before = OAuth2.token_cache
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret=SECRET)
        try:
            OAuth2.token_cache = opened(path)
            token = OAuth2ClientCredentials(f"{server.issuer}/token", "nightly", SECRET).token().access_token
        finally:
            OAuth2.token_cache = before
    [entry] = json.loads(path.read_text()).values()
    assert entry[0] == token
    assert vault.disclosed([SECRET], path.parent) == []
