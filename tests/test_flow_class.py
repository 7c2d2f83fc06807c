"""`flow = "class"`: a requests auth of another package, named by its class."""

import sys
import traceback
from pathlib import Path

import profiles_file
import pytest
import requests
from wire import RawServer, http

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ConfigurationError, HostNotAllowed, SecretUnavailable

PASSWORD = "w0nderland"
MODULE = """
class Signer:
    made = 0

    def __init__(self, *args, **options):
        type(self).made += 1
        self.args, self.options = args, options

    def __call__(self, request):
        request.headers["X-Signed"] = f"{self.args} {self.options}"
        request.headers["Authorization"] = "Signed"
        request.register_hook("response", self.answered)
        return request

    def answered(self, response, **_):
        response.signer_saw = True
        return response

class Other(Signer):
    def __call__(self, request):
        signed = request.copy()
        signed.headers["X-Other"] = "yes"
        return signed

class Outer:
    class Inner(Signer):
        pass

def broken(*_, **__):
    raise RuntimeError("w0nderland is wrong")

def nothing():
    return None
"""


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the profiles file; a package of somebody's is there to be imported."""
    (tmp_path / "signers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "signers", raising=False)
    monkeypatch.setenv("PASSWORD", PASSWORD)
    return home


def write(folder: Path, path: str, more: str = "") -> Path:
    """A profiles file with a profile of this class."""
    return profiles_file.written(folder, f'[profiles.work]\nflow = "class"\nclass = "{path}"\n{more}\n')


def signed(file: Path, url: str = "https://api.acme.com/", name: str = "work") -> requests.PreparedRequest:
    """A request that the profile has signed."""
    return requests.Request("GET", url, auth=profile(name, file=file)).prepare()


def test_it_signs(folder: Path) -> None:
    """An object of it is made with args and options, the secrets in them looked up, at any depth."""
    file = write(
        folder,
        "signers:Signer",
        'args = ["alice", { env = "PASSWORD" }, [{ env = "PASSWORD" }]]\n'
        'options = { region = "eu", deep = { key = { env = "PASSWORD" } }, port = 5 }',
    )
    said = ("alice", PASSWORD, [PASSWORD]), {"region": "eu", "deep": {"key": PASSWORD}, "port": 5}
    assert signed(file).headers["X-Signed"] == "{} {}".format(*said)


def test_it_is_made_once(folder: Path) -> None:
    """And not before the first request."""
    file = write(folder, "signers:Signer")
    auth = profile("work", file=file)
    assert "signers" not in sys.modules
    for _ in range(3):
        requests.Request("GET", "https://api.acme.com/", auth=auth).prepare()
    assert sys.modules["signers"].Signer.made == 1


@pytest.mark.parametrize("path", ["signers:Other", "signers:Outer.Inner"])
def test_other_forms(folder: Path, path: str) -> None:
    """A class that gives another request back, and one inside another."""
    headers = signed(write(folder, path)).headers
    assert {"X-Other", "X-Signed"} & {*headers}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.at_all:X", "cannot import nowhere.at_all"),
        ("signers:Nobody", "signers has no Nobody"),
        ("signers:broken", "cannot be made with these args and options: RuntimeError"),
        ("signers:nothing", "is no requests auth"),
        ("requests.auth:HTTPDigestAuth", "cannot be made with these args and options: TypeError"),
    ],
)
def test_a_class_that_is_none(folder: Path, path: str, message: str) -> None:
    """The error names class and profile, and shows nothing of what the class was given."""
    file = write(folder, path, "" if path.endswith("nothing") else 'args = [{ env = "PASSWORD" }]')
    with pytest.raises(ConfigurationError) as caught:
        signed(file)
    assert caught.value.message == f"{path}, the class of work, {message}"
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert PASSWORD not in "".join(shown.format())


def test_a_secret_that_is_not_there(folder: Path) -> None:
    """It is an error of its own, with the line and the key."""
    file = write(folder, "signers:Signer", 'options = { key = { env = "NOT_SET" } }')
    with pytest.raises(SecretUnavailable, match=r":4: profile 'work', options.key = \{ env = \"NOT_SET\" \}"):
        signed(file)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('class = "signers.Signer"', "is not a module and a class with a colon between them"),
        ('class = "a b:c"', "is not a module and a class with a colon between them"),
        ('class = "a:b"\nargs = "x"', "is text, not a list"),
        ('class = "a:b"\noptions = []', "is a list, not a table"),
        ('class = "a:b"\nargs = [{ env = 5 }]', "item 1 its env is a number, not text"),
        ('class = "a:b"\noptions = { a = { b = { command = [] } } }', "its command is an empty list"),
        ('class = "a:b"\nheader_name = "X"', "is not a key of flow 'class'"),
    ],
)
def test_a_fault(folder: Path, line: str, message: str) -> None:
    """It is told when the file is read."""
    (fault,) = profiles_file.faults(folder, f'[profiles.work]\nflow = "class"\n{line}\n')
    assert fault.message == message


def test_the_hint_for_a_dotted_path(folder: Path) -> None:
    """It is what was meant."""
    (fault,) = profiles_file.faults(folder, '[profiles.work]\nflow = "class"\nclass = "signers.Signer"\n')
    assert fault.hint == 'class = "signers:Signer"'


class TestReach:
    """What the class wrote goes where the profile says, and nowhere else."""

    def test_hosts(self, folder: Path) -> None:
        """It is not even made for another host."""
        file = write(folder, "signers:Signer", 'hosts = ["api.acme.com"]')
        with pytest.raises(HostNotAllowed, match=r"^work is not for https://evil\.com"):
            signed(file, "https://evil.com/")
        assert "signers" not in sys.modules

    def test_a_redirect_to_another_server(self, folder: Path) -> None:
        """No header that it added goes along, nor does what it does with answers."""
        file = write(folder, "signers:Signer")
        with RawServer(http(200)) as other, RawServer(http(307, Location=other.url)) as server:
            response = requests.get(server.url, auth=profile("work", file=file), timeout=10)
        assert b"X-Signed" in server.requests[0]
        assert b"Signed" not in other.requests[0]
        assert (hasattr(response.history[0], "signer_saw"), hasattr(response, "signer_saw")) == (True, False)

    def test_a_redirect_on_the_server(self, folder: Path) -> None:
        """There it goes along."""
        file = write(folder, "signers:Signer")
        with RawServer(http(307, Location="/there"), http(200)) as server:
            requests.get(server.url, auth=profile("work", file=file), timeout=10)
        assert b"X-Signed" in server.requests[1]


def test_beside_another(folder: Path) -> None:
    """It composes, in the file too."""
    file = write(
        folder,
        "signers:Signer",
        '[profiles.key]\nflow = "api-key"\napi_key = "k"\n[profiles.both]\ncompose = ["work", "key"]',
    )
    assert {"X-Signed", "X-API-Key"} <= {*signed(file, name="both").headers}


def test_it_has_no_token(folder: Path) -> None:
    """Nobody knows what it would be."""
    with pytest.raises(ConfigurationError, match="work has no token"):
        profile("work", file=write(folder, "signers:Signer")).token()
