"""`extends`: what a profile has from its parents, and what is told of parents that are wrong."""

from pathlib import Path

import profiles_file
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles_file import KEY, MACHINE, MARK, PERSON

from requests_auth_profiles._config.inheritance import effectives
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._config.spec import ApiKey, Basic, Compose
from requests_auth_profiles.errors import ProfilesFileError

FAMILY = """
[profiles.acme]
flow = "authorization-code-pkce"
issuer = "https://login.acme.com"
scopes = ["openid", "email"]
hosts = ["api.acme.com", "*.acme.com"]
timeout = 5
authorize_params = { prompt = "login", acr_values = "1" }

[profiles.dev]
extends = "acme"
client_id = "dev"

[profiles.test]
extends = "dev"
client_id = "test"
scopes = ["read"]
hosts = ["test.acme.com"]
early_expiry = 0
authorize_params = { prompt = "none", login_hint = "bob" }
"""


class TestWhatAChildHas:
    """Its own keys, its parent's where it has none, and so on."""

    def test_a_parents_keys(self, tmp_path: Path) -> None:
        """What it does not say itself, its parent says."""
        found = profiles_file.oauth2(tmp_path, FAMILY, "dev")
        assert (found.client.client_id, found.scopes, found.timeout) == ("dev", ("openid", "email"), 5)

    def test_a_chain(self, tmp_path: Path) -> None:
        """A grandparent's keys hold too, and what is nearer counts more."""
        found = profiles_file.oauth2(tmp_path, FAMILY, "test")
        assert found.endpoints == {"issuer": "https://login.acme.com"}
        assert (found.client.client_id, found.timeout, found.early_expiry) == ("test", 5, 0)

    def test_lists_replace(self, tmp_path: Path) -> None:
        """A list of the child stands alone: hosts of a parent are not among its own."""
        found = profiles_file.read(tmp_path, FAMILY).profile("test")
        assert [pattern.host for pattern in found.hosts] == ["test.acme.com"]

    def test_tables_merge(self, tmp_path: Path) -> None:
        """A table is added to, key by key."""
        assert profiles_file.oauth2(tmp_path, FAMILY, "test").authorize_params == {
            "prompt": "none",
            "acr_values": "1",
            "login_hint": "bob",
        }

    def test_a_parent_is_as_it_was(self, tmp_path: Path) -> None:
        """What a child adds, its siblings and parents do not see."""
        found = profiles_file.oauth2(tmp_path, FAMILY, "dev")
        assert found.authorize_params == {"prompt": "login", "acr_values": "1"}

    def test_an_empty_table_clears_nothing(self, tmp_path: Path) -> None:
        """There is nothing to merge in it."""
        text = f'{FAMILY}[profiles.more]\nextends = "dev"\nauthorize_params = {{}}'
        assert profiles_file.oauth2(tmp_path, text, "more").authorize_params["prompt"] == "login"

    def test_a_reference_replaces_a_reference(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A secret is not a table that merges: of two references there would be none that is right."""
        monkeypatch.setenv("CHILD_KEY", "k3y")
        text = f'{KEY}[profiles.child]\nextends = "work"\napi_key = {{ env = "CHILD_KEY" }}'
        scheme = profiles_file.read(tmp_path, text).profile("child").scheme
        assert isinstance(scheme, ApiKey)
        assert scheme.api_key() == "k3y"

    def test_a_child_before_its_parent(self, tmp_path: Path) -> None:
        """The order of the file does not matter, nor change."""
        text = f'[profiles.child]\nextends = "work"\nname = "X-Key"\n{KEY}'
        file = profiles_file.read(tmp_path, text)
        scheme = file.profile("child").scheme
        assert isinstance(scheme, ApiKey)
        assert (scheme.name, file.names) == ("X-Key", ["child", "work"])

    def test_another_value_of_the_same_key(self, tmp_path: Path) -> None:
        """`false` and 0 of a child are values like others."""
        text = f'{MACHINE}allow_http = true\nearly_expiry = 9\n[profiles.child]\nextends = "work"\n'
        file = profiles_file.read(tmp_path, f"{text}allow_http = false\nearly_expiry = 0")
        assert file.profile("work").allow_http
        assert not file.profile("child").allow_http

    def test_members(self, tmp_path: Path) -> None:
        """A child of a composition composes the same."""
        text = f'{KEY}[profiles.both]\ncompose = ["work"]\n[profiles.child]\nextends = "both"'
        assert profiles_file.read(tmp_path, text).profile("child").scheme == Compose(members=("work",))

    def test_a_providers_defaults(self, tmp_path: Path) -> None:
        """They are those of the provider and flow that hold in the end."""
        child = '[profiles.child]\nextends = "work"\nflow = "authorization-code-pkce"'
        text = f'{MACHINE}provider = "google"\n{child}'
        assert profiles_file.oauth2(tmp_path, text).scopes == ()
        assert profiles_file.oauth2(tmp_path, text, "child").scopes == ("openid", "email")

    def test_a_long_chain(self, tmp_path: Path) -> None:
        """A thousand generations are no matter."""
        text = KEY + "".join(
            f'[profiles.p{n}]\nextends = "{f"p{n - 1}" if n else "work"}"\n' for n in range(1000)
        )
        assert profiles_file.read(tmp_path, text).profile("p999").flow == "api-key"


class TestAParentThatIsOnlyThereToBeExtended:
    """It may be unfinished; what it says must be right all the same."""

    UNFINISHED = '[profiles.base]\nflow = "basic"\nusername = "bob"\n'

    def test_it_may_be_unfinished(self, tmp_path: Path) -> None:
        """What it lacks its children say."""
        text = f'{self.UNFINISHED}[profiles.work]\nextends = "base"\npassword = "x"'
        scheme = profiles_file.read(tmp_path, text).profile("work").scheme
        assert isinstance(scheme, Basic)
        assert (scheme.username(), scheme.password()) == ("bob", "x")

    def test_it_is_used_itself(self, tmp_path: Path) -> None:
        """Then what it lacks is told, with its line."""
        text = f"# first\n{self.UNFINISHED}".replace("[profiles.base]", f"[profiles.base] {MARK}")
        file = profiles_file.read(tmp_path, f'{text}[profiles.work]\nextends = "base"\npassword = "x"')
        with pytest.raises(ProfilesFileError) as caught:
            file.profile("base")
        (fault,) = caught.value.faults
        assert (fault.profile, [fault.line]) == ("base", profiles_file.marked(text))
        assert fault.message.startswith("needs password")
        assert fault.hint.startswith("password = ")

    @pytest.mark.parametrize("use", ['default_profile = "base"\n', '[profiles.both]\ncompose = ["base"]\n'])
    def test_it_is_used_elsewhere_in_the_file(self, tmp_path: Path, use: str) -> None:
        """Then what it lacks is a fault of the file."""
        text = f'{use}{self.UNFINISHED}[profiles.work]\nextends = "base"\npassword = "x"'
        assert [fault.profile for fault in profiles_file.faults(tmp_path, text)] == ["base"]

    def test_its_child_lacks_the_same(self, tmp_path: Path) -> None:
        """It is a fault of the child, which is the one that is used."""
        text = f'{self.UNFINISHED}[profiles.work] {MARK}\nextends = "base"'
        (fault,) = profiles_file.faults(tmp_path, text)
        assert (fault.profile, [fault.line]) == ("work", profiles_file.marked(text))

    def test_a_wrong_value(self, tmp_path: Path) -> None:
        """It is told once, where it stands, however many children it has."""
        text = f'{PERSON}redirect_port = "5000" {MARK}\n'
        text += "".join(f'[profiles.child{number}]\nextends = "work"\n' for number in range(9))
        assert [fault.line for fault in profiles_file.faults(tmp_path, text)] == profiles_file.marked(text)

    def test_an_unknown_key(self, tmp_path: Path) -> None:
        """It is told there too, though there is no flow that could know it."""
        text = f'[profiles.base]\ntimeuot = 5 {MARK}\n{KEY}extends = "base"\n'
        assert [fault.line for fault in profiles_file.faults(tmp_path, text)] == profiles_file.marked(text)

    def test_keys_of_a_flow_that_only_children_have(self, tmp_path: Path) -> None:
        """A parent without a flow may say any key that some flow has."""
        text = f'[profiles.base]\nclient_id = "x"\nheader_name = "X"\n{MACHINE}extends = "base"'
        assert profiles_file.read(tmp_path, text).names == ["base", "work"]

    def test_a_key_that_does_not_fit_a_childs_flow(self, tmp_path: Path) -> None:
        """A child takes what its flow knows, and leaves the rest."""
        text = f'[profiles.base]\nclient_id = "x"\n{KEY}extends = "base"'
        assert profiles_file.read(tmp_path, text).profile("work").flow == "api-key"


class TestWrongParents:
    """A missing parent or a circle is told once, and nothing is guessed of what hangs on it."""

    def test_those_that_hang_on_a_missing_parent(self, tmp_path: Path) -> None:
        """They have no other fault: the parent may say what they lack."""
        text = f'[profiles.a]\nextends = "gone" {MARK}\n[profiles.b]\nextends = "a"\n'
        assert [fault.line for fault in profiles_file.faults(tmp_path, text)] == profiles_file.marked(text)

    def test_those_that_hang_on_a_circle(self, tmp_path: Path) -> None:
        """They have no other fault either."""
        text = (
            f'[profiles.x]\nextends = "a"\n[profiles.a]\nextends = "b"\n[profiles.b]\nextends = "a" {MARK}\n'
        )
        assert [fault.line for fault in profiles_file.faults(tmp_path, text)] == profiles_file.marked(text)

    def test_their_own_values_are_looked_at(self, tmp_path: Path) -> None:
        """What is wrong in itself is told together with it."""
        text = f'[profiles.a]\nextends = "gone" {MARK}\ntimeout = 0 {MARK}\ntimeuot = 1 {MARK}\n'
        assert [fault.line for fault in profiles_file.faults(tmp_path, text)] == profiles_file.marked(text)

    def test_members_of_a_child_before_its_parent(self, tmp_path: Path) -> None:
        """Each profile is checked with its own members, whatever the order of the file."""
        text = f'[profiles.a]\nextends = "b"\ncompose = ["gone"] {MARK}\n[profiles.b]\ndescription = "parent"'
        assert [fault.line for fault in profiles_file.faults(tmp_path, text)] == profiles_file.marked(text)

    def test_two_circles(self, tmp_path: Path) -> None:
        """Each is told."""
        pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("e", "a")]
        text = "".join(f'[profiles.{child}]\nextends = "{parent}"\n' for child, parent in pairs)
        assert len(profiles_file.faults(tmp_path, text)) == 2

    def test_a_circle_of_a_thousand(self, tmp_path: Path) -> None:
        """It is told in few words."""
        text = "".join(f'[profiles.p{n}]\nextends = "p{(n + 1) % 1000}"\n' for n in range(1000))
        (fault,) = profiles_file.faults(tmp_path, text)
        assert fault.message.endswith("→ 'p6' → … → 'p0'")

    def test_members_too_deep(self, tmp_path: Path) -> None:
        """Compositions of compositions end somewhere."""
        text = "".join(f'[profiles.p{n}]\ncompose = ["p{n + 1}"]\n' for n in range(25)) + KEY.replace(
            "work", "p25"
        )
        (fault,) = profiles_file.faults(tmp_path, text)
        assert (fault.key, fault.message) == ("compose", "goes more than 20 profiles deep")


NAMES = st.sampled_from("abcdef")


@settings(max_examples=300)
@given(
    st.dictionaries(
        NAMES, st.fixed_dictionaries({}, optional={"extends": NAMES, "timeout": st.integers()}), min_size=3
    )
)
def test_any_family(tables: dict[str, dict[str, object]]) -> None:
    """What holds for a profile is what the nearest of its line says; nothing where that has no end."""
    found = effectives({"profiles": tables}, providers(), in_ci=False)
    assert list(found) == list(tables)
    for name in tables:
        line: list[str] = []
        now: object = name
        while isinstance(now, str) and now in tables and now not in line:
            line.append(now)
            now = tables[now].get("extends")
        effective = found[name]
        assert (effective is None) == (now is not None)
        if effective is not None:
            said = [one for one in line if "timeout" in tables[one]]
            assert effective.get("timeout") == (tables[said[0]]["timeout"] if said else 60)
            assert effective.path("timeout") == ("profiles", said[0] if said else name, "timeout")
