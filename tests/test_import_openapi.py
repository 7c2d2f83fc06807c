"""`requests-auth import --from openapi FILE`: profiles for the securitySchemes of a description."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import RunProgram
from importer import Importer

SCHEMES: dict[str, Any] = {
    "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "basic": {"type": "http", "scheme": "Basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "digest": {"type": "http", "scheme": "digest"},
    "oidc": {
        "type": "openIdConnect",
        "openIdConnectUrl": "https://login.acme.com/.well-known/openid-configuration",
    },
    "oauth": {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/authorize",
                "tokenUrl": "https://login.acme.com/token",
                "scopes": {"read": "", "write": ""},
            },
            "clientCredentials": {"tokenUrl": "https://login.acme.com/token", "scopes": {}},
            "password": {"tokenUrl": "https://login.acme.com/token", "scopes": {}},
            "implicit": {"authorizationUrl": "https://login.acme.com/authorize", "scopes": {}},
            "deviceAuthorization": {
                "deviceAuthorizationUrl": "https://login.acme.com/device",
                "tokenUrl": "https://login.acme.com/token",
                "scopes": {},
            },
            "magic": {},
        },
    },
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "hoba": {"type": "http", "scheme": "hoba"},
    "mutual": {"type": "mutualTLS"},
    "plain": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://login.acme.com/"}}},
    "ref": {"$ref": "#/components/securitySchemes/Key"},
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [
        {"url": "https://{region}.acme.com/v1", "variables": {"region": {"default": "eu", "enum": ["eu"]}}},
        {"url": "http://old.acme.com"},
        {"url": "/relative"},
    ],
    "components": {"securitySchemes": SCHEMES},
    "security": [{"oidc": ["openid", "email"]}],
}
IS_HTTP = "is http: others could read what is sent there"
CLIENT = "YOUR-CLIENT-ID"
TOKEN = "https://login.acme.com/token"
PROFILES: dict[str, Any] = {
    "Key": {"flow": "api-key", "api_key": {"env": "KEY_API_KEY"}, "in": "header", "name": "X-Key"},
    "query": {"flow": "api-key", "api_key": {"env": "QUERY_API_KEY"}, "in": "query", "name": "key"},
    "basic": {"flow": "basic", "username": {"env": "BASIC_USERNAME"}, "password": {"env": "BASIC_PASSWORD"}},
    "bearer": {"flow": "bearer", "token": {"env": "BEARER_TOKEN"}},
    "digest": {
        "flow": "class",
        "class": "requests.auth:HTTPDigestAuth",
        "args": [{"env": "DIGEST_ARGS_1"}, {"env": "DIGEST_ARGS_2"}],
    },
    "oidc": {
        "flow": "authorization-code-pkce",
        "issuer": "https://login.acme.com",
        "client_id": CLIENT,
        "scopes": ["openid", "email"],
    },
    "oauth-authorization-code-pkce": {
        "flow": "authorization-code-pkce",
        "authorization_url": "https://eu.acme.com/authorize",
        "token_url": TOKEN,
        "client_id": CLIENT,
    },
    "oauth-client-credentials": {
        "flow": "client-credentials",
        "token_url": TOKEN,
        "client_id": CLIENT,
        "client_secret": {"env": "OAUTH_CLIENT_CREDENTIALS_CLIENT_SECRET"},
    },
    "oauth-password": {
        "flow": "password",
        "token_url": TOKEN,
        "username": {"env": "OAUTH_PASSWORD_USERNAME"},
        "password": {"env": "OAUTH_PASSWORD_PASSWORD"},
    },
    "oauth-implicit": {
        "flow": "implicit",
        "authorization_url": "https://login.acme.com/authorize",
        "client_id": CLIENT,
    },
    "oauth-device-code": {
        "flow": "device-code",
        "token_url": TOKEN,
        "device_authorization_url": "https://login.acme.com/device",
        "client_id": CLIENT,
    },
}


@pytest.fixture
def imported(home: Path, capsys: pytest.CaptureFixture[str]) -> Importer:
    """What the verb makes of a file; no secret is in it, and it has no fault."""
    return Importer(home, capsys)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_openapi_3(imported: Importer, form: str) -> None:
    """Each scheme, and each flow of one, is a profile for the hosts of the servers; the rest is told."""
    text = json.dumps(DESCRIPTION) if form == "json" else yaml.safe_dump(DESCRIPTION, sort_keys=False)
    done = imported("openapi", text, f"api.{form}")
    assert done.profiles == {name: table | {"hosts": ["eu.acme.com"]} for name, table in PROFILES.items()}
    told = [line.partition(": securitySchemes.")[2] for line in done.told.splitlines()]
    assert [line for line in told if ": no profile: " in line] == [
        "oauth, flow magic: no profile: it is none that a profile has",
        "cookie: no profile: its key goes into a cookie",
        "hoba: no profile: its scheme hoba is none that a profile has",
        "mutual: no profile: its type mutualTLS is none that a profile has",
        f"plain, flow clientCredentials: no profile: its tokenUrl {IS_HTTP}",
        "ref: no profile: it stands elsewhere ($ref)",
    ]
    assert f"oidc: write your client_id in place of {CLIENT}" in told
    assert "oauth, flow authorizationCode: scopes that there are: read, write" in told
    assert "Key: a host that a profile cannot have" in told
    assert done.code == 1


def test_openapi_2(imported: Importer) -> None:
    """A description of version 2 has the same in other places."""
    description = {
        "swagger": "2.0",
        "host": "api.acme.com:8443",
        "securityDefinitions": {
            "b": {"type": "basic"},
            "o": {"type": "oauth2", "flow": "application", "tokenUrl": TOKEN, "scopes": {"a": ""}},
        },
    }
    done = imported("openapi", json.dumps(description))
    assert [(name, one["flow"], one["hosts"]) for name, one in done.profiles.items()] == [
        ("b", "basic", ["api.acme.com:8443"]),
        ("o", "client-credentials", ["api.acme.com:8443"]),
    ]
    assert done.code == 0


def test_openapi_without_a_server(imported: Importer) -> None:
    """Where no host is said, the profile has none, and that is told."""
    description = copy.deepcopy(DESCRIPTION) | {"servers": []}
    description["components"] = {"securitySchemes": {"Key": SCHEMES["Key"]}}
    done = imported("openapi", json.dumps(description))
    assert done.profiles == {"Key": PROFILES["Key"]}
    assert done.told.endswith("securitySchemes.Key: it says no host: write hosts\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "is not YAML, from line 1 on"),
        ("a: !!python/name:os.system", "is not YAML, from line 1 on"),
        ("{", "is not JSON, from line 1 on"),
        ("[1]", "is not an OpenAPI description"),
        ("openapi: 3.0.0", "has no securitySchemes of a description"),
        (b"\xff", "is not YAML that can be read"),
    ],
)
def test_what_is_no_description(imported: Importer, text: str | bytes, why: str) -> None:
    """What cannot be read ends with 1 and the reason."""
    done = imported("openapi", text)
    assert (done.code, done.printed) == (1, "")
    assert why in done.told


def test_yaml_without_its_package(home: Path, run_python: RunProgram) -> None:
    """Where PyYAML is not there, the extra is named."""
    (home / "api.yaml").write_text("openapi: 3.0.0\n", "utf-8")
    program = (
        "import sys; sys.modules['yaml'] = None\n"
        "from requests_auth_profiles.cli import run\n"
        "sys.exit(run(['import', '--from', 'openapi', 'api.yaml']))"
    )
    done = run_python("-c", program, cwd=home)
    assert done.returncode == 1
    assert "pip install 'requests-auth-profiles[yaml]'" in done.stderr
