"""Answers for a key of a profile, as they are typed."""

import shlex
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.keys import Key

__all__ = ["REFERENCE_FORMS", "answer", "reference"]

REFERENCE_FORMS = (
    "env:NAME, file:PATH, keyring:SERVICE, prompt:TEXT, ci_identity:AUDIENCE or command:PROGRAM ARGUMENT"
)


def answer(key: Key, typed: str, hint: str) -> Any:
    """The value that somebody means who types this for a key.

    It may be typed as in the file, as bare text, or as a list of words; a secret as a reference.

    Args:
        key: the key.
        typed: what was typed; it is not repeated in a message.
        hint: the option that says it.

    Raises:
        click.BadParameter: the key can have no such value.
    """
    said = reference(typed.strip())
    problem = None if said is None or key.kind is not kinds.SECRET else key.kind.problem(said)
    for value in [] if problem else _meant(key, typed):
        found = key.kind.problem(value)
        if found is None and (secret := _secret(key, value)):
            how = (
                f"({REFERENCE_FORMS}), or --literal {key.name}" if secret == key.name else "with a reference"
            )
            raise click.BadParameter(
                f"{secret} is a secret, and would stand in the file: say where it is {how}", param_hint=hint
            )
        if found is None:
            return value
        problem = problem or found
    why = problem.message if problem else "is empty"
    raise click.BadParameter(f"{key.name} {why}; as in: {key.example or key.kind.example}", param_hint=hint)


def _secret(key: Key, value: Any) -> str:
    """The key of a secret that stands in a value itself; empty = there is none."""
    if key.entries:
        found = (_secret(entry, value[entry.name]) for entry in key.entries if entry.name in value)
        return next(filter(None, found), "")
    return key.name if key.is_secret(value) else ""


def reference(typed: str) -> dict[str, Any] | None:
    """The reference that `env:NAME` and the like mean; None where it is none."""
    how, colon, what = typed.partition(":")
    if not colon or how not in kinds.REFERENCES or not what.strip() or "://" in typed[: len(how) + 3]:
        return None
    if how != "command":
        return {how: what.strip()}
    try:
        return {how: shlex.split(what)}
    except ValueError:
        return None


def _meant(key: Key, typed: str) -> Iterator[Any]:
    """What somebody may mean, what is likelier first."""
    typed = typed.strip()
    if not typed:
        return
    if (found := reference(typed)) is not None:
        yield found
    for form in (typed, f"[{typed}]"):
        with suppress(ValueError, RecursionError):
            written = tomllib.loads(f"x = {form}\n")
            if len(written) == 1:
                yield written["x"]
    if key.kind is kinds.SCOPES:  # one may have a comma in it
        yield typed.split()
    yield typed
    if key.name == "command":
        with suppress(ValueError):
            yield shlex.split(typed)
    yield typed.replace(",", " ").split()
