"""A small API behind every kind of authentication."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from requests_auth_profiles.testing._authorization_server import AuthorizationServer
from requests_auth_profiles.testing._loopback_server import (
    Endpoint,
    LoopbackServer,
    Received,
    Reply,
    redirect_to,
)

__all__ = ["ProtectedApi"]

_REDIRECTS = {"301", "302", "303", "307", "308"}


@dataclass(frozen=True, slots=True)
class _Scheme:
    name: str
    challenge: str
    caller: Callable[[Received], str | None]  # None = refused


class ProtectedApi(LoopbackServer):
    """A small API that lets in who proves itself, and says who that was.

    `/me` takes a bearer token, `/key` an API key (in `X-API-Key` or the query's `api_key`), `/basic` a user
    and password, `/partner` an API key and a bearer token. They answer `{"hello": "ada", "by": ["bearer"]}`,
    or 401. `/redirect?to=URL&status=302` redirects anyone, `/echo` gives back what arrived. All take any
    method. For `count` and `replies`, the endpoints are named like their routes: `me`, `key` and so on.

    Attributes:
        requests: what arrived so far, the latest last.
        replies: for each endpoint, the answers to give next instead of the right ones.
        tokens: bearer tokens that it takes besides those of the authorization server.
        api_keys: the API keys that it takes.
        users: the passwords, by user.

    Args:
        server: whose access tokens it takes; None = nobody's.
        tokens: see above; so are the others.
        api_keys: see above.
        users: see above.
    """

    def __init__(
        self,
        server: AuthorizationServer | None = None,
        *,
        tokens: Iterable[str] = (),
        api_keys: Iterable[str] = (),
        users: Mapping[str, str] | None = None,
    ) -> None:
        self.tokens = set(tokens)
        self.api_keys = set(api_keys)
        self.users = dict(users or {})
        self._server = server
        bearer = _Scheme("bearer", 'Bearer error="invalid_token"', self._bearer)
        api_key = _Scheme("api-key", 'ApiKey realm="api"', self._api_key)
        basic = _Scheme("basic", 'Basic realm="api", charset="UTF-8"', self._basic)
        super().__init__(
            {
                "me": Endpoint(_guarded_by(bearer), ("/me",)),
                "key": Endpoint(_guarded_by(api_key), ("/key",)),
                "basic": Endpoint(_guarded_by(basic), ("/basic",)),
                "partner": Endpoint(_guarded_by(api_key, bearer), ("/partner",)),
                "redirect": Endpoint(_redirect, ("/redirect",)),
                "echo": Endpoint(_echo, ("/echo",)),
            }
        )

    def _bearer(self, received: Received) -> str | None:
        token = received.credentials("Bearer")
        if token in self.tokens:
            return "world"
        claims = self._server.introspect(token) if self._server else None
        return claims["sub"] if claims else None

    def _api_key(self, received: Received) -> str | None:
        sent = received.headers.get("X-API-Key") or dict(received.arguments).get("api_key")
        return "world" if sent in self.api_keys else None

    def _basic(self, received: Received) -> str | None:
        user, password = received.basic or ("", "")
        return user if self.users.get(user) == password else None


def _guarded_by(*schemes: _Scheme) -> Callable[[Received], Reply]:
    def answer(received: Received) -> Reply:
        for scheme in schemes:
            caller = scheme.caller(received)
            if caller is None:
                return Reply.json({"error": "unauthorized"}, 401, {"WWW-Authenticate": scheme.challenge})
        return Reply.json({"hello": caller, "by": [scheme.name for scheme in schemes]})

    return answer


def _redirect(received: Received) -> Reply:
    asked = dict(received.arguments)
    status = asked.get("status", "302")
    if "to" not in asked or status not in _REDIRECTS:
        return Reply.json({"error": "to=URL and status=301, 302, 303, 307 or 308"}, 400)
    return redirect_to(asked["to"], int(status))


def _echo(received: Received) -> Reply:
    return Reply.json(
        {
            "method": received.method,
            "path": received.path,
            "query": received.query,
            "headers": dict(received.headers),
            "body": received.body.decode(errors="replace"),
        }
    )
