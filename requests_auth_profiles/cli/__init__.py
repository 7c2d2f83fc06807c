"""The command line: `requests-auth`."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click
import requests

from requests_auth_profiles import __version__
from requests_auth_profiles.cli.adding import add
from requests_auth_profiles.cli.checking import check
from requests_auth_profiles.cli.context import for_named_file, wants_colour, with_file
from requests_auth_profiles.cli.demo import demo
from requests_auth_profiles.cli.diagnosing import doctor
from requests_auth_profiles.cli.editing import edit, remove
from requests_auth_profiles.cli.importing import import_
from requests_auth_profiles.cli.listing import list_
from requests_auth_profiles.cli.running import exec_
from requests_auth_profiles.cli.schema import schema
from requests_auth_profiles.cli.showing import show
from requests_auth_profiles.cli.starting import init
from requests_auth_profiles.cli.storing import store
from requests_auth_profiles.cli.tokens import login, logout, request, status, token
from requests_auth_profiles.errors import ConfigurationError, InteractionRequired, RequestsAuthException

__all__ = ["main", "run"]

_OK, _ERROR, _WRONG_FILE, _SIGN_IN, _INTERRUPTED = 0, 1, 3, 4, 130  # and 2 is click's, for usage


# \b keeps click from filling the lines of a paragraph.
_HELP = """Name an authentication once, in a file, and use it in every requests call.

\b
New here?    requests-auth demo    see it work, with no account and no network
             requests-auth init    write a first profiles file

\b
Exit codes:  0 done, 1 error, 2 usage, 3 the file is wrong,
             4 a person must sign in, 130 interrupted
"""


class _Verbs(click.Group):
    """The verbs: what an error says to type next is for the file that was named."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a verb."""
        try:
            return super().invoke(ctx)
        except RequestsAuthException as error:
            error.hint = for_named_file(error.hint)
            raise


@click.group(
    cls=_Verbs, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", prog_name="requests-auth")
@with_file
def cli() -> None:
    """All verbs."""


for _verb in (
    *(demo, init, add, edit, remove, list_, show, check, schema, import_),
    *(login, logout, status, token, request, exec_, doctor, store),
):
    cli.add_command(_verb)


def main() -> NoReturn:
    """Runs the command line of this process."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before we began
            setattr(sys, name, io.open(os.devnull, mode, encoding="utf-8"))  # noqa: UP020, SIM115
        elif isinstance(stream, io.TextIOWrapper) and mode == "w":
            stream.reconfigure(errors="replace")  # a pipe or console that has no ✓ gets a ?
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs a command line, and gives its exit code: the one place that shows errors."""
    try:
        result = cli.main(
            list(arguments), prog_name="requests-auth", standalone_mode=False, color=wants_colour()
        )
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted", err=True)
        return _INTERRUPTED
    except (click.ClickException, OSError) as error:  # an OSError is every error of ours and of requests
        return _shown(error)
    return result if isinstance(result, int) else _OK


def _shown(error: click.ClickException | OSError) -> int:
    """The exit code of an error, which is shown."""
    code = _ERROR
    match error:
        case click.ClickException():
            error.show()
            code = error.exit_code
        case RequestsAuthException():
            _say(error.message, error.hint)
            if isinstance(error, InteractionRequired):
                code = _SIGN_IN
            elif isinstance(error, ConfigurationError):
                code = _WRONG_FILE
        case requests.RequestException():
            # Its text may hold the URL, and the URL a key: only its kind is told.
            _say(f"the request failed: {type(error).__name__}", "look at the URL, and whether it answers")
        case _:
            # What is still to be written would fail once more, when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):  # as of `| head`, which has seen enough
                _say(f"cannot write: {error.strerror}", "see whether the disk is full: df")
    return code


def _say(message: str, hint: str) -> None:
    colour = wants_colour()
    click.echo(f"{click.style('error', fg='red', bold=True)}: {message}", err=True, color=colour)
    if hint:
        click.echo(f"{click.style('hint', fg='yellow', bold=True)}: {hint}", err=True, color=colour)
