"""What a wrong line of a profile is told, and that typing what the hint offers mends it."""

import tomllib
from pathlib import Path

import profiles_file
import pytest
from profiles_file import KEY, MACHINE, MARK, PERSON, TOKEN

from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles.errors import Fault

REFERENCE = '{ env = "NAME" }'
TOKEN_URL = 'token_url = "https://login.acme.com/token"'

# A line of a profile that is right but for it; all of what is told, and of what is offered.
LINES = {
    "a port in quotes": (
        PERSON,
        'redirect_port = "5000"',
        "is text: leave the quotes",
        "redirect_port = 5000",
    ),
    "a port too high": (PERSON, "redirect_port = 65536", "go from 0 to 65535", "redirect_port = 5000"),
    "a port below 0": (PERSON, "redirect_port = -1", "go from 0 to 65535", "redirect_port = 5000"),
    "a port that is true": (
        PERSON,
        "redirect_port = true",
        "is a boolean, not a port",
        "redirect_port = 5000",
    ),
    "a port and a half": (PERSON, "redirect_port = 5000.5", "is not a whole number", "redirect_port = 5000"),
    "ports in quotes": (PERSON, 'redirect_port = [1, "2"]', "item 2 is text", "redirect_port = 5000"),
    "no ports": (PERSON, "redirect_port = []", "is an empty list", "redirect_port = 5000"),
    "a host and its port": (
        PERSON,
        'redirect_host = "127.0.0.1:5000"',
        "has a port; redirect_port says it",
        'redirect_host = "127.0.0.1"',
    ),
    "an IPv6 address alone": (
        PERSON,
        'redirect_host = "::1"',
        "lacks its brackets",
        'redirect_host = "[::1]"',
    ),
    "a relative path": (PERSON, 'redirect_path = "cb"', "begins with /", 'redirect_path = "/callback"'),
    "a browser with arguments in one text": (
        PERSON,
        'browser = "google-chrome --incognito"',
        "each is an item of a list",
        'browser = ["google-chrome", "--profile-directory=Work"]',
    ),
    "hosts as text": (KEY, 'hosts = "api.acme.com"', "text, not a list of hosts", 'hosts = ["api.acme.com"]'),
    "no hosts": (KEY, "hosts = []", "could go nowhere", 'hosts = ["api.acme.com"]'),
    "a wildcard for all": (KEY, 'hosts = ["*.com"]', "every host below .com", 'hosts = ["api.acme.com"]'),
    "a boolean in quotes": (KEY, 'allow_http = "true"', "leave the quotes out", "allow_http = true"),
    "a number for a boolean": (KEY, "allow_http = 1", "is a number, not true or false", "allow_http = true"),
    "a number for text": (KEY, "description = 5", "is a number, not text", 'description = "…"'),
    "a date for text": (PERSON, "audience = 2030-01-01", "is a date or time, not text", 'audience = "…"'),
    "no text": (PERSON, 'audience = ""', "is empty", 'audience = "…"'),
    "a URL without https": (
        PERSON,
        'token_url = "login.acme.com"',
        "does not begin with https://",
        TOKEN_URL,
    ),
    "a URL that others read": (
        PERSON,
        'token_url = "http://a.com/"',
        "is http: others could read",
        TOKEN_URL,
    ),
    "a URL with a user": (PERSON, 'token_url = "https://bob@a.com/"', "has a user name in it", TOKEN_URL),
    "a URL with a fragment": (PERSON, 'token_url = "https://a.com/#top"', "has a fragment (#…)", TOKEN_URL),
    "a URL with a blank": (PERSON, 'token_url = "https://a.com/ t"', "has a blank", TOKEN_URL),
    "a URL without a host": (PERSON, 'token_url = "https:///token"', "has no host", TOKEN_URL),
    "a URL with port 0": (PERSON, 'token_url = "https://a.com:0/"', "port that cannot be", TOKEN_URL),
    "a URL in Cyrillic": (
        PERSON,
        'token_url = "https://\u0430cme.com/"',
        "hosts are written xn--…",
        TOKEN_URL,
    ),
    "no URI": (PERSON, 'resource = "the api"', "not an absolute URI", 'resource = "https://api.acme.com"'),
    "scopes with a comma": (
        PERSON,
        'scopes = "a, b"',
        "item 1 ends in a comma",
        'scopes = ["openid", "email"]',
    ),
    "two scopes in one": (PERSON, 'scopes = ["a b"]', "item 1 has a space", 'scopes = ["openid", "email"]'),
    "a duration in words": (PERSON, 'early_expiry = "30s"', "not a number of seconds", "early_expiry = 30"),
    "a duration in quotes": (PERSON, 'early_expiry = "05"', "leave the quotes out", "early_expiry = 5"),
    "a time before now": (PERSON, "early_expiry = -1", "not between 0 and 1000000", "early_expiry = 30"),
    "no time": (PERSON, "timeout = 0", "leaves no time at all", "timeout = 60"),
    "a colon in a header": (
        PERSON,
        'header_name = "Authorization:"',
        "has a character that no header's name can have",
        'header_name = "Authorization"',
    ),
    "a header of the transport": (
        PERSON,
        'header_name = "Host"',
        "is a header that is set for every request",
        'header_name = "Authorization"',
    ),
    "a header without its token": (
        PERSON,
        'header_value = "Bearer"',
        "has no {token} in it",
        'header_value = "Bearer {token}"',
    ),
    "a header name of a key": (KEY, 'name = "My Key"', "no header's name can have", 'name = "X-API-Key"'),
    "a place that is near": (KEY, 'in = "headers"', "is not one of header, query", 'in = "header"'),
    "an unknown client auth": (
        MACHINE,
        'client_auth = "Basic"',
        "is not one of basic,",
        'client_auth = "basic"',
    ),
    "a number as a secret": (TOKEN, "token = 12345", "not text or a reference", f"token = {REFERENCE}"),
    "an empty secret": (TOKEN, 'token = ""', "is empty", f"token = {REFERENCE}"),
    "a secret and its line end": (TOKEN, 'token = "a\\n"', "has line breaks", f"token = {REFERENCE}"),
    "an unknown reference": (TOKEN, 'token = { envv = "A" }', "is not one of { env", f"token = {REFERENCE}"),
    "two references": (TOKEN, 'token = { env = "A", file = "b" }', "is not one of", f"token = {REFERENCE}"),
    "a variable with a $": (
        TOKEN,
        'token = { env = "$A" }',
        "its env is not the name",
        f"token = {REFERENCE}",
    ),
    "a command as text": (
        TOKEN,
        'token = { command = "op read x" }',
        "its command is text, not a list",
        'token = { command = ["program", "argument"] }',
    ),
    "parameters as text": (
        PERSON,
        'token_params = "a=b"',
        "is text, not a table of text",
        'token_params = { prompt = "login" }',
    ),
}


@pytest.mark.parametrize(("right", "line", "message", "hint"), LINES.values(), ids=LINES)
def test_a_wrong_line(tmp_path: Path, right: str, line: str, message: str, hint: str) -> None:
    """A wrong value is one fault, at its line, of its profile and key, with a line to type instead."""
    text = f"{right}{line} {MARK}\n"
    (fault,) = profiles_file.faults(tmp_path, text)
    key = line.partition(" ")[0]
    assert ([fault.line], fault.profile, fault.key) == (profiles_file.marked(text), "work", key)
    assert message in fault.message
    assert fault.hint == hint


@pytest.mark.parametrize(
    ("right", "line", "hint"), [(row[0], row[1], row[3]) for row in LINES.values()], ids=LINES
)
def test_a_hint_that_is_typed(tmp_path: Path, right: str, line: str, hint: str) -> None:
    """The hint, typed in place of the wrong line, mends the file."""
    assert profiles_file.read(tmp_path, right + hint).names == ["work"]


@pytest.mark.parametrize(
    ("flow", "provider"),
    [
        (flow.name, provider)
        for flow in FLOWS.values()
        if flow.needs
        for provider in (providers() if flow.endpoints else [""])
    ],
)
def test_hints_typed_one_after_another(tmp_path: Path, flow: str, provider: str) -> None:
    """From the flow and the provider alone, typing what each hint says leads to a whole profile."""
    text = f'[profiles.work]\nflow = "{flow}"\n' + (f'provider = "{provider}"\n' if provider else "")
    text += "".join(f"{fault.hint}\n" for fault in told(tmp_path, text))
    assert profiles_file.read(tmp_path, text).profile("work").flow == flow


def told(folder: Path, text: str) -> tuple[Fault, ...]:
    """All that a profile lacks; no two keys of it in one fault."""
    found = profiles_file.faults(folder, text)
    assert all(len(tomllib.loads(fault.hint)) == 1 for fault in found)
    return found
