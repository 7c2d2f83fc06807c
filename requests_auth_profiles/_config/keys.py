"""The table of keys and flows that drives the checker: each key of the profiles file stands here, once."""

from dataclasses import dataclass
from typing import Any

from requests_auth_profiles._config import addresses, kinds
from requests_auth_profiles._config.kinds import Kind

__all__ = ["ENDPOINTS", "FLOWS", "PROFILE", "ROOT", "STORE", "Flow", "Key", "key_of"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the profiles file.

    Args:
        name: as it is written.
        kind: what its value may be.
        about: what it does, in one sentence.
        example: a value, in TOML; empty = the kind's.
        secret: whether a value that stands in the file itself must not be readable by others.
        common: whether every profile takes it.
        merged: whether what a child says is added to what its parent says, not put in its place.
        default: what holds where it is absent; None = nothing.
    """

    name: str
    kind: Kind
    about: str
    example: str = ""
    secret: bool = False
    common: bool = False
    merged: bool = False
    default: Any = None

    def written(self, value: str = "") -> str:
        """A line of TOML that sets it: to a value, or as an example."""
        example = value or self.example or self.kind.example
        return example if self.kind is kinds.TABLE else f"{self.name} = {example}"


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow: how a credential is won.

    Args:
        name: as it is written.
        about: what it is, in one sentence.
        needs: the keys that it cannot do without.
        takes: the keys that it also takes.
        endpoints: the URLs of the provider that it calls; it takes a provider, an issuer, or these.
        own: those of its keys that mean something else in other flows.
    """

    name: str
    about: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    own: tuple[Key, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """Its own keys: neither those that every profile takes nor the variables of its provider."""
        return frozenset((*self.needs, *self.takes, *(("provider", *ENDPOINTS) if self.endpoints else ())))

    def known(self) -> dict[str, Key]:
        """Whatever a profile of this flow may say, by name, but for the variables of its provider."""
        known = {name: key for name, key in PROFILE.items() if key.common or name in self.keys}
        return known | _by_name(*self.own)


def _by_name(*keys: Key) -> dict[str, Key]:
    return {key.name: key for key in keys}


ENDPOINTS = (
    "issuer",
    "authorization_url",
    "token_url",
    "device_authorization_url",
    "revocation_url",
    "jwks_url",
)

_TOKEN = ("header_name", "header_value", "early_expiry", "timeout")
_ASKED = ("scopes", "audience", "resource", "token_field_name", *_TOKEN)
_CLIENT = ("client_secret", "client_auth", "token_params", *_ASKED)
_SIGN_IN = ("redirect_port", "redirect_host", "redirect_path", "authorize_params", "response_type")
_CODE = (*_CLIENT, *_SIGN_IN, "code_field_name", "username", "password")

FLOWS = {
    flow.name: flow
    for flow in (
        Flow("api-key", "a key in a header or in the query", ("api_key",), ("in", "name")),
        Flow("basic", "a user name and a password (RFC 7617)", ("username", "password")),
        Flow(
            "ntlm",
            "a Windows user; without one, on Windows, whoever is signed in",
            (),
            ("username", "password"),
        ),
        Flow("bearer", "a token that you have already", ("token",), ("header_name", "header_value")),
        Flow(
            "client-credentials",
            "a program signs in as itself (RFC 6749 section 4.4)",
            ("client_id", "client_secret"),
            _CLIENT,
            ("token_url",),
        ),
        Flow(
            "authorization-code-pkce",
            "a person signs in with the browser (RFC 7636)",
            ("client_id",),
            _CODE,
            ("authorization_url", "token_url"),
        ),
        Flow(
            "authorization-code",
            "the same without PKCE, at a provider that refuses it (RFC 6749 section 4.1)",
            ("client_id",),
            _CODE,
            ("authorization_url", "token_url"),
        ),
        Flow(
            "implicit",
            "a person signs in with the browser, which brings the token itself (RFC 6749 section 4.2)",
            ("client_id",),
            ("token", *_ASKED, *_SIGN_IN),
            ("authorization_url",),
            (
                Key(
                    "token",
                    kinds.choice("a kind of token", '"id_token"', ("access_token", "id_token")),
                    "which token is asked for",
                    default="access_token",
                ),
            ),
        ),
        Flow(
            "password",
            "a person's name and password are turned into a token (RFC 6749 section 4.3)",
            ("username", "password"),
            ("client_id", *_CLIENT),
            ("token_url",),
        ),
    )
}

ROOT = _by_name(
    Key("default_profile", kinds.TEXT, "the profile that is meant where none is named", '"work"'),
    Key("store", kinds.TABLE, "where tokens are kept, and their key", "[store]"),
    Key("profiles", kinds.TABLE, "the profiles, by name", "[profiles.NAME]"),
)

STORE = _by_name(
    Key("key", kinds.SECRET, "32 bytes in base64url that seal the tokens", secret=True),
    Key("url", kinds.STORE, "where tokens are kept"),
)

PROFILE = _by_name(
    Key(
        "flow",
        kinds.choice("a flow", '"client-credentials"', FLOWS),
        "how the credential is won",
        common=True,
    ),
    Key(
        "compose",
        kinds.NAMES,
        "the profiles that sign each request together, instead of a flow",
        '["gateway-key", "work-okta"]',
        common=True,
    ),
    Key(
        "extends",
        kinds.TEXT,
        "the profile whose keys hold where this one has none",
        '"work-okta"',
        common=True,
    ),
    Key("description", kinds.ANY_TEXT, "what it is for, for people", common=True),
    Key("hosts", addresses.HOSTS, "where the credential may go; absent = any https host", common=True),
    Key("allow_http", kinds.BOOLEAN, "whether it may go over plain http", common=True, default=False),
    Key("provider", kinds.TEXT, "a provider whose endpoints are known", '"okta"'),
    Key("issuer", addresses.ISSUER, "the provider's issuer; its endpoints are discovered there"),
    Key(
        "authorization_url",
        addresses.URL,
        "the provider's authorization endpoint",
        '"https://login.acme.com/authorize"',
    ),
    Key("token_url", addresses.URL, "the provider's token endpoint", '"https://login.acme.com/token"'),
    Key(
        "device_authorization_url",
        addresses.URL,
        "the provider's device authorization endpoint",
        '"https://login.acme.com/device"',
    ),
    Key(
        "revocation_url",
        addresses.URL,
        "the provider's revocation endpoint",
        '"https://login.acme.com/revoke"',
    ),
    Key("jwks_url", addresses.URL, "the provider's keys", '"https://login.acme.com/keys"'),
    Key("client_id", kinds.TEXT, "the client's id at the provider"),
    Key("client_secret", kinds.SECRET, "the client's secret at the provider", secret=True),
    Key(
        "client_auth",
        kinds.choice("a client authentication", '"post"', ("basic", "post", "none")),
        "how the client proves itself; absent = basic where there is a secret, else none",
    ),
    Key("scopes", kinds.SCOPES, "what is asked for"),
    Key("audience", kinds.TEXT, "the API that the token is for, at providers that ask for it"),
    Key("resource", addresses.URI, "the API that the token is for (RFC 8707)"),
    Key("authorize_params", kinds.PARAMETERS, "more parameters of the authorization request", merged=True),
    Key("token_params", kinds.PARAMETERS, "more parameters of the token request", merged=True),
    Key(
        "redirect_port",
        addresses.PORTS,
        "the port of the redirect URI; 0 = any free one; a list = tried in order",
        default=5000,
    ),
    Key("redirect_host", addresses.REDIRECT_HOST, "the host of the redirect URI", default="localhost"),
    Key("redirect_path", addresses.PATH, "the path of the redirect URI", default="/"),
    Key(
        "response_type",
        kinds.TEXT,
        "what the authorization request asks for; absent = code, or what the token of an implicit flow needs",
        '"code"',
    ),
    Key("code_field_name", kinds.TEXT, "where in the answer the code is", '"code"', default="code"),
    Key(
        "token_field_name",
        kinds.TEXT,
        "where in the answer the token is; absent = access_token, or what an implicit flow asks for",
        '"access_token"',
    ),
    Key("header_name", kinds.HEADER_NAME, "the header that carries the token", default="Authorization"),
    Key("header_value", kinds.HEADER_VALUE, "how the token is written in it", default="Bearer {token}"),
    Key("early_expiry", kinds.SECONDS, "how long before its end a token is renewed", default=30),
    Key("timeout", kinds.TIMEOUT, "how long the provider, or the person, may take", default=60),
    Key("api_key", kinds.SECRET, "the key", secret=True),
    Key(
        "in",
        kinds.choice("header or query", '"header"', ("header", "query")),
        "where the key goes",
        default="header",
    ),
    Key(
        "name",
        kinds.TEXT,
        "the header's or parameter's name; absent = X-API-Key or api_key",
        '"X-API-Key"',
    ),
    Key("username", kinds.SECRET, "the user's name"),
    Key("password", kinds.SECRET, "the user's password", secret=True),
    Key("token", kinds.SECRET, "the token", secret=True),
)


def key_of(name: str, flow: object) -> Key | None:
    """What a key is in a profile of a flow; None where it is a variable of a provider, or nothing at all."""
    own = FLOWS[flow].own if isinstance(flow, str) and flow in FLOWS else ()
    return next((key for key in own if key.name == name), PROFILE.get(name))
