"""The JSON Schema of the profiles file, for editors: made from the table of keys that the checker uses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.house import SAYABLE, VARIABLE_NAME
from requests_auth_profiles._config.keys import PROVIDER, ROOT, VARIABLE, Key, by_name
from requests_auth_profiles._config.kinds import NOTHING
from requests_auth_profiles._config.profile_keys import NOT_TWICE, PROFILE, known_keys
from requests_auth_profiles._config.providers import Provider, providers

__all__ = ["SHIPPED", "schema"]

_Schema = dict[str, Any]

SHIPPED = Path(__file__).parent / "profiles.schema.json"
"""Where the package has the schema, as a file."""


def schema() -> _Schema:
    """The schema. It refuses no file that the checker takes; the checker knows more, and has the last word.

    In draft-07, which Taplo (Even Better TOML) and the JSON tools of editors know all of; Taplo's own
    documentation promises draft-04 only, so nothing of the later ones is used.
    """
    said = {
        "profiles": _named(kinds.NAME_SCHEMA["pattern"], {"$ref": "#/definitions/profile"}),
        "providers": _named(kinds.NAME_SCHEMA["pattern"], {"$ref": "#/definitions/provider"}),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "requests-auth-profiles",
        "description": "Name an authentication once, in a file, and use it in every requests call.",
        **_table({name: _value(key) | said.get(name, {}) for name, key in ROOT.items()}),
        "definitions": {
            "profile": _profile(overlay=False),
            "overlay": _profile(overlay=True),
            "provider": _provider(),
            "said": _said(),
            "reference": dict(kinds.REFERENCE_SCHEMA),
        },
    }


def _table(keys: Mapping[str, Any]) -> _Schema:
    return {"type": "object", "properties": dict(keys), "additionalProperties": NOTHING}


def _named(pattern: str, entry: Mapping[str, Any]) -> _Schema:
    """A table of tables, by names that somebody chose."""
    return {"type": "object", "patternProperties": {pattern: dict(entry)}, "additionalProperties": NOTHING}


def _value(key: Key) -> _Schema:
    """What a key takes, and what an editor tells of it."""
    entries = _table({name: _value(entry) for name, entry in by_name(*key.entries).items()})
    told: _Schema = {"description": f"{key.about[:1].upper()}{key.about[1:]}. As in: {key.written()}"}
    if key.default is not None:
        told["default"] = key.default
    return {**told, **(entries if key.entries else key.kind.schema)}


def _profile(*, overlay: bool) -> _Schema:
    known = {name: _value(key) for name, key in PROFILE.items() if not (overlay and name in NOT_TWICE)}
    rows = providers()
    flows = [{"const": flow.name, "description": flow.about} for flow in FLOWS.values()]
    known["flow"]["x-taplo"] = {"docs": {"enumValues": [flow["description"] for flow in flows]}}
    # A house's own providers are not known here; theirs are offered, and any other text is taken.
    known["provider"] = {**known["provider"], "anyOf": [{"enum": list(rows)}, {"type": "string"}]}
    known["token"] = {"description": known["token"]["description"], "type": ["string", "object"]}
    if "when" in known:
        known["when"] = {**known["when"], "properties": {"ci": {"$ref": "#/definitions/overlay"}}}
    variables = {
        name: {"description": key.about, "type": "string"}
        for row in rows.values()
        for name, key in row.variables.items()
    }
    refused = dict.fromkeys(sorted(NOT_TWICE), False) if overlay else {}
    return {
        "type": "object",
        "properties": variables | known | refused,
        # A provider of a house's own has variables of any name; see `_variables` for where it cannot be one.
        "additionalProperties": {"type": "string"},
        # Not an `allOf` right here: Taplo completes no keys in a table that has one.
        "if": True,
        "then": {"allOf": [*_flows(known), *_variables(rows, {**variables, **known}, overlay=overlay)]},
    }


def _flows(known: Mapping[str, Any]) -> list[_Schema]:
    """What each flow, and a composition, makes of the keys: most are no keys of it at all."""
    found = []
    for flow in FLOWS.values():
        takes = known_keys(flow)
        said = {name: False for name in PROFILE if name in known and name not in takes}
        own = takes.get("token")
        means = {} if own is None else {"token": dict(own.kind.schema)}
        found.append(
            {
                "if": {
                    "required": ["flow"],
                    "properties": {"flow": {"const": flow.name}, "compose": False},
                },
                "then": {"properties": {**said, **means}},
            }
        )
    left = {name: False for name, key in PROFILE.items() if name in known and not key.common}
    found.append(
        {"if": {"required": ["compose"], "properties": {"flow": False}}, "then": {"properties": left}}
    )
    return found


def _variables(rows: Mapping[str, Provider], known: Mapping[str, Any], *, overlay: bool) -> list[_Schema]:
    """What each provider makes of the variables, and where no other key can be one."""
    every = {name: False for row in rows.values() for name in row.variables}
    found: list[_Schema] = [
        {
            "if": {"required": ["provider"], "properties": {"provider": {"const": row.name}}},
            "then": {
                "properties": {
                    **every,
                    **{name: dict(key.kind.schema) for name, key in row.variables.items()},
                }
            },
        }
        for row in rows.values()
    ]
    closed: _Schema = {"required": ["provider"], "properties": {"provider": {"enum": list(rows)}}}
    if not overlay:  # what it is laid over may have a provider
        without = {"properties": {"provider": False, "extends": False}}
        found.append({"if": without, "then": {"properties": every}})
        closed = {"anyOf": [closed, without]}
    only = {"properties": dict.fromkeys(known, True), "additionalProperties": NOTHING}
    return [*found, {"if": closed, "then": only}]


def _provider() -> _Schema:
    """A provider of a house's own."""
    known = {name: _value(key) for name, key in PROVIDER.items()}
    known["variables"] |= _named(
        VARIABLE_NAME.pattern, _table({name: _value(key) for name, key in VARIABLE.items()})
    )
    known["keys"] |= {"$ref": "#/definitions/said"}
    known["flows"] |= _table({flow: {"$ref": "#/definitions/said"} for flow in FLOWS})
    return _table(known)


def _said() -> _Schema:
    """What a provider says for its profiles: text may have its variables in it."""
    template = {"type": "string", "pattern": r"\{"}
    return _table({name: {"anyOf": [template, dict(key.kind.schema)]} for name, key in SAYABLE.items()})
