"""The verbs about the token store: store path, rotate-key, clear."""

import sys
from pathlib import Path

import click

from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles.cli.answers import REFERENCE_FORMS, reference
from requests_auth_profiles.cli.context import builder, sealed_store, with_file
from requests_auth_profiles.stores import KeySource, SealedStore
from requests_auth_profiles.stores.keys import decode_key

__all__ = ["store"]


@click.group()
def store() -> None:
    """See, re-key or empty the place where tokens are kept."""


@store.command()
@with_file
def path() -> None:
    """Print where the tokens are kept."""
    sealed = sealed_store(builder())
    click.echo("memory:" if sealed is None else sealed.where)
    if sealed is not None and (source := sealed.key_source):
        click.echo(f"sealed with a key from: {source}", err=True)
        if former := sealed.former_key_sources:
            click.echo(
                f"and some still with one from: {', '.join(former)}; go on: requests-auth store rotate-key",
                err=True,
            )


@store.command(name="rotate-key")
@with_file
@click.option(
    "--old",
    metavar="REFERENCE",
    help=f"Where the key or passphrase of before is now ({REFERENCE_FORMS}), if it was replaced by hand.",
)
def rotate_key(old: str | None) -> None:
    """Seal all tokens with a new key.

    The new key is made and kept where [store] says, else where the old one is best kept. Whenever this is
    interrupted, all tokens can be read, and the same command goes on with it.
    """
    build = builder()
    sealed = _kept(build)
    count = sealed.rotate_key(None if old is None else _old_source(sealed, old))
    click.echo(
        f"Sealed {count} token{'' if count == 1 else 's'} with a new key from: {sealed.key_source}.",
        err=True,
    )


@store.command()
@with_file
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def clear(*, yes: bool) -> None:
    """Forget all tokens, and the key that they are sealed with.

    The next use of each profile signs in again.
    """
    sealed = _kept(builder())
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody can be asked here: say --yes")
        click.confirm(f"Forget all tokens in {sealed.where}?", abort=True, err=True)
    sealed.clear()
    click.echo("Forgot all tokens, and their key.", err=True)


def _kept(build: Builder) -> SealedStore:
    sealed = sealed_store(build)
    if sealed is None:
        raise click.UsageError("tokens are kept in memory only here, which ends with each program")
    return sealed


def _old_source(sealed: SealedStore, typed: str) -> KeySource:
    said = reference(typed.strip())
    if said is None:
        raise click.BadParameter(f"say where it is, not what it is: {REFERENCE_FORMS}", param_hint="--old")
    secret = Secret(said, Place(Path("requests-auth store rotate-key"), "", ("--old",)))
    if [sealed.key_source, *sealed.former_key_sources][
        -1
    ] == "passphrase":  # of those, the last is the oldest
        return KeySource("--old", lambda _: secret().encode())
    return KeySource("--old", lambda _: decode_key(secret(), "--old"))
