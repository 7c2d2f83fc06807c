"""A secret in the keyring of the operating system."""

import shlex
from collections.abc import Mapping
from threading import Thread
from typing import Any

from requests_auth_profiles._config.asking import Answer, Asker, checked

__all__ = ["keyring_entry"]

_SECONDS = 10.0
_NO_BACKEND = {"keyring.backends.fail", "keyring.backends.null"}


def keyring_entry(reference: Mapping[str, Any], asker: Asker) -> Answer:
    """The secret that `keyring get SERVICE USERNAME` prints.

    It is asked for in a thread: a keyring may wait for ever for a person, or for a bus that nobody answers.
    """
    service, user = reference["keyring"], reference["username"]
    try:
        import keyring  # noqa: F401
    except ImportError:
        extra = 'pip install "requests-auth-profiles[keyring]"'
        return Answer("", "the keyring package is not installed", extra)
    answers: list[Answer] = []
    thread = Thread(
        target=lambda: answers.append(_entry(service, user, by_lines=asker.by_lines)),
        name="requests-auth-keyring",
        daemon=True,
    )
    try:
        thread.start()
    except RuntimeError as error:  # there are too many, or the interpreter is about to end
        return Answer("", f"the keyring was not asked: {error}", "try again with fewer threads")
    thread.join(_SECONDS)
    late = Answer("", f"the keyring did not answer in {_SECONDS:.0f} s", _typed("get", service, user))
    return answers[0] if answers else late


def _entry(service: str, user: str, *, by_lines: bool) -> Answer:
    import keyring

    try:
        if type(keyring.get_keyring()).__module__ in _NO_BACKEND:
            hint = (
                "unlock or install one (keyring diagnose), or give the secret by { env = … } or { file = … }"
            )
            return Answer("", "there is no keyring on this machine", hint)
        value = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001  a backend is somebody else's code, and its words may be secret
        return Answer("", f"the keyring failed: {type(error).__name__}", _typed("get", service, user))
    if value is None:
        return Answer("", f"the keyring has none for {user!r}", _typed("set", service, user))
    return checked(value, "what the keyring has", _typed("set", service, user), by_lines=by_lines)


def _typed(verb: str, service: str, user: str) -> str:
    return f"keyring {verb} {shlex.quote(service)} {shlex.quote(user)}"
