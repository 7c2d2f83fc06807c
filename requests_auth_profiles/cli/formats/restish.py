"""The apis and auth_profiles of restish, of version 1 and 2."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from requests_auth_profiles._config import kinds
from requests_auth_profiles._secret_names import may_be_secret
from requests_auth_profiles.cli.formats.found import (
    Found,
    Hidden,
    LeftOut,
    Problem,
    found_at,
    json_of,
    public_url,
    shown,
    table_of,
    text_of,
    user_of,
    words_of,
)

__all__ = ["read"]

_FLOWS = {
    "oauth-authorization-code": "authorization-code-pkce",
    "oauth-client-credentials": "client-credentials",
    "oauth-device-code": "device-code",
}
_URLS = {
    "issuer_url": "issuer",
    "authorize_url": "authorization_url",
    "token_url": "token_url",
    "device_authorization_url": "device_authorization_url",
}
_AUTH_METHODS = {"client_secret_post": "post", "client_secret_basic": "basic", "none": "none"}
_PORT = 8484


def read(data: bytes, path: Path) -> list[Found | LeftOut]:  # noqa: ARG001
    """A profile for each credential; see `Format.read`."""
    said = json_of(data)
    if not isinstance(said, dict):
        raise ValueError("is not a file of restish: it is no table")
    return list(_all(table_of(said)))


def _all(said: dict[str, Any]) -> Iterator[Found | LeftOut]:
    newer = isinstance(said.get("apis"), dict) or isinstance(said.get("auth_profiles"), dict)
    shared = table_of(said.get("auth_profiles"))
    used: dict[str, list[str]] = {}
    for api, one in table_of(said.get("apis") if newer else said).items():
        if not isinstance(one, dict):
            continue  # as $schema
        base = text_of(one, "base_url") or text_of(one, "base")
        for profile, table in _tables(one.get("profiles")):
            name = api if profile == "default" else f"{api}-{profile}"
            where = f"{shown(api)}, profile {shown(profile)}"
            bases = [text_of(table, "base_url") or text_of(table, "base") or base]
            yield from _headers(where, name, table, bases)
            for part, credential in [("", table), *_tables(table.get("credentials"))]:
                if ref := text_of(credential, "auth_ref"):
                    used.setdefault(ref, []).extend(bases)
                if isinstance(credential.get("auth"), dict):
                    told, ours = (f"{where}, {shown(part)}", f"{name}-{part}") if part else (where, name)
                    yield _entry(told, ours, credential["auth"], bases)
    for name, auth in shared.items():
        yield _entry(f"auth_profiles.{shown(name)}", name, table_of(auth), used.get(name, []))
    for name in used.keys() - shared.keys():
        yield LeftOut(f"auth_ref {shown(name)}", "there is no such auth_profile")


def _tables(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables in a table, by name."""
    return ((name, table_of(one)) for name, one in table_of(value).items())


def _headers(where: str, name: str, table: dict[str, Any], bases: list[str]) -> Iterator[Found | LeftOut]:
    """The keys that a profile of an api puts into headers or the query itself."""
    for place, key in (("header", "headers"), ("query", "query")):
        for field in table_of(table.get(key)):
            if field.lower() == "authorization" or may_be_secret(field):
                told = f"{where}, {key} {shown(field)}"
                yield found_at(told, f"{name}-{field}", _placed(place, field, f"{key}.{field}"), bases, [])


def _placed(place: str, field: str, where: str) -> dict[str, Any]:
    return {"flow": "api-key", "api_key": Hidden(where), "in": place, "name": field}


def _entry(where: str, name: str, auth: dict[str, Any], bases: list[str]) -> Found | LeftOut:
    kind = text_of(auth, "type") or text_of(auth, "name")
    params = table_of(auth.get("params"))
    notes: list[str] = []
    try:
        return found_at(where, name, _table(kind, params, notes), bases, notes)
    except Problem as problem:
        return LeftOut(where, str(problem))


def _table(kind: str, params: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """What a profile says for an auth."""
    if kind == "http-basic":
        return {
            "flow": "basic",
            "username": user_of(text_of(params, "username"), text_of(params, "password")),
            "password": _secret(params, "password"),
        }
    if kind == "bearer":
        return {"flow": "bearer", "token": _secret(params, "token")}
    if kind == "api-key":
        place = text_of(params, "in") or "header"
        key = next((name for name in ("value", "key", "api_key") if text_of(params, name)), "value")
        table = {"flow": "api-key", "api_key": _secret(params, key), "in": place}
        return table | ({"name": params["name"]} if text_of(params, "name") else {})
    if kind not in _FLOWS:
        raise Problem(f"its type {shown(kind)} is none that a profile has" if kind else "it has no type")
    return _oauth2(_FLOWS[kind], params, notes)


def _oauth2(flow: str, params: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    table: dict[str, Any] = {"flow": flow, "client_id": text_of(params, "client_id")}
    for name, key in _URLS.items():
        if text_of(params, name):
            table[key] = public_url(params[name].strip(), name)
    if "client_secret" in params:
        table["client_secret"] = _secret(params, "client_secret")
        method = text_of(params, "auth_method")
        table["client_auth"] = _AUTH_METHODS.get(method, "post")
    if scopes := words_of(params.get("scopes")):
        table["scopes"] = scopes
    for key in ("audience", "resource"):
        if text_of(params, key):
            table[key] = params[key]
    if table["flow"] == "authorization-code-pkce":
        port = str(params.get("redirect_port") or _PORT)
        table["redirect_port"] = int(port) if port.isdecimal() and len(port) <= len("65535") else _PORT
    known = {
        *_URLS,
        "client_id",
        "client_secret",
        "auth_method",
        "scopes",
        "audience",
        "resource",
        "redirect_port",
    }
    notes += [f"{shown(key)} is left out" for key in sorted(params.keys() - known)]
    return table


def _secret(params: Mapping[str, Any], key: str) -> Any:
    """Where a secret is: its own reference, or a variable that is to hold it."""
    said = text_of(params, key)
    how, _, what = said.partition(":")
    if how == "env" and kinds.SECRET.problem({"env": what}) is None:
        return {"env": what}
    if how == "command" and what.strip() and what.isprintable():
        try:
            words = shlex.split(what)
        except ValueError:
            words = []
        if words and words[0] in {"echo", "printf"}:  # the secret itself
            return Hidden(key)
        simple = words and not set(what) & set("|&;<>()$`*?[]{}~\n")
        return {"command": words if simple else ["sh", "-c", what.strip()]}
    if not said:
        raise Problem(f"it has no {key}")
    return Hidden(key)
