"""How profiles refer to one another: what is missing, goes round in a circle, or does not go together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.words import near
from requests_auth_profiles.errors import Fault

__all__ = ["COMPOSE", "conflicts", "endless", "listed", "missing", "no_profile"]

COMPOSE = "compose"

_Graph = Mapping[str, list[str]]
_Found = Iterator[Fault]

_DEEPEST = 20
_SHOWN = 8


def listed(names: Iterable[str]) -> str:
    """The first of some names, for a message."""
    first = [repr(name[:64]) for name, _ in zip(names, range(_SHOWN + 1), strict=False)]
    return ", ".join([*first[:_SHOWN], "…"] if len(first) > _SHOWN else first)


def no_profile(path: tuple[str, ...], name: str, profiles: Mapping[str, Any]) -> Fault:
    """A link to a profile that is not there."""
    hint = near(name, profiles) or (f"profiles here: {listed(profiles)}" if profiles else "[profiles.NAME]")
    return Fault(path, f"names {name[:64]!r}, and there is no such profile", hint)


def missing(graph: _Graph, key: str, said: Iterable[str]) -> _Found:
    """Links to profiles that are not there, of those profiles that say them."""
    for name in said:
        for other in graph[name]:
            if other not in graph:
                yield no_profile(("profiles", name, key), other, graph)


def endless(graph: _Graph, key: str) -> _Found:
    """Links that go round in a circle, or too deep."""
    depths: dict[str, int] = {}
    for start, links in graph.items():
        # Not by recursion, and each link once: a thousand in a row, or all with all, are no matter.
        trail = {start: iter(links)} if links and start not in depths else {}
        while trail:
            name = next(reversed(trail))
            other = next(trail[name], None)
            if other is None:
                trail.popitem()
                depths[name] = 1 + max((depths.get(one, 0) for one in graph[name]), default=0)
                if key == COMPOSE and depths[name] == _DEEPEST + 1:
                    message = f"goes more than {_DEEPEST} profiles deep"
                    yield Fault(("profiles", name, key), message, "compose those at the bottom")
            elif other in trail:
                circle = list(trail)[list(trail).index(other) :]
                yield Fault(("profiles", name, key), *_circle(circle, key))
                trail[name] = iter(())
            elif other in graph and other not in depths:
                trail[other] = iter(graph[other])


def _circle(names: list[str], key: str) -> tuple[str, str]:
    shown = [repr(name[:64]) for name in (names if len(names) <= _SHOWN else names[: _SHOWN - 1])]
    way = " → ".join([*shown, *(["…"] if len(names) > _SHOWN else []), shown[0]])
    return f"goes round in a circle: {way}", f"take one {key} out"


def conflicts(compose: _Graph, profiles: Mapping[str, Effective | None]) -> _Found:
    """Compositions of which two members write the same; none of them may go round in a circle.

    Args:
        compose: the members of each profile.
        profiles: what holds for each profile.
    """
    writers: dict[str, dict[str, str]] = {}  # for each profile, who writes what in it

    def look(name: str) -> _Found:
        found = profiles.get(name)
        if name in writers or found is None:
            return
        own = writers[name] = dict.fromkeys([] if compose[name] else _written(found), name)
        for member in compose[name]:
            yield from look(member)
            for what, writer in writers.get(member, {}).items():
                if what in own:
                    message = f"puts {own[what]!r} and {writer!r} together, which both write the {what}"
                    hint = "leave one out, or give one another header_name or name"
                    yield Fault(("profiles", name, COMPOSE), message, hint)
                own[what] = writer

    for name in compose:
        yield from look(name)


def _written(found: Effective) -> list[str]:
    """What a profile with a flow writes on a request; see `Credential.writes`."""
    match found.values.get("flow"):
        case "api-key" if found.get("in") == "query":
            return [f"parameter {found.get('name') or 'api_key'}"]
        case "api-key":
            return [f"header {str(found.get('name') or 'X-API-Key').title()}"]
        case "basic" | "ntlm":
            return ["header Authorization"]
        case "class":  # nobody knows
            return []
        case flow if isinstance(flow, str) and flow in FLOWS:
            proof = ["header Dpop"] if found.get("dpop") is True else []
            return [f"header {str(found.get('header_name')).title()}", *proof]
    return []
