"""The verbs about tokens: login, logout, status, token, request."""

import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click
import requests
from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL, MissingSchema

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth, joined, signed_out
from requests_auth_profiles._build import Builder
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.spec import Command, Compose, OAuth2
from requests_auth_profiles._credential import InHeader
from requests_auth_profiles._oauth2.response import printable
from requests_auth_profiles._token import Token
from requests_auth_profiles.cli.context import (
    builder,
    for_named_file,
    lasts,
    sealed_store,
    usable,
    with_file,
)
from requests_auth_profiles.cli.table import show_table
from requests_auth_profiles.errors import NotRevoked, RequestsAuthException, StoreError, StoreUnavailable

__all__ = [
    "good_for",
    "is_bound",
    "login",
    "logout",
    "request",
    "single",
    "status",
    "token",
    "without_proof",
]

_FIRST_ERROR_STATUS = 400
_KEEPING = (Command, OAuth2)
_MOST_SECONDS = 1_000_000  # poll(2) takes no more than some 24 days


@click.command()
@with_file
@click.argument("name", required=False)
def login(name: str | None) -> None:
    """Sign in for a profile.

    A token that is kept is replaced, however good it still is.
    """
    build = builder()
    auth = build.auth(name)
    if not (names := _tokens_of(build, auth.name)):
        raise click.UsageError(f"{auth.name} has nothing to sign in to: its secret is looked up at each use")
    found = auth.login()
    until = "" if found is None or found.expires_at is None else f"; {_ends(found, time.time())}"
    click.echo(f"Signed in for {auth.name}{until}.", err=True)
    if not all(_is_kept(build, one) for one in names):
        raise StoreUnavailable(
            "but the token could not be kept, and is gone with this program",
            hint=f"export {environment.STORE}=FOLDER, one that can be written (in CI none is used unasked)",
        )


@click.command()
@with_file
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Forget the tokens of all profiles.")
@click.option("--revoke", is_flag=True, help="Have the provider end it too, where it does (RFC 7009).")
def logout(name: str | None, *, everything: bool, revoke: bool) -> None:
    """Forget the token of a profile.

    The next use signs in again. What --revoke cannot end is forgotten too, and told: the exit code is 1.
    """
    build = builder()
    if everything and name:
        raise click.UsageError("name a profile, or say --all")
    failures = _all_out(build, revoke=revoke) if everything else _out(build, name, revoke=revoke)
    if failures:
        raise joined(failures)


def _out(build: Builder, name: str | None, *, revoke: bool) -> list[RequestsAuthException]:
    """Signs out of a profile; gives what went wrong."""
    name = build.auth(name).name
    if not (names := _tokens_of(build, name)):
        click.echo(f"{name} keeps no token.", err=True)
        return []
    kept, did = build.store.keys(), "Revoked and forgot" if revoke else "Forgot"

    def tell(one: str) -> None:
        said = f"{did} the token of {one}." if one.casefold() in kept else f"{one} was not signed in."
        click.echo(said, err=True)

    return signed_out(map(build.auth, names), revoke=revoke, done=tell)


def _all_out(build: Builder, *, revoke: bool) -> list[RequestsAuthException]:
    """Signs out of all profiles, also those that are not in the file any more; gives what went wrong."""
    failures: list[RequestsAuthException] = []
    if revoke:
        kept = dict.fromkeys(build.store.keys())
        for spec in usable(build):
            if isinstance(spec.scheme, _KEEPING) and spec.name.casefold() in kept:
                failures += _out(build, spec.name, revoke=True)
                kept.pop(spec.name.casefold())
        hint = "have it ended where it was issued"
        failures += [
            NotRevoked(f"the token of {one}, no profile of this file, is forgotten and not ended", hint=hint)
            for one in kept
        ]
    if (store := sealed_store(build)) is not None:
        store.clear()
    click.echo("Forgot all tokens.", err=True)
    return failures


@click.command()
@with_file
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(*, as_json: bool) -> None:
    """Show who is signed in, and for how long."""
    build = builder()
    rows = [
        _state(spec.name, build.auth(spec.name), spec.flow)
        for spec in usable(build)
        if isinstance(spec.scheme, _KEEPING)
    ]
    store = sealed_store(build)
    where = "memory, for this process only" if store is None else store.where
    if as_json:
        click.echo(json.dumps({"file": str(build.file.path), "store": where, "profiles": rows}, indent=2))
        return
    show_table(
        ["profile", "flow", "state", "renewable", "scope"],
        [
            [row["name"], row["flow"], row["says"], "yes" if row["renewable"] else "", row["scope"]]
            for row in rows
        ],
        empty="No profile here has a token to keep.",
    )
    click.echo(f"\nfile   {build.file.path}\ntokens {where}", err=True)


def _state(name: str, auth: ProfileAuth | ComposedAuth, flow: str) -> dict[str, Any]:
    kept = auth.stored() if isinstance(auth, ProfileAuth) else None
    now = time.time()
    state = "none" if kept is None else "valid" if kept.fresh(now, 0) else "expired"
    return {
        "name": name,
        "flow": flow,
        "state": state,
        "says": "not signed in" if kept is None else _ends(kept, now),
        "expires_at": None if kept is None else kept.expires_at,
        "renewable": kept is not None and kept.is_renewable,
        "scope": (kept.scope or "") if kept is not None else "",
    }


@click.command()
@with_file
@click.argument("name", required=False)
@click.option("--header", is_flag=True, help="Print the whole header, as in: Authorization: Bearer …")
@click.option(
    "--time",
    "least",
    type=click.FloatRange(min=0),
    default=0,
    help="Renew it if it ends within S seconds.",
    metavar="S",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "k8s"]), default="text", help="How to print it."
)
def token(name: str | None, *, header: bool, least: float, form: str) -> None:
    """Print a token, for another program.

    It is good now: if need be it is renewed or signed in for first.
    """
    build = builder()
    auth = single(build.auth(name))
    bound = is_bound(build, auth)
    if bound and (header or form == "k8s"):
        raise without_proof(auth.name)
    if header and not isinstance(auth.credential, InHeader):
        raise click.UsageError(f"{auth.name} does not go into a header: leave --header out")
    found = good_for(auth, least)
    if bound:
        click.echo(
            "It is bound to a key that stays here (dpop): no API takes it without a proof, which "
            f"`{_signing(auth.name)}` makes.",
            err=True,
        )
    if header and isinstance(auth.credential, InHeader):
        ((field, value),) = auth.credential.headers(found, "GET", "").items()
        click.echo(f"{field}: {value}")
    elif form == "json":
        said: dict[str, Any] = {"access_token": found.access_token, "token_type": found.token_type}
        said |= {
            key: value for key, value in (("expires_at", found.expires_at), ("scope", found.scope)) if value
        }
        click.echo(json.dumps(said))
    elif form == "k8s":
        click.echo(json.dumps(_exec_credential(found)))
    else:
        click.echo(found.access_token)


def single(auth: ProfileAuth | ComposedAuth) -> ProfileAuth:
    """The one credential that an auth is.

    Raises:
        click.UsageError: it is several.
    """
    if not isinstance(auth, ProfileAuth):
        members = ", ".join(map(_name, auth.members))
        raise click.UsageError(f"{auth.name} has several credentials: name one of {members}")
    return auth


def is_bound(build: Builder, auth: ProfileAuth) -> bool:
    """Whether the token of an auth is bound to a key (dpop)."""
    scheme = build.file.profile(auth.name).scheme
    return isinstance(scheme, OAuth2) and scheme.dpop


def without_proof(name: str) -> click.UsageError:
    """The error that another program has no use for the token of a profile, as it is bound to a key."""
    return click.UsageError(
        f"the token of {name} is bound to a key (dpop), and each request needs a proof of its own: "
        f"{_signing(name)}, or in Python profile({name!r}).headers(url, method)"
    )


def _signing(name: str) -> str:
    """The command that sends a request with a proof."""
    return for_named_file(f"requests-auth request {name} URL")


def good_for(auth: ProfileAuth, least: float) -> Token:
    """A token that is good for some seconds more, if such a one can be had."""
    found = auth.token()
    if found.expires_at is not None and found.expires_at < time.time() + least:
        found = auth.credential.source.token(rejected=found.access_token)
    return found


def _exec_credential(found: Token) -> dict[str, Any]:
    """What kubectl takes from a credential plugin."""
    said = {"token": found.access_token}
    if found.expires_at is not None:
        ends = datetime.fromtimestamp(found.expires_at, UTC)
        said["expirationTimestamp"] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": said}


@click.command()
@with_file
@click.argument("name")
@click.argument("url")
@click.option("-X", "--method", help="The method. Default: GET, or POST with --data.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="One more header.")
@click.option("-d", "--data", metavar="TEXT|@FILE|@-", help="The body: text, a file, or standard input.")
@click.option("-i", "--include", is_flag=True, help="Print the answer's status and headers to stderr.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=_MOST_SECONDS),
    default=60,
    show_default=True,
    help="Seconds.",
)
def request(
    name: str,
    url: str,
    *,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    include: bool,
    timeout: float,
) -> int:
    """Send a request that a profile signs.

    The answer's body goes to stdout; the exit code is 1 from status 400 on.
    """
    said = dict(_header(text) for text in headers)
    body = _body(data)
    auth = builder().auth(name)
    method = method or ("GET" if body is None else "POST")
    try:
        answer = requests.request(
            method, url, headers=said, data=body, auth=auth, timeout=timeout, stream=True
        )
    except (InvalidURL, MissingSchema, InvalidSchema, InvalidHeader):
        raise click.UsageError("the URL or a header cannot be sent; a URL begins with https://") from None
    except requests.RequestException:
        raise
    except ValueError:  # of http.client and urllib3; its text may hold a secret
        raise click.UsageError("the URL, the method or a header cannot be sent") from None
    if include:
        click.echo(_status(answer), err=True)
        for field, value in answer.headers.items():
            click.echo(f"{printable(field)}: {printable(value)}", err=True)
    with answer:
        for part in answer.iter_content(64 * 1024):
            sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
    if answer.status_code >= _FIRST_ERROR_STATUS:
        click.echo(_status(answer), err=True)
        return 1
    return 0


def _status(answer: requests.Response) -> str:
    """What a server says of a request, in what does nothing to a terminal."""
    return f"{answer.status_code} {printable(answer.reason)}"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter("a header is NAME:VALUE", param_hint="--header")
    return name.strip(), value.strip()


def _body(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    try:
        with click.open_file(data[1:], "rb") as file:
            content: bytes = file.read()
    except OSError as error:
        raise click.BadParameter(f"{data[1:]}: {error.strerror}", param_hint="--data") from None
    return content


def _ends(found: Token, now: float) -> str:
    if found.expires_at is None:
        return "valid"
    left = found.expires_at - now
    return f"valid for {lasts(left)}" if left > 0 else f"expired {lasts(-left)} ago"


def _tokens_of(build: Builder, name: str) -> list[str]:
    """The profiles whose tokens are kept for one: itself, or members of a composition."""
    scheme = build.file.profile(name).scheme
    if isinstance(scheme, Compose):
        return [one for member in scheme.members for one in _tokens_of(build, member)]
    return [name] if isinstance(scheme, _KEEPING) else []


def _is_kept(build: Builder, name: str) -> bool:
    store = sealed_store(build)
    with suppress(StoreError):
        return store is not None and store.get(name) is not None
    return False


def _name(member: object) -> str:
    return member.name if isinstance(member, ProfileAuth) else type(member).__name__
