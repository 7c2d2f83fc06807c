"""The verb demo: the main job, on servers of its own, with no account and no network."""

import json
import os
import subprocess
import sys
import tempfile
import webbrowser
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import requests

from requests_auth_profiles._build import profile
from requests_auth_profiles._config import environment
from requests_auth_profiles.errors import RequestsAuthException

if TYPE_CHECKING:
    from requests_auth_profiles.testing import AuthorizationServer, ProtectedApi

__all__ = ["demo"]

_API_KEY = "demo-key-7c1f94b2"
_SECRET = "demo-secret-b7e1c52d"
_SHOWN_CHARACTERS = 24

_FILE = """\
default_profile = "nightly"

[profiles.gateway]
flow = "api-key"
api_key = {{ env = "DEMO_API_KEY" }}
hosts = ["{api}"]

[profiles.nightly]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = {{ env = "DEMO_CLIENT_SECRET" }}
scopes = ["api.read"]
hosts = ["{api}"]

[profiles.me]
flow = "authorization-code-pkce"
issuer = "{issuer}"
client_id = "demo-app"
scopes = ["openid", "profile"]
redirect_port = 0
hosts = ["{api}"]

[profiles.partner]
compose = ["gateway", "me"]

[store]  # only the demo needs this: without it, tokens and their key have folders of their own
url = "store"
key = {{ file = "store.key" }}
"""


@click.command()
@click.option("--browser", is_flag=True, help="Sign in with your own browser; otherwise the demo plays it.")
def demo(*, browser: bool) -> None:
    """See it work, with no account and no network.

    It starts an authorization server and an API on this machine, signs in to them in four ways, and shows
    what went out, what is kept, and the file that did it.
    """
    from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="requests-auth-demo-")))
        server = running.enter_context(AuthorizationServer())
        api = running.enter_context(ProtectedApi(server, api_keys={_API_KEY}))
        server.clients["nightly"] = Client(secret=_SECRET)
        server.clients["demo-app"] = Client()
        server.approve = not browser
        running.enter_context(_environment())
        if not browser:
            webbrowser.register("demo", None, _PlayedBrowser(), preferred=True)
        _say(f"An authorization server, {server.issuer}, and an API, {api.url}, run on this machine only.")
        _Demo(folder, server, api, browser=browser).run()


@contextmanager
def _environment() -> Iterator[None]:
    """An environment in which nothing of the person's own settings reaches the demo."""
    before = dict(os.environ)
    for name in (environment.FILE, environment.PROFILE, environment.STORE, environment.STORE_KEY):
        os.environ.pop(name, None)
    os.environ |= {"DEMO_API_KEY": _API_KEY, "DEMO_CLIENT_SECRET": _SECRET, environment.INTERACTIVE: "1"}
    # These servers are on this machine: no proxy can reach them.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _PlayedBrowser(webbrowser.BaseBrowser):
    """A browser without a window: it follows the redirects, as the demo's server asks nobody."""

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002
        """Follows the redirects of a URL, in a thread."""
        Thread(target=requests.get, args=(url,), kwargs={"timeout": 30}, daemon=True).start()
        return True


@dataclass(frozen=True, slots=True)
class _Demo:
    """The steps of the demo; each raises an error where something is not as it says."""

    folder: Path
    server: "AuthorizationServer"
    api: "ProtectedApi"
    browser: bool

    @property
    def file(self) -> Path:
        """The profiles file of the demo."""
        return self.folder / "profiles.toml"

    def run(self) -> None:
        """All steps."""
        text = _FILE.format(api=urlsplit(self.api.url).netloc, issuer=self.server.issuer)
        self._write(self.file, text)
        self._write(self.folder / "store.key", urlsafe_b64encode(os.urandom(32)).decode())
        self._step("An API key", "gateway", "/key", "X-API-Key")
        self._step("Client credentials: a program signs in as itself", "nightly", "/me", "Authorization")
        self._again()
        how = (
            "with your browser"
            if self.browser
            else "with the browser, which the demo plays (--browser opens yours)"
        )
        self._step(f"Authorization code with PKCE: you sign in {how}", "me", "/me", "Authorization")
        self._step("Both on one request", "partner", "/partner", "X-API-Key", "Authorization")
        self._sealed()
        _heading("The file that did it: copy what you need, change URLs and names")
        _say(text)
        _say("To begin a file of your own: requests-auth init")

    @staticmethod
    def _write(path: Path, text: str) -> None:
        from requests_auth_profiles import _private_file

        _private_file.create(path, text.encode())

    def _step(self, title: str, name: str, path: str, *headers: str) -> None:
        _heading(title)
        url = self.api.url + path
        _code(f'requests.get("{url}", auth=profile("{name}"))')
        answer = requests.get(url, auth=profile(name, file=self.file), timeout=30)
        for header in headers:
            _say(f"  sent      {header}: {_shortened(answer.request.headers.get(header, ''))}")
        _expect(answer.status_code == requests.codes.ok, f"the API answered {answer.status_code}")
        _done(f"{answer.status_code} {answer.text}")

    def _again(self) -> None:
        _heading("The same from another process: its token comes from the store")
        before = self.server.count("token")
        url = f"{self.api.url}/me"
        _code(f"requests-auth request nightly {url}")
        command = [
            sys.executable,
            "-m",
            "requests_auth_profiles",
            "--file",
            str(self.file),
            "request",
            "nightly",
            url,
        ]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        _expect(answer.returncode == 0, f"it ended with {answer.returncode}: {answer.stderr}")
        asked = self.server.count("token") - before
        _expect(asked == 0, f"it asked for {asked} tokens")
        _done(f"{answer.stdout}, and no token was asked for")

    def _sealed(self) -> None:
        _heading("What is on the disk: one sealed document for each profile")
        document = json.loads((self.folder / "store" / "tokens" / "me.json").read_text("utf-8"))
        shown = {
            key: _shortened(value) if isinstance(value, str) else value for key, value in document.items()
        }
        _say("  " + json.dumps(shown, indent=2, ensure_ascii=False).replace("\n", "\n  "))
        written = b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())
        tokens = [profile(name, file=self.file).token() for name in ("me", "nightly")]
        secrets = [
            secret for token in tokens for secret in (token.access_token, token.refresh_token) if secret
        ]
        _expect(not any(secret.encode() in written for secret in secrets), "a token stands in a file")
        _done(f"none of its {len(secrets)} tokens stands in any file of the demo")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RequestsAuthException(
            f"the demo failed: {otherwise}", hint="please report it, with this output"
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _heading(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True))


def _code(text: str) -> None:
    click.echo("  " + click.style(text, fg="cyan"))


def _done(text: str) -> None:
    click.echo("  " + click.style("✓", fg="green") + f" {text}")


def _say(text: str) -> None:
    click.echo(text)
