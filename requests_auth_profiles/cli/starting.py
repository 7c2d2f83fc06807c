"""The verb that writes a first profiles file: init."""

from pathlib import Path

import click

from requests_auth_profiles import _private_file
from requests_auth_profiles._config.file import profiles_path
from requests_auth_profiles.cli.context import for_named_file, named_file, with_file
from requests_auth_profiles.cli.schema import put_beside
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["init"]


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
    put_beside(path)
    click.echo(path)
    then = for_named_file("requests-auth check")
    click.echo(f"Written, for your eyes only (0600). Edit it, then: {then}", err=True)
