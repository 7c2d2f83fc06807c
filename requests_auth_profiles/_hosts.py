"""Where a credential may go: origins, loopback, the patterns of a profile's `hosts`, and the verdict."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from requests.utils import get_environ_proxies, requote_uri, select_proxy

from requests_auth_profiles.errors import HostNotAllowed

__all__ = ["HostPattern", "Origin", "Reach", "is_confidential", "is_loopback", "is_plain", "origin"]

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"([a-z0-9_-]+\.)*[a-z0-9_-]+")
_BRACKETED = re.compile(r"\[[^\[\]]*\](:[0-9]*)?")
_READ_IN_MANY_WAYS = re.compile(r"[\0-\x1f\x7f-\x9f]|%u", re.IGNORECASE)  # some servers take %u002e for a dot
_MOST_DECODINGS = 8


class Origin(NamedTuple):
    """Scheme, host and port of a URL (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{_in_url(self.host)}{port}"


def origin(url: str) -> Origin:
    """The origin of an absolute http or https URL.

    Takes the URL apart as requests does to connect, so that what is checked here is where the bytes go:
    the URL must be one as requests sends it, which is not always as it was written.

    Raises:
        ValueError: not such a URL.
    """
    parts = urlsplit(url)
    scheme = parts.scheme
    # urlsplit passes over control characters before a scheme and in it, and requests does not.
    if scheme not in _PORTS or not parts.hostname or not url[: len(scheme)].isalpha():
        raise ValueError("not an absolute http or https URL")
    return Origin(scheme, _canonical(parts.hostname), parts.port or _PORTS[scheme])


def is_loopback(host: str) -> bool:
    """Whether a host never leaves this machine: localhost, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_confidential(url: str) -> bool:
    """Whether what is sent to a URL stays between us and its host: https, or this machine itself."""
    try:
        scheme, host, _ = origin(url)
    except ValueError:
        return False
    return scheme == "https" or is_loopback(host)


def is_plain(url: str, prepared: str) -> bool:
    """Whether every client reads a URL as requests does, which made `prepared` of it.

    Args:
        url: as it was written.
        prepared: as requests sends it.
    """
    if not url.isprintable() or set(url) & set(" \\"):
        return False
    try:
        if "%" in urlsplit(url).netloc:  # some decode it, and find another host behind a slash or an @
            return False
        written = origin(url)
        return written._replace(host=_ascii(written.host)) == origin(prepared)
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class HostPattern:
    """One entry of a profile's `hosts`.

    Args:
        scheme: `https`, `http`, or empty for both.
        host: a host in lower case (IDNA), or the part behind `*` of a wildcard, with its dot.
        port: None = the scheme's own port.
        path: a prefix of whole segments, without a slash at its end; empty for every path.
    """

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        """As it is written in a profile."""
        scheme = f"{self.scheme}://" if self.scheme else ""
        star = "*" if self.host.startswith(".") else ""
        port = "" if self.port is None else f":{self.port}"
        return f"{scheme}{star}{_in_url(self.host)}{port}{self.path}"

    @classmethod
    @lru_cache(maxsize=4096)  # it is asked for to be checked, and again to be used
    def parse(cls, text: str) -> Self:
        """The pattern that `api.acme.com`, `*.acme.com` or `https://api.acme.com:8443/v2/` means.

        Raises:
            ValueError: what is wrong with it, as a sentence.
        """
        if not text.isprintable() or set(text) & set(" \\"):
            raise ValueError("has blanks, backslashes or control characters")
        if set(text) & set("@?#"):
            raise ValueError("has a user name, a query or a fragment")
        try:
            parts = urlsplit(text if "://" in text else f"//{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            bare_address = text.count(":") > 1 and "[" not in text
            raise ValueError(
                "has an IPv6 address without [ ] around it"
                if bare_address
                else "is neither a host nor host:port with a port from 1 to 65535"
            ) from None
        if parts.scheme not in {"", *_PORTS}:
            raise ValueError(f"has the scheme {parts.scheme!r}; only https and http can be")
        if port == 0:
            raise ValueError("has the port 0, which nothing can be reached at")
        if "[" in parts.netloc and not (_BRACKETED.fullmatch(parts.netloc) and ":" in host):
            raise ValueError("is neither an IPv6 address in [ ] nor a host without them")
        path = requote_uri(parts.path).rstrip("/")
        if _has_dot_segments(path):
            raise ValueError("has . or .., or what may be read so, in its path")
        bare = _host(host.removeprefix("*."))
        if host.startswith("*.") and "." not in bare:
            raise ValueError(f"would match every host below .{bare}; name at least two labels")
        return cls(parts.scheme, f".{bare}" if host.startswith("*.") else bare, port, path)

    def matches(self, url: str) -> bool:
        """Whether a URL, as requests sends it, is one that this pattern means."""
        try:
            scheme, host, port = origin(url)
        except ValueError:
            return False
        return (
            self.scheme in {"", scheme}
            and (host.endswith(self.host) if self.host.startswith(".") else host == self.host)
            and port == (self.port or _PORTS[scheme])
            and (not self.path or _is_below(urlsplit(url).path, self.path))
        )

    def meet(self, other: Self) -> Self | None:
        """The pattern of the URLs that both mean; None = there are none."""
        host = _narrower(
            self.host, other.host, lambda inner, outer: outer[:1] == "." and inner.endswith(outer)
        )
        path = _narrower(self.path, other.path, lambda inner, outer: not outer or _is_below(inner, outer))
        ends = self._ends() & other._ends()
        if host is None or path is None or not ends:
            return None
        schemes, ports = {scheme for scheme, _ in ends}, {port for _, port in ends}
        usual = all(port == _PORTS[scheme] for scheme, port in ends)
        return type(self)(
            schemes.pop() if len(schemes) == 1 else "", host, None if usual else ports.pop(), path
        )

    def _ends(self) -> set[tuple[str, int]]:
        """The schemes and ports of its URLs."""
        return {(scheme, self.port or port) for scheme, port in _PORTS.items() if self.scheme in {"", scheme}}


class Reach:
    """Where a credential may go.

    Args:
        name: whose it is, for messages.
        hosts: the URLs that it may go to; empty = any https host.
        allow_http: whether it may go over plain http.
        outer: what must admit them too.
    """

    def __init__(
        self, name: str, hosts: Sequence[HostPattern], *, allow_http: bool, outer: "Reach | None" = None
    ) -> None:
        self.name = name
        self._hosts = tuple(hosts)
        self._allow_http = allow_http
        self._outer = outer
        self._admitted: tuple[str, ...] = ()

    def within(self, outer: "Reach") -> "Reach":
        """The same for fewer URLs: those that the outer one admits too."""
        own = outer if self._outer is None else self._outer.within(outer)
        return Reach(self.name, self._hosts, allow_http=self._allow_http, outer=own)

    def admits(self, url: str) -> bool:
        """Whether it may go to a URL, as requests sends it."""
        return self._refusal(url) is None

    def check(self, url: str) -> None:
        """Refuses a URL, as requests sends it, that the credential may not go to.

        Raises:
            HostNotAllowed: with what to change in the profile.
        """
        # What follows the slash is no part of an origin, and the verdict hangs on the origin alone.
        if url.startswith(self._admitted):
            return
        if (refusal := self._refusal(url)) is not None:
            raise refusal
        if self.is_by_origin():
            self._admitted = (f"{origin(url)}/",)

    def is_by_origin(self) -> bool:
        """Whether the verdict on a URL is that on all of its origin."""
        own = not any(pattern.path for pattern in self._hosts)
        return own and (self._outer is None or self._outer.is_by_origin())

    def _refusal(self, url: str) -> HostNotAllowed | None:
        try:
            found = origin(url)
        except ValueError:
            return HostNotAllowed(f"{self.name}: not an http or https URL", hint="call an https URL")
        if self._hosts and not any(pattern.matches(url) for pattern in self._hosts):
            return HostNotAllowed(
                f"{self.name} is not for {found}: the profile's hosts do not name it",
                hint=f'hosts = […, "{str(found).partition("://")[2]}"] if it is meant to go there',
            )
        if found.scheme == "http" and not self._allow_http and not is_loopback(found.host):
            return HostNotAllowed(
                f"{self.name} does not go to {found}: on plain http anybody on the way could read it",
                hint="call https; or allow_http = true in a profile",
            )
        if found.scheme == "http" and not self._allow_http and _proxy(url):
            return HostNotAllowed(
                f"{self.name} does not go to {found} through the proxy that the environment names: "
                "on plain http it could read it",
                hint="export NO_PROXY=localhost,127.0.0.1,::1",
            )
        return None if self._outer is None else self._outer._refusal(url)  # noqa: SLF001


def _narrower(one: str, other: str, is_in: Callable[[str, str], bool]) -> str | None:
    """The one of two that is in the other; None = neither is."""
    if one == other or is_in(one, other):
        return one
    return other if is_in(other, one) else None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _canonical(host: str) -> str:
    """A host as it is compared: of the many ways to write an IPv6 address, one."""
    return str(ipaddress.IPv6Address(host)) if ":" in host else host


def _host(text: str) -> str:
    """The host that a pattern names, as it stands in URLs."""
    if ":" in text:
        try:
            return _canonical(text)
        except ValueError:
            raise ValueError("is not an IPv6 address") from None
    if not text:
        raise ValueError("names no host")
    if text.endswith("."):
        raise ValueError("ends in a dot; leave it out")
    if "*" in text:
        raise ValueError("has a * that is not all of the first label")
    host = _ascii(text)
    if not _HOST.fullmatch(host):
        raise ValueError("is not a host name")
    return host


def _ascii(host: str) -> str:
    """A host name in ASCII (IDNA), as requests sends it."""
    if host.isascii():
        return host
    import idna  # requests encodes with it too

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("is not a host name (IDNA)") from None


def _is_below(path: str, prefix: str) -> bool:
    # Servers resolve dot segments, escaped ones too: /v2/%2e%2e/admin is /admin.
    return (path == prefix or path.startswith(f"{prefix}/")) and not _has_dot_segments(path)


def _has_dot_segments(path: str) -> bool:
    """Whether a server could take a path for another one: for all that servers are known to pass over."""
    for _ in range(_MOST_DECODINGS):  # some servers decode more than once
        try:
            decoded = unicodedata.normalize("NFKC", unquote(path, errors="strict"))
        except UnicodeDecodeError:
            return True  # some take %c0%ae, which is no UTF-8, for a dot
        if decoded == path:
            break
        path = decoded
    else:
        return True
    if _READ_IN_MANY_WAYS.search(path):
        return True
    # Some take a backslash for a slash, and some pass over blanks and what follows a semicolon.
    segments = (segment.partition(";")[0].strip() for segment in path.replace("\\", "/").split("/"))
    return not {".", ".."}.isdisjoint(segments)


def _proxy(url: str) -> str | None:
    """The proxy through which requests calls a URL: as far as the environment says, for we see no session."""
    return select_proxy(url, get_environ_proxies(url))
