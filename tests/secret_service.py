"""A Secret Service: gnome-keyring under a D-Bus session of its own, for programs that run in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PASSWORD = "keyring-password"
UNLOCK = 'printf "%s" "$0" | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$@"'
LOCKED = 'gnome-keyring-daemon --start --components=secrets >/dev/null && exec "$@"'
PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon")


def run(
    home: Path, program: str, *arguments: object, unlock: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a session whose keyring, kept in a home, is unlocked by a password.

    Args:
        home: whose keyring it is.
        program: Python.
        arguments: its arguments.
        unlock: the keyring's password; empty = it stays locked.
    """
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}")
    folder = home / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    foreign = ("XDG_", "DISPLAY", "WAYLAND_", "PYTHON_KEYRING_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(folder)}
    shell = ["sh", "-c", UNLOCK if unlock else LOCKED, unlock]
    return subprocess.run(
        ["dbus-run-session", "--", *shell, sys.executable, "-c", program, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
