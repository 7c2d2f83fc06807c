"""The peers as they are used: for each, what signs a request with a token that it has already."""

import json
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Request
from requests.auth import AuthBase

from benchmarks.contender import Bench
from requests_auth_profiles import profile

__all__ = ["SECRET", "URL", "FixedHeader", "NoNetwork", "prepared", "profiles"]

URL = "https://api.acme.com/v2/me"
SECRET = "s3cret-of-the-job"
TOKEN = "t" * 43

_PROFILES = """
[profiles.work]
flow = "client-credentials"
token_url = "{issuer}/token"
client_id = "job"
client_secret = "{secret}"
scopes = ["api.read"]

[profiles.key]
flow = "api-key"
api_key = "k3y-of-the-gateway"
"""


class FixedHeader(AuthBase):
    """The floor: what a program does that has its token already."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["Authorization"] = f"Bearer {TOKEN}"
        return r


def prepared() -> PreparedRequest:
    """A request that is not signed yet."""
    return Request("GET", URL).prepare()


def profiles(bench: Bench) -> Path:
    """The person's own profiles file, and a token in their store for its profile `work`."""
    file = bench.home / ".config/requests-auth/profiles.toml"
    if not file.exists():
        file.parent.mkdir(parents=True)
        file.write_text(_PROFILES.format(issuer=bench.server.issuer, secret=SECRET), "utf-8")
        file.chmod(0o600)
        profile("work").token()
    return file


class NoNetwork:
    """What msal calls in place of its provider, whose addresses are fixed: it asks for them even so."""

    class Reply:
        """An answer, as msal reads it."""

        status_code = 200
        headers: dict[str, str] = {}  # noqa: RUF012  as in requests

        def __init__(self, said: dict[str, Any]) -> None:
            self.text = json.dumps(said)

    def get(self, url: str, **_: object) -> Reply:
        base = url.partition("/v2.0/")[0]
        return self.Reply(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    def post(self, _: str, **__: object) -> Reply:
        return self.Reply({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 86400})

    def close(self) -> None:
        pass
