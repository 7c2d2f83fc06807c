"""The recipes of docs/recipes.md run as they stand there, with nothing but their host changed."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import counterparts
import grpc
import pytest
import yaml
from moto import mock_aws
from profiles_file import written
from tls import Authority
from websockets.sync.server import ServerConnection, serve
from wire import RawServer, http

from requests_auth_profiles.testing import ProtectedApi

pytestmark = pytest.mark.platform("linux", "darwin")

PAGE = Path(__file__).parent.parent / "docs/recipes.md"
BLOCK = re.compile(r"^## (.+?)$|^```(python|sh|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOKEN = "canary-t0ken"


def recipes() -> dict[str, list[str]]:
    """What the page shows under each heading."""
    found: dict[str, list[str]] = {}
    for heading, _, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if heading:
            found[heading] = []
        else:
            list(found.values())[-1].append(text)
    return found


RECIPES = recipes()


@pytest.fixture(autouse=True)
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the profile of the page, and our program on the PATH."""
    file = written(home, f'[profiles.work-okta]\nflow = "bearer"\ntoken = "{TOKEN}"\n')
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    folder = home / "bin"
    folder.mkdir()
    python = shlex.quote(sys.executable)
    for name, module in {"requests-auth": "requests_auth_profiles", "pip": "pip"}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {python} -m {module} "$@"\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return home


def here(text: str, url: str) -> str:
    """A recipe for a server of this machine."""
    scheme, _, authority = url.partition("://")
    text = text.replace("https://oauth2:{token}@api.acme.com", f"{scheme}://oauth2:{{token}}@{authority}")
    return text.replace("https://api.acme.com", url)


def shell(text: str) -> CompletedProcess[str]:
    """Runs a recipe for the shell."""
    return counterparts.run("/bin/sh", "-c", text)


@pytest.mark.parametrize("name", ["httpx", "aiohttp", "urllib3", "urllib.request"])
def test_a_client_is_let_in(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The API lets in what the recipe sends, and greets it."""
    with ProtectedApi(tokens={TOKEN}) as api:
        exec(here(RECIPES[name][0], api.url), {})
    assert "world" in capsys.readouterr().out


def test_urllib_takes_nothing_along(capsys: pytest.CaptureFixture[str]) -> None:
    """What the recipe for urllib.request adds does not follow a redirect."""
    with ProtectedApi() as api, ProtectedApi() as other:
        text = here(RECIPES["urllib.request"][0], api.url).replace("/me", f"/redirect?to={other.url}/echo")
        exec(text, {})
    assert "Authorization" in api.requests[0].headers
    assert "Authorization" not in other.requests[0].headers


def test_websockets(capsys: pytest.CaptureFixture[str]) -> None:
    """The server gets the header with the handshake."""

    def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        connection.send(connection.request.headers["Authorization"])

    with serve(answer, "127.0.0.1", 0) as server, ThreadPoolExecutor() as threads:
        threads.submit(server.serve_forever)
        port = server.socket.getsockname()[1]
        text = here(RECIPES["websockets"][0], f"http://127.0.0.1:{port}")
        exec(text.replace("wss://api.acme.com", f"ws://127.0.0.1:{port}"), {})
        server.shutdown()
    assert capsys.readouterr().out == f"Bearer {TOKEN}\n"


@contextmanager
def reports(authority: Authority) -> Iterator[int]:
    """A gRPC server behind TLS, which answers with the credentials that it gets."""

    def latest(_: bytes, context: grpc.ServicerContext) -> bytes:
        return str(dict(context.invocation_metadata())["authorization"]).encode()

    certificate, key = authority.issued("server")
    with ThreadPoolExecutor() as threads:
        server = grpc.server(threads)
        handlers = {"Latest": grpc.unary_unary_rpc_method_handler(latest)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("acme.Reports", handlers),))
        pair = [(key.read_bytes(), certificate.read_bytes())]
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
        server.start()
        yield port
        server.stop(None).wait(10)


def test_grpc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The call has the token among its metadata."""
    authority = Authority(tmp_path)
    with reports(authority) as port:
        text = RECIPES["gRPC"][0].replace("api.acme.com:443", f"127.0.0.1:{port}")
        root = f"ssl_channel_credentials({authority.certificate.read_bytes()!r})"
        exec(text.replace("ssl_channel_credentials()", root), {})
    assert capsys.readouterr().out == f"{f'Bearer {TOKEN}'.encode()!r}\n"


def test_boto3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS gives credentials that end."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        exec(RECIPES["boto3"][0], {})
    assert re.match(r"20\d\d-", capsys.readouterr().out)


def test_exec(place: Path) -> None:
    """The program of the recipe finds the token."""
    text = RECIPES["exec"][0].replace("./report", "printenv").replace("--today", "REQUESTS_AUTH_TOKEN")
    assert shell(text).stdout == f"{TOKEN}\n"


def test_curl() -> None:
    """Curl sends the header, which is in none of its arguments."""
    counterparts.program("curl")
    with ProtectedApi(tokens={TOKEN}) as api:
        assert "world" in shell(here(RECIPES["curl"][0], api.url)).stdout


def test_git_by_header() -> None:
    """Git sends the header to that server."""
    counterparts.program("git")
    with RawServer(http(404)) as server:
        shell(here(RECIPES["git"][0], f"http://127.0.0.1:{server.port}"))
    assert f"\r\nAuthorization: Bearer {TOKEN}\r\n".encode() in server.requests[0]


def test_git_by_credential_helper(place: Path) -> None:
    """Git gets the token as the password, for that server and no other."""
    counterparts.program("git")
    assert shell(RECIPES["git"][1]).returncode == 0

    def asked(host: str) -> str:
        done = subprocess.run(
            ["git", "credential", "fill"],
            input=f"protocol=https\nhost={host}\n\n",
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout

    assert f"username=oauth2\npassword={TOKEN}\n" in asked("git.acme.com")
    assert TOKEN not in asked("other.acme.com")


def test_pip() -> None:
    """Pip sends the token as the password to the index."""
    with RawServer(http(404)) as server:
        done = shell(here(RECIPES["pip"][0], f"http://127.0.0.1:{server.port}"))
    assert b"\r\nAuthorization: Basic b2F1dGgyOmNhbmFyeS10MGtlbg==\r\n" in server.requests[0]
    assert TOKEN not in done.stdout + done.stderr


def test_kubectl() -> None:
    """What kubectl is told to run prints a credential of the kind that it asks for."""
    called = yaml.safe_load(RECIPES["kubectl"][0])["users"][0]["user"]["exec"]
    done = counterparts.run(called["command"], *called["args"])
    said = {"apiVersion": called["apiVersion"], "kind": "ExecCredential", "status": {"token": TOKEN}}
    assert json.loads(done.stdout) == said


def test_every_recipe_is_run() -> None:
    """A heading with something to run has a test here; the page says of the others that they are not run."""
    run = {"httpx", "aiohttp", "urllib3", "urllib.request", "websockets", "gRPC", "boto3", "exec", "curl"}
    assert {name for name, blocks in RECIPES.items() if blocks} == run | {"git", "pip", "kubectl"}
