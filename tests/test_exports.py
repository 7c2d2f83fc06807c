"""What is public: each module says so itself, and keeps its word."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import requests_auth_profiles


def modules() -> list[str]:
    """All modules of the package."""
    found = pkgutil.walk_packages(requests_auth_profiles.__path__, "requests_auth_profiles.")
    return [
        "requests_auth_profiles",
        *(module.name for module in found if not module.name.endswith("__main__")),
    ]


def is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


PUBLIC = [name for name in modules() if is_public(name)]


def own_names(module: ModuleType) -> set[str]:
    """The names without an underscore that a module defines itself."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }


@pytest.mark.parametrize("name", modules())
def test_all_is_sorted_and_there(name: str) -> None:
    """Every module that has an `__all__` names what it has, once each, in order."""
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert all(hasattr(module, one) for one in names)
    # As ruff sorts them: constants first, then classes, then the rest.
    assert list(names) == sorted(set(names), key=lambda one: (not one.isupper(), not one[0].isupper(), one))


@pytest.mark.parametrize("name", [name for name in PUBLIC if ".cli" not in name])
def test_a_public_module_says_what_is_public(name: str) -> None:
    """A module without an underscore names all that it defines without one."""
    module = importlib.import_module(name)
    assert hasattr(module, "__all__")
    assert own_names(module) <= set(module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_is_explained(name: str) -> None:
    """Every public name of a public module has a docstring."""
    module = importlib.import_module(name)
    unexplained = [
        one
        for one in getattr(module, "__all__", [])
        if callable(getattr(module, one)) and not inspect.getdoc(getattr(module, one))
    ]
    assert unexplained == []


def test_the_package_lists_what_it_gives_on_demand() -> None:
    """`dir` shows what is public, and everything it shows can be had."""
    assert dir(requests_auth_profiles) == sorted(requests_auth_profiles.__all__)
    assert all(hasattr(requests_auth_profiles, name) for name in dir(requests_auth_profiles))


def test_what_the_package_does_not_have() -> None:
    """A wrong name is an AttributeError as for any module, and an ImportError where it is imported."""
    with pytest.raises(AttributeError, match="'requests_auth_profiles' has no attribute 'profil'"):
        _ = requests_auth_profiles.profil
    with pytest.raises(ImportError):
        exec("from requests_auth_profiles import profil")


def test_it_is_typed() -> None:
    """Type checkers read the annotations (PEP 561)."""
    from importlib.resources import files

    assert files("requests_auth_profiles").joinpath("py.typed").is_file()
