"""`requests-auth import --from restish|httpie FILE`: profiles for what HTTP clients keep."""

import json
from pathlib import Path
from typing import Any

import pytest
from importer import SECRET, Importer


@pytest.fixture
def imported(home: Path, capsys: pytest.CaptureFixture[str]) -> Importer:
    """`imported("netrc", text)`: what the verb makes of a file; no secret is in it, and it has no fault."""
    return Importer(home, capsys)


RESTISH_1 = {
    "$schema": "https://rest.sh/schemas/apis.json",
    "acme": {
        "base": "https://api.acme.com/v1",
        "profiles": {
            "default": {
                "headers": {"X-Api-Key": SECRET, "Accept": "text/plain"},
                "query": {"api_key": SECRET},
                "auth": {"name": "http-basic", "params": {"username": "bob", "password": SECRET}},
            },
            "machine": {
                "auth": {
                    "name": "oauth-client-credentials",
                    "params": {
                        "client_id": "m",
                        "client_secret": SECRET,
                        "token_url": "https://login.acme.com/token",
                        "scopes": "a,b",
                        "organization": "o",
                    },
                }
            },
            "device": {
                "auth": {
                    "name": "oauth-device-code",
                    "params": {
                        "client_id": "d",
                        "token_url": "https://login.acme.com/token",
                        "device_authorization_url": "https://login.acme.com/device",
                    },
                }
            },
            "tool": {"auth": {"name": "external-tool", "params": {"commandline": SECRET}}},
            "leak": {
                "auth": {
                    "name": "oauth-authorization-code",
                    "params": {
                        "client_id": "m",
                        "authorize_url": "https://a.com/",
                        "token_url": f"https://a.com/?api_key={SECRET}",
                    },
                }
            },
        },
    },
}
RESTISH_2 = """{ // version 2
  "auth_profiles": {
    "shared": {"type": "oauth-authorization-code",
      "params": {"client_id": "p", "issuer_url": "https://login.acme.com", "redirect_port": "9000"}},
    "key": {"type": "api-key", "params": {"in": "query", "name": "k", "value": "env:ACME_KEY"}},
    "said": {"type": "bearer", "params": {"token": "command:echo canary-s3cret"}},
    "piped": {"type": "bearer", "params": {"token": "command:vault read x | jq -r .y"}},
  },
  "apis": {
    "acme": {"base_url": "https://api.acme.com", "profiles": {
      "default": {"auth_ref": "shared"},
      "parts": {"credentials": {"Key": {"auth_ref": "nowhere"},
        "User": {"auth": {"type": "http-basic",
          "params": {"username": "u", "password": "command:op read x"}}}}},
    }},
  },
}"""


def test_restish_of_version_1(imported: Importer) -> None:
    """The auths, key headers and key parameters of each profile of each API are profiles."""
    done = imported("restish", json.dumps(RESTISH_1))
    hosts = ["api.acme.com"]
    assert done.profiles == {
        "acme-X-Api-Key": {
            "flow": "api-key",
            "api_key": {"env": "ACME_X_API_KEY_API_KEY"},
            "in": "header",
            "name": "X-Api-Key",
            "hosts": hosts,
        },
        "acme-api_key": {
            "flow": "api-key",
            "api_key": {"env": "ACME_API_KEY_API_KEY"},
            "in": "query",
            "name": "api_key",
            "hosts": hosts,
        },
        "acme": {"flow": "basic", "username": "bob", "password": {"env": "ACME_PASSWORD"}, "hosts": hosts},
        "acme-machine": {
            "flow": "client-credentials",
            "client_id": "m",
            "token_url": "https://login.acme.com/token",
            "client_secret": {"env": "ACME_MACHINE_CLIENT_SECRET"},
            "client_auth": "post",
            "scopes": ["a", "b"],
            "hosts": hosts,
        },
        "acme-device": {
            "flow": "device-code",
            "client_id": "d",
            "token_url": "https://login.acme.com/token",
            "device_authorization_url": "https://login.acme.com/device",
            "hosts": hosts,
        },
    }
    assert "acme, profile machine: organization is left out" in done.told
    assert "acme, profile tool: no profile: its type external-tool is none that a profile has" in done.told
    assert "acme, profile leak: no profile: its token_url has a parameter in it that may be" in done.told


def test_restish_of_version_2(imported: Importer) -> None:
    """A shared auth goes to the hosts that refer to it; its references stay what they are."""
    done = imported("restish", RESTISH_2)
    assert done.profiles == {
        "acme-parts-User": {
            "flow": "basic",
            "username": "u",
            "password": {"command": ["op", "read", "x"]},
            "hosts": ["api.acme.com"],
        },
        "shared": {
            "flow": "authorization-code-pkce",
            "client_id": "p",
            "issuer": "https://login.acme.com",
            "redirect_port": 9000,
            "hosts": ["api.acme.com"],
        },
        "key": {"flow": "api-key", "api_key": {"env": "ACME_KEY"}, "in": "query", "name": "k"},
        "said": {"flow": "bearer", "token": {"env": "SAID_TOKEN"}},
        "piped": {"flow": "bearer", "token": {"command": ["sh", "-c", "vault read x | jq -r .y"]}},
    }
    assert "auth_ref nowhere: no profile: there is no such auth_profile" in done.told


SESSIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "basic": (
        {
            "auth": {"type": "basic", "raw_auth": f"bob:{SECRET}"},
            "headers": [{"name": "Accept", "value": "x"}],
        },
        {"flow": "basic", "username": "bob", "password": {"env": "API_ACME_COM_ONE_PASSWORD"}},
    ),
    "a token as a name": (
        {"auth": {"type": "basic", "raw_auth": f"{SECRET}:x-oauth-basic"}},
        {
            "flow": "basic",
            "username": {"env": "API_ACME_COM_ONE_USERNAME"},
            "password": {"env": "API_ACME_COM_ONE_PASSWORD"},
        },
    ),
    "of old": (
        {"auth": {"type": None, "username": "bob", "password": SECRET}, "headers": {}},
        {"flow": "basic", "username": "bob", "password": {"env": "API_ACME_COM_ONE_PASSWORD"}},
    ),
    "bearer": (
        {"auth": {"type": "bearer", "raw_auth": SECRET}},
        {"flow": "bearer", "token": {"env": "API_ACME_COM_ONE_TOKEN"}},
    ),
    "digest": (
        {"auth": {"type": "digest", "raw_auth": f"bob:{SECRET}"}},
        {
            "flow": "class",
            "class": "requests.auth:HTTPDigestAuth",
            "args": ["bob", {"env": "API_ACME_COM_ONE_ARGS_2"}],
        },
    ),
    "header": (
        {"auth": {}, "headers": [{"name": "Authorization", "value": f"Bearer {SECRET}"}]},
        {"flow": "bearer", "token": {"env": "API_ACME_COM_ONE_AUTHORIZATION_TOKEN"}},
    ),
    "key": (
        {"auth": {}, "headers": {"X-Token": SECRET}},
        {"flow": "api-key", "api_key": {"env": "API_ACME_COM_ONE_X_TOKEN_API_KEY"}, "name": "X-Token"},
    ),
}


@pytest.mark.parametrize("kind", SESSIONS)
def test_httpie(imported: Importer, kind: str) -> None:
    """The auth or the key header of a session is a profile for the host whose folder it is in."""
    session, table = SESSIONS[kind]
    done = imported("httpie", json.dumps(session), "sessions/api.acme.com_8443/one.json")
    assert done.code == 0
    assert list(done.profiles.values()) == [table | {"hosts": ["api.acme.com:8443"]}]


def test_httpie_sessions_of_all_hosts(imported: Importer) -> None:
    """A folder is read whole; what in it is no session is told, and keeps nothing else from being read."""
    imported("httpie", json.dumps(SESSIONS["basic"][0]), "sessions/a.acme.com/one.json")
    imported("httpie", json.dumps(SESSIONS["bearer"][0]), "sessions/b.acme.com/one.json")
    imported("httpie", "[", "sessions/c.acme.com/one.json")
    done = imported("httpie", None, "sessions")
    assert list(done.profiles) == ["a.acme.com-one", "b.acme.com-one"]
    assert "one.json: all of it: no profile: it is not JSON" in done.told
