"""Whatever stands in a profiles file, reading it ends in a file or in our own error, fit for a terminal."""

import itertools
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
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles.errors import ConfigurationError, ProfilesFileError

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
]
WORDS = [
    *(
        *ROOT,
        *(key.name for key in ROOT["store"].entries),
        *PROVIDER,
        *VARIABLE,
        "ci",
        *PROFILE,
        *FLOWS,
        *providers(),
        "work",
        "child",
        "base",
        "both",
        "env",
        "file",
        "command",
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
    assert [fault.line for fault in found] == sorted(fault.line for fault in found)
    for fault in found:
        assert fault.line <= data.count(b"\n") + 1
        assert fault.hint
        assert str(fault).replace("\n", "").isprintable()
        assert len(str(fault)) < 1500


mutations = settings(max_examples=30, deadline=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_are_right(tmp_path: Path, seed: str) -> None:
    """What is changed below has no fault before."""
    assert ProfilesFile.read(profiles_file.written(tmp_path, seed)).names


@pytest.mark.parametrize("change", [edited, remade])
@mutations
@given(random=st.randoms(use_true_random=True))
def test_changed_files(tmp_path_factory: pytest.TempPathFactory, change: Any, random: Random) -> None:
    """However a good file is changed, reading it ends well."""
    folder = tmp_path_factory.getbasetemp()
    for _ in range(50):
        assert_ends_well(folder, change(random.choice(SEEDS), random))


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever the bytes are, reading them ends well."""
    assert_ends_well(tmp_path_factory.getbasetemp(), data)
