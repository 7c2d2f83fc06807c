"""Where a profile may go, the members of a composition together."""

from collections.abc import Mapping

from requests_auth_profiles._config.spec import Compose, Profile
from requests_auth_profiles._hosts import HostPattern

__all__ = ["reached"]

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


def _both(one: _Reached, other: _Reached) -> _Reached:
    if one is None or other is None:
        return other if one is None else one
    met = (first.meet(second) for first in one for second in other)
    return list(dict.fromkeys(pattern for pattern in met if pattern is not None))
