"""Every class of requests_auth is here, with its parameters in their order and with their defaults."""

import inspect
from inspect import Parameter
from typing import Any

import pytest
import requests_auth
from documented import ERRORS, NAMES, NEW_UUID, TABLES, USUAL

import requests_auth_profiles

OPEN = [
    name for name in TABLES if name.startswith(("OAuth2", "Okta", "Azure", "WakaTime"))
]  # those that take any other parameter
TYPING_MISTAKE = "a code flow that asks for a token gets none: requests_auth itself sends code"

# Where our default is said in another way than the page's, and why.
OTHER_DEFAULTS: dict[tuple[str, str], tuple[Any, str]] = {
    ("OktaAuthorizationCode", "response_type"): ("code", TYPING_MISTAKE),
    ("WakaTimeAuthorizationCode", "response_type"): ("code", TYPING_MISTAKE),
    ("OAuth2Implicit", "token_field_name"): (None, "the default hangs on response_type"),
    ("OktaImplicit", "scope"): (("openid", "profile", "email"), "a default that nobody can change"),
    ("OktaImplicitIdToken", "scope"): (("openid", "profile", "email"), "a default that nobody can change"),
    ("HeaderApiKey", "header_name"): (None, "None means the documented name, as it does upstream"),
    ("QueryApiKey", "query_parameter_name"): (None, "None means the documented name, as it does upstream"),
}


def parameters(owner: Any, name: str) -> dict[str, Parameter]:
    """The parameters of a class, by name."""
    return dict(inspect.signature(getattr(owner, name)).parameters)


def positional(owner: Any, name: str) -> list[tuple[str, Any]]:
    """The parameters of a class that may be given by position, with their defaults."""
    kinds = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    return [(one.name, one.default) for one in parameters(owner, name).values() if one.kind in kinds]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_imported(name: str) -> None:
    """A program that changes its import finds the same names."""
    assert name in requests_auth_profiles.__all__
    assert hasattr(requests_auth_profiles, name)


def test_no_name_of_the_installed_package_is_forgotten() -> None:
    """All that requests_auth exports is here."""
    theirs = {name for name in requests_auth.__all__ if not inspect.ismodule(getattr(requests_auth, name))}
    assert theirs <= set(NAMES)


@pytest.mark.parametrize("name", TABLES)
def test_positional_parameters_are_the_same(name: str) -> None:
    """What is given by position means the same, and what is left out too."""
    assert positional(requests_auth_profiles, name) == positional(requests_auth, name)


@pytest.mark.parametrize(("name", "parameter"), [(name, one) for name in TABLES for one in TABLES[name]])
def test_every_documented_parameter_has_its_default(name: str, parameter: str) -> None:
    """Each parameter of the page's tables is an explicit one, with the default that is told there."""
    default = TABLES[name][parameter]
    expected = OTHER_DEFAULTS.get((name, parameter), ("new" if default == NEW_UUID else default, ""))[0]
    assert parameters(requests_auth_profiles, name)[parameter].default == expected


@pytest.mark.parametrize(("name", "parameter"), [(name, one) for name in USUAL for one in USUAL[name]])
def test_every_usual_extra_parameter_is_an_explicit_one(name: str, parameter: str) -> None:
    """An editor completes the extra parameters that the page names, too."""
    assert parameter in parameters(requests_auth_profiles, name)


@pytest.mark.parametrize("name", OPEN)
def test_any_other_parameter_is_taken(name: str) -> None:
    """As upstream, an OAuth2 class takes parameters that nobody foresaw."""
    kinds = {one.kind for one in parameters(requests_auth_profiles, name).values()}
    assert Parameter.VAR_KEYWORD in kinds


@pytest.mark.parametrize("name", TABLES)
def test_a_parameter_of_ours_alone_can_only_be_given_by_name(name: str) -> None:
    """What the installed class does not take by position stands behind all that it does."""
    ours, theirs = parameters(requests_auth_profiles, name), parameters(requests_auth, name)
    closed = {Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD}
    assert all(one.kind in closed for one in ours.values() if one.name not in theirs)


def test_every_other_default_is_still_needed() -> None:
    """The list of defaults that are said in another way holds no entry without a cause."""
    same = [key for key, (ours, _) in OTHER_DEFAULTS.items() if TABLES[key[0]][key[1]] == ours]
    assert same == []


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_caught_as_before(name: str) -> None:
    """An `except` clause of requests_auth's classes catches what it caught."""
    ours, theirs = getattr(requests_auth_profiles, name), getattr(requests_auth, name)
    bases = {base.__name__ for base in theirs.__mro__} & {*ERRORS, "RequestException", "Exception"}
    assert bases <= {base.__name__ for base in ours.__mro__}


@pytest.mark.parametrize(
    "name", [name for name in TABLES if name not in {"DisplaySettings", "JsonTokenFileCache"}]
)
def test_every_class_can_be_put_together(name: str) -> None:
    """All authentications know `+` and `&`."""
    assert issubclass(getattr(requests_auth_profiles, name), requests_auth_profiles.SupportMultiAuth)
