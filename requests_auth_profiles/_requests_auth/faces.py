"""What the OAuth2 classes do: each shape of them once."""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.auth import AuthBase

from requests_auth_profiles._config.environment import INTERACTIVE, need_person
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._requests_auth.oauth2 import Face, OAuth2, endpoints, needed
from requests_auth_profiles._source import Grant

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.grants import TokenEndpoint
    from requests_auth_profiles._oauth2.loopback import Loopback

__all__ = [
    "ClientFace",
    "CodeFace",
    "ImplicitFace",
    "PasswordFace",
    "given",
    "may_be_secret",
    "provider_urls",
]

Scope = str | Iterable[str]

# What never goes into the browser's address bar, whatever a provider's page may say.
_SECRETS = re.compile(
    r"secret|passw|pwd|\bpin\b|token|key|assertion|credential|signature|verifier", re.IGNORECASE
)


class CodeFace(Face):
    """Authorization code, with PKCE (RFC 6749 section 4.1, RFC 7636)."""

    def __init__(
        self,
        *,
        authorization_url: str,
        token_url: str,
        redirect_uri_domain: str,
        redirect_uri_endpoint: str,
        redirect_uri_port: int,
        timeout: float,
        header_name: str,
        header_value: str,
        response_type: str,
        token_field_name: str,
        early_expiry: float,
        code_field_name: str,
        session: requests.Session | None,
        client_id: str,
        client_secret: str | None,
        nonce: str | None,
        more: Mapping[str, Any],
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        endpoints(authorization_url=authorization_url, token_url=token_url)
        extra = _texts(more)
        asked = extra.get("scope", "")

        def make() -> Grant:
            from requests_auth_profiles._oauth2.channel import Channel
            from requests_auth_profiles._oauth2.grants import TokenEndpoint
            from requests_auth_profiles._oauth2.server import Server
            from requests_auth_profiles._oauth2.sign_in import AuthorizationCode

            channel = Channel(timeout, session=session)
            server = Server({"authorization_url": authorization_url, "token_url": token_url}, channel)
            client = _texts({"client_id": client_id or None, "client_secret": client_secret})
            endpoint = TokenEndpoint(
                server=server,
                channel=channel,
                client_id=client_id,
                client_auth=_code_client(client_id, client_secret, username, password),
                parameters=extra | (client if username else {}),
                token_field_name=token_field_name,
            )
            return AuthorizationCode(
                endpoint=endpoint,
                scope=asked,
                parameters=_without_secrets(extra),
                listen=_listener(
                    self.name,
                    server.host,
                    code_field_name,
                    domain=redirect_uri_domain,
                    endpoint=redirect_uri_endpoint,
                    port=redirect_uri_port,
                    timeout=timeout,
                ),
                response_type=response_type,
                code_field_name=code_field_name,
                nonce=nonce is not None,
            )

        identity = {
            "authorization_url": authorization_url,
            "token_url": token_url,
            "client_id": client_id,
            "scope": asked,
            "username": username,
            "token_field_name": token_field_name,
            "response_type": response_type,
            "more": _without_secrets(extra),
        }
        super().__init__(
            make, identity, header_name=header_name, header_value=header_value, early_expiry=early_expiry
        )


class ImplicitFace(Face):
    """The implicit flow (RFC 6749 section 4.2)."""

    def __init__(
        self,
        *,
        authorization_url: str,
        response_type: str,
        token_field_name: str | None,
        early_expiry: float,
        redirect_uri_domain: str,
        redirect_uri_endpoint: str,
        redirect_uri_port: int,
        timeout: float,
        header_name: str,
        header_value: str,
        client_id: str,
        nonce: str | None,
        prompt: str | None,
        more: Mapping[str, Any],
    ) -> None:
        endpoints(authorization_url=authorization_url)
        extra = _without_secrets(_texts({"prompt": prompt, **more}))
        asked = extra.get("scope", "")
        url_says = dict(parse_qsl(urlsplit(authorization_url).query))
        kind = url_says.get("response_type", response_type)
        field = token_field_name or ("id_token" if kind == "id_token" else "access_token")

        def make() -> Grant:
            from requests_auth_profiles._oauth2.channel import Channel
            from requests_auth_profiles._oauth2.server import Server
            from requests_auth_profiles._oauth2.sign_in import Implicit

            channel = Channel(timeout)
            server = Server({"authorization_url": authorization_url}, channel)
            return Implicit(
                server=server,
                channel=channel,
                client_id=client_id,
                scope=asked,
                parameters=extra,
                listen=_listener(
                    self.name,
                    server.host,
                    field,
                    domain=redirect_uri_domain,
                    endpoint=redirect_uri_endpoint,
                    port=redirect_uri_port,
                    timeout=timeout,
                ),
                response_type=kind,
                token_field_name=field,
                nonce=nonce is not None,
            )

        identity = {
            "authorization_url": authorization_url,
            "client_id": client_id,
            "scope": asked,
            "token_field_name": field,
            "response_type": kind,
            "more": extra,
        }
        super().__init__(
            make, identity, header_name=header_name, header_value=header_value, early_expiry=early_expiry
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
        header_name: str,
        header_value: str,
        scope: Scope | None,
        token_field_name: str,
        early_expiry: float,
        session: requests.Session | None,
        more: Mapping[str, Any],
    ) -> None:
        endpoints(token_url=token_url)
        asked, extra = _scope_of(scope), _texts(more)

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
                parameters=extra,
                token_field_name=token_field_name,
            )
            return grant(endpoint, asked)

        told = {
            "token_url": token_url,
            "client_id": client_id,
            "scope": asked,
            "token_field_name": token_field_name,
            "more": _without_secrets(extra),
        }
        super().__init__(
            make,
            {**told, **identity},
            header_name=header_name,
            header_value=header_value,
            early_expiry=early_expiry,
        )


class PasswordFace(_EndpointFace):
    """A user's name and password (RFC 6749 section 4.3)."""

    def __init__(
        self,
        *,
        username: str,
        password: str,
        session_auth: AuthBase | tuple[str, str] | None,
        more: Mapping[str, Any],
        **options: Any,
    ) -> None:
        needed(username=username, password=password)

        def grant(endpoint: "TokenEndpoint", scope: str) -> Grant:
            from requests_auth_profiles._oauth2.grants import Password

            return Password(
                endpoint=endpoint, username=lambda: username, password=lambda: password, scope=scope
            )

        # Whose token it is: the client's name too, where Basic says it; of any other auth nobody knows whose.
        client = session_auth[0] if isinstance(session_auth, tuple) else getattr(session_auth, "username", "")
        if session_auth is not None and not client:
            client = secrets.token_hex(16)
        super().__init__(
            grant,
            {"username": username, "client": client},
            client_id="",
            client_auth=_session_auth(session_auth),
            more=more,
            **options,
        )


class ClientFace(_EndpointFace):
    """A program as itself (RFC 6749 section 4.4)."""

    def __init__(
        self, *, client_id: str, client_secret: str, more: Mapping[str, Any], **options: Any
    ) -> None:
        needed(client_id=client_id, client_secret=client_secret)

        def grant(endpoint: "TokenEndpoint", scope: str) -> Grant:
            from requests_auth_profiles._oauth2.grants import ClientCredentials

            return ClientCredentials(endpoint=endpoint, scope=scope)

        super().__init__(
            grant,
            {},
            client_id=client_id,
            client_auth=_session_auth((client_id, client_secret)),
            more=more,
            **options,
        )


def given(local: Mapping[str, Any], *but: str) -> dict[str, Any]:
    """The parameters of an `__init__`, by name, of its `locals()`; `more` are not among them."""
    return {name: value for name, value in local.items() if name not in {"self", "more", "__class__", *but}}


def provider_urls(name: str, keys: Iterable[str], said: Mapping[str, Any]) -> dict[str, Any]:
    """Endpoints of a provider that is known.

    Args:
        name: the provider's row.
        keys: which of them.
        said: its variables, and whatever else.

    Raises:
        ConfigurationError: a variable is empty.
    """
    row = providers()[name]
    needed(**{variable: said[variable] for variable in row.variables})
    return {key: row.filled(row.keys[key], said) for key in keys}


def _scope_of(scope: Scope | None) -> str:
    """A scope as it is sent, of text or a list."""
    return scope if isinstance(scope, str) else " ".join(scope or ())


def _texts(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are sent; those that say nothing are left out, and those in a list are repeated."""
    said = {name: value for name, value in parameters.items() if value is not None}
    return {name: _text(name, value) for name, value in said.items()}


def _text(name: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return str(value)
    # As `resource` may be (RFC 8707 section 2); a scope is one text.
    return _scope_of(value) if name == "scope" else [str(one) for one in value]


def _without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What may stand in the browser's address bar, and in the name of a token."""
    return {name: value for name, value in parameters.items() if not may_be_secret(name)}


def may_be_secret(name: str) -> bool:
    """Whether what a parameter of this name says may be nobody else's business."""
    return _SECRETS.search(name) is not None


def _listener(
    name: str, host: str, field: str, *, domain: str, endpoint: str, port: int, timeout: float
) -> Callable[[], "Loopback"]:
    """Opens the way back from the browser, whose pages are those of `OAuth2.display`."""
    from requests_auth_profiles._oauth2.attendant import BrowserAttendant
    from requests_auth_profiles._oauth2.loopback import Loopback

    def listen() -> Loopback:
        need_person(name, f"use a class without one, as OAuth2ClientCredentials; or export {INTERACTIVE}=1")
        return Loopback(
            profile=name,
            provider=host,
            host=domain,
            ports=(port,),
            path=f"/{endpoint}",
            timeout_seconds=timeout,
            attendant=BrowserAttendant(),
            field=field,
            display=OAuth2.display,
        )

    return listen


def _code_client(
    client_id: str, client_secret: str | None, username: str | None, password: str | None
) -> AuthBase:
    from requests_auth_profiles._oauth2.client import ClientSecretPost, Nobody, PublicClient, UserBasic

    if username and password:
        return UserBasic(lambda: username, lambda: password)
    if client_secret:
        return ClientSecretPost(client_id, lambda: client_secret)
    return PublicClient(client_id) if client_id else Nobody()


def _session_auth(said: AuthBase | tuple[str, str] | None) -> AuthBase:
    from requests_auth_profiles._oauth2.client import ClientSecretBasic, Nobody

    if isinstance(said, tuple):
        client_id, client_secret = said
        return ClientSecretBasic(client_id, lambda: client_secret)
    return said or Nobody()
