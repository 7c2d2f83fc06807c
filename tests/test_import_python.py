"""`requests-auth import --python FILE`: profiles for the auths that a program constructs."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import RunProgram
from hypothesis import given
from hypothesis import strategies as st

from requests_auth_profiles import profile
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.flows import FLOWS
from requests_auth_profiles.cli import run
from requests_auth_profiles.cli.constructions import constructions
from requests_auth_profiles.cli.conversion import KINDS

Imported = Callable[[str | bytes], "Done"]

SECRET = "canary-s3cret"
OKTA = "'acme.okta.com'"
URLS = "'https://login.acme.com/authorize', 'https://login.acme.com/token'"

# For each class, arguments in the forms that people write them.
CLASSES = {
    "OAuth2AuthorizationCode": f"{URLS}, client_id='me', client_secret='{SECRET}', username='bob', "
    f"password='{SECRET}', response_type='code', code_field_name='c', token_field_name='t', scope='a b'",
    "OAuth2AuthorizationCodePKCE": f"{URLS}, client_id='me', redirect_uri_port=8080, "
    "redirect_uri_endpoint='cb', redirect_uri_domain='127.0.0.1', timeout=10.5, early_expiry=0, "
    "header_name='X-T', header_value='{token}'",
    "OktaAuthorizationCode": f"instance={OKTA}, client_id='me', prompt='none', nonce='n'",
    "OktaAuthorizationCodePKCE": (
        f"{OKTA}, 'me', scope=['a', 'b'], authorization_server='as', claims=['y', 'z']"
    ),
    "WakaTimeAuthorizationCode": f"client_id='me', client_secret='{SECRET}', scope=['email', 'read_stats']",
    "OAuth2Implicit": "'https://login.acme.com/authorize?response_type=id_token', client_id='me'",
    "OktaImplicit": f"{OKTA}, 'me'",
    "OktaImplicitIdToken": f"{OKTA}, 'me', response_type='id_token', token_field_name='id_token'",
    "AzureActiveDirectoryImplicit": "tenant_id='45239d18', client_id='me', resource='https://api.acme.com'",
    "AzureActiveDirectoryImplicitIdToken": "'45239d18', 'me', prompt='none'",
    "OAuth2ResourceOwnerPasswordCredentials": f"'https://a.com/token', 'bob', '{SECRET}', "
    f"session_auth=('me', '{SECRET}'), scope=('a', 'b')",
    "OktaResourceOwnerPasswordCredentials": f"{OKTA}, 'bob', '{SECRET}', 'me', '{SECRET}'",
    "OAuth2ClientCredentials": f"'https://a.com/token', 'me', '{SECRET}', scope='a', "
    "audience='api', tenant='x'",
    "OktaClientCredentials": f"{OKTA}, 'me', client_secret='{SECRET}', scope='a'",
    "HeaderApiKey": f"'{SECRET}', 'X-Key'",
    "QueryApiKey": f"api_key='{SECRET}', query_parameter_name='k'",
    "Basic": f"'bob', '{SECRET}'",
    "NTLM": f"'bob', '{SECRET}'",
}
HERE = {name: said for name, said in CLASSES.items() if KINDS[name]["flow"] in FLOWS}


@dataclass(frozen=True)
class Done:
    """What the verb printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def imported(home: Path, capsys: pytest.CaptureFixture[str]) -> Imported:
    """Imports what a Python file says."""

    def done(text: str | bytes) -> Done:
        file = home / "program.py"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return Done(run(["import", "--python", str(file)]), *capsys.readouterr())

    return done


def profiles(done: Done) -> dict[str, Any]:
    """The profiles that were printed, after all went well."""
    assert (done.returncode, done.stderr) == (0, "")
    return tomllib.loads(done.stdout)["profiles"]


def test_every_class_is_tested() -> None:
    """Each class that has a profile has arguments here."""
    assert CLASSES.keys() == KINDS.keys()


@pytest.mark.parametrize("package", ["requests_auth", "requests_auth_profiles"])
def test_every_class(home: Path, imported: Imported, package: str) -> None:
    """What is printed loads without a fault, each profile makes an auth, and no secret is in it."""
    lines = [f"a_{number} = {name}({said})" for number, (name, said) in enumerate(HERE.items())]
    done = imported("\n".join([f"from {package} import *", *lines]))
    assert (done.returncode, done.stderr) == (0, "")
    assert SECRET not in done.stdout
    file = home / "profiles.toml"
    file.write_text(done.stdout, "utf-8")
    file.chmod(0o644)  # no secret is in it, so that others may read it
    names = [f"a_{number}" for number in range(len(HERE))]
    assert ProfilesFile.read(file).names == names
    assert [profile(name, file=file).name for name in names] == names


EXPECTED = {
    "OAuth2AuthorizationCode": {
        "flow": "authorization-code-pkce",
        "authorization_url": "https://login.acme.com/authorize",
        "token_url": "https://login.acme.com/token",
        "client_id": "me",
        "client_secret": {"env": "AUTH_CLIENT_SECRET"},
        "client_auth": "post",
        "username": "bob",
        "password": {"env": "AUTH_PASSWORD"},
        "response_type": "code",
        "code_field_name": "c",
        "token_field_name": "t",
        "scopes": "a b",
    },
    "OktaAuthorizationCodePKCE": {
        "flow": "authorization-code-pkce",
        "provider": "okta",
        "instance": "acme.okta.com",
        "authorization_server": "as",
        "client_id": "me",
        "scopes": ["a", "b"],
        "authorize_params": {"claims": "y z"},
        "token_params": {"claims": "y z"},
    },
    "OAuth2Implicit": {
        "flow": "implicit",
        "token": "id_token",
        "authorization_url": "https://login.acme.com/authorize?response_type=id_token",
        "client_id": "me",
    },
    "AzureActiveDirectoryImplicit": {
        "flow": "implicit",
        "authorization_url": "https://login.microsoftonline.com/45239d18/oauth2/authorize",
        "jwks_url": "https://login.microsoftonline.com/45239d18/discovery/keys",
        "client_id": "me",
        "resource": "https://api.acme.com",
    },
    "OAuth2ResourceOwnerPasswordCredentials": {
        "flow": "password",
        "token_url": "https://a.com/token",
        "username": "bob",
        "password": {"env": "AUTH_PASSWORD"},
        "client_id": "me",
        "client_secret": {"env": "AUTH_CLIENT_SECRET"},
        "client_auth": "basic",
        "scopes": ["a", "b"],
    },
    "QueryApiKey": {"flow": "api-key", "in": "query", "name": "k", "api_key": {"env": "AUTH_API_KEY"}},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_profile(imported: Imported, name: str) -> None:
    """A profile says what the arguments say, in its own words, and is named after the variable."""
    text = f"import requests_auth\nauth = requests_auth.{name}({CLASSES[name]})"
    assert profiles(imported(text)) == {"auth": EXPECTED[name]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from requests_auth import Basic as B\nauth = B('u', 'p')", ["auth"]),
        ("import requests_auth as ra\nauth: object = ra.Basic('u', 'p')", ["auth"]),
        ("import requests_auth.testing\nif (auth := requests_auth.Basic('u', 'p')): pass", ["auth"]),
        ("def f(self):\n import requests_auth as r\n self._auth = r.Basic('u', 'p')", ["auth"]),
        ("from requests_auth import Basic\nget(url, auth=Basic('u', 'p'))", ["Basic"]),
        ("from requests_auth import Basic\nname_\u00e9 = Basic('u', 'p')", ["Basic"]),
        ("from requests_auth import Basic\nd['x'] = Basic('u', 'p') + Basic('v', 'p')", ["Basic", "Basic-2"]),
        ("from requests_auth import Basic\na = Basic('u', 'p')\nA = Basic('v', 'p')", ["a", "A-2"]),
    ],
)
def test_how_it_is_written(imported: Imported, text: str, names: list[str]) -> None:
    """However a class is imported and wherever it is called, it is found; each profile has its own name."""
    assert list(profiles(imported(text))) == names


@pytest.mark.parametrize(
    "text",
    ["Basic('u', 'p')", "from other import Basic\nBasic('u', 'p')", "import requests_auth\nBasic()", ""],
)
def test_nothing_to_import(imported: Imported, text: str) -> None:
    """A file without a call of a class of ours is an error, and nothing is printed."""
    done = imported(text)
    assert (done.returncode, done.stdout) == (1, "")
    assert "program.py constructs no auth of requests_auth" in done.stderr


@pytest.mark.parametrize(
    "value", ["os.environ['KEY_OF_MINE']", "os.getenv('KEY_OF_MINE')", "os.environ.get('KEY_OF_MINE')"]
)
def test_a_secret_of_the_environment(imported: Imported, value: str) -> None:
    """What the program takes from a variable, the profile takes from the same."""
    found = profiles(
        imported(f"import os\nfrom requests_auth import HeaderApiKey\nkey = HeaderApiKey({value})")
    )
    assert found["key"]["api_key"] == {"env": "KEY_OF_MINE"}


def test_a_secret_that_is_computed(imported: Imported) -> None:
    """Where it comes from is not known, and needs not be."""
    found = profiles(imported("from requests_auth import HeaderApiKey\nkey = HeaderApiKey(vault.read('x'))"))
    assert found["key"]["api_key"] == {"env": "KEY_API_KEY"}


def test_a_tenant_by_its_guid(imported: Imported) -> None:
    """The profile checks who signed an ID token, as the class does."""
    tenant = "45239D18-c68c-4c47-8bdd-ce71ea1d50cd"
    call = f"AzureActiveDirectoryImplicitIdToken('{tenant}', 'me')"
    found = profiles(imported(f"from requests_auth import *\nx = {call}"))["x"]
    assert found["issuer"] == f"https://sts.windows.net/{tenant.lower()}/"
    assert found["jwks_url"] == f"https://login.microsoftonline.com/{tenant.lower()}/discovery/keys"


UNREADABLE = {
    "a name": ("OktaImplicit(HOST, 'me')", "instance is not written out there"),
    "stars": ("Basic(*pair)", "no profile: has arguments with * or **"),
    "too many": ("HeaderApiKey('a', 'b', 'c')", "no profile: cannot be called so: too many"),
    "no client": ("OAuth2Implicit('https://a.com/')", "no profile: needs client_id"),
    "plain http": (
        "OAuth2Implicit('http://a.com/', client_id='me')",
        "no profile: authorization_url is http: others could read",
    ),
    "a secret in a URL": (
        f"OAuth2Implicit('https://a.com/?api_key={SECRET}', client_id='me')",
        "no profile: has a URL with a parameter in it that may be a secret",
    ),
    "an auth for the client": (
        f"OAuth2ResourceOwnerPasswordCredentials('https://a.com/', 'u', '{SECRET}', session_auth=me)",
        "no profile: has a session_auth that is not",
    ),
}


@pytest.mark.parametrize(("call", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read(imported: Imported, call: str, why: str) -> None:
    """It is told with file, line, class and reason, no secret is shown, and the others are printed."""
    done = imported(f"from requests_auth import *\nok = Basic('u', 'p')\n\nx = {call}")
    assert done.returncode == 1
    assert list(tomllib.loads(done.stdout)["profiles"]) == ["ok"]
    kind = call.partition("(")[0]
    assert any(f"program.py:4: {kind}: " in line and why in line for line in done.stderr.splitlines())
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "argument",
    ["session=requests.Session()", f"api_secret='{SECRET}'", f"id_token_hint='{SECRET}'", "timeout=WAIT"],
)
def test_what_is_left_out(imported: Imported, argument: str) -> None:
    """An argument that can be done without is told, and the profile printed."""
    done = imported(f"from requests_auth import *\nx = OktaAuthorizationCode({OKTA}, 'me',\n {argument})")
    assert (done.returncode, list(tomllib.loads(done.stdout)["profiles"])) == (0, ["x"])
    name = argument.partition("=")[0]
    assert f"program.py:2: OktaAuthorizationCode: left out: {name} " in done.stderr
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("text", [f"x = '{SECRET}' 1\n", f"password = '{SECRET}\n", b"\xff\xfe", b"a\0b"])
def test_what_is_not_python(imported: Imported, text: str | bytes) -> None:
    """It is an error that names the file and shows nothing of it."""
    done = imported(text)
    assert (done.returncode, done.stdout) == (1, "")
    assert "program.py:1: this is not Python" in done.stderr
    assert SECRET not in done.stderr


def test_the_program_is_not_run(home: Path, imported: Imported) -> None:
    """Nothing of the file happens, and old ways of writing are no matter."""
    text = f"open({str(home / 'made')!r}, 'w')\nfrom requests_auth import Basic\nx = Basic('\\d', 'p')"
    assert profiles(imported(text))["x"]["username"] == "\\d"
    assert not (home / "made").exists()


@pytest.mark.parametrize("arguments", [(), ("--python",), ("--python", "nowhere.py")])
def test_no_file(run_cli: RunProgram, arguments: tuple[str, ...]) -> None:
    """Without a file that is there it is a mistake in the command."""
    assert run_cli("import", *arguments).returncode == 2


@given(st.text() | st.binary())
def test_whatever_stands_in_the_file(text: str | bytes) -> None:
    """Any bytes are Python without our classes, or a SyntaxError."""
    try:
        found = constructions(
            text if isinstance(text, bytes) else text.encode(errors="replace"), frozenset(KINDS)
        )
    except SyntaxError:
        found = []
    assert found == []
