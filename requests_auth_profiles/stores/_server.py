"""A Redis or Valkey server: connections of each process, and what it says as an error of the store."""

import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from requests_auth_profiles._redis_url import EXAMPLE, RedisUrl
from requests_auth_profiles.errors import ConfigurationError, StoreError, StoreUnavailable
from requests_auth_profiles.stores._importing import IMPORTING

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Server"]

_T = TypeVar("_T")

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 3.0
# By the word that its answer begins with (https://redis.io/docs/latest/develop/reference/protocol-spec).
_TROUBLE = {
    "LOADING": ("is still reading its data", "try again in a moment"),
    "MASTERDOWN": ("is a replica that has lost its primary", "name the primary"),
    "READONLY": ("is a replica, which nothing is written to", "name the primary"),
    "OOM": ("has no memory left", "raise its maxmemory, or free some"),
    "MISCONF": ("cannot write to its disk", "see its log, and free some space"),
    "MOVED": ("is one of a cluster, which is not known here", "name a server that stands alone"),
    "DB": ("has no database of that number", "name a lower one, as in rediss://host:6379/0"),
    "BUSY": ("is busy with a script", "see what it does: redis-cli SLOWLOG GET"),
    "WRONGTYPE": ("has something else under our names", "give the store a prefix of its own: ?prefix=…"),
}
# redis-py takes that word off where it has a class for it.
_WORDS = {
    "BusyLoadingError": "LOADING",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoPermissionError": "NOPERM",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
}


class Server:
    """A server, for all threads of this process and of those that are forked from it.

    Args:
        url: its URL, or gives it when it is first needed: it may hold a password.
    """

    def __init__(self, url: Callable[[], str]) -> None:
        self._said = url
        self._url: RedisUrl | None = None
        self._clients: dict[int, Redis] = {}

    @property
    def url(self) -> RedisUrl:
        """Where it is.

        Raises:
            ConfigurationError: what is given is no such URL.
        """
        if self._url is None:
            self._url, problem = _parsed(self._said())
            if self._url is None:
                raise ConfigurationError(f"the URL of the token store {problem}", hint=f"as in {EXAMPLE}")
        return self._url

    def ask(self, question: "Callable[[Redis], _T]") -> _T:
        """What the server answers.

        Raises:
            StoreUnavailable: it cannot be reached, or cannot do that now.
            StoreError: it does not take the user or the password.
        """
        client = self._client()
        from redis.exceptions import RedisError

        try:
            return question(client)
        except RedisError as error:
            failure = self._failure(error)
        # Raised here, without that error: the variables of its frames hold the password.
        raise failure

    def _client(self) -> "Redis":
        # One for each process: two that read from one connection would get each other's answers. That of
        # the parent is kept, as to end it could wait for a thread that does not exist here.
        client = self._clients.get(os.getpid())
        return client or self._clients.setdefault(os.getpid(), self._made())

    def _made(self) -> "Redis":
        url = self.url
        try:
            with IMPORTING:
                from redis import Redis
                from redis.backoff import NoBackoff
                from redis.exceptions import ConnectionError as Lost
                from redis.retry import Retry
        except ImportError:
            raise ConfigurationError(
                "a token store on a server needs another package",
                hint='pip install "requests-auth-profiles[redis]"',
            ) from None
        settings: dict[str, Any] = {}
        if url.tls:
            settings = {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
        if url.ca_bundle:
            if not os.access(url.ca_bundle, os.R_OK):
                raise ConfigurationError(
                    f"the ca_bundle of the token store cannot be read: {url.ca_bundle}",
                    hint=f"ls -l {shlex.quote(url.ca_bundle)}",
                )
            settings["ssl_ca_certs"] = url.ca_bundle
        return Redis(
            host=url.host,
            port=url.port,
            db=url.database,
            # Not as settings of the connections, which are shown where a pool is.
            credential_provider=_credentials(url) if url.username or url.password else None,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1, supported_errors=(Lost,)),  # a server that was started again
            protocol=2,
            **settings,
        )

    def _failure(self, error: Exception) -> StoreError:
        from redis import exceptions

        # Of what it says only the first word: old servers repeat a command that they do not know, AUTH too.
        word = _WORDS.get(type(error).__name__) or str(error).partition(" ")[0]
        if word in _TROUBLE:
            problem, hint = _TROUBLE[word]
            return StoreUnavailable(f"{self.url} {problem}", hint=hint)
        # What is misconfigured stays an error: in memory only, nobody would see what to mend.
        if word == "NOPERM":
            return StoreError(
                f"{self.url} does not let this user do what a token store does",
                hint=f"ACL SETUSER … ~{self.url.prefix}:* +@read +@write +@scripting +@connection",
            )
        if isinstance(error, exceptions.AuthenticationError):
            return StoreError(
                f"{self.url} does not take the user and password, or wants some",
                hint="check those in REQUESTS_AUTH_STORE or [store] url: rediss://user:password@…",
            )
        if isinstance(error, exceptions.TimeoutError):
            return StoreUnavailable(f"{self.url} did not answer in time", hint=self._ping())
        if isinstance(error, exceptions.ConnectionError):
            return StoreUnavailable(f"{self.url} cannot be reached{_reason(error)}", hint=self._ping())
        return StoreUnavailable(f"{self.url} refuses what is asked", hint=self._ping())

    def _ping(self) -> str:
        tls = " --tls" if self.url.tls else ""
        return f"see whether it runs: redis-cli -h {self.url.host} -p {self.url.port}{tls} ping"


def _parsed(text: str) -> tuple[RedisUrl | None, str]:
    """The URL that a text is, or what is wrong with it."""
    try:
        return RedisUrl.parse(text), ""
    except ValueError as error:
        return None, str(error)


def _credentials(url: RedisUrl) -> Any:
    from redis.credentials import CredentialProvider

    class Credentials(CredentialProvider):
        """What we prove ourselves by, without it in its repr."""

        def get_credentials(self) -> tuple[str] | tuple[str, str]:
            return (url.username, url.password) if url.username else (url.password,)

    return Credentials()


def _reason(error: BaseException) -> str:
    """What the system says of a connection that failed, if it says anything."""
    import ssl

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f": its certificate is not trusted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f": no TLS can be spoken with it ({cause.reason})"
    return f": {cause.strerror}" if cause is not None and cause.strerror else ""
