"""The store that the tokens of a profiles file live in."""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from requests_auth_profiles._config import addresses, environment
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.store import Store
from requests_auth_profiles.errors import ConfigurationError
from requests_auth_profiles.stores import (
    FallbackStore,
    FileStore,
    KeySource,
    MemoryStore,
    TokenStore,
)

__all__ = ["store_of"]

_LOG = logging.getLogger("requests_auth_profiles")
_MEMORY = MemoryStore()


def store_of(file: ProfilesFile) -> TokenStore:
    """The store that the environment names, else the file, else the person's own; memory only in CI."""
    said = os.environ.get(environment.STORE) or file.store.url
    source = _said_source(file.store)
    nothing_configured = not said and source is None and not file.store.key_source
    if said == "memory:" or (nothing_configured and environment.in_ci()):
        return _MEMORY
    # The file's own was checked before.
    problem = addresses.STORE.problem(said) if said and isinstance(said, str) else None
    if problem is not None:
        del said  # it may have a password in it: debuggers show variables
        raise ConfigurationError(
            f"{environment.STORE} {problem.message}", hint=f"export {environment.STORE}={problem.write}"
        )
    if isinstance(said, Secret) or "://" in said:
        if source is None:
            del said  # the same
            raise ConfigurationError(
                "tokens on a server are sealed with a key that all machines have, and none is given",
                hint=f'export {environment.STORE_KEY}="$(openssl rand -base64 32)", the same on all of them; '
                'or [store] key = { env = "NAME" }',
            )
        # Imported here: most people's tokens lie in a folder.
        from requests_auth_profiles.stores import RedisStore

        return FallbackStore(RedisStore(said, source))
    try:
        if said:
            base = file.path.parent if os.environ.get(environment.STORE) else file.store.folder
            folder = _folder(base, said)
        else:
            folder = environment.state_folder()
        sources = _own_sources(file.store.key_source) if source is None else (source, *_former(source))
    except ConfigurationError as error:
        _LOG.warning(
            "There is no place for a token store, so tokens are kept in memory only: %s", error.message
        )
        return _MEMORY
    return FallbackStore(FileStore(folder, *sources))


def _folder(base: Path, said: str) -> Path:
    folder = environment.expanded(said)
    if folder is None:
        raise ConfigurationError(f"{said} names no folder", hint="name it in full")
    return base / folder


def _said_source(store: Store) -> KeySource | None:
    """Where the store's key is said to be; None = nowhere."""
    from requests_auth_profiles.stores.keys import decode_key

    def reader(read: Callable[[], str], where: str) -> Callable[[str], bytes]:
        return lambda _: decode_key(read(), where)

    if text := os.environ.get(environment.STORE_KEY):
        return KeySource("environment", reader(lambda: text, environment.STORE_KEY))
    if (key := store.key) is not None:
        return KeySource("reference", reader(key, "[store] key"))
    if (passphrase := store.passphrase) is not None:
        return KeySource("passphrase", lambda _: passphrase().encode(), is_passphrase=True)
    return None


def _own_sources(only: str) -> tuple[KeySource, ...]:
    """Where the key is kept if nobody says it: the keyring, if there is one, else a file of its own."""
    from requests_auth_profiles.stores.keyring import os_keyring

    if only == "keyring":
        return (os_keyring(), *_former(os_keyring()))
    if only == "file":
        return (_key_files(), *_former(_key_files()))
    # Where it is not installed, only a store that was made with it asks for it.
    installed = importlib.util.find_spec("keyring") is not None
    return (os_keyring(), _key_files()) if installed else (_key_files(), os_keyring())


def _former(now: KeySource) -> Iterator[KeySource]:
    """Where a key may be that is replaced by one from elsewhere."""
    from requests_auth_profiles.stores.keyring import os_keyring

    for make in (os_keyring, _key_files):
        with suppress(ConfigurationError):  # without a home there are no files
            if (source := make()).name != now.name:
                yield replace(source, is_former=True)


def _key_files() -> KeySource:
    from requests_auth_profiles.stores.keys import key_files

    return key_files(environment.data_folder() / "keys")
