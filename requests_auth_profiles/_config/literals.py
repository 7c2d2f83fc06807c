"""Secrets that stand in the profiles file itself."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from requests_auth_profiles._config.inheritance import Effective, overlay, tables
from requests_auth_profiles._config.keys import ROOT, Key, by_name
from requests_auth_profiles._config.profile_keys import key_of

__all__ = ["literal_secrets"]

_Path = tuple[str, ...]


def literal_secrets(data: Mapping[str, Any], profiles: Mapping[str, Effective | None]) -> Iterator[_Path]:
    """Where a secret stands in a file itself.

    Args:
        data: what tomllib gave, of this one file.
        profiles: what holds for each profile.
    """
    yield from _literal(data.get("store"), ("store",), by_name(*ROOT["store"].entries).get)
    for name, table in tables(data).items():
        found = profiles.get(name)
        flow = None if found is None else found.values.get("flow")
        for said, path in ((table, ()), (overlay(table), ("when", "ci"))):
            yield from _literal(said, ("profiles", name, *path), partial(key_of, flow=flow))


def _literal(table: object, path: _Path, key_of_name: Callable[[str], Key | None]) -> Iterator[_Path]:
    for name, value in table.items() if isinstance(table, dict) else ():
        key = key_of_name(name)
        if key is not None and key.entries:
            yield from _literal(value, (*path, name), by_name(*key.entries).get)
        elif key is not None and key.is_secret(value):
            yield *path, name
