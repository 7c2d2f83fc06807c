"""The verb that says what is wrong with the profiles file: check."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.advice import Announcement, advice, online_advice
from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.file import profiles_path
from requests_auth_profiles._config.flows import ENDPOINTS
from requests_auth_profiles._config.reaching import chosen_by
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import OAuth2, Profile
from requests_auth_profiles.cli.context import builder, counted, for_named_file, named_file, usable, with_file
from requests_auth_profiles.cli.schema import beside, is_current
from requests_auth_profiles.errors import (
    ConfigurationError,
    Fault,
    InteractionRequired,
    InvalidProviderResponse,
    ProfilesFileError,
    SecretUnavailable,
)

__all__ = ["check"]

_WRONG = 3


@click.command()
@with_file
@click.option(
    "--secrets", is_flag=True, help="Look every secret up too; this runs the commands that give them."
)
@click.option("--online", is_flag=True, help="Ask the providers too what they announce.")
@click.option("--strict", is_flag=True, help="Take warnings for faults.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(*, secrets: bool, online: bool, strict: bool, as_json: bool) -> int:
    """Say all that is wrong with the profiles file.

    Each fault is told with its line and what to write instead; the exit code is 3 if there is one. What is
    allowed but unwise is told as a warning; profiles for the same host, which are good by name, as a note.
    """
    path = profiles_path(named_file())
    specs: list[Profile] = []
    faults: tuple[Fault, ...] = ()
    warnings: list[Fault] = []
    notes: list[Fault] = []
    try:
        build = builder()
        specs = usable(build)
        warnings = _warnings(build, specs, path, online=online)
        notes = build.file.placed(chosen_by({spec.name: spec for spec in specs}, build.file.profiles)[1])
    except ProfilesFileError as error:
        if not as_json:
            raise
        faults = error.faults
    missing = [problem for spec in specs for problem in _missing(spec)] if secrets else []
    if as_json:
        document = {
            "file": str(path),
            "profiles": len(specs),
            "faults": _said(faults, path),
            "warnings": _said(warnings, path),
            "notes": _said(notes, path),
            "missing_secrets": missing,
        }
        click.echo(json.dumps(document, indent=2))
        return _WRONG if faults or missing or (strict and warnings) else 0
    if strict and warnings:
        raise ProfilesFileError(str(path), warnings)
    for said, found, colour in (("warning", warnings, "yellow"), ("note", notes, "cyan")):
        for one in found:
            label = click.style(said, fg=colour, bold=True)
            click.echo(f"{label}: {one.file or path}{f':{one.line}' if one.line else ''}: {one}", err=True)
    if missing:
        raise ConfigurationError(
            "secrets that are not to be had here:\n  " + "\n  ".join(missing),
            hint="give them, then once more: requests-auth check --secrets",
        )
    unwise = f", {counted(len(warnings), 'warning')}" if warnings else ""
    click.echo(f"{path}: {counted(len(specs), 'profile')}, nothing wrong{unwise}")
    return 0


def _said(faults: Iterable[Fault], path: Path) -> list[dict[str, Any]]:
    return [
        {
            "file": one.file or str(path),
            "line": one.line,
            "profile": one.profile,
            "key": one.key,
            "message": one.message,
            "hint": one.hint,
        }
        for one in faults
    ]


def _warnings(build: Builder, specs: list[Profile], path: Path, *, online: bool) -> list[Fault]:
    by_name = {spec.name: spec for spec in specs}
    found = [*_about_schema(build.file.texts, path), *advice(build.file, by_name)]
    if online:
        found += online_advice(build.file, by_name, _announced)
    return sorted(found, key=lambda one: (one.file, one.line))


def _announced(scheme: OAuth2) -> Announcement:
    from requests_auth_profiles._build.grants import called

    # Without what a profile says itself, which other profiles of this issuer may not say.
    server, _ = called(scheme._replace(endpoints={"issuer": scheme.endpoints["issuer"]}))
    scopes, problems = server.scopes(), {}
    for name in ENDPOINTS[1:]:
        try:
            server.url(name)
        except (ConfigurationError, InvalidProviderResponse) as problem:
            problems[name] = problem
    return Announcement(scopes, problems)


def _about_schema(texts: dict[str, str], path: Path) -> Iterator[Fault]:
    first = texts.get(str(path), "").partition("\n")[0]
    if first.rstrip() == f"#:schema {beside(path).name}" and not is_current(path):
        there = beside(path)
        what, hint = "missing or of another version", for_named_file("requests-auth schema --write")
        if there.exists() and not there.is_file():
            what, hint = "no file", f"ls -ld {typed(there)}"
        yield Fault((), f"names {there.name}, which is {what}", hint, 1, str(path))


def _missing(spec: Profile) -> Iterator[str]:
    for secret in _secrets(spec):
        try:
            secret()
        except (SecretUnavailable, InteractionRequired) as error:
            yield str(error).replace("\n", "\n  ")


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _secrets(entry)
