"""RedisStore: what lies on the server, who may see it, and what is made of what others put there."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import vault
from redis_servers import PASSWORD, RedisServer, running
from tls import Authority
from vault import KEY, SECRETS, TOKEN

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    ConfigurationError,
    StoreError,
    StoreKeyError,
    StoreUnavailable,
    StoreVersionError,
)
from requests_auth_profiles.stores import FallbackStore, RedisStore

NEXT = Token(access_token="s3cret-next-token")
DOCUMENT, RECORD = ":tokens:work", ":store"


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"p{abs(hash(request.node.name))}"


@pytest.fixture
def store(redis_server: RedisServer, prefix: str) -> RedisStore:
    """A store with a token."""
    store = redis_server.store(prefix)
    store.set("work", TOKEN)
    return store


def there(server: RedisServer, prefix: str) -> dict[str, object]:
    """What is on the server under a prefix."""
    return {
        key.decode().removeprefix(prefix): value
        for key, value in server.everything().items()
        if key.startswith(prefix.encode() + b":")
    }


def test_what_lies_on_the_server(store: RedisStore, redis_server: RedisServer, prefix: str) -> None:
    """A sealed document, the record of its key, and no secret."""
    with store.lock("work", 0):
        found = there(redis_server, prefix)
    assert sorted(found) == [":lock:work", ":store", ":tokens:work"]
    assert not [secret for secret in (*SECRETS, PASSWORD, repr(KEY)[2:-1]) if secret in repr(found)]
    assert sorted(there(redis_server, prefix)) == [":store", ":tokens:work"]


def test_prefixes_part_stores(store: RedisStore, redis_server: RedisServer, prefix: str) -> None:
    """What one store forgets is not another's, whose prefix begins like it."""
    other = redis_server.store(f"{prefix}:b", vault.source(bytes(32)))
    other.set("work", NEXT)
    store.clear()
    assert (store.keys(), other.get("work"), there(redis_server, prefix).keys()) == (
        [],
        NEXT,
        {":b:store", ":b:tokens:work"},
    )


def test_clearing_many(store: RedisStore, redis_server: RedisServer, prefix: str) -> None:
    """However many there are, all are listed and forgotten."""
    with redis_server.client() as client:
        client.mset({f"{prefix}:tokens:n{number}": b"{}" for number in range(1200)})
    assert len(store.keys()) == 1201
    store.clear()
    assert there(redis_server, prefix) == {}


def test_a_password_shows_nowhere(
    store: RedisStore, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where the store is, nor its repr and variables, nor a log at any level has it."""
    with caplog.at_level(logging.DEBUG):
        assert store.get("work") == TOKEN
    client = store._server._client()
    shown = repr([store.where, store, vars(store), vars(store._server), client, caplog.text])
    assert f"redis://127.0.0.1:{redis_server.port}/0" in shown
    assert PASSWORD not in shown
    assert PASSWORD not in repr([client.connection_pool, client.connection_pool.connection_kwargs])


@pytest.mark.parametrize("user", ["", ":wrong-s3cret@", "somebody:wrong-s3cret@"])
def test_a_wrong_password(redis_server: RedisServer, user: str) -> None:
    """It is an error that says so, not tokens in memory, and it shows no password in any variable."""
    store = FallbackStore(RedisStore(f"redis://{user}127.0.0.1:{redis_server.port}", vault.source()))
    for use in (
        lambda: store.get("work"),
        lambda: store.set("work", TOKEN),
        lambda: store.lock("work", 0).__enter__(),
    ):
        with pytest.raises(StoreError, match="does not take the user and password") as caught:
            use()
        assert not isinstance(caught.value, StoreUnavailable)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        frames = [entry.frame.f_locals for entry in caught.traceback[1:] if "tests" not in str(entry.path)]
        assert "s3cret" not in repr([str(caught.value), frames])


def test_a_password_where_none_is_wanted(tmp_path: Path) -> None:
    """A server without one is told of too, rather than trusted with it in silence."""
    with running(tmp_path) as server:
        with server.client() as client:
            client.config_set("requirepass", "")
        with pytest.raises(StoreError, match="the user and password"):
            server.store().get("work")


def test_a_user_who_may_not(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """What the server's access list lacks is said."""
    with redis_server.client() as client:
        client.acl_setuser("reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+get"])
    limited = RedisStore(f"redis://reader:pw@127.0.0.1:{redis_server.port}?prefix={prefix}", vault.source())
    with pytest.raises(StoreError, match="does not let this user") as caught:
        limited.get("work")
    assert f"~{prefix}:*" in caught.value.hint


def test_the_access_list_of_the_hint(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """With no more than what the hint says, all works."""
    with redis_server.client() as client:
        rules = [f"~{prefix}:*", "+@read", "+@write", "+@scripting", "+@connection"]
        client.execute_command("ACL", "SETUSER", "fleet", "on", ">pw", *rules)
    fleet = RedisStore(f"redis://fleet:pw@127.0.0.1:{redis_server.port}?prefix={prefix}", vault.source())
    with fleet.lock("work", 0):
        fleet.set("work", NEXT)
    assert (fleet.get("work"), fleet.keys()) == (NEXT, ["work"])
    fleet.clear()
    assert store.keys() == []


HOSTILE: dict[str, Callable[[bytes, bytes], bytes]] = {
    "nothing": lambda own, other: b"",
    "another type": lambda own, other: b"hash",
    "huge": lambda own, other: b"x" * (2 << 20),
    "no JSON": lambda own, other: b"\xff" + own,
    "cut short": lambda own, other: own[:-20],
    "of another name": lambda own, other: other,
    "deep": lambda own, other: b"[" * 100_000,
}


def put(server: RedisServer, key: str, value: bytes) -> None:
    with server.client() as client:
        client.delete(key)
        if value == b"hash":
            client.hset(key, "a", "b")
        else:
            client.set(key, value)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_document_that_is_none_of_ours(
    redis_server: RedisServer, store: RedisStore, prefix: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not used, with a warning; the next token takes its place, and it is kept aside for a while."""
    store.set("home", NEXT)
    with redis_server.client() as client:
        own, other = client.get(f"{prefix}{DOCUMENT}"), client.get(f"{prefix}:tokens:home")
    assert isinstance(own, bytes)
    assert isinstance(other, bytes)
    put(redis_server, f"{prefix}{DOCUMENT}", HOSTILE[kind](own, other))
    assert store.get("work") is None
    assert "the next one takes its place" in caplog.text
    with store.lock("work", 0):
        store.set("work", NEXT)
    assert store.get("work") == NEXT
    with redis_server.client() as client:
        assert (client.llen(f"{prefix}:aside:work"), client.ttl(f"{prefix}:aside:work") > 0) == (1, True)
    store.delete("work")
    assert sorted(there(redis_server, prefix)) == [":store", ":tokens:home"]


def test_a_huge_document_is_not_read(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """It stays on the server, whoever put it there."""
    put(redis_server, f"{prefix}{DOCUMENT}", b"x" * (8 << 20))
    with redis_server.client() as client:
        before = client.info("stats")["total_net_output_bytes"]
        assert store.get("work") is None
        assert client.info("stats")["total_net_output_bytes"] - before < 1 << 20


def test_a_name_that_is_none_of_ours(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """What others put among our documents under a name that we would write otherwise is not listed."""
    for name in ("a/b", "A%2fb", "\x1b[2J", "%FF"):
        put(redis_server, f"{prefix}:tokens:{name}", b"{}")
    assert store.keys() == ["work"]


def test_no_more_than_three_are_kept_aside(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """Whoever breaks documents again and again does not fill the server."""
    put(redis_server, f"{prefix}:aside:work", b"no list")
    for number in range(5):
        put(redis_server, f"{prefix}{DOCUMENT}", b"broken %d" % number)
        store.set("work", TOKEN)
    aside = there(redis_server, prefix)[":aside:work"]
    assert isinstance(aside, list)
    assert [value.partition(b"=")[2] for value in aside] == [b"broken 4", b"broken 3", b"broken 2"]


def test_a_document_that_is_older_than_before(
    redis_server: RedisServer, store: RedisStore, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever puts an old document back does not bring its token back to who has seen a newer one."""
    with redis_server.client() as client:
        old = client.get(f"{prefix}{DOCUMENT}")
    store.set("work", NEXT)
    assert isinstance(old, bytes)
    put(redis_server, f"{prefix}{DOCUMENT}", old)
    assert store.get("work") is None
    assert "older than it was before" in caplog.text


def test_a_newer_version_wrote_it(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """Its documents and its record are left as they are."""
    for key in (DOCUMENT, RECORD):
        with redis_server.client() as client:
            data = client.get(prefix + key)
            assert isinstance(data, bytes)
        put(redis_server, prefix + key, json.dumps(json.loads(data) | {"v": 2}).encode())
        before = there(redis_server, prefix)
        for use in (
            lambda: redis_server.store(prefix).get("work"),
            lambda: redis_server.store(prefix).set("work", NEXT),
        ):
            with pytest.raises(StoreVersionError):
                use()
        assert there(redis_server, prefix) == before
        put(redis_server, prefix + key, data)


@pytest.mark.parametrize("value", [b"", b"hash", b"x" * (2 << 20), b"{}", b"[" * 100_000])
def test_a_record_that_is_none(
    redis_server: RedisServer, store: RedisStore, prefix: str, value: bytes
) -> None:
    """No token is given or kept by it, and clearing the store begins anew."""
    put(redis_server, prefix + RECORD, value)
    fresh = redis_server.store(prefix)
    with pytest.raises(StoreKeyError):
        fresh.get("work")
    with pytest.raises(StoreKeyError):
        fresh.set("work", NEXT)
    fresh.clear()
    fresh.set("work", NEXT)
    assert redis_server.store(prefix).get("work") == NEXT


def test_a_machine_with_another_key(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """It can neither read nor replace what the others have, and is told."""
    before = there(redis_server, prefix)
    other = FallbackStore(redis_server.store(prefix, vault.source(bytes(32))))
    for use in (lambda: other.get("work"), lambda: other.set("work", NEXT)):
        with pytest.raises(StoreKeyError, match="is not the one that the tokens are sealed with"):
            use()
    assert there(redis_server, prefix) == before


def test_a_new_key(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """The key can be replaced on the server; who has the old one only is told."""
    new = vault.source(bytes(32))
    assert redis_server.store(prefix, new).rotate_key(vault.source()) == 1
    assert redis_server.store(prefix, new).get("work") == TOKEN
    with pytest.raises(StoreKeyError):
        redis_server.store(prefix).get("work")


class TestTls:
    """Over TLS, the server has to prove itself."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def test_a_server_that_is_vouched_for(self, tmp_path: Path, authority: Authority) -> None:
        """Tokens are kept there; without that authority, or with another, the connection is refused."""
        certificate, key = authority.issued("redis")
        options = {"tls-cert-file": str(certificate), "tls-key-file": str(key), "tls-auth-clients": "no"}
        with running(tmp_path, tls=True, **options) as server:

            def opened(ca: Path | None) -> RedisStore:
                more = "" if ca is None else f"&ca_bundle={ca}"
                return RedisStore(server.url(scheme="rediss", more=more), vault.source())

            opened(authority.certificate).set("work", TOKEN)
            assert opened(authority.certificate).get("work") == TOKEN
            for ca in (None, Authority(tmp_path, "mallory").certificate):
                with pytest.raises(StoreUnavailable, match="its certificate is not trusted"):
                    opened(ca).get("work")

    def test_a_server_without_it(self, redis_server: RedisServer) -> None:
        """A server that speaks no TLS gets no password in the clear."""
        with pytest.raises(StoreUnavailable):
            RedisStore(redis_server.url(scheme="rediss"), vault.source()).get("work")

    def test_a_bundle_that_is_not_there(self, tmp_path: Path) -> None:
        """The file is named."""
        store = RedisStore(f"rediss://127.0.0.1:1?ca_bundle={tmp_path}/no.pem", vault.source())
        with pytest.raises(ConfigurationError, match=r"no\.pem"):
            store.get("work")
