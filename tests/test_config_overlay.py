"""`[profiles.NAME.when.ci]`: what holds instead in continuous integration."""

from pathlib import Path

import profiles_file
import pytest

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.spec import Profile
from requests_auth_profiles.errors import ProfilesFileError, SecretUnavailable

SECRET = '{ env = "NIGHTLY_SECRET" }'
PERSON = """[profiles.work]
flow = "authorization-code-pkce"
provider = "okta"
instance = "acme.okta-emea.com"
client_id = "person"
redirect_port = 8080
"""
IN_CI = f"""[profiles.work.when.ci]
flow = "client-credentials"
client_id = "machine"
client_secret = {SECRET}
"""


@pytest.fixture(params=["", "true"], ids=["elsewhere", "in CI"])
def ci(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both a person's machine and a CI server."""
    monkeypatch.setenv("CI", request.param)
    return bool(request.param)


def read(folder: Path, text: str, name: str = "work") -> Profile:
    """What a profile says."""
    return profiles_file.read(folder, text).profile(name)


def test_another_flow(tmp_path: Path, ci: bool) -> None:
    """The overlay may win the credential otherwise; keys that its flow has not do not hold then."""
    found = read(tmp_path, PERSON + IN_CI)
    flow, client = ("client-credentials", "machine") if ci else ("authorization-code-pkce", "person")
    assert (found.flow, found.scheme.client.client_id) == (flow, client)  # type: ignore[union-attr]


def test_a_composition(tmp_path: Path, ci: bool) -> None:
    """Nor does a flow hold where the overlay composes."""
    key = '[profiles.key]\nflow = "api-key"\napi_key = "x"\n'
    text = f'{PERSON}[profiles.work.when.ci]\ncompose = ["key"]\n{key}'
    assert read(tmp_path, text).flow == ("compose" if ci else "authorization-code-pkce")


def test_what_a_child_says(tmp_path: Path, ci: bool) -> None:
    """A child's own key holds over its parent's overlay; what it does not say is as the parent has it."""
    text = f'{PERSON}{IN_CI}[profiles.child]\nextends = "work"\nclient_id = "child"\n'
    found = read(tmp_path, text, "child")
    assert found.flow == ("client-credentials" if ci else "authorization-code-pkce")
    assert found.scheme.client.client_id == "child"  # type: ignore[union-attr]


def test_tables_merge(tmp_path: Path, ci: bool) -> None:
    """As with a parent's, what a table says is added to."""
    more = "[profiles.work.when.ci]\ntoken_params = { b = '2' }\n"
    found = read(tmp_path, f"{PERSON}token_params = {{ a = '1', b = '1' }}\n{more}").scheme
    assert found.token_params == {"a": "1", "b": "2" if ci else "1"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when = 1", "is a number, not a table"),
        ("when.ci = 1", "is a number, not a table"),
        ("when.gitlab.timeout = 1", "is not a known key"),
        ("when.ci.timeoot = 1", "is not a known key"),
        ('when.ci.timeout = "1"', "is text: leave the quotes out"),
        ('when.ci.extends = "work"', "is not a known key"),
        ("when.ci.when = { ci = { timeout = 1 } }", "is not a known key"),
        ('when.ci.api_key = "x"', "is not a key of flow 'authorization-code-pkce'"),
    ],
)
def test_a_fault(tmp_path: Path, ci: bool, text: str, message: str) -> None:
    """It is told wherever the file is read, with its line, and once."""
    text = f"{PERSON}{text} {profiles_file.MARK}\n"
    (fault,) = profiles_file.faults(tmp_path, text)
    assert (fault.message, [fault.line]) == (message, profiles_file.marked(text))


def test_what_it_lacks(tmp_path: Path, ci: bool) -> None:
    """A profile must be whole in both places."""
    (fault,) = profiles_file.faults(
        tmp_path, PERSON + '[profiles.work.when.ci]\nflow = "client-credentials"\n'
    )
    assert fault.message.startswith("needs client_secret: ")
    assert (fault.line, fault.key) == (7, "when.ci")


def test_a_conflict(tmp_path: Path, ci: bool) -> None:
    """Two members that only in CI write the same header are refused everywhere."""
    text = (
        '[profiles.both]\ncompose = ["a", "b"]\n'
        '[profiles.a]\nflow = "bearer"\ntoken = { env = "A" }\n'
        '[profiles.b]\nflow = "bearer"\ntoken = { env = "B" }\nheader_name = "X-B"\n'
        '[profiles.b.when.ci]\nheader_name = "Authorization"\n'
    )
    (fault,) = profiles_file.faults(tmp_path, text)
    assert (fault.profile, "both write the header Authorization" in fault.message) == ("both", True)
    assert fault.message.endswith("; that is so in CI, where when.ci holds")


def test_a_secret_in_it(tmp_path: Path) -> None:
    """A literal secret in an overlay is one that others must not read."""
    text = PERSON + '[profiles.work.when.ci]\nclient_secret = "s3cret"\n'
    path = profiles_file.written(tmp_path, text, 0o644)
    with pytest.raises(ProfilesFileError, match="is a secret in a file that others can read") as caught:
        ProfilesFile.read(path)
    assert caught.value.faults[0].key == "when.ci.client_secret"
    assert "s3cret" not in str(caught.value)


def test_where_a_secret_stands(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that gives nothing is told with the overlay's line."""
    monkeypatch.setenv("CI", "true")
    text = PERSON + IN_CI.replace(SECRET, f"{SECRET} {profiles_file.MARK}")
    secret = read(tmp_path, text).scheme.client.client_secret  # type: ignore[union-attr]
    assert secret is not None
    (line,) = profiles_file.marked(text)
    with pytest.raises(SecretUnavailable, match=rf"profiles\.toml:{line}: profile 'work', client_secret"):
        secret()
