"""The keyring of the operating system, asked with a time limit: it may wait for a person, or a dead bus."""

from collections.abc import Callable
from threading import Thread
from types import ModuleType
from typing import TypeVar

__all__ = ["KeyringProblem", "asked", "is_none"]

_T = TypeVar("_T")
_SECONDS = 10.0
_NONE = {"keyring.backends.fail", "keyring.backends.null"}


class KeyringProblem(Exception):
    """The keyring gave no answer.

    Args:
        message: what happened; nothing that the keyring said, which may be secret.
        hint: what to type next; empty = the caller knows better.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def asked(question: Callable[[ModuleType], _T], seconds: float = _SECONDS) -> _T:
    """What the keyring answers.

    Args:
        question: asks it, given the module `keyring`; runs in a thread of its own.
        seconds: how long it has to answer.

    Raises:
        KeyringProblem: the package is not installed, or the keyring fails or does not answer in time.
    """
    try:
        import keyring
    except ImportError:
        raise KeyringProblem(
            "the keyring package is not installed", 'pip install "requests-auth-profiles[keyring]"'
        ) from None
    answers: list[_T] = []
    problems: list[KeyringProblem] = []

    def ask() -> None:
        try:
            answers.append(question(keyring))
        except KeyringProblem as problem:
            problems.append(problem)
        except Exception as error:  # noqa: BLE001  a backend is somebody else's code, and its words may be secret
            problems.append(KeyringProblem(f"the keyring failed: {type(error).__name__}"))

    thread = Thread(target=ask, name="requests-auth-keyring", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # there are too many, or the interpreter is about to end
        raise KeyringProblem(f"the keyring was not asked: {error}", "try again with fewer threads") from None
    thread.join(seconds)
    if answers:
        return answers[0]
    raise problems[0] if problems else KeyringProblem(f"the keyring did not answer in {seconds:g} s")


def is_none(backend: object) -> bool:
    """Whether a backend is the one for where there is no keyring, or that keeps nothing."""
    return type(backend).__module__ in _NONE
