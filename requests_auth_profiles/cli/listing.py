"""The verb that lists the profiles: list."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import click

from requests_auth_profiles._config.reaching import reached
from requests_auth_profiles._config.spec import Compose, OAuth2, Profile
from requests_auth_profiles._oauth2.response import printable
from requests_auth_profiles.cli.context import builder, usable, with_file
from requests_auth_profiles.cli.table import show_table
from requests_auth_profiles.cli.written import hosts_text
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
    specs = {spec.name: spec for spec in usable(build)}
    rows = [_row(spec, specs, default) for spec in specs.values()]
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
                hosts_text(row["hosts"]),
                printable(row["description"]),
            ]
            for row in rows
        ],
        empty=f"{build.file.path} has no profiles yet.",
    )


def _row(spec: Profile, specs: dict[str, Profile], default: str) -> dict[str, Any]:
    scheme, hosts = spec.scheme, reached(spec.name, specs)
    return {
        "name": spec.name,
        "default": spec.name == default,
        "flow": f"compose {' + '.join(scheme.members)}" if isinstance(scheme, Compose) else spec.flow,
        "provider": _provider(scheme.endpoints) if isinstance(scheme, OAuth2) else "",
        "hosts": None if hosts is None else [str(pattern) for pattern in hosts],
        "description": spec.description,
    }


def _provider(endpoints: dict[str, str]) -> str:
    known = (endpoints[name] for name in ("authorization_url", "issuer", "token_url") if name in endpoints)
    return urlsplit(next(known, "")).netloc  # it may be in a key file
