"""Servers on the loopback to test against: an authorization server, and an API that asks for its tokens.

::

    from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

    with AuthorizationServer() as server, ProtectedApi(server) as api:
        server.clients["nightly"] = Client(secret="s3cret")
        server.replies["token"].append(Reply(503, headers={"Retry-After": "1"}))  # break it on demand
        ...  # call f"{api.url}/me" with tokens of server.issuer
        assert server.count("token") == 2
        assert api.requests[-1].status == 200

They speak real HTTP on 127.0.0.1, each on a free port. They are for tests: whoever asks is signed in.
"""

from requests_auth_profiles.testing._authorization_server import AuthorizationServer, Client
from requests_auth_profiles.testing._loopback_server import Received, Reply
from requests_auth_profiles.testing._protected_api import ProtectedApi

__all__ = ["AuthorizationServer", "Client", "ProtectedApi", "Received", "Reply"]
