"""The verb that says how things stand here: doctor."""

import json
import os
import sys
import webbrowser
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from shutil import which

import click

from requests_auth_profiles._build import Builder
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.spec import OAuth2, Profile
from requests_auth_profiles._surroundings import container, in_wsl, over_ssh
from requests_auth_profiles.cli.context import builder, counted, sealed_store, usable, with_file
from requests_auth_profiles.errors import ConfigurationError, ProfileNotFound, RequestsAuthException

__all__ = ["doctor"]

_BY_BROWSER = {"authorization-code", "authorization-code-pkce", "implicit"}
_MOST_SKEW_SECONDS = 30.0  # what of a token's end is not counted on


@dataclass(frozen=True, slots=True)
class _Finding:
    """How one thing stands.

    Args:
        about: the thing.
        says: what there is to say of it.
        hint: what to do about it; empty = nothing is wrong.
    """

    about: str
    says: str
    hint: str = ""


@click.command()
@with_file
@click.option("--online", is_flag=True, help="Ask the providers too whether the clock is right.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, online: bool, as_json: bool) -> int:
    """Say how things stand here, and what to type about what is wrong.

    File, profile, token store and its key, keyring, person, browser, clock; the exit code is 1 if one of them
    is wrong. No secret is looked up, and nobody is asked for anything.
    """
    found = list(_findings(online=online))
    if as_json:
        click.echo(json.dumps([asdict(one) | {"ok": not one.hint} for one in found], indent=2))
    else:
        for one in found:
            state, colour = ("problem", "red") if one.hint else ("ok", "green")
            click.echo(f"{click.style(f'{state:<7}', fg=colour)}  {one.about:<8} {one.says}")
            if one.hint:
                click.echo(f"{'':17} {click.style('hint', fg='yellow', bold=True)}: {one.hint}")
    return 1 if any(one.hint for one in found) else 0


def _findings(*, online: bool) -> Iterator[_Finding]:
    yield _Finding("python", f"{sys.version.split()[0]} at {sys.executable}")
    specs: list[Profile] = []
    try:
        build = builder()
    except ConfigurationError as error:
        yield _Finding("file", error.message.partition("\n")[0], error.hint or "requests-auth check")
    else:
        specs = usable(build)
        yield _Finding("file", f"{build.file.path}, {counted(len(specs), 'profile')}")
        yield _profile(build)
        yield _store(build)
    yield _keyring()
    yield _person()
    yield _browser(specs)
    if online:
        yield from _clocks(specs)


def _profile(build: Builder) -> _Finding:
    where = environment.PROFILE if os.environ.get(environment.PROFILE) else "the file's default"
    try:
        return _Finding("profile", f"{build.file.chosen(None)} ({where})")
    except ProfileNotFound as error:
        if os.environ.get(environment.PROFILE):
            return _Finding("profile", error.message, error.hint)
        return _Finding("profile", "none where none is named; default_profile says which")


def _store(build: Builder) -> _Finding:
    try:
        store = sealed_store(build)
    except RequestsAuthException as error:
        return _Finding("store", error.message, error.hint)
    if store is None:
        return _Finding("store", "memory: tokens are gone with each process")
    try:
        tokens = store.keys()
        for name in tokens:
            store.get(name)  # the key is there, and is the one
        source = store.key_source
    except RequestsAuthException as error:
        return _Finding("store", error.message, error.hint)
    sealed = f"sealed with a key from {source!r}" if source else "no key yet"
    return _Finding("store", f"{store.where}, {len(tokens)} kept, {sealed}")


def _keyring() -> _Finding:
    there = find_spec("keyring") is not None
    return _Finding("keyring", "installed" if there else "not installed: requests-auth-profiles[keyring]")


def _person() -> _Finding:
    try:
        asked = environment.interactive()
    except ConfigurationError as error:
        return _Finding("person", error.message, error.hint)
    why = environment.INTERACTIVE if os.environ.get(environment.INTERACTIVE) else environment.ci_variable()
    said = f" ({why} says so)" if why else ""
    return _Finding("person", f"{'can' if asked else 'cannot'} be asked to sign in{said}")


def _browser(specs: list[Profile]) -> _Finding:
    places = {"WSL": in_wsl(), "over SSH": over_ssh(), "in a container": bool(container())}
    where = "".join(f", {place}" for place, is_here in places.items() if is_here)
    opens = _opener()
    wanted = any(spec.flow in _BY_BROWSER for spec in specs) and _can_ask()
    if opens or not wanted:
        return _Finding("browser", f"{opens or 'none'}{where}")
    hint = "open the address that is shown, or take flow = \"device-code\"; or export BROWSER='firefox %s'"
    return _Finding("browser", f"none{where}", hint)


def _can_ask() -> bool:
    """Whether a person can be asked; not where that is not to be known."""
    try:
        return environment.interactive()
    except ConfigurationError:
        return False


def _opener() -> str:
    if named := os.environ.get("BROWSER"):
        return f"{named} (BROWSER)"
    if in_wsl() and (program := which("wslview") or which("explorer.exe")):
        return program
    try:
        return str(getattr(webbrowser.get(), "name", "the system's"))
    except webbrowser.Error:
        return ""


def _clocks(specs: list[Profile]) -> Iterator[_Finding]:
    """How far off the clock is, by each provider: a token that seems good may have ended."""
    from requests_auth_profiles._build.grants import called

    asked: dict[str, OAuth2] = {}
    for spec in specs:
        if isinstance(spec.scheme, OAuth2):
            endpoints = spec.scheme.endpoints
            asked.setdefault(endpoints.get("issuer") or endpoints.get("token_url", ""), spec.scheme)
    for url, scheme in asked.items():
        server, channel = called(scheme)
        try:
            reply = channel.get(url)
            when = parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
        except RequestsAuthException as error:
            yield _Finding("clock", error.message, error.hint or "see whether the provider can be reached")
            continue
        except (TypeError, ValueError):
            yield _Finding("clock", f"{server.host} does not tell the time")
            continue
        skew = reply.requested_at - when
        says = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {server.host}"
        is_wrong = abs(skew) > _MOST_SKEW_SECONDS
        yield _Finding("clock", says, "set it: timedatectl set-ntp true" if is_wrong else "")
