"""Advice: what a profiles file may say, and should not."""

from collections.abc import Callable, Iterator, Mapping

from requests_auth_profiles._config.check import literal_secrets
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.kinds import REFERENCES
from requests_auth_profiles._config.reaching import reached
from requests_auth_profiles._config.spec import Compose, OAuth2, Profile
from requests_auth_profiles._hosts import HostPattern, is_loopback
from requests_auth_profiles.errors import Fault

__all__ = ["Announced", "advice", "online_advice"]

Announced = Callable[[OAuth2], frozenset[str] | None]
"""The scopes that the issuer of a profile announces; see `Server.scopes`."""

_Found = Iterator[Fault]

_SHOWN = 12

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
    return file.placed(dict.fromkeys([*_literal(file), *found]))  # what a parent says, once


def online_advice(
    file: ProfilesFile, specs: Mapping[str, Profile], announced: Announced, error: type[Exception]
) -> list[Fault]:
    """What the providers of a file say of it.

    Args:
        file: a file without faults.
        specs: those of its profiles that can be used, by name.
        announced: asks a provider; called once for each.
        error: what it raises where a provider does not answer as it should.
    """
    asked: dict[tuple[str, str], frozenset[str] | Exception | None] = {}
    found = []
    for name, spec in specs.items():
        if not isinstance(spec.scheme, OAuth2) or "issuer" not in spec.scheme.endpoints:
            continue
        issuer, profile = spec.scheme.endpoints["issuer"], file.profiles[name]
        about = issuer, repr(spec.scheme.http)
        if about not in asked:
            try:
                asked[about] = announced(spec.scheme)
            except error as problem:
                asked[about] = problem
        answer = asked[about]
        if isinstance(answer, Exception):
            key = "issuer" if "issuer" in profile.values else "provider"
            hint = getattr(answer, "hint", "") or "check the issuer"
            found.append(Fault(profile.path(key), getattr(answer, "message", str(answer)), hint))
        elif answer is not None and (strange := [one for one in spec.scheme.scopes if one not in answer]):
            key = "scopes" if "scopes" in profile.values else "provider"
            message = f"asks for {', '.join(strange)}, which {issuer} does not announce"
            hint = f"it announces {', '.join(sorted(answer)[:_SHOWN])}; it need not announce all"
            found.append(Fault(profile.path(key), message, hint))
    return file.placed(dict.fromkeys(found))


def _literal(file: ProfilesFile) -> _Found:
    for document in file.layers.documents:
        for path in literal_secrets(document.data, file.profiles):
            if file.layers.owner(path) is document:  # else it counts for nothing
                hint = f"{path[-1]} = {REFERENCES['env']}, or {REFERENCES['command']}"
                yield Fault(path, "is a secret in the file itself", hint)


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
