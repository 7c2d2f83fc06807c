"""`requests-auth import --from FORMAT FILE`: profiles for what other tools keep."""

import base64
import hashlib
import json
from pathlib import Path

import profiles_file
import pytest
from conftest import RunProgram
from importer import SECRET, Importer, jwt

from requests_auth_profiles.cli.formats import FORMATS


@pytest.fixture
def imported(home: Path, capsys: pytest.CaptureFixture[str]) -> Importer:
    """`imported("netrc", text)`: what the verb makes of a file; no secret is in it, and it has no fault."""
    return Importer(home, capsys)


DATABRICKS = f"""\
[__settings__]
default_profile = work

[DEFAULT]
host = https://adb-1.azuredatabricks.net/
token = {SECRET}

[machine]
host = acme.cloud.databricks.com
client_id = 4f2
client_secret = {SECRET}
cluster_id = 12

[account]
host = https://accounts.cloud.databricks.com
account_id = 77
client_id = 4f2
client_secret = {SECRET}

[azure]
host = https://adb-2.azuredatabricks.net
azure_tenant_id = 45239d18
azure_client_id = app
azure_client_secret = {SECRET}
other = {SECRET}

[person]
host = https://acme.cloud.databricks.com
auth_type = databricks-cli

[old]
host = https://acme.cloud.databricks.com
username = bob
password = {SECRET}

[azure-cli]
host = https://acme.cloud.databricks.com
auth_type = azure-cli

[plain]
host = http://acme.cloud.databricks.com
client_id = x
client_secret = {SECRET}
"""


def test_databricks(imported: Importer) -> None:
    """Each section is a profile for its own workspace; what none can be is told, with the reason."""
    done = imported("databricks", DATABRICKS)
    assert done.code == 1
    acme, machine = "acme.cloud.databricks.com", "client-credentials"
    assert done.profiles == {
        "DEFAULT": {
            "flow": "bearer",
            "token": {"env": "DEFAULT_TOKEN"},
            "hosts": ["adb-1.azuredatabricks.net"],
        },
        "machine": {
            "flow": machine,
            "token_url": f"https://{acme}/oidc/v1/token",
            "client_id": "4f2",
            "client_secret": {"env": "MACHINE_CLIENT_SECRET"},
            "scopes": ["all-apis"],
            "hosts": [acme],
        },
        "account": {
            "flow": machine,
            "token_url": "https://accounts.cloud.databricks.com/oidc/accounts/77/v1/token",
            "client_id": "4f2",
            "client_secret": {"env": "ACCOUNT_CLIENT_SECRET"},
            "scopes": ["all-apis"],
            "hosts": ["accounts.cloud.databricks.com"],
        },
        "azure": {
            "flow": machine,
            "provider": "entra",
            "tenant_id": "45239d18",
            "client_id": "app",
            "client_secret": {"env": "AZURE_CLIENT_SECRET"},
            "scopes": ["2ff814a6-3304-4ab8-85cd-cd0e6f879c1d/.default"],
            "hosts": ["adb-2.azuredatabricks.net"],
        },
        "person": {
            "flow": "authorization-code-pkce",
            "authorization_url": f"https://{acme}/oidc/v1/authorize",
            "token_url": f"https://{acme}/oidc/v1/token",
            "client_id": "databricks-cli",
            "scopes": ["all-apis", "offline_access"],
            "redirect_port": 8020,
            "hosts": [acme],
        },
        "old": {"flow": "basic", "username": "bob", "password": {"env": "OLD_PASSWORD"}, "hosts": [acme]},
    }
    source = imported.folder / "source"
    assert done.told.splitlines() == [
        f"{source}: [azure]: other is left out",
        f"{source}: [azure-cli]: no profile: its auth_type azure-cli is none that a profile has",
        f"{source}: [plain]: no profile: its host is no https URL",
    ]


def test_aws_sso(imported: Importer) -> None:
    """A session's token is taken from where aws keeps it, and goes to its portal only."""
    done = imported(
        "aws-sso",
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://acme.awsapps.com/start\n"
        "[profile dev]\nsso_session = corp\nsso_account_id = 1\n[default]\nregion = eu-west-1\n",
    )
    table = done.profiles["sso-corp"]
    assert done.code == 1
    assert table["command"][0] == "jq"
    kept = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()  # as botocore names it
    assert Path(table["command"][2]) == imported.folder / f".aws/sso/cache/{kept}.json"
    assert table["hosts"] == ["portal.sso.eu-west-1.amazonaws.com"]
    assert "[profile dev]: no profile: it signs each request (Signature Version 4)" in done.told
    assert "aws sso login --sso-session corp" in done.told


@pytest.mark.platform("linux")
def test_the_token_that_aws_keeps_is_used(
    imported: Importer, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program of such a profile reads the file that `aws sso login` writes."""
    done = imported("aws-sso", "[sso-session corp]\nsso_region = eu-west-1\n")
    kept = Path(done.profiles["sso-corp"]["command"][2])
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"accessToken": "canary-t0ken", "expiresAt": "2999-01-01T00:00:00Z"}), "utf-8")
    path = profiles_file.written(imported.folder, done.printed)
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    token = run_cli("--file", str(path), "token", "sso-corp", "--header")
    assert token.stdout == "x-amz-sso_bearer_token: canary-t0ken\n"


NETRC = f"""\
machine api.acme.com login bob password {SECRET}
machine github.com
  login {SECRET}
  password x-oauth-basic
machine nobody.acme.com login bob
default login anonymous password {SECRET}
"""


def test_netrc(imported: Importer, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each machine is a profile whose password is read where it stands, by a command that works."""
    done = imported("netrc", NETRC, "my netrc")
    assert list(done.profiles) == ["api.acme.com", "github.com"]
    assert done.profiles["api.acme.com"]["username"]["command"][-2:] == ["api.acme.com", "0"]
    assert done.profiles["api.acme.com"]["hosts"] == ["api.acme.com"]
    assert "machine nobody.acme.com: no profile: it has no password" in done.told
    assert "default: no profile: a name and a password for every host are for none" in done.told
    path = profiles_file.written(imported.folder, done.printed)
    header = run_cli("--file", str(path), "token", "github.com", "--header").stdout
    assert header == f"Authorization: Basic {base64.b64encode(f'{SECRET}:x-oauth-basic'.encode()).decode()}\n"


@pytest.mark.parametrize("text", [f"machine a login b {SECRET} c", f"{SECRET}", f'machine a "{SECRET}'])
def test_netrc_that_is_none(imported: Importer, text: str) -> None:
    """What cannot be read is told with its line, and nothing of it is shown."""
    done = imported("netrc", text)
    assert (done.code, done.printed) == (1, "")
    assert "is not a netrc, from line " in done.told


def test_cache_of_requests_auth(imported: Importer) -> None:
    """A JWT says its issuer and client; other tokens are listed, and no token is shown."""
    entra = "https://login.microsoftonline.com/45239d18/v2.0"
    cache = {
        "1" * 128: [
            jwt(iss="https://acme.okta.com/oauth2/default", cid="app", sub="app", scp=["a", "b"]),
            1.0,
        ],
        "2" * 128: [jwt(iss=entra, azp="web", scp="User.Read", sub="x"), 1.0, SECRET],
        "3" * 128: [jwt(iss=entra, azp="web", scp="Mail.Read", sub="x"), 1.0, SECRET],
        "4" * 128: [SECRET, 1.0],
        "5" * 128: [jwt(aud="x"), 1.0],
        "6" * 128: [jwt(iss="https://acme.eu.auth0.com/", azp="m", sub="m@clients", aud="https://api"), 1.0],
    }
    done = imported("requests_auth-cache", json.dumps(cache))
    assert list(done.profiles.values()) == [
        {
            "client_id": "app",
            "issuer": "https://acme.okta.com/oauth2/default",
            "flow": "client-credentials",
            "client_secret": {"env": "ACME_OKTA_COM_APP_CLIENT_SECRET"},
            "scopes": ["a", "b"],
        },
        {
            "client_id": "web",
            "provider": "entra",
            "tenant_id": "45239d18",
            "flow": "authorization-code-pkce",
            "scopes": ["User.Read"],
        },
        {
            "client_id": "m",
            "issuer": "https://acme.eu.auth0.com/",
            "audience": "https://api",
            "flow": "client-credentials",
            "client_secret": {"env": "ACME_EU_AUTH0_COM_M_CLIENT_SECRET"},
        },
    ]
    assert done.code == 1
    assert "entry 444444444444…: no profile: its token is no JWT" in done.told
    assert "entry 333333333333…: no profile: it is of the same client and issuer" in done.told
    assert "entry 555555555555…: no profile: its token names no issuer" in done.told
    assert "the flow is a guess" in done.told


def test_every_format_is_tested() -> None:
    """No format is without a test of its own name here, or in the tests of OpenAPI."""
    tested = {"databricks", "aws-sso", "restish", "netrc", "httpie", "requests_auth-cache", "openapi"}
    assert FORMATS.keys() == tested
