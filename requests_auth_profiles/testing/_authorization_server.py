"""An OAuth 2.0 and OpenID Connect authorization server on the loopback."""

import base64
import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote_plus, urlencode

from requests_auth_profiles.testing._client import Client
from requests_auth_profiles.testing._devices import Devices
from requests_auth_profiles.testing._ledger import AccessToken, Authorization, Ledger, Refused
from requests_auth_profiles.testing._loopback_server import (
    Endpoint,
    LoopbackServer,
    Received,
    Reply,
    page,
    redirect_to,
)
from requests_auth_profiles.testing._signer import Signer

__all__ = ["AuthorizationServer", "Client"]

_CODE_LIFETIME_SECONDS = 60
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_CODE_FORM = (
    '<form method="get"><input name="user_code" autofocus> <button type="submit">Next</button></form>'
)
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_REPEATABLE = {"audience", "resource"}  # RFC 8693 section 2.1, RFC 8707 section 2

_Parameters = Mapping[str, str]
_Answer = dict[str, Any]
_Handler = TypeVar("_Handler")


class AuthorizationServer(LoopbackServer):
    """An authorization server that grants whatever scope is asked: real flows, without a person or a network.

    It has the authorization code flow with PKCE, the implicit flow, the device flow, refresh tokens, client
    credentials, the password grant, the ID token of OpenID Connect, discovery, revocation and introspection.
    For `count` and `replies`, its endpoints are named `discovery`, `authorize`, `device_authorization`,
    `device`, `token`, `jwks`, `revoke` and `introspect`.

    Attributes:
        clients: the clients that it knows, by `client_id`.
        subject: who signs in, the `sub` of the tokens.
        passwords: what the password grant takes, by user.
        approve: True = they are signed in at once; False = `/authorize` and `/device` show a page to do so.
        rotate: True = each refresh gives a new refresh token, and the old one, used again, revokes them all
            (RFC 9700 section 4.14.2); False = a refresh gives none, and the first one stays good.
        interval_seconds: how often a device may ask, at most (RFC 8628 section 3.5).
        lifetime_seconds: how long an access token, or an ID token, is good.
        clock: gives the time, in epoch seconds.
        requests: what arrived so far, the latest last.
        replies: for each endpoint, the answers to give next instead of the right ones.
    """

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.subject = "ada"
        self.passwords: dict[str, str] = {}
        self.approve = True
        self.rotate = True
        self.interval_seconds = 5.0
        self.lifetime_seconds = 3600
        self.clock: Callable[[], float] = time.time
        self._ledger = Ledger()
        self._signer = Signer()
        self._devices = Devices()
        self._response_types: dict[str, Callable[[Authorization], dict[str, str]]] = {
            "code": self._code,
            "token": self._implicit_token,
            "id_token": lambda authorization: {"id_token": self._id_token(authorization)},
            "id_token token": self._implicit_tokens,
        }
        self._grants: dict[str, Callable[[str, _Parameters], _Answer]] = {
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh_token,
            "client_credentials": self._client_credentials,
            "password": self._password,
            _DEVICE_CODE: self._device_code,
        }
        metadata = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
        super().__init__(
            {
                "discovery": Endpoint(self._discovery, metadata, ("GET",)),
                "authorize": Endpoint(self._authorize, ("/authorize",), ("GET", "POST")),
                "device_authorization": Endpoint(
                    self._for_clients(self._device_authorization), ("/device_authorization",), ("POST",)
                ),
                "device": Endpoint(self._device, ("/device",), ("GET", "POST")),
                "token": Endpoint(self._for_clients(self._token), ("/token",), ("POST",)),
                "jwks": Endpoint(self._jwks, ("/jwks",), ("GET",)),
                "revoke": Endpoint(self._for_clients(self._revoke), ("/revoke",), ("POST",)),
                "introspect": Endpoint(self._for_clients(self._introspect), ("/introspect",), ("POST",)),
            }
        )

    @property
    def issuer(self) -> str:
        """The issuer identifier, which is the server's URL (RFC 8414 section 2)."""
        return self.url

    @property
    def reuses(self) -> int:
        """How often a used refresh token came again."""
        return self._ledger.reuses

    def introspect(self, access_token: str) -> dict[str, Any] | None:
        """The `client_id`, `scope`, `sub` and `exp` of a live access token; None for any other string."""
        with self._one_at_a_time:
            token = self._ledger.access_token(access_token)
            if token is None or self.clock() >= token.expires_at:
                return None
            return {
                "client_id": token.authorization.client_id,
                "scope": token.scope,
                "sub": token.authorization.subject,
                "exp": int(token.expires_at),
            }

    def _discovery(self, _: Received) -> Reply:
        with_secret = ["client_secret_basic", "client_secret_post"]
        return Reply.json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "device_authorization_endpoint": f"{self.issuer}/device_authorization",
                "token_endpoint": f"{self.issuer}/token",
                "token_endpoint_auth_methods_supported": [*with_secret, "none"],
                "revocation_endpoint": f"{self.issuer}/revoke",
                "revocation_endpoint_auth_methods_supported": [*with_secret, "none"],
                "introspection_endpoint": f"{self.issuer}/introspect",
                "introspection_endpoint_auth_methods_supported": with_secret,
                "jwks_uri": f"{self.issuer}/jwks",
                "scopes_supported": ["openid"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "response_types_supported": list(self._response_types),
                "response_modes_supported": ["query", "fragment"],
                "grant_types_supported": [*self._grants, "implicit"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def _jwks(self, _: Received) -> Reply:
        return Reply.json(self._signer.jwks())

    def _authorize(self, received: Received) -> Reply:
        pairs = received.arguments + received.form
        asked = dict(pairs)
        client = self.clients.get(asked.get("client_id", ""))
        redirect_uri = asked.get("redirect_uri", "")
        # "MUST NOT automatically redirect the user-agent to the invalid redirection URI" (RFC 6749 4.1.2.1)
        if client is None:
            return page("Unknown client", "This server has no client with this client_id.", status=400)
        if not client.redirects_to(redirect_uri):
            return page("Unknown redirect URI", "This redirect_uri is not one of the client.", status=400)
        try:
            respond = _supported(self._response_types, _single(pairs), "response_type")
            authorization = self._asked_for(client, asked)
            if not self.approve and ("approve", "yes") not in received.form:
                return _approval_page(authorization)
            answer = respond(authorization)
        except Refused as refused:
            answer = refused.parameters
        echoed = {"state": asked["state"]} if "state" in asked else {}
        answer = answer | echoed | {"iss": self.issuer}  # RFC 9207 section 2
        if {"token", "id_token"} & set(asked.get("response_type", "").split()):
            return redirect_to(f"{redirect_uri}#{urlencode(answer)}")  # RFC 6749 sections 4.2.2 and 4.2.2.1
        return redirect_to(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(answer)}")

    def _asked_for(self, client: Client, asked: _Parameters) -> Authorization:
        challenge = asked.get("code_challenge", "")
        kinds = asked["response_type"].split()
        if "id_token" in kinds and not asked.get("nonce"):  # OpenID Connect Core 3.2.2.1
            raise Refused("invalid_request", "a nonce is required for an id_token")
        if "code" in kinds and not challenge and client.secret is None:
            raise Refused("invalid_request", "a public client must send a code_challenge")
        if challenge and asked.get("code_challenge_method") != "S256":
            raise Refused("invalid_request", "code_challenge_method must be S256")
        if challenge and not re.fullmatch(r"[\w-]{43}", challenge, re.ASCII):
            raise Refused("invalid_request", "code_challenge is not a SHA-256 in base64url")
        return Authorization(
            client_id=asked["client_id"],
            subject=self.subject,
            scope=asked.get("scope", ""),
            granted_at=self.clock(),
            redirect_uri=asked["redirect_uri"],
            code_challenge=challenge,
            nonce=asked.get("nonce", ""),
        )

    def _code(self, authorization: Authorization) -> dict[str, str]:
        return {"code": self._ledger.new_code(authorization)}

    def _implicit_token(self, authorization: Authorization) -> dict[str, str]:
        """RFC 6749 section 4.2.2."""
        return {name: str(value) for name, value in self._issued(authorization, authorization.scope).items()}

    def _implicit_tokens(self, authorization: Authorization) -> dict[str, str]:
        """OpenID Connect Core 3.2.2.5."""
        answer = self._implicit_token(authorization)
        return answer | {"id_token": self._id_token(authorization, answer["access_token"])}

    def _device_authorization(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 8628 section 3.1."""
        scope, now = form.get("scope", ""), self.clock()
        asked = Authorization(client_id=client_id, subject=self.subject, scope=scope, granted_at=now)
        told = self._devices.begin(asked, f"{self.issuer}/device", self.interval_seconds)
        if self.approve:
            self._devices.answer(told["user_code"], approve=True)
        return told

    def _device(self, received: Received) -> Reply:
        """Where the person types the code that the device shows (RFC 8628 section 3.3)."""
        said = dict(received.arguments + received.form)
        asked = self._devices.waiting(said.get("user_code", ""))
        if asked is None:
            return page("Sign in to a device", "Type the code that it shows.", form=_CODE_FORM)
        if "approve" not in dict(received.form):
            return _approval_page(asked)
        self._devices.answer(said["user_code"], approve=said["approve"] == "yes")
        return page("Done", "You can go back to the device.")

    def _for_clients(self, act: Callable[[str, _Parameters], _Answer]) -> Callable[[Received], Reply]:
        def answer(received: Received) -> Reply:
            try:
                form = _single(received.form)
                return Reply.json(act(self._authenticated(received, form), form), headers=_NO_STORE)
            except Refused as refused:
                if refused.error == "invalid_client":
                    challenge = {"WWW-Authenticate": 'Basic realm="clients"'}
                    return Reply.json(refused.parameters, 401, _NO_STORE | challenge)
                return Reply.json(refused.parameters, 400, _NO_STORE)

        return answer

    def _authenticated(self, received: Received, form: _Parameters) -> str:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if received.basic:
            # "encoded using the application/x-www-form-urlencoded encoding algorithm" (RFC 6749 2.3.1)
            basic_id, basic_secret = map(unquote_plus, received.basic)
            if secret or client_id not in {"", basic_id}:
                raise Refused("invalid_request", "two client authentications")
            client_id, secret = basic_id, basic_secret
        client = self.clients.get(client_id)
        if client is None or secret != (client.secret or ""):
            raise Refused("invalid_client", "unknown client, or not its secret")
        return client_id

    def _confidential(self, client_id: str) -> None:
        if self.clients[client_id].secret is None:
            raise Refused("unauthorized_client", "only for a client with a secret")

    def _token(self, client_id: str, form: _Parameters) -> _Answer:
        return _supported(self._grants, form, "grant_type")(client_id, form)

    def _authorization_code(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 6749 section 4.1.3, RFC 7636 section 4.6."""
        code = _required(form, "code")
        authorization = self._ledger.code(code, client_id)
        self._ledger.use_up(code)
        if self.clock() >= authorization.granted_at + _CODE_LIFETIME_SECONDS:
            raise Refused("invalid_grant", "the code is expired")
        if form.get("redirect_uri") != authorization.redirect_uri:
            raise Refused("invalid_grant", "redirect_uri is not the one of the authorization request")
        if _challenge(form.get("code_verifier", "")) != authorization.code_challenge:
            raise Refused("invalid_grant", "code_verifier does not match code_challenge")
        return self._with_all(authorization)

    def _refresh_token(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 6749 section 6."""
        refresh_token = _required(form, "refresh_token")
        authorization = self._ledger.refresh_token(refresh_token, client_id)
        scope = form.get("scope", authorization.scope)
        if not set(scope.split()) <= set(authorization.scope.split()):
            raise Refused("invalid_scope", "more than was granted")
        answer = self._issued(authorization, scope)
        if self.rotate:
            self._ledger.use_up(refresh_token)
            answer["refresh_token"] = self._ledger.new_refresh_token(authorization)
        return answer

    def _client_credentials(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 6749 section 4.4."""
        self._confidential(client_id)
        scope, now = form.get("scope", ""), self.clock()
        return self._issued(
            Authorization(client_id=client_id, subject=client_id, scope=scope, granted_at=now), scope
        )

    def _password(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 6749 section 4.3."""
        user, now = _required(form, "username"), self.clock()
        if self.passwords.get(user) != _required(form, "password"):
            raise Refused("invalid_grant", "not the password of this user")
        scope = form.get("scope", "")
        granted = Authorization(client_id=client_id, subject=user, scope=scope, granted_at=now)
        return self._issued(granted, scope) | {"refresh_token": self._ledger.new_refresh_token(granted)}

    def _device_code(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 8628 section 3.4."""
        return self._with_all(self._devices.take(_required(form, "device_code"), client_id, self.clock()))

    def _revoke(self, client_id: str, form: _Parameters) -> _Answer:
        self._ledger.revoke(_required(form, "token"), client_id)
        return {}

    def _introspect(self, client_id: str, form: _Parameters) -> _Answer:
        """RFC 7662 section 2, of access tokens only."""
        self._confidential(client_id)
        claims = self.introspect(_required(form, "token"))
        return {"active": claims is not None, **(claims or {})}

    def _issued(self, authorization: Authorization, scope: str) -> _Answer:
        expires_at = self.clock() + self.lifetime_seconds
        return {
            "access_token": self._ledger.new_access_token(AccessToken(authorization, scope, expires_at)),
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
            "scope": scope,
        }

    def _with_all(self, authorization: Authorization) -> _Answer:
        answer = self._issued(authorization, authorization.scope)
        answer["refresh_token"] = self._ledger.new_refresh_token(authorization)
        if "openid" in authorization.scope.split():
            answer["id_token"] = self._id_token(authorization)
        return answer

    def _id_token(self, authorization: Authorization, access_token: str = "") -> str:
        """OpenID Connect Core section 2."""
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "sub": authorization.subject,
            "aud": authorization.client_id,
            "iat": now,
            "exp": now + self.lifetime_seconds,
        }
        if authorization.nonce:
            claims["nonce"] = authorization.nonce
        return self._signer.id_token(claims, access_token)


def _single(pairs: Sequence[tuple[str, str]]) -> _Parameters:
    # "Request and response parameters MUST NOT be included more than once" (RFC 6749 section 3.1)
    counts = Counter(name for name, _ in pairs)
    if any(count > 1 and name not in _REPEATABLE for name, count in counts.items()):
        raise Refused("invalid_request", "a parameter is there twice")
    return dict(pairs)


def _required(parameters: _Parameters, name: str) -> str:
    if name not in parameters:
        raise Refused("invalid_request", f"{name} is missing")
    return parameters[name]


def _supported(handlers: Mapping[str, _Handler], parameters: _Parameters, name: str) -> _Handler:
    wanted = _required(parameters, name)
    if wanted not in handlers:
        raise Refused(f"unsupported_{name}", f"not one of {name}s_supported")
    return handlers[wanted]


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2; none for no verifier, so that one is only taken where a challenge was sent."""
    if not verifier:
        return ""
    if not re.fullmatch(r"[\w.~-]{43,128}", verifier, re.ASCII):
        raise Refused("invalid_grant", "code_verifier is not 43 to 128 unreserved characters")
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _approval_page(authorization: Authorization) -> Reply:
    scope = f" and asks for: {authorization.scope}" if authorization.scope else ""
    return page(
        f"Sign in to {authorization.client_id}?",
        f"It will act for {authorization.subject}{scope}.",
        # Sent to this very URL, which has the whole request in its query.
        form='<form method="post"><button type="submit" name="approve" value="yes">Approve</button></form>',
    )
