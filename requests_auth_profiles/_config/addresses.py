"""The kinds of addresses in the profiles file: ports, hosts, URLs, paths and stores; see `kinds`."""

import re
from ipaddress import IPv6Address, ip_address

from requests_auth_profiles._config.kinds import SECRET, Kind, Problem, each, not_a, text
from requests_auth_profiles._hosts import HostPattern, is_confidential
from requests_auth_profiles._redis_url import EXAMPLE, RedisUrl

__all__ = [
    "HOST",
    "HOSTS",
    "ISSUER",
    "PATH",
    "PORTS",
    "PROXY",
    "REDIRECT_HOST",
    "SEGMENT",
    "STORE",
    "URI",
    "URL",
]

_LAST_PORT = 65535
_URL = re.compile(r"[!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")  # RFC 3986 section 2, and no fragment
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def _port(value: object) -> Problem | None:
    if type(value) is str and re.fullmatch(r"[0-9]{1,5}", value):
        return Problem("is text: leave the quotes out", str(int(value)))
    if type(value) is float:
        return Problem("is not a whole number")
    if type(value) is not int:
        return not_a("a port", value)
    return None if 0 <= value <= _LAST_PORT else Problem("is not a port: they go from 0 to 65535")


def _ports(value: object) -> Problem | None:
    if type(value) is not list:
        return _port(value)
    return each(_port, value) if value else Problem("is an empty list")


def _hosts(value: object) -> Problem | None:
    if type(value) is not list:
        return not_a("a list of hosts", value)
    if not value:
        return Problem("is an empty list: the credential could go nowhere")
    return each(_host_pattern, value)


def _host_pattern(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    try:
        HostPattern.parse(str(value))
    except ValueError as error:
        return Problem(str(error))
    return None


def _host(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    bare, _, port = str(value).partition(":")
    if _is_host(bare) and (not port or _is_port(port)) and not str(value).endswith(":"):
        return None
    return _not_a_host(str(value))


def _not_a_host(value: str) -> Problem:
    """What is wrong with a host that is none, with the host of the URL that it may be."""
    scheme, mark, rest = value.partition("://")
    bare = re.split(r"[/?#]", rest if mark else scheme)[0].rpartition("@")[2]
    if bare != value and _host(bare) is None:
        return Problem("is a URL, not a host" if mark else "is more than a host", f'"{bare}"')
    return Problem("is not a host")


def _redirect_host(value: object) -> Problem | None:
    if value == "[::1]":
        return None
    if value == "::1":
        return Problem("lacks its brackets", '"[::1]"')
    problem = _host(value)
    if problem is None and ":" in str(value):
        return Problem("has a port; redirect_port says it", f'"{str(value).partition(":")[0]}"')
    return problem


def _is_host(name: str) -> bool:
    return len(name) <= 253 and _HOST.fullmatch(name) is not None  # noqa: PLR2004  RFC 1035 section 2.3.4


def _is_port(digits: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", digits) is not None and 0 < int(digits) <= _LAST_PORT


def _url(value: object) -> Problem | None:
    if (problem := text(value) or _characters(str(value))) is not None:
        return problem
    url = str(value)
    if not url.lower().startswith(("https://", "http://")):
        return Problem("does not begin with https://")
    if (problem := _authority(re.split(r"[/?]", url.partition("://")[2])[0])) is not None:
        return problem
    return None if is_confidential(url) else Problem("is http: others could read what is sent there")


def _characters(url: str) -> Problem | None:
    if not url.isascii():  # nobody can tell a Cyrillic letter from ours
        return Problem("has a character that is not ASCII; hosts are written xn--…, others as %…")
    if "#" in url:
        return Problem("has a fragment (#…)")
    return None if _URL.fullmatch(url) else Problem("has a blank, or a character that no URL can have")


def _authority(value: str) -> Problem | None:
    """What is wrong with the part of a URL between // and the path: a host or an address, and a port."""
    if "@" in value:
        return Problem("has a user name in it")
    bracketed = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\])(:(.*))?", value)
    if bracketed is None:
        known = _host(value) is None
    else:
        known = _is_ipv6(bracketed[1]) and (bracketed[2] is None or _is_port(bracketed[3]))
    return None if known else Problem("has no host, or a host or port that cannot be")


def _is_ipv6(bracketed: str) -> bool:
    try:
        return isinstance(ip_address(bracketed[1:-1]), IPv6Address)
    except ValueError:
        return False


def _issuer(value: object) -> Problem | None:
    # RFC 8414 section 2: no query. Nor has a URL that others are made from.
    return _url(value) or (Problem("has a query (?…)") if "?" in str(value) else None)


def _uri(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    # RFC 8707 section 2: absolute and without a fragment; not only a URL: api://… and urn:… are.
    absolute = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:(.+)", str(value))
    if absolute is None or not _URL.fullmatch(absolute[1]):
        return Problem("is not an absolute URI without a fragment")
    return None


def _path(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    plain = re.fullmatch(r"/[\w.~/-]*", str(value), re.ASCII) is not None
    if not plain or {".", ".."} & set(str(value).split("/")):
        return Problem("is not a plain path that begins with /")
    return None


def _proxy(value: object) -> Problem | None:
    if type(value) is not str or text(value) is not None:
        return SECRET.problem(value)
    parts = re.fullmatch(r"(https?|socks5h?)://(?:([^/?#]*)@)?([^/?#@]*)/?", value)
    if parts is None:
        return Problem("is not the URL of a proxy: http://, https:// or socks5://, and a host")
    if parts[2] is not None and _characters(parts[2]) is not None:
        return Problem("has a character in its user or password that is written %…")
    return _authority(parts[3])


def _store(value: object) -> Problem | None:
    if type(value) is not str or text(value) is not None:
        return SECRET.problem(value)
    if value in {"memory", ":memory:"}:
        return Problem("is a folder of that name; without a disk it is written otherwise", '"memory:"')
    if value == "memory:" or "://" not in value:
        return None
    if not value.startswith(("redis://", "rediss://")):
        return Problem("is of a kind that this version does not know", '"memory:", or a folder')
    try:
        RedisUrl.parse(value)
    except ValueError as error:
        return Problem(str(error), f'"{EXAMPLE}"')
    return None


def _segment(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    plain = re.fullmatch(r"[\w.~-]+", str(value), re.ASCII) is not None and value not in {".", ".."}
    return None if plain else Problem("is not one part of a path: letters, digits and . _ ~ - only")


_PORT_SCHEMA = {"type": "integer", "minimum": 0, "maximum": _LAST_PORT}
_URL_SCHEMA = {"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^#]+$"}
_NAMED = {"type": "string", "pattern": "^[A-Za-z0-9.:-]+$"}

PORTS = Kind(
    "a port, or a list of them",
    "5000",
    _ports,
    {**_PORT_SCHEMA, "type": ["integer", "array"], "items": _PORT_SCHEMA, "minItems": 1},
)
HOSTS = Kind(
    "a list of hosts",
    '["api.acme.com"]',
    _hosts,
    {"type": "array", "items": {"type": "string", "pattern": r"^[^ \\@?#]+$"}, "minItems": 1},
)
HOST = Kind("a host", '"acme.example.com"', _host, _NAMED)
REDIRECT_HOST = Kind("a host", '"127.0.0.1"', _redirect_host, {"anyOf": [_NAMED, {"const": "[::1]"}]})
URL = Kind("an https URL", '"https://login.acme.com/token"', _url, _URL_SCHEMA)
ISSUER = Kind("an https URL without a query", '"https://login.acme.com"', _issuer, _URL_SCHEMA)
URI = Kind(
    "a URI",
    '"https://api.acme.com"',
    _uri,
    {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:.+$"},
)
PROXY = Kind(
    "the URL of a proxy",
    '"http://proxy.acme.com:3128"',
    _proxy,
    {
        "anyOf": [
            {"type": "string", "pattern": "^(https?|socks5h?)://"},
            {"$ref": "#/definitions/reference"},
        ]
    },
)
STORE = Kind("a folder, memory:, or the URL of a server", '"memory:"', _store, SECRET.schema)
PATH = Kind("a path", '"/callback"', _path, {"type": "string", "pattern": "^/[A-Za-z0-9_.~/-]*$"})
SEGMENT = Kind("one part of a path", '"acme"', _segment, {"type": "string", "pattern": "^[A-Za-z0-9_.~-]+$"})
