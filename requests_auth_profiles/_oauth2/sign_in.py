"""Grants that a person signs in for with the browser. They know no cache and no file."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.id_token import Expected
from requests_auth_profiles._oauth2.response import implicit_token_of, printable
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    GrantNotProvided,
    InvalidProviderResponse,
    RefreshRefused,
    SignInRefused,
)

__all__ = ["AuthorizationCode", "Implicit", "Listen", "Receiver"]

# No address of a provider may say these: they are new for each attempt (RFC 9700 section 2.1.1).
_OURS = {"code_challenge", "code_challenge_method", "dpop_jkt", "nonce", "redirect_uri", "state"}


class Receiver(Protocol):
    """Takes the person to the provider, and what the provider says back to us."""

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser."""

    def __call__(self, authorization_url: str, state: str) -> Mapping[str, str]:
        """The parameters of the authorization response whose `state` is this one; others are refused."""


Listen = Callable[[], AbstractContextManager[Receiver]]
"""Opens the way back: a receiver, for one sign-in."""


class _Answer(NamedTuple):
    """What came back from a sign-in, and what it was asked with."""

    said: Form
    redirect_uri: str
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """The authorization request (RFC 6749 sections 4.1.1 and 4.2.1).

    Args:
        server: the provider.
        client_id: who we are to it; empty = it is not said.
        scope: what is asked for, space-separated.
        parameters: more parameters; none replaces one that is set here.
        response_type: what is to come back.
        field: the parameter of the answer that it comes in.
        nonce: whether to ask for an ID token of this very sign-in, also where `openid` is not in the scope.
        shown: gives what stands for the whole request in the browser; None = it goes there itself.
    """

    server: Server
    client_id: str
    scope: str
    parameters: Mapping[str, str]
    response_type: str
    field: str
    nonce: bool
    shown: Callable[[Form], Mapping[str, str]] | None = None

    @contextmanager
    def answer(self, listen: Listen, proof: Form, *, then: str = "") -> Iterator[_Answer]:
        """What comes back, while the browser waits to be told how it ended.

        Args:
            listen: opens the way back.
            proof: the verifier that the answer is bound to, if it is.
            then: the endpoint that is called with the answer.

        Raises:
            SignInRefused: the provider says no.
            TimeoutOccurred: nobody signed in in time.
            AuthenticationFailed: what came back is not an answer to what was asked.
            GrantNotProvided: it holds nothing.
        """
        # Listening before the browser opens: the answer can be quicker than we are.
        with listen() as receiver:
            # Whatever the provider announces is known before the person is sent there.
            url, _ = self.server.url("authorization_url"), then and self.server.url(then)
            state = secrets.token_urlsafe(48)
            asked = self._asked(receiver.redirect_uri, state) | _challenge(proof, self.server)
            shown = asked if self.shown is None else self.shown(Form(asked))
            said = Form(receiver(_with_query(url, shown), state))
            _look_at(said, self.server, self.field)
            yield _Answer(said, receiver.redirect_uri, asked.get("nonce"))

    def _asked(self, redirect_uri: str, state: str) -> dict[str, str]:
        asked = {
            **self.parameters,
            "scope": self.scope,
            "response_type": self.response_type,
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
        }
        if self.nonce or "openid" in self.scope.split():
            asked["nonce"] = secrets.token_urlsafe(48)
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """A person signs in with the browser (RFC 6749 section 4.1, RFC 7636, RFC 8252).

    Args:
        endpoint: where the code is turned into a token.
        scope: what is asked for, space-separated.
        parameters: more parameters of the authorization request.
        listen: opens the way back.
        pkce: whether the code is bound to this process (RFC 7636).
        response_type: what is asked for.
        code_field_name: where in the answer the code is.
        nonce: whether to send a nonce also where no ID token is asked for.
        par: whether the request goes to the provider itself, and the browser gets a reference (RFC 9126);
            None = where the provider announces that it has to.
    """

    endpoint: TokenEndpoint
    scope: str
    parameters: Mapping[str, str]
    listen: Listen
    pkce: bool = True
    response_type: str = "code"
    code_field_name: str = "code"
    nonce: bool = False
    par: bool | None = False
    interactive: bool = True

    def fetch(self) -> Token:
        """A token for the person who signs in.

        Raises:
            SignInRefused: the provider says no.
            TimeoutOccurred: nobody signed in in time.
            AuthenticationFailed: what came back is not an answer to what was asked.
            GrantNotProvided: it holds nothing.
        """
        # RFC 9700 section 2.1.1: new for each attempt, never repeated.
        proof = Form({"code_verifier": secrets.token_urlsafe(48)} if self.pkce else {})
        key = self.endpoint.new_key()
        # RFC 9449 section 10: the code too is good with this key alone, also where the request is pushed.
        bound = {} if key is None else {"dpop_jkt": key.thumbprint}
        request = _Request(
            server=self.endpoint.server,
            client_id=self.endpoint.client_id,
            scope=self.scope,
            parameters={**self.parameters, **bound},
            response_type=self.response_type,
            field=self.code_field_name,
            nonce=self.nonce,
            shown=self._shown,
        )
        with request.answer(self.listen, proof, then="token_url") as (said, redirect_uri, nonce):
            fields = Form({"code": said[self.code_field_name], "redirect_uri": redirect_uri, **proof})
            token = self.endpoint.token("authorization_code", fields, attempts=1, key=key)
            self.endpoint.check(token, nonce=nonce)
            return token

    def refresh(self, token: Token) -> Token:
        """A new token without the person."""
        return self.endpoint.refresh(token)

    def _shown(self, asked: Form) -> Mapping[str, str]:
        pushes = self.endpoint.server.takes_only_pushed() if self.par is None else self.par
        return self.endpoint.pushed(asked) if pushes else asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Implicit:
    """A person signs in with the browser, which brings the token itself (RFC 6749 section 4.2).

    RFC 9700 section 2.1.2 advises against it: the token passes through the browser, and nothing renews it.

    Args:
        server: the provider.
        channel: how to speak to it.
        client_id: who we are to it.
        scope: what is asked for, space-separated.
        parameters: more parameters of the authorization request.
        listen: opens the way back.
        response_type: what is asked for: `token`, `id_token`, or both.
        token_field_name: where in the answer the token is.
        nonce: whether to send a nonce also where no ID token is asked for.
    """

    server: Server
    channel: Channel
    client_id: str
    scope: str
    parameters: Mapping[str, str]
    listen: Listen
    response_type: str = "token"
    token_field_name: str = "access_token"
    nonce: bool = False
    interactive: bool = True

    def fetch(self) -> Token:
        """A token for the person who signs in; see `AuthorizationCode.fetch`.

        Raises:
            InvalidToken: it cannot be accepted.
        """
        request = _Request(
            server=self.server,
            client_id=self.client_id,
            scope=self.scope,
            parameters=self.parameters,
            response_type=self.response_type,
            field=self.token_field_name,
            nonce=self.nonce or "id_token" in self.response_type.split(),
        )
        requested_at = self.channel.now()
        with request.answer(self.listen, Form({})) as (said, _, nonce):
            host = self.server.host
            token = implicit_token_of(said, self.token_field_name, requested_at=requested_at, host=host)
            kinds = self.response_type.split()
            id_token = token.id_token or (token.access_token if kinds == ["id_token"] else None)
            if "id_token" in kinds and id_token is None:
                raise GrantNotProvided(f"the answer of {host} has no id_token", hint="sign in again")
            if id_token:
                server = self.server
                expected = Expected(self.client_id or None, server.issuer, nonce, keys=server.keys)
                # Where it is what is sent, its hash is that of a token that nobody uses.
                access_token = "" if token.access_token == id_token else token.access_token
                expected.check(id_token, access_token, self.channel.now())
            return token

    def refresh(self, token: Token) -> Token:  # noqa: ARG002
        """Nothing renews it.

        Raises:
            RefreshRefused: always.
        """
        raise RefreshRefused(
            "the implicit flow has no refresh", error="unsupported_grant_type", hint="sign in again"
        )


def _challenge(proof: Form, server: Server) -> dict[str, str]:
    """What the authorization request says of a verifier (RFC 7636 section 4.3), never the verifier itself."""
    if not proof:
        return {}
    if server.refuses_s256():
        raise InvalidProviderResponse(
            f"{server.issuer} does not take S256 challenges", hint="tell the provider (RFC 7636)"
        )
    digest = hashlib.sha256(proof["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    """A URL with parameters appended; what it has already stays byte for byte (RFC 6749 section 3.1)."""
    said = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    for name in said & _OURS:
        url = re.sub(rf"(?<=[?&]){name}=[^&#]*&?", "", url)
    more = {name: value for name, value in parameters.items() if name not in said - _OURS}
    separator = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return url + separator + urlencode(more, doseq=True)


def _look_at(answer: Form, server: Server, field: str) -> None:
    """Raises what is wrong with an authorization response, if anything is."""
    # RFC 9207 section 2.4: the issuer first, for errors too; otherwise they may be another server's.
    issuer = answer.get("iss")
    if server.always_says_iss() if issuer is None else not server.may_be(issuer):
        raise AuthenticationFailed(
            "the answer in the browser does not come from the provider that was asked",
            hint="sign in again; if it happens again, tell the provider's administrator (RFC 9207)",
        )
    if "error" in answer:
        raise SignInRefused(
            f"{server.host} refused the sign-in",
            error=printable(answer["error"]),
            error_description=printable(answer.get("error_description")),
            error_uri=printable(answer.get("error_uri")),
            hint="sign in again"
            if answer["error"] == "access_denied"
            else "check client_id, scopes and the redirect URI",
        )
    if not answer.get(field):
        raise GrantNotProvided(f"the answer in the browser holds no {field}", hint="sign in again")
