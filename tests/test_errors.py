"""The errors: one tree as it is drawn, each with a hint, each as good in another process."""

import ast
import copy
import inspect
import pickle
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import requests

from requests_auth_profiles import errors
from requests_auth_profiles.errors import (
    Fault,
    HostNotAllowed,
    ProfilesFileError,
    RefreshRefused,
    RequestsAuthException,
    SignInRefused,
)

PACKAGE = Path(errors.__file__).parent
FAULTS = [
    Fault(("profiles", "work", "hosts"), "is no list", "hosts = [...]", 4),
    Fault(("default_profile",), "there is no profile 'x'", "", 1),
    Fault((), "is not TOML", "see https://toml.io"),
]


def public() -> dict[str, type[RequestsAuthException]]:
    """All public errors, by name."""
    found = {name: getattr(errors, name) for name in errors.__all__}
    return {name: kind for name, kind in found.items() if issubclass(kind, Exception)}


def made(kind: type[RequestsAuthException]) -> RequestsAuthException:
    """One of its kind, with all that it takes."""
    if issubclass(kind, ProfilesFileError):
        return kind("/home/ada/profiles.toml", FAULTS)
    parameters = inspect.signature(kind).parameters
    more = {name: f"the {name}" for name in parameters if name not in {"message", "_", "hint"}}
    return kind("it went wrong", hint="type this", **more)


every_error = pytest.mark.parametrize("kind", list(public().values()), ids=list(public()))


def drawn() -> Iterator[tuple[str, str]]:
    """Each error of the drawing with the one it hangs on, from the top."""
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"(?P<indent> {4}[ │├└─]*)(?P<name>[A-Z]\w+|requests\.\w+)", line)
        if found is None:
            continue
        depth = len(found["indent"])
        while above and above[-1][0] >= depth:
            above.pop()
        if above:
            yield found["name"], above[-1][1]
        above.append((depth, found["name"]))


class TestTheTree:
    """The drawing in the docstring is the tree."""

    def test_all_are_drawn(self) -> None:
        """Each public error is in it once, and no other."""
        assert sorted(name for name, _ in drawn()) == sorted(public())

    @pytest.mark.parametrize(("name", "parent"), list(drawn()))
    def test_each_hangs_where_it_is_drawn(self, name: str, parent: str) -> None:
        """Its nearest public ancestor is the one that it hangs on."""
        ancestors = [kind.__name__ for kind in public()[name].__mro__[1:] if kind.__name__ in public()]
        if parent == "requests.RequestException":
            assert issubclass(public()[name], requests.RequestException)
            assert ancestors == []
        else:
            assert ancestors[0] == parent

    def test_one_handler_catches_all(self) -> None:
        """Who catches what requests raises catches ours too."""
        assert all(issubclass(kind, requests.RequestException) for kind in public().values())


class TestAnError:
    """What an error says is there for programs and for people, here and in another process."""

    @every_error
    def test_it_says_what_to_do(self, kind: type[RequestsAuthException]) -> None:
        """Its text has the message, and below it the hint."""
        error = made(kind)
        assert str(error).startswith(error.message)
        assert str(error).endswith(f"hint: {error.hint}" if error.hint else error.message)

    @every_error
    @pytest.mark.parametrize(
        "way", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy]
    )
    def test_it_survives_a_pickle(self, kind: type[RequestsAuthException], way: object) -> None:
        """Kind, text, arguments and attributes are the same afterwards."""
        error = made(kind)
        again = way(error)
        assert (type(again), str(again), again.args) == (kind, str(error), error.args)
        assert vars(again) == vars(error)

    @every_error
    def test_every_protocol_of_pickle(self, kind: type[RequestsAuthException]) -> None:
        """Also those that older programs ask for."""
        error = made(kind)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert str(pickle.loads(pickle.dumps(error, protocol))) == str(error)

    def test_it_crosses_a_process_border(self) -> None:
        """A worker's error reaches the one who waits for it, with its hint."""
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            error = pool.submit(fail).exception(timeout=60)
        assert isinstance(error, RefreshRefused)
        assert (error.error, error.hint) == ("invalid_grant", "sign in again")

    def test_it_may_carry_request_and_response(self) -> None:
        """They are those of requests, and None where there are none."""
        error = HostNotAllowed("no", hint="yes")
        assert (error.request, error.response) == (None, None)

    @pytest.mark.parametrize("description", ["", "the user said no"])
    def test_the_providers_own_words(self, description: str) -> None:
        """Its code and text are in the message, and apart for programs."""
        error = SignInRefused(
            "login.acme.com refused",
            error="access_denied",
            error_description=description,
            error_uri="https://login.acme.com/e",
            hint="sign in again",
        )
        said = "access_denied (the user said no)" if description else "access_denied"
        assert error.message == f"login.acme.com refused: {said}"
        assert (error.error, error.error_description) == ("access_denied", description)
        assert error.error_uri == "https://login.acme.com/e"

    def test_faults_of_a_file(self) -> None:
        """Each has its place, as editors read it, and its own hint."""
        error = ProfilesFileError("/p.toml", FAULTS)
        assert str(error).splitlines() == [
            "3 faults in the profiles file",
            "  /p.toml:4: profile 'work', hosts: is no list",
            "    hint: hosts = [...]",
            "  /p.toml:1: default_profile: there is no profile 'x'",
            "  /p.toml: is not TOML",
            "    hint: see https://toml.io",
        ]
        assert (error.file, error.faults) == ("/p.toml", tuple(FAULTS))

    def test_one_fault_is_not_many(self) -> None:
        """One fault is told in the singular."""
        assert str(ProfilesFileError("/p.toml", FAULTS[:1])).startswith("1 fault in")

    @pytest.mark.parametrize(
        ("path", "profile", "key"),
        [
            (("profiles", "work", "client_secret", "env"), "work", "client_secret.env"),
            (("profiles", "work"), "work", ""),
            (("profiles",), "", "profiles"),
            (("store", "key"), "", "store.key"),
            ((), "", ""),
        ],
    )
    def test_where_a_fault_is(self, path: tuple[str, ...], profile: str, key: str) -> None:
        """Programs get profile and key apart."""
        fault = Fault(path, "is wrong")
        assert (fault.profile, fault.key) == (profile, key)


def fail() -> None:
    """Run in another process."""
    raise RefreshRefused("refused", error="invalid_grant", hint="sign in again")


def constructions() -> Iterator[tuple[str, ast.Call]]:
    """Each place in the package where one of our errors is made."""
    kinds = public()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.func.id}", node


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (errors.TimeoutOccurred, (60,)),
        (errors.AuthenticationFailed, ()),
        (errors.InvalidGrantRequest, ({"error": "invalid_grant"},)),
        (errors.GrantNotProvided, ("access_token", {})),
        (errors.SignInRefused, ("no",)),
    ],
)
def test_it_is_made_with_anything(kind: type[RequestsAuthException], said: tuple[object, ...]) -> None:
    """Tests of programs raise errors with whatever those of requests_auth are made with."""
    error = kind(*said)
    assert str(error) == (str(said[0]) if said else "")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_handlers_for_requests_auth_catch_ours() -> None:
    """A refusal in the browser is an InvalidGrantRequest, as there; no connection is one of requests' own."""
    assert issubclass(errors.SignInRefused, errors.InvalidGrantRequest)
    assert issubclass(errors.ProviderUnavailable, requests.ConnectionError)


def test_every_error_is_made_with_a_hint() -> None:
    """Wherever the package makes an error, it says what to type or change next."""
    without = []
    for place, call in constructions():
        hint = next((keyword.value for keyword in call.keywords if keyword.arg == "hint"), None)
        empty = isinstance(hint, ast.Constant) and not hint.value
        if not place.endswith("ProfilesFileError") and (hint is None or empty):
            without.append(place)
    assert without == []


def test_the_check_for_hints_sees_the_errors() -> None:
    """It does not pass for want of anything to look at."""
    assert len(list(constructions())) > 50


def test_no_handler_takes_our_errors_for_the_systems() -> None:
    """Our errors are OSErrors, as all of requests are: who catches OSError lets ours through first.

    Around calls of the system alone nothing of ours can come; this looks at functions that also make errors.
    """
    suspects = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Try):
                continue
            raised = {
                call.func.id
                for statement in node.body
                for call in ast.walk(statement)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
            } & set(public())
            caught = [ast.unparse(handler.type) for handler in node.handlers if handler.type is not None]
            position = next((n for n, text in enumerate(caught) if re.search(r"\bOSError\b", text)), None)
            lets_through = any("RequestsAuthException" in text for text in caught[:position])
            if raised and position is not None and not lets_through:
                suspects.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert suspects == []
