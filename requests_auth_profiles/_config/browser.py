"""What the key `browser` takes: a browser by its name, or a program and its arguments."""

from pathlib import PurePosixPath, PureWindowsPath

from requests_auth_profiles._config.kinds import NAMES, Kind, Problem, not_a, text

__all__ = ["BROWSER"]

_WITH_ARGUMENTS = '["google-chrome", "--profile-directory=Work"]'


def _browser(value: object) -> Problem | None:
    if type(value) is list:
        return NAMES.problem(value) or _program(str(value[0]))
    if type(value) is not str:
        return not_a("text or a list of text", value)
    return text(value) or _program(value)


def _program(name: str) -> Problem | None:
    if " -" in name or "%s" in name:
        return Problem("has arguments in the name: each is an item of a list", _WITH_ARGUMENTS)
    whole = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute() or name[0] == "~"
    if set(name) & {"/", "\\"} and not whole:  # the working directory is anybody's
        return Problem("names a program by a path that does not begin at the root", '"/opt/firefox/firefox"')
    return None


BROWSER = Kind(
    "the name of a browser, or a program and its arguments",
    '"firefox"',
    _browser,
    {"anyOf": [{"type": "string", "minLength": 1}, dict(NAMES.schema)]},
)
