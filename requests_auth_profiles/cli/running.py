"""The verb that runs another program with a token: exec."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping

import click

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader
from requests_auth_profiles.cli.context import builder, with_file
from requests_auth_profiles.cli.tokens import good_for, is_bound, single, without_proof
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["HEADER", "TOKEN", "exec_"]

TOKEN = "REQUESTS_AUTH_TOKEN"
HEADER = "REQUESTS_AUTH_HEADER"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACE = re.compile(r"\{(token|header)\}")


@click.command("exec")
@with_file
@click.argument("name")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "-e",
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=FORM]",
    help="One more variable: the token, or a text with {token} or {header} in it.",
)
@click.option(
    "--time",
    "least",
    type=click.FloatRange(min=0),
    default=0,
    help="Renew it if it ends within S seconds.",
    metavar="S",
)
def exec_(name: str, command: tuple[str, ...], *, variables: tuple[str, ...], least: float) -> int:
    """Run a program with a token.

    As in: requests-auth exec work-okta -- ./report --today

    The token is in its environment, as REQUESTS_AUTH_TOKEN, and the whole header as REQUESTS_AUTH_HEADER
    (Authorization: Bearer …). It is in no argument, which everybody on the machine can read. The program
    takes the place of this one: its exit code and its signals are its own. Where it sends the token is up to
    it: a profile's hosts are not looked after.
    """
    forms = {TOKEN: "{token}"} | dict(_form(text) for text in variables)
    build = builder()
    auth = single(build.auth(name))
    if is_bound(build, auth):
        raise without_proof(auth.name)
    if isinstance(auth.credential, InHeader):
        forms.setdefault(HEADER, "{header}")
    elif any("{header}" in form for form in forms.values()):
        raise click.UsageError(f"{auth.name} does not go into a header: leave {{header}} out")
    program = shutil.which(command[0])
    if program is None:
        raise RequestsAuthException(
            f"there is no program {command[0]}", hint="check its spelling, or name its whole path"
        )
    ended = _run(program, command, os.environ | _variables(auth, forms, least))
    if isinstance(ended, str):
        raise RequestsAuthException(f"cannot start {command[0]}: {ended}", hint="run it by hand, without us")
    return ended


def _variables(auth: ProfileAuth, forms: Mapping[str, str], least: float) -> dict[str, str]:
    """The variables with the token in them."""
    token = good_for(auth, least)
    words = {"token": token.access_token}
    if isinstance(auth.credential, InHeader):
        ((field, value),) = auth.credential.headers(token, "GET", "").items()
        words["header"] = f"{field}: {value}"
    return {name: _PLACE.sub(lambda place: words[place[1]], form) for name, form in forms.items()}


def _form(text: str) -> tuple[str, str]:
    variable, is_told, form = text.partition("=")
    if not _VARIABLE.fullmatch(variable):
        raise click.BadParameter("a variable is NAME, or NAME=FORM", param_hint="--env")
    return variable, form if is_told else "{token}"


def _run(program: str, command: tuple[str, ...], environment: Mapping[str, str]) -> int | str:
    """Becomes a program, or on Windows, where that cannot be, runs it; its exit code, or why it has none."""
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's, which has it too
        with subprocess.Popen([program, *command[1:]], env=environment) as process:
            return process.wait()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what it becomes would too
    try:
        os.execve(program, command, environment)  # noqa: S606  the person's own, without a shell
    except OSError as error:
        return error.strerror or type(error).__name__
    except ValueError:
        return "a variable has a character in it that none can have"
