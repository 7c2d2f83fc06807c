"""References to secrets, as they stand in a profiles file: how each may look, and what is no reference."""

from pathlib import Path

import profiles_file
import pytest
from profiles_file import MARK, TOKEN

from requests_auth_profiles._config.kinds import REFERENCES
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.sources import SOURCES
from requests_auth_profiles._config.spec import Foreign

CLASS = '[profiles.work]\nflow = "class"\nclass = "requests.auth:HTTPBasicAuth"\n'


def test_each_can_be_looked_up() -> None:
    """What may be written is what can be looked up."""
    assert REFERENCES.keys() == SOURCES.keys()


@pytest.mark.parametrize("example", REFERENCES.values())
def test_its_example(tmp_path: Path, example: str) -> None:
    """What the hints say to write is right, and is shown as it is written."""
    secret = profiles_file.read(tmp_path, f"{TOKEN}token = {example}\n").profile("work").scheme.token
    shown = example.replace('"argument"', "…")
    assert (str(secret), secret.is_literal) == (shown, False)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ('{ keyring = "" }', "its keyring is empty"),
        ("{ keyring = 5 }", "its keyring is a number, not text"),
        ('{ keyring = "acme", username = "" }', "its username is empty"),
        ('{ keyring = "acme", username = { env = "A" } }', "its username is a table, not text"),
        ('{ keyring = "acme", user = "ada" }', "is not one of { env"),
        ('{ username = "ada" }', "is not one of { env"),
        ('{ env = "A", username = "ada" }', "is not one of { env"),
        ('{ keyring = "acme", prompt = "Password" }', "is not one of { env"),
        ('{ prompt = "" }', "its prompt is empty"),
        ('{ prompt = "two\\nlines" }', "its prompt has line breaks"),
        ('{ prompt = "\\u001b[2J" }', "its prompt has line breaks, or characters that cannot be seen"),
        ('{ ci_identity = ["a"] }', "its ci_identity is a list, not text"),
    ],
)
def test_a_wrong_one(tmp_path: Path, reference: str, message: str) -> None:
    """It is one fault, and the hint shows how it is written."""
    (fault,) = profiles_file.faults(tmp_path, f"{TOKEN}token = {reference} {MARK}\n")
    assert fault.message.startswith(message)
    assert fault.hint.startswith("token = { ")


def foreign(tmp_path: Path, options: str) -> Foreign:
    scheme = profiles_file.read(tmp_path, f"{CLASS}options = {options}\n").profile("work").scheme
    assert isinstance(scheme, Foreign)
    return scheme


def test_options_that_are_called_so(tmp_path: Path) -> None:
    """The options of a class are no reference, whatever they are called."""
    assert foreign(tmp_path, '{ prompt = "login" }').options == {"prompt": "login"}


def test_references_in_options(tmp_path: Path) -> None:
    """In them there may be some."""
    options = foreign(
        tmp_path, '{ password = { keyring = "acme" }, deep = [{ a = { prompt = "A" } }] }'
    ).options
    assert isinstance(options["password"], Secret)
    assert isinstance(options["deep"][0]["a"], Secret)


def test_references_of_a_parent(tmp_path: Path) -> None:
    """Each has the place where it stands."""
    text = f'{CLASS}options.one = {{ env = "A" }}\n'
    text += '[profiles.child]\nextends = "work"\noptions.two = { env = "B" }\n'
    scheme = profiles_file.read(tmp_path, text).profile("child").scheme
    assert isinstance(scheme, Foreign)
    found = {name: str(secret.place).partition("toml:")[2] for name, secret in scheme.options.items()}
    assert found == {"one": "4: profile 'work', options.one", "two": "7: profile 'child', options.two"}
