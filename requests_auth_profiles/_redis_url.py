"""RedisUrl: where tokens are kept on a Redis or Valkey server."""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote

from requests_auth_profiles._hosts import is_loopback

__all__ = ["EXAMPLE", "RedisUrl"]

EXAMPLE = "rediss://redis.acme.com:6379"
"""One without a password in it."""

_PORT = 6379
_LAST_PORT = 65535
_FORM = re.compile(
    r"redis(?P<tls>s?)://(?:(?P<user>[^/?#@:]*)(?::(?P<password>[^/?#@]*))?@)?"
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?P<database>[0-9]{0,5}))?(?:\?(?P<query>[^#]*))?"
)
_PREFIX = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A server, a database on it, and the names there that are ours.

    Args:
        host: its name or address.
        port: where it listens.
        database: the number of the database.
        tls: whether it is spoken to over TLS, its certificate checked.
        prefix: what all our keys begin with, and a colon.
        ca_bundle: the file of who vouches for it; empty = whom the system trusts.
        username: who we are there; empty = its default user.
        password: proves that; empty = none is asked for.
    """

    host: str
    port: int
    database: int
    tls: bool
    prefix: str
    ca_bundle: str
    username: str = field(repr=False)
    password: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The one that a text is, as in `rediss://user:password@host:6379/0?prefix=acme`.

        Raises:
            ValueError: it is something else; its text says what, as a sentence about it, without a secret.
        """
        found = _FORM.fullmatch(text) if text.isascii() and text.isprintable() and " " not in text else None
        if found is None or not 0 < int(found["port"] or _PORT) <= _LAST_PORT:
            del text  # debuggers show variables
            raise ValueError("is not rediss://, a user and password (written %…) with @, a host, and a port")
        said = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
        prefix, ca_bundle = said.pop("prefix", "requests-auth"), said.pop("ca_bundle", "")
        if said:
            problem = "has something after ? that is neither prefix nor ca_bundle"
        elif not _PREFIX.fullmatch(prefix):
            problem = "has a prefix that is not 1 to 64 of A-Z a-z 0-9 . _ : -"
        elif ca_bundle and not (found["tls"] and ca_bundle.startswith("/")):
            problem = "has a ca_bundle, which is a whole path, and for rediss:// only"
        else:
            return cls(
                host=found["host"].strip("[]"),
                port=int(found["port"] or _PORT),
                database=int(found["database"] or 0),
                tls=bool(found["tls"]),
                prefix=prefix.rstrip(":"),
                ca_bundle=ca_bundle,
                username=unquote(found["user"] or ""),
                password=unquote(found["password"] or ""),
            )
        del text, found, said, prefix, ca_bundle  # the same
        raise ValueError(problem)

    @property
    def is_confidential(self) -> bool:
        """Whether nobody on the way to the server sees the password, or takes its place."""
        return self.tls or is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.tls else ''}://{host}:{self.port}/{self.database}"
