"""`dpop = true` in a profile: what goes with it, the store, and the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import profiles_file
import pytest
from conftest import RunProgram
from profiles_file import MACHINE, PERSON, written
from proofs import Binding, BoundApi

from requests_auth_profiles._config.flows import FLOWS

TABLE = """
[profiles.work]
flow = "client-credentials"
token_url = "{url}"
client_id = "nightly"
client_secret = "s3cr3t"
dpop = true
"""
CALL = """
import sys, requests
from requests_auth_profiles import profile
answer = requests.post(sys.argv[1], auth=profile("work"), timeout=20)
print(answer.status_code)
"""


@pytest.fixture
def server() -> Iterator[Binding]:
    """A provider that binds its tokens."""
    with Binding() as server:
        yield server


@pytest.fixture
def file(server: Binding, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile whose tokens are bound, and kept on the disk."""
    path = written(home, TABLE.format(url=server.token_url))
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    return path


class TestChecking:
    """What the checker says."""

    def test_it_is_off_unless_said(self, tmp_path: Path) -> None:
        """A profile says it."""
        assert profiles_file.oauth2(tmp_path, f"{MACHINE}dpop = true\n").dpop
        assert not profiles_file.oauth2(tmp_path, MACHINE).dpop

    @pytest.mark.parametrize("flow", FLOWS)
    def test_where_there_is_no_token_endpoint(self, tmp_path: Path, flow: str) -> None:
        """It is for the flows with one; elsewhere the message names those."""
        faults = profiles_file.faults(tmp_path, f'[profiles.work]\nflow = "{flow}"\ndpop = 1\n')
        (fault,) = [one for one in faults if one.key == "dpop"]
        if "token_url" in FLOWS[flow].endpoints:
            assert "true or false" in f"{fault.message}{fault.hint}"
        else:
            assert fault.message == f"is not a key of flow {flow!r}"
            assert "client-credentials" in fault.hint

    @pytest.mark.parametrize("key", ['header_name = "X-Token"', 'header_value = "Token {token}"'])
    def test_how_the_token_is_written(self, tmp_path: Path, key: str) -> None:
        """RFC 9449 says that, so nothing else can."""
        name = key.partition(" ")[0]
        (fault,) = profiles_file.faults(tmp_path, f"{MACHINE}dpop = true\n{key}\n")
        assert (fault.key, fault.hint) == (name, f"leave {name} or dpop out")
        profiles_file.read(tmp_path, f"{MACHINE}dpop = false\n{key}\n")

    def test_what_a_provider_says(self, tmp_path: Path) -> None:
        """A house's provider can bind all of its tokens; what it says of headers does not go with that."""
        house = '[providers.acme.keys]\ndpop = true\ntoken_url = "https://login.acme.com/t"\n'
        mine = MACHINE.replace('issuer = "https://login.acme.com"', 'provider = "acme"')
        assert profiles_file.oauth2(tmp_path, house + mine).dpop
        assert not profiles_file.oauth2(tmp_path, f"{house}{mine}dpop = false\n").dpop
        (fault,) = profiles_file.faults(tmp_path, f'{house}header_name = "X-Token"\n{mine}')
        assert "header_name" in fault.message

    def test_in_the_browsers_address(self, tmp_path: Path) -> None:
        """The key is named there for the person."""
        text = f'{PERSON}authorize_params = {{ dpop_jkt = "x" }}\n'
        (fault,) = profiles_file.faults(tmp_path, text)
        assert fault.message == "is set for you, and cannot be said here"

    def test_two_together(self, tmp_path: Path) -> None:
        """Two that write a proof are a fault when the file is read."""
        key = '[profiles.key]\nflow = "api-key"\napi_key = { env = "KEY" }\nname = "DPoP"\n'
        both = '[profiles.both]\ncompose = ["work", "key"]\n'
        (fault,) = profiles_file.faults(tmp_path, f"{MACHINE}dpop = true\n{key}{both}")
        assert "which both write the header Dpop" in fault.message


class TestStore:
    """The key lives with the token."""

    def test_in_another_process(self, server: Binding, file: Path, run_python: RunProgram) -> None:
        """It proves by the same key, and nobody signs in again; nothing on the disk shows it."""
        with BoundApi(server.bound, "n1") as api:
            said = [run_python("-c", CALL, f"{api.url}/me") for _ in range(2)]
            assert [one.stdout for one in said] == ["200\n", "200\n"], said[0].stderr
            assert (api.wrong, server.wrong) == ([], [])
        assert server.grants == ["client_credentials"] * 2  # the first for the nonce
        kept = [path.read_bytes() for path in file.parent.rglob("*") if path.is_file() and path != file]
        assert kept
        assert not [data for data in kept if b'"kty"' in data or b"dpop_jwk" in data]


class TestCommandLine:
    """What another program can do with it: nothing."""

    def test_the_token(self, server: Binding, file: Path, cli: RunProgram) -> None:
        """It is printed, with a word about it beside."""
        said = cli("token", "work")
        assert (said.returncode, said.stdout) == (0, "at-1\n")
        assert "requests-auth request work URL" in said.stderr
        document = json.loads(cli("token", "work", "--format", "json").stdout)
        assert document["token_type"] == "DPoP"
        assert "dpop_jwk" not in document

    @pytest.mark.parametrize("words", [["--header"], ["--format", "k8s"]])
    def test_what_would_be_refused(
        self, server: Binding, file: Path, cli: RunProgram, words: list[str]
    ) -> None:
        """What is good for one request is not printed, and no token is asked for: that is a wrong use."""
        said = cli("token", "work", *words)
        assert (said.returncode, said.stdout, server.requests) == (2, "", [])
        assert "requests-auth request work URL" in " ".join(said.stderr.split())

    def test_a_request(self, server: Binding, file: Path, cli: RunProgram) -> None:
        """`request` proves it."""
        with BoundApi(server.bound, "n1") as api:
            assert cli("request", "work", f"{api.url}/me", "-X", "PUT").returncode == 0
            assert api.wrong == []

    def test_show(self, file: Path, cli: RunProgram) -> None:
        """It stands there with where it comes from."""
        said = cli("show", "work", "--origin").stdout
        (line,) = [line for line in said.splitlines() if line.startswith("dpop = true")]
        assert f"{file.name}:7" in line
