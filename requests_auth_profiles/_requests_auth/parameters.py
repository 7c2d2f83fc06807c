"""What the OAuth2 classes are given: checked, as it is sent, and without secrets where it is seen."""

import functools
import hmac
import inspect
import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from threading import TIMEOUT_MAX
from types import UnionType
from typing import Any, get_args, get_origin

from requests.auth import AuthBase

from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._requests_auth.oauth2 import needed
from requests_auth_profiles._secret_names import may_be_secret
from requests_auth_profiles.errors import ConfigurationError

__all__ = [
    "ENTRA",
    "Scope",
    "check_variables",
    "for_browser",
    "given",
    "proof_of",
    "provider_urls",
    "scope_of",
    "texts",
    "vouched_by_entra",
    "without_secrets",
]

ENTRA = "https://login.microsoftonline.com"
Scope = str | Collection[str]

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HINT = "id_token_hint"
_PROOFS = {"client_secret", "password"}  # whose token it is, the names beside them say
_THIS_PROCESS = secrets.token_bytes(32)
_declared = functools.cache(inspect.signature)  # some programs make an auth for each request
_WORDS = {str: "text", int: "a port", float: "a number of seconds"}


def given(local: Mapping[str, Any], *but: str) -> dict[str, Any]:
    """The parameters of an `__init__`, by name, of its `locals()`; `more` are not among them.

    Raises:
        ConfigurationError: one is not what it is declared as.
    """
    for name, parameter in _declared(local["__class__"].__init__).parameters.items():
        declared, default = parameter.annotation, parameter.default
        if declared is not parameter.empty and not _fits(local[name], declared):
            words = _WORDS.get(declared, inspect.formatannotation(declared))
            example = default if default and default is not parameter.empty else "…"
            shown = f'"{example}"' if isinstance(example, str) and _fits(example, declared) else example
            raise ConfigurationError(
                f"{name} of {type(local['self']).__name__} is not {words}", hint=f"{name}={shown}"
            )
    return {name: value for name, value in local.items() if name not in {"self", "more", "__class__", *but}}


def _fits(value: Any, declared: Any) -> bool:  # noqa: PLR0911  a case for each form of a declaration
    """Whether a value is what a parameter is declared as."""
    kind, inside = get_origin(declared) or declared, get_args(declared)
    if kind in (Any, object):
        return True
    if kind is UnionType:
        return any(_fits(value, one) for one in inside)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value in range(65536)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < TIMEOUT_MAX
    if kind is AuthBase:
        return callable(value)  # as requests takes it
    if kind is tuple:
        return isinstance(value, tuple) and len(value) == len(inside) and all(map(_fits, value, inside))
    if not inside:
        return isinstance(value, kind)
    return isinstance(value, kind) and all(_fits(one, inside[0]) for one in value)


def provider_urls(name: str, keys: Iterable[str], said: Mapping[str, Any]) -> dict[str, Any]:
    """Endpoints of a provider that is known.

    Args:
        name: the provider's row.
        keys: which of them.
        said: the `locals()` of an `__init__`, its variables among them.

    Raises:
        ConfigurationError: a variable is empty, or is not what the URLs need.
    """
    check_variables(name, said)
    row = providers()[name]
    return {key: row.filled(row.keys[key], said) for key in keys}


def check_variables(name: str, said: Mapping[str, Any]) -> None:
    """Refuses what cannot stand in the URLs of a provider; see `provider_urls`."""
    owner, variables = type(said["self"]).__name__, providers()[name].variables
    needed(owner, **{variable: said[variable] for variable in variables})
    for variable, key in variables.items():
        value = said[variable]
        if isinstance(value, str) and (problem := key.kind.problem(value)) is not None:  # else see `given`
            example = problem.write or key.example
            raise ConfigurationError(f"{variable} of {owner} {problem.message}", hint=f"{variable}={example}")


def vouched_by_entra(tenant_id: str) -> dict[str, str]:
    """Who signs the ID tokens of Entra's endpoints of old; the provider `entra` has those of the new ones."""
    tenant = str(tenant_id).lower()
    keys = {"jwks_url": f"{ENTRA}/{tenant}/discovery/keys"}
    # Tokens name the tenant by its GUID, whatever name it has here.
    return keys | ({"issuer": f"https://sts.windows.net/{tenant}/"} if _GUID.fullmatch(tenant) else {})


def scope_of(scope: Scope | None) -> str:
    """A scope as it is sent, of text or a list."""
    return scope if isinstance(scope, str) else " ".join(map(str, scope or ()))


def texts(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are sent; those that say nothing are left out, and those in a list are repeated."""
    said = {name: value for name, value in parameters.items() if value is not None}
    return {name: _text(name, value) for name, value in said.items()}


def _text(name: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return str(value)
    # As `resource` may be (RFC 8707 section 2); a scope is one text.
    return scope_of(value) if name == "scope" else [str(one) for one in value]


def for_browser(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What may stand in the browser's address bar, whatever a provider's page may say."""
    # The hint is a token that came by the browser, and has no other way (OpenID Connect Core 3.1.2.1).
    return {name: value for name, value in parameters.items() if name == _HINT or not may_be_secret(name)}


def without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What tells tokens apart, and may be read by whoever reads their names."""
    hidden = {name: value for name, value in parameters.items() if may_be_secret(name)}
    shown = {name: value for name, value in parameters.items() if name not in hidden}
    if not hidden.keys() - _PROOFS:
        return shown
    return {**shown, "": proof_of(hidden)}


def proof_of(said: Mapping[str, Any]) -> str:
    """What tells secrets apart in this process, and nothing in any other."""
    # Without the key, which ends with this process, nobody can try out what a short secret was.
    told = json.dumps(said, sort_keys=True, default=repr)  # a password may be bytes
    return hmac.digest(_THIS_PROCESS, told.encode(), "sha256").hex()
