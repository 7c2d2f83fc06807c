"""What a profile says, as typed values: nothing is read, resolved or asked for by them.

Named tuples, as most other values of profiles files are: each process makes these classes anew, and a
dataclass costs several times as much, as it compiles each of its methods.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from requests_auth_profiles._config.asking import Call
from requests_auth_profiles._config.clients import (
    Client,
    Exchange,
    Signing,
    client_of,
    exchange_of,
    signing_of,
)
from requests_auth_profiles._config.flows import ENDPOINTS
from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.kinds import is_reference
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._hosts import HostPattern

__all__ = [
    "ApiKey",
    "Basic",
    "Bearer",
    "Command",
    "Compose",
    "Foreign",
    "Http",
    "Named",
    "Ntlm",
    "OAuth2",
    "Profile",
    "Redirect",
    "Scheme",
    "keyring_user",
    "profile_of",
]

_Placed = Callable[[tuple[str, ...]], Place]


class ApiKey(NamedTuple):
    """A key in a header or in the query."""

    api_key: Secret
    place: Literal["header", "query"]
    name: str


class Basic(NamedTuple):
    """A user name and a password (RFC 7617)."""

    username: Secret
    password: Secret


class Ntlm(NamedTuple):
    """A Windows user; None = whoever is signed in to Windows."""

    user: Basic | None


class Bearer(NamedTuple):
    """A token that is there already (RFC 6750)."""

    token: Secret
    header_name: str
    header_value: str


class Foreign(NamedTuple):
    """A class of another package, and what an object of it is made with: secrets are `Secret` in there."""

    path: str
    args: list[Any]
    options: dict[str, Any]

    def __repr__(self) -> str:
        return f"Foreign(path={self.path!r})"  # the others may be secrets that stand in the file


class Command(NamedTuple):
    """A program that prints the token; it runs in the folder of its file."""

    command: tuple[str, ...]
    folder: Path
    header_name: str
    header_value: str
    early_expiry: float


class Compose(NamedTuple):
    """Profiles that sign each request together."""

    members: tuple[str, ...]


class Redirect(NamedTuple):
    """Where the browser comes back to (RFC 8252 section 7.3)."""

    host: str
    ports: tuple[int, ...]
    path: str


class Named(NamedTuple):
    """A file that a profile names; a relative one is beside the file that names it."""

    text: str
    place: Place


class Http(NamedTuple):
    """How the provider is called, in place of what the environment says."""

    proxy: Secret | None
    ca_bundle: Named | None
    client_cert: Named | None
    client_key: Named | None
    retries: int | None


class OAuth2(NamedTuple):
    """A token that a provider issues."""

    flow: str
    endpoints: dict[str, str]
    client: Client
    scopes: tuple[str, ...]
    audience: str | None
    resource: str | None
    authorize_params: dict[str, str]
    token_params: dict[str, str]
    redirect: Redirect
    browser: tuple[str, ...]
    response_type: str
    par: bool | None
    code_field_name: str
    token_field_name: str
    user: Basic | None
    header_name: str
    header_value: str
    early_expiry: float
    timeout: float
    http: Http
    dpop: bool = False
    signing: Signing | None = None
    exchange: Exchange | None = None


Scheme = ApiKey | Basic | Bearer | Command | Compose | Foreign | Ntlm | OAuth2


class Profile(NamedTuple):
    """One profile of the file.

    Args:
        name: its name.
        flow: its flow, or `compose`.
        description: what it is for, for people.
        hosts: where its credential may go; empty = any https host.
        allow_http: whether it may go over plain http.
        scheme: how the credential is won, and where it is put.
    """

    name: str
    flow: str
    description: str
    hosts: tuple[HostPattern, ...]
    allow_http: bool
    scheme: Scheme


def profile_of(found: Effective, placed: _Placed, call: Call | None) -> Profile:
    """The profile that a checked set of keys means.

    Args:
        found: the keys.
        placed: gives the place of a path.
        call: how a CI service is called for a secret; None = not at all.
    """
    return Profile(
        name=found.name,
        flow=found.get("flow") or "compose",
        description=found.get("description") or "",
        hosts=tuple(HostPattern.parse(text) for text in found.get("hosts") or ()),
        allow_http=found.get("allow_http"),
        scheme=_scheme(found, placed, call),
    )


def keyring_user(found: Effective) -> str:
    """Whose entry of a keyring is meant where a reference names none."""
    # As `keyring get SERVICE USERNAME` has it: whoever the profile signs in, or the profile itself.
    said = found.get("username")
    return said if isinstance(said, str) else found.name


def _scheme(found: Effective, placed: _Placed, call: Call | None) -> Scheme:  # noqa: PLR0911  a case for each flow
    user = keyring_user(found)

    def made(path: tuple[str, ...], reference: Any) -> Secret:
        by_lines = path[-1] == "private_key"
        return Secret(reference, placed(path), user=user, call=call, by_lines=by_lines)

    def secret(key: str) -> Secret:
        return made(found.path(key), found.get(key))

    match found.get("flow"):
        case None:
            return Compose(members=tuple(found.get("compose")))
        case "api-key":
            place: Literal["header", "query"] = found.get("in")
            name = found.get("name") or ("X-API-Key" if place == "header" else "api_key")
            return ApiKey(api_key=secret("api_key"), place=place, name=name)
        case "basic":
            return _user(secret)
        case "ntlm":
            return Ntlm(user=_user(secret) if "username" in found else None)
        case "bearer":
            return Bearer(
                token=secret("token"),
                header_name=found.get("header_name"),
                header_value=found.get("header_value"),
            )
        case "class":
            return Foreign(
                path=found.get("class"),
                args=_with_secrets(found.get("args") or [], partial(made, found.path("args"))),
                options={
                    name: _with_secrets(value, partial(made, found.path("options", name)))
                    for name, value in found.get("options").items()
                },
            )
        case "command":
            return Command(
                command=tuple(found.get("command")),
                folder=placed(found.path("command")).file.parent,
                header_name=found.get("header_name"),
                header_value=found.get("header_value"),
                early_expiry=found.get("early_expiry"),
            )
        case flow:
            return _oauth2(flow, found, secret, _http(found, placed, made))


def _http(found: Effective, placed: _Placed, made: Callable[[tuple[str, ...], Any], Secret]) -> Http:
    said = found.get("http")

    def file(entry: str) -> Named | None:
        return Named(said[entry], placed(found.path("http", entry))) if entry in said else None

    return Http(
        proxy=made(found.path("http", "proxy"), said["proxy"]) if "proxy" in said else None,
        ca_bundle=file("ca_bundle"),
        client_cert=file("client_cert"),
        client_key=file("client_key"),
        retries=said.get("retries"),
    )


def _with_secrets(value: Any, made: Callable[[Any], Secret]) -> Any:
    """A value with the references to secrets in it made such."""
    if is_reference(value):
        return made(value)
    if isinstance(value, dict):
        return {name: _with_secrets(entry, made) for name, entry in value.items()}
    return [_with_secrets(entry, made) for entry in value] if isinstance(value, list) else value


def _user(secret: Callable[[str], Secret]) -> Basic:
    return Basic(username=secret("username"), password=secret("password"))


def _oauth2(flow: str, found: Effective, secret: Callable[[str], Secret], http: Http) -> OAuth2:
    token = found.get("token") if flow == "implicit" else "access_token"
    implicit = "id_token" if token == "id_token" else "token"
    return OAuth2(
        flow=flow,
        endpoints={name: found.get(name) for name in ENDPOINTS if name in found},
        client=client_of(flow, found, secret),
        scopes=_tuple(found.get("scopes")),
        audience=None if flow == "jwt-bearer" else found.get("audience"),
        resource=found.get("resource"),
        authorize_params=found.get("authorize_params") or {},
        token_params=found.get("token_params") or {},
        redirect=Redirect(
            host=found.get("redirect_host"),
            ports=_tuple(found.get("redirect_port")),
            path=found.get("redirect_path"),
        ),
        browser=_words(found.get("browser")),
        response_type=found.get("response_type") or (implicit if flow == "implicit" else "code"),
        par=found.get("par"),
        code_field_name=found.get("code_field_name"),
        token_field_name=found.get("token_field_name") or token,
        user=_user(secret) if "username" in found else None,
        header_name=found.get("header_name"),
        header_value=found.get("header_value"),
        early_expiry=found.get("early_expiry"),
        timeout=found.get("timeout"),
        http=http,
        dpop=found.get("dpop"),
        signing=signing_of(flow, found, secret),
        exchange=exchange_of(flow, found, secret),
    )


def _words(value: str | list[str] | None) -> tuple[str, ...]:
    """A command: a text is one word of it, and may have blanks in it, as paths have."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def _tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)
