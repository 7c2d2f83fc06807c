"""Keys of the profiles file: each stands in a table, once, and the checker is driven by it."""

from typing import Any, NamedTuple

from requests_auth_profiles._config import addresses, kinds
from requests_auth_profiles._config.kinds import Kind

__all__ = ["PROVIDER", "ROOT", "STORE_KEYS", "VARIABLE", "Key", "by_name"]


class Key(NamedTuple):
    """One key of the profiles file.

    Args:
        name: as it is written.
        kind: what its value may be.
        about: what it does, in one sentence.
        example: a value, in TOML; empty = the kind's.
        secret: whether a value that stands in the file itself must not be readable by others.
        common: whether every profile takes it.
        merged: whether what a child says is added to what its parent says, not put in its place.
        default: what holds where it is absent; None = nothing.
        entries: the keys that it may have itself, where it is a table of such.
    """

    name: str
    kind: Kind
    about: str
    example: str = ""
    secret: bool = False
    common: bool = False
    merged: bool = False
    default: Any = None
    entries: tuple["Key", ...] = ()

    def is_secret(self, value: object) -> bool:
        """Whether a value that stands in the file itself must not be readable by others."""
        # A proxy or a store that asks for no password; a folder asks for none, whatever is in its name.
        bare = self.kind in (addresses.PROXY, addresses.STORE) and "@" not in str(value)
        bare = bare or (self.kind is addresses.STORE and "://" not in str(value))
        return self.secret and isinstance(value, str) and not bare

    def written(self, value: str = "") -> str:
        """A line of TOML that sets it: to a value, or as an example."""
        example = value or self.example or self.kind.example
        return example if self.kind is kinds.TABLE else f"{self.name} = {example}"


def by_name(*keys: Key) -> dict[str, Key]:
    """Keys by their names."""
    return {key.name: key for key in keys}


ROOT = by_name(
    Key("default_profile", kinds.TEXT, "the profile that is meant where none is named", '"work"'),
    Key(
        "include",
        kinds.NAMES,
        "files whose profiles and providers hold where this one has none of that name",
        '["team.toml"]',
    ),
    Key(
        "store",
        kinds.TABLE,
        "where tokens are kept, and their key",
        "[store]",
        entries=(
            Key("key", kinds.SECRET, "32 bytes in base64url that seal the tokens", secret=True),
            Key(
                "passphrase",
                kinds.SECRET,
                "the words that the key of the tokens is wrapped by, instead of `key`",
                '{ prompt = "Passphrase of the token store" }',
                secret=True,
            ),
            Key(
                "key_source",
                kinds.choice("a key source", '"keyring"', ("keyring", "file")),
                "where the key of the tokens is kept, and nowhere else, instead of `key`",
            ),
            Key(
                "url", addresses.STORE, "where tokens are kept: a folder, `memory:`, or a server", secret=True
            ),
        ),
    ),
    Key("providers", kinds.TABLE, "providers of a house's own, by name", "[providers.NAME]"),
    Key("profiles", kinds.TABLE, "the profiles, by name", "[profiles.NAME]"),
)

STORE_KEYS = ("key", "passphrase", "key_source")
"""What `[store]` says of its key; one of them at most."""

PROVIDER = by_name(
    Key("title", kinds.TEXT, "the provider as people know it", '"Acme"'),
    Key(
        "variables",
        kinds.TABLE,
        "what each of its profiles says, by name",
        "[providers.NAME.variables.tenant]",
    ),
    Key(
        "keys",
        kinds.TABLE,
        "what holds in its profiles, with {variable} in the text",
        "[providers.NAME.keys]",
    ),
    Key(
        "flows",
        kinds.TABLE,
        "the same for single flows, by name",
        "[providers.NAME.flows.client-credentials]",
    ),
)

VARIABLE = by_name(
    Key("about", kinds.TEXT, "what it is, for people", '"the tenant"'),
    Key("example", kinds.TEXT, "one of its values", '"acme"'),
    Key(
        "form",
        kinds.choice("a form", '"segment"', ("segment", "host", "url")),
        "how it may look: a part of a path, a host, or a URL",
        default="segment",
    ),
    Key("default", kinds.TEXT, "what holds in a profile that does not say it", '"main"'),
)
