"""What a profile says, as typed values: nothing is read, resolved or asked for by them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from requests_auth_profiles._config.inheritance import Effective
from requests_auth_profiles._config.keys import ENDPOINTS
from requests_auth_profiles._config.place import Place
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._hosts import HostPattern

__all__ = ["ApiKey", "Basic", "Bearer", "Client", "Compose", "OAuth2", "Profile", "Redirect", "Scheme"]

_Placed = Callable[[tuple[str, ...]], Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key in a header or in the query."""

    api_key: Secret
    place: Literal["header", "query"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """A user name and a password (RFC 7617)."""

    username: Secret
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A token that is there already (RFC 6750)."""

    token: Secret
    header_name: str
    header_value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """Profiles that sign each request together."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who we are to the provider (RFC 6749 section 2)."""

    client_id: str
    client_secret: Secret | None
    client_auth: Literal["basic", "post", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Where the browser comes back to (RFC 8252 section 7.3)."""

    host: str
    ports: tuple[int, ...]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
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
    header_name: str
    header_value: str
    early_expiry: float
    timeout: float


Scheme = ApiKey | Basic | Bearer | Compose | OAuth2


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
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


def profile_of(found: Effective, placed: _Placed) -> Profile:
    """The profile that a checked set of keys means."""
    return Profile(
        name=found.name,
        flow=found.get("flow") or "compose",
        description=found.get("description") or "",
        hosts=tuple(HostPattern.parse(text) for text in found.get("hosts") or ()),
        allow_http=found.get("allow_http"),
        scheme=_scheme(found, placed),
    )


def _scheme(found: Effective, placed: _Placed) -> Scheme:
    def secret(key: str) -> Secret:
        return Secret(found.get(key), placed(found.path(key)))

    match found.get("flow"):
        case None:
            return Compose(members=tuple(found.get("compose")))
        case "api-key":
            place: Literal["header", "query"] = found.get("in")
            name = found.get("name") or ("X-API-Key" if place == "header" else "api_key")
            return ApiKey(api_key=secret("api_key"), place=place, name=name)
        case "basic":
            return Basic(username=secret("username"), password=secret("password"))
        case "bearer":
            return Bearer(
                token=secret("token"),
                header_name=found.get("header_name"),
                header_value=found.get("header_value"),
            )
        case flow:
            return _oauth2(flow, found, secret)


def _oauth2(flow: str, found: Effective, secret: Callable[[str], Secret]) -> OAuth2:
    return OAuth2(
        flow=flow,
        endpoints={name: found.get(name) for name in ENDPOINTS if name in found},
        client=_client(found, secret),
        scopes=_tuple(found.get("scopes")),
        audience=found.get("audience"),
        resource=found.get("resource"),
        authorize_params=found.get("authorize_params") or {},
        token_params=found.get("token_params") or {},
        redirect=Redirect(
            host=found.get("redirect_host"),
            ports=_tuple(found.get("redirect_port")),
            path=found.get("redirect_path"),
        ),
        header_name=found.get("header_name"),
        header_value=found.get("header_value"),
        early_expiry=found.get("early_expiry"),
        timeout=found.get("timeout"),
    )


def _client(found: Effective, secret: Callable[[str], Secret]) -> Client:
    has_secret = "client_secret" in found
    return Client(
        client_id=found.get("client_id"),
        client_secret=secret("client_secret") if has_secret else None,
        client_auth=(found.get("client_auth") or "basic") if has_secret else "none",
    )


def _tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)
