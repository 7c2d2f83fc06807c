"""A secret in the keyring of the operating system."""

import shlex
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from requests_auth_profiles._config.asking import Answer, Asker, checked
from requests_auth_profiles._os_keyring import KeyringProblem, asked, is_none

__all__ = ["keyring_entry"]


def keyring_entry(reference: Mapping[str, Any], asker: Asker) -> Answer:
    """The secret that `keyring get SERVICE USERNAME` prints."""
    service, user = reference["keyring"], reference["username"]

    def entry(keyring: ModuleType) -> Answer:
        if is_none(keyring.get_keyring()):
            hint = (
                "unlock or install one (keyring diagnose), or give the secret by { env = … } or { file = … }"
            )
            return Answer("", "there is no keyring on this machine", hint)
        value = keyring.get_password(service, user)
        set_it = _typed("set", service, user)
        if value is None:
            return Answer("", f"the keyring has none for {user!r}", set_it)
        if not isinstance(value, str):  # as a backend of somebody's own may give
            kind = type(value).__name__
            return Answer("", f"the keyring gave {kind}, not text", _typed("get", service, user))
        return checked(value, "what the keyring has", set_it, by_lines=asker.by_lines)

    try:
        return asked(entry)
    except KeyringProblem as problem:
        return Answer("", str(problem), problem.hint or _typed("get", service, user))


def _typed(verb: str, service: str, user: str) -> str:
    return f"keyring {verb} {shlex.quote(service)} {shlex.quote(user)}"
