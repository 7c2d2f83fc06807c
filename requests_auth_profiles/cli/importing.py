"""The verb that turns what people have into profiles: import."""

import re
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import click
import tomli_w

from requests_auth_profiles._config import kinds
from requests_auth_profiles.cli.constructions import Construction, constructions
from requests_auth_profiles.cli.conversion import KINDS, Converted, converted
from requests_auth_profiles.cli.foreign_files import import_from
from requests_auth_profiles.cli.formats import FORMATS
from requests_auth_profiles.cli.program import Intricate
from requests_auth_profiles.cli.written import distinct
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["import_"]

_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
_LONGEST_FILE = 1024 * 1024
_LONGEST_NAME = 48  # and a number behind it


@click.command("import")
@click.option(
    "--python",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="A Python file that constructs auths of requests_auth; it is read, never run. - is standard input.",
)
@click.option(
    "--from", "form", type=click.Choice(list(FORMATS)), help="What keeps FILE. Default: where it usually is."
)
@click.argument("source", required=False, metavar="[FILE]")
def import_(file: BinaryIO | None, form: str | None, source: str | None) -> int:
    """Print profiles made of what you have.

    That is a program that constructs auths, or what another tool keeps.

    No secret is printed: each is referred to by the name of an environment variable. What is not
    understood is told on stderr, with its line; the exit code is 1 if an auth has no profile therefore.
    """
    if (file is None) == (form is None) or (source and form is None):
        raise click.UsageError("say --python FILE, or --from FORMAT [FILE]")
    return _import_python(file) if file is not None else import_from(str(form), source)


def _import_python(file: BinaryIO) -> int:
    """Prints profiles for the auths that a program constructs, and gives the exit code."""
    where = click.format_filename(file.name, shorten=False)
    where = where if where.isprintable() else ascii(where)
    found = _constructed(file, where)
    if not found:
        raise RequestsAuthException(
            f"{where} constructs no auth of requests_auth",
            hint="name the file with, say, HeaderApiKey(…) in it",
        )
    lost = 0
    for one, profile in zip(found, converted(found, list(distinct(_names(found), _key))), strict=True):
        told = f"{where}:{one.line}: {one.kind}"
        for what in profile.left_out:
            click.echo(f"{told}: left out: {what}", err=True)
        lines = list(_lines(one, profile))
        if profile.is_draft:
            lines = [line if line.startswith("#") else f"# {line}".rstrip() for line in lines]
            click.echo(f"{told}: no profile yet: complete the one that is printed as a comment", err=True)
        elif profile.problem:
            click.echo(f"{told}: no profile: {profile.problem}", err=True)
        lost += bool(profile.problem)
        if profile.is_draft or not profile.problem:
            # In characters that every console and pipe writes as TOML wants them.
            text = "\n".join(lines) + "\n"
            click.echo(re.sub(r"[^\x00-\x7f]", lambda found: f"\\U{ord(found[0]):08x}", text))
    return 1 if lost else 0


def _constructed(file: BinaryIO, where: str) -> list[Construction]:
    """What a program constructs.

    Raises:
        RequestsAuthException: it cannot be read.
    """
    try:
        source = file.read(_LONGEST_FILE + 1)
        found = constructions(source, frozenset(KINDS)) if len(source) <= _LONGEST_FILE else []
    except SyntaxError as error:  # its text may hold a line of the file, and that a secret
        raise RequestsAuthException(
            f"{where}:{error.lineno or 1}: this is not Python that {_PYTHON} reads",
            hint="name a Python file that runs",
        ) from None
    except OSError as error:
        raise RequestsAuthException(
            f"cannot read {where}: {error.strerror or type(error).__name__}", hint="name a Python file"
        ) from None
    except Intricate:
        raise RequestsAuthException(
            f"{where} leads to and fro more than can be followed",
            hint="put what constructs the auths into a file of its own",
        ) from None
    if len(source) > _LONGEST_FILE:
        raise RequestsAuthException(
            f"{where} is longer than {_LONGEST_FILE:,} bytes", hint="name the file that constructs the auths"
        )
    return found


def _names(found: list[Construction]) -> Iterator[str]:
    """A name for the profile of each, after its variable or its class."""
    for one in found:
        name = one.variable.strip("_")[:_LONGEST_NAME]
        if kinds.profile_name(name) is not None:
            name = one.kind
        yield name


def _key(name: str) -> str:
    """What names of variables are made of."""
    return re.sub(r"[^a-z0-9]", "_", name.casefold())


def _lines(found: Construction, profile: Converted) -> Iterator[str]:
    """A profile in TOML."""
    below = {key: value for key, value in profile.table.items() if isinstance(value, dict)}
    beside = {key: value for key, value in profile.table.items() if key not in below}
    yield f"# {found.kind}, line {found.line}{': complete it' if profile.is_draft else ''}"
    yield from _toml({"profiles": {profile.name: beside}})
    for key, why in profile.missing.items() if profile.is_draft else ():
        yield f'{key} = "..."  # it {why}'
    for key, variable in profile.variables.items():
        yield f"{key} = {{ {_toml({'env': variable})[0]} }}  # {profile.comments[key]}"
    if below:
        yield from _toml({"profiles": {profile.name: below}})


def _toml(table: dict[str, Any]) -> list[str]:
    return tomli_w.dumps(table).rstrip().split("\n")
