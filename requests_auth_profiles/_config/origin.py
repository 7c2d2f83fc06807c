"""Where each value that holds for a profile comes from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.keys import Key, by_name
from requests_auth_profiles._config.lines import lines
from requests_auth_profiles._config.place import line_of
from requests_auth_profiles._config.profile_keys import PROFILE, known_keys
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._config.spec import ApiKey, OAuth2, Profile

__all__ = ["Origin", "Setting", "settings"]

_Path = tuple[str, ...]

# What holds for a key that is absent, where that depends on others: as `spec` has it.
_DEPENDS: dict[str, Callable[[Any], str]] = {
    "name": lambda scheme: scheme.name if isinstance(scheme, ApiKey) else "",
    "client_auth": lambda scheme: scheme.client.client_auth if isinstance(scheme, OAuth2) else "",
    "response_type": lambda scheme: scheme.response_type if isinstance(scheme, OAuth2) else "",
    "token_field_name": lambda scheme: scheme.token_field_name if isinstance(scheme, OAuth2) else "",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """What set a value.

    Args:
        kind: what it is.
        name: the profile's or the provider's; empty for a default.
        in_ci: whether it is what holds in continuous integration only.
        file: where it stands; None = in no file of profiles.
        line: on which line of it.
    """

    kind: Literal["profile", "parent", "provider", "default"]
    name: str = ""
    in_ci: bool = False
    file: Path | None = None
    line: int = 0

    def __str__(self) -> str:
        """As in `parent acme, when.ci`."""
        who = {"profile": "itself", "default": "default"}.get(self.kind, f"{self.kind} {self.name}")
        return f"{who}, when.ci" if self.in_ci else who


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that holds for a profile.

    Args:
        key: the key that says it.
        entry: the entry of that, where it is a table of single settings.
        value: the value; None = nothing is set.
        path: where it stands in the files, or would stand.
        origin: what set it.
    """

    key: Key
    entry: str
    value: Any = field(repr=False)
    path: _Path
    origin: Origin


def settings(file: ProfilesFile, name: str, spec: Profile | None) -> Iterator[Setting]:
    """What holds for a profile, in the order of the table of keys.

    Args:
        file: the file.
        name: the profile.
        spec: what it says; None where it is only there to be extended.
    """
    found = file.profiles[name]
    origin = _Origins(file, found)
    for key in _keys(found):
        if key.merged:
            yield from _entries(found, key, origin)
        elif key.name in found.values:
            path = found.path(key.name)
            yield Setting(key, "", found.values[key.name], path, origin.said(path))
        elif key.name in found.defaults:
            yield Setting(key, "", found.get(key.name), found.path(key.name), origin.provided(key.name))
        else:
            depends = _DEPENDS.get(key.name)
            value = depends(spec.scheme) if depends is not None and spec is not None else key.default
            if found.provider is not None and key.name in found.provider.variables:
                yield Setting(key, "", value, found.path(key.name), origin.provided(key.name))
            elif value is not None or key.name == "hosts":
                yield Setting(key, "", value, found.path(key.name), Origin("default"))


def _keys(found: Effective) -> Iterator[Key]:
    flow = found.values.get("flow")
    known = known_keys(FLOWS[flow]) if flow in FLOWS else PROFILE
    for name in PROFILE:
        # Without a flow, as in a parent, only what it says: who knows what else would count.
        if name in known and name != "when" and (flow in FLOWS or known[name].common or name in found):
            yield known[name]
        if name == "provider" and found.provider is not None:
            yield from found.provider.variables.values()


def _entries(found: Effective, key: Key, origin: "_Origins") -> Iterator[Setting]:
    own, known = found.values.get(key.name, {}), by_name(*key.entries)
    order = [*(name for name in known if name in own), *(name for name in own if name not in known)]
    for entry in order:
        path = found.path(key.name, entry)
        yield Setting(known.get(entry, key), entry, own[entry], path, origin.said(path))
    for entry, value in (found.get(key.name) or {}).items():
        if entry not in own:
            yield Setting(key, entry, value, found.path(key.name), origin.provided(key.name, entry))


class _Origins:
    """The origins of the values of a profile."""

    def __init__(self, file: ProfilesFile, found: Effective) -> None:
        self._file = file
        self._found = found
        self._lines = cache(lines)

    def said(self, path: _Path) -> Origin:
        """Of what stands at a path."""
        owner, in_ci = path[1], path[2:4] == ("when", "ci")
        file, line = self._at(path)
        return Origin("profile" if owner == self._found.name else "parent", owner, in_ci, file, line)

    def provided(self, *key: str) -> Origin:
        """Of what the provider's row says of a key, or of an entry of one."""
        row = self._found.provider
        if row is None or row.name in providers():
            return Origin("provider", "" if row is None else row.name)
        place = row.place(self._found.values.get("flow"), key[0])
        file, line = self._at(("providers", row.name, *place, *key[1:]))
        return Origin("provider", row.name, file=file, line=line)

    def _at(self, path: _Path) -> tuple[Path, int]:
        place = self._file.place(path)
        return place.file, line_of(self._lines(place.text), path)
