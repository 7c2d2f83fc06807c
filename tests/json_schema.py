"""As much of JSON Schema (draft-07) as the schema of the profiles file uses, for fast tests of it."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

Schema = bool | Mapping[str, Any]

_TYPES: dict[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, (str, date, datetime, time)),  # Taplo has dates as text
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_TOLD = {"$schema", "title", "description", "default", "definitions", "x-taplo", "then", "else"}


def accepts(schema: Schema, value: object, root: Mapping[str, Any]) -> bool:
    """Whether a schema accepts a value.

    Args:
        schema: the schema, or a part of one.
        value: as tomllib gives it.
        root: the whole schema, for `$ref`.
    """
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return accepts(root["definitions"][schema["$ref"].rpartition("/")[2]], value, root)
    return all(_holds(word, schema, value, root) for word in schema if word not in _TOLD)


def _holds(word: str, schema: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> bool:  # noqa: PLR0911, PLR0912, C901
    said = schema[word]
    match word:
        case "type":
            return any(_TYPES[kind](value) for kind in ([said] if isinstance(said, str) else said))
        case "enum":
            return any(type(value) is type(one) and value == one for one in said)
        case "const":
            return type(value) is type(said) and bool(value == said)
        case "anyOf":
            return any(accepts(one, value, root) for one in said)
        case "allOf":
            return all(accepts(one, value, root) for one in said)
        case "if":
            branch = "then" if accepts(said, value, root) else "else"
            return accepts(schema.get(branch, True), value, root)
        case "minLength" | "pattern":
            if not isinstance(value, str):
                return True
            return len(value) >= said if word == "minLength" else re.search(said, value) is not None
        case "minimum" | "maximum" | "exclusiveMinimum":
            if not _TYPES["number"](value):
                return True
            return {"minimum": value >= said, "maximum": value <= said, "exclusiveMinimum": value > said}[
                word
            ]
        case "minItems" | "items":
            if not isinstance(value, list):
                return True
            return (
                len(value) >= said if word == "minItems" else all(accepts(said, one, root) for one in value)
            )
        case "required":
            return not isinstance(value, dict) or set(said) <= value.keys()
        case "properties" | "patternProperties" | "additionalProperties":
            if not isinstance(value, dict):
                return True
            return all(accepts(one, entry, root) for one, entry in _entries(word, schema, value))
    raise NotImplementedError(word)


def _entries(word: str, schema: Mapping[str, Any], value: dict[str, Any]) -> Iterator[tuple[Schema, object]]:
    """The schemas that a word has for the entries of a table."""
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, entry in value.items():
        matching = [one for pattern, one in patterns.items() if re.search(pattern, name)]
        if word == "properties" and name in named:
            yield named[name], entry
        elif word == "patternProperties":
            yield from ((one, entry) for one in matching)
        elif word == "additionalProperties" and name not in named and not matching:
            yield schema[word], entry
