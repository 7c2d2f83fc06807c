"""The verbs that change profiles: edit, remove."""

import re
import secrets
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import click

from requests_auth_profiles import _private_file
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.file import ProfilesFile, missing_file, profiles_path, site_path
from requests_auth_profiles._config.inheritance import overlay, tables
from requests_auth_profiles._config.layers import Layers
from requests_auth_profiles._config.lines import lines
from requests_auth_profiles._config.links import listed
from requests_auth_profiles.cli import editor
from requests_auth_profiles.cli.context import named_file, with_file
from requests_auth_profiles.cli.rewriting import rewrite, target_of, unwritable
from requests_auth_profiles.cli.statements import Unremovable, without_profile
from requests_auth_profiles.errors import (
    ConfigurationError,
    ProfileNotFound,
    ProfilesFileError,
    RequestsAuthException,
    StoreError,
)
from requests_auth_profiles.stores import TokenStore

__all__ = ["edit", "remove"]

_LIMIT = 16 * 1024 * 1024
_EDIT, _DROP, _KEEP = "edit", "drop", "keep"


@click.command()
@with_file
@click.argument("name", required=False)
def edit(name: str | None) -> int:
    """Open the profiles file in your editor ($VISUAL, $EDITOR).

    What is edited is a copy. It is checked, and takes the file's place only if nothing is wrong with it.
    """
    path, site = profiles_path(named_file()), site_path(named_file())
    if name:
        _stands_here(name, path, site)
    before = _content(path)
    line = _line(before, name, path) if name else 0
    words = editor.command()
    copy = _copied(path, before)
    try:
        wrong = _edited(words, copy, line, path, before)
    except (click.Abort, KeyboardInterrupt, RequestsAuthException) as error:
        _drop_if_same(copy, before)
        if copy.exists() and str(copy) not in str(error):
            click.echo(f"\nWhat you wrote is in {copy}", err=True)
        raise
    if isinstance(wrong, int):
        return wrong
    new = wrong

    def change(now: bytes) -> bytes:
        if now != before:
            raise RequestsAuthException(
                f"{path} was changed by somebody else meanwhile, and was left as it is; "
                f"what you wrote is in {copy}",
                hint=f"diff {typed(path)} {typed(copy)}",
            )
        return new

    try:
        file = rewrite(path, site, change)
    except RequestsAuthException as error:
        click.echo(f"What you wrote is in {copy}", err=True) if str(copy) not in error.message else None
        raise
    copy.unlink(missing_ok=True)
    click.echo(f"Changed {path}: {_count(file)}, nothing wrong.", err=True)
    return 0


def _stands_here(name: str, path: Path, site: Path | None) -> None:
    """Refuses a profile that counts and stands in another file."""
    with suppress(FileNotFoundError, ConfigurationError):  # what is wrong is told when it is read
        layers = Layers.of(path, site)
        if layers.faults or name not in tables(layers.data):
            return
        owner = layers.owner(("profiles", name)).path
        if owner != path:
            there = f"requests-auth edit {name} --file {typed(owner)}"
            hint = f"{there}; or say in {path} what counts in its place: [profiles.{name}]"
            raise _elsewhere(name, path, owner, hint)


def _elsewhere(name: str, path: Path, owner: Path, hint: str) -> RequestsAuthException:
    return RequestsAuthException(f"{name} is not in {path} but in {owner}", hint=hint)


def _edited(words: list[str], copy: Path, line: int, path: Path, before: bytes) -> int | bytes:
    """Has a copy edited until it is right; the exit code where it is to stay as it is, or is not used."""
    while True:
        ended = editor.open_at(words, copy, line)
        new = _taken_back(copy, before)
        if not new.strip():
            copy.unlink(missing_ok=True)
            raise RequestsAuthException(
                f"{words[0]} left nothing in the copy, so {path} is as it was",
                hint=f"rm {typed(path)}, if nothing is to be in it",
            )
        if new == before:
            copy.unlink(missing_ok=True)
            click.echo(f"Nothing was changed in {path}.", err=True)
            if option := editor.waits(words):
                click.echo(f"If {words[0]} came back at once: export EDITOR='{words[0]} {option}'", err=True)
            return 1 if ended else 0
        if ended:
            raise RequestsAuthException(
                f"{words[0]} ended with {ended}, so nothing was changed; what you wrote is in {copy}",
                hint=f"mv {typed(copy)} {typed(target_of(path))}, if it is right",
            )
        try:
            ProfilesFile.read(path, site_path(named_file()), instead=new)
        except ProfilesFileError as error:
            click.echo(f"{click.style('error', fg='red', bold=True)}: {error.message}", err=True)
            line = next((one.line for one in error.faults if one.file == str(path)), 0)
        else:
            return new
        match _choice():
            case "keep":
                click.echo(f"{path} is as it was; what you wrote is in {copy}", err=True)
                return 3
            case "drop":
                copy.unlink(missing_ok=True)
                click.echo(f"{path} is as it was.", err=True)
                return 3


def _choice() -> str:
    """What is to be done with a copy that has faults."""
    if not sys.stdin.isatty():
        return _KEEP
    said: str = click.prompt(
        "edit it again, drop what you wrote, or keep it in a copy",
        type=click.Choice([_EDIT, _DROP, _KEEP]),
        default=_EDIT,
        err=True,
    )
    return said


def _taken_back(copy: Path, before: bytes) -> bytes:
    """What an editor left, which nobody else may have put there meanwhile."""
    try:
        _private_file.refuse_link(copy)
        content, _ = _private_file.read(copy, limit=_LIMIT, shareable=True)  # some editors open it to readers
    except FileNotFoundError:
        return before
    except _private_file.UnsafeFileError as error:
        raise RequestsAuthException(f"what you wrote was not taken: {error}", hint=error.hint) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestsAuthException(f"cannot read {copy}: {reason}", hint=f"ls -l {typed(copy)}") from None
    return content


def _content(path: Path) -> bytes:
    """What stands in the file, whatever is wrong with it."""
    try:
        content, _ = _private_file.read(path, limit=_LIMIT, shareable=True)
    except FileNotFoundError:
        raise missing_file(path) from None
    except _private_file.UnsafeFileError as error:
        raise RequestsAuthException(str(error), hint=error.hint) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestsAuthException(f"cannot read {path}: {reason}", hint=f"ls -l {typed(path)}") from None
    return content


def _copied(path: Path, content: bytes) -> Path:
    """A copy beside the file, of a name that editors take for TOML."""
    copy = target_of(path).with_name(f"profiles.edit-{secrets.token_hex(4)}.toml")
    with unwritable(copy):
        _private_file.create(copy, content)
    return copy


def _drop_if_same(copy: Path, before: bytes) -> None:
    with suppress(RequestsAuthException, OSError):
        if _taken_back(copy, b"") == before:
            copy.unlink()


def _line(content: bytes, name: str, path: Path) -> int:
    """The line of a profile, also in a file that is wrong."""
    text = content.decode(errors="replace")
    try:
        found = lines(text) if tomllib.loads(text) else {}
        line = found.get(("profiles", name), 0)
    except (ValueError, RecursionError):
        header = re.compile(
            rf"""\s*(\[\s*profiles\s*\.\s*|profiles\s*\.\s*|)["']?{re.escape(name)}["']?\s*[\].=]"""
        )
        line = next((number for number, row in enumerate(text.split("\n"), 1) if header.match(row)), 1)
    if not line:
        raise ProfileNotFound(f"there is no profile {name[:64]!r} in {path}", hint="requests-auth list")
    return line


@click.command()
@with_file
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, *, yes: bool) -> None:
    """Take a profile out of the profiles file, and forget its token.

    All else in the file stays as it is.
    """
    path, site = profiles_path(named_file()), site_path(named_file())
    file = ProfilesFile.read(path, site)
    name = file.chosen(name)
    owner = file.layers.owner(("profiles", name))
    if owner.path != path:
        raise _elsewhere(name, path, owner.path, f"requests-auth remove {name} --file {typed(owner.path)}")
    if users := _users(file, name):
        said, where = zip(*users, strict=True)
        raise RequestsAuthException(
            f"{name} is still {' and '.join(said)}",
            hint=f"change that first: requests-auth edit {where[0]}".rstrip(),
        )
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask at: say --yes")
        click.confirm(f"Take {name} out of {path}, and forget its token?", err=True, abort=True)

    store = Builder(file).store  # that of before: the file may say it
    rest = rewrite(path, site, lambda now: _without(now, name, path))
    click.echo(f"Took {name} out of {path}: {_count(rest)} left.", err=True)
    if name in rest.profiles:
        click.echo(f"Now {name} is the one of {rest.layers.owner(('profiles', name)).path}.", err=True)
    _forget(store, name)


def _users(file: ProfilesFile, name: str) -> list[tuple[str, str]]:
    """What refers to a profile, each with one that does."""
    said = tables(file.layers.data)
    extending = [one for one, table in said.items() if table.get("extends") == name]
    composing = [
        one
        for one, table in said.items()
        if any(name in world.get("compose", ()) for world in (table, overlay(table) or {}))
    ]
    found = [(f"extended by {listed(extending)}", extending[0])] if extending else []
    found += [(f"composed by {listed(composing)}", composing[0])] if composing else []
    if file.layers.data.get("default_profile") == name:
        found.append(("the default_profile", ""))
    return found


def _without(now: bytes, name: str, path: Path) -> bytes:
    """What stands in the file without a profile."""
    try:
        text = now.decode()
        before = tomllib.loads(text)
        left = without_profile(text, name)
        after = tomllib.loads(left)
    except Unremovable as error:
        raise _unremovable(name, path, error.line) from None
    except ValueError:  # somebody else changed it in this moment
        raise RequestsAuthException(f"{path} is not TOML any more", hint="requests-auth check") from None
    # What is left must say all that it said before: else it is not written.
    before.get("profiles", {}).pop(name, None)
    for said in (before, after):
        if not said.get("profiles"):
            said.pop("profiles", None)
    if repr(before) != repr(after):
        raise _unremovable(name, path, lines(text).get(("profiles", name), 1))
    return left.encode()


def _unremovable(name: str, path: Path, line: int) -> RequestsAuthException:
    return RequestsAuthException(
        f"{path}:{line}: {name} is written in one statement with others, and cannot be taken out alone",
        hint=f"requests-auth edit {name}",
    )


def _forget(store: TokenStore, name: str) -> None:
    """Forgets the token of a profile that is not there any more."""
    try:
        there = name.casefold() in list(store.keys())
        if there:
            store.delete(name)
    except StoreError as error:
        click.echo(f"Its token could not be forgotten: {error.message}", err=True)
        return
    click.echo(f"Forgot the token of {name}." if there else f"{name} kept no token.", err=True)


def _count(file: ProfilesFile) -> str:
    number = len(file.profiles)
    return f"{number} profile{'' if number == 1 else 's'}"
