"""`requests-auth import --python FILE`: whatever stands in the file, it ends in profiles or in our error."""

import io
import os
import tempfile
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles.cli import run
from requests_auth_profiles.cli.conversion import KINDS

SECRET = "canary-s3cret"
START = "import os, functools\nfrom requests_auth import *\n"


def imported(text: str | bytes) -> tuple[int, str, str]:
    """Imports a file; what is printed loads without a fault, and shows no secret."""
    with tempfile.TemporaryDirectory() as folder:
        file, written = Path(folder, "program.py"), Path(folder, "profiles.toml")
        file.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["import", "--python", str(file)])
        written.write_text(out.getvalue(), "ascii")
        written.chmod(0o644)
        if names := list(tomllib.loads(out.getvalue()).get("profiles", {})):
            assert ProfilesFile.read(written).names == names
            with redirect_stdout(io.StringIO()):
                assert run(["check", "--file", str(written)]) == 0
    assert SECRET not in out.getvalue() + err.getvalue()
    assert code == 0 or err.getvalue()
    return code, out.getvalue(), err.getvalue()


GREAT = "9" * 5000
HOST = "OktaImplicit('a.okta.com', 'me', "
STRANGE = {
    "a long number": f"x = {HOST}timeout={GREAT})",
    "a long hexadecimal number": f"x = {HOST}timeout=0x{'f' * 9000}, prompt=-0x{'f' * 9000})",
    "infinity": f"x = {HOST}early_expiry=1e999)",
    "nested deep": "(" * 5000 + ")" * 5000,
    "a long sum": f"x = Basic({'+'.join(['1'] * 2500)}, 'p')",
    "a long path": f"x = Basic(a{'.b' * 2000}, 'p')\nrequests_auth{'.b' * 2500}()",
    "a long chain": f"x = a{'.b()' * 1000}",
    "many branches": "if a: pass\n" + "elif b: pass\n" * 1000 + "else: x = Basic('u', 'p')",
    "doubled text": "a = 'x'\n" + "a = a + a\n" * 60 + "x = Basic(a, 'p')",
    "doubled dict": "a = {}\n" + "a = {**a, **a}\n" * 60 + "x = Basic(**a)",
    "doubled list": "a = []\n" + "a = [*a, *a]\n" * 60 + "x = Basic(*a)",
    "half characters": "x = OktaAuthorizationCode('a.okta.com', 'me', prompt='\\ud800',"
    " login_hint='\\0\\u2028')",
    "a strange keyword": f"x = {HOST}**{{'a \\n {SECRET}': 1, '\\x1b': 2}})",
    "a newer Python": "def f[T](x: T) -> T: ...\ntype X = int\nt'{x}'",
    "UTF-16": f"{START}x = Basic('u', '{SECRET}')".encode("utf-16"),
    "no UTF-8": START.encode() + b"x = Basic('\xe9', 'p')",
    "no encoding of text": b"# coding: hex\nx",
    "an unknown encoding": b"# coding: nothing\nx",
    "a null": START.encode() + b"\0",
    "a name that is bound again and again": "".join(f"x = '{i}'\nBasic(x, 'p')\n" for i in range(1800)),
    "too long": b"#" * 1024 * 1024 + b"\n",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_files(home: Path, text: str | bytes) -> None:
    """It ends in output or in our error."""
    imported(text if isinstance(text, bytes) else START + text)


def test_no_file_that_can_be_read(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is a mistake in the command."""
    assert run(["import", "--python", str(home)]) == 2
    assert str(home) in capsys.readouterr().err


@pytest.mark.platform("linux")
def test_a_pipe(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What another program writes is read, as by `<(…)` of a shell."""
    ours, theirs = os.pipe()
    os.write(theirs, f"{START}x = Basic('u', '{SECRET}')".encode())
    os.close(theirs)
    assert run(["import", "--python", f"/dev/fd/{ours}"]) == 0
    os.close(ours)
    assert "[profiles.x]" in capfd.readouterr().out


def test_many_auths(home: Path) -> None:
    """A thousand that share their name each have their own."""
    out = imported(START + "x = Basic('u', 'p')\n" * 1000)[1]
    assert len(tomllib.loads(out)["profiles"]) == 1000


CHAIN = [f"class C{i}(C{i - 1}, C{i - 2}, C{i - 3}): pass\n" for i in range(3000)]
INTRICATE = {
    "a chain of classes": "".join(CHAIN) + "".join(f"C{i}()\n" for i in reversed(range(3000))),
    "a name of many modules": "".join(f"import a{i} as x\n" for i in range(3000)) + "x.y()\n" * 3000,
    "many stars": "".join(f"from a{i} import *\n" for i in range(3000)) + "f()\n" * 3000,
    "a long __init__": "class A(Basic):\n def __init__(self, u):\n  super().__init__(u, 'p')\n"
    + "".join(f"  x{i} = 1\n" for i in range(3000))
    + "A('u')\n" * 3000,
    "very many auths": "".join(f"Basic('u', '{SECRET}{i}')\n" for i in range(20_000)),
}


@pytest.mark.parametrize("text", INTRICATE.values(), ids=INTRICATE)
def test_intricate_programs(home: Path, text: str) -> None:
    """What would take minutes to follow is given up, and that is told."""
    code, out, err = imported(START + text)
    assert (code, out) == (1, "")
    assert "leads to and fro more than can be followed" in err


SHORT = {
    "the same star": "from a import *\n" * 5000 + "f()\n" * 10_000 + "x = Basic('u', 'p')",
    "a chain from its start": "class C0(Basic): pass\n"
    + "".join(f"class C{i}(C{i - 1}): pass\n" for i in range(1, 1000))
    + "x = C9('u', 'p')",
    "a list that is changed again and again": "a = []\n" + "a.append(1)\n" * 8000 + "x = Basic('u', 'p')",
}


@pytest.mark.parametrize("text", SHORT.values(), ids=SHORT)
def test_long_programs(home: Path, text: str) -> None:
    """What is long and no more than that is followed."""
    assert "[profiles.x]" in imported(START + text)[1]


NAMES = st.sampled_from(["a", "b", "self", "os", "Basic", "functools", "x"])
TEXTS = st.sampled_from(
    ["u", "a.okta.com", "https://a.com/t", "{token}", "\\ud800", "\\n", '"', "#", "é", ""]
)
EXPRESSIONS = st.recursive(
    st.one_of(
        NAMES,
        TEXTS.map(lambda text: f"'{text}'"),
        st.integers().map(str),
        st.just("None"),
        TEXTS.map(lambda text: f"os.environ['{text}']"),
    ),
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("[{}, *{}]".format, inner, inner),
        st.builds("{{'username': {}, **{}}}".format, inner, inner),
        st.builds("dict(password={})".format, inner),
        st.builds("f'{{{}}}'".format, NAMES),
        st.builds("{}[{}]".format, NAMES, inner),
        st.builds("{}.{}".format, NAMES, NAMES),
        st.builds("os.getenv({}, {})".format, inner, inner),
        st.builds("functools.partial({}, {})".format, NAMES, inner),
    ),
    max_leaves=6,
)
SECRET_THIRD = [name for name in sorted(KINDS) if name.endswith("Credentials")]
KEYWORDS = st.sampled_from(
    ["scope", "timeout", "header_name", "prompt", "claims", "session", "tenant", "nonce"]
)
CALLS = st.builds(
    "{}({}, **{}, {}={})".format,
    st.sampled_from(sorted(KINDS)),
    EXPRESSIONS,
    EXPRESSIONS,
    KEYWORDS,
    EXPRESSIONS,
) | st.builds(f"{{}}({{}}, {{}}, '{SECRET}')".format, st.sampled_from(SECRET_THIRD), EXPRESSIONS, EXPRESSIONS)
STATEMENTS = st.one_of(
    st.builds("{} = {}".format, NAMES, EXPRESSIONS),
    st.builds("{}['password'] = {}".format, NAMES, EXPRESSIONS),
    st.builds("{} += {}".format, NAMES, EXPRESSIONS),
    st.builds("{} = {}".format, NAMES, CALLS),
    st.builds(
        "class {}({}):\n def __init__(self, a, *b, **x): super().__init__(a, {}, '{}')".format,
        NAMES,
        NAMES,
        EXPRESSIONS,
        st.just(SECRET),
    ),
    st.builds("if x:\n {} = {}".format, NAMES, CALLS),
    st.builds("def {}({}={}):\n global b\n b = {}".format, NAMES, NAMES, EXPRESSIONS, CALLS),
    st.builds("{}({}, '{}')".format, NAMES, EXPRESSIONS, st.just(SECRET)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(program=st.lists(STATEMENTS, min_size=1, max_size=8), cut=st.none() | st.integers(0, 400))
def test_programs(home: Path, program: list[str], cut: int | None) -> None:
    """Whatever a program says, and wherever it is cut, what is printed loads and shows no secret."""
    imported((START + "\n".join(program))[:cut])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_changed_programs(home: Path, data: st.DataObject) -> None:
    """A program in which some bytes are others ends in profiles or in our error."""
    program = bytearray(
        Path(__file__).with_name("test_import_python.py").read_bytes()[:4000] + START.encode()
    )
    program += f"x = OktaClientCredentials('a.okta.com', 'me', '{SECRET}', scope='a')".encode()
    for place in data.draw(st.lists(st.integers(0, len(program) - 40), min_size=1, max_size=4)):
        program[place] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "program.py")
        file.write_bytes(program)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            assert run(["import", "--python", str(file)]) in {0, 1}
