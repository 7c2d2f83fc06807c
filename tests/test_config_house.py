"""`[providers.NAME]`: a house's own provider, in the form of those that everybody has."""

from pathlib import Path

import profiles_file
import pytest
from profiles_file import MARK

ACME = """[providers.acme]
title = "Acme"
[providers.acme.variables.region]
about = "the region"
example = "eu"
[providers.acme.variables.host]
form = "host"
default = "login.acme.com"
[providers.acme.keys]
authorization_url = "https://{host}/{region}/authorize"
token_url = "https://{host}/{region}/token"
client_auth = "post"
[providers.acme.flows.client-credentials]
scopes = ["api"]
"""
WORK = """[profiles.work]
flow = "client-credentials"
provider = "acme"
region = "us"
client_id = "nightly"
client_secret = { env = "NIGHTLY_SECRET" }
"""


def test_it_is_used(tmp_path: Path) -> None:
    """Its endpoints, variables, defaults and what it says for a flow hold in its profiles."""
    scheme = profiles_file.oauth2(tmp_path, ACME + WORK)
    assert scheme.endpoints == {
        "authorization_url": "https://login.acme.com/us/authorize",
        "token_url": "https://login.acme.com/us/token",
    }
    assert (scheme.client.client_auth, scheme.scopes) == ("post", ("api",))


def test_in_a_teams_file(tmp_path: Path) -> None:
    """It may stand in a file that is included."""
    team = tmp_path / "team.toml"
    team.write_text(ACME)
    team.chmod(0o600)
    scheme = profiles_file.oauth2(tmp_path, 'include = ["team.toml"]\n' + WORK)
    assert scheme.endpoints["token_url"] == "https://login.acme.com/us/token"


def test_the_smallest(tmp_path: Path) -> None:
    """Keys alone are enough."""
    text = '[providers.acme.keys]\nissuer = "https://login.acme.com"\n' + WORK.replace('region = "us"\n', "")
    assert profiles_file.oauth2(tmp_path, text).endpoints == {"issuer": "https://login.acme.com"}


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (f"providers = 1 {MARK}", "providers", "is a number, not a table"),
        (f"[providers]\nacme = 1 {MARK}", "providers.acme", "is a number, not a table"),
        (f"[providers.okta] {MARK}", "providers.okta", "is the name of a provider that is known already"),
        (f'[providers."a b"] {MARK}', "providers.a b", "is not a name that a provider can have"),
        (f"[providers.acme]\nurl = 1 {MARK}", "providers.acme.url", "is not a known key"),
        (f"[providers.acme]\nkeys = 1 {MARK}", "providers.acme.keys", "is a number, not a table"),
        (
            f'[providers.acme.keys]\ntoken_url = "http://login.acme.com" {MARK}',
            "providers.acme.keys.token_url",
            "is http: others could read what is sent there",
        ),
        (
            f'[providers.acme.keys]\ntoken_url = "https://{{hots}}/" {MARK}',
            "providers.acme.keys.token_url",
            "has {hots} in it, which is no variable of this provider",
        ),
        (
            f'[providers.acme.keys]\ntoken_url = "https://{{host/" {MARK}',
            "providers.acme.keys.token_url",
            "has a single brace in it, which is no variable of this provider",
        ),
        (
            f'[providers.acme.keys]\nclient_secret = "x" {MARK}',
            "providers.acme.keys.client_secret",
            "is not a known key",
        ),
        (f'[providers.acme.keys]\nflow = "bearer" {MARK}', "providers.acme.keys.flow", "is not a known key"),
        (
            f"[providers.acme.flows.client-credential] {MARK}",
            "providers.acme.flows.client-credential",
            "is not a flow",
        ),
        (
            f"[providers.acme.flows.password]\nscopes = 5 {MARK}",
            "providers.acme.flows.password.scopes",
            "is a number, not a list of scopes",
        ),
        (
            f'[providers.acme.variables.scopes]\nabout = "x"\n{MARK}',
            "providers.acme.variables.scopes",
            "is a key of every profile already",
        ),
        (
            f'[providers.acme.variables.x]\nform = "hots" {MARK}',
            "providers.acme.variables.x.form",
            "is not one of segment, host, url",
        ),
        (
            f'[providers.acme.variables.x]\ndefault = "a/b" {MARK}',
            "providers.acme.variables.x.default",
            "is not one part of a path: letters, digits and . _ ~ - only",
        ),
        (
            f"[providers.acme.variables.Region-1] {MARK}",
            "providers.acme.variables.Region-1",
            "is not a name that a variable can have",
        ),
    ],
)
def test_a_fault(tmp_path: Path, text: str, key: str, message: str) -> None:
    """It is told with its line and what is wrong."""
    (fault,) = profiles_file.faults(tmp_path, text + "\n")
    assert (fault.key, fault.message) == (key, message)
    assert fault.hint


def test_no_variable_of_a_profile(tmp_path: Path) -> None:
    """A variable that a profile does not say is missed by name."""
    (fault,) = profiles_file.faults(tmp_path, ACME + WORK.replace('region = "us"\n', ""))
    assert fault.message == "needs region for provider 'acme': the region"


def test_what_is_wrong_there_is_told_once(tmp_path: Path) -> None:
    """A profile of a provider that has a fault is not found wrong for it."""
    found = profiles_file.faults(tmp_path, ACME.replace("{region}", "{rejoin}") + WORK)
    assert {fault.path[:2] for fault in found} == {("providers", "acme")}


def test_a_name_that_is_near(tmp_path: Path) -> None:
    """It is proposed where a profile names another."""
    found = profiles_file.faults(tmp_path, ACME + WORK.replace('"acme"', '"amce"'))
    assert found[0].hint == "did you mean 'acme'?"
