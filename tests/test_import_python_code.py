"""`requests-auth import --python FILE`: the ways in which programs are written."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from requests_auth_profiles.cli import run

Imported = Callable[[str | bytes], tuple[int, str, str]]

SECRET = "canary-s3cret"
PAIR = {"username": "bob", "password": SECRET}
CALL = f"Basic('bob', '{SECRET}')"
HOST = "'acme.okta.com'"
URL = "'https://login.acme.com/token'"


@pytest.fixture
def imported(home: Path, capsys: pytest.CaptureFixture[str]) -> Imported:
    """Imports what a Python file says: the exit code, stdout, stderr; no secret is in either."""

    def done(text: str | bytes) -> tuple[int, str, str]:
        file = home / "program.py"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        code = run(["import", "--python", str(file)])
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        return code, out, err

    return done


def lines(*several: str) -> str:
    """A program that imports all classes."""
    return "\n".join(("import os, functools", "from requests_auth import *", *several))


ONE = {
    "a module that is no longer there": f"from requests_auth.authentication import Basic\n{CALL}",
    "a module below": f"from requests_auth import authentication as a\na.{CALL}",
    "another name for the package": f"import requests_auth as ra\nra.{CALL}",
    "a star": f"from requests_auth import *\n{CALL}",
    "a star of one's own": f"from .base import *\n{CALL}",
    "inside a function": f"def f():\n from requests_auth import Basic\n return {CALL}",
    "in a try": f"try:\n from requests_auth import Basic\nexcept ImportError:\n Basic = None\n{CALL}",
    "on a condition": f"if x:\n import requests_auth as r\nelse:\n r = None\ndef f():\n return r.{CALL}",
    "by its text": f"import importlib\nimportlib.import_module('requests_auth').{CALL}",
    "by getattr": f"import requests_auth\ngetattr(requests_auth, 'Basic')('bob', '{SECRET}')",
    "another name": f"from requests_auth import Basic\nLogin = Basic\nLogin('bob', '{SECRET}')",
    "an attribute": (
        "from requests_auth import Basic\nclass A:\n kind = Basic\n def f(self):\n"
        f"  return self.kind('bob', '{SECRET}')"
    ),
    "partial": (
        "from functools import partial as p\nfrom requests_auth import Basic\n"
        f"bob = p(Basic, 'bob')\nbob(password='{SECRET}')"
    ),
    "a subclass": f"from requests_auth import Basic\nclass My(Basic): pass\nMy('bob', '{SECRET}')",
    "a subclass's __init__": (
        "from requests_auth import Basic\nclass My(Basic):\n def __init__(self, who, *, word='x'):\n"
        f"  super().__init__(f'{{who}}b', word)\nMy('bo', word='{SECRET}')"
    ),
    "a subclass of one": (
        "from requests_auth import Basic\nclass My(Basic):\n def __init__(self, *a, **k):\n"
        "  Basic.__init__(self, *a, **k)\nclass Deep(My):\n def __init__(self, word):\n"
        f"  super(Deep, self).__init__('bob', password=word)\nDeep('{SECRET}')"
    ),
    "a subclass that nobody calls": (
        "from requests_auth import Basic\nclass My(Basic):\n def __init__(self):\n"
        f"  super().__init__('bob', '{SECRET}')"
    ),
    "stars": f"from requests_auth import Basic\npair = ('bob', '{SECRET}')\nBasic(*pair)",
    "two stars": f"from requests_auth import Basic\nBasic(**{PAIR})",
    "a dict above": (
        "from requests_auth import Basic\no = dict(username='al')\n"
        f"o['username'] = 'bob'\no |= {{'password': '{SECRET}'}}\nBasic(**o)"
    ),
    "constants": (
        f"from requests_auth import Basic\nclass C:\n who = 'bob'\nALL = {{'x': [C.who]}}\nP = '{SECRET}'\n"
        "def f():\n return Basic(ALL['x'][0], password=P)"
    ),
    "self": (
        "from requests_auth import Basic\nclass C:\n def __init__(self):\n  self.who = 'b' + 'ob'\n"
        f"  self.auth = Basic(self.who, '{SECRET}')"
    ),
    "a walrus": f"from requests_auth import Basic\nBasic((who := f'bob'), '{SECRET}')",
    "a notebook": f"from requests_auth import Basic\nu = 'bob'\nBasic(u, '{SECRET}')\nu = 'al'",
    "a BOM": f"\ufefffrom requests_auth import Basic\n{CALL}",
    "latin-1": f"# coding: latin-1\nfrom requests_auth import Basic\n'\u00e9'\n{CALL}".encode("latin-1"),
}


@pytest.mark.parametrize("text", ONE.values(), ids=ONE)
def test_one_auth(imported: Imported, text: str | bytes) -> None:
    """However it is written, it is one profile with what it is given, and nothing else is told."""
    code, out, err = imported(text)
    assert (code, err) == (0, "")
    ((_, table),) = tomllib.loads(out)["profiles"].items()
    assert (table["flow"], table["username"], *table["password"]) == ("basic", "bob", "env")


LOST = {
    "a partial that nobody calls": ("functools.partial(OktaImplicit, 'a.okta.com')", "is named here"),
    "a subclass that nobody calls": ("class My(OktaImplicit): pass", "is what My is derived from"),
    "a subclass that calls twice": (
        "class A(Basic):\n def __init__(self):\n  super().__init__(1, 2)\n  super().__init__(3, 4)\nA()",
        "in no plain way",
    ),
    "a table of classes": ("KINDS = {'okta': OktaImplicit}", "is named here"),
    "another name that nobody calls": ("Login = Basic", "is named here"),
    "one of two": ("(Basic if x else NTLM)('a', 'b')", "is named here"),
    "one of two imports": (
        "if x:\n from requests_auth import Basic as A\nelse:\n from requests_auth import NTLM as A\nA(1)",
        "is this or another of Basic, NTLM",
    ),
    "a dict that is changed": (f"o = {PAIR}\no.update(more)\nBasic(**o)", "has arguments with * or **"),
    "a dict that is changed on a condition": (
        f"o = {PAIR}\nif x:\n o['username'] = 'al'\nBasic(**o)",
        "has arguments with * or **",
    ),
    "itself": ("class A(A, Basic): pass\nA('a', 'b')\nc = c\nBasic(**c)", "has arguments with * or **"),
}


@pytest.mark.parametrize(("code", "why"), LOST.values(), ids=LOST)
def test_what_is_lost_is_told(imported: Imported, code: str, why: str) -> None:
    """What may make an auth, and cannot be read, is told with its line."""
    returned, _, err = imported(lines(code))
    assert returned == 1
    assert "program.py:" in err
    assert why in err


@pytest.mark.parametrize(
    "code",
    [
        "def f(a: Basic) -> NTLM: pass",
        "isinstance(x, (Basic, NTLM))",
        "match x:\n case Basic(): pass",
        "Any = list[Basic]",
    ],
)
def test_what_makes_no_auth(imported: Imported, code: str) -> None:
    """A class that is only named as a type is nothing to tell."""
    assert "constructs no auth" in imported(lines(code))[2]


VARIABLES = {
    "os.getenv('MINE', 'DEFAULT')": True,
    "os.getenv(key='MINE')": False,
    "os.environ.get('MINE', default='DEFAULT')": True,
    "os.environ['MINE'] or 'DEFAULT'": True,
    "os.environ['MINE'].strip()": False,
    "env['MINE']": False,
    "env.get('MINE')": False,
    "read('MINE')": False,
    "os.environ[NAME]": False,
    "str(config('MINE'))": False,
    "django('MINE')": False,
}


@pytest.mark.parametrize(("value", "has_default"), VARIABLES.items(), ids=VARIABLES)
def test_variables(imported: Imported, value: str, has_default: bool) -> None:
    """A variable that the code reads is that of the profile, and its default is told and not shown."""
    text = lines(
        "from os import environ as env, getenv as read\nfrom decouple import config\nimport environ",
        f"NAME = 'MINE'\ndjango = environ.Env()\nx = HeaderApiKey({value.replace('DEFAULT', SECRET)})",
    )
    code, out, err = imported(text)
    assert (code, err) == (0, "")
    told = "as in the code, which has a default for it" if has_default else "as in the code"
    assert out.endswith(f'api_key = {{ env = "MINE" }}  # {told}\n\n')


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("vault.read('x')", "it is known when the code runs: export X_API_KEY=..."),
        ("args.key", "it comes from args.key in the code: export X_API_KEY=..."),
        (f"'{SECRET}'", "it stands in the code: export X_API_KEY=..."),
        (f"os.environ['{SECRET}']", "it is known when the code runs: export X_API_KEY=..."),
    ],
)
def test_a_name_that_is_ours(imported: Imported, value: str, told: str) -> None:
    """A variable that the code does not read is said to be none of the code's."""
    _, out, _ = imported(lines(f"x = HeaderApiKey({value})"))
    assert f'api_key = {{ env = "X_API_KEY" }}  # {told}\n' in out


def test_a_default_that_is_no_secret(imported: Imported) -> None:
    """It is said, and that the code asks a variable first is told."""
    code, out, err = imported(lines("x = OktaImplicit(os.getenv('HOST', 'a.okta.com'), 'me')"))
    assert (code, tomllib.loads(out)["profiles"]["x"]["instance"]) == (0, "a.okta.com")
    assert "left out: that instance is read from HOST, where that is set" in err


@pytest.mark.parametrize("value", ["args.client", "os.environ['CLIENT']", "f'{CONSUMER_KEY}'", "read()"])
def test_a_profile_to_complete(imported: Imported, value: str) -> None:
    """A profile that lacks what it needs is printed as a comment, with the place of what is missing."""
    code, out, err = imported(
        lines(f"CONSUMER_KEY = '{SECRET}'\nx = OktaClientCredentials({HOST}, {value}, 's', scope='a')")
    )
    assert (code, tomllib.loads(out)) == (1, {})
    assert "no profile yet: complete the one that is printed as a comment" in err
    completed = "\n".join(line.removeprefix("# ") for line in out.splitlines()[1:])
    assert tomllib.loads(completed)["profiles"]["x"]["client_id"] == "..."


SECRETS = {
    "in another place": f"x = OAuth2ClientCredentials('https://a.com/{SECRET}/t', 'me', '{SECRET}')",
    "in an address": f"x = OAuth2ClientCredentials('https://me:{SECRET}@a.com/t', 'me', 's')",
    "by its name": f"API_TOKEN = '{SECRET}'\nx = OAuth2Implicit(f'https://a.co/{{API_TOKEN}}', client_id=1)",
    "as the user": f"C = {{'token': '{SECRET}'}}\nx = Basic(C['token'], 'x-oauth-basic')",
    "of another auth": f"x = HeaderApiKey('{SECRET}')\ny = OktaImplicit({HOST}, 'me', login_hint='{SECRET}')",
    "in a default": f"x = HeaderApiKey(os.getenv('K', '{SECRET}'), '{SECRET}')",
    "in a keyword": f"x = OAuth2ClientCredentials({URL}, 'me', 's', tenant='{SECRET}', my_secret='{SECRET}')",
    "in place of a user": f"x = Basic('{SECRET}', 'pw')",
    "after a prefix": f"x = Basic('ghp_{SECRET}', 'pw')",
    "as the client": f"x = OAuth2ResourceOwnerPasswordCredentials({URL}, 'u', 'p', "
    f"session_auth=('{SECRET}', 's'))",
    "behind the token": f"x = OktaImplicit({HOST}, 'me', header_value='{{token}} {SECRET}')",
    "before the token": f"x = OktaImplicit({HOST}, 'me', header_value='{SECRET} {{token}}')",
    "in a resource": f"x = OktaImplicit({HOST}, 'me', resource='https://a.com/?sig={SECRET}')",
    "as the name of a keyword": f"x = OktaImplicit({HOST}, 'me', **{{'{SECRET}': f()}})",
    "as the name of a keyword too many": f"x = Basic('u', 'p', **{{'{SECRET}': 1}})",
    "as the name of a variable": f"x = OktaImplicit(f'{{os.environ[\"{SECRET}\"]}}', 'me')",
}
SECRETS |= {
    f"in a URL with {part}": f"x = OAuth2ClientCredentials('https://a.com/t{part}{SECRET}', 'me', 's')"
    for part in (
        *(
            "?sig=",
            "?code=",
            "?auth=",
            "?jwt=",
            "?psw=",
            "?",
            "?tenant=a&",
            "?tenant=a;sig=",
            "?tenant=a%26b=",
        ),
        *(";jsessionid=", "%3Bjsessionid=", "%3Fsig=", "#", "?TENANT=a&x="),
    )
}


@pytest.mark.parametrize("code", SECRETS.values(), ids=SECRETS)
def test_no_secret_is_printed(imported: Imported, code: str) -> None:
    """What is a secret in one place is none elsewhere either, and something of the auth is told."""
    _, out, err = imported(lines(code))
    assert "x" in out or "no profile" in err


@pytest.mark.parametrize("form", [SECRET.upper(), SECRET.replace("s", "%73")])
def test_a_secret_in_another_form(imported: Imported, form: str) -> None:
    """Where a URL has a secret in it, written in another way, it is not printed."""
    out = imported(lines(f"x = OAuth2ClientCredentials('https://a.com/{form}/t', 'me', '{SECRET}')"))[1]
    assert form not in out
    assert "token_url" in out


@pytest.mark.parametrize("password", ["x", "X", "x-oauth-basic", "api_token"])
def test_a_key_in_place_of_a_user(imported: Imported, password: str) -> None:
    """Where the password is none, the user name is the secret, whatever it looks like."""
    out = imported(lines(f"x = Basic('alice', '{password}')"))[1]
    assert tomllib.loads(out)["profiles"]["x"]["username"] == {"env": "X_USERNAME"}


@pytest.mark.parametrize(
    "name", ["alice", "Bob2", "john.smith", "svc_build-01", "JohnSmith", "a.b@acme.com", "ACME\\\\bob"]
)
def test_a_user(imported: Imported, name: str) -> None:
    """What reads as the name of a person or a service is said."""
    out = imported(lines(f"x = Basic('{name}', '{SECRET}')"))[1]
    assert tomllib.loads(out)["profiles"]["x"]["username"] == name.replace("\\\\", "\\")


@pytest.mark.parametrize(
    "value", ["{token}", "Bearer {token}", "Token token={token}", 'token="{token}"', "X-Token {token}"]
)
def test_how_a_header_is_written(imported: Imported, value: str) -> None:
    """A scheme, as people have them, is said."""
    out = imported(lines(f"x = OktaImplicit({HOST}, 'me', header_value='{value}')"))[1]
    assert tomllib.loads(out)["profiles"]["x"]["header_value"] == value


def test_a_url_with_what_is_public(imported: Imported) -> None:
    """Parameters that providers have, and that are no secret, stay in a URL."""
    url = "https://a.com/t?tenant=acme&api-version=2&login_hint=a@b.com"
    out = imported(lines(f"x = OAuth2ClientCredentials('{url}', 'me', 's')"))[1]
    assert tomllib.loads(out)["profiles"]["x"]["token_url"] == url


@pytest.mark.parametrize(
    "call",
    [
        f"OktaImplicit({HOST}, 'me', **{{'\\x1b]0;OWNED\\x07': f()}})",
        f"OktaImplicit({HOST}, 'me', **{{'\\n/etc/x.py:1: all is well': 1}})",
        f"OktaImplicit({HOST}, 'a' + os.environ['\\x1b[2J\\n'])",
        "Basic('u', 'p', **{'\\x1b': 1})",
    ],
)
def test_what_a_terminal_would_obey(imported: Imported, call: str) -> None:
    """No name in a program is written to the terminal where it is none."""
    _, _, err = imported(lines(f"x = {call}"))
    assert all(line.isprintable() and "program.py:3: " in line for line in err.splitlines())
    assert err
