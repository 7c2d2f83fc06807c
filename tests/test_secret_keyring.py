"""Secrets in the keyring of the operating system, by real backends of the keyring package."""

import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from conftest import RunProgram
from keyring.backends.fail import Keyring as Fail
from keyring.backends.null import Keyring as Null
from keyrings import InMemory, Locked, Odd, Silent, in_use
from references import VALUE, Make, folder, made, refusal, secret, tells, written
from sources import at_once

from requests_auth_profiles import profile
from requests_auth_profiles._config.file import ProfilesFile

__all__ = ["folder", "secret"]

ENTRY = {"keyring": "acme"}


@pytest.fixture
def entries(folder: Path) -> Iterator[InMemory]:
    """The keyring of this process, with nothing in it."""
    with in_use(InMemory()) as backend:
        assert isinstance(backend, InMemory)
        yield backend


def profiles(folder: Path, text: str) -> ProfilesFile:
    path = folder / "profiles.toml"
    path.write_text(text)
    path.chmod(0o600)
    return ProfilesFile.read(path)


class TestWhose:
    """The entry is that of a service and a user, as in `keyring get SERVICE USERNAME`."""

    def test_the_one_that_is_named(self, folder: Path, entries: InMemory) -> None:
        """`username` says whose it is."""
        keyring.set_password("acme", "ada", VALUE)
        text = '[profiles.work]\nflow = "bearer"\ntoken = { keyring = "acme", username = "ada" }\n'
        assert profiles(folder, text).profile("work").scheme.token() == VALUE

    def test_the_user_of_the_profile(self, folder: Path, entries: InMemory) -> None:
        """Else it is that of the user whom the profile names."""
        keyring.set_password("acme", "bob", VALUE)
        text = '[profiles.work]\nflow = "basic"\nusername = "bob"\npassword = { keyring = "acme" }\n'
        assert profiles(folder, text).profile("work").scheme.password() == VALUE

    def test_the_profile(self, secret: Make, entries: InMemory) -> None:
        """Else it has the name of the profile."""
        keyring.set_password("acme", "work", VALUE)
        assert secret(ENTRY)() == VALUE

    def test_a_user_name_that_is_there_itself(self, folder: Path, entries: InMemory) -> None:
        """Where the user's name is read somewhere too, it is not read to find the password."""
        keyring.set_password("acme", "work", VALUE)
        text = '[profiles.work]\nflow = "basic"\nusername = { env = "NOWHERE" }\n'
        text += 'password = { keyring = "acme" }\n'
        assert profiles(folder, text).profile("work").scheme.password() == VALUE

    def test_a_child(self, folder: Path, entries: InMemory) -> None:
        """What a profile has from its parent is looked up for itself."""
        keyring.set_password("acme", "work", "mine")
        keyring.set_password("acme", "child", "the child's")
        text = '[profiles.work]\nflow = "bearer"\ntoken = { keyring = "acme" }\n'
        text += '[profiles.child]\nextends = "work"\n'
        file = profiles(folder, text)
        assert [file.profile(name).scheme.token() for name in ("work", "child")] == ["mine", "the child's"]

    def test_the_store(self, folder: Path, entries: InMemory) -> None:
        """The key of the store is the entry `store`."""
        keyring.set_password("acme", "store", VALUE)
        key = profiles(folder, '[store]\nkey = { keyring = "acme" }\n').store.key
        assert key is not None
        assert key() == VALUE


class TestHowOften:
    """A keyring may ask a person for each look."""

    def test_once_a_process(self, folder: Path, entries: InMemory) -> None:
        """It is asked once, for all objects."""
        keyring.set_password("acme", "work", VALUE)
        path = written(folder, ENTRY)
        assert [made(path)(), made(path)()] == [VALUE, VALUE]
        assert len(entries.asked) == 1

    def test_for_twenty_threads(self, secret: Make, entries: InMemory) -> None:
        """Twenty threads wait for one look."""
        keyring.set_password("acme", "work", VALUE)
        found = secret(ENTRY)
        assert set(at_once(20, found)) == {VALUE}
        assert len(entries.asked) == 1

    def test_again_after_a_refusal(self, secret: Make, entries: InMemory) -> None:
        """What was refused is looked up again, once."""
        keyring.set_password("acme", "work", "old")
        found = secret(ENTRY)
        found()
        keyring.set_password("acme", "work", "new")
        found.forget("old")
        assert [found(), found()] == ["new", "new"]
        assert len(entries.asked) == 2

    def test_again_where_there_was_none(self, secret: Make, entries: InMemory) -> None:
        """A failure is not kept."""
        found = secret(ENTRY)
        refusal(found)
        keyring.set_password("acme", "work", VALUE)
        assert found() == VALUE


class TestFailure:
    """What is told where there is none."""

    def test_no_entry(self, secret: Make, entries: InMemory) -> None:
        """The error says what to type, and the entry that was looked for."""
        error = refusal(secret({"keyring": "acme corp"}))
        expected = 'profile \'work\', token = { keyring = "acme corp", username = "work" }: '
        assert error.message.endswith(f"{expected}the keyring has none for 'work'")
        assert error.hint == "keyring set 'acme corp' work"

    def test_something_else_in_it(self, secret: Make, entries: InMemory) -> None:
        """What can be no secret is an error that does not repeat it."""
        keyring.set_password("acme", "work", f"{VALUE}\n")
        problem = "what the keyring has has a line break or another control character in it"
        assert tells(secret(ENTRY), problem)

    @pytest.mark.parametrize("backend", [Fail(), Null()], ids=["fail", "null"])
    def test_no_keyring(self, secret: Make, backend: keyring.backend.KeyringBackend) -> None:
        """Where there is none at all, the error says so, and by what else to give the secret."""
        with in_use(backend):
            error = refusal(secret(ENTRY))
        assert error.message.endswith(": there is no keyring on this machine")
        assert "{ env = … }" in error.hint

    def test_locked(self, secret: Make) -> None:
        """What a backend says of its trouble is not repeated; what to try by hand is told."""
        with in_use(Locked()):
            error = refusal(secret(ENTRY))
        assert error.message.endswith(": the keyring failed: KeyringLocked")
        assert error.hint == "keyring get acme work"

    @pytest.mark.parametrize(
        ("gives", "kind"),
        [(VALUE.encode(), "bytes"), (5, "int"), ([VALUE], "list"), (0, "int"), (b"", "bytes")],
    )
    def test_no_text(self, secret: Make, gives: object, kind: str) -> None:
        """What is no text is no secret; its kind is told, and what to try by hand."""
        with in_use(Odd(gives)):
            error = refusal(secret(ENTRY))
        assert error.message.endswith(f": the keyring gave {kind}, not text")
        assert error.hint == "keyring get acme work"

    def test_silence(self, secret: Make) -> None:
        """A keyring that does not answer costs ten seconds, not for ever."""
        with in_use(Silent()):
            error = refusal(secret(ENTRY))
        assert error.message.endswith(": the keyring did not answer in 10 s")

    def test_no_more_threads(self, secret: Make, entries: InMemory, no_more_threads: None) -> None:
        """A process that can start no thread gets our error."""
        assert tells(secret(ENTRY), "the keyring was not asked: can't start new thread")

    def test_no_package(self, folder: Path, run_python: RunProgram) -> None:
        """Without the package the error names the extra to install."""
        (folder / "keyring.py").write_text("raise ImportError('not here')")
        script = f"""
import sys
sys.path.insert(0, {str(folder)!r})
from requests_auth_profiles import errors, profile
try:
    profile("work", file=sys.argv[1]).token()
except errors.SecretUnavailable as error:
    print(error.message.rpartition("}}: ")[2], error.hint, sep="; ")
"""
        done = run_python("-c", script, str(written(folder, ENTRY)))
        extra = 'pip install "requests-auth-profiles[keyring]"'
        assert done.stdout == f"the keyring package is not installed; {extra}\n", done.stderr


def test_building_imports_no_keyring(folder: Path, run_python: RunProgram) -> None:
    """The package is imported when the secret is needed, and the backend is the one that is named."""
    script = """
import sys
from requests_auth_profiles import profile
auth = profile("work", file=sys.argv[1])
assert "keyring" not in sys.modules
sys.path.insert(0, sys.argv[2])
import os
os.environ["PYTHON_KEYRING_BACKEND"] = "keyrings.InMemory"
import keyring
keyring.set_password("acme", "work", "v")
print(auth.token().access_token)
"""
    done = run_python("-c", script, str(written(folder, ENTRY)), str(Path(__file__).parent))
    assert done.stdout == "v\n", done.stderr


def test_a_request_waits_in_no_thread_that_is_left(secret: Make, entries: InMemory) -> None:
    """Nothing is left of a look."""
    keyring.set_password("acme", "work", VALUE)
    secret(ENTRY)()
    assert "requests-auth-keyring" not in {thread.name for thread in threading.enumerate()}


def test_it_signs(folder: Path, entries: InMemory) -> None:
    """The profile gives it as its token."""
    keyring.set_password("acme", "work", VALUE)
    assert profile("work", file=written(folder, ENTRY)).token().access_token == VALUE
