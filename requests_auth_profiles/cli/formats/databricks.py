"""~/.databrickscfg: workspaces and accounts of Databricks."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from requests_auth_profiles.cli.formats.found import (
    Found,
    Hidden,
    LeftOut,
    Problem,
    hosts_of,
    public_url,
    shown,
)
from requests_auth_profiles.cli.formats.ini import sections

__all__ = ["read"]

_SETTINGS = "__settings__"
_AZURE = "2ff814a6-3304-4ab8-85cd-cd0e6f879c1d/.default"  # Azure Databricks, whatever the workspace
_PORT = 8020  # of the client databricks-cli
_ELSEWHERE = {"cluster_id", "warehouse_id", "serverless_compute_id", "auth_type", "workspace_id"}


def read(data: bytes, path: Path) -> list[Found | LeftOut]:  # noqa: ARG001
    """A profile for each section; see `Format.read`."""
    return list(_all(sections(data)))


def _all(parsed: dict[str, dict[str, str]]) -> Iterator[Found | LeftOut]:
    for name, said in parsed.items():
        if name == _SETTINGS or not said:
            continue
        where = f"[{shown(name)}]"
        try:
            yield _profile(where, name, said)
        except Problem as problem:
            yield LeftOut(where, str(problem))


def _profile(where: str, name: str, said: dict[str, str]) -> Found:
    notes: list[str] = []
    url = said.get("host", "")
    base = _base(url) if url else ""
    hosts = hosts_of([base], notes) if base else []
    table: dict[str, object]
    kind = said.get("auth_type", "")
    used = {"host"}
    if said.get("token") and kind in {"", "pat"}:
        table = {"flow": "bearer", "token": Hidden("token")}
        used.add("token")
    elif said.get("azure_client_id") and said.get("azure_client_secret") and said.get("azure_tenant_id"):
        table = {
            "flow": "client-credentials",
            "provider": "entra",
            "tenant_id": said["azure_tenant_id"],
            "client_id": said["azure_client_id"],
            "client_secret": Hidden("azure_client_secret"),
            "scopes": [_AZURE],
        }
        used |= {"azure_tenant_id", "azure_client_id", "azure_client_secret"}
    elif said.get("client_id") and said.get("client_secret"):
        table = {
            "flow": "client-credentials",
            "token_url": _endpoint(base, said, "token"),
            "client_id": said["client_id"],
            "client_secret": Hidden("client_secret"),
            "scopes": ["all-apis"],
        }
        used |= {"client_id", "client_secret", "account_id"}
    elif kind in {"databricks-cli", "external-browser"}:
        table = {
            "flow": "authorization-code-pkce",
            "authorization_url": _endpoint(base, said, "authorize"),
            "token_url": _endpoint(base, said, "token"),
            "client_id": said.get("client_id") or "databricks-cli",
            "scopes": ["all-apis", "offline_access"],
            "redirect_port": _PORT,
        }
        used |= {"client_id", "account_id"}
    elif said.get("username") and said.get("password"):
        table = {"flow": "basic", "username": said["username"], "password": Hidden("password")}
        used |= {"username", "password"}
    else:
        raise Problem(
            f"its auth_type {shown(kind)} is none that a profile has" if kind else "it has no credential"
        )
    if hosts:
        table["hosts"] = hosts
    else:
        notes.append("it says no host: write hosts")
    notes += [f"{shown(key)} is left out" for key in said.keys() - used - _ELSEWHERE]
    return Found(where, name, table, sorted(notes))


def _base(url: str) -> str:
    """The URL of a workspace, without what else may stand in it."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme != "https":
        raise Problem("its host is no https URL")
    return f"https://{host}{'' if port is None else f':{port}'}"


def _endpoint(base: str, said: dict[str, str], name: str) -> str:
    if not base:
        raise Problem("it says no host")
    account = said.get("account_id", "")
    of_account = account and urlsplit(base).netloc.startswith("accounts")
    return public_url(
        f"{base}/oidc/{f'accounts/{account}/' if of_account else ''}v1/{name}", "host or account_id"
    )
