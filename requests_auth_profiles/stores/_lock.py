"""A lock on a file, for all threads and processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from requests_auth_profiles import _private_file
from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores._holder import holder
from requests_auth_profiles.stores._importing import IMPORTING
from requests_auth_profiles.stores._unavailable import unavailable

__all__ = ["locked"]

_POLL_SECONDS = 0.02


@contextmanager
def locked(path: Path, what: str, timeout_seconds: float) -> Iterator[None]:
    """Keeps all others out that lock the same file, in a folder that is there.

    A kernel lock: it ends with its process, however that ends.

    Args:
        path: the file, which is made if need be and stays.
        what: what is done meanwhile, as in `renewing the token of work`.
        timeout_seconds: how long to wait for another who has it.

    Raises:
        TimeoutOccurred: another held it all that time.
        StoreUnavailable: there can be no lock here.
    """
    with IMPORTING:
        from filelock import FileLock, Timeout

    with unavailable(path):
        _private_file.refuse_link(path)
        # A lock of its own for each call: threads keep each other out as processes do.
        lock = FileLock(
            path, mode=0o600, thread_local=False, fallback_to_soft=False, poll_interval=_POLL_SECONDS
        )
        try:
            lock.acquire(timeout=timeout_seconds)
        except Timeout:
            who = holder(path)
            raise TimeoutOccurred(
                f"{who} has been {what} for over {round(timeout_seconds, 2):g} s",
                holder=who,
                hint=f"see who holds {path}, and end it if it hangs",
            ) from None
    try:
        yield
    finally:
        lock.release()
