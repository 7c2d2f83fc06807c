"""The verbs about the token store: store path, rotate-key, clear."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from terminal import Terminal
from vault import KEY, KEY_TEXT

PROFILE = '[profiles.work]\nflow = "command"\ncommand = ["echo", "s3cret"]\n'
OTHER_TEXT = base64.urlsafe_b64encode(KEY[::-1]).decode()
Cli = Callable[..., CompletedProcess[str]]


@pytest.fixture
def file(home: Path) -> Path:
    """A profiles file with one profile, whose key of the store is in a file of its own."""
    path = home / ".config/requests-auth/profiles.toml"
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text(PROFILE + '[store]\nkey_source = "file"\n')
    return path


def state(home: Path) -> Path:
    return home / ".local/state/requests-auth"


def test_path(cli: Cli, home: Path, file: Path) -> None:
    """It prints the folder, for scripts, and says besides where the key is from."""
    said = cli("store", "path")
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{state(home)}\n", "")
    cli("token", "work")
    assert cli("store", "path").stderr == "sealed with a key from: file\n"


def test_rotate_key(cli: Cli, home: Path, file: Path) -> None:
    """All documents have the new key, and one key file is left."""
    cli("token", "work")
    before = json.loads((state(home) / "tokens/work.json").read_bytes())["kid"]
    done = cli("store", "rotate-key")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "",
        "Sealed 1 token with a new key from: file.\n",
    )
    after = json.loads((state(home) / "tokens/work.json").read_bytes())["kid"]
    (left,) = (home / ".local/share/requests-auth/keys").iterdir()
    assert before != after == left.stem
    assert "valid" in cli("status").stdout


def test_a_key_that_was_replaced_by_hand(cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variable has a new key, the old one is said by a reference, and by nothing else."""
    file.write_text(PROFILE)
    monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", KEY_TEXT)
    cli("token", "work")
    monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", OTHER_TEXT)
    assert cli("store", "rotate-key").returncode == 1
    literal = cli("store", "rotate-key", "--old", KEY_TEXT)
    assert (literal.returncode, KEY_TEXT in literal.stderr) == (2, False)
    unset = cli("store", "rotate-key", "--old", "env:OLD_KEY")
    assert unset.returncode == 3
    assert '--old = { env = "OLD_KEY" }: the variable is not set' in unset.stderr
    monkeypatch.setenv("OLD_KEY", KEY_TEXT)
    assert cli("store", "rotate-key", "--old", "env:OLD_KEY").returncode == 0
    assert "valid" in cli("status").stdout


def test_it_moves(cli: Cli, home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file to a variable and back: what the hint says is enough, and leaves no key behind."""
    monkeypatch.setenv("STORE_KEY", OTHER_TEXT)
    keys = home / ".local/share/requests-auth/keys"
    named, own = (
        PROFILE + f"[store]\n{said}\n" for said in ('key = { env = "STORE_KEY" }', 'key_source = "file"')
    )
    cli("token", "work")
    file.write_text(named)
    refused = cli("status")
    assert (refused.returncode, "rotate-key, or" in refused.stderr) == (1, True)
    assert cli("store", "rotate-key").stderr == "Sealed 1 token with a new key from: reference.\n"
    assert ("valid" in cli("status").stdout, list(keys.iterdir())) == (True, [])
    file.write_text(own)
    assert "rotate-key --old REFERENCE, or" in cli("status").stderr
    assert cli("store", "rotate-key").returncode == 1
    assert cli("store", "rotate-key", "--old", "env:STORE_KEY").returncode == 0
    assert "valid" in cli("status").stdout


def test_a_move_that_was_interrupted(
    cli: Cli, home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a passphrase to a file: `path` tells how far it is, and the same command goes on."""
    monkeypatch.setenv("PHRASE", "correct horse")
    file.write_text(PROFILE + '[store]\npassphrase = { env = "PHRASE" }\n')
    cli("token", "work")
    file.write_text(PROFILE + '[store]\nkey_source = "file"\n')
    work = state(home) / "tokens/work.json"
    document = work.read_bytes()
    work.write_bytes(document.replace(b'"v":1', b'"v":2'))
    move = ("store", "rotate-key", "--old", "env:PHRASE")
    assert cli(*move).returncode == 1
    assert "from: file\nand some still with one from: passphrase" in cli("store", "path").stderr
    work.write_bytes(document)
    assert cli(*move).returncode == 0
    assert "valid" in cli("status").stdout
    assert cli("store", "path").stderr == "sealed with a key from: file\n"


def test_another_machine(cli: Cli, home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the folder, whose key is in a variable there, gets a key of that machine."""
    cli("token", "work")
    (key,) = (home / ".local/share/requests-auth/keys").iterdir()
    monkeypatch.setenv("OLD_KEY", key.read_text().strip())
    key.unlink()
    assert cli("status").returncode == 1
    assert cli("store", "rotate-key", "--old", "env:OLD_KEY").returncode == 0
    assert "valid" in cli("status").stdout


def test_a_new_passphrase(cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase is replaced in the same way."""
    file.write_text(PROFILE + '[store]\npassphrase = { env = "PHRASE" }\n')
    monkeypatch.setenv("PHRASE", "correct horse")
    cli("token", "work")
    monkeypatch.setenv("PHRASE", "battery staple")
    monkeypatch.setenv("BEFORE", "correct horse")
    assert "passphrase is not the one" in cli("status").stderr
    assert cli("store", "rotate-key", "--old", "env:BEFORE").returncode == 0
    assert "valid" in cli("status").stdout


def test_clear(cli: Cli, home: Path, file: Path) -> None:
    """Tokens, record and key are gone; a script says --yes."""
    cli("token", "work")
    assert (cli("store", "clear").returncode, (state(home) / "store.json").exists()) == (2, True)
    assert cli("store", "clear", "--yes").returncode == 0
    left = [path.name for folder in (state(home), home / ".local/share") for path in folder.rglob("*")]
    assert sorted(left) == ["keys", "locks", "requests-auth", "store.lock", "tokens", "work.lock"]


@pytest.mark.platform("linux", "darwin")
@pytest.mark.parametrize(("typed", "kept"), [("n", True), ("y", False)])
def test_clear_asks(cli: Cli, home: Path, file: Path, typed: str, *, kept: bool) -> None:
    """A person is asked first."""
    cli("token", "work")
    terminal = Terminal("store", "clear")
    terminal.answer("Forget all tokens in", typed)
    assert terminal.end() == (130 if kept else 0)
    assert (state(home) / "store.json").exists() == kept


@pytest.mark.parametrize("verb", ["rotate-key", "clear"])
def test_in_memory(cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """Where there is no store, that is said."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    assert cli("store", "path").stdout == "memory:\n"
    done = cli("store", verb)
    assert (done.returncode, "in memory only" in done.stderr) == (2, True)
