"""The counterparts themselves: shown to work by requests alone, without the package under test."""

import base64
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import pytest
import requests
from conftest import RunProgram
from counterparts import TESTS, OrdinaryUser, Provider, browser_command

SECRET = "s3cret:with/odd+chars %"


class Callback(HTTPServer):
    """A loopback listener that keeps what the browser brings to `/callback`."""

    def __init__(self) -> None:
        self.received: Queue[dict[str, str]] = Queue()
        super().__init__(("127.0.0.1", 0), CallbackHandler)

    @property
    def url(self) -> str:
        """Where the browser is to come back to."""
        return f"http://127.0.0.1:{self.server_port}/callback"


class CallbackHandler(BaseHTTPRequestHandler):
    """Answers `/callback` with a page, and what else a browser asks for with 404."""

    server: Callback

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/callback":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")
        self.server.received.put(dict(parse_qsl(url.query)))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def callback() -> Iterator[Callback]:
    """A loopback listener that is listening."""
    with Callback() as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


def post(provider: Provider, **form: str) -> requests.Response:
    """Ask the token endpoint."""
    return requests.post(f"{provider.issuer}/token", data=form, timeout=10)


def me(provider: Provider, token: str) -> requests.Response:
    """Ask the API with a token."""
    return requests.get(provider.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def basic(provider: Provider, **form: str) -> requests.Response:
    """Ask for a token as `cc-basic`, whose secret must be form-urlencoded first (RFC 6749, 2.3.1)."""
    form["grant_type"] = "client_credentials"
    credentials = ("cc-basic", quote_plus(SECRET))
    return requests.post(f"{provider.issuer}/token", data=form, auth=credentials, timeout=10)


@dataclass(frozen=True)
class SignIn:
    """A person's way through the browser to tokens, for the client `native`."""

    provider: Provider
    callback: Callback
    run_python: RunProgram

    def grant(self, browser: str) -> dict[str, str]:
        """Have Python open the browser that this value of BROWSER names; give what redeems the code."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": "native",
            "response_type": "code",
            "redirect_uri": self.callback.url,
            "scope": "openid offline_access",
            "prompt": "consent",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        url = f"{self.provider.issuer}/auth?{urlencode(query)}"
        program = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
        opened = self.run_python("-c", program, url, env=os.environ | {"BROWSER": browser})
        assert opened.returncode == 0, opened.stderr
        received = self.callback.received.get(timeout=30)
        assert received["state"] == state
        return {
            "grant_type": "authorization_code",
            "client_id": "native",
            "redirect_uri": self.callback.url,
            "code": received["code"],
            "code_verifier": verifier,
        }


@pytest.fixture
def sign_in(oidc_provider: Provider, callback: Callback, run_python: RunProgram) -> SignIn:
    """A sign-in at the running provider."""
    return SignIn(oidc_provider, callback, run_python)


def test_discovery_names_the_endpoints(oidc_provider: Provider) -> None:
    """The discovery document stands at the issuer and names its token endpoint."""
    document = requests.get(f"{oidc_provider.issuer}/.well-known/openid-configuration", timeout=10).json()
    assert (document["issuer"], document["token_endpoint"]) == (
        oidc_provider.issuer,
        f"{oidc_provider.issuer}/token",
    )


def test_token_requests_are_counted(oidc_provider: Provider) -> None:
    """Each request to the token endpoint, good or bad, counts one."""
    before = oidc_provider.token_requests()
    post(oidc_provider)
    assert oidc_provider.token_requests() == before + 1


def test_client_secret_basic(oidc_provider: Provider) -> None:
    """A client with a secret full of odd characters gets a token that the API takes."""
    token = basic(oidc_provider).json()["access_token"]
    assert me(oidc_provider, token).json()["client"] == "cc-basic"


def test_client_secret_post(oidc_provider: Provider) -> None:
    """A client that sends its secret in the form gets a token that the API takes."""
    answer = post(
        oidc_provider, grant_type="client_credentials", client_id="cc-post", client_secret="post-secret"
    )
    assert me(oidc_provider, answer.json()["access_token"]).json()["client"] == "cc-post"


@pytest.mark.parametrize(("resource", "dots"), [("api", 2), ("api/opaque", 0)], ids=["jwt", "opaque"])
def test_resource_decides_the_form_of_the_token(oidc_provider: Provider, resource: str, dots: int) -> None:
    """A token is a JWT for one resource and opaque for another, and the API takes both."""
    token = basic(oidc_provider, resource=f"{oidc_provider.issuer}/{resource}", scope="read").json()[
        "access_token"
    ]
    assert token.count(".") == dots
    assert me(oidc_provider, token).json() == {"client": "cc-basic", "sub": "cc-basic", "scope": "read"}


def test_short_lived_token(oidc_provider: Provider) -> None:
    """A token for the short resource says that it ends after two seconds."""
    answer = basic(oidc_provider, resource=f"{oidc_provider.issuer}/api/short").json()
    assert answer["expires_in"] == 2


def test_api_without_token(oidc_provider: Provider) -> None:
    """A request that brings no token is challenged, and told no error code (RFC 6750, 3.1)."""
    answer = requests.get(oidc_provider.api_url, timeout=10)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_api_with_a_token_of_nobody(oidc_provider: Provider) -> None:
    """A token that the provider never gave is refused as invalid."""
    answer = me(oidc_provider, "invented")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_api_with_a_revoked_token(oidc_provider: Provider) -> None:
    """A revoked token is refused from then on (RFC 7009)."""
    token = basic(oidc_provider).json()["access_token"]
    credentials = ("cc-basic", quote_plus(SECRET))
    url = f"{oidc_provider.issuer}/token/revocation"
    requests.post(url, data={"token": token}, auth=credentials, timeout=10).raise_for_status()
    assert me(oidc_provider, token).status_code == 401


def test_browser_signs_in(oidc_provider: Provider, sign_in: SignIn, browser_command: str) -> None:
    """Chromium passes login and consent, and the code with its verifier becomes alice's token (RFC 7636)."""
    answer = post(oidc_provider, **sign_in.grant(browser_command)).json()
    expected = {"client": "native", "sub": "alice", "scope": "openid offline_access"}
    assert me(oidc_provider, answer["access_token"]).json() == expected


def test_browser_signs_in_as_another(oidc_provider: Provider, sign_in: SignIn) -> None:
    """The browser signs in as the person whom its command names."""
    answer = post(oidc_provider, **sign_in.grant(browser_command(login="bob"))).json()
    assert me(oidc_provider, answer["access_token"]).json()["sub"] == "bob"


def test_browser_leaves_home_alone(sign_in: SignIn, browser_command: str, home: Path) -> None:
    """What Chromium writes does not end up in the HOME of the test."""
    sign_in.grant(browser_command)
    assert list(home.iterdir()) == []


def test_code_without_its_verifier(
    oidc_provider: Provider, sign_in: SignIn, background_browser_command: str
) -> None:
    """A code that a browser in the background brought is worth nothing with another verifier."""
    grant = sign_in.grant(background_browser_command) | {"code_verifier": secrets.token_urlsafe(48)}
    assert post(oidc_provider, **grant).json()["error"] == "invalid_grant"


def test_refresh_tokens_rotate(oidc_provider: Provider, sign_in: SignIn, browser_command: str) -> None:
    """A refresh token works once, and its second use is refused (RFC 9700, 4.14.2)."""
    first = post(oidc_provider, **sign_in.grant(browser_command)).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "native", "refresh_token": first}
    assert post(oidc_provider, **form).json()["refresh_token"] != first
    assert post(oidc_provider, **form).json()["error"] == "invalid_grant"


def test_home_is_private(home: Path) -> None:
    """The fresh HOME is empty and open to nobody else."""
    assert (Path.home(), list(home.iterdir()), home.stat().st_mode & 0o077) == (home, [], 0)


def test_run_python_knows_no_ci(run_python: RunProgram) -> None:
    """A program that a test starts sees no variable of a CI server."""
    assert run_python("-c", "import os; print(os.environ.get('CI'))").stdout == "None\n"


def test_ordinary_user_is_bound_by_modes(ordinary_user: OrdinaryUser) -> None:
    """A file that nobody may read stays closed, even where the tests run as root."""
    closed = ordinary_user.folder / "closed"
    closed.touch(mode=0)
    assert "PermissionError" in ordinary_user.run_python("-c", "open('closed')").stderr


PASSES = "def test_it():\n    pass\n"
SKIPS = "import pytest\n\ndef test_it():\n    pytest.skip('no counterpart')\n"
SKIPPED = "import pytest\n\npytest.skip('no counterpart', allow_module_level=True)\n"
ELSEWHERE = "import pytest\n\n@pytest.mark.platform('elsewhere')\ndef test_it():\n    assert False\n"


@pytest.mark.parametrize(
    ("workers", "complete", "test", "status"),
    [
        (0, "1", SKIPS, 1),
        (0, "", SKIPS, 0),
        (0, "1", ELSEWHERE, 0),
        (1, "1", SKIPS, 1),
        (1, "1", SKIPPED, 1),
        (1, "1", ELSEWHERE, 0),
    ],
    ids=["complete", "incomplete", "elsewhere", "by a worker", "a file by a worker", "elsewhere by a worker"],
)
def test_complete_run(
    run_python: RunProgram, tmp_path: Path, workers: int, complete: str, test: str, status: int
) -> None:
    """A run that must be complete fails for a skipped test, unless that is for another operating system."""
    (tmp_path / "test_it.py").write_text(test)
    (tmp_path / "test_other.py").write_text(PASSES)
    (tmp_path / "pytest.ini").touch()
    environment = os.environ | {"REQUESTS_AUTH_TESTS_COMPLETE": complete, "PYTHONPATH": str(TESTS)}
    options = ("-p", "conftest", "--strict-markers", "-n", str(workers))
    ran = run_python("-m", "pytest", *options, cwd=tmp_path, env=environment)
    assert ran.returncode == status, ran.stdout
