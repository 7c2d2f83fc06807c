"""The files that people copy from: each loads, and shows all that there is."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from conftest import RunProgram

from requests_auth_profiles import profile
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "sample-config").glob("*.toml"))


def copied(sample: Path, folder: Path) -> Path:
    """A sample as a person would have it: a checkout's own file modes are nobody's promise."""
    copy = Path(shutil.copyfile(sample, folder / sample.name))
    copy.chmod(0o600)
    return copy


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_sample_loads(home: Path, sample: Path) -> None:
    """Each profile of each sample becomes an auth, without a secret being there."""
    file = copied(sample, home)
    names = ProfilesFile.read(file).names
    usable = [name for name in names if name != "acme"]  # there to be extended
    assert [profile(name, file=file).name for name in usable] == usable


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_sample_can_be_shown_to_others(sample: Path) -> None:
    """No sample holds a secret in clear, and each is explained from its first line on."""
    text = sample.read_text("utf-8")
    assert text.startswith("# ")
    assert not re.search(r'^(api_key|password|token|client_secret) = "(?!id_token")', text, re.MULTILINE)


def test_each_flow_has_a_sample() -> None:
    """There is a file named after each flow, and after compose, with a profile of that flow in it."""
    assert {sample.stem for sample in SAMPLES} == {*FLOWS, "compose"}
    for sample in SAMPLES:
        profiles = tomllib.loads(sample.read_text("utf-8"))["profiles"].values()
        assert any(one.get("flow") == sample.stem or sample.stem in one for one in profiles)


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
