"""A long time under load, with a provider that is often out of order: nothing fails, and nothing grows.

REQUESTS_AUTH_TESTS_SOAK_SECONDS says how long: 30 by default, 1200 before a release.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import profiles_file
import pytest

from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

pytestmark = pytest.mark.platform("linux")  # /proc tells what a process holds

SECONDS = float(os.environ.get("REQUESTS_AUTH_TESTS_SOAK_SECONDS", "30"))
LIFETIME_SECONDS = 5
GIVES_UP_SECONDS = 2
FAULTS = [
    Reply(delay_seconds=3 * GIVES_UP_SECONDS),
    Reply(500),
    Reply(503, {"Retry-After": "1"}),
    Reply(hang_up=True),
]
FAULTY_PERCENT = 5
MORE_MEMORY_KIB = 4096

# With several tokens of each kind there are more renewals, and so more faults, in the same time.
NAMES = [f"{kind}-{number}" for kind in ("nightly", "ada") for number in range(5)]
PROFILES = """
[profiles.nightly]
flow = "client-credentials"
token_url = "{issuer}/token"
client_id = "nightly"
client_secret = "s3cret"
timeout = {timeout}

[profiles.ada]
flow = "password"
token_url = "{issuer}/token"
client_id = "app"
username = "ada"
password = "lovelace"
timeout = {timeout}
"""


def troubled(server: AuthorizationServer) -> None:
    """Have it be out of order for some of the calls, for longer than the test lasts."""
    chance = random.Random(6749)
    weights = [100 - FAULTY_PERCENT, *(FAULTY_PERCENT / len(FAULTS) for _ in FAULTS)]
    server.replies["token"].extend(chance.choices([Reply(), *FAULTS], weights, k=int(1000 + SECONDS * 20)))


def profiles(issuer: str) -> str:
    """All of them, as they stand in a file."""
    more = (f'[profiles.{name}]\nextends = "{name.partition("-")[0]}"\n' for name in NAMES)
    return PROFILES.format(issuer=issuer, timeout=GIVES_UP_SECONDS) + "".join(more)


def ran(file: Path, api: ProtectedApi) -> dict[str, Any]:
    """What the threads report, which call the API from a process of their own."""
    program, url = Path(__file__).with_name("soak.py"), f"{api.url}/me"
    command = [sys.executable, str(program), url, str(file), str(SECONDS), *NAMES]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.poll() is None:
            api.requests.clear()  # it remembers all that came
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
        return json.loads(process.stdout.read())


@pytest.mark.timeout(SECONDS + 120)
def test_soak(home: Path) -> None:
    """Fifty threads, tokens of 5 s: no call fails while there is a good token, and nothing is left."""
    with AuthorizationServer() as server, ProtectedApi(server) as api:
        server.clients |= {"nightly": Client(secret="s3cret"), "app": Client()}
        server.passwords["ada"] = "lovelace"
        server.lifetime_seconds = LIFETIME_SECONDS
        troubled(server)
        report = ran(profiles_file.written(home, profiles(server.issuer)), api)
    answers = Counter(received.status for received in server.requests)
    report["provider"] = {str(status): count for status, count in answers.items()}
    print(json.dumps(report))  # shown by `pytest -s`
    before, *_, after = report["rests"]
    assert report["needless"] == []
    assert (after["threads"], after["descriptors"]) == (before["threads"], before["descriptors"])
    assert after["memory"] - before["memory"] <= MORE_MEMORY_KIB
    assert min(report["calls"].values()) > SECONDS
    assert answers[500] + answers[503] + answers[None] > 0
