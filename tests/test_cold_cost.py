"""What a process of one request costs, in counts that no load changes: modules, and calls of the system."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.cold import FLOOR_PROGRAM, KEY_PROGRAM, SEALED_PROGRAM
from conftest import RunProgram
from counterparts import run

from requests_auth_profiles import profile
from requests_auth_profiles._build.grants import grant_of
from requests_auth_profiles._build.tokens import issued
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.spec import OAuth2
from requests_auth_profiles.stores import MemoryStore
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
"""
NEVER = {
    "asyncio",
    "click",
    "filelock",
    "jwt",
    "keyring",
    "redis",
    "requests_ntlm",
    "rich",
    "subprocess",
    "tomli_w",
}
OURS = "requests_auth_profiles"
LISTED = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))\n"


@pytest.fixture
def store(home: Path) -> Iterator[Path]:
    """The person's own profiles file, with a token in the store for `work`."""
    file = home / ".config/requests-auth/profiles.toml"
    file.parent.mkdir(parents=True)
    with AuthorizationServer() as server:
        server.clients["job"] = Client(secret="s3cret")
        server.lifetime_seconds = 24 * 3600
        file.write_text(PROFILES.format(issuer=server.issuer), "utf-8")
        file.chmod(0o600)
        profile("work").token()
    yield home


def imported(run_python: RunProgram, program: str) -> set[str]:
    """The modules that a program has imported at its end."""
    done = run_python("-c", program + LISTED)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def traced(home: Path, program: str) -> list[str]:
    """The calls of the system that concern files, locks, processes and networks, after one run before."""
    trace = home.parent / "trace"
    what = "trace=%file,%network,%process,flock,fcntl,fsync,ftruncate"
    for _ in range(2):
        done = run("strace", "-f", "-e", what, "-o", str(trace), sys.executable, "-c", program)
        assert done.returncode == 0, done.stderr
    return [line.partition(" ")[2].strip() for line in trace.read_text("utf-8").splitlines()]


class TestModules:
    """What is imported to sign one request."""

    def test_an_api_key(self, store: Path, run_python: RunProgram) -> None:
        """It needs no crypto, no store, no provider, and no more than so many modules of ours."""
        more = imported(run_python, KEY_PROGRAM) - imported(run_python, FLOOR_PROGRAM)
        roots = {name.partition(".")[0] for name in more}
        assert roots & (NEVER | {"cryptography"}) == set()
        assert {
            name for name in more if name.startswith((f"{OURS}._oauth2", f"{OURS}._requests_auth"))
        } == set()
        stores = {name for name in more if name.startswith(f"{OURS}.stores.")}
        assert stores <= {f"{OURS}.stores.fallback", f"{OURS}.stores.memory"}
        assert len([name for name in more if name.startswith(OURS)]) <= 48, sorted(more)

    def test_a_token_that_is_kept(self, store: Path, run_python: RunProgram) -> None:
        """It needs crypto, and nothing of those who win tokens, lock, or ask a person."""
        more = imported(run_python, SEALED_PROGRAM) - imported(run_python, FLOOR_PROGRAM)
        assert {name.partition(".")[0] for name in more} & NEVER == set()
        assert {
            name for name in more if name.startswith((f"{OURS}._oauth2", f"{OURS}._requests_auth"))
        } == set()
        assert len([name for name in more if name.startswith(OURS)]) <= 65, sorted(more)


NEEDED = {
    "client_secret": "s3cret",
    "client_id": "app",
    "username": "ada",
    "password": "s3cret",
    "subject_token": "t",
    "private_key": "k",
}


@pytest.mark.parametrize("name", [name for name, flow in FLOWS.items() if flow.endpoints])
def test_who_needs_a_person_is_known_before_the_grant_is_made(home: Path, name: str) -> None:
    """A source whose grant is only made when it is used tells as that grant would what it asks, and whom."""
    flow, file = FLOWS[name], home / "profiles.toml"
    said = {url: f"https://login.acme.com/{url}" for url in flow.endpoints}
    said |= {key: NEEDED[key] for key in (*flow.needs, *flow.proofs[:1])}
    lines = "".join(f'{key} = "{value}"\n' for key, value in said.items())
    signer = 'issuer_claim = "app"\n' if name == "jwt-bearer" else ""
    file.write_text(f'[profiles.work]\nflow = "{name}"\nscopes = ["one", "two"]\n{lines}{signer}', "utf-8")
    file.chmod(0o600)
    scheme = ProfilesFile.read(file).profile("work").scheme
    assert isinstance(scheme, OAuth2)
    source, made = issued("work", scheme, MemoryStore(), None), grant_of("work", scheme, None)
    assert (source.grant.interactive, source.grant.scope) == (made.interactive, made.scope)


@pytest.mark.platform("linux")
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
class TestSystemCalls:
    """What a process asks of the system for a token that is kept."""

    def test_what_is_read(self, store: Path) -> None:
        """Four files are opened, once each, and no more looked at than it takes to see whose they are."""
        calls = [call for call in traced(store, SEALED_PROGRAM) if f'"{store}/' in call]
        opened = [name for call in calls if (name := re.match(r'open(?:at)?\(.*/([^/"]+)"', call))]
        names = [
            "profiles.toml",
            "store.json",
            "work.json",
            next((store / ".local/share").rglob("*.key")).name,
        ]
        assert sorted(name[1] for name in opened) == sorted(names)
        assert len(calls) <= 32, calls
        assert not any("O_CREAT" in call for call in calls)

    def test_beside_the_floor(self, store: Path) -> None:
        """It locks, flushes, starts and connects to nothing, and adds half of what requests itself asks."""
        own, floor = (traced(store, program) for program in (SEALED_PROGRAM, FLOOR_PROGRAM))
        never = r"(flock|fsync|socket|connect|fork|vfork|clone|clone3)\("
        # urllib3 has a look at whether there is IPv6.
        assert sum(bool(re.match(never, call)) for call in own) == sum(
            bool(re.match(never, call)) for call in floor
        )
        assert len(own) <= 1.6 * len(floor), (len(own), len(floor))
