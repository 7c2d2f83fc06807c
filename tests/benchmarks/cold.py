"""Processes from their start to their end: imports, a header with a token from the store, memory."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.contender import FLOOR, OURS, THEIRS, Bench, Contender, Sample, Target, Work
from benchmarks.peers import SECRET, profiles

__all__ = ["FLOOR_PROGRAM", "KEY_PROGRAM", "SEALED_PROGRAM", "WORKS"]

_REQUESTS = "import requests"
_SIGNED = """
request = requests.Request("GET", "https://api.acme.com/v2/me", auth={auth}).prepare()
assert "{header}" in request.headers
"""
FLOOR_PROGRAM = f"""
import requests

class FixedHeader(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer token"
        return request
{_SIGNED.format(auth="FixedHeader()", header="Authorization")}"""
_OURS = "import requests\nfrom requests_auth_profiles import profile\n"
SEALED_PROGRAM = _OURS + _SIGNED.format(auth='profile("work")', header="Authorization")
KEY_PROGRAM = _OURS + _SIGNED.format(auth='profile("key")', header="X-API-Key")
_THEIR_PROGRAM = f"""
import os, sys
import requests
from requests_auth import JsonTokenFileCache, OAuth2, OAuth2ClientCredentials
OAuth2.token_cache = JsonTokenFileCache(os.path.join(os.environ["HOME"], "theirs-cold.json"))
auth = OAuth2ClientCredentials(
    sys.argv[1] + "/token", client_id="job", client_secret="{SECRET}", scope="api.read"
)
{_SIGNED.format(auth="auth", header="Authorization")}"""
_MSAL_PROGRAM = """
import os
import msal, msal_extensions, requests
from benchmarks.peers import NoNetwork
kept = msal_extensions.FilePersistence(os.path.join(os.environ["HOME"], "msal.json"))
app = msal.ConfidentialClientApplication(
    "job", client_credential="secret", authority="https://login.microsoftonline.com/acme",
    instance_discovery=False, http_client=NoNetwork(), token_cache=msal_extensions.PersistedTokenCache(kept),
)
assert app.acquire_token_for_client(["api.read/.default"])["access_token"]
"""
# Of this program alone: what wait4 tells has the process in it that started it.
_PEAK = """
import sys
if sys.platform == "linux":
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1))
"""


def _run(bench: Bench, program: str) -> tuple[float, str]:
    """Has Python run a program, and gives its process time in ms, and what it printed."""
    command = [sys.executable, "-c", program, bench.server.issuer]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a contender ended with {process.returncode}:\n{program}")
    return (used.ru_utime + used.ru_stime) * 1e3, said


def _timed(program: str) -> Callable[[Bench], "contextmanager[Sample]"]:
    @contextmanager
    def opened(bench: Bench) -> Iterator[Sample]:
        profiles(bench)
        yield lambda: _run(bench, program)[0]

    return opened


def _weighed(program: str) -> Callable[[Bench], "contextmanager[Sample]"]:
    @contextmanager
    def opened(bench: Bench) -> Iterator[Sample]:
        profiles(bench)
        yield lambda: int(_run(bench, program + _PEAK)[1]) / 1024

    return opened


def _imported(name: str, module: str) -> Contender:
    return Contender(f"{name}: imported", _timed(f"{_REQUESTS}\nimport {module}"), (name,))


_FILE = f"{THEIRS}, its JSON file"
_KEY = f"{OURS}: profile, an API key"
_MSAL = ("msal", "msal-extensions")

WORKS = (
    Work(
        "c",
        "import, process time from start to end",
        "ms",
        "requests",
        (
            Contender("requests", _timed(_REQUESTS)),
            Contender(OURS, _timed(f"{_REQUESTS}\nimport requests_auth_profiles")),
            Contender(_KEY, _timed(KEY_PROGRAM)),
            _imported(THEIRS, "requests_auth"),
            _imported("msal", "msal"),
            _imported("requests-oauth2client", "requests_oauth2client"),
            _imported("httpx-auth", "httpx_auth"),
            _imported("authlib", "authlib.integrations.requests_client"),
        ),
        (Target(OURS, 1.03, "requests"), Target(_KEY, 1.15, "requests")),
    ),
    Work(
        "d",
        "cold process to the header, the token in the store",
        "ms",
        FLOOR,
        (
            Contender(FLOOR, _timed(FLOOR_PROGRAM)),
            Contender(OURS, _timed(SEALED_PROGRAM)),
            Contender(_FILE, _timed(_THEIR_PROGRAM), (THEIRS,)),
            Contender("msal and msal-extensions", _timed(_MSAL_PROGRAM), _MSAL),
        ),
        (Target(OURS, 1.12, FLOOR), Target(OURS, 1, _FILE)),
    ),
    Work(
        "i",
        "peak memory of (d)",
        "MiB",
        FLOOR,
        (
            Contender(FLOOR, _weighed(FLOOR_PROGRAM)),
            Contender(OURS, _weighed(SEALED_PROGRAM)),
            Contender(_FILE, _weighed(_THEIR_PROGRAM), (THEIRS,)),
            Contender("msal and msal-extensions", _weighed(_MSAL_PROGRAM), _MSAL),
        ),
        (Target(OURS, 1.25, FLOOR),),
        rounds=3,
    ),
)
