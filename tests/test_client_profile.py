"""How a profile says who its client is: what its keys mean together, and what does not go together."""

from pathlib import Path

import profiles_file
import pytest

from requests_auth_profiles._config.file import ProfilesFile

SECRET, KEY, WORD = 'client_secret = "x"', 'private_key = { file = "k" }', 'client_assertion = { env = "W" }'
AT = 'issuer = "https://login.acme.com"\n'
WAYS = {
    "a secret": (SECRET, "basic"),
    "a secret in the body": (f'{SECRET}\nclient_auth = "post"', "post"),
    "a secret that signs": (f'{SECRET}\nclient_auth = "client_secret_jwt"', "client_secret_jwt"),
    "a key": (KEY, "private_key_jwt"),
    "a key, as is said": (f'{KEY}\nclient_auth = "private_key_jwt"', "private_key_jwt"),
    "a key before a secret": (f'{SECRET}\n{KEY}\nclient_auth = "private_key_jwt"', "private_key_jwt"),
    "a secret before a key": (f'{SECRET}\n{KEY}\nclient_auth = "basic"', "basic"),
    "a word": (WORD, "client_assertion"),
    "a word before a secret": (
        f'{SECRET}\n{WORD}\nclient_auth = "client_assertion"',
        "client_assertion",
    ),
    "a secret before a word": (f'{SECRET}\n{WORD}\nclient_auth = "post"', "post"),
    "a certificate": ('client_auth = "tls"\nhttp = { client_cert = "c" }', "tls"),
    "nothing": (f'{SECRET}\nclient_auth = "none"', "none"),
}


@pytest.mark.parametrize(("lines", "way"), WAYS.values(), ids=WAYS)
def test_a_way(tmp_path: Path, lines: str, way: str) -> None:
    """By what there is, or as is said, the client proves itself."""
    text = f'[profiles.work]\nflow = "client-credentials"\n{AT}client_id = "x"\n{lines}\n'
    assert profiles_file.oauth2(tmp_path, text).client.client_auth == way


@pytest.mark.parametrize(
    ("line", "way"), [(SECRET, "post"), (KEY, "private_key_jwt"), (WORD, "client_assertion")]
)
def test_what_a_provider_says_is_of_its_secrets(tmp_path: Path, line: str, way: str) -> None:
    """A row whose clients have their secret in the body does not hinder those that have none."""
    text = f'[profiles.work]\nflow = "client-credentials"\nprovider = "github"\nclient_id = "x"\n{line}\n'
    assert profiles_file.oauth2(tmp_path, text).client.client_auth == way


def test_a_person_whose_client_signs(tmp_path: Path) -> None:
    """The code flows take a key too, for the request that turns the code into a token."""
    client = profiles_file.oauth2(tmp_path, f"{profiles_file.PERSON}{KEY}\n").client
    assert (client.client_auth, len(client.secrets)) == ("private_key_jwt", 1)


def test_a_key_that_signs_the_grant(tmp_path: Path) -> None:
    """Of `jwt-bearer` it proves no client, unless that is said."""
    text = f'[profiles.work]\nflow = "jwt-bearer"\n{AT}client_id = "x"\n{KEY}\nissuer_claim = "x"\n'
    assert profiles_file.oauth2(tmp_path, text).client.client_auth == "none"
    said = f'{text}client_auth = "private_key_jwt"\n'
    assert profiles_file.oauth2(tmp_path, said).client.client_auth == "private_key_jwt"


def test_another_way_in_ci(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job proves itself by its own identity, where a person's machine has the secret."""
    text = f'[profiles.work]\nflow = "client-credentials"\n{AT}client_id = "x"\n{SECRET}\n'
    text += f'[profiles.work.when.ci]\n{WORD}\nclient_auth = "client_assertion"\n'
    ways = [profiles_file.oauth2(home, text).client.client_auth]
    monkeypatch.setenv("CI", "true")
    ways.append(profiles_file.oauth2(home, text).client.client_auth)
    assert ways == ["basic", "client_assertion"]


FAULTS = {
    "nothing": (
        "",
        "needs client_secret: the client's secret at the provider; or private_key; or",
        SECRET[:13],
    ),
    "no key": ('client_auth = "private_key_jwt"', "needs private_key: ", "private_key = { file ="),
    "no secret": ('client_auth = "client_secret_jwt"', "needs client_secret: ", "client_secret = {"),
    "no secret beside a key": (
        f'{KEY}\nclient_auth = "client_secret_jwt"',
        "needs client_secret, as it has client_auth",
        "client_secret = {",
    ),
    "no certificate": ('client_auth = "tls"', "needs client_cert in [profiles.NAME.http]", "http = {"),
    "a key of another": (
        'client_auth = "tls"\nhttp = { ca_bundle = "x" }',
        "needs client_cert in [profiles.NAME.http]",
        "http = {",
    ),
    "a number of no key": (f'{SECRET}\nkey_id = "1"', "needs private_key, as it has key_id", "private_key ="),
    "two proofs": (f"{SECRET}\n{KEY}", "proves who it is, and so does client_secret", '"private_key_jwt"'),
    "a word and a secret": (f"{WORD}\n{SECRET}", "proves who it is, and so does client_secret", '"post" or'),
    "a word and a key": (f"{WORD}\n{KEY}", "proves who it is, and so does private_key", '"client_assertion"'),
    "no word": ('client_auth = "client_assertion"', "needs client_assertion: ", "client_assertion = {"),
    "a way of nobody": (
        f'{KEY}\nclient_auth = "private_key"',
        "is not one of basic, post",
        '"private_key_jwt"',
    ),
    "a parameter of ours": (
        f'{SECRET}\ntoken_params = {{ assertion = "x" }}',
        "is set for you",
        "leave it out",
    ),
}


@pytest.mark.parametrize(("lines", "message", "hint"), FAULTS.values(), ids=FAULTS)
def test_a_fault(tmp_path: Path, lines: str, message: str, hint: str) -> None:
    """Each is told once, with what to write."""
    text = f'[profiles.work]\nflow = "client-credentials"\n{AT}client_id = "x"\n{lines}\n'
    (fault,) = profiles_file.faults(tmp_path, text)
    assert fault.message.startswith(message)
    assert hint in fault.hint


@pytest.mark.parametrize("line", [KEY, WORD, 'client_auth = "tls"\nhttp = { client_cert = "c" }'])
@pytest.mark.parametrize("flow", ["password", "token-exchange"])
def test_a_proof_of_nobody(tmp_path: Path, flow: str, line: str) -> None:
    """Where a client may be left out, what proves one needs its id."""
    said = 'username = "x"\npassword = "x"' if flow == "password" else 'subject_token = "x"'
    (fault,) = profiles_file.faults(tmp_path, f'[profiles.work]\nflow = "{flow}"\n{AT}{said}\n{line}\n')
    assert fault.message.startswith("needs client_id, as it has ")


@pytest.mark.parametrize("value", ["[]", "{}", "1", "[[]]"])
def test_a_way_of_any_type(tmp_path: Path, value: str) -> None:
    """A way that is no text is one fault, that of its type, and no crash."""
    text = f'[profiles.work]\nflow = "client-credentials"\n{AT}client_id = "x"\n{SECRET}\n'
    text += f"client_auth = {value}\n"
    (fault,) = profiles_file.faults(tmp_path, text)
    assert fault.message.endswith("not text")


@pytest.mark.platform("linux", "darwin")
@pytest.mark.parametrize("line", ['private_key = "x"', 'client_assertion = "x"', 'subject_token = "x"'])
def test_a_literal_is_a_secret(tmp_path: Path, line: str) -> None:
    """A file that holds one itself must not be readable by others."""
    flow = "token-exchange" if "subject" in line else "client-credentials"
    text = f'[profiles.work]\nflow = "{flow}"\n{AT}client_id = "x"\n{line}\n'
    with pytest.raises(Exception, match="chmod"):
        ProfilesFile.read(profiles_file.written(tmp_path, text, 0o644))
