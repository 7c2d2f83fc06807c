"""What a profiles file that is no TOML is told, and what its bytes may be."""

import sys
from pathlib import Path

import profiles_file
import pytest
from profiles_file import KEY, MARK

from requests_auth_profiles._config.check import tables

QUOTES = 'key = "text", in straight quotes'
LINE = 'key = "text", or [profiles.NAME]'
BACKSLASH = "'single quotes' around the text, or \\\\ for each \\"
OPEN = 'close its quotes: "text"'

WRONG = {
    "a value without quotes": (f"[profiles.a]\nflow = bearer {MARK}\n", "a value is missing", QUOTES),
    "no value": (f"a =  {MARK}\n", "a value is missing", QUOTES),
    "a boolean in capitals": (f"allow_http = True {MARK}", "cannot be read", "key = "),
    "quotes of a word processor": (f"flow = “bearer” {MARK}", "a value is missing", QUOTES),
    "quotes that do not end": (f'flow = "bearer {MARK}\n', "a text does not end", OPEN),
    "quotes that do not end, at the end": (f'a = 1\nflow = "bearer {MARK}', "a text does not end", OPEN),
    "single quotes that do not end": (f"flow = 'bearer {MARK}\n", "a text does not end", OPEN),
    "single quotes that do not end, at the end": (f"flow = 'bearer {MARK}", "a text does not end", OPEN),
    "a Windows path": (rf'a = "C:\secret" {MARK}', "a \\ in a text", BACKSLASH),
    "a Windows path of a user": (rf'a = "C:\users\x" {MARK}', "a \\ in a text", BACKSLASH),
    "a colon": (f"[profiles.a]\nflow: bearer {MARK}", "a line without a =", LINE),
    "JSON": (f'{{"a": 1}} {MARK}', "neither a key nor a [table]", LINE),
    "a table without its end": (f"[profiles.a {MARK}\n", "without its ]", "[profiles.NAME]"),
    "a blank in a name": (f"[profiles.my api] {MARK}\n", "a blank in its name", "[profiles.NAME]"),
    "two keys in a line": (f'a = "b" c = "d" {MARK}', "more than one thing in a line", LINE),
    "a day that is none": (f"a = 2030-13-01 {MARK}", "more than one thing in a line", LINE),
    "a list without its end": (
        f"a = [1\n\n[profiles.a] {MARK}",
        "a list, here or above, does",
        "close it: [",
    ),
    "a table in a line without its end": (f'a = {{ env = "A" {MARK}\n', "a { does not end", "close it: {"),
    "a character that cannot be seen": (f'a = "b\x01" {MARK}', "that cannot be seen", "type this line again"),
    "no key": (f"= 1 {MARK}", "", ""),
    "the same table again": (f"[a]\n[b]\n[a] {MARK}\n", "the same [table] a second time", "join the two"),
    "the same key again": (f"a = 1\na = 2 {MARK}\n", "the same key a second time", "leave one out"),
    "the same key in a line": (
        f"a = {{ b = 1, b = 2 }} {MARK}",
        "the same key a second time",
        "leave one out",
    ),
    "more of a table in a line": (
        f"a = {{ b = 1 }}\na.c = 1 {MARK}",
        "the same key a second",
        "leave one out",
    ),
}
if sys.version_info < (3, 15):  # from there on tomllib reads TOML 1.1
    WRONG["a table in a line over lines"] = (f"a = {{ {MARK}\n}}", "a key is missing", "{ env = ")
    WRONG["a comma at the end of a table"] = (f"a = {{ b = 1, }} {MARK}", "a key is missing", "{ env = ")


@pytest.mark.parametrize(("text", "message", "hint"), WRONG.values(), ids=WRONG)
def test_no_toml(tmp_path: Path, text: str, message: str, hint: str) -> None:
    """It is one fault at its line, in words of somebody who does not know TOML, with something to type."""
    (fault,) = profiles_file.faults(tmp_path, text)
    assert ([fault.line], fault.path) == (profiles_file.marked(text), ())
    assert message in fault.message
    assert fault.hint.startswith(hint)
    assert fault.hint


def test_a_number_of_thousands_of_digits(tmp_path: Path) -> None:
    """What Python itself refuses to read is our error too."""
    (fault,) = profiles_file.faults(tmp_path, f"a = {'9' * 5000}")
    assert "number that is far too long" in fault.message


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "a" + ".a" * 5000 + " = 1", "a = " + "{a = " * 5000]
)
def test_no_end_of_depth(tmp_path: Path, text: str) -> None:
    """However deep a file goes, it ends in faults."""
    assert profiles_file.faults(tmp_path, text)


def test_a_byte_order_mark(tmp_path: Path) -> None:
    """Some editors write one: the hint says how not to."""
    (fault,) = profiles_file.faults(tmp_path, b"\xef\xbb\xbf" + KEY.encode())
    assert (fault.line, fault.message) == (1, "begins with a byte order mark")
    assert fault.hint == "save it as UTF-8 without BOM"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (KEY.encode() + b"# caf\xe9\n", 4),
        (b"\xff" + KEY.encode(), 1),
        (KEY.encode("utf-16"), 1),
        (b"a = 1\n# \xed\xa0\x80", 2),
    ],
    ids=["latin-1", "a wrong first byte", "utf-16", "a surrogate"],
)
def test_another_encoding(tmp_path: Path, data: bytes, line: int) -> None:
    """What is not UTF-8 is named at its line."""
    (fault,) = profiles_file.faults(tmp_path, data)
    assert (fault.line, fault.message, fault.hint) == (line, "is not UTF-8", "save it as UTF-8")


def test_line_ends_of_windows(tmp_path: Path) -> None:
    """They are read like others."""
    assert profiles_file.read(tmp_path, KEY.replace("\n", "\r\n")).names == ["work"]


def test_lines_are_counted_with_line_ends_of_windows(tmp_path: Path) -> None:
    """A fault's line is the one that an editor shows."""
    text = f"{KEY}\n# more\nxyz = 1 {MARK}\n"
    (fault,) = profiles_file.faults(tmp_path, text.replace("\n", "\r\n"))
    assert [fault.line] == profiles_file.marked(text)


@pytest.mark.parametrize("text", ["", "\n\n# nothing yet\n", "[profiles]", "[store]"])
def test_a_file_without_profiles(tmp_path: Path, text: str) -> None:
    """It is no fault to have none yet."""
    assert profiles_file.read(tmp_path, text).names == []


@pytest.mark.parametrize("profiles", [5, [], {"a": 5}])
def test_what_is_no_table_is_no_profile(profiles: object) -> None:
    """Whatever stands where profiles should, those that are given are tables."""
    assert tables({"profiles": profiles}) == {}
