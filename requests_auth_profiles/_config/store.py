"""What `[store]` says."""

from pathlib import Path
from typing import NamedTuple

from requests_auth_profiles._config.secrets import Secret

__all__ = ["Store"]


class Store(NamedTuple):
    """Where tokens are kept, and where the key is that they are sealed with; one of the three at most.

    Args:
        url: where, or where to look that up; empty = it does not say.
        folder: what a relative one is in: the folder of the file that says it.
        key: the key.
        passphrase: what the key is wrapped by.
        key_source: `keyring` or `file`: where the key is kept; empty = wherever is best.
    """

    url: str | Secret
    folder: Path
    key: Secret | None
    passphrase: Secret | None
    key_source: str
