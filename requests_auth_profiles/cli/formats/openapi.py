"""The securitySchemes of an OpenAPI description, of version 3 and 2."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from requests_auth_profiles.cli.formats.found import (
    Found,
    Hidden,
    LeftOut,
    Problem,
    hosts_of,
    json_of,
    public_url,
    shown,
    table_of,
    text_of,
)
from requests_auth_profiles.errors import RequestsAuthException

__all__ = ["read"]

_FLOWS = {
    "authorizationCode": "authorization-code-pkce",
    "accessCode": "authorization-code-pkce",  # of version 2, as `application`
    "clientCredentials": "client-credentials",
    "application": "client-credentials",
    "password": "password",
    "implicit": "implicit",
    "deviceAuthorization": "device-code",
}
_URLS = {
    "authorizationUrl": "authorization_url",
    "tokenUrl": "token_url",
    "deviceAuthorizationUrl": "device_authorization_url",
}
_WELL_KNOWN = "/.well-known/openid-configuration"
_CLIENT = "YOUR-CLIENT-ID"
_WRITE_CLIENT = f"write your client_id in place of {_CLIENT}"
_MOST_SCOPES = 20


def read(data: bytes, path: Path) -> list[Found | LeftOut]:
    """A profile for each scheme, and for each flow of one; see `Format.read`."""
    said = _parsed(data, path)
    schemes = table_of(table_of(said.get("components")).get("securitySchemes"))
    schemes |= table_of(said.get("securityDefinitions"))
    return list(_all(said, schemes))


def _parsed(data: bytes, path: Path) -> dict[str, Any]:
    is_json = data.lstrip()[:1] == b"{" or path.suffix.lower() == ".json"
    said = json_of(data) if is_json else _yaml(data)
    if not isinstance(said, dict) or not {"openapi", "swagger"} & said.keys():
        raise ValueError("is not an OpenAPI description: it says neither openapi nor swagger")
    return table_of(said)


def _yaml(data: bytes) -> Any:
    try:
        import yaml
    except ImportError:
        raise RequestsAuthException(
            "a description in YAML is read with PyYAML, which is not there",
            hint="pip install 'requests-auth-profiles[yaml]'; or give it as JSON",
        ) from None
    try:
        return yaml.safe_load(data)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = f"is not YAML, from line {line} on"
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError, KeyError):
        problem = "is not YAML that can be read"
    raise ValueError(problem)


def _all(said: dict[str, Any], schemes: dict[str, Any]) -> Iterator[Found | LeftOut]:
    base = next(iter(_servers(said)), "")
    asked = _asked(said.get("security"))
    for name, scheme in ((name, table_of(scheme)) for name, scheme in schemes.items()):
        where = f"securitySchemes.{shown(name)}"
        if "$ref" in scheme:
            yield LeftOut(where, "it stands elsewhere ($ref)")
            continue
        for told, own, table in _of_scheme(where, name, scheme):
            notes: list[str] = []
            try:
                if isinstance(table, Problem):
                    raise table
                yield _made(told, own, _whole(table, scheme, base, asked.get(name), notes), said, notes)
            except Problem as problem:
                yield LeftOut(told, str(problem))


def _of_scheme(
    where: str, name: str, scheme: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any] | Problem]]:
    """The flows of a scheme, or itself; each with its words and its name."""
    if text_of(scheme, "type").lower() != "oauth2":
        yield where, name, {}
        return
    flows = table_of(scheme.get("flows")) or {text_of(scheme, "flow"): scheme}
    for kind, flow in flows.items():
        told = f"{where}, flow {shown(kind)}"
        if kind in _FLOWS:
            yield (
                told,
                name if len(flows) == 1 else f"{name}-{_FLOWS[kind]}",
                {**table_of(flow), "flow": _FLOWS[kind]},
            )
        elif not kind.startswith("x-"):
            yield told, name, Problem("it is none that a profile has")


def _whole(
    flow: dict[str, Any], scheme: dict[str, Any], base: str, asked: list[str] | None, notes: list[str]
) -> dict[str, Any]:
    """What a profile says for a scheme, or for one flow of it."""
    kind = text_of(scheme, "type")
    match kind.lower(), text_of(scheme, "scheme").lower():
        case "oauth2", _:
            return _oauth2(flow, base, asked, notes)
        case "openidconnect", _:
            url = urljoin(base, text_of(scheme, "openIdConnectUrl"))
            if not url.endswith(_WELL_KNOWN):
                raise Problem(f"its openIdConnectUrl does not end in {_WELL_KNOWN}")
            notes.append(_WRITE_CLIENT)
            issuer = public_url(url.removesuffix(_WELL_KNOWN), "openIdConnectUrl")
            return {"flow": "authorization-code-pkce", "issuer": issuer, "client_id": _CLIENT} | _scopes(
                asked
            )
        case "apikey", _:
            place, name = text_of(scheme, "in"), text_of(scheme, "name")
            if place not in {"header", "query"}:
                raise Problem(f"its key goes into a {shown(place) or 'place that it does not say'}")
            return {"flow": "api-key", "api_key": Hidden("key"), "in": place} | (
                {"name": name} if name else {}
            )
        case ("http", "basic") | ("basic", _):
            return {"flow": "basic", "username": Hidden("user name"), "password": Hidden("password")}
        case "http", "bearer":
            return {"flow": "bearer", "token": Hidden("token")}
        case "http", "digest":
            args = [Hidden("user name"), Hidden("password")]
            return {"flow": "class", "class": "requests.auth:HTTPDigestAuth", "args": args}
        case "http", other:
            raise Problem(f"its scheme {shown(other)} is none that a profile has")
    raise Problem(f"its type {shown(kind)} is none that a profile has")


def _oauth2(flow: dict[str, Any], base: str, asked: list[str] | None, notes: list[str]) -> dict[str, Any]:
    table = {"flow": flow["flow"]}
    for key, name in _URLS.items():
        if text_of(flow, key):
            table[name] = public_url(urljoin(base, text_of(flow, key)), key)
    if table["flow"] == "password":
        table |= {"username": Hidden("user name"), "password": Hidden("password")}
    else:
        table["client_id"] = _CLIENT
        notes.append(_WRITE_CLIENT)
    if table["flow"] == "client-credentials":
        table["client_secret"] = Hidden("client secret")
    offered = [name for name in table_of(flow.get("scopes")) if name.isprintable()]
    if asked is None and offered:
        more = ", …" if len(offered) > _MOST_SCOPES else ""
        notes.append(f"scopes that there are: {', '.join(map(shown, offered[:_MOST_SCOPES]))}{more}")
    return table | _scopes(asked)


def _scopes(asked: list[str] | None) -> dict[str, Any]:
    return {"scopes": asked} if asked else {}


def _made(where: str, name: str, table: dict[str, Any], said: dict[str, Any], notes: list[str]) -> Found:
    if hosts := hosts_of(_servers(said), notes):
        table["hosts"] = hosts
    else:
        notes.append("it says no host: write hosts")
    return Found(where, name, table, notes)


def _asked(security: object) -> dict[str, list[str]]:
    """The scopes that the whole API asks for, by scheme."""
    found: dict[str, list[str]] = {}
    for requirement in security if isinstance(security, list) else ():
        for name, scopes in table_of(requirement).items():
            words = [word for word in scopes if isinstance(word, str)] if isinstance(scopes, list) else []
            found.setdefault(name, words)
    return {name: words for name, words in found.items() if words}


def _servers(said: Mapping[str, Any]) -> list[str]:
    """The absolute URLs of the servers, their variables at their defaults."""
    if isinstance(said.get("host"), str):  # version 2
        schemes = said.get("schemes")
        scheme = "http" if schemes == ["http"] else "https"
        return [f"{scheme}://{said['host'].strip()}{text_of(said, 'basePath')}"]
    servers = said.get("servers")
    found = []
    for server in map(table_of, servers if isinstance(servers, list) else ()):
        url = text_of(server, "url")
        for name, variable in table_of(server.get("variables")).items():
            url = url.replace(f"{{{name}}}", text_of(table_of(variable), "default"))
        try:
            if urlsplit(url).netloc:
                found.append(url)
        except ValueError:
            continue
    return found
