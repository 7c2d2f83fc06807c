"""Requests per second of sessions on a server of this machine, with and without an auth."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

import requests
from requests.auth import AuthBase

from benchmarks.contender import FLOOR, OURS, THEIRS, Bench, Contender, Sample, Target, Work
from benchmarks.peers import SECRET, FixedHeader, profiles
from requests_auth_profiles import profile

__all__ = ["WORKS"]

_REQUESTS = 400
_THREADS = (1, 8)
_NO_AUTH = "no auth"

# A server that costs as little as may be, in a process of its own.
_SERVER = """
import asyncio

async def answer(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextmanager
def _running() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        process.terminate()


def _none(_: Bench) -> None:
    return None


def _fixed(_: Bench) -> AuthBase:
    return FixedHeader()


def _ours(bench: Bench) -> AuthBase:
    profiles(bench)
    return profile("work")


def _theirs(bench: Bench) -> AuthBase:
    from requests_auth import OAuth2ClientCredentials

    found: AuthBase = OAuth2ClientCredentials(
        f"{bench.server.issuer}/token", client_id="job", client_secret=SECRET, scope="api.read"
    )
    return found


@contextmanager
def _rate(threads: int, auth_of: Callable[[Bench], AuthBase | None], bench: Bench) -> Iterator[Sample]:
    auth = auth_of(bench)
    count = (_REQUESTS // 4 if bench.quick else _REQUESTS) // threads

    def ask(url: str) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no ~/.netrc, for all alike
            for _ in range(count):
                session.get(url, auth=auth, timeout=30).raise_for_status()

    with _running() as url:

        def sample() -> float:
            asking = [Thread(target=ask, args=(url,)) for _ in range(threads)]
            begin = time.perf_counter()
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            return threads * count / (time.perf_counter() - begin)

        yield sample


WORKS = tuple(
    Work(
        "h",
        f"requests by {threads} thread{'s' if threads > 1 else ''}",
        "1/s",
        _NO_AUTH,
        (
            Contender(_NO_AUTH, partial(_rate, threads, _none)),
            Contender(FLOOR, partial(_rate, threads, _fixed)),
            Contender(OURS, partial(_rate, threads, _ours)),
            Contender(THEIRS, partial(_rate, threads, _theirs), (THEIRS,)),
        ),
        (Target(OURS, 0.97, _NO_AUTH, at_least=True),),
    )
    for threads in _THREADS
)
