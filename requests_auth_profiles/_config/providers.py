"""The providers whose endpoints are known: rows of `providers.toml`, and those of a house's own."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from requests_auth_profiles._config import addresses
from requests_auth_profiles._config.keys import Key

__all__ = ["FORMS", "Provider", "provider", "providers"]

_LIKE = {"authorization-code": "authorization-code-pkce"}  # the rows need not say it twice
FORMS = {"host": addresses.HOST, "segment": addresses.SEGMENT, "url": addresses.ISSUER}


class Provider(NamedTuple):
    """One row: URL templates, their variables, and what else holds for its profiles.

    Args:
        name: as a profile names it.
        title: as people know it.
        variables: the keys that a profile says for the URLs to be known; one without a default is needed.
        keys: what holds for other keys of a profile; text may hold `{variable}`.
        flows: the same for each flow that has more or others.
    """

    name: str
    title: str
    variables: dict[str, Key]
    keys: dict[str, Any]
    flows: dict[str, dict[str, Any]]

    def defaults(self, flow: object) -> dict[str, Any]:
        """What holds for the keys that a profile of a flow need not say, the variables still in it."""
        if not isinstance(flow, str):
            return self.keys
        return self.flows.get(flow) or self.flows.get(_LIKE.get(flow, flow), self.keys)

    def place(self, flow: object, key: str) -> tuple[str, ...]:
        """Where its row says a key for a flow, or the default of a variable."""
        if key in self.variables:
            return ("variables", key, "default")
        for name in (flow, _LIKE.get(str(flow))):
            more = self.flows.get(str(name), {})
            if key in more:
                return ("keys", key) if more[key] == self.keys.get(key) else ("flows", str(name), key)
        return ("keys", key)

    def filled(self, template: str, said: Mapping[str, Any]) -> str:
        """A text with the variables in it replaced by what a profile says, each of the right kind."""
        values = {name: str(said.get(name, key.default)) for name, key in self.variables.items()}
        return template.format_map({name: value.rstrip("/") for name, value in values.items()})


@cache
def providers() -> dict[str, Provider]:
    """The rows that everybody has, by name."""
    table = tomllib.loads((Path(__file__).parent / "providers.toml").read_text("utf-8"))
    return {name: provider(name, row) for name, row in table.items()}


def provider(name: str, row: Mapping[str, Any]) -> Provider:
    """The provider that a table without faults means."""
    keys = row.get("keys", {})
    return Provider(
        name=name,
        title=row.get("title", name),
        variables={
            variable: Key(
                variable,
                kind := FORMS[said.get("form", "segment")],
                said.get("about", "a part of its URLs"),
                f'"{said["example"]}"' if "example" in said else kind.example,
                default=said.get("default"),
            )
            for variable, said in row.get("variables", {}).items()
        },
        keys=keys,
        flows={flow: keys | more for flow, more in row.get("flows", {}).items()},
    )
