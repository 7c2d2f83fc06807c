"""An Apache that lets in users of its own, by NTLM (gss-ntlmssp) or Digest, and those of a KDC."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

HTTPD = Path(__file__).parent / "httpd"
MODULES = Path("/usr/lib/apache2/modules")
MECHANISM = Path("/etc/gss/mech.d/mech.ntlmssp.conf")
USERS = {"alice": "wonderland", "bob": "bü1lder"}
PATIENCE_SECONDS = 20
TRIES = 5


@dataclass(frozen=True)
class Apache:
    """A running one.

    Args:
        port: where it listens.
        folder: where its logs are.
    """

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """What only a user gets; what is below it too."""
        return f"http://127.0.0.1:{self.port}/ntlm"

    def at(self, path: str) -> str:
        """The URL of a path; only what is below `/open` takes anybody."""
        return f"http://127.0.0.1:{self.port}{path}"

    def log(self) -> list[str]:
        """What it answered so far: `200 3 GET /ntlm` is the fourth answer on its connection."""
        return (self.folder / "access.log").read_text().splitlines()


@contextmanager
def running_apache(kerberos: Mapping[str, str] | None = None) -> Iterator[Apache]:
    """Run an Apache for as long as the block lasts, or skip the test where it is not installed.

    Args:
        kerberos: what makes it a server of a KDC, in its environment; None = it is none.
    """
    program = shutil.which("apache2", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
    if program is None:
        pytest.skip("apache2 is not installed")
    for file, package in ((MODULES / "mod_auth_gssapi.so", "mod-auth-gssapi"), (MECHANISM, "gss-ntlmssp")):
        if not file.exists():
            pytest.skip(f"{package} is not installed")
    with tempfile.TemporaryDirectory(prefix="apache-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # where root starts it, it goes on as another user
        shutil.copy(HTTPD / "echo", folder)
        users = folder / "users"
        users.write_text("".join(f"TESTDOM:{user}:{word}\n" for user, word in USERS.items()))
        digests = [":".join((user, "digest", digest(user, word))) for user, word in USERS.items()]
        (folder / "htdigest").write_text("\n".join(digests))
        more = {"NTLM_USER_FILE": str(users), "KEYTAB": str(folder / "none"), **(kerberos or {})}
        process, port = started(program, folder, more)
        try:
            yield Apache(port, folder)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def digest(user: str, word: str) -> str:
    """What Apache knows of a password (RFC 7616 section 3.4.2, H(A1))."""
    return hashlib.md5(f"{user}:digest:{word}".encode()).hexdigest()


def started(program: str, folder: Path, more: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start it on a free port; another process may take that before it does."""
    for _ in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "BASE": str(folder),
            "PORT": str(port),
            "MODULES": str(MODULES),
            **more,
        }
        command = [program, "-f", str(HTTPD / "httpd.conf"), "-DFOREGROUND"]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        if is_up(process, folder, port):
            return process, port
    log = folder / "error.log"
    raise AssertionError(log.read_text() if log.exists() else "Apache did not start, and said nothing")


def is_up(process: subprocess.Popen[bytes], folder: Path, port: int) -> bool:
    """Wait until it answers (True) or has ended (False)."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if (folder / "httpd.pid").exists():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                pass
            else:
                return True
        time.sleep(0.02)
    process.kill()
    process.wait(PATIENCE_SECONDS)
    return False


def came(response: requests.Response) -> list[str]:
    """What Apache says came: user, key, cookies, and the lines of the body."""
    assert response.status_code == 200
    return response.text.splitlines()
