"""The demo: the main job on servers of its own, in one command, that fails where a step does."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import RunProgram

# A browser that follows redirects, and presses the button where it is asked to.
BROWSER = """
import sys, urllib.request
url = sys.argv[1]
text = urllib.request.urlopen(url).read().decode()
if "<form" in text:
    urllib.request.urlopen(url, b"approve=yes").read()
"""
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def test_the_demo_shows_each_step(home: Path, run_cli: RunProgram) -> None:
    """It ends with 0, and shows the headers, the second process, the document, and a file that is TOML."""
    done = run_cli("demo")
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert re.search(r"sent +X-API-Key: demo-key-\w+\n", said)
    assert len(re.findall(r"sent +Authorization: Bearer [\w-]{10,20}…\n", said)) == 3
    assert said.count("✓ 200 ") == 4
    assert '✓ {"hello": "nightly", "by": ["bearer"]}, and no token was asked for' in said
    assert '"alg": "A256GCM"' in said
    assert "✓ none of its 3 tokens stands in any file of the demo" in said
    file = said[said.index('default_profile = "nightly"') : said.index("To begin a file of your own")]
    assert list(tomllib.loads(file)["profiles"]) == ["gateway", "nightly", "me", "partner"]


def test_the_demo_leaves_nothing_behind(
    home: Path, run_cli: RunProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is gone when it ends, and it has not touched the person's own."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    assert run_cli("demo").returncode == 0
    assert list(temporary.iterdir()) == []
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"CI": "true"},
        {"REQUESTS_AUTH_PROFILE": "nope", "REQUESTS_AUTH_PROFILES_FILE": "/nowhere.toml"},
        {"REQUESTS_AUTH_STORE": "/nowhere", "REQUESTS_AUTH_STORE_KEY": "no key"},
        {"REQUESTS_AUTH_INTERACTIVE": "0"},
        {"BROWSER": "/bin/false"},
        {"PYTHONIOENCODING": "ascii"},
        PROXIES,
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_the_demo_heeds_no_setting_of_the_person(
    home: Path, run_cli: RunProgram, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    """Whatever is set for other work, the demo works."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    done = run_cli("demo")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_the_demo_in_the_own_browser(
    home: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunProgram
) -> None:
    """With --browser the person's browser opens, and its page asks before it signs in."""
    script = home / "browser.py"
    script.write_text(BROWSER, "utf-8")
    monkeypatch.setenv("BROWSER", shlex.join([sys.executable, str(script), "%s"]))
    done = run_cli("demo", "--browser")
    assert done.returncode == 0, done.stderr
    assert "you sign in with your browser" in done.stdout


def test_a_demo_that_fails_says_so(run_python: RunProgram) -> None:
    """Where there is no place for its files it ends with 1, without a traceback."""
    begin = "import sys, tempfile; tempfile.tempdir = '/proc/nowhere'; sys.argv[1:] = ['demo']"
    done = run_python("-c", f"{begin}; from requests_auth_profiles.cli import main; main()")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
