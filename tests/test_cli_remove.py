"""`requests-auth remove NAME`: one profile less, and every other byte as it was."""

import tomllib
from pathlib import Path

import profiles_file
import pytest
from conftest import RunProgram
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles_file import KEY

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._token import Token
from requests_auth_profiles.cli.statements import with_profile, without_profile
from requests_auth_profiles.cli.written import profile_lines
from requests_auth_profiles.stores import FileStore
from requests_auth_profiles.stores.keys import key_files

NTLM = 'flow = "ntlm"\n'
TEXT = f"{KEY}description = '''\n[profiles.new]\n'''\n"


FORMS = {
    "a table": (f"{KEY}\n[profiles.new]\n{NTLM}", KEY),
    "the first table": (f"[profiles.new]\n{NTLM}\n{KEY}", KEY),
    "in the middle": (f"[profiles.a]\n{NTLM}\n[profiles.new]\n{NTLM}\n{KEY}", f"[profiles.a]\n{NTLM}\n{KEY}"),
    "close together": (f"[profiles.a]\n{NTLM}[profiles.new]\n{NTLM}{KEY}", f"[profiles.a]\n{NTLM}{KEY}"),
    "its sub-tables, apart": (
        f"[profiles.new]\n{NTLM}\n{KEY}\n[profiles.new.when.ci]\ndescription = 'x'\n",
        KEY,
    ),
    "its comments": (
        f"# of work\n{KEY}\n# of new\n# too\n[profiles.new]\n# inside\n{NTLM}# and\n# below\n\n# the end\n",
        f"# of work\n{KEY}\n# the end\n",
    ),
    "the comment of the next": (f"[profiles.new]\n{NTLM}# of work\n{KEY}", f"# of work\n{KEY}"),
    "the top of the file": (
        f"#:schema x\n# ours\n[profiles.new]\n{NTLM}\n{KEY}",
        f"#:schema x\n# ours\n\n{KEY}",
    ),
    "quoted": (f'{KEY}\n[ profiles . "new" ]# x\n{NTLM}', KEY),
    "dotted keys": (
        "[profiles]\na.flow = 'ntlm'\n# new\nnew.flow = 'command'\nnew.command = [\n 'x']\nb.flow='ntlm'\n",
        "[profiles]\na.flow = 'ntlm'\nb.flow='ntlm'\n",
    ),
    "dotted from the root": (f"profiles.new.flow = 'ntlm'\n{KEY}", KEY),
    "an inline table": (f"[profiles]\nnew = {{ flow = 'ntlm' }}\n\n{KEY}", f"[profiles]\n\n{KEY}"),
    "a header in a text": (
        f"{TEXT}[profiles.new]\n{NTLM}description = '''\n[profiles.a]\n'''\n",
        TEXT,
    ),
    "other line ends": (f"{KEY}\n[profiles.new]\n{NTLM}".replace("\n", "\r\n"), KEY.replace("\n", "\r\n")),
    "no line end": (f"{KEY}\n[profiles.new]\n{NTLM}".rstrip(), KEY.rstrip()),
    "the only one": (f"[profiles.new]\n{NTLM}", ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_only_the_profile_goes(home: Path, cli: RunProgram, form: str) -> None:
    """Its tables, keys and comments go, however they are written, and nothing else does."""
    before, after = FORMS[form]
    path = profiles_file.written(home, before)
    done = cli("--file", str(path), "remove", "new", "--yes")
    assert (done.returncode, done.stdout) == (0, "")
    assert path.read_bytes().decode() == after


@pytest.mark.parametrize(
    ("text", "line"),
    [("# x\nprofiles = { work = { flow = 'ntlm' }, new = { flow = 'ntlm' } }\n", 2)],
)
def test_what_cannot_be_taken_out_alone(home: Path, cli: RunProgram, text: str, line: int) -> None:
    """A profile in one statement with others is told with its line, and the file is as it was."""
    path = profiles_file.written(home, text)
    done = cli("--file", str(path), "remove", "new", "--yes")
    assert done.returncode == 1
    assert f"{path}:{line}: new is written in one statement with others" in done.stderr
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (f'[profiles.new]\n{NTLM}[profiles.child]\nextends = "new"\n', "extended by 'child'"),
        (f'[profiles.new]\n{NTLM}[profiles.both]\ncompose = ["new"]\n', "composed by 'both'"),
        (
            f'[profiles.new]\n{NTLM}[profiles.both]\n{NTLM}[profiles.both.when.ci]\ncompose = ["new"]\n',
            "composed by 'both'",
        ),
    ],
)
def test_what_others_need_stays(home: Path, cli: RunProgram, more: str, said: str) -> None:
    """A profile that others extend or compose is not removed; they are named."""
    path = profiles_file.written(home, KEY + more)
    done = cli("--file", str(path), "remove", "new", "--yes")
    assert done.returncode == 1
    assert f"new is still {said}" in done.stderr
    assert path.read_text("utf-8") == KEY + more


def test_the_default_stays(home: Path, cli: RunProgram) -> None:
    """The profile that is meant where none is named is not removed."""
    path = profiles_file.written(home, f'default_profile = "work"\n{KEY}')
    assert "work is still the default_profile" in cli("--file", str(path), "remove", "work", "--yes").stderr
    assert ProfilesFile.read(path).names == ["work"]


def test_a_profile_of_another_file(home: Path, cli: RunProgram) -> None:
    """A profile of a file that is included is removed there, and that file is named."""
    team = home / "team.toml"
    team.write_text(f"[profiles.new]\n{NTLM}", "utf-8")
    team.chmod(0o600)
    path = profiles_file.written(home, f'include = ["team.toml"]\n{KEY}')
    done = cli("--file", str(path), "remove", "new", "--yes")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        [
            f"error: new is not in {path} but in {team}",
            f"hint: requests-auth remove new --file {team}",
        ],
    )


def test_its_token_is_forgotten(home: Path, cli: RunProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept for it goes too, and what was kept for others stays."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))
    store = FileStore(home / "store", key_files(home / ".local/share/requests-auth/keys"))
    for name in ("new", "work"):
        store.set(name, Token(access_token="t", issued_for="x"))
    path = profiles_file.written(home, f"{KEY}[profiles.new]\n{NTLM}")
    done = cli("--file", str(path), "remove", "new", "--yes")
    assert done.stderr == f"Took new out of {path}: 1 profile left.\nForgot the token of new.\n"
    assert store.keys() == ["work"]


def test_it_is_asked_first(home: Path, cli: RunProgram) -> None:
    """Without a terminal to ask at, --yes is needed."""
    path = profiles_file.written(home, KEY)
    done = cli("--file", str(path), "remove", "work")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "Error: there is no terminal to ask at: say --yes",
    )
    assert path.read_text("utf-8") == KEY


names = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)
blanks = st.sampled_from(["", "\n", "\n\n", "# a comment\n", "\n# one\n# two\n\n", "  \n", "#:schema x\n"])
headers = st.sampled_from(
    ["[profiles.{}]\n", '[ profiles."{}" ] # x\n', "[profiles.{}.http]\n", "[other.{}]\n"]
)
pairs = st.sampled_from(
    [
        'flow = "ntlm"\n',
        "hosts = [ # a\n  'a.com', # ]\n\n]\n",
        "description = '''\n[profiles.zz]\n# x\n'''\n",
        'a."b c".d = { x = "}" } # "\n',
        'text = """\\\n  \\"""" # """\n',
    ]
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file of TOML, with tables, comments and blank lines of all forms."""
    text = draw(blanks)
    for name in draw(st.lists(names, max_size=5, unique=True)):
        text += draw(headers).format(name) + draw(blanks)
        text += "".join(draw(st.lists(pairs, max_size=3, unique=True))) + draw(blanks)
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return text.rstrip("\r\n") if draw(st.booleans()) else text


@settings(max_examples=300, deadline=None)
@given(text=files())
def test_what_is_added_and_removed_leaves_no_trace(text: str) -> None:
    """A profile that is added and removed again leaves every byte as it was."""
    tomllib.loads(text)
    lines = list(profile_lines("zzz-new", {"flow": "bearer", "token": {"env": "A"}, "hosts": ["a.com"]}))
    added = with_profile(text, lines)
    assert added.startswith(text)
    assert tomllib.loads(added)["profiles"]["zzz-new"]["token"] == {"env": "A"}
    assert without_profile(added, "zzz-new") == text


@settings(max_examples=300, deadline=None)
@given(text=files(), data=st.data())
def test_the_others_say_the_same(text: str, data: st.DataObject) -> None:
    """Whichever profile is removed, all others have the same values, and every line left was there."""
    before = tomllib.loads(text)
    profiles = before.get("profiles", {})
    if not profiles:
        return
    name = data.draw(st.sampled_from(sorted(profiles)))
    left = without_profile(text, name)
    after = tomllib.loads(left)
    del profiles[name]
    assert after.get("profiles", {}) == profiles
    assert after.get("other") == before.get("other")
    lines = iter(text.splitlines())
    assert all(line in lines for line in left.splitlines())  # in their order
