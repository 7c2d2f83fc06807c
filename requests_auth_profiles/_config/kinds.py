"""The kinds of values in the profiles file: for each, what it is, an example, and what is wrong with a value.

No problem repeats a value, as it may be a secret under the wrong key; what is told of one can be none: a
number or a boolean that lacks only its quotes' removal, the host of a URL.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from requests_auth_profiles._config.words import nearest

__all__ = [
    "ANY_TEXT",
    "ARGUMENTS",
    "BESIDE",
    "BOOLEAN",
    "CLASS",
    "FILE",
    "HEADER_NAME",
    "HEADER_VALUE",
    "NAMES",
    "NAME_SCHEMA",
    "NOTHING",
    "OPTIONS",
    "PARAMETERS",
    "REFERENCES",
    "REFERENCE_SCHEMA",
    "RETRIES",
    "SCOPES",
    "SECONDS",
    "SECRET",
    "TABLE",
    "TEXT",
    "TIMEOUT",
    "Kind",
    "Problem",
    "choice",
    "each",
    "is_reference",
    "not_a",
    "profile_name",
    "text",
]

_MOST_RETRIES = 10
_MOST_SECONDS = 1_000_000  # some eleven days; poll(2) takes no more than 24
_TYPES = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_SCOPE = re.compile(r"[!#-\[\]-~]+")  # RFC 6749 section 3.3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FRAMING = {"connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"}
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)

REFERENCES = {
    "env": '{ env = "NAME" }',
    "file": '{ file = "secret.txt" }',
    "command": '{ command = ["program", "argument"] }',
    "keyring": '{ keyring = "service", username = "name" }',
    "prompt": '{ prompt = "Password" }',
    "ci_identity": '{ ci_identity = "audience" }',
}
"""What a secret may be read from, instead of standing in the file, and how that is written."""

BESIDE = {"keyring": ("username",)}
"""What may stand beside the one key of a reference: text that is no secret."""


class Problem(NamedTuple):
    """What is wrong with a value.

    Args:
        message: what it is, as a sentence about the key.
        write: what to write instead, in TOML; empty = the key's example.
        below: the entry of a table that is wrong; empty = the value itself.
    """

    message: str
    write: str = ""
    below: str = ""


class Kind(NamedTuple):
    """One kind of value.

    Args:
        expects: what it is, as in "a list of hosts".
        example: one, in TOML.
        problem: says what is wrong with a value; None = nothing.
        schema: the same in JSON Schema, as far as it goes: it refuses nothing that `problem` does not.
    """

    expects: str
    example: str
    problem: Callable[[object], Problem | None]
    schema: Mapping[str, Any]


def profile_name(value: object) -> Problem | None:
    """What is wrong with the name of a profile, and what it may be."""
    if type(value) is not str or not _NAME.fullmatch(value):
        rule = "rename it: 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first"
        return Problem("is not a name that a profile can have", rule)
    if _DEVICES.fullmatch(value):
        return Problem("is the name of a device on Windows, so of no file", f"rename it: my-{value}")
    return None


def choice(expects: str, example: str, options: Collection[str]) -> Kind:
    """One of a few words."""

    def problem(value: object) -> Problem | None:
        if type(value) is not str:
            return not_a("text", value)
        if value in options:
            return None
        found = nearest(value, options)
        meant = [found] if found else options
        return Problem(f"is not one of {', '.join(options)}", " or ".join(f'"{word}"' for word in meant))

    return Kind(expects, example, problem, {"enum": list(options)})


def not_a(expects: str, value: object) -> Problem:
    """The problem of a value that has another type."""
    return Problem(f"is {_TYPES.get(type(value), 'a date or time')}, not {expects}")


def text(value: object) -> Problem | None:
    """What is wrong with a value that should be one line of text."""
    if type(value) is not str:
        return not_a("text", value)
    if not value:
        return Problem("is empty")
    return None if value.isprintable() else Problem("has line breaks, or characters that cannot be seen")


def _any_text(value: object) -> Problem | None:
    return None if type(value) is str else not_a("text", value)


def _boolean(value: object) -> Problem | None:
    if value in ("true", "false"):
        return Problem("is text: leave the quotes out", str(value))
    return None if type(value) is bool else not_a("true or false", value)


def _seconds(value: object) -> Problem | None:
    if type(value) is str and re.fullmatch(r"[0-9]{1,9}", value):
        return Problem("is text: leave the quotes out", str(int(value)))
    if type(value) is not int and type(value) is not float:
        return not_a("a number of seconds", value)
    return None if 0 <= value <= _MOST_SECONDS else Problem("is not between 0 and 1000000 seconds")


def _timeout(value: object) -> Problem | None:
    return _seconds(value) or (None if value else Problem("leaves no time at all"))


def each(problem: Callable[[object], Problem | None], values: list[object]) -> Problem | None:
    """What is wrong with the first value of a list that has something wrong."""
    for number, value in enumerate(values, 1):
        if (found := problem(value)) is not None:
            return Problem(f"item {number} {found.message}")
    return None


def _texts(value: object) -> Problem | None:
    return each(text, value) if type(value) is list else not_a("a list of text", value)


def _names(value: object) -> Problem | None:
    return _texts(value) or (None if value else Problem("is an empty list"))


def _scopes(value: object) -> Problem | None:
    if type(value) is str:
        return each(_scope, [word for word in value.split(" ") if word])
    return each(_scope, value) if type(value) is list else not_a("a list of scopes", value)


def _scope(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    if " " in str(value):
        return Problem("has a space in it; each scope is an item of its own")
    if str(value).endswith(","):
        return Problem("ends in a comma; scopes in one text stand apart by a space alone")
    return None if _SCOPE.fullmatch(str(value)) else Problem("has a character that no scope can have")


def _header_name(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    if str(value).lower() in _FRAMING:
        return Problem("is a header that is set for every request, and not for this")
    return None if _TOKEN.fullmatch(str(value)) else Problem("has a character that no header's name can have")


def _header_value(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    form = str(value)
    if "{token}" not in form:
        return Problem("has no {token} in it, so the token would not be sent")
    if form != form.strip() or not form.isascii():
        return Problem("has a space at one end, or a character that is not ASCII")
    return None


def _parameters(value: object) -> Problem | None:
    if type(value) is not dict:
        return not_a("a table of text", value)
    for name, entry in value.items():
        if (problem := _any_text(entry)) is not None:
            return Problem(problem.message, '"…"', name)
        if not name:
            return Problem("has no name", below=name)
    return None


def _secret(value: object) -> Problem | None:
    if type(value) is str:
        return text(value)
    if type(value) is not dict:
        return not_a("text or a reference", value)
    how = next((name for name in value if name in REFERENCES), "")
    if not is_reference(value):
        return Problem(f"is not one of {', '.join(REFERENCES.values())}")
    for name, what in value.items():
        if (problem := _FORMS.get(name, TEXT).problem(what)) is not None:
            return Problem(f"its {name} {problem.message}", REFERENCES[how])
    return None


def _variable(value: object) -> Problem | None:
    # Some write the value here, or as a shell does: neither may be told as the name of what is missing.
    wrong = Problem("is not the name alone of a variable")
    return text(value) or (None if re.fullmatch(r"[^\s$=]+", str(value)) else wrong)


def _class(value: object) -> Problem | None:
    if (problem := text(value)) is not None:
        return problem
    if re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", str(value)):
        return None
    module, _, name = str(value).rpartition(".")
    dotted = f'"{module}:{name}"' if re.fullmatch(r"[\w.]+", str(value)) and module else ""
    return Problem("is not a module and a class with a colon between them", dotted)


def _argument(value: object) -> Problem | None:
    """What is wrong with the references to secrets in a value of any form."""
    if type(value) is list:
        return each(_argument, value)
    if type(value) is not dict:
        return None
    if is_reference(value):
        return _secret(value)
    for name, entry in value.items():
        if (problem := _argument(entry)) is not None:
            return Problem(problem.message, problem.write or "…", problem.below or name)
    return None


def is_reference(value: object) -> bool:
    """Whether a value is meant as one of the `REFERENCES`."""
    if not isinstance(value, dict):
        return False
    how = [name for name in value if name in REFERENCES]
    return len(how) == 1 and not value.keys() - {*how, *BESIDE.get(how[0], ())}


def _arguments(value: object) -> Problem | None:
    return _argument(value) if type(value) is list else not_a("a list", value)


def _options(value: object) -> Problem | None:
    if type(value) is not dict:
        return not_a("a table", value)
    for name, entry in value.items():  # it is no reference itself, whatever its options are called
        if (problem := _argument(entry)) is not None:
            return Problem(problem.message, problem.write or "…", problem.below or name)
    return None


def _retries(value: object) -> Problem | None:
    if type(value) is not int:
        return not_a("a whole number", value)
    return None if 0 <= value <= _MOST_RETRIES else Problem(f"is not between 0 and {_MOST_RETRIES}")


def _table(value: object) -> Problem | None:
    return None if type(value) is dict else not_a("a table", value)


def _whole(pattern: re.Pattern[str]) -> dict[str, Any]:
    """Text that a pattern matches from its first to its last character."""
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "minItems": 1}


def _seconds_schema(least: str) -> dict[str, Any]:
    return {"type": "number", least: 0, "maximum": _MOST_SECONDS}


NOTHING: Mapping[str, Any] = {"allOf": [False]}
"""What no value is, in JSON Schema; a bare `false` for keys that are not known is told of the whole table."""

_LINE = {"type": "string", "minLength": 1}

TEXT = Kind("text", '"…"', text, _LINE)
ANY_TEXT = Kind("text", '"…"', _any_text, {"type": "string"})
BOOLEAN = Kind("true or false", "true", _boolean, {"type": "boolean"})
SECONDS = Kind("a number of seconds", "30", _seconds, _seconds_schema("minimum"))
RETRIES = Kind("a whole number", "3", _retries, {"type": "integer", "minimum": 0, "maximum": _MOST_RETRIES})
FILE = Kind("a file", '"acme.pem"', text, _LINE)
TIMEOUT = Kind("a number of seconds above 0", "60", _timeout, _seconds_schema("exclusiveMinimum"))
NAMES = Kind("a list of names", '["one", "two"]', _names, _list(_LINE))
SCOPES = Kind(
    "a list of scopes",
    '["openid", "email"]',
    _scopes,
    {"type": ["array", "string"], "items": _whole(_SCOPE)},
)
HEADER_NAME = Kind("the name of a header", '"Authorization"', _header_name, _whole(_TOKEN))
HEADER_VALUE = Kind(
    "a header's value with {token} in it",
    '"Bearer {token}"',
    _header_value,
    {"type": "string", "pattern": r"\{token\}"},
)
PARAMETERS = Kind(
    "a table of text",
    '{ prompt = "login" }',
    _parameters,
    {"type": "object", "additionalProperties": {"type": "string"}},
)
_VARIABLE = Kind("the name of a variable", '"NAME"', _variable, {"type": "string", "pattern": r"^[^\s$=]+$"})
_FORMS = {"env": _VARIABLE, "command": NAMES}
REFERENCE_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {
            "type": "object",
            "required": [how],
            "properties": {name: dict(_FORMS.get(name, TEXT).schema) for name in (how, *BESIDE.get(how, ()))},
            "additionalProperties": NOTHING,
        }
        for how in REFERENCES
    ]
}
"""The `REFERENCES` in JSON Schema: it stands in `definitions`, once."""
SECRET = Kind(
    "text, or where to read it",
    REFERENCES["env"],
    _secret,
    {"anyOf": [_LINE, {"$ref": "#/definitions/reference"}]},
)
CLASS = Kind(
    "a module and a class",
    '"requests.auth:HTTPDigestAuth"',
    _class,
    {"type": "string", "pattern": "^[^:]+:[^:]+$"},
)
ARGUMENTS = Kind("a list", '["alice", { env = "PASSWORD" }]', _arguments, {"type": "array"})
OPTIONS = Kind("a table", '{ password = { env = "PASSWORD" } }', _options, {"type": "object"})
TABLE = Kind("a table", "{ }", _table, {"type": "object"})
NAME_SCHEMA: Mapping[str, Any] = _whole(_NAME)
"""The names that a profile can have, in JSON Schema."""
