"""What is found in a file of another tool."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests_auth_profiles._config import addresses
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._secret_names import may_be_secret

__all__ = [
    "Found",
    "Hidden",
    "LeftOut",
    "Problem",
    "hosts_of",
    "json_of",
    "public_url",
    "shown",
    "table_of",
    "text_of",
    "user_of",
    "words_of",
]

_LONGEST = 80
_NO_PASSWORDS = {"", "x", "X", "api_token", "x-oauth-basic", "x-access-token"}


class Problem(ValueError):
    """Why an entry is no profile, without anything secret of it."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A secret that stands in the source, and will be in an environment variable.

    Args:
        where: the name that it has in the source.
    """

    where: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that is no profile.

    Args:
        where: which.
        why: the reason.
    """

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that is a profile.

    Args:
        where: which, in the words of the source.
        name: the name that it would have, if that can be one.
        table: what it says; a secret is `Hidden`, or a reference.
        notes: what of the entry it does not say, and what is to be done.
    """

    where: str
    name: str
    table: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        flow = self.table.get("flow")
        if flow is not None and flow not in FLOWS:
            raise Problem(f"its flow {flow} is none that this version has")


def shown(text: object, longest: int = _LONGEST) -> str:
    """A name of the source, fit for a comment and a terminal."""
    said = str(text)[:longest]
    return said if said.isprintable() else ascii(said)[1:-1]


def text_of(table: Mapping[str, Any], key: str) -> str:
    """The text that stands under a key; empty where there is none."""
    value = table.get(key)
    return value.strip() if isinstance(value, str) else ""


def table_of(value: object) -> dict[str, Any]:
    """A table with text for names, or an empty one."""
    return {key: one for key, one in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def user_of(name: str, password: str) -> str | Hidden:
    """The name of a user, unless it is a token, as the password beside it then tells."""
    return Hidden("user name") if password in _NO_PASSWORDS else name


def words_of(value: object) -> list[str]:
    """Words that stand apart by spaces or commas, or in a list."""
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def json_of(data: bytes) -> Any:
    """What a JSON file says, comments and commas at ends allowed.

    Raises:
        ValueError: it is none; nothing of it is repeated.
    """
    try:
        text = data.decode("utf-8-sig")
        try:
            return json.loads(text)
        except ValueError:
            return json.loads(re.sub(r",(\s*[}\]])|" + _JSON_SKIP, _without_comments, text, flags=re.DOTALL))
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except json.JSONDecodeError as error:
        problem = f"is not JSON, from line {error.lineno} on"
    except (ValueError, RecursionError):
        problem = "is not JSON that can be read"
    raise ValueError(problem)


_JSON_SKIP = r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/'


def _without_comments(found: re.Match[str]) -> str:
    return found[2] or found[1] or ""


def found_at(
    where: str, name: str, table: dict[str, Any], urls: Iterable[str], notes: list[str]
) -> "Found | LeftOut":
    """An entry for the hosts of some URLs, or why it is none.

    Args:
        where: which, in the words of the source.
        name: the name that it would have.
        table: what it says, but for the hosts, which are added to it.
        urls: the URLs, or hosts.
        notes: gets what is left out.
    """
    if hosts := hosts_of(urls, notes):
        table["hosts"] = hosts
    else:
        notes.append("it says no host: write hosts")
    try:
        return Found(where, name, table, notes)
    except Problem as problem:
        return LeftOut(where, str(problem))


def hosts_of(urls: Iterable[str], notes: list[str]) -> list[str]:
    """The hosts of some URLs, as a profile has them.

    Args:
        urls: the URLs, or hosts.
        notes: gets what is left out.
    """
    found: dict[str, None] = {}
    for url in urls:
        if (host := _host(url)) is None:
            notes.append("a host that a profile cannot have")
        else:
            found[host] = None
    return list(found)


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    pattern = f"[{host}]" if ":" in host else host
    if port is not None:
        pattern += f":{port}"
    if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"}:
        return None
    return None if addresses.HOSTS.problem([pattern]) else pattern


def public_url(url: str, what: str) -> str:
    """A URL that may be shown.

    Raises:
        Problem: it is none, or has what may be a secret in it.
    """
    if (problem := addresses.URL.problem(url)) is not None:
        raise Problem(f"its {what} {problem.message}")
    if any(may_be_secret(name) for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
        raise Problem(f"its {what} has a parameter in it that may be a secret")
    return url
