"""Words that are nearly right."""

from collections.abc import Collection
from itertools import islice

__all__ = ["near", "nearest"]

_COMPARED = 100


def near(word: str, options: Collection[str]) -> str:
    """A question whether the nearest of some words was meant; empty where none is near."""
    found = nearest(word, options)
    return f"did you mean {found!r}?" if found else ""


def nearest(word: str, options: Collection[str]) -> str:
    """The nearest of some words; empty where none is near."""
    from difflib import get_close_matches

    word = word[:64].casefold()
    folded = {option.casefold(): option for option in options}
    if len(folded) > _COMPARED:  # or a thousand wrong names, each compared with a thousand, take minutes
        folded = dict(islice((pair for pair in folded.items() if pair[0][:1] == word[:1]), _COMPARED))
    return next((folded[found] for found in get_close_matches(word, folded, 1)), "")
