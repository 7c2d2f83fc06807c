"""A sign-in from a Jupyter notebook: the link is in the cell."""

import re
import sys
from collections.abc import Sequence
from html import escape
from importlib import import_module
from typing import Any

from requests_auth_profiles._oauth2.attendant import BrowserAttendant

__all__ = ["NotebookAttendant", "attendant_here"]

_ADDRESS = re.compile(r"https?://\S+")
_STYLE = "white-space:pre-wrap;margin:0;font-family:inherit"


def attendant_here(browser: Sequence[str] = ()) -> BrowserAttendant:
    """Who takes the person to the provider: in the cell of a notebook, else by a browser and stderr.

    Args:
        browser: which one; see `BrowserAttendant`.
    """
    # Not imported: where there is a kernel, it has been.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    kind = BrowserAttendant if getattr(shell, "kernel", None) is None else NotebookAttendant
    return kind(browser)


class NotebookAttendant(BrowserAttendant):
    """Shows in the cell where to sign in, and takes it away when that is over; a browser opens where one can.

    The kernel may be on another machine than the person, who then has nothing but the cell.
    """

    def __init__(self, browser: Sequence[str] = ()) -> None:
        super().__init__(browser)
        self._shown: Any = None

    def done(self) -> None:
        """Takes the link away: it is in what is saved of the notebook, and leads nowhere any more."""
        if self._shown is not None:
            self._shown.update(_both("The sign-in is over."), raw=True)
            self._shown = None

    def _say(self, text: str) -> bool:
        display = import_module("IPython.display").display
        self._shown = display(_both(text), raw=True, display_id=True)
        return True


def _both(text: str) -> dict[str, str]:
    """A text for notebooks, its addresses as links, and as it is for consoles."""
    linked = _ADDRESS.sub(
        r'<a href="\g<0>" target="_blank" rel="noopener noreferrer">\g<0></a>', escape(text)
    )
    return {"text/plain": text, "text/html": f'<pre style="{_STYLE}">{linked}</pre>'}
