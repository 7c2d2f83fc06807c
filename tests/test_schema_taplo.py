"""The JSON Schema in Taplo, which editors use: it takes right files, and finds the place in wrong ones."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import counterparts
import profiles_file
import pytest
from profiles_file import KEY, MACHINE, PERSON, TOKEN

from requests_auth_profiles._config.schema import SHIPPED
from requests_auth_profiles.cli import run

SAMPLES = Path(__file__).parent.parent / "sample-config"
HERE = "«"
"""Stands before what Taplo is to point at."""
NO_NETWORK = """
import net from "node:net";
net.Socket.prototype.connect = () => { console.error("it went to the network"); process.exit(9); };
"""
GATE = ["--flow", "api-key", "--set", "api_key=env:GATEWAY_KEY"]
IMPLICIT = PERSON.replace("authorization-code-pkce", "implicit")
CLASS = '[profiles.work]\nflow = "class"\n'
HOUSE = '[providers.acme.variables.region]\nexample = "eu"\n[providers.acme.keys]\n'

WRONG = {
    "an unknown key": f'{KEY}nonsense = «"x"\n',
    "an unknown key at the top": f"retries = «3\n{KEY}",
    "an unknown table at the top": '«[work]\nflow = "bearer"\n',
    "an unknown key of the store": f'{KEY}[store]\nurls = «"memory:"\n',
    "an unknown flow": '[profiles.work]\nflow = «"client-credential"\n',
    "an unknown client authentication": f'{MACHINE}client_auth = «"jwt"\n',
    "an unknown place": f'{KEY}in = «"cookie"\n',
    "a kind of token that is none": IMPLICIT + 'token = «"jwt"\n',
    "text for a boolean": f'{KEY}allow_http = «"true"\n',
    "text for a list": f'{KEY}hosts = «"api.acme.com"\n',
    "a number for text": f"{PERSON}audience = «5\n",
    "a command in one text": '[profiles.work]\nflow = "command"\ncommand = «"gcloud auth"\n',
    "a file to include, not in a list": f'include = «"team.toml"\n{KEY}',
    "two forms of a reference": f'{TOKEN}token = «{{ env = "A", file = "b" }}\n',
    "a form of a reference that is none": f'{TOKEN}token = «{{ vault = "A" }}\n',
    "a variable as a shell has it": f'{TOKEN}token = «{{ env = "$A" }}\n',
    "a key of another flow": f'{KEY}client_id = «"x"\n',
    "a key of a flow in a composition": f'{KEY}[profiles.both]\ncompose = ["work"]\nheader_name = «"X"\n',
    "a header's value without the token": f'{PERSON}header_value = «"Bearer"\n',
    "a header's name with a blank": f'{PERSON}header_name = «"X Key"\n',
    "a port out of range": f"{PERSON}redirect_port = «65536\n",
    "a port out of range in a list": f"{PERSON}redirect_port = [5000, «-1]\n",
    "no hosts": f"{KEY}hosts = «[]\n",
    "a host with a user": f'{KEY}hosts = ["a.com", «"bob@a.com"]\n',
    "no time at all": f"{PERSON}timeout = «0\n",
    "too many retries": f"{MACHINE}[profiles.work.http]\nretries = «11\n",
    "a proxy without its scheme": f'{MACHINE}http.proxy = «"proxy.acme.com:3128"\n',
    "an issuer without its scheme": PERSON.replace('"https://login', '«"login'),
    "a parameter that is a number": f"{PERSON}authorize_params = {{ max_age = «5 }}\n",
    "a path without its slash": f'{PERSON}redirect_path = «"callback"\n',
    "a browser that is a number": f"{PERSON}browser = «5\n",
    "a class without a colon": f'{CLASS}class = «"requests.auth.HTTPDigestAuth"\n',
    "a name that no profile can have": '[profiles]\n"a b" = «{ flow = "bearer", token = "x" }\n',
    "a variable of another provider": f'{PERSON}provider = "entra"\ntenant_id = "a"\nrealm = «"b"\n',
    "a variable without a provider": f'{PERSON}realm = «"staff"\n',
    "a parent in an overlay": f'{KEY}[profiles.work.when.ci]\nextends = «"work"\n',
    "another place than CI": f"{KEY}[profiles.work.when]\ngitlab = «{{ timeout = 5 }}\n",
    "a secret in a house's provider": f'{HOUSE}client_secret = «"x"\n',
    "a flow of a house's provider that is none": f"{HOUSE}[providers.acme.flows]\ndevice = «{{}}\n",
    "a form of a house's variable that is none": f'{HOUSE}[providers.acme.variables.host]\nform = «"name"\n',
}


@pytest.fixture(scope="module")
def taplo(tmp_path_factory: pytest.TempPathFactory) -> "Taplo":
    """The program, and the folder of the files that it is given."""
    return Taplo(tmp_path_factory.mktemp("taplo"))


class Taplo:
    """Taplo as `npm ci` installs it, with no way to the network.

    Args:
        folder: where it runs.
    """

    def __init__(self, folder: Path) -> None:
        counterparts.install_idp()
        self.folder = folder

    def check(self, *files: Path, schema: Path | None = None) -> tuple[int, Mapping[Path, list[str]]]:
        """Has it check files; gives its exit code, and what it says of each as `line:column`."""
        options = ["--no-auto-config", "--colors", "never"]
        if schema is not None:
            options += ["--schema", schema.as_uri()]
        program = counterparts.IDP / "node_modules/@taplo/cli/dist/cli.js"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TAPLO_")},
            "NODE_OPTIONS": f"--import=data:text/javascript,{quote(NO_NETWORK)}",
        }
        done = counterparts.run(
            counterparts.program("node"), str(program), "check", *options, *map(str, files),
            cwd=self.folder, env=environment,
        )  # fmt: skip
        said = done.stdout + done.stderr
        print(said)
        assert re.search(f"found files total={len(files)} +excluded=0", said)
        found: dict[Path, list[str]] = {file: [] for file in files}
        for name, place in re.findall(r"┌─ (.+?):(\d+:\d+)$", said, re.MULTILINE):
            found[Path(name)].append(place)
        return done.returncode, found


def place(text: str) -> str:
    """The place that a file has a mark for."""
    before = text.partition(HERE)[0]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f"{line}:{column}"


def samples() -> list[Path]:
    """The files that people copy from."""
    return sorted(SAMPLES.rglob("*.toml"))


@pytest.fixture(scope="module")
def said(taplo: Taplo) -> Mapping[str, list[str]]:
    """What it says of each sample and each wrong file, all in one run: it takes seconds to start."""
    wrong = {taplo.folder / f"{number}.toml": name for number, name in enumerate(WRONG)}
    for file, name in wrong.items():
        file.write_text(WRONG[name].replace(HERE, ""), "utf-8")
    code, found = taplo.check(*samples(), *wrong, schema=SHIPPED)
    assert code == 1
    return {wrong.get(file, str(file)): places for file, places in found.items()}


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: str(sample.relative_to(SAMPLES)))
def test_a_sample(said: Mapping[str, list[str]], sample: Path) -> None:
    """Each file that people copy from is right."""
    assert said[str(sample)] == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file(said: Mapping[str, list[str]], name: str) -> None:
    """What is wrong is marked at its line and column; after it, perhaps, what a wrong table holds."""
    assert said[name][:1] == [place(WRONG[name])]
    if "«{" not in WRONG[name] and "«[w" not in WRONG[name]:
        assert len(said[name]) == 1


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_the_checker_finds_the_same(tmp_path: Path, text: str) -> None:
    """The checker has the same one fault, in the same line."""
    (fault,) = profiles_file.faults(tmp_path, text.replace(HERE, ""))
    assert str(fault.line) == place(text).partition(":")[0]


def test_what_init_and_add_write(home: Path, taplo: Taplo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their file names its schema itself: it is right, and with a wrong key more it is not."""
    assert run(["init"]) == 0
    monkeypatch.setenv("GATEWAY_KEY", "x")
    assert run(["add", "gate", *GATE]) == 0
    file = home / ".config/requests-auth/profiles.toml"
    text = file.read_text("utf-8")
    assert text.startswith("#:schema ")
    wrong = file.with_name("wrong.toml")
    wrong.write_text(f"{text}nonsense = 'x'\n", "utf-8")
    lines = wrong.read_text("utf-8").count("\n")
    assert taplo.check(file, wrong) == (1, {file: [], wrong: [f"{lines}:12"]})
