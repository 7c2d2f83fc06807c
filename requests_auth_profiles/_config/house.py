"""Providers of a house's own: what is wrong with their tables, and what the sound ones mean."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.keys import PROVIDER, VARIABLE, Key
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import FORMS, Provider, provider, providers
from requests_auth_profiles._config.table import keys_of
from requests_auth_profiles._config.words import near
from requests_auth_profiles.errors import Fault

__all__ = ["SAYABLE", "VARIABLE_NAME", "provider_faults", "rows", "said_providers"]

_Path = tuple[str, ...]
_Found = Iterator[Fault]

VARIABLE_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
"""The names that a variable can have."""
_PLACE = re.compile(r"\{([^{}]*)\}")
SAYABLE = {
    key.name: key
    for key in PROFILE.values()
    if key.name != "provider" and not key.common and key.kind is not kinds.SECRET and not key.entries
}
"""What a provider may say for its profiles."""


def rows(data: Mapping[str, Any]) -> dict[str, Provider]:
    """The providers that a profile may name: those that everybody has, and the sound ones of a file."""
    known = dict(providers())
    for name, table in said_providers(data).items():
        if name not in known and not list(_row(name, table)):
            known[name] = provider(name, table)
    return known


def provider_faults(data: Mapping[str, Any]) -> _Found:
    """What is wrong with the providers of what tomllib gave."""
    for name, table in said_providers(data).items():
        path = ("providers", name)
        if (problem := kinds.profile_name(name)) is not None:
            yield Fault(path, "is not a name that a provider can have", problem.write)
        elif name in providers():
            yield Fault(path, "is the name of a provider that is known already", "rename it")
        yield from _row(name, table)


def said_providers(data: Mapping[str, Any]) -> dict[str, Any]:
    """The providers of what tomllib gave."""
    said = data.get("providers")
    return said if isinstance(said, dict) else {}


def _row(name: str, table: Any) -> _Found:
    path = ("providers", name)
    if (problem := kinds.TABLE.problem(table)) is not None:
        yield Fault(path, problem.message, f"[providers.{name}.keys]")
        return
    found = [*keys_of(table, path, PROVIDER), *_variables(table.get("variables"), (*path, "variables"))]
    yield from found
    if found:
        return  # what the texts of its keys mean cannot be known
    row = provider(name, {key: value for key, value in table.items() if key != "flows"})
    yield from _said(table.get("keys"), (*path, "keys"), row)
    for flow, more in table.get("flows", {}).items():
        if flow not in FLOWS:
            hint = near(flow, FLOWS) or f"name one of {', '.join(FLOWS)}"
            yield Fault((*path, "flows", flow), "is not a flow", hint)
        elif (problem := kinds.TABLE.problem(more)) is not None:
            yield Fault((*path, "flows", flow), problem.message, f"[providers.{name}.flows.{flow}]")
        else:
            yield from _said(more, (*path, "flows", flow), row)


def _variables(said: Any, path: _Path) -> _Found:
    for name, table in said.items() if isinstance(said, dict) else ():
        if not VARIABLE_NAME.fullmatch(name):
            yield Fault(
                (*path, name), "is not a name that a variable can have", "a-z 0-9 _ , as in tenant_id"
            )
        elif name in PROFILE:
            yield Fault((*path, name), "is a key of every profile already", f"rename it: {name}_id")
        if (problem := kinds.TABLE.problem(table)) is not None:
            yield Fault((*path, name), problem.message, f'{name} = {{ about = "…", example = "…" }}')
        elif wrong := list(keys_of(table, (*path, name), VARIABLE)):
            yield from wrong
        else:
            form = FORMS[table.get("form", "segment")]
            said_of = {key: Key(key, form, "") for key in ("example", "default") if key in table}
            yield from keys_of({key: table[key] for key in said_of}, (*path, name), said_of)


def _said(table: Any, path: _Path, row: Provider) -> _Found:
    """What is wrong with the keys that a row says for its profiles."""
    example = {name: _example(key) for name, key in row.variables.items()}
    filled = {}
    for name, value in (table or {}).items():
        filled[name] = value
        if not isinstance(value, str):
            continue
        unknown = [place for place in _PLACE.findall(value) if place not in row.variables]
        if unknown or re.search(r"[{}]", _PLACE.sub("", value)):
            what = f"has {{{unknown[0][:64]}}} in it" if unknown else "has a single brace in it"
            known = (
                ", ".join(f"{{{variable}}}" for variable in row.variables) or "none, as it has no variables"
            )
            yield Fault((*path, name), f"{what}, which is no variable of this provider", f"known are {known}")
            del filled[name]
        else:
            filled[name] = row.filled(value, example)
    yield from keys_of(filled, path, SAYABLE, _not_sayable)


def _not_sayable(path: _Path, _: object) -> tuple[str, str]:
    """What to do with a key that is a profile's own, as a secret is, so that none like it is meant."""
    return "", "write it in the profiles that name this provider" if path[-1] in PROFILE else ""


def _example(key: Key) -> str:
    return str(key.default if key.default is not None else key.example.strip('"'))
