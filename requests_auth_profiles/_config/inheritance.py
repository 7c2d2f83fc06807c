"""What holds for a profile: its own keys over its parents', over its provider's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from requests_auth_profiles._config.keys import PROFILE, key_of
from requests_auth_profiles._config.providers import Provider, providers

__all__ = ["Effective", "effectives"]

_MERGED = [key.name for key in PROFILE.values() if key.merged]


@dataclass(frozen=True, slots=True)
class Effective:
    """The keys that hold for a profile.

    Args:
        name: the profile's name.
        values: the keys that it or a parent says.
        inherited: for each of those that a parent says, this parent.
        provider: the row of its provider, if it names one that is known.
        defaults: what the provider's row says of the other keys.
    """

    name: str
    values: Mapping[str, Any] = field(repr=False)
    inherited: Mapping[str, str]
    provider: Provider | None = field(repr=False)
    defaults: Mapping[str, Any] = field(repr=False)

    def __contains__(self, key: str) -> bool:
        return key in self.values or key in self.defaults

    def get(self, key: str) -> Any:
        """What holds for a key: its own value, the provider's, the table's default, in this order."""
        own, default = self.values.get(key), self.defaults.get(key)
        if self.provider is not None and isinstance(default, str):
            default = self.provider.filled(default, self.values)
        if key in _MERGED:
            return {**(default or {}), **(own or {})}
        known = own if own is not None else default
        meant = key_of(key, self.values.get("flow")) if known is None else None
        return known if meant is None else meant.default

    def path(self, key: str) -> tuple[str, ...]:
        """Where a key stands in the file."""
        return "profiles", self.inherited.get(key, self.name), key


def effectives(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Effective | None]:
    """What holds for each profile; None where a parent is missing, or the parents go round in a circle.

    Each profile is looked at once, however long the chains are.
    """
    found: dict[str, Effective | None] = {}
    for name in tables:
        chain: dict[str, None] = {}
        parent: object = name
        while isinstance(parent, str) and parent in tables and parent not in found and parent not in chain:
            chain[parent] = None
            parent = tables[parent].get("extends")
        base = found.get(parent) if isinstance(parent, str) else None
        sound = parent is None or base is not None
        for child in reversed(chain):
            base = found[child] = _effective(base, child, tables[child]) if sound else None
    return {name: found[name] for name in tables}  # in the order of the file, not of the chains


def _effective(parent: Effective | None, name: str, table: Mapping[str, Any]) -> Effective:
    values, inherited = table, {}
    if parent is not None:
        values = {**parent.values, **table}
        for key in _MERGED:
            if isinstance(parent.values.get(key), dict) and isinstance(table.get(key), dict):
                values[key] = {**parent.values[key], **table[key]}
        inherited = {key: parent.inherited.get(key, parent.name) for key in parent.values if key not in table}
    provider, flow = values.get("provider"), values.get("flow")
    row = providers().get(provider) if isinstance(provider, str) else None
    return Effective(name, values, inherited, row, {} if row is None else row.defaults(flow))
