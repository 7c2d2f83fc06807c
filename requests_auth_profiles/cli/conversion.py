"""What a construction of requests_auth says, as the table of a profile."""

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests_auth_profiles
from requests_auth_profiles._config.check import faults
from requests_auth_profiles._config.inheritance import effectives
from requests_auth_profiles._config.keys import PROFILE
from requests_auth_profiles._requests_auth.faces import may_be_secret
from requests_auth_profiles.cli.constructions import (
    Construction,
    Unreadable,
    environment_variable,
    literal,
)

__all__ = ["KINDS", "Converted", "converted"]

_CODE = {"flow": "authorization-code-pkce"}  # ours all have PKCE
_IMPLICIT = {"flow": "implicit"}
_ID_TOKEN = {"flow": "implicit", "token": "id_token"}
_PASSWORD = {"flow": "password"}
_MACHINE = {"flow": "client-credentials"}
_OKTA = {"provider": "okta"}

KINDS: Mapping[str, Mapping[str, str]] = {
    "OAuth2AuthorizationCode": _CODE,
    "OAuth2AuthorizationCodePKCE": _CODE,
    "OktaAuthorizationCode": _CODE | _OKTA,
    "OktaAuthorizationCodePKCE": _CODE | _OKTA,
    "WakaTimeAuthorizationCode": _CODE | {"provider": "wakatime"},
    "OAuth2Implicit": _IMPLICIT,
    "OktaImplicit": _IMPLICIT | _OKTA,
    "OktaImplicitIdToken": _ID_TOKEN | _OKTA,
    "AzureActiveDirectoryImplicit": _IMPLICIT,
    "AzureActiveDirectoryImplicitIdToken": _ID_TOKEN,
    "OAuth2ResourceOwnerPasswordCredentials": _PASSWORD,
    "OktaResourceOwnerPasswordCredentials": _PASSWORD | _OKTA,
    "OAuth2ClientCredentials": _MACHINE,
    "OktaClientCredentials": _MACHINE | _OKTA,
    "HeaderApiKey": {"flow": "api-key"},
    "QueryApiKey": {"flow": "api-key", "in": "query"},
    "Basic": {"flow": "basic"},
    "NTLM": {"flow": "ntlm"},
}
"""The classes that a profile can stand for, and what it says for each of them whatever the arguments."""

_KEYS = {
    "query_parameter_name": "name",
    "redirect_uri_domain": "redirect_host",
    "redirect_uri_endpoint": "redirect_path",
    "redirect_uri_port": "redirect_port",
    "scope": "scopes",
}
_OWN = {
    "audience",
    "client_id",
    "client_secret",
    "resource",
    "scope",
}  # of further keywords, those with a key
# Parameters of which it is known that they are no secret (OpenID Connect Core 3.1.2.1, RFC 8707, providers).
_PUBLIC = {
    *("access_type", "acr_values", "audience", "claims", "display", "domain_hint", "hd", "id_token_hint"),
    *("include_granted_scopes", "login_hint", "max_age", "organization", "prompt", "resource"),
    *("response_mode", "tenant", "ui_locales"),
}
_ENTRA = "https://login.microsoftonline.com"


@dataclass(slots=True)
class Converted:
    """A profile, or why there is none.

    Args:
        name: the profile's name.
        table: what it says but for what stands in the environment.
        variables: for each key whose value does, the variable.
        in_code: those of these keys whose value stands in the code.
        left_out: the arguments that it does not say, and why.
        problem: why it cannot be a profile; empty = it is one.
    """

    name: str
    table: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    in_code: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    problem: str = ""

    def whole(self) -> dict[str, Any]:
        """All that it says, as tomllib would read it."""
        return self.table | {key: {"env": variable} for key, variable in self.variables.items()}


def converted(found: Construction, name: str) -> Converted:
    """The profile of a name that stands for a construction."""
    profile = Converted(name, dict(KINDS[found.kind]))
    arguments = _arguments(found, profile)
    for argument, node in arguments.items():
        _argue(found.kind, argument, node, profile)
    _finish(found.kind, profile)
    if not profile.problem:
        table = {name: profile.whole()}
        wrong = faults({"profiles": table}, effectives(table))
        profile.problem = "; ".join(" ".join((*fault.path[2:], fault.message)) for fault in wrong)
    return profile


def _arguments(found: Construction, profile: Converted) -> dict[str, ast.expr]:
    """What each parameter of the class is given; the further keywords under their own names."""
    call = found.call
    if any(isinstance(one, ast.Starred) for one in call.args) or any(
        one.arg is None for one in call.keywords
    ):
        profile.problem = "has arguments with * or **, which are known only when the program runs"
        return {}
    signature = inspect.signature(getattr(requests_auth_profiles, found.kind))
    try:
        bound = signature.bind(*call.args, **{str(one.arg): one.value for one in call.keywords})
    except TypeError as error:
        profile.problem = f"cannot be called so: {error}"
        return {}
    more: dict[str, ast.expr] = bound.arguments.pop("more", {})
    return bound.arguments | more


def _argue(kind: str, argument: str, node: ast.expr, profile: Converted) -> None:
    """Puts one argument into the profile."""
    if argument == "session_auth":
        _session_auth(node, profile)
        return
    key = "name" if kind == "HeaderApiKey" and argument == "header_name" else _KEYS.get(argument, argument)
    try:
        value = literal(node)
    except Unreadable:
        value = node
    if (
        value is None or value == "" or argument == "nonce"
    ):  # a nonce is new for each sign-in, and asked for by the flow
        return
    if key in PROFILE and PROFILE[key].secret:
        _hide(key, node, profile, stands_in_code=value is not node)
    elif value is not node:
        _say(kind, argument, key, value, profile)
    elif key == "username" and (variable := environment_variable(node)):
        profile.variables[key] = variable
    else:
        profile.left_out.append(f"{argument} is not written out there")


def _hide(key: str, node: ast.expr, profile: Converted, *, stands_in_code: bool) -> None:
    """Refers to a secret, so that it stands in no file."""
    if stands_in_code:
        profile.in_code.add(key)
    usual = re.sub(r"[^A-Z0-9]", "_", f"{profile.name}_{key}".upper())
    profile.variables[key] = environment_variable(node) or usual


def _say(kind: str, argument: str, key: str, value: Any, profile: Converted) -> None:
    """Says what an argument says, whose value is known."""
    parameters = inspect.signature(getattr(requests_auth_profiles, kind)).parameters
    if argument == "prompt" or (argument not in parameters and argument not in _OWN):
        _add(argument, value, profile)
    elif argument == "scope" and isinstance(value, (list, tuple)):
        scopes = list(map(str, value))
        profile.table[key] = ",".join(scopes) if kind.startswith("WakaTime") else scopes  # it takes them so
    elif argument == "redirect_uri_endpoint":
        profile.table[key] = f"/{value}"
    elif isinstance(value, (str, int, float)):
        profile.table[key] = value
    else:
        profile.left_out.append(f"{argument} is of a type that no profile has")


def _add(argument: str, value: Any, profile: Converted) -> None:
    """Adds a further keyword to the parameters of the requests."""
    if argument.lower() not in _PUBLIC:
        profile.left_out.append(f"{argument} may be a secret, which no table of parameters can refer to")
        return
    text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    flow = profile.table["flow"]
    for key, flows in (
        ("authorize_params", (_CODE["flow"], _IMPLICIT["flow"])),
        ("token_params", (_CODE["flow"], _PASSWORD["flow"], _MACHINE["flow"])),
    ):
        if flow in flows:
            profile.table.setdefault(key, {})[argument] = text


def _session_auth(node: ast.expr, profile: Converted) -> None:
    """The client of a password flow, which says who it is in the header."""
    match node:
        case ast.Constant(value=None):
            return
        case ast.Tuple(elts=[ast.Constant(value=str() as client_id), secret]):
            profile.table["client_id"] = client_id
            _hide("client_secret", secret, profile, stands_in_code=isinstance(secret, ast.Constant))
            profile.table["client_auth"] = "basic"
        case _:
            profile.problem = 'has a session_auth that is not written out as ("id", "secret")'


def _finish(kind: str, profile: Converted) -> None:
    """Says what the class does with all of it together."""
    table = profile.table
    if (tenant := table.pop("tenant_id", None)) is not None:
        # Its endpoints of old, as that class has them; the provider `entra` has the new ones.
        table["authorization_url"] = f"{_ENTRA}/{tenant}/oauth2/authorize"
        table["jwks_url"] = f"{_ENTRA}/{tenant}/discovery/keys"
    urls = [table[key] for key in ("authorization_url", "token_url") if isinstance(table.get(key), str)]
    if any(may_be_secret(name) for url in urls for name in _query(url)):
        profile.problem = "has a URL with a parameter in it that may be a secret"
    if table["flow"] == "implicit":
        said = _query(str(table.get("authorization_url", ""))).get("response_type")
        if "id_token" in {said, table.get("response_type")}:
            table["token"] = "id_token"
        if said is not None or table.get("response_type") in {"token", "id_token"}:
            table.pop("response_type", None)
    in_header = table["flow"] == "client-credentials" or kind == "OktaResourceOwnerPasswordCredentials"
    if "client_secret" in profile.variables and not in_header:
        table.setdefault("client_auth", "post")


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return {}
