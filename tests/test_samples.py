"""The files that people copy from, and the page of all keys: each loads, and shows all that there is."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from configuration_page import PAGE, blocks, page
from conftest import RunProgram

from requests_auth_profiles import profile
from requests_auth_profiles._config import keys
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles.cli import cli, run

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "sample-config"
SAMPLES = {str(sample.relative_to(FOLDER)): sample for sample in sorted(FOLDER.rglob("*.toml"))}
OF_FLOWS = [sample for sample in SAMPLES.values() if sample.parent == FOLDER]


def copied(sample: Path, folder: Path) -> Path:
    """A sample as a person would have it: a checkout's own file modes are nobody's promise."""
    for one in sample.parent.glob("*.toml"):  # what it includes is beside it
        shutil.copyfile(one, folder / one.name)
        (folder / one.name).chmod(0o600)
    return folder / sample.name


@pytest.mark.parametrize("in_ci", ["", "true"], ids=["elsewhere", "in CI"])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_sample_loads(home: Path, monkeypatch: pytest.MonkeyPatch, sample: Path, in_ci: str) -> None:
    """Each profile of each sample becomes an auth, without a secret being there."""
    monkeypatch.setenv("CI", in_ci)
    file = copied(sample, home)
    tables = ProfilesFile.read(file).layers.data["profiles"]
    parents = {table.get("extends") for table in tables.values()}
    usable = [name for name in tables if name not in parents]  # others may be there to be extended
    assert usable
    assert [profile(name, file=file).name for name in usable] == usable


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_sample_is_wise(home: Path, capsys: pytest.CaptureFixture[str], sample: Path) -> None:
    """`check` has no word against a sample, but where it shows what is better not used, and says so."""
    file = copied(sample, home)
    assert run(["check", "--json", "--file", str(file)]) == 0
    said = json.loads(capsys.readouterr().out)["warnings"]
    assert [one["message"] for one in said if one["key"] not in {"flow", "allow_http"}] == []


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_sample_can_be_shown_to_others(sample: Path) -> None:
    """No sample holds a secret in clear, and each is explained from its first line on."""
    text = sample.read_text("utf-8")
    assert text.startswith("# ")
    assert not re.search(r'^(api_key|password|token|client_secret) = "(?!id_token")', text, re.MULTILINE)


def test_each_flow_has_a_sample() -> None:
    """There is a file named after each flow, and after compose, with a profile of that flow in it."""
    assert {sample.stem for sample in OF_FLOWS} == {*FLOWS, "compose"}
    for sample in OF_FLOWS:
        profiles = tomllib.loads(sample.read_text("utf-8"))["profiles"].values()
        assert any(one.get("flow") == sample.stem or sample.stem in one for one in profiles)


def test_each_provider_has_a_sample() -> None:
    """There is a file named after each provider, and no profile in it is of another one."""
    samples = {sample.stem: sample for sample in SAMPLES.values() if sample.parent.name == "providers"}
    assert samples.keys() == providers().keys()
    for name, sample in samples.items():
        profiles = tomllib.loads(sample.read_text("utf-8"))["profiles"].values()
        assert {one["provider"] for one in profiles if "provider" in one} == {name}


@pytest.mark.parametrize("job", sorted((FOLDER / "ci").glob("*.yml")), ids=lambda job: job.stem)
def test_a_job_uses_the_file_beside_it(job: Path) -> None:
    """Each job is right YAML, gives the secrets that the file reads, and calls only verbs that there are."""
    text = job.read_text("utf-8")
    assert isinstance(yaml.safe_load(text), dict)
    file = tomllib.loads((FOLDER / "ci/profiles.toml").read_text("utf-8"))
    used = set(re.findall(r"requests-auth request (\S+)", text))
    assert "orders" in used
    assert used <= file["profiles"].keys()
    assert file["profiles"]["orders"]["when"]["ci"]["client_secret"]["env"] in text
    assert set(re.findall(r"requests-auth ([a-z]+)", text)) <= cli.commands.keys()


def test_the_page_is_made_from_the_table() -> None:
    """docs/configuration.md is of the checker's own keys: `python tests/configuration_page.py`."""
    text = PAGE.read_text("utf-8")
    assert page(text) == text
    made = re.findall(r"<!-- table: ([a-z -]+) -->", text)
    assert sorted(made) == sorted(blocks())
    shown = re.findall(r"^\| `([a-z_]+)` \| `", text, re.MULTILINE)
    assert set(shown) >= PROFILE.keys() | keys.ROOT.keys() | keys.PROVIDER.keys() | keys.VARIABLE.keys()


def test_the_files_of_the_page_load(home: Path) -> None:
    """Each piece of TOML that docs/configuration.md shows is right, if need be with a profile for it."""
    text = PAGE.read_text("utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        (home / "profiles.toml").write_text(block, "utf-8")
        (home / "profiles.toml").chmod(0o600)
        assert ProfilesFile.read(home / "profiles.toml")


def test_the_readme_is_short_and_its_file_is_right(home: Path) -> None:
    """README.md has fewer than 150 lines, and the profiles file that it shows loads."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.count("\n") < 150
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        file = home / "profiles.toml"
        file.write_text(block, "utf-8")
        file.chmod(0o600)
        assert ProfilesFile.read(file).names == ["work-okta", "nightly", "gateway-key", "partner"]


def test_every_verb_that_the_readme_shows_is_there(run_cli: RunProgram) -> None:
    """Each `requests-auth VERB` in README.md has a help text."""
    shown = set(re.findall(r"requests-auth ([a-z]+)", (ROOT / "README.md").read_text("utf-8")))
    assert {"demo", "init", "check", "login", "request"} <= shown
    helped = {verb: run_cli(verb, "--help").returncode for verb in shown}
    assert helped == dict.fromkeys(shown, 0)
