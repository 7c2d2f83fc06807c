"""The flows: how a credential is won, and what a profile says for it."""

from collections.abc import Container
from typing import NamedTuple

from requests_auth_profiles._config import kinds
from requests_auth_profiles._config.keys import Key

__all__ = ["ENDPOINTS", "FLOWS", "Flow"]


class Flow(NamedTuple):
    """One flow: how a credential is won.

    Args:
        name: as it is written.
        about: what it is, in one sentence.
        needs: the keys that it cannot do without.
        takes: the keys that it also takes.
        endpoints: the URLs of the provider that it calls; it takes a provider, an issuer, or these.
        own: those of its keys that mean something else in other flows.
        proofs: the keys of which it needs one, but for a client that a certificate proves.
    """

    name: str
    about: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    own: tuple[Key, ...] = ()
    proofs: tuple[str, ...] = ()

    def lacks(self, said: Container[str], client_auth: object) -> list[str]:
        """The keys that are not there and have to be, the usual one where there is a choice.

        Args:
            said: those that are there.
            client_auth: how the client proves itself, if that is said; it may be any value.
        """
        lacking = [name for name in self.needs if name not in said]
        if self.proofs and client_auth != "tls" and not any(name in said for name in self.proofs):
            ways = {"private_key_jwt": "private_key", "client_assertion": "client_assertion"}
            lacking.append(ways.get(str(client_auth), self.proofs[0]))
        return lacking

    def calls(self, said: Container[str]) -> tuple[str, ...]:
        """The endpoints that have to be known: a key file, which says who signs, may say its own.

        Args:
            said: the keys that are there.
        """
        return () if "issuer_claim" in self.takes and "issuer_claim" not in said else self.endpoints

    @property
    def is_interactive(self) -> bool:
        """Whether a person is sent to the provider."""
        return "authorize_params" in self.takes

    @property
    def keys(self) -> frozenset[str]:
        """Its own keys: neither those that every profile takes nor the variables of its provider."""
        return frozenset(
            (
                *self.needs,
                *self.proofs,
                *self.takes,
                *(("provider", "http", *ENDPOINTS) if self.endpoints else ()),
            )
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
_PROOFS = ("client_secret", "private_key", "client_assertion")
_CLIENT = (*_PROOFS, "client_auth", "key_id", "assertion_audience", "token_params", "dpop", *_ASKED)
_SIGN_IN = ("redirect_port", "redirect_host", "redirect_path", "browser", "authorize_params", "response_type")
_CODE = (*_CLIENT, *_SIGN_IN, "par", "code_field_name", "username", "password")

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
            ("client_id",),
            _CLIENT,
            ("token_url",),
            proofs=_PROOFS,
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
            "device-code",
            "a person signs in with a browser on another device, where they type a code (RFC 8628)",
            ("client_id",),
            (*_CLIENT, "authorize_params"),
            ("device_authorization_url", "token_url"),
            (
                Key(
                    "timeout",
                    kinds.TIMEOUT,
                    "how long the provider may take; the person has as long as their code is good",
                    default=60,
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
        Flow(
            "jwt-bearer",
            "a program signs who it is and for whom it asks, as service accounts do (RFC 7523 section 2.1)",
            ("private_key",),
            ("issuer_claim", "subject", "client_id", *_CLIENT),
            ("token_url",),
            (
                Key(
                    "audience",
                    kinds.TEXT,
                    "whom the assertion is for; absent = the key file's token_uri, the issuer, or token_url",
                ),
            ),
        ),
        Flow(
            "token-exchange",
            "a token is turned into another one (RFC 8693)",
            ("subject_token",),
            (
                *("subject_token_type", "actor_token", "actor_token_type", "requested_token_type"),
                *("client_id", *_CLIENT),
            ),
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
