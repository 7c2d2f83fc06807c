"""`.logout(revoke=True)`: ended where it was issued, forgotten here, in whatever order things fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from auths import CountingGrant, key_in_header, renewable
from wire import words_of

from requests_auth_profiles import OAuth2ClientCredentials
from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._build import Builder
from requests_auth_profiles._build.ending import Ending
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._source import CachedSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError, NotRevoked, StoreKeyError, TimeoutOccurred
from requests_auth_profiles.stores import MemoryStore
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

PROFILES = """\
[profiles.work]
flow = "password"
issuer = "{issuer}"
client_id = "app"
username = "ada"
password = "canary-w0rd"

[profiles.other]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = {{ env = "NIGHTLY_SECRET" }}
header_name = "X-Other"

[profiles.both]
compose = ["work", "other"]

[profiles.printed]
flow = "command"
command = ["echo", "canary-printed"]
"""
DOWN = [Reply(hang_up=True)] * 3


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        server.clients |= {"app": Client(), "nightly": Client(secret="canary-s3cret")}
        server.passwords["ada"] = "canary-w0rd"
        yield server


class World:
    """A profiles file for a server, read anew each time, as other processes would."""

    def __init__(self, folder: Path, server: AuthorizationServer) -> None:
        self._path = folder / "profiles.toml"
        self.text = PROFILES.format(issuer=server.issuer)

    def build(self) -> Builder:
        self._path.write_text(self.text, "utf-8")
        self._path.chmod(0o600)
        return Builder(ProfilesFile.read(self._path))

    def auth(self, name: str) -> ProfileAuth | ComposedAuth:
        return self.build().auth(name)

    def kept(self, name: str = "work") -> Token | None:
        return self.build().store.get(name)


@pytest.fixture
def world(home: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(home / "store"))
    monkeypatch.setenv("NIGHTLY_SECRET", "canary-s3cret")
    return World(home, server)


def asked(server: AuthorizationServer) -> list[str]:
    """The kinds of the tokens that it was to end."""
    return [dict(one.form)["token_type_hint"] for one in server.requests if one.path == "/revoke"]


def failure(auth: ProfileAuth | ComposedAuth) -> NotRevoked:
    """Why it lives on."""
    with pytest.raises(NotRevoked) as caught:
        auth.logout(revoke=True)
    assert "canary" not in words_of(caught.value)
    return caught.value


class TestAProfile:
    """One whose provider is there, or not."""

    def test_it_is_ended_and_forgotten(self, world: World, server: AuthorizationServer) -> None:
        """By another process than the one that signed in; then nothing of it is good, or kept."""
        token = world.auth("work").login()
        assert token is not None
        world.auth("work").logout(revoke=True)
        assert (world.kept(), server.introspect(token.access_token)) == (None, None)
        assert asked(server) == ["refresh_token", "access_token"]

    def test_nothing_is_ended_unasked(self, world: World, server: AuthorizationServer) -> None:
        """A plain logout calls nobody, and leaves the token good."""
        token = world.auth("work").login()
        assert token is not None
        world.auth("work").logout()
        assert world.kept() is None
        assert asked(server) == []
        assert server.introspect(token.access_token) is not None

    def test_nobody_is_called_for_nothing(self, world: World, server: AuthorizationServer) -> None:
        """Where no token is kept there is none to end."""
        world.auth("work").logout(revoke=True)
        assert server.requests == []

    def test_a_token_that_another_forgot(self, world: World, server: AuthorizationServer) -> None:
        """What this process still has in memory is ended all the same."""
        auth = world.auth("work")
        auth.token()
        world.auth("work").logout()
        auth.logout(revoke=True)
        assert asked(server) == ["refresh_token", "access_token"]

    def test_a_provider_that_is_away(self, world: World, server: AuthorizationServer) -> None:
        """The token is forgotten nevertheless; what lives on is told."""
        world.auth("work").login()
        server.replies["revoke"].extend(DOWN)
        why = failure(world.auth("work"))
        assert world.kept() is None
        assert why.message.startswith("the token of work is forgotten here, and not ended: cannot reach 127.")
        assert "; its refresh token is good until it is ended there and its access token is" in why.message
        assert why.hint.startswith(f"have it ended at {server.issuer.removeprefix('http://')}; next time, ")

    def test_a_secret_that_is_missing(
        self, world: World, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The token is forgotten nevertheless, and the variable named."""
        world.auth("other").login()
        monkeypatch.delenv("NIGHTLY_SECRET")
        why = failure(world.auth("other"))
        assert world.kept("other") is None
        assert "NIGHTLY_SECRET" in why.message
        assert asked(server) == []

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('client_id = "app"', 'client_id = "another"'),
            ('username = "ada"', 'username = "bob"'),
            ('"http://127', '"https://127'),
        ],
    )
    def test_a_token_of_something_else(
        self, world: World, server: AuthorizationServer, before: str, after: str
    ) -> None:
        """What was issued for what the profile said before is forgotten, and sent to nobody."""
        world.auth("work").login()
        sent = len(server.requests)
        world.text = world.text.replace(before, after)
        why = failure(world.auth("work"))
        assert world.kept() is None
        assert len(server.requests) == sent
        assert "it was issued for something else, so it was sent to nobody; its refresh token" in why.message

    def test_an_address_that_is_said_later(self, world: World, server: AuthorizationServer) -> None:
        """The provider's own gets the token; one of somebody else would have got the client's proof too."""
        issuer = f'issuer = "{server.issuer}"'
        world.auth("work").login()
        world.text = world.text.replace(issuer, f'{issuer}\nrevocation_url = "{server.issuer}/revoke"', 1)
        world.auth("work").logout(revoke=True)
        assert asked(server) == ["refresh_token", "access_token"]
        world.auth("work").login()
        with AuthorizationServer() as other:
            world.text = world.text.replace(f"{server.issuer}/revoke", f"{other.issuer}/revoke")
            why = failure(world.auth("work"))
            assert other.requests == []
        assert "it was issued for something else, so it was sent to nobody" in why.message
        world.auth("work").login()
        assert world.auth("work").stored() == world.kept()

    def test_a_document_of_another_key(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """What cannot be read is forgotten as ever, and told."""
        world.auth("work").login()
        monkeypatch.setenv("REQUESTS_AUTH_STORE_KEY", "A" * 43 + "=")
        with pytest.raises(StoreKeyError):
            world.kept()
        why = failure(world.auth("work"))
        assert why.message.startswith("the token of work is forgotten here, and not")
        assert why.hint == "have it ended where it was issued", "to give that key again helps no more"
        monkeypatch.delenv("REQUESTS_AUTH_STORE_KEY")
        assert world.kept() is None

    def test_a_command(self, world: World) -> None:
        """Nobody knows who issued what a program prints; it is forgotten, and that is told."""
        world.auth("printed").login()
        why = failure(world.auth("printed"))
        assert world.kept("printed") is None
        assert "it is not known who issued it; its access token is good until it is ended" in why.message


class TestAComposition:
    """Each member that keeps a token."""

    def test_all_are_ended(self, world: World, server: AuthorizationServer) -> None:
        """And forgotten."""
        world.auth("both").login()
        world.auth("both").logout(revoke=True)
        assert (world.kept("work"), world.kept("other")) == (None, None)
        assert asked(server) == ["refresh_token", "access_token", "access_token"]

    def test_one_that_fails(self, world: World, server: AuthorizationServer) -> None:
        """It does not keep the others from it."""
        world.auth("both").login()
        server.replies["revoke"].extend(DOWN)
        why = failure(world.auth("both"))
        assert (world.kept("work"), world.kept("other")) == (None, None)
        assert asked(server)[-1] == "access_token"
        assert "the token of work" in why.message
        assert "the token of other" not in why.message

    def test_all_fail(self, world: World, server: AuthorizationServer) -> None:
        """All are told, each with what to do."""
        world.auth("both").login()
        server.replies["revoke"].extend(DOWN * 2)
        told = str(failure(world.auth("both")))
        assert [line.partition(" is ")[0] for line in told.splitlines() if "the token" in line] == [
            "the token of work",
            "the token of other",
        ]
        assert told.count("hint: have it ended at") == 2

    def test_a_key_beside_it(self, world: World, server: AuthorizationServer) -> None:
        """A member that keeps nothing has nothing to end."""
        both = world.auth("work") + key_in_header()
        both.login()
        both.logout(revoke=True)
        assert asked(server) == ["refresh_token", "access_token"]

    def test_a_class_of_a_program(self) -> None:
        """It says at once that it cannot: it does not know where its provider ends tokens."""
        auth = OAuth2ClientCredentials("https://login.acme.com/token", "x", "canary")
        with pytest.raises(ConfigurationError, match="OAuth2ClientCredentials does not know where"):
            auth.logout(revoke=True)


class TestTheOrder:
    """It is ended first, then forgotten, and nobody comes in between."""

    def source(self, store: MemoryStore, end: object) -> CachedSource:
        """A source of tokens that are ended so."""
        return CachedSource(
            CountingGrant(),
            store,
            "work",
            label="work",
            again="requests-auth login work",
            issued_for="",
            early_expiry_seconds=30,
            patience_seconds=10,
            revoke=Ending("work", str, end),  # type: ignore[arg-type]
        )

    def test_while_it_is_ended(self) -> None:
        """It is still kept, so that a process that dies has lost nothing, and its lock is held."""
        store, seen = MemoryStore(), []

        def end(token: Token) -> None:
            seen.append(store.get("work") == token)
            with pytest.raises(TimeoutOccurred), store.lock("work", 0.01):
                pass

        work = self.source(store, end)
        work.token()
        work.logout(revoke=True)
        assert (seen, store.get("work")) == ([True], None)

    def test_an_interruption(self) -> None:
        """Whoever interrupts it still has the token, to end it the next time."""
        store = MemoryStore()

        def end(token: Token) -> None:
            raise KeyboardInterrupt

        work = self.source(store, end)
        token = work.token()
        with pytest.raises(KeyboardInterrupt):
            work.logout(revoke=True)
        assert store.get("work") == token == work.token()

    def test_a_source_that_nobody_can_end(self) -> None:
        """It says so, and has forgotten its token."""
        store = MemoryStore()
        auth = renewable(CountingGrant(), store=store)
        auth.token()
        assert "not ended" in failure(auth).message
        assert store.get("work") is None
