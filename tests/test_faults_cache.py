"""Faults 39 to 50 of requests_auth 8.0.0: caches, concurrency, the token file. None of them is ours."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import RunProgram
from faults import SECRET, World, world
from requests.auth import HTTPBasicAuth
from wire import PATIENCE_SECONDS, RawServer, json_reply

from requests_auth_profiles import JsonTokenFileCache, OAuth2, OktaClientCredentials
from requests_auth_profiles.errors import StoreError
from requests_auth_profiles.testing import Client, Reply

__all__ = ["world"]

pytestmark = pytest.mark.filterwarnings("ignore:the tokens in")
FAR = 4_000_000_000
WRITER = """
import sys, warnings
warnings.simplefilter("ignore")
from requests_auth_profiles import JsonTokenFileCache
cache = JsonTokenFileCache(sys.argv[1])
for count in range(10**9):
    cache.get_token("k", on_missing_token=lambda: ("k", "AB"[count % 2] * 2000, 0))
    if not count:
        print("ready", flush=True)
"""


@contextmanager
def writers(*paths: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that write these token files over and over."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)], **pipes) for path in paths]
    try:
        for process in running:
            assert process.stdout and process.stdout.readline() == "ready\n"
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def tokens_in(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def written(path: Path, **tokens: str) -> bytes:
    """A file as requests_auth writes it."""
    path.write_text(json.dumps({name: [token, FAR, None] for name, token in tokens.items()}))
    return path.read_bytes()


class Keys:
    """A cache that notes the keys it is asked for."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def get_token(self, key: str, **options: Any) -> str:
        self.seen.append(key)
        return "token"


def test_fault_39_key_without_identity(world: World) -> None:
    """Each client gets the token that was issued to it, whatever class and endpoint it is of."""
    world.server.clients |= {"readonly": Client(secret="one"), "admin": Client(secret="two")}
    for client, secret in (("admin", "two"), ("readonly", "one")):
        for auth in (
            world.machine(client, secret),
            world.password(session_auth=(client, secret)),
            world.password(session_auth=HTTPBasicAuth(client, secret)),
            world.password(client_id=client, client_secret=secret),
        ):
            claims = world.server.introspect(world.sent(auth))
            assert claims and claims["client_id"] == client
    with RawServer(json_reply('{"access_token": "of-another-host"}')) as other:
        world.sent(world.pkce())
        world.token = other.url
        assert world.sent(world.pkce()) == "of-another-host"


def test_fault_40_password_in_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of a token is the same for every password and secret, so none can be guessed from it."""
    keys = Keys()
    monkeypatch.setattr(OAuth2, "token_cache", keys)
    for secret in ("hunter2", "other"):
        auths = (
            type(world.password())(world.token, "ada", secret, client_secret=secret),
            world.machine("job", secret),
            world.code(client_secret=secret),
            world.code(username="ada", password=secret),
            OktaClientCredentials("acme.okta.invalid", "job", secret, scope="a"),
        )
        for auth in auths:
            world.call(auth, "/echo")
    assert keys.seen[:5] == keys.seen[5:]
    assert len(set(keys.seen)) == 5


@pytest.mark.platform("linux", "darwin")
def test_fault_41_file_open_to_others(tmp_path: Path) -> None:
    """The token file is for its owner only, and a link in its place does not have its target overwritten."""
    target, link = tmp_path / "target", tmp_path / "tokens.json"
    target.write_text("{}")
    link.symlink_to(target)
    before = os.umask(0o022)
    try:
        for path in (link, tmp_path / "new.json"):
            JsonTokenFileCache(path).get_token("k", on_missing_token=lambda: ("k", "token"))
        assert sys.platform == "win32" or path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
    assert target.read_text() == "{}"


def test_fault_42_file_torn_by_kill(tmp_path: Path) -> None:
    """Processes that are killed while they write leave files that are whole, with all that was in them."""
    paths = [tmp_path / f"{number}.json" for number in range(6)]
    many = {f"other{number}": "T" * 200 for number in range(300)}
    for path in paths:
        written(path, **many)
    with writers(*paths) as running:
        for process in running:
            time.sleep(0.05)
            process.kill()
    for path in paths:
        assert set(tokens_in(path)) == {"k", *many}


def test_fault_43_corrupt_file_emptied(tmp_path: Path) -> None:
    """A file that was cut is not taken for an empty one: what is left in it stays."""
    path = tmp_path / "tokens.json"
    cut = written(path, a="1", b="2", c="3")[:-5]
    path.write_bytes(cut)
    with pytest.raises(StoreError, match="damaged"):
        JsonTokenFileCache(path).get_token("d", on_missing_token=lambda: ("d", "4"))
    assert path.read_bytes() == cut


def test_fault_44_no_merge(tmp_path: Path, run_python: RunProgram) -> None:
    """What two processes write to one file is both there."""
    path = tmp_path / "tokens.json"
    cache = JsonTokenFileCache(path)
    cache.get_token("a", on_missing_token=lambda: ("a", "1"))
    script = (
        "import sys; from requests_auth_profiles import JsonTokenFileCache as C; "
        "C(sys.argv[1]).get_token('b', on_missing_token=lambda: ('b', '2'))"
    )
    assert run_python("-c", script, str(path)).returncode == 0
    cache.get_token("c", on_missing_token=lambda: ("c", "3"))
    assert {name: entry[0] for name, entry in tokens_in(path).items()} == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.platform("linux", "darwin")
def test_fault_45_save_error_swallowed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that cannot be written is told of, an interrupt ends the program, and no pipe is read."""
    new = tmp_path / "missing/tokens.json"
    JsonTokenFileCache(new).get_token("k", on_missing_token=lambda: ("k", "token"))
    assert set(tokens_in(new)) == {"k"}
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "file/tokens.json", tmp_path):
        caplog.clear()
        cache = JsonTokenFileCache(path)
        got = [cache.get_token("k", on_missing_token=lambda: ("k", "token", 0)) for _ in range(3)]
        assert (got, len(caplog.messages)) == (["token"] * 3, 1)
    full = tmp_path / "full.json"
    written(full, other="1")
    with writers(full) as (process,):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert "KeyboardInterrupt" in said
        assert process.returncode != 0
    assert set(tokens_in(full)) == {"k", "other"}


def test_fault_46_malformed_json(tmp_path: Path) -> None:
    """JSON of another shape is an error of ours, and nothing of it is taken for a token."""
    path = tmp_path / "tokens.json"
    entries = ("5", "[5, 1, null]", '["t", "soon"]', '["t"]', '["t", 1e999, null]', '["t", 1, 5]')
    for strange in ("5", "[]", '"k"', *(f'{{"k": {entry}}}' for entry in entries)):
        path.write_text(strange)
        with pytest.raises(StoreError):
            JsonTokenFileCache(path).get_token("k", on_missing_token=lambda: ("k", "new"))
        assert path.read_text() == strange


def test_fault_47_replaced_file_unseen(tmp_path: Path) -> None:
    """A file that another program replaced, though by an older one, or removed is looked at again."""
    path = tmp_path / "tokens.json"
    written(path, k="OLD")
    cache = JsonTokenFileCache(path)
    assert cache.get_token("k") == "OLD"
    written(tmp_path / "other.json", k="NEW")
    os.utime(tmp_path / "other.json", (1, 1))
    (tmp_path / "other.json").replace(path)
    assert cache.get_token("k") == "NEW"
    path.unlink()
    assert cache.get_token("k", on_missing_token=lambda: ("k", "won")) == "won"


def test_fault_48_won_many_times(world: World, tmp_path: Path, run_python: RunProgram) -> None:
    """Threads and processes that need a token at once have it won, or renewed, once."""
    auth = world.machine()
    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(lambda _: world.sent(auth), range(10)))) == 1
    assert len(world.token_forms) == 1
    world.server.lifetime_seconds = 0
    person = world.code()
    world.sent(person)
    world.server.lifetime_seconds = 3600
    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(lambda _: world.sent(person), range(5)))) == 1
    assert (len(world.token_forms), len(world.browser.urls)) == (3, 1)
    world.server.replies["token"].append(Reply(delay_seconds=1))
    script = f"""
import requests, warnings
warnings.simplefilter("ignore")
from requests_auth_profiles import JsonTokenFileCache, OAuth2, OAuth2ClientCredentials
OAuth2.token_cache = JsonTokenFileCache({str(tmp_path / "tokens.json")!r})
auth = OAuth2ClientCredentials({world.token!r}, "job", {SECRET!r})
print(requests.get({world.api.url + "/me"!r}, auth=auth).status_code)
"""
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: run_python("-c", script), range(4)))
    assert [run.stdout for run in runs] == ["200\n"] * 4, runs
    assert len(world.token_forms) == 4


def test_fault_49_one_lock_for_all(world: World) -> None:
    """While one provider does not answer, the token of another is won."""
    asked, answer = threading.Event(), threading.Event()

    def hold(connection: Any, over: threading.Event) -> None:
        asked.set()
        answer.wait(PATIENCE_SECONDS)
        connection.sendall(json_reply('{"access_token": "late"}'))

    with RawServer(hold) as slow, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.call, world.machine(token_url=slow.url), "/echo")
        assert asked.wait(PATIENCE_SECONDS)
        assert world.call(world.machine()).status_code == 200
        assert not waiting.done()
        answer.set()
        assert waiting.result(PATIENCE_SECONDS).json()["headers"]["Authorization"] == "Bearer late"


@pytest.mark.platform("linux", "darwin")
def test_fault_50_fork_during_sign_in(run_python: RunProgram, tmp_path: Path) -> None:
    """A process that is forked while a thread signs in gets a token of its own."""
    script = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from requests_auth_profiles import TokenMemoryCache
cache, began = TokenMemoryCache(), threading.Event()
def sign_in():
    began.set()
    threading.Event().wait(60)
threading.Thread(target=lambda: cache.get_token("k", on_missing_token=sign_in), daemon=True).start()
began.wait()
if os.fork() == 0:
    print(cache.get_token("k", on_missing_token=lambda: ("k", "child")), flush=True)
    os._exit(0)
os.wait()
os._exit(0)
"""
    assert run_python("-c", script, timeout=PATIENCE_SECONDS).stdout == "child\n"
