"""What holds for a profile: its own keys over its parents', over its provider's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from requests_auth_profiles._config.profile_keys import PROFILE, key_of
from requests_auth_profiles._config.providers import Provider

__all__ = ["Effective", "effectives", "overlay", "tables"]

_MERGED = [key.name for key in PROFILE.values() if key.merged]

_EITHER = {"flow", "compose"}

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effective:
    """The keys that hold for a profile.

    Args:
        name: the profile's name.
        values: the keys that it or a parent says.
        places: where those of them stand that are not its own, from the root of the file; and the entries of
            those that are merged, as `key.entry`.
        provider: the row of its provider, if it names one that is known.
        defaults: what the provider's row says of the other keys.
    """

    name: str
    values: Mapping[str, Any] = field(repr=False)
    places: Mapping[str, _Path]
    provider: Provider | None = field(repr=False)
    defaults: Mapping[str, Any] = field(repr=False)

    def __contains__(self, key: object) -> bool:
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

    def path(self, key: str, entry: str = "") -> _Path:
        """Where a key stands in the file, or an entry of one that is merged."""
        path = self.places.get(key, ("profiles", self.name, key))
        return self.places.get(f"{key}.{entry}", (*path, entry)) if entry else path

    def over(self, table: Mapping[str, Any], path: _Path) -> "Effective":
        """The same under the keys of a table that stands at a path, and that may change all but the name."""
        values = {**self.values, **table}
        own = {key: (*path, key) for key in table}
        for key in _MERGED:
            if isinstance(self.values.get(key), dict) and isinstance(table.get(key), dict):
                values[key] = {**self.values[key], **table[key]}
                own |= {f"{key}.{entry}": self.path(key, entry) for entry in self.values[key]}
                own |= {f"{key}.{entry}": (*path, key, entry) for entry in table[key]}
        return Effective(self.name, values, {**self.places, **own}, None, {})


def tables(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The profiles of what tomllib gave, as far as they are tables."""
    profiles = data.get("profiles")
    if not isinstance(profiles, dict):
        return {}
    return {name: table for name, table in profiles.items() if isinstance(table, dict)}


def overlay(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a profile says for continuous integration alone, as far as it is a table."""
    when = table.get("when")
    said = when.get("ci") if isinstance(when, dict) else None
    return said if isinstance(said, dict) else None


def effectives(
    data: Mapping[str, Any], rows: Mapping[str, Provider], *, in_ci: bool
) -> dict[str, Effective | None]:
    """What holds for each profile; None where a parent is missing, or the parents go round in a circle.

    Each profile is looked at once, however long the chains are.

    Args:
        data: what tomllib gave.
        rows: the providers, by name.
        in_ci: whether what is said for continuous integration holds.
    """
    found: dict[str, Effective | None] = {}
    own = tables(data)
    for name in own:
        chain: dict[str, None] = {}
        parent: object = name
        while isinstance(parent, str) and parent in own and parent not in found and parent not in chain:
            chain[parent] = None
            parent = own[parent].get("extends")
        base = found.get(parent) if isinstance(parent, str) else None
        sound = parent is None or base is not None
        for child in reversed(chain):
            base = found[child] = _effective(base, child, own[child], rows, in_ci=in_ci) if sound else None
    return {name: found[name] for name in own}  # in the order of the file, not of the chains


def _effective(
    parent: Effective | None,
    name: str,
    table: Mapping[str, Any],
    rows: Mapping[str, Provider],
    *,
    in_ci: bool,
) -> Effective:
    found = Effective(name, table, {}, None, {})
    if parent is not None:
        inherited = {**parent.places, **{key: parent.path(key) for key in parent.values}}
        found = Effective(name, parent.values, inherited, None, {}).over(table, ("profiles", name))
    if in_ci and (more := overlay(table)) is not None:
        if _EITHER & more.keys():  # the one goes without the other
            left = {key: value for key, value in found.values.items() if key not in _EITHER}
            found = Effective(name, left, found.places, None, {})
        found = found.over(more, ("profiles", name, "when", "ci"))
    provider, flow = found.values.get("provider"), found.values.get("flow")
    row = rows.get(provider) if isinstance(provider, str) else None
    return Effective(name, found.values, found.places, row, {} if row is None else row.defaults(flow))
