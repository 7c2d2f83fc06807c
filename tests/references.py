"""Secrets as a profiles file refers to them, and what their errors may not hold."""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wire import words_of

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Bearer
from requests_auth_profiles.errors import SecretUnavailable

VALUE = "s3cret-value"
Reference = str | dict[str, Any]
Make = Callable[[Reference], Secret]


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the profiles file; the working directory is another."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "etc").mkdir(mode=0o700)
    return tmp_path / "etc"


@pytest.fixture
def secret(folder: Path) -> Make:
    """Makes the secret of a profiles file, by what stands there."""
    return lambda reference: made(written(folder, reference))


def written(folder: Path, reference: Reference) -> Path:
    """A profiles file whose third line has a secret."""
    if isinstance(reference, str):
        value = json.dumps(reference, ensure_ascii=False)
    else:
        ((how, what),) = reference.items()
        value = f"{{ {how} = {json.dumps(what, ensure_ascii=False)} }}"
    path = folder / "profiles.toml"
    path.write_text(f'[profiles.work]\nflow = "bearer"\ntoken = {value}\n', encoding="utf-8")
    path.chmod(0o600)
    return path


def made(path: Path) -> Secret:
    scheme = ProfilesFile.read(path).profile("work").scheme
    assert isinstance(scheme, Bearer)
    return scheme.token


def python(script: str, *arguments: str) -> dict[str, Any]:
    """A reference to what a Python program prints."""
    one_line = f"exec({script!r})"  # a profiles file has no argument of several
    return {"command": [sys.executable, "-c", one_line, *arguments]}


def refusal(secret: Secret) -> SecretUnavailable:
    """The error of a secret that is not there, which holds no value anywhere."""
    with pytest.raises(SecretUnavailable) as caught:
        secret()
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    told = words_of(caught.value) + "".join(shown.format())
    assert VALUE not in told
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


def tells(secret: Secret, problem: str) -> bool:
    """Whether the error of a secret is this one."""
    return refusal(secret).message.endswith(f": {problem}")
