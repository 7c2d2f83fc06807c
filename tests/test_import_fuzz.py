"""Whatever a file of another tool holds, `import --from` ends in profiles without a fault, or an error."""

import json
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import profiles_file
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importer import SECRET, jwt
from test_import_clients import RESTISH_1, RESTISH_2, SESSIONS
from test_import_foreign import DATABRICKS, NETRC
from test_import_openapi import DESCRIPTION

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.cli import run

SEEDS = {
    "databricks": DATABRICKS,
    "aws-sso": "[sso-session corp]\nsso_region = eu-west-1\n[profile x]\nsso_start_url = https://x\n",
    "restish": json.dumps(RESTISH_1),
    "restish 2": RESTISH_2,
    "netrc": NETRC,
    "httpie": json.dumps(SESSIONS["basic"][0]),
    "requests_auth-cache": json.dumps({"k": [jwt(iss="https://a.com", cid="b", scp="c"), 1.0, "r"]}),
    "openapi": json.dumps(DESCRIPTION),
}
WORDS: list[Any] = [
    *("", " ", "é", "\n", "\x1b[31m", "\u202e", "x" * 300, "../x", "CON", "a.b", "{token}", "{", "env:A"),
    *(
        "command:x 'y",
        "https://a.com",
        "http://a.com",
        "https://bob@a.com/#x",
        "*.a.com",
        "::1",
        "[::1",
        "a b",
    ),
    *(0, -1, 65536, 0.5, True, None, [], {}, [[]], [{}], {"": ""}, {"$ref": "x"}, ["a", 1]),
]


def edited(text: str, random: Random) -> str:
    """A text with pieces cut out and put in at a few places."""
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(text))
        scrap = str(random.choice([*WORDS, "[", "]", "=", ",", '"', "\n[", ":", "#", "\0"]))
        text = text[:at] + scrap + text[at + random.choice([0, 0, 1, 3, 20]) :]
    return text


def remade(text: str, random: Random) -> str:
    """A text of JSON with other values at a few places."""
    try:
        said = json.loads(text)
    except ValueError:
        return edited(text, random)
    for _ in range(random.randint(1, 4)):
        table = random.choice(list(tables(said)) or [said])
        key = random.choice([*table, str(random.choice(WORDS))])
        table[key if random.random() < 0.8 else str(random.choice(WORDS))] = random.choice(WORDS)
        said = json.loads(json.dumps(said))  # so that no table is in itself
    return json.dumps(said)


def tables(value: Any) -> list[dict[str, Any]]:
    """A table and all that are in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [table for entry in inner for table in tables(entry)]
    return [value, *found] if isinstance(value, dict) else found


def assert_ends_well(folder: Path, form: str, text: str, captured: pytest.CaptureFixture[str]) -> None:
    """What is printed is a file without a fault, and nothing for a terminal is told."""
    path = folder / "source"
    path.write_text(text, "utf-8", errors="surrogatepass")
    code = run(["import", "--from", form.partition(" ")[0], str(path)])
    printed, told = captured.readouterr()
    assert code in {0, 1}
    assert (printed + told).replace("\n", "").isprintable()
    if printed:
        names = ProfilesFile.read(profiles_file.written(folder, printed)).names
        assert names == list(tomllib.loads(printed)["profiles"])
    else:
        assert told


@pytest.mark.parametrize("form", SEEDS)
@pytest.mark.parametrize("change", [edited, remade])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=True))
def test_changed_files(
    home: Path, capsys: pytest.CaptureFixture[str], form: str, change: Any, random: Random
) -> None:
    """However a good file is changed, importing it ends well."""
    for _ in range(10):
        assert_ends_well(home, form, change(SEEDS[form], random), capsys)


@pytest.mark.parametrize("form", SEEDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text(home: Path, capsys: pytest.CaptureFixture[str], form: str, text: str) -> None:
    """Whatever a file holds, importing it ends well."""
    assert_ends_well(home, form, text, capsys)


@pytest.mark.parametrize("form", SEEDS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=True))
def test_half_a_file(home: Path, capsys: pytest.CaptureFixture[str], form: str, random: Random) -> None:
    """Where a file ends too early, no error shows a secret of it."""
    (home / "source").write_text(SEEDS[form][: random.randint(0, len(SEEDS[form]))], "utf-8")
    run(["import", "--from", form.partition(" ")[0], str(home / "source")])
    printed, told = capsys.readouterr()
    assert SECRET not in printed + told
