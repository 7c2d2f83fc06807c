"""How a CI service is called for a secret."""

from collections.abc import Mapping

from requests import PreparedRequest
from requests.auth import AuthBase

from requests_auth_profiles._hosts import is_confidential
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["call"]

_SECONDS = 30.0


class _Headers(AuthBase):
    """Headers that a request has besides."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers.update(self._headers)
        return r


def call(method: str, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """The status and the body of what a service answers; see `Channel.post` for what is raised.

    Raises:
        ConfigurationError: others on the way could read what is sent.
    """
    if not is_confidential(url):  # the headers prove who the job is
        raise ConfigurationError(
            "the CI service's address, which the environment names, is no https URL",
            hint="see what set it: env | grep URL",
        )
    # Imported here: most profiles need it not.
    from requests_auth_profiles._oauth2.channel import Channel

    channel, auth = Channel(_SECONDS), _Headers(headers)
    reply = channel.get(url, auth) if method == "GET" else channel.post(url, {}, auth, attempts=1)
    return reply.status, reply.body
