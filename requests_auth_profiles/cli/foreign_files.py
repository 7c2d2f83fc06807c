"""`import --from`: profiles for what stands in a file of another tool."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.check import faults
from requests_auth_profiles._config.inheritance import effectives
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles.cli.formats import FORMATS, Found, LeftOut
from requests_auth_profiles.cli.formats.found import Hidden, shown
from requests_auth_profiles.cli.written import distinct, profile_lines
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["import_from"]

_LIMIT = 16 * 1024 * 1024
_LONGEST_NAME = 48  # and a number behind it


def import_from(form: str, named: str | None) -> int:
    """Prints profiles for what is found in a file, and tells on stderr what is not; gives the exit code.

    Args:
        form: one of `FORMATS`.
        named: the file; None = where it usually is.

    Raises:
        RequestsAuthException: it cannot be read, or there is nothing in it.
    """
    kind = FORMATS[form]
    path = kind.usual() if named is None else Path(named)
    if path is None:
        raise click.UsageError(f"name the file: import --from {form} FILE")
    found: list[tuple[Path, Found | LeftOut]] = []
    for file in kind.files(path):
        try:
            found += [(file, one) for one in kind.read(_content(file, form), file)]
        except ValueError as error:
            if len(kind.files(path)) == 1:
                raise RequestsAuthException(f"{shown(file, 999)} {error}", hint=_hint(form, named)) from None
            found.append((file, LeftOut("all of it", f"it {error}")))
    if not found:
        raise RequestsAuthException(f"{shown(path, 999)} has no {kind.about}", hint=_hint(form, named))
    return _tell(found)


def _content(path: Path, form: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        raise RequestsAuthException(
            f"there is no {shown(path, 999)}", hint=f"requests-auth import --from {form} FILE"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestsAuthException(f"cannot read {shown(path, 999)}: {reason}", hint="name a file") from None
    if len(data) > _LIMIT:
        raise ValueError(f"is longer than {_LIMIT:,} bytes")
    return data


def _hint(form: str, named: str | None) -> str:
    return f"requests-auth import --from {form} FILE" if named is None else f"is it one of {form}?"


def _tell(found: list[tuple[Path, Found | LeftOut]]) -> int:
    names = distinct(_names([one for _, one in found if isinstance(one, Found)]), _variable)
    named = [(path, one, next(names) if isinstance(one, Found) else "") for path, one in found]
    tables = {name: _resolved(name, one)[0] for _, one, name in named if isinstance(one, Found)}
    problems = _problems(tables)
    lost = 0
    for path, one, name in named:
        told = f"{shown(path, 999)}: {one.where}"
        why = one.why if isinstance(one, LeftOut) else problems.get(name)
        if why is not None:
            lost += 1
            click.echo(f"{told}: no profile: {why}", err=True)
        elif isinstance(one, Found):
            for note in one.notes:
                click.echo(f"{told}: {note}", err=True)
            click.echo("\n".join([*_lines(name, one), ""]))
    return 1 if lost else 0


def _problems(tables: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """What is wrong with profiles, by name, as a check of their file would say."""
    data = {"profiles": tables}
    found: dict[str, list[str]] = {}
    for fault in faults(data, providers(), effectives(data, providers(), in_ci=False)):
        found.setdefault(fault.path[1], []).append(" ".join((*map(shown, fault.path[2:]), fault.message)))
    return {name: "; ".join(said) for name, said in found.items()}


def _names(found: list[Found]) -> Iterator[str]:
    """A name for the profile of each."""
    for one in found:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", one.name).strip("-._")[:_LONGEST_NAME].rstrip("-._")
        if kinds.profile_name(name) is not None:
            name = f"my-{name}" if kinds.profile_name(f"my-{name}") is None else "imported"
        yield name


def _variable(*parts: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", "_".join(parts).upper())


def _resolved(name: str, one: Found) -> tuple[dict[str, Any], dict[str, str]]:
    """What a profile says, and for keys with a secret what to type."""
    comments: dict[str, str] = {}

    def resolved(key: str, value: Any, suffix: str = "") -> Any:
        if isinstance(value, Hidden):
            variable = _variable(name, key + suffix)
            said = f"export {variable}=…  ({shown(value.where)})"
            comments[key] = f"{comments[key]}; {said}" if key in comments else said
            return {"env": variable}
        if isinstance(value, list):
            return [resolved(key, entry, f"_{number}") for number, entry in enumerate(value, 1)]
        return value

    return {key: resolved(key, value) for key, value in one.table.items()}, comments


def _lines(name: str, one: Found) -> Iterator[str]:
    table, comments = _resolved(name, one)
    yield f"# {_ascii(one.where)}"
    said = {key: _ascii(comment) for key, comment in comments.items()}
    yield from profile_lines(name, table, said, ascii_only=True)


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode().replace("\\u2026", "...")
