"""Where a profile may go, the members of a composition together, and which one is for a host."""

from collections.abc import Mapping

from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.spec import Compose, Profile
from requests_auth_profiles._hosts import HostPattern
from requests_auth_profiles.errors import Fault

__all__ = ["chosen_by", "reached"]

_Reached = list[HostPattern] | None


def reached(name: str, specs: Mapping[str, Profile]) -> _Reached:
    """The hosts that a profile may go to; None = any https host.

    Args:
        name: the profile.
        specs: all profiles that can be used, by name.
    """
    spec = specs[name]
    found: _Reached = list(spec.hosts) or None
    for member in spec.scheme.members if isinstance(spec.scheme, Compose) else ():
        found = _both(found, reached(member, specs))
    return found


def chosen_by(
    specs: Mapping[str, Profile], profiles: Mapping[str, Effective]
) -> tuple[dict[HostPattern, str], list[Fault]]:
    """The profile for each host that one names, and what is wrong where two name the same.

    Args:
        specs: all profiles that can be used, by name.
        profiles: what holds for each.
    """
    first: dict[HostPattern, str] = {}
    twice: list[Fault] = []
    for name, spec in specs.items():
        for number, pattern in enumerate(spec.hosts):
            if (other := first.setdefault(pattern, name)) != name:
                path = (*profiles[name].path("hosts"), str(number))
                message = f"names {pattern}, as does profile {other!r}: by_host() could not tell them apart"
                hint = f"give one of them other hosts, or use profile({name!r}) by its name"
                twice.append(Fault(path, message, hint))
    return first, twice


def _both(one: _Reached, other: _Reached) -> _Reached:
    if one is None or other is None:
        return other if one is None else one
    met = (first.meet(second) for first in one for second in other)
    return list(dict.fromkeys(pattern for pattern in met if pattern is not None))
