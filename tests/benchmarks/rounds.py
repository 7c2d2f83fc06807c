"""Has the contenders of a work do it in turn, and compares what they took."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.contender import Bench, Target, Work

__all__ = ["Row", "Verdict", "rows", "verdicts"]

_QUICKER = 5  # times fewer rounds


@dataclass(frozen=True)
class Row:
    """What a contender took.

    Args:
        work: the letter.
        title: the work.
        contender: who.
        unit: what `median` is in.
        median: of all rounds; None = it was left out.
        ratio: the median of its ratios to the base, each within one round.
        spread: the quarter below and the quarter above of those ratios.
        missing: what is not installed.
    """

    work: str
    title: str
    contender: str
    unit: str
    median: float | None
    ratio: float | None
    spread: tuple[float, float] | None
    missing: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a target is met.

    Args:
        work: the letter.
        said: the target, for people.
        found: the ratio that there is, what is added taken off before.
        met: whether it holds.
    """

    work: str
    said: str
    found: float
    met: bool


def rows(work: Work, bench: Bench) -> list[Row]:
    """What each contender took, ours and theirs in turn, so that a busy machine is so for all."""
    took: dict[str, list[float]] = {}
    missing = {one.name: ", ".join(one.lacks()) for one in work.contenders}
    with ExitStack() as opened:
        samples = {
            one.name: opened.enter_context(one.open(bench))
            for one in work.contenders
            if not missing[one.name]
        }
        for sample in samples.values():
            sample()  # the first is never like the others
        for number in range(-(-work.rounds // _QUICKER) if bench.quick else work.rounds):
            # The other way round each second time: who comes after whom counts for none.
            for name in list(samples)[:: -1 if number % 2 else 1]:
                took.setdefault(name, []).append(samples[name]())
    return [
        _row(work, one.name, took.get(one.name), took[work.base], missing[one.name])
        for one in work.contenders
    ]


def _row(work: Work, name: str, took: list[float] | None, base: list[float], missing: str) -> Row:
    if took is None:
        return Row(work.letter, work.title, name, work.unit, None, None, None, missing)
    ratios = [one / other for one, other in zip(took, base, strict=True)]
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    return Row(work.letter, work.title, name, work.unit, median(took), median(ratios), (low, high))


def verdicts(work: Work, found: list[Row]) -> Iterator[Verdict]:
    """Whether the targets of a work are met, by the medians of its rows."""
    took = {row.contender: row.median for row in found}
    for target in work.targets:
        ours, theirs = took[target.of], took[target.than]
        if ours is not None and theirs is not None:
            ratio = (ours - target.plus) / theirs
            met = ratio >= target.times if target.at_least else ratio <= target.times
            yield Verdict(work.letter, _said(target, work.unit), ratio, met)


def _said(target: Target, unit: str) -> str:
    plus = f" + {target.plus:g} {unit}" if target.plus else ""
    how = "at least" if target.at_least else "at most"
    return f"{target.of}: {how} {target.times:g} x {target.than}{plus}"
