"""Sign-ins without a browser: receivers that go where one would, and grants that are made of them."""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from wire import PATIENCE_SECONDS

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import PublicClient
from requests_auth_profiles._oauth2.grants import ClientCredentials, TokenEndpoint
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode

Answer = Mapping[str, str]


class Visitor:
    """A receiver that follows the authorization URL, and fills in what forms it finds, as alice.

    Attributes:
        urls: the authorization URLs that it was given, the latest last.
        states: the states that it was told to wait for.
        answers: what came back to the redirect URI, before it was changed.

    Args:
        change: makes what the grant is given of what came back.
    """

    redirect_uri = "http://127.0.0.1:5000/callback"

    def __init__(self, change: Callable[[Answer], Answer] = lambda answer: answer) -> None:
        self.urls: list[str] = []
        self.states: list[str] = []
        self.answers: list[Answer] = []
        self._change = change

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parameters of the authorization requests."""
        return [dict(parse_qsl(urlsplit(url).query, strict_parsing=True)) for url in self.urls]

    def __call__(self, authorization_url: str, state: str) -> Answer:
        self.urls.append(authorization_url)
        self.states.append(state)
        with requests.Session() as browser:
            reply = browser.get(authorization_url, allow_redirects=False, timeout=PATIENCE_SECONDS)
            while not (target := reply.headers.get("Location", "")).startswith(self.redirect_uri):
                reply = self._next(browser, reply, target)
        self.answers.append(dict(parse_qsl(urlsplit(target).query, strict_parsing=True)))
        return self._change(self.answers[-1])

    def _next(self, browser: requests.Session, reply: requests.Response, target: str) -> requests.Response:
        options: dict[str, Any] = {"allow_redirects": False, "timeout": PATIENCE_SECONDS}
        if target:
            return browser.get(urljoin(reply.url, target), **options)
        action = re.search(r'<form[^>]* action="([^"]+)"', reply.text)
        prompt = re.search(r'name="prompt" value="([^"]+)"', reply.text)
        assert action and prompt, f"no way on from {reply.status_code}: {reply.text}"
        form = {"prompt": prompt[1], "login": "alice", "password": "wonderland"}
        return browser.post(urljoin(reply.url, action[1]), form, **options)


def endpoint(said: str | Mapping[str, str], client_id: str = "native", **changes: Any) -> TokenEndpoint:
    """The token endpoint of an issuer, or of what a profile says; a public client unless a test says more."""
    channel = Channel(PATIENCE_SECONDS)
    where = {"issuer": said} if isinstance(said, str) else said
    parts: dict[str, Any] = {
        "server": Server(where, channel),
        "channel": channel,
        "client_id": client_id,
        "client_auth": PublicClient(client_id),
        "parameters": {},
    }
    return TokenEndpoint(**parts | changes)


def code_grant(
    visitor: Visitor,
    at: TokenEndpoint,
    *,
    scope: str = "openid",
    parameters: Mapping[str, str] | None = None,
    pkce: bool = True,
) -> AuthorizationCode:
    """The code flow of a person who comes back by this visitor."""
    return AuthorizationCode(
        endpoint=at, scope=scope, parameters=parameters or {}, listen=lambda: nullcontext(visitor), pkce=pkce
    )


def machine_grant(at: TokenEndpoint, scope: str = "api.read") -> ClientCredentials:
    """The client credentials flow."""
    return ClientCredentials(endpoint=at, scope=scope)
