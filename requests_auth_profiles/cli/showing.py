"""The verb that shows what holds for a profile: show."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from requests_auth_profiles._build import Builder
from requests_auth_profiles._config import environment, kinds
from requests_auth_profiles._config.addresses import PROXY
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.origin import Origin, Setting, settings
from requests_auth_profiles._config.reaching import reached
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Compose, Profile, keyring_user
from requests_auth_profiles._secret_names import may_be_secret
from requests_auth_profiles.cli.context import builder, usable, with_file
from requests_auth_profiles.cli.written import hosts_text, key_text, value_text
from requests_auth_profiles.errors import ProfilesFileError

__all__ = ["show"]

_COLUMN = 40  # where the origins stand, if there is room
_HIDDEN = "(a secret in the file)"


@click.command()
@with_file
@click.argument("name", required=False)
@click.option("--origin", is_flag=True, help="Say what set each value, with its file and line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str | None, *, origin: bool, as_json: bool) -> None:
    """Show what holds for a profile.

    Parents, provider and defaults are in it, and no secret: only where it is looked up.
    """
    build = builder()
    file = build.file
    chosen, spec, lacks = file.chosen(name), None, ""
    try:
        spec = file.profile(chosen)
    except ProfilesFileError as error:  # it is there to be extended
        lacks = "; ".join(one.message for one in error.faults)
    rows = list(settings(file, chosen, spec))
    specs = {one.name: one for one in usable(build)}
    members = [] if spec is None else list(_members(build, spec, specs))
    if as_json:
        document = {
            "profile": chosen,
            "chosen_by": _chosen_by(file, name),
            "file": str(file.path),
            "ci": environment.ci_variable() or None,
            "lacks": lacks or None,
            "values": [_row(file, row) for row in rows],
            "members": members,
            "goes_to": None if spec is None else _hosts(chosen, specs),
        }
        click.echo(json.dumps(document, indent=2))
        return
    names = _short(row.origin.file for row in rows)
    for row in rows:
        click.echo("\n".join(_lines(_said(file, row), _told(row.origin, names) if origin else "")))
    if members:
        click.echo("")
        _show_members(members, _hosts(chosen, specs))
    if lacks:
        click.echo(f"\n{chosen} can only be extended: it {lacks}", err=True)
    if origin:
        click.echo("", err=True)
        click.echo(f"{chosen} is meant: {_chosen_by(file, name)}", err=True)
        if any(row.origin.in_ci for row in rows):
            click.echo(f"when.ci holds: {environment.ci_variable()} is set", err=True)
        for path, short in names.items():
            click.echo(f"{short} is {path}", err=True)


def _said(file: ProfilesFile, row: Setting) -> str:
    """A setting as it would be written."""
    name = row.key.name if not row.entry else _dotted(row)
    if row.value is None:
        return f"# {name}: {hosts_text(None) if name == 'hosts' else 'not said'}"
    return f"{name} = {_shown(file, row)[0]}"


def _dotted(row: Setting) -> str:
    parent = row.path[row.path.index(row.entry) - 1] if row.entry in row.path else row.path[-1]
    return f"{parent}.{key_text(row.entry)}"


def _shown(file: ProfilesFile, row: Setting) -> tuple[str, bool]:
    """A value in TOML, as far as it may be seen, and whether all of it is."""
    key, value, place = row.key, row.value, file.place(row.path)
    user = keyring_user(file.profiles[row.path[1]]) if row.path[1] in file.profiles else row.path[1]

    def masked(value: Any) -> str:
        """Arguments of a class: any text or number may be a secret."""
        if kinds.is_reference(value):
            return str(Secret(value, place, user=user))
        if isinstance(value, dict):
            return f"{{ {', '.join(f'{key_text(name)} = {masked(one)}' for name, one in value.items())} }}"
        if isinstance(value, list):
            return f"[{', '.join(map(masked, value))}]"
        return (
            value_text(value)
            if isinstance(value, bool)
            else "…"
            if isinstance(value, (int, float))
            else '"…"'
        )

    if key.kind in (kinds.SECRET, PROXY) and isinstance(value, dict):
        return str(Secret(value, place, user=user)), False
    if key.is_secret(value) or (key.kind is kinds.PARAMETERS and may_be_secret(row.entry)):
        return _HIDDEN, False
    if key.kind in (kinds.ARGUMENTS, kinds.OPTIONS):
        return masked(value), False
    if key.name == "command" and len(value) > 1:  # somebody may have put a secret into its arguments
        return f"[{value_text(value[0])}, …]", False
    return value_text(value), True


def _lines(said: str, told: str) -> Iterator[str]:
    """A setting, and behind it or below it where it comes from."""
    if not told:
        yield said
    elif len(said) < _COLUMN:
        yield f"{said:<{_COLUMN}}{click.style(f'# {told}', dim=True)}"
    else:
        yield said
        yield f"{'':<{_COLUMN}}{click.style(f'# {told}', dim=True)}"


def _told(origin: Origin, names: dict[Path, str]) -> str:
    return str(origin) if origin.file is None else f"{names[origin.file]}:{origin.line}, {origin}"


def _short(files: Iterable[Path | None]) -> dict[Path, str]:
    """For each file the last parts of its path that no other one ends in."""
    paths = list(dict.fromkeys(path for path in files if path is not None))
    short = {}
    for path in paths:
        for count in range(1, len(path.parts) + 1):
            short[path] = str(Path(*path.parts[-count:]))
            if all(other is path or other.parts[-count:] != path.parts[-count:] for other in paths):
                break
    return short


def _chosen_by(file: ProfilesFile, name: str | None) -> str:
    if name is not None:
        return "it is named here"
    if os.environ.get(environment.PROFILE):
        return f"{environment.PROFILE} names it"
    if "default_profile" not in file.layers.data:
        return "its name is default"
    place = file.place(("default_profile",))
    return f"default_profile in {place.file}:{place.line}"


def _row(file: ProfilesFile, row: Setting) -> dict[str, Any]:
    text, is_whole = (None, True) if row.value is None else _shown(file, row)
    origin = row.origin
    return {
        "key": _dotted(row) if row.entry else row.key.name,
        "value": row.value if is_whole else text,
        "is_secret": not is_whole,
        "origin": {
            "kind": origin.kind,
            "name": origin.name or None,
            "in_ci": origin.in_ci,
            "file": None if origin.file is None else str(origin.file),
            "line": origin.line or None,
        },
    }


def _members(build: Builder, spec: Profile, specs: Mapping[str, Profile]) -> Iterator[dict[str, Any]]:
    for member in spec.scheme.members if isinstance(spec.scheme, Compose) else ():
        yield {"name": member, "writes": list(build.auth(member).writes), "hosts": _hosts(member, specs)}


def _hosts(name: str, specs: Mapping[str, Profile]) -> list[str] | None:
    hosts = reached(name, specs)
    return None if hosts is None else [str(one) for one in hosts]


def _show_members(members: list[dict[str, Any]], hosts: list[str] | None) -> None:
    names = max(len(member["name"]) for member in members)
    writes = max(len(", ".join(member["writes"])) for member in members)
    for member in members:
        what, where = ", ".join(member["writes"]), hosts_text(member["hosts"])
        click.echo(f"{member['name']:<{names}}  writes {what:<{writes}}  goes to {where}")
    click.echo(f"together they go to {hosts_text(hosts)}")
