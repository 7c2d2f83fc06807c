"""A secret that a person types in the terminal."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from requests_auth_profiles._config import environment
from requests_auth_profiles._config.asking import Answer, Asker, checked

__all__ = ["prompted"]


def prompted(reference: Mapping[str, Any], asker: Asker) -> Answer:
    """What the person types, without an echo, in the terminal itself: pipes are for other things.

    Raises:
        ConfigurationError: REQUESTS_AUTH_INTERACTIVE is neither 0 nor 1.
    """
    elsewhere = f'run it in a terminal; or, where there is none: {asker.place.path[-1]} = {{ env = "…" }}'
    if not environment.interactive():
        why = f"a person must type it, and none can be asked here (CI, or {environment.INTERACTIVE}=0)"
        return Answer("", why, elsewhere, needs_person=True)
    if not _has_terminal():
        return Answer("", "a person must type it, and there is no terminal", elsewhere, needs_person=True)
    from getpass import getpass

    try:
        typed = getpass(f"{reference['prompt'].rstrip(' :')}: ")
    except EOFError:
        typed = ""
    except UnicodeDecodeError:
        typed = "\udcff"
    return checked(typed, "what was typed", "type it, or paste it, when you are asked")


def _has_terminal() -> bool:
    """Whether there is a terminal, and it is ours to read: a job in the background would be stopped."""
    if sys.platform == "win32":
        return sys.stdin is not None and sys.stdin.isatty()
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
