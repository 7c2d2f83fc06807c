"""Profiles files to test with: written, read, and what is said of a wrong one."""

from pathlib import Path

import pytest

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.spec import OAuth2
from requests_auth_profiles.errors import Fault, ProfilesFileError

MARK = "# <-"

KEY = '[profiles.work]\nflow = "api-key"\napi_key = { env = "GATEWAY_KEY" }\n'
TOKEN = '[profiles.work]\nflow = "bearer"\n'
MACHINE = """[profiles.work]
flow = "client-credentials"
issuer = "https://login.acme.com"
client_id = "nightly"
client_secret = { env = "NIGHTLY_SECRET" }
"""
PERSON = """[profiles.work]
flow = "authorization-code-pkce"
issuer = "https://login.acme.com"
client_id = "person"
"""


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    """A profiles file that holds this."""
    path = folder / "profiles.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def read(folder: Path, text: str | bytes) -> ProfilesFile:
    """What is read from a file that holds this."""
    return ProfilesFile.read(written(folder, text))


def oauth2(folder: Path, text: str, name: str = "work") -> OAuth2:
    """How a profile of a file that holds this wins its token."""
    scheme = read(folder, text).profile(name).scheme
    assert isinstance(scheme, OAuth2)
    return scheme


def faults(folder: Path, text: str | bytes) -> tuple[Fault, ...]:
    """All that is wrong with a file that holds this."""
    with pytest.raises(ProfilesFileError) as caught:
        read(folder, text)
    return caught.value.faults


def marked(text: str) -> list[int]:
    """The numbers of the lines that end in the mark."""
    return [number for number, line in enumerate(text.split("\n"), 1) if line.endswith(MARK)]
