"""The verb that lists the profiles: list."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import click

from requests_auth_profiles._config.spec import Compose, OAuth2, Profile
from requests_auth_profiles.cli.context import builder, usable, with_file
from requests_auth_profiles.cli.table import show_table
from requests_auth_profiles.errors import ProfileNotFound

__all__ = ["list_"]


@click.command("list")
@with_file
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, as_json: bool) -> None:
    """List the profiles.

    The one marked * is meant where none is named.
    """
    build = builder()
    default = ""
    with suppress(ProfileNotFound):  # none is
        default = build.file.chosen(None)
    rows = [_row(spec, default) for spec in usable(build)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    show_table(
        ["", "profile", "flow", "provider", "goes to", "description"],
        [
            [
                "*" if row["default"] else "",
                row["name"],
                row["flow"],
                row["provider"],
                ", ".join(row["hosts"]) or "any https host",
                row["description"],
            ]
            for row in rows
        ],
        empty=f"{build.file.path} has no profiles yet.",
    )


def _row(spec: Profile, default: str) -> dict[str, Any]:
    scheme = spec.scheme
    return {
        "name": spec.name,
        "default": spec.name == default,
        "flow": f"compose {' + '.join(scheme.members)}" if isinstance(scheme, Compose) else spec.flow,
        "provider": _provider(scheme.endpoints) if isinstance(scheme, OAuth2) else "",
        "hosts": [str(pattern) for pattern in spec.hosts],
        "description": spec.description,
    }


def _provider(endpoints: dict[str, str]) -> str:
    known = (endpoints[name] for name in ("authorization_url", "issuer", "token_url") if name in endpoints)
    return urlsplit(next(known)).netloc
