"""Keys of stores in the keyring of the operating system."""

import base64
import os
import secrets
from contextlib import suppress
from types import ModuleType
from typing import Any

from requests_auth_profiles._os_keyring import KeyringProblem, asked, is_none
from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores.keys import KeySource, decode_key
from requests_auth_profiles.stores.record import BEGIN_ANEW
from requests_auth_profiles.stores.sealing import KEY_BYTES, key_id

__all__ = ["os_keyring"]

_SERVICE = "requests-auth-profiles"
_LEAST_PRIORITY = 1  # below are those that keyring itself would not recommend
_HINT = "unlock it and try again (keyring diagnose tells which it is)"


def os_keyring(seconds: float = 10.0) -> KeySource:
    """Keys in the keyring of the operating system, one entry for each: only in one that proves itself.

    It is no null, failing or plaintext keyring, and gives back what was put in.

    Args:
        seconds: how long it has for each answer.
    """

    def create() -> bytes:
        key = os.urandom(KEY_BYTES)
        text, kid = base64.urlsafe_b64encode(key).decode(), key_id(key)

        def put(keyring: ModuleType) -> bool:
            _vet(keyring.get_keyring())
            keyring.set_password(_SERVICE, kid, text)
            given = keyring.get_password(_SERVICE, kid)
            return isinstance(given, str) and secrets.compare_digest(given, text)

        try:
            if asked(put, seconds):
                return key
        except KeyringProblem as problem:
            raise _error(problem) from None
        raise StoreKeyError("the keyring does not give back what was put in", hint=_HINT)

    def read(kid: str) -> bytes:
        def get(keyring: ModuleType) -> Any:
            _vet(keyring.get_keyring())
            return keyring.get_password(_SERVICE, kid)

        try:
            text = asked(get, seconds)
        except KeyringProblem as problem:
            raise _error(problem) from None
        if not isinstance(text, str):
            raise StoreKeyError(
                f"the keyring does not have the key of the token store ({_SERVICE}, {kid or 'none yet'})",
                hint=f"unlock the keyring that has it, or {BEGIN_ANEW}",
            )
        return decode_key(text, "what the keyring has")

    def forget(kid: str) -> None:
        # What cannot be removed opens nothing any more.
        with suppress(KeyringProblem):
            asked(lambda keyring: keyring.delete_password(_SERVICE, kid), seconds)

    return KeySource("keyring", read, create, forget)


def _vet(backend: Any) -> None:
    """Sees that a backend keeps secrets, and secret.

    Raises:
        KeyringProblem: it does not.
    """
    # The chainer asks the first of its members.
    if type(backend).__module__ == "keyring.backends.chainer":
        backend = next(iter(backend.backends), None)
    if backend is None or is_none(backend):
        raise KeyringProblem("there is no keyring on this machine")
    kind = type(backend)
    if "plain" in kind.__name__.lower() or not backend.priority >= _LEAST_PRIORITY:
        raise KeyringProblem(f"the keyring {kind.__module__}.{kind.__name__} does not keep secrets safe")


def _error(problem: KeyringProblem) -> StoreKeyError:
    return StoreKeyError(f"the key of the token store: {problem}", hint=problem.hint or _HINT)
