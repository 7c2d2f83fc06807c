"""The checker: all that is wrong with a profiles file, at once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from requests_auth_profiles._config import addresses, kinds
from requests_auth_profiles._config.clients import client_faults
from requests_auth_profiles._config.flows import FLOWS, Flow
from requests_auth_profiles._config.house import provider_faults, said_providers
from requests_auth_profiles._config.inheritance import Effective, overlay, tables
from requests_auth_profiles._config.keys import ROOT, STORE_KEYS, Key
from requests_auth_profiles._config.links import COMPOSE, conflicts, endless, missing, no_profile
from requests_auth_profiles._config.profile_keys import NOT_TWICE, PROFILE, known_keys
from requests_auth_profiles._config.providers import Provider, providers
from requests_auth_profiles._config.table import keys_of
from requests_auth_profiles._config.words import near
from requests_auth_profiles._hosts import HostPattern, is_loopback
from requests_auth_profiles.errors import Fault

__all__ = ["faults", "incomplete", "root_faults"]

_Path = tuple[str, ...]
_Found = Iterator[Fault]

_ANY = ""
_NONE = "none"
_ABOVE = "[profiles.NAME] in a line above it"
_FIRST_ONLY = {"default_profile", "store"}
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
        *("client_assertion", "code_challenge", "code_challenge_method", "code_verifier", "dpop_jkt"),
        *("nonce", "password", "state", *_SAID_BY),
    },
    "token_params": {
        *("client_assertion", "client_assertion_type", "code", "code_verifier", "grant_type", "password"),
        *("assertion", "subject_token", "subject_token_type", "actor_token", "actor_token_type"),
        "requested_token_type",
        *("refresh_token", "username", *(_SAID_BY.keys() - {"response_type"})),
    },
}


def faults(
    data: Mapping[str, Any],
    rows: Mapping[str, Provider],
    *worlds: Mapping[str, Effective | None],
    templates: Collection[str] = (),
) -> list[Fault]:
    """All faults of what tomllib gave, without their lines.

    A profile that others extend may be unfinished: what it lacks is a fault only where it is used itself.

    Args:
        data: what tomllib gave, of all layers together.
        rows: the providers, by name.
        worlds: what holds for each of its profiles, elsewhere and in continuous integration.
        templates: those that may be unfinished though nobody extends them, as they are in files of others.
    """
    words = _Words(rows, said_providers(data).keys() - rows.keys())
    own = tables(data)
    extends = {name: _words([table.get("extends")]) for name, table in own.items()}
    found = [*_default(data, own), *_names(data), *provider_faults(data)]
    found += [*missing(extends, "extends", _sayers(own, "extends")), *endless(extends, "extends")]
    for number, profiles in enumerate(worlds):
        whole = _profiles(data, profiles, extends, own, templates)
        found += _only_in_ci(whole, found, own) if number else whole
        for name, table in own.items():
            said, path = (overlay(table), ("when", "ci")) if number else (table, ())
            if said is not None:
                found += _own_keys(said, ("profiles", name, *path), profiles[name], words)
            if (meant := profiles[name]) is not None and (not number or "flow" in (said or ())):
                found += _meant_otherwise(meant, said or {})
    return list(dict.fromkeys(found))


def _only_in_ci(whole: _Found, known: Collection[Fault], own: Mapping[str, Mapping[str, Any]]) -> _Found:
    """What is wrong with profiles in continuous integration alone, at the overlay that makes it so."""
    for fault in whole:
        if fault in known or "ci" in fault.path[3:4]:
            yield fault
        elif len(fault.path) == 2 and overlay(own[fault.path[1]]) is not None:  # noqa: PLR2004  a whole profile
            yield replace(fault, path=(*fault.path, "when", "ci"))
        else:
            yield replace(fault, message=f"{fault.message}; that is so in CI, where when.ci holds")


def root_faults(data: Mapping[str, Any], *, below: bool = False) -> _Found:
    """What is wrong with the top level of a file.

    Args:
        data: what tomllib gave.
        below: whether it is one that another file includes.
    """
    for name, value in data.items():
        if below and name in _FIRST_ONLY:
            yield Fault(
                (name,), "is not for a file that others include", "write it in your own profiles file"
            )
        elif name in PROFILE:
            yield Fault((name,), "is a key of a profile, and stands in none", _ABOVE)
        elif name not in ROOT and isinstance(value, dict) and not near(name, ROOT):
            yield Fault((name,), "is not a known table", f"{_header(name)}, if it is a profile")
        else:
            yield from keys_of({name: value}, (), ROOT)
    store = data.get("store")
    said = [name for name in STORE_KEYS if isinstance(store, dict) and name in store]
    for name in said[1:]:
        yield Fault(("store", name), f"does not go together with {said[0]}", "leave one of them out")


def incomplete(profile: Effective) -> list[Fault]:
    """What a profile of a file without faults lacks, if it is one that others extend."""
    return list(_whole(profile))


def _words(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _sayers(own: Mapping[str, Mapping[str, Any]], key: str) -> list[str]:
    return [name for name, table in own.items() if key in table or key in (overlay(table) or ())]


def _default(data: Mapping[str, Any], profiles: Mapping[str, Any]) -> _Found:
    default = data.get("default_profile")
    if isinstance(default, str) and default not in profiles:
        yield no_profile(("default_profile",), default, profiles)


def _profiles(
    data: Mapping[str, Any],
    profiles: Mapping[str, Effective | None],
    extends: Mapping[str, list[str]],
    own: Mapping[str, Mapping[str, Any]],
    templates: Collection[str],
) -> _Found:
    """What is wrong with profiles as a whole, and among one another."""
    compose = {  # with the members that a profile has from its parent
        name: _words((own[name] if found is None else found.values).get(COMPOSE))
        for name, found in profiles.items()
    }
    parents = {*templates, *(parent for one in extends.values() for parent in one)}
    used = {member for members in compose.values() for member in members}
    used.update(_words([data.get("default_profile")]))
    yield from missing(compose, COMPOSE, _sayers(own, COMPOSE))
    circles = list(endless(compose, COMPOSE))
    yield from circles or conflicts(compose, profiles)
    for name, found in profiles.items():
        if found is not None and (name not in parents or name in used):
            yield from _whole(found)


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


def _own_keys(table: Mapping[str, Any], path: _Path, found: Effective | None, words: "_Words") -> _Found:
    """What is wrong with the keys that stand in a profile, or in its overlay."""
    flow, provider = _ANY, _ANY
    if found is not None:  # else a parent that is not there may say them
        flow = _flow_of(found)
        if found.provider is not None:
            provider = found.provider.name
        elif "provider" not in found.values:
            provider = _NONE
        elif found.values["provider"] in list(words.broken):  # it may be any value here
            return
    known = words.of(flow, provider)
    if len(path) > 2:  # noqa: PLR2004  in an overlay, which is of the one profile
        known = {name: key for name, key in known.items() if name not in NOT_TWICE}
    yield from keys_of(table, path, known, lambda place, value: words.unknown(place, value, known, flow))
    if isinstance(said := table.get("provider"), str) and said not in words.rows:
        hint = near(said, words.rows) or 'its issuer in its place: issuer = "https://…"'
        yield Fault((*path, "provider"), f"is not one of {', '.join(words.rows)}", hint)
    for key in _OURS.keys() & table.keys():
        for parameter in table[key] if isinstance(table[key], dict) else ():
            if parameter in _OURS[key]:
                hint = f"say it with {_SAID_BY[parameter]}" if parameter in _SAID_BY else "leave it out"
                yield Fault((*path, key, parameter), "is set for you, and cannot be said here", hint)


def _meant_otherwise(found: Effective, said: Mapping[str, Any]) -> _Found:
    """What a profile has from elsewhere under a key that means something else in its own flow."""
    flow = _flow_of(found)
    for key in FLOWS[flow].own if flow in FLOWS else ():
        if key.name in found.values and key.name not in said:
            problem = key.kind.problem(found.values[key.name])
            if problem is not None:
                whose = ".".join(found.path(key.name)[1:-1])
                message = f"takes another {key.name} than profiles.{whose} says: that {problem.message}"
                yield Fault(found.path("flow"), message, key.written())


def _flow_of(found: Effective) -> str:
    flow = found.values.get("flow")
    if "compose" in found.values:
        return COMPOSE if flow is None else _ANY
    return flow if isinstance(flow, str) and flow in FLOWS else _ANY


class _Words:
    """The keys that profiles may have.

    Args:
        rows: the providers, by name.
        broken: those of which nobody knows what they mean.
    """

    def __init__(self, rows: Mapping[str, Provider], broken: Collection[str]) -> None:
        self.rows = rows
        self.broken = broken
        self._known: dict[tuple[str, str], dict[str, Key]] = {}

    def of(self, flow: str, provider: str) -> dict[str, Key]:
        """Those of a flow, and the variables of a provider; or of any."""
        known = self._known.get((flow, provider))
        if known is None:
            known = self._known[flow, provider] = self._made(flow, provider)
        return known

    def _made(self, flow: str, provider: str) -> dict[str, Key]:
        known = dict(PROFILE)
        if flow == COMPOSE:
            known = {name: key for name, key in PROFILE.items() if key.common and name != "flow"}
        elif flow != _ANY:
            known = known_keys(FLOWS[flow])
        for row in self.rows.values():
            if row.name == provider:
                known |= row.variables
            elif provider == _ANY:
                known |= {name: Key(name, kinds.TEXT, key.about) for name, key in row.variables.items()}
        return known

    def unknown(self, path: _Path, value: object, known: Mapping[str, Key], flow: str) -> tuple[str, str]:
        """What is wrong with a key that is not one of these, and what may be meant."""
        name = path[-1]
        if flow != _ANY and name in PROFILE and name not in NOT_TWICE:
            whose = "a composition" if flow == COMPOSE else f"flow {flow!r}"
            flows = ", ".join(one.name for one in FLOWS.values() if name in one.keys)
            return f"is not a key of {whose}", f"leave it out; it belongs to {flows}"
        if "provider" in known and (having := [row for row in self.rows.values() if name in row.variables]):
            names = " or ".join(f'"{row.name}"' for row in having)
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


def _whole(found: Effective) -> _Found:
    """What a profile lacks to be used, and what does not go together in it."""
    path = ("profiles", found.name)
    flow = found.values.get("flow")
    if "compose" in found.values:
        if flow is not None:
            message = "a profile has a flow or composes others, not both"
            yield Fault((*path, "flow"), message, "leave flow or compose out")
    elif flow is None and (PROFILE.keys() & found.values.keys() or not found.values):
        yield Fault(path, "has no flow", f'flow = "…", with one of {", ".join(FLOWS)}; or compose = […]')
    elif isinstance(flow, str) and flow in FLOWS:
        for name in FLOWS[flow].lacks(found, found.values.get("client_auth")):
            others = [one for one in FLOWS[flow].proofs if one != name] if name in FLOWS[flow].proofs else []
            about = "; or ".join((PROFILE[name].about, *others))
            yield Fault(path, f"needs {name}: {about}", PROFILE[name].written())
        yield from _endpoints(found, FLOWS[flow])
        yield from _together(found, FLOWS[flow])


def _endpoints(found: Effective, flow: Flow) -> _Found:
    """What is lacking for the endpoints of a flow to be known."""
    path = ("profiles", found.name)
    missing = [name for name in flow.calls(found) if name not in found]
    if found.provider is not None and flow.endpoints:
        for key in found.provider.variables.values():
            if key.name not in found.values and key.default is None:
                needs = f"needs {key.name} for provider {found.provider.name!r}: {key.about}"
                yield Fault(path, needs, key.written())
        for name in missing if "issuer" not in found else ():
            needs = (
                f"needs {name}, or another flow: provider {found.provider.name!r} is not known to have one"
            )
            yield Fault(path, needs, PROFILE[name].written())
    elif missing and "provider" not in found.values and "issuer" not in found:
        hint = f'provider = "…", with one of {", ".join(providers())}; or issuer = "https://…"'
        yield Fault(path, f"needs a provider, an issuer, or {' and '.join(missing)}", hint)


def _by_code(found: Effective) -> _Found:
    """Keys of a flow with a code that do not go together."""
    said = found.values
    if "username" in said and said.get("client_auth") == "basic":
        message = "says who we are in the header where username stands already"
        yield Fault(found.path("client_auth"), message, 'client_auth = "post"')
    if said.get("par") is True and "issuer" not in found:
        message = "needs issuer, which announces where such requests are sent"
        yield Fault(found.path("par"), message, PROFILE["issuer"].written())


def _by_key(found: Effective) -> _Found:
    """Keys that say how a token is written that is bound to a key, which RFC 9449 section 7.1 says."""
    for name in ("header_name", "header_value") if found.get("dpop") is True else ():
        if found.get(name) != PROFILE[name].default:
            path = found.path(name if name in found.values else "dpop")
            message = f"{name} and dpop do not go together: it is sent as Authorization: DPoP {{token}}"
            yield Fault(path, message, f"leave {name} or dpop out")


def _together(found: Effective, flow: Flow) -> _Found:
    """Keys that do not go together."""
    said = found.values
    by_code = "code_field_name" in flow.takes
    by_pair = by_code or flow.name == "ntlm"
    for has, needed in (
        ("username", "password" if by_pair else ""),
        ("password", "username" if by_pair else ""),
    ):
        if needed and has in said and has in flow.keys and needed not in found and needed not in flow.needs:
            message = f"needs {needed}, as it has {has}"
            yield Fault(("profiles", found.name), message, PROFILE[needed].written())
    yield from client_faults(found, flow)
    entries = said.get("http")
    if isinstance(entries, dict) and "client_key" in entries and "client_cert" not in entries:
        message = "needs client_cert beside it: the certificate of that key"
        yield Fault(found.path("http", "client_key"), message, 'client_cert = "client.pem"')
    if by_code:
        yield from _by_code(found)
    yield from _by_key(found)
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
