"""The verb that turns what people have into profiles: import."""

import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

import click
import tomli_w

from requests_auth_profiles._config import kinds
from requests_auth_profiles.cli.constructions import Construction, constructions
from requests_auth_profiles.cli.conversion import KINDS, Converted, converted
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["import_"]

_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
_LONGEST_NAME = 48  # and a number behind it


@click.command("import")
@click.option(
    "--python",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    required=True,
    help="A Python file that constructs auths of requests_auth; it is read, never run. - is standard input.",
)
def import_(file: BinaryIO) -> int:
    """Print profiles for the auths that a program constructs.

    No secret is printed: each is referred to by the name of an environment variable. What is not
    understood is told on stderr, with its line; the exit code is 1 if an auth has no profile therefore.
    """
    where = click.format_filename(file.name, shorten=False)
    where = where if where.isprintable() else ascii(where)
    try:
        found = constructions(file.read(), frozenset(KINDS))
    except SyntaxError as error:  # its text may hold a line of the file, and that a secret
        raise RequestsAuthException(
            f"{where}:{error.lineno or 1}: this is not Python that {_PYTHON} reads",
            hint="name a Python file that runs",
        ) from None
    if not found:
        raise RequestsAuthException(
            f"{where} constructs no auth of requests_auth",
            hint="name the file with, say, HeaderApiKey(…) in it",
        )
    lost = 0
    for one, name in zip(found, _names(found), strict=True):
        profile = converted(one, name)
        told = f"{where}:{one.line}: {one.kind}"
        for what in profile.left_out:
            click.echo(f"{told}: left out: {what}", err=True)
        if profile.problem:
            lost += 1
            click.echo(f"{told}: no profile: {profile.problem}", err=True)
        else:
            click.echo("\n".join(_lines(one, profile)) + "\n")
    return 1 if lost else 0


def _names(found: list[Construction]) -> Iterator[str]:
    """A name for the profile of each, after its variable or its class; no two give the same variables."""
    taken: set[str] = set()
    for one in found:
        name = one.variable.strip("_")[:_LONGEST_NAME]
        if kinds.profile_name(name) is not None:
            name = one.kind
        number, unique = 1, name
        while (key := re.sub(r"[^a-z0-9]", "_", unique.casefold())) in taken:
            number += 1
            unique = f"{name}-{number}"
        taken.add(key)
        yield unique


def _lines(found: Construction, profile: Converted) -> Iterator[str]:
    """A profile in TOML."""
    below = {key: value for key, value in profile.table.items() if isinstance(value, dict)}
    beside = {key: value for key, value in profile.table.items() if key not in below}
    yield f"# {found.kind}, line {found.line}"
    yield tomli_w.dumps({"profiles": {profile.name: beside}}).rstrip()
    for key, variable in profile.variables.items():
        why = (
            f"# it stands in the code: export {variable}=…" if key in profile.in_code else "# as in the code"
        )
        yield f"{key} = {{ {tomli_w.dumps({'env': variable}).strip()} }}  {why}"
    if below:
        yield tomli_w.dumps({"profiles": {profile.name: below}}).rstrip()
