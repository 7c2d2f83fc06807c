"""A provider that gives a token for whatever it is told, and writes that down."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from requests_auth_profiles.testing import AuthorizationServer, Reply


@contextmanager
def taking_all(issued: Mapping[str, object], times: int) -> Iterator[AuthorizationServer]:
    """Such a provider, running, that answers so as many times."""
    with AuthorizationServer() as server:
        server.replies["token"].extend([Reply.json(issued)] * times)
        yield server


def forms(server: AuthorizationServer) -> list[dict[str, str]]:
    """What the token endpoint was told."""
    return [dict(one.form) for one in server.requests if one.path == "/token"]
