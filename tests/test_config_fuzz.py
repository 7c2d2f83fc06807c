"""Whatever stands in a profiles file, reading it ends in a file or in our own error, fit for a terminal."""

import itertools
import os
import re
import shutil
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import profiles_file
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles_file import KEY, MACHINE, PERSON

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.keys import PROVIDER, ROOT, VARIABLE
from requests_auth_profiles._config.kinds import REFERENCES
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles.errors import ConfigurationError, ProfilesFileError

MUTATIONS = int(os.environ.get("REQUESTS_AUTH_TESTS_MUTATIONS", "3000"))
"""How often a file is changed: `REQUESTS_AUTH_TESTS_MUTATIONS=100000 pytest tests/test_config_fuzz.py`."""
AT_ONCE = 50
SAMPLES = sorted((Path(__file__).parent.parent / "sample-config").rglob("*.toml"))
INCLUDED = [sample for sample in SAMPLES if sample.name == "team.toml"]
SEEDS = [
    f"""default_profile = "work"
[store]
url = "memory:"
key = {{ env = "STORE_KEY" }}
{PERSON}scopes = "openid email"
redirect_port = [5000, 0]
hosts = ["api.acme.com", "*.acme.com", "https://[::1]:8443/v2/"]
authorize_params = {{ prompt = "login" }}
[profiles.child]
extends = "work"
early_expiry = 0.5
[profiles.child.token_params]
x = "y"
""",
    f"""{KEY}[profiles.base] # unfinished
flow = 'client-credentials'
provider = "okta"
client_secret = {{ command = ["op", "read", "x"] }}
[profiles."a.b"]
extends = "base"
instance = "acme.okta.com"
client_id = '''a'''
[profiles.both]
compose = ["work", "a.b"]
""",
    f"""{MACHINE}[profiles.basic]
flow = "basic"
username = "bob"
password = {{ file = "secret.txt" }}
[profiles.t]
flow = "bearer"
token = "t"
header_name = "X-T"
header_value = "{{token}}"
""",
    # Without their comments, as a change of one is none.
    *(re.sub(r"(?m)^#.*\n", "", sample.read_text("utf-8")) for sample in SAMPLES),
]
WORDS = [
    *(
        *ROOT,
        *(key.name for key in ROOT["store"].entries),
        *PROVIDER,
        *VARIABLE,
        "ci",
        *PROFILE,
        *(key.name for key in PROFILE["http"].entries),
        *FLOWS,
        *providers(),
        *REFERENCES,
        "acme",
        "region",
        "work",
        "child",
        "base",
        "both",
        "team.toml",
        "profiles.toml",
    ),
    *(
        "",
        " ",
        "é",
        "\n",
        "\x1b[31m",
        "\u202e",
        "\0",
        "x" * 300,
        "../x",
        "CON",
        "a.b",
        "{token}",
        "{instance}",
        "{",
    ),
    *(
        "https://a.com",
        "http://a.com",
        "https://bob@a.com/#x",
        "*.a.com",
        "::1",
        "[::1]",
        "localhost:0",
        "/..",
    ),
]
SCRAPS = [
    *(
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "'",
        '"',
        "'''",
        '"""',
        "\\",
        "\\u",
        "#",
        "\n",
        "\r",
        "\t",
    ),
    *(
        "[profiles.",
        "[profiles.work]\n",
        'extends = "work"\n',
        'compose = ["work"]\n',
        "\ufeff",
        "\0",
        "\u202e",
    ),
]
ATOMS: list[Any] = [
    *(*WORDS, 0, -1, 1, 5000, 65536, 10**30, 0.5, -0.5, float("nan"), float("inf"), True, False),
    *([], {}, [[]], [{}], [""], [0], {"": ""}, {"env": "A"}, {"command": ["a"]}, {"a": {"b": {"c": []}}}),
    *tomllib.loads("a = [2030-01-01, 00:00:30, 2030-01-01T00:00:00Z]")["a"],
]


def edited(text: str, random: Random) -> bytes:
    """A file with bytes cut out and put in at a few places."""
    raw = text.encode()
    for _ in range(random.randint(1, 4)):
        scrap = random.choice([*SCRAPS, *WORDS]).encode() if random.random() < 0.9 else random.randbytes(1)
        at = random.randint(0, len(raw))
        raw = raw[:at] + scrap + raw[at + random.choice([0, 0, 1, 3, 20]) :]
    return raw


def remade(text: str, random: Random) -> bytes:
    """A file that is still TOML, with other values, other keys and other tables at a few places."""
    data = tomllib.loads(text)
    for _ in range(random.randint(1, 4)):
        table = random.choice(list(tables(data)))
        key = random.choice([*table, *table, random.choice(WORDS)])
        match random.randrange(4):
            case 0:
                table.pop(key, None)
            case 1:
                table[random.choice(WORDS)] = table.get(key, random.choice(ATOMS))
            case _:
                table[key] = random.choice(ATOMS)
        data = tomllib.loads(tomli_w.dumps(data))  # so that no table is in itself
    return tomli_w.dumps(data).encode()


def tables(data: dict[str, Any]) -> list[dict[str, Any]]:
    """A table and all that are in it."""
    inner = (tables(value) for value in data.values() if isinstance(value, dict))
    return [data, *itertools.chain.from_iterable(inner)]


def assert_ends_well(folder: Path, data: bytes) -> None:
    """It is a file whose profiles can be had, or an error with lines, hints, and nothing for a terminal."""
    path = profiles_file.written(folder, data)
    try:
        file = ProfilesFile.read(path)
        for name in file.names:
            assert file.profile(name).name == name
    except ProfilesFileError as error:
        found = error.faults
    except ConfigurationError as error:
        pytest.fail(f"not as faults: {error}")
    else:
        return
    assert found
    own = [fault.line for fault in found if fault.file == str(path)]
    assert own == sorted(own)
    assert max(own, default=0) <= data.count(b"\n") + 1
    for fault in found:
        assert Path(fault.file).parent == folder
        assert fault.hint
        assert str(fault).replace("\n", "").isprintable()
        assert len(str(fault)) < 1500


mutations = settings(max_examples=-(-MUTATIONS // AT_ONCE // 2), deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files are, with those that the samples include."""
    folder = tmp_path_factory.mktemp("files")
    for sample in INCLUDED:
        shutil.copyfile(sample, folder / sample.name)
        (folder / sample.name).chmod(0o600)
    return folder


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_are_right(folder: Path, seed: str) -> None:
    """What is changed below has no fault before."""
    assert ProfilesFile.read(profiles_file.written(folder, seed)).names


@pytest.mark.timeout(120 + MUTATIONS // 50)
@pytest.mark.parametrize("change", [edited, remade])
@mutations
@given(random=st.randoms(use_true_random=True))
def test_changed_files(folder: Path, change: Any, random: Random) -> None:
    """However a good file is changed, reading it ends well."""
    for _ in range(AT_ONCE):
        assert_ends_well(folder, change(random.choice(SEEDS), random))


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes(folder: Path, data: bytes) -> None:
    """Whatever the bytes are, reading them ends well."""
    assert_ends_well(folder, data)
