"""The kinds of values in a profiles file: what each may be and may not be, and what it is then read as."""

from pathlib import Path
from urllib.parse import urlsplit

import profiles_file
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles_file import KEY, MACHINE, PERSON, TOKEN

from requests_auth_profiles._config import addresses, kinds
from requests_auth_profiles._config.kinds import Kind
from requests_auth_profiles._config.spec import ApiKey, Bearer, Compose, Redirect
from requests_auth_profiles._hosts import HostPattern, is_confidential, is_plain

# For each key: a profile that may have it, what it may be, and what it may not be; | stands between values.
URLS = (
    r"""
        "https://a.com" | "https://a.com/" | "HTTPS://A.com:8443/t?x=1&y=%20"
        "https://[2001:db8::1]/t" | "https://[::1]:8443/" | "http://localhost:8080/t"
        "http://127.0.0.1/t" | "http://[::1]/t" | "https://xn--bcher-kva.example/"
    """,
    r"""
        "" | 5 | [] | "a.com" | "//a.com" | "ftp://a.com/" | "https:a.com" | "https://" | "https:///t"
        "https://bob@a.com/" | "https://bob:pw@a.com/" | "https://a.com/#" | "https://a.com/#top"
        "http://a.com/" | "http://localhost.a.com/" | "http://128.0.0.1/" | "http://127.0.0.1.a.com/"
        "https://bücher.example/" | "https://a.com/ü" | "https://a.com/ x" | "https://a.com\\@b.com/"
        "https://a..com/" | "https://-a.com/" | "https://a.com:/" | "https://a.com:0/"
        "https://a.com:65536/" | "https://a.com:x/" | "https://[::1/" | "https://[::g]/"
        "https://[127.0.0.1]/" | "https://a.com/\n" | " https://a.com/"
    """,
)
VALUES: dict[str, tuple[str, str, str]] = {
    "token_url": (PERSON, *URLS),
    "revocation_url": (PERSON, *URLS),
    "redirect_port": (
        PERSON,
        "0 | 1 | 65535 | [5000] | [5000, 5001, 0]",
        '"5000" | "http" | "" | -1 | 65536 | true | 5000.0 | nan | [] | [[1]] | [1, -1] | 2030-01-01',
    ),
    "redirect_host": (
        PERSON,
        '"localhost" | "127.0.0.1" | "[::1]" | "login.acme.com"',
        '"::1" | "localhost:5000" | "http://localhost" | "local host" | "*" | "" | "bücher" | 5',
    ),
    "redirect_path": (
        PERSON,
        '"/" | "/callback" | "/a/b.c_d~e-f/"',
        '"callback" | "/a?b" | "/a#b" | "/a b" | "/%2e" | "/../a" | "/a/." | "/ü" | "" | 5 | []',
    ),
    "browser": (
        PERSON,
        '"firefox" | "/opt/a b/c" | "~/bin/b" | "C:/a b/c.exe" | ["a", "--b=%s"] | ["safari"]',
        r"""
        "" | [] | 5 | {} | ["a", 5] | ["a", ""] | "a --b" | "a %s" | ["a %s"] | "./a" | ["../a"] | 'bin\a.exe'
        """,
    ),
    "hosts": (
        KEY,
        '["a.com"] | ["*.a.com", "a.com:8443"] | ["https://a.com/v2/"] | ["[::1]"] | ["bücher.example"]',
        r"""
            "a.com" | [] | [5] | [""] | ["*"] | ["*.com"] | ["a.*.com"] | ["a.com:0"] | ["a.com:99999"]
            ["::1"] | ["ftp://a.com"] | ["bob@a.com"] | ["a.com?b"] | ["a b"] | ["a.com/../b"] | {}
        """,
    ),
    "allow_http": (
        KEY,
        "true | false",
        '"true" | "no" | 1 | 0 | []',
    ),
    "description": (
        KEY,
        r"""
            "" | "two\nlines" | "ü"
        """,
        "5 | [] | true",
    ),
    "scopes": (
        PERSON,
        '[] | ["a"] | ["https://a.com/.default", "b:c"] | "" | "a" | " a  b " | "a,b"',
        r"""
            5 | true | {} | ["a b"] | [""] | [5] | ["ü"] | "a, b" | '"a"' | ['a\b'] | "a\tb" | ["a,"]
        """,
    ),
    "audience": (
        PERSON,
        '"https://a.com" | "any text"',
        r"""
            "" | 5 | ["a"] | "a\nb" | "a\u202eb"
        """,
    ),
    "resource": (
        PERSON,
        '"https://a.com" | "api://acme" | "urn:a:b"',
        '"a" | "/a" | "https:" | "https://a.com/#b" | "urn:a b" | "urn:ü" | "" | 5',
    ),
    "early_expiry": (
        PERSON,
        "0 | 0.0 | 30 | 0.5 | 1_000_000",
        '"30" | "30s" | -1 | -0.1 | nan | inf | 1000001 | true | [] | 00:00:30',
    ),
    "timeout": (
        PERSON,
        "0.5 | 60",
        '0 | 0.0 | -1 | nan | inf | "60" | true',
    ),
    "header_name": (
        PERSON,
        '"X-Token" | "authorization" | "Cookie"',
        r"""
            "X Token" | "X:" | "X\r\nY" | "ü" | "" | 5 | "Host" | "content-length" | "Transfer-Encoding"
        """,
    ),
    "header_value": (
        PERSON,
        '"{token}" | "Token token={token}" | "{token}{x}"',
        r"""
            "Bearer" | "" | " {token}" | "{token} " | "ü {token}" | "{token}\r\nX: y" | 5
        """,
    ),
    "client_auth": (
        MACHINE,
        '"basic" | "post" | "none"',
        '"tls" | "BASIC" | "" | true | []',
    ),
    "authorize_params": (
        PERSON,
        '{} | { prompt = "login" } | { "a b" = "" }',
        '"a=b" | [] | { a = 5 } | { a = [] } | { "" = "a" } | { state = "a" } | { scope = "a" }',
    ),
    "token": (
        TOKEN,
        '"a b" | { env = "A" } | { file = "a" } | { file = "~/a b" } | { command = ["a"] }',
        r"""
            "" | "a\nb" | 5 | true | ["a"] | {} | { env = "" } | { env = 5 } | { env = "$A" } | { a = "b" }
            { env = "A=b" } | { env = "A", file = "b" } | { command = "a" } | { command = [] }
            { file = [] }
        """,
    ),
    "client_id": (
        PERSON,
        "",
        '"" | 5',
    ),
}
VARIABLES: dict[str, tuple[str, str, str]] = {
    "instance": (
        'provider = "okta"',
        '"acme.okta.com" | "localhost:8443"',
        '"https://a.com" | "a.com/x" | "a/../b"',
    ),
    "authorization_server": (
        'provider = "okta"\ninstance = "acme.okta.com"',
        '"default" | "aus1-_.~"',
        '"a/b" | ".." | "." | "" | "a?b" | "%2e%2e" | 5',
    ),
    "base_url": (
        'provider = "keycloak"\nrealm = "acme"',
        '"https://sso.acme.com/auth/" | "http://localhost:8080"',
        '"sso.acme.com" | "http://sso.acme.com" | "https://sso.acme.com/?a" | "https://bob@sso.acme.com"',
    ),
}


def each(table: dict[str, tuple[str, str, str]], column: int) -> list[tuple[str, str]]:
    """The keys of a table with each value of this column."""
    return [
        (key, value.strip())
        for key, row in table.items()
        for line in row[column].strip().splitlines()
        for value in line.split(" | ")
    ]


def with_line(key: str, value: str) -> str:
    """A file whose profile says this of a key, and nothing else of it."""
    lines = VALUES[key][0].splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(f"{key} =")) + f"{key} = {value}\n"


@pytest.mark.parametrize(("key", "value"), each(VALUES, 1))
def test_what_a_key_may_be(tmp_path: Path, key: str, value: str) -> None:
    """Such a value is read."""
    assert profiles_file.read(tmp_path, with_line(key, value)).profile("work").name == "work"


@pytest.mark.parametrize(("key", "value"), each(VALUES, 2))
def test_what_a_key_may_not_be(tmp_path: Path, key: str, value: str) -> None:
    """Such a value is one fault, of this key, in the last line, with something to type."""
    text = with_line(key, value)
    (fault,) = profiles_file.faults(tmp_path, text)
    assert (fault.profile, fault.key.partition(".")[0], fault.line) == ("work", key, text.count("\n"))
    assert fault.hint


@pytest.mark.parametrize(("key", "value"), each(VARIABLES, 1))
def test_what_a_variable_of_a_provider_may_be(tmp_path: Path, key: str, value: str) -> None:
    """Such a value is read."""
    text = f"{PERSON}{VARIABLES[key][0]}\n{key} = {value}\n"
    assert profiles_file.read(tmp_path, text).names == ["work"]


@pytest.mark.parametrize(("key", "value"), each(VARIABLES, 2))
def test_what_a_variable_of_a_provider_may_not_be(tmp_path: Path, key: str, value: str) -> None:
    """It cannot lead out of the place that it has in the provider's URLs."""
    text = f"{PERSON}{VARIABLES[key][0]}\n{key} = {value}\n"
    assert [fault.key for fault in profiles_file.faults(tmp_path, text)] == [key]


def test_what_holds_where_nothing_is_said(tmp_path: Path) -> None:
    """The defaults are those of the documentation."""
    found = profiles_file.oauth2(tmp_path, PERSON)
    assert found.redirect == Redirect(host="localhost", ports=(5000,), path="/")
    assert (found.header_name, found.header_value) == ("Authorization", "Bearer {token}")
    assert (found.early_expiry, found.timeout, found.scopes) == (30, 60, ())
    assert (found.client.client_secret, found.client.client_auth) == (None, "none")


@pytest.mark.parametrize("zero", ["0", "0.0"])
def test_no_early_expiry(tmp_path: Path, zero: str) -> None:
    """0 is 0, not the default."""
    assert profiles_file.oauth2(tmp_path, f"{PERSON}early_expiry = {zero}").early_expiry == 0


def test_any_free_port(tmp_path: Path) -> None:
    """0 is 0, not the default."""
    assert profiles_file.oauth2(tmp_path, f"{PERSON}redirect_port = 0").redirect.ports == (0,)


def test_ports_in_turn(tmp_path: Path) -> None:
    """A list keeps its order."""
    assert profiles_file.oauth2(tmp_path, f"{PERSON}redirect_port = [5002, 5001, 0]").redirect.ports == (
        5002,
        5001,
        0,
    )


@pytest.mark.parametrize("scopes", ['["openid", "a,b"]', '"openid a,b"', '"  openid   a,b "'])
def test_scopes_as_a_list_or_as_text(tmp_path: Path, scopes: str) -> None:
    """They are the same."""
    assert profiles_file.oauth2(tmp_path, f"{PERSON}scopes = {scopes}").scopes == ("openid", "a,b")


@pytest.mark.parametrize(("said", "kept"), [("", "basic"), ('"post"', "post"), ('"none"', "none")])
def test_client_authentication_with_a_secret(tmp_path: Path, said: str, kept: str) -> None:
    """Where there is a secret it is `basic`, unless something else is said."""
    line = f"client_auth = {said}" if said else ""
    assert profiles_file.oauth2(tmp_path, MACHINE + line).client.client_auth == kept


@pytest.mark.parametrize(("place", "name"), [("", "X-API-Key"), ('in = "query"', "api_key")])
def test_the_name_of_a_key(tmp_path: Path, place: str, name: str) -> None:
    """It depends on where the key goes, where none is said."""
    scheme = profiles_file.read(tmp_path, KEY + place).profile("work").scheme
    assert isinstance(scheme, ApiKey)
    assert scheme.name == name


def test_any_name_of_a_query_parameter(tmp_path: Path) -> None:
    """A parameter may have a name that no header can have."""
    text = f'{KEY}in = "query"\nname = "my key"'
    scheme = profiles_file.read(tmp_path, text).profile("work").scheme
    assert isinstance(scheme, ApiKey)
    assert scheme.name == "my key"


def test_a_token_in_a_header_of_its_own(tmp_path: Path) -> None:
    """A bearer token has a header and a form."""
    text = f'{TOKEN}token = "t"\nheader_name = "X-Token"\nheader_value = "{{token}}"'
    scheme = profiles_file.read(tmp_path, text).profile("work").scheme
    assert isinstance(scheme, Bearer)
    assert (scheme.token(), scheme.header_name, scheme.header_value) == ("t", "X-Token", "{token}")


def test_a_composition(tmp_path: Path) -> None:
    """Its members stay in order, and its flow is called `compose`."""
    text = f'{KEY}[profiles.a]\nextends = "work"\nname = "X-Other"\n[profiles.both]\ncompose = ["work", "a"]'
    found = profiles_file.read(tmp_path, text).profile("both")
    assert (found.flow, found.scheme) == ("compose", Compose(members=("work", "a")))


def test_where_a_credential_may_go(tmp_path: Path) -> None:
    """Hosts are read as patterns, in order; a host that is not ASCII is written as it is sent."""
    text = f'{KEY}hosts = ["Bücher.example", "https://a.com/v2/"]\nallow_http = true'
    found = profiles_file.read(tmp_path, text).profile("work")
    assert found.hosts == (
        HostPattern("", "xn--bcher-kva.example", None, ""),
        HostPattern("https", "a.com", None, "/v2"),
    )
    assert found.allow_http


@given(st.integers())
def test_any_number_as_a_port(number: int) -> None:
    """Ports are 0 to 65535."""
    assert (addresses.PORTS.problem(number) is None) == (0 <= number <= 65535)


@given(st.floats() | st.integers())
def test_any_number_of_seconds(number: float) -> None:
    """Seconds are finite and not below 0."""
    assert (kinds.SECONDS.problem(number) is None) == (0 <= number <= 1_000_000)


PIECES = ["a.com", "localhost", "[::1]", "127.0.0.1", ":80", "/", "?", "#", "@", ".", "%2f", "\\", "//"]


@settings(max_examples=500)
@given(
    st.tuples(
        st.sampled_from(["https://", "http://", ""]),
        st.lists(st.sampled_from(PIECES) | st.characters(), max_size=6).map("".join),
    ).map("".join)
)
def test_any_text_as_a_url(text: str) -> None:
    """What is accepted is read alike by everybody, has no user and no fragment, and stays between us two."""
    if addresses.URL.problem(text) is None:
        parts = urlsplit(text)
        assert (parts.username, parts.password, parts.fragment) == (None, None, "")
        assert is_confidential(text)
        assert is_plain(text, str(requests.Request("GET", text).prepare().url))


KINDS = [kind for module in (kinds, addresses) for kind in vars(module).values() if type(kind) is Kind]
ATOMS = st.none() | st.text(max_size=5) | st.integers() | st.floats() | st.dates()


@given(
    kind=st.sampled_from(KINDS), value=ATOMS | st.lists(ATOMS, max_size=3) | st.dictionaries(st.text(), ATOMS)
)
def test_any_value_of_any_kind(kind: Kind, value: object) -> None:
    """Whatever stands there is accepted or has one problem, told in words that do nothing to a terminal."""
    problem = kind.problem(value)
    assert problem is None or problem.message.isprintable()
