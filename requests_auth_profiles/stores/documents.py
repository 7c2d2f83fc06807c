"""Documents: where sealed documents lie."""

from contextlib import AbstractContextManager
from typing import Protocol

from requests_auth_profiles.errors import StoreVersionError
from requests_auth_profiles.stores.sealing import Document, VersionError

__all__ = ["LIMIT_BYTES", "Documents", "read"]

LIMIT_BYTES = 1024 * 1024
"""The most bytes that a document has."""


class Documents(Protocol):
    """Where sealed documents lie, and the record of their keys, whose name is None.

    Whatever cannot be read or written here is a `StoreUnavailable`.
    """

    def place(self, name: str | None) -> str:
        """Where a document is, in messages."""

    def read(self, name: str | None) -> bytes | None:
        """A document, if there is one."""

    def write(self, name: str | None, data: bytes) -> None:
        """Puts a document in place of the one before, whole or not at all."""

    def set_aside(self, name: str, at: int) -> None:
        """Takes away a document that cannot be opened, and keeps the last few of them.

        Args:
            name: whose it is.
            at: when that is, in epoch milliseconds.
        """

    def delete(self, name: str) -> None:
        """Takes away a document, if there is one, and what was set aside of it."""

    def names(self) -> list[str]:
        """The names of all documents but the record, in order."""

    def clear(self) -> None:
        """Takes away all documents, those set aside and the record."""

    def lock(self, name: str | None, what: str, timeout_seconds: float) -> AbstractContextManager[None]:
        """Keeps all others from a document, or from the choice of a key.

        Args:
            name: which.
            what: what is done meanwhile, as in `renewing the token of work`.
            timeout_seconds: how long to wait for another who has it.

        Raises:
            TimeoutOccurred: another held it all that time.
        """


def read(documents: Documents, name: str) -> Document | None:
    """A document of a store, if there is one.

    Raises:
        SealError: it is none of ours.
        StoreVersionError: it is of another version.
    """
    data = documents.read(name)
    try:
        return None if data is None else Document.parse(data)
    except VersionError:
        raise StoreVersionError(
            f"{documents.place(name)} was written by another version",
            hint="pip install -U requests-auth-profiles",
        ) from None
