"""The checker: all that is wrong with a profiles file, at once."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from requests_auth_profiles._config import addresses, kinds
from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.keys import FLOWS, PROFILE, ROOT, STORE, Flow, Key, key_of
from requests_auth_profiles._config.kinds import near
from requests_auth_profiles._config.links import COMPOSE, conflicts, endless, missing, no_profile
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._hosts import HostPattern, is_loopback
from requests_auth_profiles.errors import Fault

__all__ = ["faults", "incomplete", "literal_secrets", "tables"]

_Path = tuple[str, ...]
_Found = Iterator[Fault]

_ANY = ""
_NONE = "none"
_ABOVE = "[profiles.NAME] in a line above it"
_LINKS = {"flow", "compose", "extends"}  # a table with one of these is a profile

# What is set for the person, or is a secret, which never goes into the browser's address bar; and the key
# that says it, if there is one.
_SAID_BY = {
    "audience": "audience",
    "client_id": "client_id",
    "client_secret": "client_secret",
    "redirect_uri": "redirect_host, redirect_port and redirect_path",
    "resource": "resource",
    "response_type": "response_type",
    "scope": "scopes",
}
_OURS = {
    "authorize_params": {
        *("client_assertion", "code_challenge", "code_challenge_method", "code_verifier", "nonce"),
        *("password", "state", *_SAID_BY),
    },
    "token_params": {
        *("client_assertion", "client_assertion_type", "code", "code_verifier", "grant_type", "password"),
        *("refresh_token", "username", *(_SAID_BY.keys() - {"response_type"})),
    },
}


def tables(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The profiles of what tomllib gave, as far as they are tables."""
    profiles = data.get("profiles")
    if not isinstance(profiles, dict):
        return {}
    return {name: table for name, table in profiles.items() if isinstance(table, dict)}


def faults(data: Mapping[str, Any], profiles: Mapping[str, Effective | None]) -> list[Fault]:
    """All faults of what tomllib gave, without their lines.

    A profile that others extend may be unfinished: what it lacks is a fault only where it is used itself.

    Args:
        data: what tomllib gave.
        profiles: what holds for each of its profiles.
    """
    own = tables(data)
    extends = {name: _words([table.get("extends")]) for name, table in own.items()}
    compose = {  # with the members that a profile has from its parent
        name: _words((table if found is None else found.values).get(COMPOSE))
        for (name, table), found in zip(own.items(), profiles.values(), strict=True)
    }
    parents = {parent for one in extends.values() for parent in one}
    used = {member for members in compose.values() for member in members}
    used.update(_words([data.get("default_profile")]))

    found = [*_root(data, own), *_names(data)]
    for key, graph in (("extends", extends), (COMPOSE, compose)):
        found += [*missing(graph, key, [name for name, table in own.items() if key in table])]
        found += (circles := list(endless(graph, key)))
    if not circles:  # of the compositions, which came last
        found += conflicts(compose, profiles)
    for name, effective in profiles.items():
        found += _own_keys(name, own[name], effective)
        if effective is not None and (name not in parents or name in used):
            found += _whole(effective)
    return list(dict.fromkeys(found))


def incomplete(profile: Effective) -> list[Fault]:
    """What a profile of a file without faults lacks, if it is one that others extend."""
    return list(_whole(profile))


def literal_secrets(data: Mapping[str, Any], profiles: Mapping[str, Effective | None]) -> Iterator[_Path]:
    """Where a secret stands in the file itself; see `faults` for the parameters."""
    store = data.get("store")
    for name, value in store.items() if isinstance(store, dict) else ():
        if name in STORE and STORE[name].secret and isinstance(value, str):
            yield "store", name
    for profile, table in tables(data).items():
        found = profiles[profile]
        flow = None if found is None else found.values.get("flow")
        for name, value in table.items():
            key = key_of(name, flow)
            if key is not None and key.secret and isinstance(value, str):
                yield "profiles", profile, name


def _words(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _root(data: Mapping[str, Any], profiles: Mapping[str, Any]) -> _Found:
    for name, value in data.items():
        if name in PROFILE:
            yield Fault((name,), "is a key of a profile, and stands in none", _ABOVE)
        elif name not in ROOT and isinstance(value, dict) and not near(name, ROOT):
            yield Fault((name,), "is not a known table", f"{_header(name)}, if it is a profile")
        else:
            yield from _keys({name: value}, (), ROOT)
    if isinstance(store := data.get("store"), dict):
        yield from _keys(store, ("store",), STORE)
    default = data.get("default_profile")
    if isinstance(default, str) and default not in profiles:
        yield no_profile(("default_profile",), default, profiles)


def _names(data: Mapping[str, Any]) -> _Found:
    profiles = data.get("profiles")
    seen: dict[str, str] = {}
    for name, table in profiles.items() if isinstance(profiles, dict) else ():
        path = ("profiles", name)
        if (problem := kinds.profile_name(name)) is not None:
            yield Fault(path, problem.message, problem.write)
        elif (twin := seen.setdefault(name.casefold(), name)) != name:
            yield Fault(path, f"has the name of {twin!r} but for upper and lower case", "rename one of them")
        if (problem := kinds.TABLE.problem(table)) is not None:
            hint = _ABOVE if name in PROFILE else _header(name)
            yield Fault(path, problem.message, hint)


def _header(name: str) -> str:
    """The line that begins a profile, for a message: its name may be one that no profile can have."""
    if kinds.profile_name(name) is not None:
        return "[profiles.NAME]"
    return f'[profiles."{name}"]' if "." in name else f"[profiles.{name}]"


def _own_keys(name: str, table: Mapping[str, Any], found: Effective | None) -> _Found:
    """What is wrong with the keys that stand in a profile."""
    path = ("profiles", name)
    flow, provider = _ANY, _ANY
    if found is not None:  # else a parent that is not there may say them
        flow = _flow_of(found)
        if found.provider is not None:
            provider = found.provider.name
        elif "provider" not in found.values:
            provider = _NONE
    yield from _keys(table, path, _known(flow, provider), flow)
    if isinstance(said := table.get("provider"), str) and said not in providers():
        hint = near(said, providers()) or 'its issuer in its place: issuer = "https://…"'
        yield Fault((*path, "provider"), f"is not one of {', '.join(providers())}", hint)
    for key in _OURS.keys() & table.keys():
        for parameter in table[key] if isinstance(table[key], dict) else ():
            if parameter in _OURS[key]:
                hint = f"say it with {_SAID_BY[parameter]}" if parameter in _SAID_BY else "leave it out"
                yield Fault((*path, key, parameter), "is set for you, and cannot be said here", hint)


def _flow_of(found: Effective) -> str:
    flow = found.values.get("flow")
    if "compose" in found.values:
        return COMPOSE if flow is None else _ANY
    return flow if isinstance(flow, str) and flow in FLOWS else _ANY


@cache
def _known(flow: str, provider: str) -> dict[str, Key]:
    """The keys that a profile may have: those of a flow, and the variables of a provider; or of any."""
    known = dict(PROFILE)
    if flow == COMPOSE:
        known = {name: key for name, key in PROFILE.items() if key.common and name != "flow"}
    elif flow != _ANY:
        known = FLOWS[flow].known()
    for row in providers().values():
        if row.name == provider:
            known |= row.variables
        elif provider == _ANY:
            known |= {name: Key(name, kinds.TEXT, key.about) for name, key in row.variables.items()}
    return known


def _keys(table: Mapping[str, Any], path: _Path, known: Mapping[str, Key], flow: str = _ANY) -> _Found:
    for name, value in table.items():
        key = known.get(name)
        if key is None:
            yield Fault((*path, name), *_unknown((*path, name), value, known, flow))
        elif (problem := key.kind.problem(value)) is not None:
            below = (problem.below,) if problem.below else ()
            hint = f"{_bare(problem.below)} = {problem.write}" if below else key.written(problem.write)
            yield Fault((*path, name, *below), problem.message, hint)


def _unknown(path: _Path, value: object, known: Mapping[str, Key], flow: str) -> tuple[str, str]:
    """What is wrong with a key that is not one of these, and what may be meant."""
    name = path[-1]
    if flow != _ANY and name in PROFILE:
        whose = "a composition" if flow == COMPOSE else f"flow {flow!r}"
        flows = ", ".join(one.name for one in FLOWS.values() if name in one.keys)
        return f"is not a key of {whose}", f"leave it out; it belongs to {flows}"
    if "provider" in known and (rows := [row for row in providers().values() if name in row.variables]):
        names = " or ".join(f'"{row.name}"' for row in rows)
        return "is not a known key without its provider", f"provider = {names}; or leave it out"
    nearest = near(name, known)
    if isinstance(value, dict) and "extends" in known and (_LINKS & value.keys() or not nearest):
        whole = _header(".".join(path[1:]))  # as in [profiles.acme.com]
        return "is not a known key", f"{whole}, with quotes, if it is part of the name"
    if nearest:
        return "is not a known key", nearest
    if "extends" in known and flow == _ANY:
        return "is not a known key", 'flow = "…" first, if it is one of a flow'
    return "is not a known key", f"known are {', '.join(known)}"


def _bare(name: str) -> str:
    """A key as it is typed."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) else json.dumps(name[:64])


def _whole(found: Effective) -> _Found:
    """What a profile lacks to be used, and what does not go together in it."""
    path = ("profiles", found.name)
    flow = found.values.get("flow")
    if "compose" in found.values:
        if flow is not None:
            message = "a profile has a flow or composes others, not both"
            yield Fault((*path, "flow"), message, "leave flow or compose out")
    elif flow is None:
        yield Fault(path, "has no flow", f'flow = "…", with one of {", ".join(FLOWS)}; or compose = […]')
    elif isinstance(flow, str) and flow in FLOWS:
        for name in FLOWS[flow].needs:
            if name not in found:
                yield Fault(path, f"needs {name}: {PROFILE[name].about}", PROFILE[name].written())
        yield from _endpoints(found, FLOWS[flow])
        yield from _together(found, FLOWS[flow])


def _endpoints(found: Effective, flow: Flow) -> _Found:
    """What is lacking for the endpoints of a flow to be known."""
    path = ("profiles", found.name)
    missing = [name for name in flow.endpoints if name not in found]
    if found.provider is not None and flow.endpoints:
        for key in found.provider.variables.values():
            if key.name not in found.values and key.default is None:
                needs = f"needs {key.name} for provider {found.provider.name!r}: {key.about}"
                yield Fault(path, needs, key.written())
    elif missing and "provider" not in found.values and "issuer" not in found:
        hint = f'provider = "…", with one of {", ".join(providers())}; or issuer = "https://…"'
        yield Fault(path, f"needs a provider, an issuer, or {' and '.join(missing)}", hint)


def _together(found: Effective, flow: Flow) -> _Found:
    """Keys that do not go together."""
    said = found.values
    needs_secret = said.get("client_auth") in ("basic", "post")  # a tuple: it may be any value here
    by_code = "code_field_name" in flow.takes
    by_pair = by_code or flow.name == "ntlm"
    for has, needed in (
        ("client_auth", "client_secret" if needs_secret else ""),
        ("client_secret", "client_id"),
        ("username", "password" if by_pair else ""),
        ("password", "username" if by_pair else ""),
    ):
        if needed and has in said and needed not in found and needed not in flow.needs:
            message = f"needs {needed}, as it has {has}"
            yield Fault(("profiles", found.name), message, PROFILE[needed].written())
    if by_code and "username" in said and said.get("client_auth") == "basic":
        message = "says who we are in the header where username stands already"
        yield Fault(found.path("client_auth"), message, 'client_auth = "post"')
    name = said.get("name")
    in_header = flow.name == "api-key" and found.get("in") == "header" and kinds.TEXT.problem(name) is None
    if in_header and (problem := kinds.HEADER_NAME.problem(name)) is not None:
        yield Fault(found.path("name"), problem.message, PROFILE["name"].written())
    token = said.get("token") if "token" in flow.needs else None
    if isinstance(token, str) and token.lower().startswith("bearer "):
        message = "begins with the word Bearer, which header_value writes already"
        yield Fault(found.path("token"), message, "leave that word out")
    hosts = said.get("hosts")
    if said.get("allow_http") is not True and addresses.HOSTS.problem(hosts) is None:
        for number, text in enumerate(hosts or (), 1):
            pattern = HostPattern.parse(text)
            if pattern.scheme == "http" and not is_loopback(pattern.host):
                message = f"item {number} is plain http, which the credential does not go over"
                yield Fault(found.path("hosts"), message, "https://… there; or allow_http = true")
