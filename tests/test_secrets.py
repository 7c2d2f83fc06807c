"""Secrets: text, a variable or a file, looked up late, and shown to nobody."""

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from counterparts import OrdinaryUser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from references import VALUE, Make, Reference, folder, made, python, refusal, secret, tells, written

from requests_auth_profiles import profile

__all__ = ["folder", "secret"]

LIMIT = 64 * 1024
unix = pytest.mark.platform("linux", "darwin")


class TestText:
    """A secret that stands in the file."""

    @given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
    def test_any_text(self, tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
        """It is given as it stands there."""
        found = made(written(tmp_path_factory.getbasetemp(), text))
        assert (found(), found.is_literal) == (text, True)


class TestVariable:
    """A secret in the environment."""

    def test_each_time(self, secret: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is looked up at each call."""
        token = secret({"env": "TOKEN"})
        for value in ("one", " two ", "three=3", "schl\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel"):
            monkeypatch.setenv("TOKEN", value)
            assert token() == value
        assert not token.is_literal

    @pytest.mark.parametrize("value", [None, ""])
    def test_not_set(self, secret: Make, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
        """Not set, or empty, it is an error that says what to type."""
        if value is not None:
            monkeypatch.setenv("TOKEN", value)
        error = refusal(secret({"env": "TOKEN"}))
        assert error.message.endswith('{ env = "TOKEN" }: the variable is not set')
        assert error.hint == "export TOKEN=…"

    @unix
    def test_bytes_that_are_no_text(self, secret: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is not UTF-8 is an error here, before a codec's own error holds the value."""
        monkeypatch.setenv("TOKEN", f"{VALUE}\udcff")
        assert tells(secret({"env": "TOKEN"}), "it is not UTF-8 text")

    @pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\x7f"])
    def test_control_characters(self, secret: Make, monkeypatch: pytest.MonkeyPatch, character: str) -> None:
        """A character that could end a header is an error, also at the end."""
        for value in (f"{VALUE}{character}", f"a{character}{VALUE}"):
            monkeypatch.setenv("TOKEN", value)
            assert tells(secret({"env": "TOKEN"}), "it has a line break or another control character in it")


class TestFile:
    """A secret in a file of its own."""

    def test_each_time(self, secret: Make, folder: Path) -> None:
        """It is read again at each call, and line breaks at its end are no part of it."""
        token = secret({"file": "token"})
        for content, value in ((b"one", "one"), (b" two \n", " two "), (b"three\r\n\n", "three")):
            (folder / "token").write_bytes(content)
            assert token() == value

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(value=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
    def test_any_text(self, secret: Make, folder: Path, value: str) -> None:
        """All of Unicode but control characters comes out as it was put in."""
        (folder / "token").write_bytes(value.encode() + b"\n")
        assert secret({"file": "token"})() == value

    def test_beside_the_profiles_file(self, secret: Make, folder: Path) -> None:
        """A relative name is looked up there, never in the working directory."""
        Path("token").write_text("trap")
        assert tells(secret({"file": "token"}), "cannot read it: No such file or directory")
        (folder / "token").write_text(VALUE)
        assert secret({"file": "token"})() == VALUE

    def test_in_the_home_folder(self, secret: Make, home: Path) -> None:
        """`~` is the person's home."""
        (home / "token").write_text(VALUE)
        assert secret({"file": "~/token"})() == VALUE

    def test_in_a_home_that_is_not_there(self, secret: Make) -> None:
        """A `~` that leads nowhere is not the name of a folder beside the file."""
        assert tells(secret({"file": "~nobody-of-that-name/token"}), "there is no such home folder")

    def test_a_folder(self, secret: Make, folder: Path) -> None:
        """What is no file is an error that says where to look."""
        (folder / "token").mkdir()
        error = refusal(secret({"file": "token"}))
        assert error.message.endswith(": it is not a file")
        assert error.hint == f"ls -l {folder / 'token'}"

    @unix
    def test_a_pipe(self, secret: Make, folder: Path) -> None:
        """A FIFO that nobody writes to holds nobody up."""
        os.mkfifo(folder / "token")
        assert tells(secret({"file": "token"}), "it is not a file")

    @unix
    def test_that_may_not_be_read(self, ordinary_user: OrdinaryUser) -> None:
        """What the system forbids is our error, with its words."""
        script = """
from pathlib import Path
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles.errors import SecretUnavailable
Path("token").write_text("s3cret")
Path("token").chmod(0)
try:
    Secret({"file": "token"}, Place(Path("profiles.toml").absolute(), "", ("profiles", "work", "token")))()
except SecretUnavailable as error:
    print(error.message.rpartition("}: ")[2])
"""
        done = ordinary_user.run_python("-c", script)
        assert done.stdout == "cannot read it: Permission denied\n", done.stderr


CONTENTS = {
    b"": "{} is empty",
    b"\r\n\n": "{} is empty",
    VALUE.encode() + b"\xff": "{} is not UTF-8 text",
    VALUE.encode("utf-16"): "{} is not UTF-8 text",
    VALUE.encode() + b"\0": "{} has a line break or another control character in it",
    VALUE.encode() + b"\nb\n": "{} has a line break or another control character in it",
    b"\x1b[31m" + VALUE.encode(): "{} has a line break or another control character in it",
    VALUE.encode() * LIMIT: "{} is longer than 65,536 bytes",
    b"x" * LIMIT + b"\n": "{} is longer than 65,536 bytes",
}
contents = pytest.mark.parametrize(
    ("content", "problem"), CONTENTS.items(), ids=[repr(content[:20]) for content in CONTENTS]
)


@contents
def test_a_file_with_something_else(secret: Make, folder: Path, content: bytes, problem: str) -> None:
    """What is in a file and can be no secret is an error that does not repeat it."""
    (folder / "token").write_bytes(content)
    assert tells(secret({"file": "token"}), problem.format("the file"))


@contents
def test_a_command_that_prints_something_else(
    secret: Make, folder: Path, content: bytes, problem: str
) -> None:
    """What a command prints and can be no secret is an error that does not repeat it."""
    (folder / "content").write_bytes(content)
    reference = python("import shutil, sys; shutil.copyfileobj(open('content', 'rb'), sys.stdout.buffer)")
    assert tells(secret(reference), problem.format("what it printed"))


@pytest.mark.parametrize("how", ["file", "command"])
def test_the_longest(secret: Make, folder: Path, how: str) -> None:
    """64 KiB are not too long."""
    (folder / "token").write_text("x" * LIMIT)
    reference = {"file": "token"} if how == "file" else python("print(end=open('token').read())")
    assert secret(reference)() == "x" * LIMIT


class TestShown:
    """What is told of a secret is where it comes from."""

    @pytest.mark.parametrize(
        ("reference", "shown"),
        [
            (VALUE, "text in the file"),
            ({"env": "TOKEN"}, '{ env = "TOKEN" }'),
            ({"file": "~/token"}, '{ file = "~/token" }'),
            ({"command": ["op"]}, '{ command = ["op"] }'),
            ({"command": ["op", f"--password={VALUE}"]}, '{ command = ["op", …] }'),
            ({"keyring": "acme"}, '{ keyring = "acme", username = "work" }'),
            ({"prompt": "Password"}, '{ prompt = "Password" }'),
            ({"ci_identity": "acme"}, '{ ci_identity = "acme" }'),
        ],
        ids=["text", "env", "file", "command", "arguments", "keyring", "prompt", "ci_identity"],
    )
    def test_it(self, secret: Make, reference: Reference, shown: str) -> None:
        """Neither its text, nor its value, nor an argument of its command is shown by any way to print it."""
        found = secret(reference)
        assert (str(found), f"{found}", repr(found)) == (shown, shown, f"<Secret {shown}>")

    def test_after_it_was_looked_up(self, secret: Make) -> None:
        """A value that is kept is not shown either, and is in no `__dict__`."""
        found = secret(python(f"print('{VALUE}'[:])"))
        assert found() == VALUE
        assert VALUE not in f"{found!r} {found!s}"
        assert not hasattr(found, "__dict__")

    @pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_it_is_not_pickled_or_copied(self, secret: Make, act: Callable[[object], object]) -> None:
        """That is an error which says what to do instead."""
        with pytest.raises(TypeError, match=r"build the auth again with profile\(name\)"):
            act(secret(VALUE))

    def test_where_it_is_missing(self, secret: Make, folder: Path) -> None:
        """The error names file, line, profile, key and reference."""
        place = f"{folder / 'profiles.toml'}:3: profile 'work', token"
        message = f'{place} = {{ env = "TOKEN" }}: the variable is not set'
        assert refusal(secret({"env": "TOKEN"})).message == message


class TestLate:
    """A secret is looked up when it is first needed."""

    @pytest.mark.parametrize("how", ["command", "file", "env"])
    def test_building_resolves_nothing(self, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
        """No command has run, and nothing was read, before the first token is asked for."""
        references: dict[str, Reference] = {
            "command": python("open('ran', 'x'); print('s3cret-' + 'value')"),
            "file": {"file": "token"},
            "env": {"env": "TOKEN"},
        }
        auth = profile("work", file=written(folder, references[how]))
        assert not (folder / "ran").exists()
        (folder / "token").write_text(VALUE)
        monkeypatch.setenv("TOKEN", VALUE)
        assert auth.token().access_token == VALUE
