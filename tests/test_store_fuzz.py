"""Whatever lies in the place of a document or the record: never a token, and never an error but ours."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import vault
from vault import TOKEN, kept

from requests_auth_profiles.errors import StoreError
from requests_auth_profiles.stores import FileStore, KeySource
from requests_auth_profiles.stores._passphrase import wrap
from requests_auth_profiles.stores.keys import key_files

MUTATIONS = int(os.environ.get("REQUESTS_AUTH_TESTS_MUTATIONS", "2000"))
"""How often a file is changed: `REQUESTS_AUTH_TESTS_MUTATIONS=100000 pytest tests/test_store_fuzz.py`."""
WORDS = [
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-1",
    b"\\u0000",
    b"\xff",
    b" ",
    b"\n",
    b"0" * 300,
]


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What is told of each is nothing to keep."""
    caplog.set_level(logging.CRITICAL, "requests_auth_profiles")


def mutated(data: bytes, others: list[bytes], chance: Random) -> bytes:
    """A file with one thing changed, or two."""
    for _ in range(chance.randint(1, 2)):
        at, length = chance.randint(0, len(data)), chance.choice([0, 1, 1, 4, 40])
        put = chance.choice(
            [
                bytes([data[at % len(data)] ^ 1 << chance.randrange(8)]) if data else b"x",
                chance.randbytes(chance.randint(0, 6)),
                chance.choice(WORDS),
                chance.choice(others)[at : at + chance.randint(1, 80)],
            ]
        )
        data = data[:at] + put + data[at + length :]
    return data


def outcome(folder: Path, source: KeySource) -> object:
    """What a process that begins now finds, or how that fails."""
    try:
        return FileStore(folder, source).get("work")
    except StoreError as error:
        assert error.hint
        assert not any(secret in str(error) for secret in vault.SECRETS)
        return None


@pytest.mark.timeout(120 + MUTATIONS // 20)
def test_mutated_documents(tmp_path: Path, quiet: None) -> None:
    """A document that is not byte for byte one of this name's gives no token, and the next one is kept."""
    folder, source, chance = tmp_path / "store", key_files(tmp_path / "keys"), Random(20_26)
    kept(folder, source, "home")
    kept(folder, source)
    path = folder / "tokens/work.json"
    good = path.read_bytes()
    others = [good, (folder / "tokens/home.json").read_bytes(), (folder / "store.json").read_bytes()]
    accepted = 0
    for number in range(MUTATIONS):
        data = mutated(good, others, chance)
        path.write_bytes(data)
        found = outcome(folder, source)
        accepted += found is not None and data != good
        if number % 500 == 0 and data != good:
            with suppress(StoreError):  # of another version or key, and left for who has that
                FileStore(folder, source).set("work", TOKEN)
                assert outcome(folder, source) == TOKEN
            path.unlink()
            path.write_bytes(good)
            path.chmod(0o600)
    assert accepted == 0
    path.write_bytes(good)
    assert outcome(folder, source) == TOKEN


@pytest.mark.timeout(120 + MUTATIONS // 20)
def test_mutated_records(tmp_path: Path, quiet: None) -> None:
    """A record that says anything else is believed in nothing: no token, no new key, no document changed."""
    folder, source, chance = tmp_path / "store", key_files(tmp_path / "keys"), Random(20_27)
    kept(folder, source)
    path = folder / "store.json"
    good, document = path.read_bytes(), (folder / "tokens/work.json").read_bytes()
    others = [good, document, wrap(bytes(32), b"passphrase").encode()]
    accepted = 0
    for number in range(MUTATIONS):
        data = mutated(good, others, chance)
        path.write_bytes(data)
        found = outcome(folder, source)
        accepted += found is not None and data != good
        if number % 500 == 0 and found is None:
            with pytest.raises(StoreError):
                FileStore(folder, source).set("work", TOKEN)
    assert accepted == 0
    assert (folder / "tokens/work.json").read_bytes() == document
    assert len(list((tmp_path / "keys").iterdir())) == 1
