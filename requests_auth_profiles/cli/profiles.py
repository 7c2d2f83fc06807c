"""The verbs about the profiles file: init, list, check."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from requests_auth_profiles import _private_file
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.file import profiles_path
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Compose, OAuth2, Profile
from requests_auth_profiles.cli.context import builder, named_file, with_file
from requests_auth_profiles.cli.table import show_table
from requests_auth_profiles.errors import (
    ConfigurationError,
    Fault,
    ProfileNotFound,
    ProfilesFileError,
    RequestsAuthException,
    SecretUnavailable,
)

__all__ = ["check", "init", "list_", "usable"]


@click.command()
@with_file
def init() -> None:
    """Write a first profiles file.

    It is commented, readable by you alone, and never put over one that is there.
    """
    path = profiles_path(named_file())
    template = (Path(__file__).parent / "template.toml").read_bytes()
    try:
        _private_file.create(path, template)
    except OSError as error:
        if path.exists() or path.is_symlink():
            raise RequestsAuthException(
                f"{path} is there already, and was left as it is",
                hint="requests-auth check; or name another with --file",
            ) from None
        raise RequestsAuthException(
            f"cannot write {path}: {error.strerror or type(error).__name__}", hint=f"ls -ld {path.parent}"
        ) from None
    click.echo(path)
    click.echo("Written, for your eyes only (0600). Edit it, then: requests-auth check", err=True)


@click.command("list")
@with_file
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, as_json: bool) -> None:
    """List the profiles.

    The one marked * is meant where none is named.
    """
    build = builder()
    default = ""
    with suppress(ProfileNotFound):  # none is
        default = build.file.chosen(None)
    rows = [_row(spec, default) for spec in usable(build)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    show_table(
        ["", "profile", "flow", "provider", "goes to", "description"],
        [
            [
                "*" if row["default"] else "",
                row["name"],
                row["flow"],
                row["provider"],
                ", ".join(row["hosts"]) or "any https host",
                row["description"],
            ]
            for row in rows
        ],
        empty=f"{build.file.path} has no profiles yet.",
    )


def _row(spec: Profile, default: str) -> dict[str, Any]:
    scheme = spec.scheme
    return {
        "name": spec.name,
        "default": spec.name == default,
        "flow": f"compose {' + '.join(scheme.members)}" if isinstance(scheme, Compose) else spec.flow,
        "provider": _provider(scheme.endpoints) if isinstance(scheme, OAuth2) else "",
        "hosts": [str(pattern) for pattern in spec.hosts],
        "description": spec.description,
    }


def _provider(endpoints: dict[str, str]) -> str:
    known = (endpoints[name] for name in ("authorization_url", "issuer", "token_url") if name in endpoints)
    return urlsplit(next(known)).netloc


@click.command()
@with_file
@click.option(
    "--secrets", is_flag=True, help="Look every secret up too; this runs the commands that give them."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(*, secrets: bool, as_json: bool) -> int:
    """Say all that is wrong with the profiles file.

    Each fault is told with its line and what to write instead; the exit code is 3 if there is one.
    """
    path = profiles_path(named_file())
    specs: list[Profile] = []
    faults: tuple[Fault, ...] = ()
    try:
        specs = usable(builder())
    except ProfilesFileError as error:
        if not as_json:
            raise
        faults = error.faults
    missing = [problem for spec in specs for problem in _missing(spec)] if secrets else []
    if as_json:
        said = [
            {
                "line": one.line,
                "profile": one.profile,
                "key": one.key,
                "message": one.message,
                "hint": one.hint,
            }
            for one in faults
        ]
        document = {"file": str(path), "profiles": len(specs), "faults": said, "missing_secrets": missing}
        click.echo(json.dumps(document, indent=2))
        return 3 if faults or missing else 0
    if missing:
        raise ConfigurationError(
            "secrets that are not to be had here:\n  " + "\n  ".join(missing),
            hint="give them, then once more: requests-auth check --secrets",
        )
    click.echo(f"{path}: {len(specs)} profile{'' if len(specs) == 1 else 's'}, nothing wrong")
    return 0


def usable(build: Builder) -> list[Profile]:
    """The profiles of a file but those that are only there to be extended."""
    specs = []
    for name in build.file.names:
        with suppress(ProfilesFileError):
            specs.append(build.file.profile(name))
    return specs


def _missing(spec: Profile) -> Iterator[str]:
    for secret in _secrets(spec):
        try:
            secret()
        except SecretUnavailable as error:
            yield str(error).replace("\n", "\n  ")


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _secrets(getattr(value, field.name))
    elif isinstance(value, (list, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _secrets(entry)
