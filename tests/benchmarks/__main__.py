"""Prints what everything costs: `python -m benchmarks`, in the folder of the tests."""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import conftest

from benchmarks import cold, contended, files, loopback, stored, warm
from benchmarks.contender import Bench
from benchmarks.rounds import Row, Verdict, rows, verdicts
from requests_auth_profiles.testing import AuthorizationServer, Client

WORKS = (*warm.WORKS, *cold.WORKS, *stored.WORKS, *contended.WORKS, *files.WORKS, *loopback.WORKS)


def main() -> None:
    """Does the works that are asked for, and prints as they end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="LETTER", help="the works to do; none = all")
    parser.add_argument("--quick", action="store_true", help="fewer samples of less work, and less exactly")
    parser.add_argument("--json", action="store_true", help="print JSON at the end, and the table to stderr")
    asked = parser.parse_args()
    out = sys.stderr if asked.json else sys.stdout
    found: list[Row] = []
    judged: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder, AuthorizationServer() as server:
        _be_at_home(folder)
        server.clients["job"] = Client(secret="s3cret-of-the-job")
        server.lifetime_seconds = 7 * 24 * 3600
        bench = Bench(Path(folder), server, asked.quick)
        for work in sorted(WORKS, key=lambda one: one.letter):
            if not asked.works or work.letter in asked.works:
                done = rows(work, bench)
                found += done
                met = list(verdicts(work, done))
                judged += met
                print(f"\n({work.letter}) {work.title}, in {work.unit}", file=out)
                print("\n".join([*map(_line, done), *map(_judged, met)]), file=out, flush=True)
    if asked.json:
        print(json.dumps({"rows": [*map(asdict, found)], "targets": [*map(asdict, judged)]}, indent=2))


def _be_at_home(folder: str) -> None:
    """Goes to a home folder that is empty, where no CI server and no settings of a person are."""
    for name in list(os.environ):
        if name in conftest.FOREIGN_VARIABLES or name.startswith(conftest.FOREIGN_PREFIXES):
            del os.environ[name]
    os.environ |= {"HOME": folder, "PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode")), "NO_PROXY": "*"}
    # Whoever has no bytecode written pays for compiling us each time, and not for what pip has compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _line(row: Row) -> str:
    if row.median is None or row.ratio is None or row.spread is None:
        return f"  {row.contender:42} left out: {row.missing} is not installed"
    low, high = row.spread
    return f"  {row.contender:42} {row.median:10.3f}   x {row.ratio:7.3f}   ({low:.3f} to {high:.3f})"


def _judged(verdict: Verdict) -> str:
    return f"  {'met   ' if verdict.met else 'MISSED'} {verdict.said}: {verdict.found:.3f}"


if __name__ == "__main__":
    main()
