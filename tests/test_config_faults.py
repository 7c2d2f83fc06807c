"""What a wrong profiles file is told: the line, the profile, the key, what is wrong, and what to type."""

from pathlib import Path
from typing import NamedTuple

import profiles_file
import pytest
from profiles_file import KEY, MACHINE, MARK, PERSON

from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.profile_keys import PROFILE

REFERENCE = '{ env = "NAME" }'
TOKEN_URL = 'token_url = "https://login.acme.com/token"'


class Wrong(NamedTuple):
    """A file with one fault.

    Args:
        text: the file; the line at fault is marked.
        where: the profile and the key, as the message names them.
        message: a part of what is told.
        hint: the beginning of what is offered.
    """

    text: str
    where: tuple[str, str]
    message: str
    hint: str


FILES = {
    "an unknown key at the top": Wrong(
        f'default_profil = "work" {MARK}\n{KEY}',
        ("", "default_profil"),
        "not a known key",
        "did you mean 'defa",
    ),
    "a profile's key at the top": Wrong(
        f'flow = "bearer" {MARK}\n', ("", "flow"), "is a key of a profile", "[profiles.NAME] in a line above"
    ),
    "a table at the top": Wrong(
        f"[work] {MARK}\n", ("", "work"), "is not a known table", "[profiles.work], if it is a profile"
    ),
    "profiles as a list": Wrong(
        f"profiles = [] {MARK}\n", ("", "profiles"), "a list, not a table", "[profiles"
    ),
    "an unknown key of the store": Wrong(
        f'[store]\nurls = "x" {MARK}\n', ("", "store.urls"), "is not a known key", "did you mean 'url'?"
    ),
    "a store of another kind": Wrong(
        f'[store]\nurl = "ftp://x" {MARK}\n',
        ("", "store.url"),
        "that this version does not",
        'url = "memory:"',
    ),
    "a store in memory, misspelt": Wrong(
        f'[store]\nurl = "memory" {MARK}\n', ("", "store.url"), "is a folder of that name", 'url = "memory:"'
    ),
    "hosts over http": Wrong(
        f'{KEY}hosts = ["a.com", "http://printer.lan"] {MARK}\n',
        ("work", "hosts"),
        "item 2 is plain http",
        "https://… there; or allow_http = true",
    ),
    "a token with its scheme": Wrong(
        f'[profiles.work]\nflow = "bearer"\ntoken = "Bearer abc" {MARK}\n',
        ("work", "token"),
        "begins with the word Bearer",
        "leave that word out",
    ),
    "two that write one header": Wrong(
        f'{KEY}[profiles.other]\nextends = "work"\n[profiles.both]\ncompose = ["work", "other"] {MARK}\n',
        ("both", "compose"),
        "puts 'work' and 'other' together, which both write the header X-Api-Key",
        "leave one out",
    ),
    "a default that is not there": Wrong(
        f'default_profile = "wrk" {MARK}\n{KEY}',
        ("", "default_profile"),
        "names 'wrk'",
        "did you mean 'work'?",
    ),
    "a profile that is text": Wrong(
        f'[profiles]\nwork = "x" {MARK}\n', ("work", ""), "is text, not a table", "[profiles.work]"
    ),
    "a profile without a name": Wrong(
        f'[profiles]\nflow = "bearer" {MARK}\n',
        ("flow", ""),
        "not a table",
        "[profiles.NAME] in a line above",
    ),
    "profiles as an array": Wrong(
        f"[[profiles.work]] {MARK}\n", ("work", ""), "is a list", "[profiles.work]"
    ),
    "an unknown key": Wrong(
        f"{PERSON}redirectport = 0 {MARK}",
        ("work", "redirectport"),
        "not a known",
        "did you mean 'redirect_port",
    ),
    "an unknown key of an unknown flow": Wrong(
        f'[profiles.work]\nextends = "base"\nxyz = 1 {MARK}\n[profiles.base]\n'
        '[profiles.other]\nextends = "work"\nflow = "bearer"\ntoken = "x"',
        ("work", "xyz"),
        "is not a known key",
        'flow = "…" first',
    ),
    "a key of another flow": Wrong(
        f'{KEY}client_id = "x" {MARK}',
        ("work", "client_id"),
        "key of flow 'api-key'",
        "leave it out; it belongs",
    ),
    "a key in a composition": Wrong(
        f'{KEY}[profiles.both]\ncompose = ["work"]\nheader_name = "X" {MARK}',
        ("both", "header_name"),
        "is not a key of a composition",
        "leave it out; it belongs to bearer, client-credentials",
    ),
    "a variable of another provider": Wrong(
        f'{MACHINE}provider = "entra"\ntenant_id = "x"\nrealm = "y" {MARK}',
        ("work", "realm"),
        "is not a known key without its provider",
        'provider = "keycloak"; or leave it out',
    ),
    "an unknown flow": Wrong(
        f'[profiles.work]\nflow = "client-credential" {MARK}',
        ("work", "flow"),
        "is not one of",
        'flow = "client',
    ),
    "a flow that is a number": Wrong(
        f"[profiles.work]\nflow = 3 {MARK}", ("work", "flow"), "is a number, not text", "flow = "
    ),
    "no flow": Wrong(
        f"[profiles.work] {MARK}", ("work", ""), "has no flow", 'flow = "…", with one of api-key'
    ),
    "a flow and a composition": Wrong(
        f'{KEY}[profiles.both]\nflow = "bearer" {MARK}\ntoken = "x"\ncompose = ["work"]',
        ("both", "flow"),
        "not both",
        "leave flow or compose out",
    ),
    "a key is missing": Wrong(
        f'[profiles.work] {MARK}\nflow = "api-key"',
        ("work", ""),
        "needs api_key: the key",
        f"api_key = {REFERENCE}",
    ),
    "no endpoints": Wrong(
        f'[profiles.work] {MARK}\nflow = "authorization-code-pkce"\nclient_id = "x"',
        ("work", ""),
        "needs a provider, an issuer, or authorization_url and token_url",
        'provider = "…", with one of okta,',
    ),
    "one of two endpoints": Wrong(
        f'[profiles.work] {MARK}\nflow = "authorization-code-pkce"\nclient_id = "x"\n{TOKEN_URL}',
        ("work", ""),
        "needs a provider, an issuer, or authorization_url",
        'provider = "…"',
    ),
    "an unknown provider": Wrong(
        f'{PERSON}provider = "otka" {MARK}',
        ("work", "provider"),
        "is not one of okta, entra",
        "did you mean 'okta'",
    ),
    "a provider that is like none": Wrong(
        f'{PERSON}provider = "zitadel" {MARK}',
        ("work", "provider"),
        "is not one of",
        "its issuer in its place",
    ),
    "a variable of the provider is missing": Wrong(
        f'[profiles.work] {MARK}\nflow = "authorization-code-pkce"\nclient_id = "x"\nprovider = "okta"',
        ("work", ""),
        "needs instance for provider 'okta'",
        'instance = "acme.okta-emea.com"',
    ),
    "a URL for a provider's host": Wrong(
        f'{PERSON}provider = "okta"\ninstance = "https://acme.okta.com/" {MARK}',
        ("work", "instance"),
        "is a URL, not a host",
        'instance = "acme.okta.com"',
    ),
    "a client authentication without a secret": Wrong(
        PERSON.replace("]\n", f"] {MARK}\n", 1) + 'client_auth = "post"',
        ("work", ""),
        "needs client_secret, as it has client_auth",
        f"client_secret = {REFERENCE}",
    ),
    "a parameter that is set for you": Wrong(
        f'{PERSON}authorize_params = {{ prompt = "login", state = "x" }} {MARK}',
        ("work", "authorize_params.state"),
        "is set for you",
        "leave it out",
    ),
    "a parameter that a key sets": Wrong(
        f'{PERSON}[profiles.work.token_params]\nscope = "x" {MARK}',
        ("work", "token_params.scope"),
        "is set for you",
        "say it with scopes",
    ),
    "a parameter that is a number": Wrong(
        f'{PERSON}[profiles.work.authorize_params]\n"max age" = 5 {MARK}',
        ("work", "authorize_params.max age"),
        "is a number, not text",
        '"max age" = "…"',
    ),
    "a missing parent": Wrong(
        f'{KEY}[profiles.child]\nextends = "wrok" {MARK}',
        ("child", "extends"),
        "names 'wrok'",
        "did you mean 'work'",
    ),
    "a circle of parents": Wrong(
        f'[profiles.a]\nextends = "b"\n[profiles.b]\nextends = "c"\n[profiles.c]\nextends = "a" {MARK}',
        ("c", "extends"),
        "goes round in a circle: 'a' → 'b' → 'c' → 'a'",
        "take one extends out",
    ),
    "its own parent": Wrong(
        f'[profiles.a]\nextends = "a" {MARK}', ("a", "extends"), "a circle: 'a' → 'a'", "take one extends out"
    ),
    "a circle of members": Wrong(
        f'[profiles.a]\ncompose = ["b"]\n[profiles.b]\ncompose = ["a"] {MARK}',
        ("b", "compose"),
        "goes round in a circle: 'a' → 'b' → 'a'",
        "take one compose out",
    ),
    "a missing member": Wrong(
        f'{KEY}[profiles.both]\ncompose = ["work", "x"] {MARK}',
        ("both", "compose"),
        "names 'x'",
        "profiles here: ",
    ),
    "no members": Wrong(
        f"[profiles.both]\ncompose = [] {MARK}", ("both", "compose"), "an empty list", "compose = ["
    ),
}


@pytest.mark.parametrize("wrong", FILES.values(), ids=FILES)
def test_a_wrong_file(tmp_path: Path, wrong: Wrong) -> None:
    """What is wrong is one fault, with its line, profile and key, and with a hint."""
    (fault,) = profiles_file.faults(tmp_path, wrong.text)
    assert ([fault.line], fault.profile, fault.key) == (profiles_file.marked(wrong.text), *wrong.where)
    assert wrong.message in fault.message
    assert fault.hint.startswith(wrong.hint)


def test_every_key_belongs_somewhere() -> None:
    """Each key of the table is common or one of a flow, so that a message can always name whose it is."""
    own = {key for flow in FLOWS.values() for key in flow.keys}
    assert own | {key.name for key in PROFILE.values() if key.common} == PROFILE.keys()
