"""The verb that gives the JSON Schema of the profiles file: schema."""

from pathlib import Path

import click

from requests_auth_profiles import _private_file
from requests_auth_profiles._config.file import profiles_path
from requests_auth_profiles._config.schema import SHIPPED
from requests_auth_profiles.cli.context import named_file, with_file
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["beside", "is_current", "put_beside", "schema"]

_OURS = b'"title": "requests-auth-profiles"'


@click.command()
@with_file
@click.option("--write", is_flag=True, help="Put it beside the profiles file instead, for editors.")
def schema(*, write: bool) -> None:
    """Print the JSON Schema of the profiles file.

    With it an editor completes keys, and marks what is wrong while it is typed.
    """
    if not write:
        click.echo(SHIPPED.read_text("utf-8"), nl=False)
        return
    path = profiles_path(named_file())
    if problem := put_beside(path):
        raise RequestsAuthException(
            f"cannot write {beside(path)}: {problem}", hint=f"ls -ld {beside(path)} {path.parent}"
        )
    click.echo(beside(path))


def beside(path: Path) -> Path:
    """Where the schema is for a profiles file: `#:schema` in its first line names it without a folder.

    A path into the package would be another one in each virtual environment, and editors fetch a URL from
    whoever answers there.
    """
    return path.parent / SHIPPED.name


def is_current(path: Path) -> bool:
    """Whether the schema beside a profiles file is that of this version."""
    try:
        return beside(path).is_file() and beside(path).read_bytes() == SHIPPED.read_bytes()
    except OSError:
        return False


def put_beside(path: Path) -> str:
    """Puts the schema beside a profiles file, and says what keeps it from being there; empty = nothing."""
    there = beside(path)
    try:
        # A pipe in its place would hold us up, and a device never ends.
        if there.exists() and not (there.is_file() and _OURS in there.read_bytes()):
            return "something else is there"
        _private_file.replace(there, SHIPPED.read_bytes())
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
