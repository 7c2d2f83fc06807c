"""Clients of httpx, without an event loop and on both kinds of them."""

import ssl
from collections.abc import Callable
from typing import Any

import anyio
import httpx

Call = Callable[..., httpx.Response]
KINDS = ("sync", "asyncio", "trio")
TLS = ssl.create_default_context()  # one for all, as each takes its time


def caller(kind: str) -> Call:
    """Sends one request with a client of its own: `call(auth, "GET", url, follow_redirects=True)`."""

    def call(auth: httpx.Auth, method: str, url: str, **options: Any) -> httpx.Response:
        with httpx.Client(auth=auth, trust_env=False, verify=TLS) as client:
            return client.request(method, url, **options)

    async def on_loop(auth: httpx.Auth, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(auth=auth, trust_env=False, verify=TLS) as client:
            return await client.request(method, url, **options)

    def looped(auth: httpx.Auth, method: str, url: str, **options: Any) -> httpx.Response:
        return anyio.run(on_loop, auth, method, url, options, backend=kind)

    return call if kind == "sync" else looped
