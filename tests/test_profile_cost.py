"""What profile() costs once a file is read: one look at it."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from counterparts import run

MANY = "".join(
    f"""[profiles.work-{number}]
flow = "authorization-code-pkce"
provider = "okta"
instance = "acme{number}.okta-emea.com"
client_id = "54239d18-c68c-4c47-8bdd-ce71ea1d50cd"
scopes = ["openid", "profile"]
hosts = ["api{number}.acme.com"]
"""
    for number in range(1000)
)
CALLS = 5
PROGRAM = f"""
import sys, time
from contextlib import suppress
from pathlib import Path
from requests_auth_profiles import profile

def mark(name):
    with suppress(FileNotFoundError):
        Path(name).stat()

file = sys.argv[1] or None
first = profile("work-500", file=file)
time.sleep(0.2)  # a file so young could change once more within a tick of the clock
profile("work-500", file=file)
mark("/begin")
for _ in range({CALLS}):
    assert profile("work-500", file=file) is first
mark("/end")
"""


@pytest.mark.platform("linux")
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("named", [True, False], ids=["named", "the person's own"])
def test_a_next_call_is_one_stat(home: Path, named: bool) -> None:
    """Of 1,000 profiles, called again, one costs one stat of the file and no other call of the system."""
    folder = home / ".config/requests-auth"
    folder.mkdir(parents=True)
    file = folder / "profiles.toml"
    file.write_text(MANY, "utf-8")
    file.chmod(0o600)
    trace = home / "trace"
    done = run("strace", "-o", str(trace), sys.executable, "-c", PROGRAM, str(file) if named else "")
    assert done.returncode == 0, done.stderr
    calls = re.split(r'.*"/(?:begin|end)".*\n', trace.read_text("utf-8"))[1].splitlines()
    assert len(calls) == CALLS, calls
    assert all(re.match(r"(newfstatat|stat|statx)\(", call) and f'"{file}"' in call for call in calls)
