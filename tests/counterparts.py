"""The real programs that the tests run against: how each is found, started and stopped."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from filelock import FileLock

TESTS = Path(__file__).parent
IDP = TESTS / "idp"
NOBODY = 65534


def program(name: str) -> str:
    """Give the path of an installed program, or skip the test that asks for one that is missing."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


@dataclass(frozen=True)
class Provider:
    """The OpenID Provider, with an API at `/api/me` that takes its tokens.

    `keys` holds the private keys, as JWKs, of its clients `cc-RS256`, `cc-ES256` and so on.
    """

    issuer: str
    keys: Mapping[str, Mapping[str, str]]

    @property
    def api_url(self) -> str:
        """The resource that answers whose token it was given."""
        return f"{self.issuer}/api/me"

    def count(self, path: str) -> int:
        """Give how many requests of any kind came to this path since the provider started."""
        counts: dict[str, int] = requests.get(f"{self.issuer}/stats", timeout=10).json()
        return counts.get(path, 0)

    def token_requests(self) -> int:
        """Give how many requests came to the token endpoint since the provider started."""
        return self.count("/token")


def install_idp() -> None:
    """Have npm install what the provider needs, unless that is done, by one process at a time."""
    if is_idp_installed():
        return
    with FileLock(TESTS.parent / ".pytest_cache" / "npm-ci.lock"):
        if is_idp_installed():
            return
        done = run(program("npm"), "ci", "--no-audit", "--no-fund", cwd=IDP, timeout=100)
    if done.returncode:
        pytest.skip(f"npm ci failed: {done.stderr.strip()}")


def is_idp_installed() -> bool:
    """Tell whether npm has been there since its lock file last changed."""
    wanted, installed = IDP / "package-lock.json", IDP / "node_modules/.package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run an OpenID Provider for as long as the block lasts."""
    command = [program("node"), str(IDP / "idp.mjs")]
    install_idp()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            ready = next((line for line in process.stdout if line.startswith("READY ")), None)
            assert ready, "the OpenID Provider ended before it was ready"
            yield Provider(**json.loads(ready.removeprefix("READY ")))
        finally:
            process.terminate()


def browser_command(*, login: str = "alice", background: bool = False) -> str:
    """Give a value for BROWSER that signs in as this person wherever a page asks.

    Args:
        login: The account's name; the provider takes any password.
        background: Let `webbrowser.open` return at once instead of when the browser ends.
    """
    program("chromium")
    program("chromedriver")
    command = shlex.join([sys.executable, str(TESTS / "browser.py"), "--login", login, "%s"])
    return f"{command} &" if background else command


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nobody at its standard input, and catch what it writes.

    Args:
        command: The program and its arguments.
        options: Anything that `subprocess.run` takes, to add to or replace what is set here.
    """
    settings: dict[str, Any] = {"input": "", "capture_output": True, "text": True, "timeout": 60}
    return subprocess.run(command, check=False, **(settings | options))


@dataclass(frozen=True)
class OrdinaryUser:
    """Someone whom the kernel refuses what file modes forbid, with a folder and a Python to use.

    `popen` holds what `subprocess.Popen` needs to start a program as this person: user and groups where the
    tests run as root, and always a bare environment with HOME at the folder.
    """

    folder: Path
    python: str
    popen: Mapping[str, Any]

    def run_python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run this person's Python with these arguments to its end."""
        return run(self.python, *arguments, **self.popen)


@contextmanager
def ordinary_user() -> Iterator[OrdinaryUser]:
    """Give `nobody` where the tests run as root, else whoever runs them, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            "HOME": name,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(TESTS.parent), sysconfig.get_path("purelib")]),
        }
        popen: dict[str, Any] = {"cwd": folder, "env": environment}
        if sys.platform != "win32" and os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            popen |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        yield OrdinaryUser(folder, reachable_python(popen), popen)


def reachable_python(popen: Mapping[str, Any]) -> str:
    """Give a Python that can be started so and finds the installed packages: ours may lie under /root."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            if run(candidate, "-c", "import requests, cryptography.fernet", **popen).returncode == 0:
                return candidate
        except OSError:
            continue
    return pytest.skip(f"no {version} that an ordinary user may run")
