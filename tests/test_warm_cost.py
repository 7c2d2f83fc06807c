"""What a request costs whose token is there, in calls of functions, which are as many on each machine."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from requests import PreparedRequest, Request

from requests_auth_profiles import profile
from requests_auth_profiles.testing import AuthorizationServer, Client

PROFILES = """
[profiles.key]
flow = "api-key"
api_key = "k3y"

[profiles.work]
flow = "client-credentials"
token_url = "{issuer}/token"
client_id = "job"
client_secret = "s3cret"

[profiles.both]
compose = ["key", "work"]
"""


@pytest.fixture
def file(home: Path) -> Iterator[Path]:
    """A profiles file whose profiles have all that they need."""
    path = home / "profiles.toml"
    with AuthorizationServer() as server:
        server.clients["job"] = Client(secret="s3cret")
        path.write_text(PROFILES.format(issuer=server.issuer), "utf-8")
        path.chmod(0o600)
        profile("work", file=path).token()
    yield path


def calls(sign: Callable[[PreparedRequest], object]) -> Counter[str]:
    """The calls of functions that it takes to sign a request for the third time, by name."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "call":
            counted[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            counted[getattr(called, "__qualname__", "")] += 1

    requests = [Request("GET", "https://api.acme.com/v2/me").prepare() for _ in range(3)]
    for request in requests[:2]:
        sign(request)
    sys.setprofile(note)
    try:
        sign(requests[2])
    finally:
        sys.setprofile(None)
    del counted["setprofile"]
    return counted


@pytest.mark.parametrize(("name", "most"), [("key", 28), ("work", 35), ("both", 65)])
def test_an_auth(file: Path, name: str, most: int) -> None:
    """To sign a request takes so many calls at most, none of which opens, locks or logs anything."""
    found = calls(profile(name, file=file))
    assert found.total() <= most, found
    assert not {"open", "stat", "acquire", "Logger.debug", "Logger.info", "Logger._log"} & found.keys()


@pytest.mark.parametrize("named", [True, False], ids=["named", "the person's own"])
@pytest.mark.parametrize(("name", "most"), [("key", 45), ("work", 52)])
def test_the_expression_as_people_write_it(file: Path, name: str, most: int, named: bool) -> None:
    """With `profile(…)` in each call it takes a few more, one of which looks at the file."""
    own = file.parent / ".config/requests-auth/profiles.toml"
    own.parent.mkdir(parents=True)
    shutil.copy(file, own)
    time.sleep(0.2)  # a file so young could change once more within a tick of the clock
    path = str(file) if named else None
    found = calls(lambda request: profile(name, file=path)(request))  # noqa: PLW0108  each time
    # Where the person's own file is hangs on two more variables.
    assert found.total() <= most + (0 if named else 11), found
    assert found["stat"] == 1
