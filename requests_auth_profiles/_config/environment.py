"""What the environment says: the file, the profile, the store, and whether a person can be asked."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from requests_auth_profiles.errors import ConfigurationError, InteractionRequired

if TYPE_CHECKING:
    from platformdirs.api import PlatformDirsABC

__all__ = [
    "CI_VARIABLES",
    "CONFIG_VARIABLES",
    "FILE",
    "INTERACTIVE",
    "PROFILE",
    "STORE",
    "STORE_KEY",
    "ci_variable",
    "config_folder",
    "data_folder",
    "expanded",
    "folders",
    "in_ci",
    "interactive",
    "need_person",
    "site_folder",
    "state_folder",
]

FILE = "REQUESTS_AUTH_PROFILES_FILE"
PROFILE = "REQUESTS_AUTH_PROFILE"
STORE = "REQUESTS_AUTH_STORE"
STORE_KEY = "REQUESTS_AUTH_STORE_KEY"
INTERACTIVE = "REQUESTS_AUTH_INTERACTIVE"

_APP = "requests-auth"
# `CI` is what GitHub, GitLab, CircleCI, Travis, Buildkite and others set; the rest set only their own.
CI_VARIABLES = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "BUILDKITE",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
)
CONFIG_VARIABLES = (
    ("APPDATA", "USERPROFILE", "XDG_CONFIG_HOME") if sys.platform == "win32" else ("HOME", "XDG_CONFIG_HOME")
)
"""What `config_folder` hangs on."""
_OFF = {"", "0", "false", "no"}


def in_ci() -> bool:
    """Whether this runs in continuous integration."""
    return bool(ci_variable())


def ci_variable() -> str:
    """The variable that says that this runs in continuous integration; empty where none does."""
    return next((name for name in CI_VARIABLES if os.environ.get(name, "").lower() not in _OFF), "")


def interactive() -> bool:
    """Whether a person can be asked to sign in: REQUESTS_AUTH_INTERACTIVE, else where it is not CI.

    Raises:
        ConfigurationError: the variable is neither 0 nor 1.
    """
    said = os.environ.get(INTERACTIVE, "")
    if said in {"0", "1"}:
        return said == "1"
    if said:
        raise ConfigurationError(f"{INTERACTIVE} is neither 0 nor 1", hint=f"export {INTERACTIVE}=0")
    return not in_ci()


def need_person(name: str, hint: str) -> None:
    """Sees that a person can be asked to sign in.

    Args:
        name: what they would sign in for.
        hint: what helps where they cannot be asked.

    Raises:
        InteractionRequired: none can be.
        ConfigurationError: REQUESTS_AUTH_INTERACTIVE is neither 0 nor 1.
    """
    if not interactive():
        raise InteractionRequired(
            f"a person must sign in for {name}, and none can be asked here (CI, or {INTERACTIVE}=0)",
            hint=hint,
        )


def config_folder() -> Path:
    """The person's folder for the profiles file: ~/.config on Unix and macOS, %APPDATA% on Windows."""
    return _absolute(lambda: folders(roaming=True).user_config_path, "XDG_CONFIG_HOME")


def site_folder() -> Path:
    """The folder for everybody's profiles file: below /etc/xdg on Unix and macOS, ProgramData on Windows."""
    return Path(folders().site_config_dir)


def state_folder() -> Path:
    """The person's folder for tokens: ~/.local/state on Unix and macOS, %LOCALAPPDATA% on Windows."""
    return _absolute(lambda: folders().user_state_path, "XDG_STATE_HOME")


def data_folder() -> Path:
    """The person's folder for the store's key, apart from the tokens that it seals."""
    return _absolute(lambda: folders().user_data_path, "XDG_DATA_HOME")


def folders(platform: str = sys.platform, *, roaming: bool = False) -> "PlatformDirsABC":
    """Where a platform has the folders of a program.

    Args:
        platform: as in `sys.platform`.
        roaming: whether what is in them follows the person to other machines, on Windows.
    """
    if platform == "win32":
        from platformdirs.windows import Windows

        return Windows(_APP, appauthor=False, roaming=roaming)
    # On macOS too: a command line tool's files are looked for in ~/.config, not in ~/Library.
    from platformdirs.unix import Unix

    return Unix(_APP, appauthor=False)


def expanded(named: str | os.PathLike[str]) -> Path | None:
    """The path that a name means, `~` in it replaced by the home folder; None where it can mean none."""
    text = os.fspath(named)
    path = os.path.expanduser(text)  # noqa: PTH111  pathlib's raises where there is no home
    homeless = text.startswith("~") and not os.path.isabs(path)  # noqa: PTH117
    return None if not path or homeless or "\0" in path else Path(path)


def _absolute(find: Callable[[], Path], variable: str) -> Path:
    """The folder that is found, where neither its variable nor HOME leads to the working directory."""
    counts = variable if os.environ.get(variable, "").strip() else "HOME"
    said = os.environ.get(counts, "").strip()
    # Looked at here: versions of platformdirs give a relative path back, or silently take another folder.
    if sys.platform == "win32" or not said or os.path.isabs(said):  # noqa: PTH117
        with suppress(RuntimeError):  # there is no home folder
            if (folder := find()).is_absolute():
                return folder
    problem = f"{said} is not an absolute path" if said else "it is not set"
    raise ConfigurationError(f"{counts} names no folder: {problem}", hint=f"export {counts}=/…")
