"""The JSON Schema of the profiles file: the checker refuses what it refuses, and it refuses wrong types."""

import json
import os
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from json_schema import accepts

from requests_auth_profiles._config.check import faults, root_faults
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.house import rows
from requests_auth_profiles._config.inheritance import effectives
from requests_auth_profiles._config.keys import PROVIDER, ROOT, VARIABLE, Key
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._config.schema import SHIPPED, schema

SCHEMA = schema()
EXAMPLES = int(os.environ.get("REQUESTS_AUTH_TESTS_EXAMPLES", "1000"))
"""How much is tried: `REQUESTS_AUTH_TESTS_EXAMPLES=20000 pytest tests/test_config_schema.py`."""
EVERY = {
    f"{where}{key.name}{number}": key
    for number, (where, keys) in enumerate(
        (
            ("", ROOT.values()),
            ("store.", ROOT["store"].entries),
            ("provider.", PROVIDER.values()),
            ("variable.", VARIABLE.values()),
            ("", PROFILE.values()),
            ("http.", PROFILE["http"].entries),
            *((f"{flow.name}.", flow.own) for flow in FLOWS.values()),
            *((f"{row.name}.", row.variables.values()) for row in providers().values()),
        )
    )
    for key in keys
}
"""Every key that there is."""

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from([
        *FLOWS, *providers(), "a.com", "https://a.com/t", "http://localhost/", "socks5://a:1", "/", "/call",
        "api://x", "5000", "true", "{token}", "Bearer {token}", "a:B", "memory:", "openid email", "[::1]",
        "::1", "id_token", "*.a.com", "X-Key", "post", "query", "segment",
    ]),
)  # fmt: skip
scalars = st.one_of(
    texts, st.booleans(), st.integers(-2, 70000), st.floats(), st.dates(), st.datetimes(), st.just(0)
)
references = st.one_of(
    st.dictionaries(st.sampled_from(["env", "file", "keyring", "prompt", "ci_identity", "username"]), texts),
    st.fixed_dictionaries({"command": st.lists(texts, max_size=2)}),
)
values: st.SearchStrategy[Any] = st.one_of(
    scalars, st.lists(scalars, max_size=2), references, st.dictionaries(texts, scalars, max_size=2)
)

# What has the wrong type for the checker, and not for the schema.
DATE = "is a date or time, not "  # to Taplo, which gives the schema JSON, they are text
NESTED = "class args options"  # a reference that is wrong below `args` and `options`, at any depth


def test_the_shipped_one_is_made_from_the_table() -> None:
    """The file in the package is what the table gives: else `requests-auth schema` tells of another version.

    Make it anew: `python -c "from test_config_schema import *; ship()"` in tests/.
    """
    assert json.loads(SHIPPED.read_text("utf-8")) == SCHEMA
    assert SHIPPED.read_text("utf-8") == text()


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(SCHEMA, indent=1, ensure_ascii=False) + "\n"


def ship() -> None:
    """Puts the schema into the package."""
    SHIPPED.write_text(text(), "utf-8")


@pytest.mark.parametrize("key", EVERY.values(), ids=EVERY)
def test_an_example_is_accepted(key: Key) -> None:
    """What a message proposes for a key is right by the schema."""
    import tomllib

    if not key.written().startswith("["):
        (value,) = tomllib.loads(key.written()).values()
        assert accepts(key.kind.schema, value, SCHEMA)


@pytest.mark.timeout(120 + EXAMPLES // 50)
@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(key=st.sampled_from(list(EVERY.values())), value=values)
def test_what_a_value_is_refused_for(key: Key, value: object) -> None:
    """A value that the schema refuses has a problem, and one of the wrong type is refused by the schema."""
    problem = key.kind.problem(value)
    accepted = accepts(key.kind.schema, value, SCHEMA)
    assert accepted or problem is not None
    if problem is not None and is_of_type(problem.message):
        assert not accepted


def is_of_type(message: str) -> bool:
    """Whether a problem is the type of a value, or of its first item."""
    return (
        " not " in message and message.startswith(("is a", "is text", "item 1 is a")) and DATE not in message
    )


names = st.sampled_from([
    *PROFILE, *(name for row in providers().values() for name in row.variables), "region", "nonsense",
])  # fmt: skip
tables = st.dictionaries(names, values, max_size=3)
profiles = st.builds(
    lambda said, more: {**more, **said},
    st.fixed_dictionaries(
        {},
        optional={
            "flow": st.sampled_from(list(FLOWS)),
            "provider": st.sampled_from([*providers(), "house", "unknown"]),
            "extends": st.sampled_from(["one", "two"]),
            "when": st.fixed_dictionaries({"ci": tables}),
        },
    ),
    tables,
)
HOUSE = {"variables": {"region": {"example": "eu"}}, "keys": {"issuer": "https://{region}.acme.com"}}
files = st.builds(
    lambda one, two, more: {"profiles": {"one": one, "two": two}, "providers": {"house": HOUSE}, **more},
    profiles,
    profiles,
    st.dictionaries(
        st.sampled_from([*ROOT, "nonsense"]).filter(lambda name: name[:2] != "pr"), values, max_size=1
    ),
)


@pytest.mark.timeout(120 + EXAMPLES // 50)
@settings(max_examples=EXAMPLES, deadline=None)
@given(files)
@example({"profiles": {"one": {"flow": "basic", "username": "a", "password": "b", "token": "c"}}})
@example({"profiles": {"one": {"extends": "two", "region": "eu"}, "two": {"provider": "house"}}})
def test_no_file_is_refused_that_is_right(data: dict[str, Any]) -> None:
    """A file that the schema refuses has a fault; one with a key that cannot be there is refused by it."""
    known = rows(data)
    worlds = [effectives(data, known, in_ci=in_ci) for in_ci in (False, True)]
    found = [*root_faults(data), *faults(data, known, *worlds)]
    accepted = accepts(SCHEMA, data, SCHEMA)
    assert accepted or found
    one = data["profiles"]["one"]
    # The schema sees one table at a time: where a parent may say the provider, a name may be its variable.
    if "extends" not in one and one.get("provider") in (None, *providers()):
        strange = [fault for fault in found if fault.path[:2] == ("profiles", "one") and len(fault.path) == 3]
        assert not (accepted and any(fault.message == "is not a known key" for fault in strange))
