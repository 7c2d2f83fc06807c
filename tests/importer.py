"""Runs `requests-auth import --from FORMAT FILE`, and sees that what it prints can be used and shown."""

import base64
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import profiles_file
import pytest

from requests_auth_profiles.cli import run

SECRET = "canary-s3cret"


@dataclass(frozen=True)
class Done:
    """What the verb printed, and how it ended."""

    code: int
    profiles: dict[str, Any]
    printed: str
    told: str


class Importer:
    """Runs the verb on files, and reads what it prints as a profiles file."""

    def __init__(self, folder: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._captured = captured

    def __call__(self, form: str, content: str | bytes | None, name: str = "source") -> Done:
        path = self.folder / name
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        code = run(["import", "--from", form, str(path)])
        printed, told = self._captured.readouterr()
        assert SECRET not in printed + told
        assert (printed + told).replace("\n", "").isprintable()
        profiles = tomllib.loads(printed).get("profiles", {})
        if profiles:
            assert profiles_file.read(self.folder, printed).names == list(profiles)
        return Done(code, profiles, printed, told)


def jwt(**claims: Any) -> str:
    """A token that says this."""
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)
        + f".{SECRET}"
    )
