"""Fifty threads that call an API for a while.

    python tests/soak.py URL PROFILES-FILE SECONDS PROFILE…

Prints what became of it as JSON: how many calls there were, those that failed, those of them that failed
though a good token was there, and what this process holds at rest, after each round.
"""

import gc
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from requests_auth_profiles import profile
from requests_auth_profiles.errors import RequestsAuthException

THREADS = 50
ROUNDS = 5
LONGEST_PAUSE_SECONDS = 0.3
PATIENCE_SECONDS = 20


class Load:
    """The calls of all threads.

    Args:
        url: what is called.
        auths: what they are signed with.
    """

    def __init__(self, url: str, auths: Sequence[Any]) -> None:
        self.calls: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.needless: list[str] = []
        self._url = url
        self._auths = auths
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        self._guard = threading.Lock()

    def run(self, seconds: float) -> None:
        """Has the threads call for a while."""
        end = time.monotonic() + seconds

        def calls(number: int) -> None:
            auth, chance = self._auths[number % len(self._auths)], random.Random(number)
            while time.monotonic() < end:
                self._call(auth)
                time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(calls, range(THREADS)))

    def _call(self, auth: Any) -> None:
        started, problem = time.time(), ""
        try:
            status = self._session.get(self._url, auth=auth, timeout=PATIENCE_SECONDS).status_code
            problem = "" if status == 200 else str(status)
        except RequestsAuthException as error:
            problem = type(error).__name__
        needless = bool(problem) and self._had_a_good_one(auth, started, time.time())
        with self._guard:
            self.calls[auth.name] += 1
            if problem:
                self.failures[problem] += 1
            if needless:
                self.needless.append(problem)

    def _had_a_good_one(self, auth: Any, started: float, ended: float) -> bool:
        """Whether a token was there before a call, was good by its end, and the API takes it even then."""
        kept = auth.stored()
        if kept is None or kept.obtained_at > started or kept.expires_at <= ended:
            return False
        by_hand = {"Authorization": f"Bearer {kept.access_token}"}
        return requests.get(self._url, headers=by_hand, timeout=PATIENCE_SECONDS).status_code == 200


def held() -> dict[str, int]:
    """What this process holds: threads, descriptors, and KiB of memory."""
    gc.collect()
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return {"threads": threading.active_count(), "descriptors": descriptors, "memory": int(status)}


def at_rest() -> dict[str, int]:
    """The same once calls that were given up have ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    return held()


def main(url: str, file: str, seconds: str, *names: str) -> None:
    """Call in rounds, of which the first is for warming up."""
    load, rests = Load(url, [profile(name, file=Path(file)) for name in names]), []
    for _ in range(ROUNDS):
        load.run(float(seconds) / ROUNDS)
        rests.append(at_rest())
    report = {"calls": load.calls, "failures": load.failures, "needless": load.needless, "rests": rests}
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
