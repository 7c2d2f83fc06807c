"""Sessions of httpie: what is sent with each request to a host."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from requests_auth_profiles._secret_names import may_be_secret
from requests_auth_profiles.cli.formats.found import (
    Found,
    Hidden,
    LeftOut,
    Problem,
    found_at,
    json_of,
    shown,
    table_of,
    text_of,
    user_of,
)

__all__ = ["read"]


def read(data: bytes, path: Path) -> list[Found | LeftOut]:
    """A profile for the auth of a session, and for each header that may be a key; see `Format.read`."""
    said = json_of(data)
    if not isinstance(said, dict):
        raise ValueError("is not a file of httpie: it is no table")
    said = table_of(said)
    if isinstance(said.get("default_options"), list):
        return list(_options(said["default_options"]))
    if "auth" not in said and "headers" not in said:
        raise ValueError("is not a session of httpie: it has neither auth nor headers")
    return list(_session(said, path))


def _session(said: dict[str, Any], path: Path) -> Iterator[Found | LeftOut]:
    host = _host(path)
    name = f"{host.partition(':')[0]}-{path.stem}" if host else path.stem
    where = f"session {shown(name)}"
    auth = table_of(said.get("auth"))
    urls = [host] if host else []  # without a scheme, as http is only ever meant on this machine here
    if text_of(auth, "type") or text_of(auth, "raw_auth") or text_of(auth, "username"):
        try:
            yield found_at(where, name, _table(auth), urls, [])
        except Problem as problem:
            yield LeftOut(where, str(problem))
    for header, value in _headers(said.get("headers")):
        if header.lower() not in {"authorization", "cookie"} and not may_be_secret(header):
            continue
        told = f"{where}, header {shown(header)}"
        if header.lower() == "cookie":
            yield LeftOut(told, "cookies are a session's, not a profile's")
        elif value.lower().startswith("bearer "):
            table = {"flow": "bearer", "token": Hidden(f"header {header}, without the word Bearer")}
            if header.lower() != "authorization":
                table["header_name"] = header
            yield found_at(told, f"{name}-{header}", table, urls, [])
        else:
            table = {"flow": "api-key", "api_key": Hidden(f"header {header}"), "name": header}
            yield found_at(told, f"{name}-{header}", table, urls, [])


def _host(path: Path) -> str:
    """The host of a session: httpie keeps it in a folder of that name, with _ for the colon."""
    if path.parent.parent.name != "sessions":
        return ""
    return re.sub(r"_([0-9]{1,5})\Z", r":\1", path.parent.name)


def _headers(said: object) -> Iterator[tuple[str, str]]:
    """Names and values: a list since httpie 3.2, a table before."""
    if isinstance(said, list):
        rows = [table_of(row) for row in said]
        yield from ((text_of(row, "name"), text_of(row, "value")) for row in rows if text_of(row, "name"))
    else:
        yield from ((name, text_of(table_of(said), name)) for name in table_of(said))


def _table(auth: dict[str, Any]) -> dict[str, Any]:
    kind = text_of(auth, "type") or "basic"
    raw = text_of(auth, "raw_auth")
    if kind == "bearer":
        return {"flow": "bearer", "token": Hidden("auth.raw_auth")}
    if kind not in {"basic", "digest"}:
        raise Problem(f"its type {shown(kind)} is of a plugin")
    username, _, password = (
        raw.partition(":") if raw else (text_of(auth, "username"), "", text_of(auth, "password"))
    )
    if not username or not password:
        raise Problem(f"it has no {'password' if username else 'user name'}")
    user = user_of(username, password)
    hidden = Hidden("auth.raw_auth, behind the colon" if raw else "auth.password")
    if kind == "digest":
        return {"flow": "class", "class": "requests.auth:HTTPDigestAuth", "args": [user, hidden]}
    return {"flow": "basic", "username": user, "password": hidden}


def _options(options: list[Any]) -> Iterator[Found | LeftOut]:
    """What config.json says for every host: to be told, and not to be a profile for every host."""
    for option in options:
        if isinstance(option, str) and re.match(r"-a|--auth(=|\Z)|--bearer", option):
            yield LeftOut("default_options", "an auth for every host is for none: httpie's --auth")
