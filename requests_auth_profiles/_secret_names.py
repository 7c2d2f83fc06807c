"""What a name tells of whether its value is a secret."""

import re

__all__ = ["may_be_secret"]

_SECRETS = re.compile(
    r"secret|passw|passc|passphrase|pwd|token|key|assertion|credential|signature|verifier"
    r"|(?<![a-z])(?:pass|pin|otp)(?![a-z])"
    r"|(?<![a-z])(?:pw|psw|pat|jwt|bearer|sig|cookies?|(?:auth|authorization|device|user)[_-]?code)$"
    r"|^(?:authorization|auth|code|refresh|private)$",
    re.IGNORECASE,
)
# What is said about a secret: its kind, its name, how long it lasts; not `id_token_hint`, which is one.
_ABOUT_SECRETS = re.compile(
    r"(?:type|type_?hint|key_?id|format|method|algorithm|version|lifetime)$", re.IGNORECASE
)


def may_be_secret(name: str) -> bool:
    """Whether what a parameter of this name says may be nobody else's business."""
    return _SECRETS.search(name) is not None and _ABOUT_SECRETS.search(name) is None
