"""The lines that messages about a profiles file name, compared with what tomllib reads from the same text."""

import itertools
import string
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC
from random import Random
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from requests_auth_profiles._config.lines import lines

EXPECTED: dict[str, tuple[str, dict[str, int]]] = {
    "nothing": ("", {}),
    "only comments": ("# a = 1\n\n  # [b]", {}),
    "a key": ("a = 1", {"a": 1}),
    "a key after blanks": ("\n \t\n# b = 2\n  a = 1\n", {"a": 4}),
    "a key and a comment": ("a = 1 # b = 2\nc = 3 # [d]", {"a": 1, "c": 2}),
    "a table": ("[a]\nb = 1\n", {"a": 1, "a b": 2}),
    "an empty table at the end": ("a = 1\n[b]", {"a": 1, "b": 2}),
    "implied parents": ("\n[a.b.c]\nd = 1", {"a": 2, "a b": 2, "a b c": 2, "a b c d": 3}),
    "a parent after its child": ("[a.b]\n[a]\nc = 1", {"a": 1, "a b": 1, "a c": 3}),
    "dotted keys": ("a.b = 1\na.c.d = 2", {"a": 1, "a b": 1, "a c": 2, "a c d": 2}),
    "blanks around dots": ("[ a . b ]\nc\t.\td=1", {"a": 1, "a b": 1, "a b c": 2, "a b c d": 2}),
    "digits and dashes": ("1.2 = 3\n-_- = 4", {"1": 1, "1 2": 1, "-_-": 2}),
    "a dotted name in quotes": ("[a.'b.c']\n\"d.e\" = 1", {"a": 1, "a b.c": 1, "a b.c d.e": 2}),
    "escapes in names": (
        '"\\u00e9\\t\\"\\\\" = 1\n\'\\t\' = 2\n"\\U0001F511" = 3',
        {'é\t"\\': 1, "\\t": 2, "\U0001f511": 3},
    ),
    "empty names": ("'' = 1\n[a.\"\"]\nb = 2", {"": 1, "a": 2, "a ": 2, "a  b": 3}),
    "marks in names": ("'#' = 1\n'[=]' = 2\n\"'\" = 3", {"#": 1, "[=]": 2, "'": 3}),
    "marks in strings": (
        'a = \'# b = 1\'\nc = "]}, #\\""\nd = \'\'\ne = ""',
        {"a": 1, "c": 2, "d": 3, "e": 4},
    ),
    "a string of several lines": ('a = """\n[b]\nc = 1\n\\"""""\nd = 2', {"a": 1, "d": 5}),
    "a literal of several lines": ("a = '''\n[b]\n\\''' # c\nd = 2", {"a": 1, "d": 4}),
    "one more quote at the end": ("a = '''\nb''''\nc = \"\"\"d\"\"\"\"\ne = 1", {"a": 1, "c": 3, "e": 4}),
    "two more quotes at the end": ("a = '''\nb'''''\nc = \"\"\"d\"\"\"\"\"\ne = 1", {"a": 1, "c": 3, "e": 4}),
    "quotes within": (
        "a = \"\"\"\n\"b\" \"\"c\"\" \n\"\"\"\nd = '''\n'e' ''f'''''\ng = 1",
        {"a": 1, "d": 4, "g": 6},
    ),
    "empty strings of several lines": ("a = \"\"\"\"\"\"\nb = ''''''\nc = 1", {"a": 1, "b": 2, "c": 3}),
    "line-ending backslashes": ('a = """\\\n  \n  b \\  \n\n  c\\\\"""\nd = 1', {"a": 1, "d": 6}),
    "numbers": ("a = -1_0.5e+3\nb = 0xff\nc = +inf\nd = true", {"a": 1, "b": 2, "c": 3, "d": 4}),
    "dates": (
        "a = 1979-05-27 07:32:00Z # b\nc = [1979-05-27 07:32:00.5, 07:32:00]\nd = 1979-05-27",
        {"a": 1, "c": 2, "c 0": 2, "c 1": 2, "d": 3},
    ),
    "a list": ("a = [1, 'b', [], [2]]", {"a": 1, "a 0": 1, "a 1": 1, "a 2": 1, "a 3": 1, "a 3 0": 1}),
    "a list over lines": (
        "a = [ # ]\n\n  1, # 'b', [\n  'c'\n  , # ,\n  [ 2 ],\n]\nd = 1",
        {"a": 1, "a 0": 3, "a 1": 4, "a 2": 6, "a 2 0": 6, "d": 8},
    ),
    "an inline table": (
        "a = { b = 1, c.d = 'e', f = {} }",
        dict.fromkeys(("a", "a b", "a c", "a c d", "a f"), 1),
    ),
    "an inline table over lines": (
        "a = { b = [\n1,\n], c = '''\n\n''', d = 1 }",
        {"a": 1, "a b": 1, "a b 0": 2, "a c": 3, "a d": 5},
    ),
    "inline tables in a list": (
        "[a]\nb = [\n  { c = 1 },\n  # none\n  { c = 2, d.e = 3 }\n]",
        {"a": 1, "a b": 2, "a b 0": 3, "a b 0 c": 3, "a b 1": 5, "a b 1 c": 5, "a b 1 d": 5, "a b 1 d e": 5},
    ),
    "an array of tables": (
        "[[a]]\nb = 1\n[[ a ]]\n[[a]] # c\nb = 2",
        {"a": 1, "a 0": 1, "a 0 b": 2, "a 1": 3, "a 2": 4, "a 2 b": 5},
    ),
    "tables below an array of tables": (
        "[[a.b]]\n[a.b.c]\n[[a.b]]\n[a.b.c]\nd = 1",
        {"a": 1, "a b": 1, "a b 0": 1, "a b 0 c": 2, "a b 1": 3, "a b 1 c": 4, "a b 1 c d": 5},
    ),
    "arrays of tables below another": (
        "[[a]]\n[[a.b]]\n[[a.b]]\nc = 1\n[[a]]\n[[a.b]]\nc.d = 1",
        {"a": 1, "a 0": 1, "a 0 b": 2, "a 0 b 0": 2, "a 0 b 1": 3, "a 0 b 1 c": 4}
        | {"a 1": 5, "a 1 b": 6, "a 1 b 0": 6, "a 1 b 0 c": 7, "a 1 b 0 c d": 7},
    ),
    "a table named by a number": (
        "[[a]]\n[a.0]\n[b]\n0 = 1",
        {"a": 1, "a 0": 1, "a 0 0": 2, "b": 3, "b 0": 4},
    ),
    "line ends of Windows": (
        "# a\r\n[a]\r\nb = '''\r\n'''\r\nc = [\r\n1]\r\n",
        {"a": 2, "a b": 3, "a c": 5, "a c 0": 6},
    ),
    "line ends that only Unicode knows": ("a = '\u2028\x85' # \u2029\nb = 1", {"a": 1, "b": 2}),
}
NO_TOML = [
    "=",
    "a",
    "a = ",
    "a = [",
    "a = {",
    "a = { b",
    "a = ]",
    "[",
    "[[",
    "[a.",
    "a = [,",
    "\x00",
    "'a",
    "\r",
]
# What may stand at any line end, be it between keys, within a list, or as more text of a string of lines.
NOISE = ["\n", "\n", "\r\n", "\n\n", " \t\n", "\r\n \r\n", " # [a]\n", "\n# b = '''\n", '\t#" = [ { é\r\n#\n']
SCRAPS = [
    "\n",
    "\r\n",
    " ",
    "\t",
    "#",
    "=",
    ".",
    ",",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "'",
    "'''",
    '"',
    '"""',
    "\\",
]
SCRAPS += [
    "\\\n",
    "a",
    "0",
    "1",
    "-",
    "é",
    "[a]\n",
    "[[b]]\n",
    "[b.c]\n",
    "\na.b=1\n",
    "{a=1}",
    "{b.c=[{}]}",
    "[1,]",
]
SEED = """
a.b = [{ c = 1, 'd'.e = "f" }, {}] # g
[b.c] # d
'a' = ""\"
b = 1 \\
 ""\""
"\\u0061b" = '''
[c]'''''
[[d]]
a = 1979-05-27 07:32:00
[d.b]
[[d.c]]
a = [ # b
  [], [1, {a.b = 2}],
]
[[d.c]]
b.a = 1.5e3
[[d]]
"""

thorough = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
bare_keys = st.text(string.ascii_letters + string.digits + "-_", max_size=5)
any_text = st.text(st.characters(codec="utf-8"), max_size=5)
scalars = st.one_of(
    any_text,
    st.text("\n\r\t '\"\\#=[]{}a"),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | st.just(UTC)),
)


def tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(bare_keys | any_text, values, max_size=4)


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | tables(inner) | st.lists(tables(inner), max_size=3),
    max_leaves=12,
)
documents = tables(values)
both_ways_of_writing = pytest.mark.parametrize("multiline_strings", [False, True])


def paths(value: Any) -> set[tuple[str, ...]]:
    """The path of every table, key and item below a value that tomllib gave; an item's is its index."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = set()
    for key, item in inner:
        found |= {(str(key),)} | {(str(key), *path) for path in paths(item)}
    return found


def numbered(value: Any, numbers: Iterator[int]) -> Any:
    """The same with a number in each key, in underscores, which stand nowhere else."""
    if isinstance(value, dict):
        return {
            f"{key.replace('_', '')}_{next(numbers)}_": numbered(item, numbers) for key, item in value.items()
        }
    if isinstance(value, list):
        return [numbered(item, numbers) for item in value]
    return value.replace("_", "") if isinstance(value, str) else value


def written(key: str) -> str:
    """A key as tomli_w writes it: bare where it can be, else in quotes."""
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def deepest(document: Callable[[int], str]) -> str:
    """The deepest document that tomllib accepts."""
    for depth in itertools.count(1):
        try:
            tomllib.loads(document(depth))
        except RecursionError:
            return document(depth - 1)
    raise AssertionError


@pytest.mark.parametrize(("text", "expected"), EXPECTED.values(), ids=EXPECTED)
def test_line_of_each_path(text: str, expected: dict[str, int]) -> None:
    """Each path has the line on which it is first named."""
    assert lines(text) == {tuple(path.split(" ")): line for path, line in expected.items()}


@pytest.mark.parametrize("text", [text for text, _ in EXPECTED.values()], ids=EXPECTED)
def test_paths_of_written_documents(text: str) -> None:
    """The paths are those of what tomllib gives, in documents as people write them."""
    assert lines(text).keys() == paths(tomllib.loads(text))


@both_ways_of_writing
@thorough
@given(data=documents)
def test_paths_of_any_document(multiline_strings: bool, data: dict[str, Any]) -> None:
    """The paths are those of what tomllib gives, whatever the document."""
    text = tomli_w.dumps(data, multiline_strings=multiline_strings)
    assert lines(text).keys() == paths(tomllib.loads(text))


@both_ways_of_writing
@thorough
@given(data=documents)
def test_line_holds_the_key(multiline_strings: bool, data: dict[str, Any]) -> None:
    """The line of a key is the first one on which this key, unlike every other in the document, stands."""
    text = tomli_w.dumps(numbered(data, itertools.count()), multiline_strings=multiline_strings)
    numbers = {path: line for path, line in lines(text).items() if path[-1].endswith("_")}
    rows = text.split("\n")
    assert numbers == {
        path: next(number for number, row in enumerate(rows, 1) if written(path[-1]) in row)
        for path in numbers
    }


@both_ways_of_writing
@thorough
@given(data=documents, random=st.randoms())
def test_noise_moves_lines(multiline_strings: bool, data: dict[str, Any], random: Random) -> None:
    """Comments, blank lines and line ends of Windows change no path, and move its line by what they add."""
    text = tomli_w.dumps(data, multiline_strings=multiline_strings)
    noisy, moved = "", [0, 1]
    for row in text.split("\n"):
        noisy += row + random.choice(NOISE)
        moved.append(noisy.count("\n") + 1)
    assert lines(noisy) == {path: moved[line] for path, line in lines(text).items()}


@thorough
@given(random=st.randoms(use_true_random=True))
def test_paths_of_edited_documents(random: Random) -> None:
    """Wherever a document with bytes cut out and put in is still TOML, the paths are those of tomllib."""
    text = random.choice([SEED, *(text for text, _ in EXPECTED.values())])
    for _ in range(50):
        raw = text.encode()
        at = random.randint(0, len(raw))
        scrap = random.choice([*map(str.encode, SCRAPS), random.randbytes(1)])
        try:
            edited = (raw[:at] + scrap + raw[at + random.randint(0, 3) :]).decode()
            data = tomllib.loads(edited)
        except ValueError:
            continue
        assert lines(edited).keys() == paths(data)
        text = edited


@pytest.mark.parametrize(
    "document",
    [
        lambda depth: f"a = {'[' * depth}0{']' * depth}",
        lambda depth: f"a = {'{a = ' * depth}0{'}' * depth}",
        lambda depth: f'a = {"[{a = " * depth}{{"\\u0061" = 0}}{"}]" * depth}',
    ],
    ids=["lists", "inline tables", "both in turn"],
)
def test_depth(document: Callable[[int], str]) -> None:
    """What is as deep as tomllib can follow has a line for each list and each key."""
    text = deepest(document)
    assert len(max(lines(text), key=len)) == text.count("[") + text.count("=")


@pytest.mark.parametrize("text", NO_TOML)
def test_no_toml(text: str) -> None:
    """What is cut short or no TOML at all ends in a plain error, not in a loop."""
    with pytest.raises(ValueError, match=r"line \d+ is no TOML"):
        lines(text)
