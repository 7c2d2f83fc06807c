"""Advice: what a profiles file may say, and should not."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.inheritance import Effective, overlay, tables
from requests_auth_profiles._config.kinds import REFERENCES, is_reference
from requests_auth_profiles._config.literals import literal_secrets
from requests_auth_profiles._config.reaching import reached
from requests_auth_profiles._config.spec import Compose, OAuth2, Profile
from requests_auth_profiles._hosts import HostPattern, is_loopback
from requests_auth_profiles._redis_url import EXAMPLE, RedisUrl
from requests_auth_profiles._secret_names import may_be_secret
from requests_auth_profiles.errors import ConfigurationError, Fault, RequestsAuthException

__all__ = ["Announced", "Announcement", "advice", "online_advice"]


class Announcement(NamedTuple):
    """What an issuer announces.

    Args:
        scopes: those that it has, which need not be all; None = it does not say.
        problems: what is wrong with each of its endpoints, by the profile's name for it.
    """

    scopes: frozenset[str] | None
    problems: Mapping[str, RequestsAuthException]


Announced = Callable[[OAuth2], Announcement]
"""Asks the issuer of a profile."""

_Found = Iterator[Fault]

_SHOWN = 12
_ADDRESS = re.compile(r"https?://[^@?#]*")  # where there is something, as in token_url: no secret in it

# What takes values of any name, and whether they may be references to secrets.
_TAKING = {"args": True, "options": True, "authorize_params": False, "token_params": False}

# RFC 9700 section 2.4: "MUST NOT be used"; section 2.1.2: "SHOULD NOT".
_UNWISE = {
    "password": (
        "has the program see the password, and no second factor (RFC 9700 section 2.4)",
        'flow = "authorization-code-pkce" for a person, "client-credentials" for a program',
    ),
    "implicit": (
        "has the token itself pass through the browser, and nothing renews it (RFC 9700 section 2.1.2)",
        'flow = "authorization-code-pkce"',
    ),
}


def advice(file: ProfilesFile, specs: Mapping[str, Profile]) -> list[Fault]:
    """What is legal in a file and unwise, each with its file and line.

    Args:
        file: a file without faults.
        specs: those of its profiles that can be used, by name.
    """
    found = [one for name, spec in specs.items() for one in _of_profile(file.profiles[name], spec, specs)]
    return file.placed(dict.fromkeys([*_literal(file), *_store(file), *found]))  # what a parent says, once


def online_advice(file: ProfilesFile, specs: Mapping[str, Profile], announced: Announced) -> list[Fault]:
    """What the providers of a file say of it.

    Args:
        file: a file without faults.
        specs: those of its profiles that can be used, by name.
        announced: asks a provider; called once for each, it may raise any error of ours.
    """
    asked: dict[tuple[object, ...], Announcement | RequestsAuthException] = {}
    found: list[Fault] = []
    for name, spec in specs.items():
        scheme = spec.scheme
        if not isinstance(scheme, OAuth2) or "issuer" not in scheme.endpoints:
            continue
        about = scheme.endpoints["issuer"], repr(scheme.http), scheme.client.client_auth == "tls"
        if about not in asked:
            try:
                asked[about] = announced(scheme)
            except RequestsAuthException as problem:
                asked[about] = problem
        found += _of_issuer(file.profiles[name], scheme, asked[about])
    return file.placed(dict.fromkeys(found))


def _of_issuer(profile: Effective, scheme: OAuth2, said: Announcement | RequestsAuthException) -> _Found:
    issuer = profile.path("issuer" if "issuer" in profile.values else "provider")
    if isinstance(said, RequestsAuthException):
        yield Fault(issuer, said.message, said.hint or "check the issuer")
        return
    needed = FLOWS[scheme.flow].endpoints
    for name, problem in said.problems.items():
        # What is not announced may not be needed; what is wrong with the rest tells of the whole.
        if name not in scheme.endpoints and (name in needed or not isinstance(problem, ConfigurationError)):
            yield Fault(issuer, problem.message, problem.hint)
    if said.scopes is not None and (strange := [one for one in scheme.scopes if one not in said.scopes]):
        path = profile.path("scopes") if "scopes" in profile.values else issuer
        message = f"asks for {', '.join(strange)}, which {scheme.endpoints['issuer']} does not announce"
        hint = f"it announces {', '.join(sorted(said.scopes)[:_SHOWN])}; it need not announce all"
        yield Fault(path, message, hint)


def _literal(file: ProfilesFile) -> _Found:
    for document in file.layers.documents:
        own = f"chmod 600 {typed(document.path)}, as nothing else can be said there"
        known = ((path, "") for path in literal_secrets(document.data, file.profiles))
        for path, key in (*known, *_seeming(document.data)):
            if file.layers.owner(path) is document:  # else it counts for nothing
                elsewhere = f"{path[-1]} = {REFERENCES['env']}, or {REFERENCES['command']}"
                message = f"{'seems to be' if key else 'is'} a secret in the file itself"
                yield Fault(path, message, elsewhere if _TAKING.get(key, True) else own)


def _seeming(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where a value stands whose name is that of a secret, and the key that it is in."""
    for name, table in tables(data).items():
        for said, path in ((table, ()), (overlay(table) or {}, ("when", "ci"))):
            for key in (key for key in _TAKING if key in said):
                # The table of options is no reference itself, whatever they are called.
                entries = said[key] if isinstance(said[key], dict) else {"": said[key]}
                for one, value in entries.items():
                    for below in _named_so(value, one):
                        yield ("profiles", name, *path, key, *((one,) if one else ()), *below), key


def _named_so(value: Any, name: str) -> Iterator[tuple[str, ...]]:
    """Where such a value stands below one of this name; those of a list have the name of it."""
    if isinstance(value, dict):
        for one, entry in [] if is_reference(value) else value.items():
            yield from ((one, *below) for below in _named_so(entry, one))
    elif isinstance(value, list):
        yield from dict.fromkeys(below for entry in value for below in _named_so(entry, name))
    elif value and not isinstance(value, bool) and may_be_secret(name) and not _ADDRESS.fullmatch(str(value)):
        yield ()


def _store(file: ProfilesFile) -> _Found:
    url = file.store.url
    if isinstance(url, str) and url.startswith("redis://") and not RedisUrl.parse(url).is_confidential:
        message = (
            "is without TLS: who is on the way sees the password, and can remove tokens or bring old ones"
        )
        yield Fault(("store", "url"), message, f'url = "{EXAMPLE}"')


def _of_profile(found: Effective, spec: Profile, specs: Mapping[str, Profile]) -> _Found:
    path = ("profiles", found.name)
    if isinstance(spec.scheme, Compose):
        if reached(spec.name, specs) == []:
            message = "puts profiles together that go to no host in common, so it goes nowhere"
            yield Fault(found.path("compose"), message, "give its members hosts in common")
        return
    if not spec.hosts:
        message = "has no hosts: its credential goes to any https host that it is used for"
        yield Fault(path, message, 'hosts = ["api.example.com"]')
    if spec.flow in _UNWISE:
        yield Fault(found.path("flow"), *_UNWISE[spec.flow])
    if spec.allow_http and not _stays(spec.hosts):
        message = "lets the credential go over plain http, where everybody on the way can read it"
        yield Fault(found.path("allow_http"), message, "leave it out; this machine itself is always allowed")


def _stays(hosts: tuple[HostPattern, ...]) -> bool:
    """Whether what goes to these over http stays on this machine."""
    return bool(hosts) and all(one.scheme == "https" or is_loopback(one.host) for one in hosts)
