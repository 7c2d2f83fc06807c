"""Where this runs, as far as it matters for who opens a browser: WSL, a container, over SSH."""

import os
from pathlib import Path

__all__ = ["container", "in_wsl", "over_ssh"]

_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))  # Docker's, and Podman's


def in_wsl() -> bool:
    """Whether this is Linux in Windows, whose browser is the person's."""
    return bool(os.environ.get("WSL_DISTRO_NAME") or os.environ.get("WSL_INTEROP"))


def over_ssh() -> bool:
    """Whether the person is at another machine."""
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))


def container() -> str:
    """What says that this is a container, on a network of its own; empty where nothing does."""
    # `container` is set by Podman, systemd-nspawn and LXC.
    named = (name for name in ("KUBERNETES_SERVICE_HOST", "container") if os.environ.get(name))
    return next(named, next((str(path) for path in _MARKS if path.exists()), ""))
