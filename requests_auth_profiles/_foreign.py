"""A requests auth of somebody else's, which a profile names by its class."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from requests import PreparedRequest, Response

from requests_auth_profiles._credential import WithoutToken
from requests_auth_profiles._source import StaticSource, TokenSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["ByClass"]

_UNAUTHORIZED = 401

Auth = Callable[[PreparedRequest], PreparedRequest]


class ByClass(WithoutToken):
    """A credential that a class of somebody else's writes on a request; see `Credential`.

    Args:
        whose: the profile, for messages.
        path: the class, as in `package.module:Name`.
        given: gives the arguments and options that an object of it is made with, on its first use and on
            the one after a refusal.
        forget: has the secrets among them looked up again the next time.
    """

    __slots__ = ("_auth", "_forget", "_given", "_path", "_whose", "source")

    def __init__(
        self,
        whose: str,
        path: str,
        given: Callable[[], tuple[Sequence[Any], Mapping[str, Any]]],
        forget: Callable[[], object] = lambda: None,
    ) -> None:
        self._whose = whose
        self._path = path
        self._given = given
        self._forget = forget
        self._auth: Auth | None = None
        # Nobody knows whether there is a token.
        self.source: TokenSource = StaticSource(str, lambda _: self.refused(self._auth))

    @property
    def writes(self) -> tuple[str, ...]:
        """What it does, as nobody knows which headers that are."""
        return (f"request as {self._path} does",)

    def put(self, request: PreparedRequest, token: Token) -> bool:  # noqa: ARG002
        """Has the class sign a request, and notes what it has added.

        Raises:
            ConfigurationError: there is no such class, or it cannot be made with what it is given.
        """
        auth = self._auth
        if auth is None:
            auth = self._auth = self._made()
        headers, hooks = dict(request.headers), list(request.hooks["response"])
        signed = auth(request)
        if signed is not request:
            vars(request).update(vars(signed))  # as requests does
        names = [name for name, value in request.headers.items() if headers.get(name) != value]
        added = [hook for hook in request.hooks["response"] if hook not in hooks]
        request.register_hook("response", _Added(self, auth, names, added))  # type: ignore[no-untyped-call]
        return True

    def leave(self, request: PreparedRequest, response: Response, token: Token) -> None:  # noqa: ARG002
        """Takes off what the class has added, its answers to a challenge among it."""
        hooks = request.hooks["response"]
        for added in [hook for hook in hooks if isinstance(hook, _Added) and hook.credential is self]:
            hooks = [hook for hook in hooks if hook is not added and hook not in added.hooks]
            for name in added.names:
                request.headers.pop(name, None)
        request.hooks["response"] = hooks

    def refused(self, auth: Auth | None) -> None:
        """Has another object made for the next request, its secrets looked up again.

        Args:
            auth: what signed the request that was refused; another thread may have seen to it already.
        """
        if auth is self._auth:
            self._auth = None
            self._forget()

    def _made(self) -> Auth:
        made = self._object()
        if callable(made):
            auth: Auth = made
            return auth
        # Raised here, where no variable holds what the class was given: debuggers show those.
        problem, hint = made
        raise ConfigurationError(f"{self._path}, the class of {self._whose}, {problem}", hint=hint)

    def _object(self) -> Auth | tuple[str, str]:
        """An object of the class, or why there is none and what to do about it."""
        module, _, name = self._path.partition(":")
        try:
            found: Any = import_module(module)
            for step in name.split("."):
                found = getattr(found, step)
        except ImportError as error:
            return _missing(module, error)
        except AttributeError:
            return f"{module} has no {name}", f"look what {module} calls it"
        args, options = self._given()
        try:
            auth: Auth = found(*args, **options)
        except Exception as error:  # noqa: BLE001  it is somebody else's code
            problem = f"cannot be made with these args and options: {type(error).__name__}"
            return problem, f"help({name}) in Python says what it takes"
        if not callable(auth):
            return "is no requests auth", "name a class whose objects requests takes as auth="
        return auth


def _missing(module: str, error: ImportError) -> tuple[str, str]:
    """Why a module cannot be imported, and what to do about it."""
    problem = f"cannot import {module}"
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return problem, f"python -c 'import {module}' says why"
    if not f"{module}.".startswith(f"{error.name}."):
        problem += f", which needs {error.name}"
    package = error.name.partition(".")[0].replace("_", "-")  # as most are called
    return problem, f"check the spelling; if it is right, install its package: pip install {package}"


class _Added:
    """A response hook that goes with a request: it says what a class added to that, and looks for a refusal.

    Args:
        credential: whose class it was.
        auth: the object of it.
        names: the headers.
        hooks: the other hooks.
    """

    __slots__ = ("_auth", "credential", "hooks", "names")

    def __init__(self, credential: ByClass, auth: Auth, names: list[str], hooks: list[Any]) -> None:
        self._auth = auth
        self.credential = credential
        self.names = names
        self.hooks = hooks

    def __call__(self, response: Response, **_: Any) -> Response:
        if response.status_code == _UNAUTHORIZED:  # behind the hooks of the class, which may have answered it
            self.credential.refused(self._auth)
        return response

    def __reduce__(self) -> Any:
        raise TypeError("a request that a profile signed is not pickled or copied: it carries its secrets")
