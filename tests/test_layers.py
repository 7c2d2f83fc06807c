"""The layers of the house: imports point down only."""

import re
import sys
import tomllib
from pathlib import Path

import counterparts

import requests_auth_profiles

ROOT = Path(requests_auth_profiles.__file__).parent.parent


def test_imports_point_down_only(tmp_path: Path) -> None:
    """import-linter finds the contract of pyproject.toml kept."""
    program = Path(sys.executable).with_name("lint-imports")
    done = counterparts.run(
        str(program), "--cache-dir", str(tmp_path), "--config", str(ROOT / "pyproject.toml"), cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)


def test_every_module_has_a_layer() -> None:
    """A module that is new must be put somewhere: the contract is exhaustive."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    assert contract["exhaustive"] is True
    layered = {name.strip() for layer in contract["layers"] for name in re.split(r"[|:]", layer)}
    there = {
        path.stem
        for path in (ROOT / "requests_auth_profiles").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__", *contract["exhaustive_ignores"]} <= layered


def test_the_errors_know_nobody() -> None:
    """At the bottom, the errors import nothing of the package."""
    source = (ROOT / "requests_auth_profiles/errors.py").read_text("utf-8")
    assert "requests_auth_profiles" not in source
