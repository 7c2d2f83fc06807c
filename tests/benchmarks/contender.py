"""The shapes of a benchmark: a work, who does it, and what is asked of us."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from requests_auth_profiles.testing import AuthorizationServer

__all__ = ["FLOOR", "OURS", "THEIRS", "Bench", "Contender", "Sample", "Target", "Work"]

OURS, THEIRS, FLOOR = "requests-auth-profiles", "requests-auth", "fixed header"

Sample = Callable[[], float]
"""Does the work and gives what it took, in the unit of the work."""


@dataclass(frozen=True)
class Bench:
    """Where all contenders work.

    Args:
        home: a folder that is HOME, and empty at first.
        server: the provider, which knows the client `job`.
        quick: whether fewer samples, each of less work, are to do.
    """

    home: Path
    server: AuthorizationServer
    quick: bool


@dataclass(frozen=True)
class Contender:
    """Who does a work.

    Args:
        name: as the table has it.
        open: makes ready, and gives what does it once.
        needs: what has to be installed, by its name on PyPI.
    """

    name: str
    open: Callable[[Bench], AbstractContextManager[Sample]]
    needs: tuple[str, ...] = ()

    def lacks(self) -> Iterator[str]:
        """What is not installed."""
        for package in self.needs:
            try:
                version(package)
            except PackageNotFoundError:
                yield package


@dataclass(frozen=True)
class Target:
    """What is asked of one contender: at most so many times what another takes.

    Args:
        of: whose figure it is.
        times: the factor.
        than: whose figure that is multiplied.
        plus: what is added, in the unit of the work.
        at_least: whether it is the least that is asked for, where more is better.
    """

    of: str
    times: float
    than: str
    plus: float = 0.0
    at_least: bool = False


@dataclass(frozen=True)
class Work:
    """One row of the table for each contender.

    Args:
        letter: by which it is chosen.
        title: what is done.
        unit: what a sample is in.
        base: whose figure is 1.
        contenders: who does it, in turn.
        targets: what is asked.
        rounds: how often each does it.
    """

    letter: str
    title: str
    unit: str
    base: str
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...] = ()
    rounds: int = 15
