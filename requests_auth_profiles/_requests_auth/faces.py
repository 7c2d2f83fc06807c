"""What the OAuth2 classes do: each shape of them once."""

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakKeyDictionary

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth

from requests_auth_profiles._config.environment import INTERACTIVE, need_person
from requests_auth_profiles._requests_auth.cache import AGAIN
from requests_auth_profiles._requests_auth.oauth2 import Face, OAuth2, endpoints, needed
from requests_auth_profiles._requests_auth.parameters import (
    Scope,
    for_browser,
    proof_of,
    scope_of,
    texts,
    without_secrets,
)
from requests_auth_profiles._source import Grant

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.channel import Channel
    from requests_auth_profiles._oauth2.grants import TokenEndpoint
    from requests_auth_profiles._oauth2.loopback import Loopback
    from requests_auth_profiles._oauth2.sign_in import Listen

__all__ = ["ClientFace", "CodeFace", "ImplicitFace", "PasswordFace"]

_ADAPTERS: WeakKeyDictionary[BaseAdapter, str] = WeakKeyDictionary()


class _BrowserFace(Face):
    """A grant for which a person signs in with the browser.

    Args:
        grant: makes it, of how to speak to the provider and of what opens the way back.
        identity: what the token is for, but for the address of the sign-in.
        field: the parameter of the answer that is waited for.
    """

    def __init__(
        self,
        grant: Callable[["Channel", "Listen"], Grant],
        identity: Mapping[str, Any],
        *,
        field: str,
        authorization_url: str,
        redirect_uri_domain: str,
        redirect_uri_endpoint: str,
        redirect_uri_port: int,
        timeout: float,
        session: requests.Session | None = None,
        **header: Any,
    ) -> None:
        def listen() -> "Loopback":
            from requests_auth_profiles._oauth2.loopback import Loopback
            from requests_auth_profiles._oauth2.notebook import attendant_here

            hint = f"use a class without one, as OAuth2ClientCredentials; or export {INTERACTIVE}=1"
            need_person(self.name, hint)
            return Loopback(
                profile=self.name,
                again=AGAIN,
                provider=urlsplit(authorization_url).netloc,
                host=redirect_uri_domain,
                ports=(redirect_uri_port,),
                path=f"/{redirect_uri_endpoint}",
                timeout_seconds=timeout,
                attendant=attendant_here(),
                field=field,
                display=OAuth2.display,
            )

        def make() -> Grant:
            from requests_auth_profiles._oauth2.channel import Channel

            return grant(Channel(timeout, session=session), listen)

        super().__init__(make, {"authorization_url": authorization_url, **identity}, **header)


class CodeFace(_BrowserFace):
    """Authorization code, with PKCE (RFC 6749 section 4.1, RFC 7636)."""

    def __init__(
        self,
        *,
        authorization_url: str,
        token_url: str,
        response_type: str,
        token_field_name: str,
        code_field_name: str,
        client_id: str,
        client_secret: str | None,
        nonce: object,
        more: Mapping[str, Any],
        username: str | None = None,
        password: str | None = None,
        **options: Any,
    ) -> None:
        endpoints(authorization_url=authorization_url, token_url=token_url)
        extra = texts(more)
        asked = extra.get("scope", "")

        def grant(channel: "Channel", listen: "Listen") -> Grant:
            from requests_auth_profiles._oauth2.grants import TokenEndpoint
            from requests_auth_profiles._oauth2.server import Server
            from requests_auth_profiles._oauth2.sign_in import AuthorizationCode

            client = texts({"client_id": client_id or None, "client_secret": client_secret})
            endpoint = TokenEndpoint(
                server=Server({"authorization_url": authorization_url, "token_url": token_url}, channel),
                channel=channel,
                client_id=client_id,
                client_auth=_code_client(client_id, client_secret, username, password),
                parameters=extra | (client if username else {}),
                token_field_name=token_field_name,
            )
            return AuthorizationCode(
                endpoint=endpoint,
                scope=asked,
                parameters=for_browser(extra),
                listen=listen,
                response_type=response_type,
                code_field_name=code_field_name,
                nonce=nonce is not None,
            )

        identity = {
            "token_url": token_url,
            "client_id": client_id,
            "scope": asked,
            "username": username,
            "token_field_name": token_field_name,
            "response_type": response_type,
            "more": without_secrets(extra),
        }
        super().__init__(
            grant,
            identity,
            proof=proof_of({"client_secret": client_secret, "password": password, "more": extra}),
            field=code_field_name,
            authorization_url=authorization_url,
            **options,
        )


class ImplicitFace(_BrowserFace):
    """The implicit flow (RFC 6749 section 4.2)."""

    # The `issuer` and the `jwks_url` of its ID tokens, where a class knows them; no parameter says them.
    _vouched_by: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        *,
        authorization_url: str,
        response_type: str,
        token_field_name: str | None,
        client_id: str,
        nonce: object,
        prompt: str | None,
        more: Mapping[str, Any],
        **options: Any,
    ) -> None:
        endpoints(authorization_url=authorization_url)
        extra = for_browser(texts({"prompt": prompt, **more}))
        asked = extra.get("scope", "")
        url_says = dict(parse_qsl(urlsplit(authorization_url).query))
        kind = url_says.get("response_type", response_type)
        field = token_field_name or ("id_token" if kind == "id_token" else "access_token")

        def grant(channel: "Channel", listen: "Listen") -> Grant:
            from requests_auth_profiles._oauth2.server import Server
            from requests_auth_profiles._oauth2.sign_in import Implicit

            return Implicit(
                server=Server({"authorization_url": authorization_url, **self._vouched_by}, channel),
                channel=channel,
                client_id=client_id,
                scope=asked,
                parameters=extra,
                listen=listen,
                response_type=kind,
                token_field_name=field,
                nonce=nonce is not None,
            )

        identity = {
            "client_id": client_id,
            "scope": asked,
            "token_field_name": field,
            "response_type": kind,
            "more": without_secrets(extra),
        }
        super().__init__(
            grant, identity, proof="", field=field, authorization_url=authorization_url, **options
        )


class _EndpointFace(Face):
    """A grant at the token endpoint, without a browser."""

    def __init__(
        self,
        grant: Callable[["TokenEndpoint", str], Grant],
        identity: Mapping[str, Any],
        *,
        token_url: str,
        client_id: str,
        client_auth: AuthBase,
        timeout: float,
        scope: Scope | None,
        token_field_name: str,
        session: requests.Session | None,
        proof: str,
        more: Mapping[str, Any],
        **header: Any,
    ) -> None:
        endpoints(token_url=token_url)
        asked, extra = scope_of(scope), texts(more)

        def make() -> Grant:
            from requests_auth_profiles._oauth2.channel import Channel
            from requests_auth_profiles._oauth2.grants import TokenEndpoint
            from requests_auth_profiles._oauth2.server import Server

            channel = Channel(timeout, session=session)
            endpoint = TokenEndpoint(
                server=Server({"token_url": token_url}, channel),
                channel=channel,
                client_id=client_id,
                client_auth=client_auth,
                parameters={name: value for name, value in extra.items() if name != "grant_type"},
                grant_type=extra.get("grant_type", ""),
                token_field_name=token_field_name,
            )
            return grant(endpoint, asked)

        told = {
            "token_url": token_url,
            "client_id": client_id,
            "scope": asked,
            "token_field_name": token_field_name,
            "more": without_secrets(extra),
        }
        if session is not None and session.cert:  # which proves the client, too (RFC 8705)
            told["cert"] = str(session.cert)
        super().__init__(make, {**told, **identity}, proof=proof_of({"": proof, "more": extra}), **header)


class PasswordFace(_EndpointFace):
    """A user's name and password (RFC 6749 section 4.3)."""

    def __init__(
        self,
        *,
        username: str,
        password: str,
        session_auth: AuthBase | tuple[str, str] | None,
        token_url: str,
        session: requests.Session | None,
        more: Mapping[str, Any],
        **options: Any,
    ) -> None:
        needed(type(self).__name__, username=username, password=password)

        def grant(endpoint: "TokenEndpoint", scope: str) -> Grant:
            from requests_auth_profiles._oauth2.grants import Password

            return Password(
                endpoint=endpoint, username=lambda: username, password=lambda: password, scope=scope
            )

        super().__init__(
            grant,
            {"username": username, "client": _client_of(session_auth, session, token_url)},
            token_url=token_url,
            session=session,
            client_id="",
            client_auth=_session_auth(session_auth),
            proof=proof_of({"password": password, "client": _secret_of(session_auth)}),
            more=more,
            **options,
        )


class ClientFace(_EndpointFace):
    """A program as itself (RFC 6749 section 4.4)."""

    def __init__(
        self, *, client_id: str, client_secret: str, more: Mapping[str, Any], **options: Any
    ) -> None:
        needed(type(self).__name__, client_id=client_id, client_secret=client_secret)

        def grant(endpoint: "TokenEndpoint", scope: str) -> Grant:
            from requests_auth_profiles._oauth2.grants import ClientCredentials

            return ClientCredentials(endpoint=endpoint, scope=scope)

        super().__init__(
            grant,
            {},
            client_id=client_id,
            client_auth=_session_auth((client_id, client_secret)),
            proof=client_secret,
            more=more,
            **options,
        )


def _code_client(
    client_id: str, client_secret: str | None, username: str | None, password: str | None
) -> AuthBase:
    from requests_auth_profiles._oauth2.client import ClientSecretPost, Nobody, PublicClient, UserBasic

    if username and password:
        return UserBasic(lambda: username, lambda: password)
    if client_secret:
        return ClientSecretPost(client_id, lambda: client_secret)
    return PublicClient(client_id) if client_id else Nobody()


def _client_of(
    said: AuthBase | tuple[str, str] | None, session: requests.Session | None, token_url: str
) -> str:
    """Whose token it is where a client proves itself: its name, where Basic says it."""
    if said is None:
        return _client_of_session(session, token_url)
    if isinstance(said, tuple):
        return said[0]
    # Of any other auth nobody knows whose it is, whatever its attributes are called.
    return (type(said) is HTTPBasicAuth and str(said.username)) or secrets.token_hex(16)


def _client_of_session(session: requests.Session | None, token_url: str) -> str:
    """The same, where an adapter of somebody's own may prove who it is, by a certificate or a header."""
    if session is None:
        return ""
    new = secrets.token_hex(16)
    try:
        adapter = session.get_adapter(token_url)
        return "" if type(adapter) is HTTPAdapter else _ADAPTERS.setdefault(adapter, new)
    except (requests.exceptions.InvalidSchema, TypeError):  # no way there; or no way to know it again
        return new


def _secret_of(said: AuthBase | tuple[str, str] | None) -> object:
    """What such a client proves itself by, where it has a name."""
    if isinstance(said, tuple):
        return said[1]
    return said.password if type(said) is HTTPBasicAuth else None


def _session_auth(said: AuthBase | tuple[str, str] | None) -> AuthBase:
    from requests_auth_profiles._oauth2.client import ClientSecretBasic, Nobody

    if isinstance(said, tuple):
        client_id, client_secret = said
        return ClientSecretBasic(client_id, lambda: client_secret)
    return said or Nobody()
