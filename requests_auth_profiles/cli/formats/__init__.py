"""The files of other tools that profiles are made from: one module each, read where it is asked for."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from requests_auth_profiles.cli.formats.found import Found, LeftOut

__all__ = ["FORMATS", "Format", "Found", "LeftOut"]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    Args:
        about: what is found in it.
        module: what reads it, beside this: `read(data, path)`.
        variable: the environment variable that names it; empty = there is none.
        places: where else it usually is, below the home folder; the first one that is there counts.
        folder: the files that are read where such a place, or what is named, is a folder.
    """

    about: str
    module: str
    variable: str = ""
    places: tuple[str, ...] = ()
    folder: str = ""

    def usual(self) -> Path | None:
        """Where it is on this machine; None where it is usually nowhere."""
        if self.variable and (named := os.environ.get(self.variable)):
            return Path(named).expanduser()
        found = [Path("~").expanduser() / place for place in self.places]
        return next((path for path in found if path.exists()), found[0] if found else None)

    def files(self, path: Path) -> list[Path]:
        """The files that a path means."""
        return sorted(path.glob(self.folder)) if self.folder and path.is_dir() else [path]

    @property
    def read(self) -> Callable[[bytes, Path], list[Found | LeftOut]]:
        """Takes a file apart; a ValueError says why it is none of this kind, and nothing of what is in it."""
        module = import_module(f"{__name__}.{self.module}")
        reader: Callable[[bytes, Path], list[Found | LeftOut]] = module.read
        return reader


FORMATS = {
    "databricks": Format(
        "profiles of databricks", "databricks", "DATABRICKS_CONFIG_FILE", (".databrickscfg",)
    ),
    "aws-sso": Format("sso-sessions of aws", "aws_sso", "AWS_CONFIG_FILE", (".aws/config",)),
    "restish": Format(
        "apis of restish",
        "restish",
        "RSH_CONFIG",
        (
            *(".config/restish/restish.json", ".config/restish/config.json", ".config/restish/apis.json"),
            *("Library/Application Support/restish/apis.json", "AppData/Roaming/restish/apis.json"),
        ),
    ),
    "netrc": Format("machines of a netrc", "machines", "NETRC", (".netrc", "_netrc")),
    "httpie": Format(
        "sessions of httpie",
        "httpie",
        places=(".config/httpie/sessions", ".httpie/sessions", "AppData/Roaming/httpie/sessions"),
        folder="**/*.json",
    ),
    "requests_auth-cache": Format("tokens that requests_auth keeps", "token_cache"),
    "openapi": Format("securitySchemes of a description", "openapi"),
}
