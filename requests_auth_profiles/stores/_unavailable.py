"""What the system says of files, as an error of the store."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from requests_auth_profiles._private_file import UnsafeFileError
from requests_auth_profiles.errors import RequestsAuthException, StoreUnavailable

__all__ = ["unavailable"]


@contextmanager
def unavailable(path: Path) -> Iterator[None]:
    """Turns what the system says of a path into our error.

    Raises:
        StoreUnavailable: it cannot be read or written here.
    """
    try:
        yield
    except RequestsAuthException:  # an OSError too, as all errors of requests are
        raise
    except UnsafeFileError as error:
        raise StoreUnavailable(str(error), hint=error.hint) from None
    except OSError as error:
        folder = shlex.quote(str(path.parent))
        reason = error.strerror or type(error).__name__
        raise StoreUnavailable(f"{path}: {reason}", hint=f"ls -ld {folder}; df {folder}") from None
