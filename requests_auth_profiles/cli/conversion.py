"""What a construction of requests_auth says, as the table of a profile."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests_auth_profiles
from requests_auth_profiles._config.check import faults
from requests_auth_profiles._config.inheritance import effectives
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._requests_auth.parameters import ENTRA, vouched_by_entra
from requests_auth_profiles.cli.constructions import Construction
from requests_auth_profiles.cli.program import Term
from requests_auth_profiles.cli.values import Unreadable, Values, Variable

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
    *("access_type", "acr_values", "audience", "claims", "display", "domain_hint", "hd"),
    *("include_granted_scopes", "login_hint", "max_age", "organization", "prompt", "resource"),
    *("response_mode", "tenant", "ui_locales"),
}


_PUBLIC_IN_URLS = _PUBLIC | {
    "api-version",
    "client_id",
    "lang",
    "locale",
    "response_type",
    "scope",
    "version",
}
_TELLING = re.compile("[@;#?&=]")  # in the part of a URL where no parameter should be: one that is hidden

_VARIABLES = {"instance", "authorization_server"}  # of the provider that has some
_SECRET_LENGTH = 6  # a shorter one, as "test", stands elsewhere by chance
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Words, each with a short number behind it, and a domain: what is longer or more mixed may be a key.
_WORD = r"(?:[A-Z]?[a-z]{1,20}(?:[A-Z][a-z]{2,20})*|[A-Z]{1,20})[0-9]{0,4}"
_USER = re.compile(rf"(?:[A-Za-z0-9.-]*\\)?{_WORD}(?:[._+-](?:{_WORD}|[0-9]{{1,4}}))*(?:@[A-Za-z0-9.-]+)?")
_LONGEST_USER = 64
_KEY = re.compile(r"(?:gh[a-z]|github|gl[a-z]*|[prs]k|xox[a-z]|api|key|pat|token|npm|hf)[_-]", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NO_PASSWORD = {  # what stands for one where the user name is a key
    *("", "-", "_", "any", "anything", "api_token", "blank", "dummy", "ignored", "none", "null", "token"),
    *("unused", "x", "x-oauth-basic", "xx", "xxx"),
}
_HEADER_VALUE = re.compile(rf'(?:{_WORD}(?:-{_WORD})* )?(?:token=)?("?)\{{token\}}\1')


@dataclass(slots=True)
class Converted:
    """A profile, or why there is none.

    Args:
        name: the profile's name.
        table: what it says but for what stands in the environment.
        variables: for each key whose value does, the variable.
        comments: for each of these keys, where the name is from.
        missing: for each key that it should say, where the code has the value from.
        left_out: the arguments that it does not say, and why.
        secrets: what nobody may see.
        problem: why it cannot be a profile; empty = it is one.
        is_draft: whether it would be one with what is missing.
    """

    name: str
    table: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    problem: str = ""
    is_draft: bool = False

    def whole(self) -> dict[str, Any]:
        """All that it says, as tomllib would read it."""
        return self.table | {key: {"env": variable} for key, variable in self.variables.items()}

    def lack(self, argument: str, key: str, why: str) -> None:
        """Takes note of an argument that it cannot say."""
        self.left_out.append(f"{_word(argument)} {why}")
        if key in PROFILE or key in _VARIABLES:
            self.missing[key] = why.replace(" there", " in the code")


def converted(found: list[Construction], names: list[str]) -> list[Converted]:
    """The profiles of some names that stand for the constructions of a program."""
    profiles = [_read(one, name) for one, name in zip(found, names, strict=True)]
    secrets = {
        one.casefold() for profile in profiles for one in profile.secrets if len(one) >= _SECRET_LENGTH
    }
    for one, profile in zip(found, profiles, strict=True):
        profile.table = _without(secrets, profile)
        if profile.problem:
            continue
        _finish(one.kind, profile)
        if not profile.problem:
            data = {"profiles": {profile.name: profile.whole()}}
            wrong = faults(data, providers(), effectives(data, providers(), in_ci=False))
            profile.problem = "; ".join(" ".join((*fault.path[2:], fault.message)) for fault in wrong)
            profile.is_draft = bool(profile.missing and wrong) and all(
                fault.message.startswith("needs ") for fault in wrong
            )
    return profiles


def _read(found: Construction, name: str) -> Converted:
    """What the arguments say."""
    profile = Converted(name, dict(KINDS[found.kind]), problem=found.problem)
    arguments = _arguments(found, profile)
    password = _value(found.values, arguments["password"]) if "password" in arguments else None
    for argument, term in arguments.items():
        if argument == "session_auth":
            _session_auth(term, found.values, profile)
        elif argument != "nonce":  # it is new for each sign-in, and asked for by the flow
            _argue(found, argument, term, profile, user_is_key=_is_filler(password))
    return profile


def _without(secrets: set[str], profile: Converted) -> dict[str, Any]:
    """The profile's table without what some argument of the program keeps secret."""
    table: dict[str, Any] = {}
    for key, value in profile.table.items():
        said = " ".join(_texts(value)).casefold()
        if any(secret in text for text in {said, unquote(said)} for secret in secrets):
            profile.lack(key, key, "holds what is a secret elsewhere in the program")
        else:
            table[key] = value
    return table


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
    else:
        yield str(value)


def _arguments(found: Construction, profile: Converted) -> dict[str, Term]:
    """What each parameter of the class is given; the further keywords under their own names."""
    if found.problem:
        return {}
    signature = inspect.signature(getattr(requests_auth_profiles, found.kind))
    try:
        bound = signature.bind(*found.ordered, **found.named)
    except TypeError as error:
        are_names = all(name.isidentifier() for name in found.named)  # else the error shows one that is none
        profile.problem = f"cannot be called so{f': {error}' if are_names else ''}"
        return {}
    more: dict[str, Term] = bound.arguments.pop("more", {})
    return bound.arguments | more


def _argue(found: Construction, argument: str, term: Term, profile: Converted, *, user_is_key: bool) -> None:
    """Puts one argument into the profile."""
    named = found.kind == "HeaderApiKey" and argument == "header_name"
    key = "name" if named else _KEYS.get(argument, argument)
    value = _value(found.values, term)
    source = found.values.secret_source()
    if value is None or value == "":
        return
    known_secret = key in PROFILE and PROFILE[key].secret
    is_plain = not (source or user_is_key) and (isinstance(value, Unreadable) or _is_user(value))
    if known_secret or (key == "username" and not is_plain):
        _hide(key, value, profile)
    elif isinstance(value, Unreadable):
        profile.lack(argument, key, f"is not written out there{_from(value.source)}")
    elif source:
        _keep(value, profile)
        profile.lack(argument, key, f"comes from {source}, which may be a secret")
    elif not isinstance(value, Variable):
        _say(found.kind, argument, key, value, profile)
    elif value.default is None:
        profile.lack(argument, key, f"is not written out there{_from(_shown(value.name))}")
    else:
        profile.left_out.append(f"that {argument} is read from {_shown(value.name)}, where that is set")
        _say(found.kind, argument, key, value.default, profile)


def _value(values: Values, term: Term) -> Any:
    """The value of an argument, a `Variable`, or the `Unreadable` that it is."""
    try:
        return values.of(term)
    except Unreadable as error:
        return error


def _is_user(value: Any) -> bool:
    """Whether something reads as the name of a user, and not as a key that stands in its place."""
    is_short = isinstance(value, str) and len(value) <= _LONGEST_USER
    return is_short and _USER.fullmatch(value) is not None and _KEY.match(value) is None


def _is_filler(password: Any) -> bool:
    """Whether a password stands where there is none, so that the user name is the secret."""
    return isinstance(password, str) and password.lower() in _NO_PASSWORD


def _word(argument: str) -> str:
    """The name of a keyword, unless somebody wrote something else in its place."""
    return argument if argument.isidentifier() else "a keyword"


def _from(source: str) -> str:
    return f", but comes from {source}" if source else ""


def _shown(variable: str) -> str:
    """The name of an environment variable, unless somebody wrote something else in its place."""
    return variable if _NAME.fullmatch(variable) else "an environment variable"


def _keep(value: Any, profile: Converted) -> None:
    """Takes note of a secret, so that it is seen nowhere else either."""
    if isinstance(value, Variable):
        value = value.default
    if not isinstance(value, Unreadable):
        profile.secrets.update(_texts(value))


def _hide(key: str, value: Any, profile: Converted) -> None:
    """Refers to a secret, so that it stands in no file."""
    _keep(value, profile)
    if isinstance(value, Variable) and _NAME.fullmatch(value.name):
        profile.variables[key] = value.name
        profile.comments[key] = "as in the code" + (
            ", which has a default for it" if value.has_default else ""
        )
        return
    variable = re.sub(r"[^A-Z0-9]", "_", f"{profile.name}_{key}".upper())
    where = "stands in the code"
    if isinstance(value, (Variable, Unreadable)):
        where = "is known when the code runs"
        if isinstance(value, Unreadable) and value.source:
            where = f"comes from {value.source} in the code"
    profile.variables[key] = variable
    profile.comments[key] = f"it {where}: export {variable}=..."


def _say(kind: str, argument: str, key: str, value: Any, profile: Converted) -> None:
    """Says what an argument says, whose value is known."""
    parameters = inspect.signature(getattr(requests_auth_profiles, kind)).parameters
    texts = list(value) if isinstance(value, list) else [value]
    if argument == "prompt" or (argument not in parameters and argument not in _OWN):
        _add(argument, value, profile)
    elif argument == "scope" and isinstance(value, list) and all(isinstance(one, str) for one in texts):
        profile.table[key] = ",".join(texts) if kind.startswith("WakaTime") else texts  # it takes them so
    elif argument == "redirect_uri_endpoint":
        profile.table[key] = f"/{value}"
    elif argument == "header_value" and not (isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
        _keep(str(value).replace("{token}", "").strip(), profile)
        profile.lack(argument, key, "has text beside the token there, which may be a secret")
    elif isinstance(value, (str, int, float)):
        profile.table[key] = value
    else:
        profile.lack(argument, key, "is of a type that no profile has")


def _add(argument: str, value: Any, profile: Converted) -> None:
    """Adds a further keyword to the parameters of the requests."""
    if argument.lower() not in _PUBLIC:
        profile.left_out.append(
            f"{_word(argument)} may be a secret, which no table of parameters can refer to"
        )
        _keep(value, profile)
        return
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(one, (str, int, float)) for one in texts):
        profile.left_out.append(f"{argument} is of a type that no profile has")
        return
    text = " ".join(map(str, texts))
    flow = profile.table["flow"]
    for key, flows in (
        ("authorize_params", (_CODE["flow"], _IMPLICIT["flow"])),
        ("token_params", (_CODE["flow"], _PASSWORD["flow"], _MACHINE["flow"])),
    ):
        if flow in flows:
            profile.table.setdefault(key, {})[argument] = text


def _session_auth(term: Term, values: Values, profile: Converted) -> None:
    """The client of a password flow, which says who it is in the header."""
    if _value(values, term) is None:
        return
    try:
        client_id, secret = values.elements(term)
    except (ValueError, RecursionError):  # also of another number
        known = None
    else:
        known = _value(values, client_id)
    if not isinstance(known, str):
        profile.problem = 'has a session_auth that is not written out as ("id", "secret")'
        return
    password = _value(values, secret)
    if _is_filler(password) or not (_is_user(known) or _GUID.fullmatch(known)):
        _keep(known, profile)
        profile.problem = "has a session_auth whose id may be a secret"
        return
    profile.table |= {"client_id": known, "client_auth": "basic"}
    _hide("client_secret", password, profile)


def _finish(kind: str, profile: Converted) -> None:
    """Says what the class does with all of it together."""
    table = profile.table
    if (tenant := table.pop("tenant_id", None)) is not None:
        # Its endpoints of old, as that class has them; the provider `entra` has the new ones.
        table["authorization_url"] = f"{ENTRA}/{tenant}/oauth2/authorize"
        table |= vouched_by_entra(tenant)
    if not all(_is_public(text) for text in _texts(table) if "://" in text):
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


def _is_public(url: str) -> bool:
    """Whether a URL has nothing in it, but for its path, of which it is not known that it is no secret."""
    address, _, query = url.partition("?")
    said = parse_qsl(query, keep_blank_values=True)
    return not _TELLING.search(unquote(address)) and all(
        name.lower() in _PUBLIC_IN_URLS and not _TELLING.search(value.replace("@", ""))
        for name, value in said
    )


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return {}
