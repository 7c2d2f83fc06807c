"""Sixteen processes, and fifty threads of one, that find the same token over at the same moment."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.contender import OURS, THEIRS, Bench, Contender, Sample, Target, Work
from benchmarks.peers import SECRET, profiles
from requests_auth_profiles import profile
from requests_auth_profiles.testing import Reply

__all__ = ["WORKS"]

_PROVIDER_SECONDS, _QUICK_SECONDS = 0.5, 0.1
_QUICKER = 4  # times fewer processes or threads
_PROVIDER = "the provider alone"

_OURS = """
from requests_auth_profiles import profile
auth = profile("work")
"""
_THEIRS = f"""
import os
from requests_auth import JsonTokenFileCache, OAuth2, OAuth2ClientCredentials
OAuth2.token_cache = JsonTokenFileCache(os.path.join(os.environ["HOME"], "theirs-contended.json"))
auth = OAuth2ClientCredentials(sys.argv[1] + "/token", client_id="job", client_secret="{SECRET}")
"""
_ALONE = f"""
def auth(request):
    form, client = {{"grant_type": "client_credentials"}}, ("job", "{SECRET}")
    requests.post(sys.argv[1] + "/token", form, auth=client, timeout=60).raise_for_status()
"""
# What each process does: ready first, then, when all are, all its threads at once.
_PROGRAM = """
import sys
from threading import Thread
import requests
{auth}
def sign():
    auth(requests.Request("GET", "https://api.acme.com/").prepare())

print("ready", flush=True)
threads = [Thread(target=sign) for _ in range(int(sys.argv[2]))]
sys.stdin.readline()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done", flush=True)
"""


Expire = Callable[[Bench], None]


def _ours_over(bench: Bench) -> None:
    """Has the store's token be one that is over."""
    profiles(bench)
    lifetime, bench.server.lifetime_seconds = bench.server.lifetime_seconds, 1
    profile("work").login()
    bench.server.lifetime_seconds = lifetime
    time.sleep(1.1)


def _theirs_over(bench: Bench) -> None:
    file = bench.home / "theirs-contended.json"
    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    file.write_text(json.dumps({key: [entry[0], 1.0, *entry[2:]] for key, entry in kept.items()}), "utf-8")


def _nothing(_: Bench) -> None:
    pass


def _signed(bench: Bench, program: str, processes: int, threads: int, expire: Expire) -> tuple[float, int]:
    """The ms to the last answer, and how many requests the provider had."""
    seconds = _QUICK_SECONDS if bench.quick else _PROVIDER_SECONDS
    if bench.quick:
        processes, threads = (-(-number // _QUICKER) for number in (processes, threads))
    expire(bench)
    server, planned = bench.server, bench.server.replies["token"]
    command = [sys.executable, "-c", program, server.issuer, str(threads)]
    with ExitStack() as opened:
        running = [
            opened.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(processes)
        ]
        lines = [(one.stdin, one.stdout) for one in running if one.stdin and one.stdout]
        for _, out in lines:
            out.readline()
        planned.extend([Reply(delay_seconds=seconds)] * (processes * threads))
        before, begin = len(server.requests), time.perf_counter()
        for to, _ in lines:
            to.write("\n")
            to.flush()
        for _, out in lines:
            out.readline()
        took = (time.perf_counter() - begin) * 1e3
    planned.clear()
    return took, len(server.requests) - before


@contextmanager
def _timed(auth: str, expire: Expire, processes: int, threads: int, bench: Bench) -> Iterator[Sample]:
    program = _PROGRAM.format(auth=auth)
    yield lambda: _signed(bench, program, processes, threads, expire)[0]


@contextmanager
def _counted(auth: str, expire: Expire, processes: int, threads: int, bench: Bench) -> Iterator[Sample]:
    program = _PROGRAM.format(auth=auth)
    yield lambda: float(_signed(bench, program, processes, threads, expire)[1])


def _works(title: str, processes: int, threads: int) -> Iterator[Work]:
    alone = Contender(_PROVIDER, partial(_timed, _ALONE, _nothing, 1, 1))
    one = Contender(_PROVIDER, partial(_counted, _ALONE, _nothing, 1, 1))
    ours, theirs = (_OURS, _ours_over, processes, threads), (_THEIRS, _theirs_over, processes, threads)
    yield Work(
        "f",
        f"{title} on a token that is over: the last answer",
        "ms",
        _PROVIDER,
        (
            alone,
            Contender(OURS, partial(_timed, *ours)),
            Contender(THEIRS, partial(_timed, *theirs), (THEIRS,)),
        ),
        (Target(OURS, 1.3, _PROVIDER, plus=150),),
        rounds=3,
    )
    yield Work(
        "f",
        f"{title} on a token that is over: requests to the provider",
        "requests",
        _PROVIDER,
        (
            one,
            Contender(OURS, partial(_counted, *ours)),
            Contender(THEIRS, partial(_counted, *theirs), (THEIRS,)),
        ),
        (Target(OURS, 1, _PROVIDER),),
        rounds=1,
    )


WORKS = (*_works("16 processes", 16, 1), *_works("50 threads", 1, 50))
