"""A KDC: MIT Kerberos with a realm of its own, where alice and bob are users and Apache is a server."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from apache import USERS

REALM = "ACME.TEST"
SERVICES = ("HTTP/127.0.0.1", "HTTP/localhost")
PATIENCE_SECONDS = 20
TRIES = 5
CLIENT = """
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
"""
SERVER = """
[kdcdefaults]
  kdc_listen = ""
  kdc_tcp_listen = 127.0.0.1:{port}
  spake_preauth_kdc_challenge = edwards25519
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
  }}
[logging]
  kdc = FILE:{folder}/kdc.log
"""


@dataclass(frozen=True)
class Kdc:
    """A running one.

    Args:
        folder: where its files are.
    """

    folder: Path

    @property
    def client(self) -> dict[str, str]:
        """What the environment of a program has that is to ask it."""
        return {"KRB5_CONFIG": str(self.folder / "krb5.conf")}

    @property
    def server(self) -> dict[str, str]:
        """The same for an Apache that it knows, which is one process, and remembers no tickets elsewhere."""
        return {**self.client, "KEYTAB": str(self.folder / "keytab"), "KRB5RCACHENAME": "none:"}

    def sign_in(self, user: str, cache: Path) -> None:
        """Keep a ticket of a user in a cache."""
        told(self, "kinit", "-c", str(cache), user, said=f"{USERS[user]}\n")


@contextmanager
def running_kdc() -> Iterator[Kdc]:
    """Run one for as long as the block lasts, or skip the test where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="kdc-") as name:
        kdc = Kdc(Path(name))
        kdc.folder.chmod(0o755)  # Apache, another user perhaps, reads its keys here
        process = started(kdc)
        try:
            yield kdc
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def started(kdc: Kdc) -> subprocess.Popen[bytes]:
    """Start it on a free port; another process may take that before it does."""
    for attempt in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for file, text in (("krb5.conf", CLIENT), ("kdc.conf", SERVER)):
            (kdc.folder / file).write_text(text.format(realm=REALM, port=port, folder=kdc.folder))
        if not attempt:
            fill(kdc)
        process = subprocess.Popen(
            [program("krb5kdc"), "-n"],
            env=environment(kdc),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if is_up(process, kdc.folder / "kdc.log"):
            return process
    raise AssertionError((kdc.folder / "kdc.log").read_text())


def fill(kdc: Kdc) -> None:
    """Make its database, and the keys of the servers."""
    told(kdc, "kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
    lines = [f'addprinc -pw "{word}" {user}' for user, word in USERS.items()]
    lines += [f"addprinc -randkey {service}" for service in SERVICES]
    lines += [f"ktadd -k {kdc.folder}/keytab {' '.join(SERVICES)}"]
    told(kdc, "kadmin.local", said="\n".join([*lines, ""]))
    (kdc.folder / "keytab").chmod(0o644)


def is_up(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Wait until it serves (True) or has ended (False)."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and "commencing operation" in log.read_text():
            return True
        time.sleep(0.02)
    process.kill()
    process.wait(PATIENCE_SECONDS)
    return False


def told(kdc: Kdc, name: str, *args: str, said: str = "") -> None:
    """Run a program of Kerberos that must not fail."""
    done = subprocess.run(
        [program(name), *args],
        env=environment(kdc),
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert not done.returncode, done.stderr


def environment(kdc: Kdc) -> dict[str, str]:
    return {**os.environ, **kdc.client, "KRB5_KDC_PROFILE": str(kdc.folder / "kdc.conf")}


def program(name: str) -> str:
    """Give the path of a program, or skip the test that asks for one that is missing."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
    return path or pytest.skip(f"{name} is not installed")
