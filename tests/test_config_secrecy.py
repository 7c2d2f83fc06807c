"""A wrong profiles file tells all that is wrong with it, and nothing of a secret that stands in it."""

import pickle
import traceback
from pathlib import Path

import profiles_file
import pytest
from profiles_file import KEY, MACHINE, MARK, PERSON, TOKEN

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles._config.place import line_of
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles.errors import ProfilesFileError, SecretUnavailable

CANARY = "c4n4ry"
TESTS = Path(__file__).parent

TEN = f"""# ten faults
default_profile = "wrok" {MARK}
unknown = 1 {MARK}

[profiles.work]
flow = "authorization-code-pkce"
client_id = 5 {MARK}
issuer = "http://login.acme.com" {MARK}
redirect_port = "5000" {MARK}
hosts = ["api.acme.com", "*"] {MARK}
client_secret = {{ envv = "{CANARY}" }} {MARK}

[profiles.child]
extends = "parent" {MARK}
api_key = "{CANARY}\\n" {MARK}

[profiles."../x"] {MARK}
flow = "bearer"
token = "{CANARY}"
"""

SECRETS = [key.name for key in PROFILE.values() if key.secret]
SHAPES = [
    f'"{CANARY}\\n"',
    f'["{CANARY}"]',
    f'{{ "{CANARY}" = "x" }}',
    f'{{ envv = "{CANARY}" }}',
    f'{{ env = ["{CANARY}"] }}',
    f'{{ env = "${CANARY}" }}',
    f'{{ env = "A", file = "{CANARY}" }}',
    f'{{ command = "get {CANARY}" }}',
    f'{{ command = ["{CANARY}", 5] }}',
    f'{{ keyring = ["{CANARY}"] }}',
    f'{{ keyring = "acme", password = "{CANARY}" }}',
    f'{{ prompt = {{ "{CANARY}" = "x" }} }}',
    f'{{ ci_identity = "{CANARY}\\n" }}',
    f'{{ a = {{ b = {{ c = "{CANARY}" }} }} }}',
]
PLACES = {
    "under a wrong key": f'{TOKEN}tokn = "{CANARY}"',
    "under a key of another flow": f'{KEY}client_secret = "{CANARY}"',
    "at the top": f'token = "{CANARY}"',
    "in a composition": f'{KEY}[profiles.both]\ncompose = ["work"]\ntoken = "{CANARY}"',
    "in a profile without a flow": f'[profiles.a]\ntoken = "{CANARY}"',
    "where a profile should be": f'[profiles]\ntoken = "{CANARY}"',
    "in a provider's host": f'{PERSON}provider = "okta"\ninstance = "https://bob:{CANARY}@acme.okta.com"',
    "in a URL": f'{PERSON}token_url = "https://bob:{CANARY}@login.acme.com/token"',
    "in the query of an issuer": PERSON.replace("acme.com", f"acme.com/?key={CANARY}"),
    "in the fragment of a URI": f'{PERSON}resource = "api://acme#{CANARY}"',
    "in a host": f'{KEY}hosts = ["bob:{CANARY}@api.acme.com"]',
    "in a header": f'{PERSON}header_value = "Bearer {CANARY}"',
    "in a parameter": f'{PERSON}authorize_params = {{ client_secret = "{CANARY}" }}',
    "as a flow": f'[profiles.work]\nflow = "{CANARY} x"',
    "as a provider": f'{PERSON}provider = "{CANARY}"',
    "as a client authentication": f'{MACHINE}client_auth = "{CANARY}"',
    "in the store": f'[store]\nkey = ["{CANARY}"]\nkeys = "{CANARY}"\nurl = "x://{CANARY}"',
    "without quotes": f"{TOKEN}token = {CANARY}",
    "without an end": f'{TOKEN}token = "{CANARY}',
    "before more text": f'{TOKEN}token = "{CANARY}" "',
    "with a backslash": f'{TOKEN}token = "\\{CANARY}"',
    "twice": f'{TOKEN}token = "{CANARY}"\ntoken = "{CANARY}"',
    "in a key with more below": f'{TOKEN}token = "{CANARY}"\ntoken.env = "A"',
    "beside a byte order mark": f'\ufeff{TOKEN}token = "{CANARY}"',
}


def assert_silent(error: BaseException) -> None:
    """Nothing of an error, of what it came from, and of what a debugger shows of our code, is the secret."""
    shown = [repr(vars(error)), str(error), repr(error), repr(error.args), str(pickle.dumps(error))]
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    while trace is not None:
        shown += [
            str(trace),
            *(str(frame.locals) for frame in trace.stack if Path(frame.filename).parent != TESTS),
        ]
        trace = trace.__cause__ or trace.__context__
    assert not [text for text in shown if CANARY in text]


@pytest.fixture
def refused(tmp_path: Path) -> ProfilesFileError:
    """The error of a file with ten faults."""
    with pytest.raises(ProfilesFileError) as caught:
        profiles_file.read(tmp_path, TEN)
    return caught.value


def test_all_faults_at_once(refused: ProfilesFileError) -> None:
    """Ten faults of ten lines are told in one error, in the order of the file."""
    assert [fault.line for fault in refused.faults] == profiles_file.marked(TEN)
    assert len(refused.faults) == 10


def test_all_faults_in_the_message(refused: ProfilesFileError) -> None:
    """The message names the file and the line of each, so that an editor can jump there."""
    text = str(refused)
    assert text.startswith("10 faults in the profiles file\n")
    assert [f"{refused.file}:{line}: " in text for line in profiles_file.marked(TEN)] == [True] * 10


def test_of_ten_faults_none_shows_a_secret(refused: ProfilesFileError) -> None:
    """With as many faults as there may be, nothing of the secrets is in the error."""
    assert_silent(refused)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_wrong_value_of_a_secret_key(tmp_path: Path, key: str, shape: str) -> None:
    """Whichever way the value of a secret key is wrong, it is not shown."""
    flow = next(flow for flow in FLOWS.values() if key in flow.keys)
    with pytest.raises(ProfilesFileError) as caught:
        profiles_file.read(tmp_path, f'[profiles.work]\nflow = "{flow.name}"\n{key} = {shape}')
    assert_silent(caught.value)


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
def test_a_secret_in_a_wrong_place(tmp_path: Path, text: str) -> None:
    """A secret that stands where none should is not shown either."""
    with pytest.raises(ProfilesFileError) as caught:
        profiles_file.read(tmp_path, text)
    assert_silent(caught.value)


@pytest.mark.platform("linux", "darwin")
def test_a_secret_that_others_can_read(tmp_path: Path) -> None:
    """The file is refused without showing what others may have seen."""
    with pytest.raises(ProfilesFileError) as caught:
        ProfilesFile.read(profiles_file.written(tmp_path, f'{TOKEN}token = "{CANARY}"', 0o644))
    assert_silent(caught.value)


def test_what_is_read_shows_no_secret(tmp_path: Path) -> None:
    """Neither the file nor a profile has a secret in its repr."""
    file = profiles_file.read(tmp_path, f'{TOKEN}token = "{CANARY}"')
    assert CANARY not in repr([file, file.profiles, file.profile("work"), file.layers, file.store.key])
    assert file.layers.data["profiles"]["work"]["token"] == CANARY


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ('{ env = "NOT_SET_ANYWHERE" }', "export NOT_SET_ANYWHERE=…"),
        ('{ file = "nowhere.txt" }', "ls -l "),
        ('{ command = ["/nowhere/op"] }', "install /nowhere/op"),
    ],
)
def test_a_reference_that_gives_nothing(tmp_path: Path, reference: str, hint: str) -> None:
    """It is an error of its own when the secret is asked for, with file, line, profile, key and reference."""
    text = f"{KEY}\n[profiles.other]\nflow = 'bearer'\ntoken = {reference} {MARK}\n"
    file = profiles_file.read(tmp_path, text)
    with pytest.raises(SecretUnavailable) as caught:
        file.profile("other").scheme.token()
    (line,) = profiles_file.marked(text)
    assert caught.value.message.startswith(f"{file.path}:{line}: profile 'other', token = {reference}: ")
    assert caught.value.hint.startswith(hint)


def test_an_inherited_reference_that_gives_nothing(tmp_path: Path) -> None:
    """The place that is named is the one where it stands, in a parent of a parent."""
    text = f"[profiles.base]\napi_key = {{ env = 'NOT_SET_ANYWHERE' }} {MARK}\n"
    text += "[profiles.next]\nextends = 'base'\n[profiles.work]\nflow = 'api-key'\nextends = 'next'"
    with pytest.raises(SecretUnavailable) as caught:
        profiles_file.read(tmp_path, text).profile("work").scheme.api_key()
    (line,) = profiles_file.marked(text)
    assert f"profiles.toml:{line}: profile 'base', api_key" in caught.value.message


def test_a_key_of_the_store_that_gives_nothing(tmp_path: Path) -> None:
    """The place that is named is in `[store]`."""
    text = f"{KEY}[store]\nkey = {{ env = 'NOT_SET_ANYWHERE' }} {MARK}\n"
    key = profiles_file.read(tmp_path, text).store.key
    assert key is not None
    with pytest.raises(SecretUnavailable) as caught:
        key()
    (line,) = profiles_file.marked(text)
    assert f"profiles.toml:{line}: store.key = {{ env" in caught.value.message


def test_what_stands_nowhere_has_no_line() -> None:
    """A key that is not written out has the line of what is around it, or none."""
    known = {("profiles",): 1, ("profiles", "work"): 2}
    paths = [("profiles", "work", "flow"), ("profiles", "other"), ("store", "key")]
    assert [line_of(known, path) for path in paths] == [2, 1, 0]
