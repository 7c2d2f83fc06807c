"""Imports on first use, and forks: neither happens in the middle of the other."""

import os
import threading

__all__ = ["IMPORTING"]

IMPORTING = threading.RLock()
"""Held while a store imports what it needs.

A process that is forked while another thread imports a module can never import that module itself: the
import's own lock stays with the thread, which is not there in the child.
"""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=IMPORTING.acquire, after_in_parent=IMPORTING.release, after_in_child=IMPORTING.release
    )
