"""The cache of requests_auth: tokens, of which those that are JWTs say where they come from."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests_auth_profiles.cli.formats.found import (
    Found,
    Hidden,
    LeftOut,
    Problem,
    json_of,
    public_url,
    shown,
    table_of,
    text_of,
)

__all__ = ["read"]

_CLIENTS = ("azp", "cid", "client_id", "appid")
_ENTRA = re.compile(
    r"https://(?:login\.microsoftonline\.com|sts\.windows\.net)/([0-9A-Za-z.-]+)/?(?:v2\.0)?/?"
)
_LONGEST = 64 * 1024


def read(data: bytes, path: Path) -> list[Found | LeftOut]:  # noqa: ARG001
    """A profile for each client of each issuer; see `Format.read`."""
    said = json_of(data)
    if not isinstance(said, dict) or not all(isinstance(one, list) for one in said.values()):
        raise ValueError("is not a cache of requests_auth: it is no table of lists")
    return list(_all(table_of(said)))


def _all(said: dict[str, Any]) -> Iterator[Found | LeftOut]:
    seen: set[str] = set()
    for key, entry in said.items():
        where = f"entry {shown(key, 12)}…"
        claims = _claims(entry[0] if entry else None)
        if claims is None:
            yield LeftOut(where, "its token is no JWT, and says nothing of where it comes from")
            continue
        try:
            found = _profile(where, claims, renewable=len(entry) > 2 and bool(entry[2]))  # noqa: PLR2004
        except Problem as problem:
            yield LeftOut(where, str(problem))
            continue
        same = json.dumps({**found.table, "scopes": "", "client_secret": ""}, sort_keys=True)
        if same in seen:
            yield LeftOut(where, "it is of the same client and issuer as one before")
        else:
            seen.add(same)
            yield found


def _claims(token: object) -> dict[str, Any] | None:
    """What a JWT says; its signature is nobody's business here."""
    if not isinstance(token, str) or len(token) > _LONGEST or token.count(".") != 2:  # noqa: PLR2004
        return None
    body = token.split(".")[1]
    try:
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    return table_of(said) if isinstance(said, dict) else None


def _profile(where: str, claims: dict[str, Any], *, renewable: bool) -> Found:
    issuer = text_of(claims, "iss")
    if not issuer:
        raise Problem("its token names no issuer")
    public_url(issuer, "issuer")
    audience = text_of(claims, "aud")
    client = next(filter(None, (text_of(claims, name) for name in _CLIENTS)), "")
    notes = ["the flow is a guess: a cache does not say it", "it says no host: write hosts"]
    if not client and claims.keys() & {"nonce", "at_hash", "c_hash"}:  # an ID token is for its client
        client = audience
    if not client:
        raise Problem("its token names no client")
    table: dict[str, Any] = {"client_id": client}
    entra = _ENTRA.fullmatch(issuer)
    if entra:
        table |= {"provider": "entra", "tenant_id": entra[1]}
    else:
        table["issuer"] = issuer
        if urlsplit(issuer).netloc.endswith(".auth0.com") and audience:
            table["audience"] = audience
    if not renewable and _is_of_a_program(claims, client):
        table |= {"flow": "client-credentials", "client_secret": Hidden("client secret")}
    else:
        table |= {"flow": "authorization-code-pkce"}
    scopes = claims.get("scp", claims.get("scope"))
    words = scopes.split() if isinstance(scopes, str) else scopes
    if isinstance(words, list) and words:
        table["scopes"] = [word for word in words if isinstance(word, str)]
    host = urlsplit(issuer).netloc
    return Found(where, f"{entra[1] if entra else host}-{client}"[:48], table, notes)


def _is_of_a_program(claims: dict[str, Any], client: str) -> bool:
    """Whether a token was issued to a client for itself, in the words of several providers."""
    subject = text_of(claims, "sub")
    return (
        subject in {client, f"{client}@clients"}
        or claims.get("gty") == "client-credentials"
        or claims.get("idtyp") == "app"
    )
