"""Server: where a provider's endpoints are, as the profile says or as the provider announces."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from requests_auth_profiles._hosts import is_confidential
from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.response import json_object
from requests_auth_profiles.errors import ConfigurationError, InvalidProviderResponse

__all__ = ["Server", "is_endpoint"]

_PUSHED = "pushed_authorization_request_url"  # no key of a profile
_ANNOUNCED = {  # the profile's names, and those of RFC 8414 section 2, RFC 8628 section 4, RFC 9126 section 5
    "authorization_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "device_authorization_url": "device_authorization_endpoint",
    "revocation_url": "revocation_endpoint",
    "jwks_url": "jwks_uri",
    _PUSHED: "pushed_authorization_request_endpoint",
}
_OK = 200


class Server:
    """An authorization server: asked for its endpoints only where the profile does not name them, and once.

    Args:
        said: what the profile says: `issuer`, `token_url`, …
        channel: how to ask.
        by_certificate: whether we prove who we are by a certificate, for which it may have other endpoints.
    """

    def __init__(self, said: Mapping[str, str], channel: Channel, *, by_certificate: bool = False) -> None:
        self._said = dict(said)
        self._channel = channel
        self._by_certificate = by_certificate
        self._metadata: dict[str, Any] | None = None

    @property
    def issuer(self) -> str | None:
        """The issuer that the profile names, if it does."""
        return self._said.get("issuer")

    @property
    def host(self) -> str:
        """The host that people know it by; empty where the profile does not say."""
        said = self._said.get("authorization_url") or self.issuer or self._said.get("token_url", "")
        return urlsplit(said).netloc

    @property
    def is_named(self) -> bool:
        """Whether the profile says where tokens come from."""
        return bool(self.issuer or self._said.get("token_url"))

    @property
    def audience(self) -> str:
        """Whom a client's assertion is for: the issuer that the profile names, else the token endpoint.

        Empty where it names neither. Nothing that a provider announces is in it: one that announces another's
        token endpoint would get assertions that are good there (draft-ietf-oauth-rfc7523bis, CVE-2025-27370).
        """
        return self.issuer or self._said.get("token_url", "")

    def url(self, name: str) -> str:
        """One of its endpoints, by the profile's name for it.

        Raises:
            ConfigurationError: neither the profile nor the provider names one.
            InvalidProviderResponse: what the provider announces breaks the standard.
            ProviderUnavailable: it cannot be reached.
        """
        if name in self._said:
            return self._said[name]
        announced = self._announced()
        found = announced.get(_ANNOUNCED[name])
        aliases = announced.get("mtls_endpoint_aliases")
        if self._by_certificate and isinstance(aliases, dict):  # RFC 8705 section 5
            found = aliases.get(_ANNOUNCED[name], found)
        say = "leave par out" if name == _PUSHED else f'say it: {name} = "https://…"'
        if not isinstance(found, str):
            raise ConfigurationError(
                f"{self.issuer or self.host or 'the profile'} does not announce its {_ANNOUNCED[name]}",
                hint=say,
            )
        if not is_endpoint(found, self.issuer or ""):
            raise InvalidProviderResponse(
                f"the {_ANNOUNCED[name]} that {self.issuer} announces is no https URL",
                hint=f"tell the provider, or {say}",
            )
        return found

    def keys(self) -> dict[str, Any] | None:
        """The keys that it signs with (RFC 7517 section 5); None where it is not known where they are.

        Raises:
            InvalidProviderResponse: what is there is no set of keys.
            ProviderUnavailable: it cannot be reached.
        """
        started = time.monotonic()
        if "jwks_url" not in self._said and (self.issuer is None or "jwks_uri" not in self._announced()):
            return None
        url = self.url("jwks_url")
        reply = self._channel.since(started).get(url)
        found = json_object(reply.body) if reply.status == _OK else None
        if found is None:
            raise InvalidProviderResponse(
                f"{self.host} answered {reply.status} where its keys should be",
                hint="check jwks_url",
            )
        return found

    def scopes(self) -> frozenset[str] | None:
        """The scopes that its issuer announces, which need not be all; None where it announces none.

        Raises:
            InvalidProviderResponse: what it announces breaks the standard.
            ProviderUnavailable: it cannot be reached.
        """
        said = self._announced().get("scopes_supported")
        return frozenset(map(str, said)) if isinstance(said, list) else None

    def may_be(self, issuer: str) -> bool:
        """Whether it may name itself so in an authorization response (RFC 9207 section 2.4)."""
        if self.issuer is not None:
            return issuer == self.issuer
        # Nobody said who it is; but it is not somebody whose host has nothing to do with its endpoints.
        host = issuer.partition("://")[2].partition("/")[0].lower()
        ours = {urlsplit(url).netloc.lower() for url in self._said.values()}
        return any(host == one or host.endswith(f".{one}") or one.endswith(f".{host}") for one in ours)

    def always_says_iss(self) -> bool:
        """Whether it is known to name itself in each authorization response (RFC 9207 section 3)."""
        return (self._metadata or {}).get("authorization_response_iss_parameter_supported") is True

    def takes_only_pushed(self) -> bool:
        """Whether it is known to take requests only at an endpoint of its own (RFC 9126 section 5)."""
        known = self._metadata or {}
        return known.get("require_pushed_authorization_requests") is True and bool(
            known.get(_ANNOUNCED[_PUSHED])
        )

    def refuses_s256(self) -> bool:
        """Whether it is known not to take an S256 challenge (RFC 9700 section 2.1.1)."""
        methods = (self._metadata or {}).get("code_challenge_methods_supported")
        return isinstance(methods, list) and "S256" not in methods

    def _announced(self) -> dict[str, Any]:
        if self._metadata is None:
            self._metadata = self._discover()
        return self._metadata

    def _discover(self) -> dict[str, Any]:
        issuer = self.issuer
        if issuer is None:
            return {}
        parts = urlsplit(issuer)
        path = parts.path.rstrip("/")
        base = f"{parts.scheme}://{parts.netloc}"
        started = time.monotonic()
        # OpenID Connect puts its well-known path behind the issuer's, RFC 8414 section 3.1 before it.
        for url in (
            f"{base}{path}/.well-known/openid-configuration",
            f"{base}/.well-known/oauth-authorization-server{path}",
        ):
            reply = self._channel.since(started).get(url)
            # Some have a page for every address, with 200.
            if reply.status == _OK and (metadata := json_object(reply.body)) is not None:
                return _of_issuer(metadata, issuer)
        no_json = ", and no JSON object" if reply.status == _OK else ""
        raise InvalidProviderResponse(
            f"{issuer} announces no endpoints (the last answer was {reply.status}{no_json})",
            hint="check the issuer, or name authorization_url and token_url",
        )


def is_endpoint(url: str, issuer: str) -> bool:
    """Whether an announced URL is one to send secrets to, and to show; plain http only if the issuer is."""
    if not is_confidential(url) or not url.isascii() or not url.isprintable():
        return False
    parts = urlsplit(url)
    bare = not set(url) & {" ", "#", "\\"} and "@" not in parts.netloc
    return bare and parts.scheme in {"https", urlsplit(issuer).scheme}


def _of_issuer(metadata: dict[str, Any], issuer: str) -> dict[str, Any]:
    # RFC 8414 section 3.3: a document of another issuer must not be used.
    said = metadata.get("issuer")
    if said != issuer:
        near = isinstance(said, str) and said.rstrip("/") == issuer.rstrip("/")
        raise InvalidProviderResponse(
            f"the metadata of {issuer} names another issuer",
            hint=f'write issuer = "{said}"' if near else "check the issuer",
        )
    return metadata
