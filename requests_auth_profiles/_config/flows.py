"""The flows: how a credential is won, and what a profile says for it."""

from dataclasses import dataclass

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.keys import Key

__all__ = ["ENDPOINTS", "FLOWS", "Flow"]


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
        return frozenset(
            (*self.needs, *self.takes, *(("provider", "http", *ENDPOINTS) if self.endpoints else ()))
        )


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
        Flow("class", "a requests auth of another package", ("class",), ("args", "options")),
        Flow(
            "command",
            "a program of yours that prints the token",
            ("command",),
            ("header_name", "header_value", "early_expiry"),
        ),
    )
}
