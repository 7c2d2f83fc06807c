"""by_host(): which profile signs a request."""

from pathlib import Path

import pytest
import requests
from profiles_file import MARK, marked, written

from requests_auth_profiles import by_host, profile
from requests_auth_profiles.errors import ProfilesFileError


def key(name: str, *hosts: str) -> str:
    """A profile whose key is its name."""
    said = "".join(f'"{host}",' for host in hosts)
    line = f"hosts = [{said}]\n" if hosts else ""
    return f'[profiles.{name}]\nflow = "api-key"\napi_key = "{name}"\n{line}\n'


def sent(url: str, file: Path) -> str | bytes | None:
    """The key that goes to a URL."""
    return requests.Request("GET", url, auth=by_host(file=file)).prepare().headers.get("X-API-Key")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.acme.com/", "exact"),
        ("https://api.acme.com/v2", "below"),
        ("https://api.acme.com/v2/me?x=1", "below"),
        ("https://api.acme.com/v20", "exact"),
        ("https://api.acme.com/v2/../x", "exact"),
        ("https://api.acme.com:8443/", "port"),
        ("https://www.acme.com/", "wild"),
        ("https://a.eu.acme.com/", "narrow"),
        ("https://acme.com/", None),
        ("https://evil-acme.com/", None),
        ("https://api.acme.com.evil.com/", None),
        ("https://elsewhere.com/", None),
        ("https://api.acme.com@evil.com/", None),
    ],
)
def test_the_narrowest(tmp_path: Path, url: str, name: str | None) -> None:
    """It counts, in whatever order the file has them; where none is for a URL, nothing is added."""
    profiles = [
        key("everywhere"),
        key("wild", "*.acme.com"),
        key("narrow", "*.eu.acme.com"),
        key("exact", "api.acme.com"),
        key("port", "api.acme.com:8443"),
        key("below", "https://api.acme.com/v2/"),
    ]
    for text in ("".join(profiles), "".join(reversed(profiles))):
        assert sent(url, written(tmp_path, text)) == name


def test_two_for_the_same(tmp_path: Path) -> None:
    """It is an error when it is made, with the line of the second one and the name of the first."""
    text = key("a", "api.acme.com") + key("b", "x.com").replace(
        '"x.com",', f'\n  "x.com",\n  "API.acme.com", {MARK}\n'
    )
    with pytest.raises(ProfilesFileError) as caught:
        by_host(file=written(tmp_path, text))
    (fault,) = caught.value.faults
    assert ([fault.line], fault.profile, fault.key) == (marked(text), "b", "hosts.1")
    assert "as does profile 'a'" in fault.message
    assert profile("a", file=tmp_path / "profiles.toml").name == "a"


def test_a_composition(tmp_path: Path) -> None:
    """A composition with hosts is taken as any other profile."""
    text = key("a") + '[profiles.both]\ncompose = ["a"]\nhosts = ["api.acme.com"]\n'
    assert sent("https://api.acme.com/", written(tmp_path, text)) == "a"


def test_one_to_be_extended(tmp_path: Path) -> None:
    """A profile that is not whole is never taken."""
    base = '[profiles.base]\nhosts = ["api.acme.com"]\n'
    text = f'{base}[profiles.a]\nextends = "base"\nflow = "api-key"\napi_key = "a"\n'
    assert sent("https://api.acme.com/", written(tmp_path, text)) == "a"


def test_a_changed_file(tmp_path: Path) -> None:
    """It is seen by the next request."""
    auth = by_host(file=written(tmp_path, key("a", "api.acme.com")))
    written(tmp_path, key("other", "api.acme.com"))
    request = requests.Request("GET", "https://api.acme.com/", auth=auth).prepare()
    assert request.headers["X-API-Key"] == "other"


def test_beside_another(tmp_path: Path) -> None:
    """It composes as all authentications do."""
    auth = by_host(file=written(tmp_path, key("a", "api.acme.com"))) & ("ada", "x")
    request = requests.Request("GET", "https://api.acme.com/", auth=auth).prepare()
    assert {"X-API-Key", "Authorization"} <= {*request.headers}


def test_its_repr(tmp_path: Path) -> None:
    """It names the profiles and no secret."""
    assert repr(by_host(file=written(tmp_path, key("a", "x.com", "y.com")))) == "<HostAuth: 'a'>"
