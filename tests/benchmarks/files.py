"""`profile("x")` first and next, in files of 10, 1,000 and 10,000 profiles."""

import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.contender import Bench, Contender, Sample, Target, Work
from requests_auth_profiles import profile

__all__ = ["WORKS"]

_SIZES = (10, 1_000, 10_000)
_NEXT = 1000
_PROFILE = """
[profiles.work-{0}]
flow = "authorization-code-pkce"
provider = "okta"
instance = "acme{0}.okta-emea.com"
client_id = "54239d18-c68c-4c47-8bdd-ce71ea1d50cd"
scopes = ["openid", "profile"]
hosts = ["api{0}.acme.com"]
"""


def _file(bench: Bench, size: int, name: str = "profiles") -> Path:
    path = bench.home / f"{name}-{size}.toml"
    if not path.exists():
        path.write_text("".join(map(_PROFILE.format, range(size))), "utf-8")
        path.chmod(0o600)
    return path


@contextmanager
def _parsed(size: int, bench: Bench) -> Iterator[Sample]:
    text = _file(bench, size).read_text("utf-8")

    def sample() -> float:
        begin = time.thread_time()
        tomllib.loads(text)
        return (time.thread_time() - begin) * 1e3

    yield sample


@contextmanager
def _first(size: int, bench: Bench) -> Iterator[Sample]:
    numbers = iter(range(1_000_000))

    def sample() -> float:
        path = _file(bench, size, f"new-{next(numbers)}")  # one that was never read
        begin = time.thread_time()
        profile("work-7", file=path)
        took = (time.thread_time() - begin) * 1e3
        path.unlink()
        return took

    yield sample


@contextmanager
def _next(size: int, bench: Bench) -> Iterator[Sample]:
    path = str(_file(bench, size))
    time.sleep(0.2)  # one so young may change once more within a tick of the clock, and is read again
    profile("work-7", file=path)

    def sample() -> float:
        begin = time.thread_time()
        for _ in range(_NEXT):
            profile("work-7", file=path)
        return (time.thread_time() - begin) / _NEXT * 1e6

    yield sample


WORKS = (
    *(
        Work(
            "g",
            f"{size:,} profiles, the first time",
            "ms",
            "tomllib.loads",
            (
                Contender("tomllib.loads", partial(_parsed, size)),
                Contender("profile(…)", partial(_first, size)),
            ),
            (Target("profile(…)", 1.5, "tomllib.loads"),) if size == max(_SIZES) else (),
            rounds=5,
        )
        for size in _SIZES
    ),
    Work(
        "g",
        "the next time",
        "µs",
        "of 10",
        tuple(Contender(f"of {size:,}", partial(_next, size)) for size in _SIZES),
        (Target("of 10,000", 1.1, "of 10"),),
    ),
)
