"""What can go wrong, as one tree.

::

    requests.RequestException
    └── RequestsAuthException
        ├── ConfigurationError           the profiles file, a setting or a call is wrong
        │   ├── ProfilesFileError        what stands in the file: every fault at once, with its line
        │   ├── ProfileNotFound          no such file, or no such profile in it
        │   ├── SecretUnavailable        a reference that gives no secret here
        │   └── CompositionConflict      two authentications that write the same header or parameter
        ├── HostNotAllowed               a credential does not go to this URL
        ├── InteractionRequired          a person must sign in, and none can be asked here
        ├── AuthenticationFailed         the sign-in did not end in a token
        │   └── RedirectPortUnavailable  the port of the redirect URI cannot be listened on
        ├── TimeoutOccurred              nobody answered in time
        ├── NotRevoked                   a token is forgotten here, and still good where it was issued
        ├── ProviderUnavailable          the provider cannot be reached, or fails (a requests.ConnectionError)
        ├── InvalidProviderResponse      the provider's answer breaks the standard
        │   ├── GrantNotProvided         no token in the answer
        │   ├── StateNotProvided         no state in the answer in the browser
        │   └── InvalidToken             a token that cannot be accepted
        │       └── TokenExpiryNotProvided   a token that does not say when it ends
        ├── InvalidGrantRequest          the provider refused (RFC 6749 section 5.2)
        │   ├── SignInRefused            the provider said no in the browser (RFC 6749 section 4.1.2.1);
        │   │                            an AuthenticationFailed too
        │   └── RefreshRefused           it refused the refresh token: a new sign-in is needed
        └── StoreError                   the token store
            ├── StoreChanged             another wrote there while this process stood still
            ├── StoreKeyError            its key is missing, or is another one
            ├── StoreVersionError        written by a newer version
            └── StoreUnavailable         cannot be read or written here

Every error has a `hint`: what to type or change next. No message, hint or attribute holds a secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import requests

__all__ = [
    "AuthenticationFailed",
    "CompositionConflict",
    "ConfigurationError",
    "Fault",
    "GrantNotProvided",
    "HostNotAllowed",
    "InteractionRequired",
    "InvalidGrantRequest",
    "InvalidProviderResponse",
    "InvalidToken",
    "NotRevoked",
    "ProfileNotFound",
    "ProfilesFileError",
    "ProviderUnavailable",
    "RedirectPortUnavailable",
    "RefreshRefused",
    "RequestsAuthException",
    "SecretUnavailable",
    "SignInRefused",
    "StateNotProvided",
    "StoreChanged",
    "StoreError",
    "StoreKeyError",
    "StoreUnavailable",
    "StoreVersionError",
    "TimeoutOccurred",
    "TokenExpiryNotProvided",
]


class RequestsAuthException(requests.RequestException):
    """The root of all errors of this library.

    Args:
        message: what happened, in one sentence, without a secret.
        hint: what to type or change next.
    """

    def __init__(self, message: object = "", *_: object, hint: str = "") -> None:
        # Of any form: tests of programs raise errors with what those of requests_auth are made with.
        super().__init__(message)
        self.message = str(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # An error crosses process borders (multiprocessing, futures) with all that it says.
        return _revive, (type(self), self.__dict__.copy(), self.args)


def _revive(
    kind: type[RequestsAuthException], state: dict[str, object], args: tuple[object, ...]
) -> RequestsAuthException:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(RequestsAuthException):
    """The profiles file, a setting or a call is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a profiles file, and where.

    Args:
        path: the key, from the root of the file, as in `("profiles", "work-okta", "flow")`.
        message: what is wrong, without a secret.
        hint: what to write instead.
        line: 1 for the first line; 0 where a fault has no line of its own.
        file: the file, where it may be another than the one that was asked for.
    """

    path: tuple[str, ...]
    message: str
    hint: str = ""
    line: int = 0
    file: str = ""

    @property
    def profile(self) -> str:
        """The profile at fault, empty where it is not in one."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "profiles" else ""

    @property
    def key(self) -> str:
        """The key at fault inside its profile or table, dotted, empty where it is the whole of it."""
        return ".".join(self.path[2:] if self.profile else self.path)

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (f"profile '{self.profile}'" if self.profile else "", self.key) if part
        )
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}\n    hint: {self.hint}" if self.hint else text


class ProfilesFileError(ConfigurationError):
    """A profiles file is wrong: all its faults at once.

    Args:
        file: the path of the file.
        faults: what is wrong, in the order of the file.
    """

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        places = (f"{fault.file or file}{f':{fault.line}' if fault.line else ''}" for fault in self.faults)
        lines = (f"  {place}: {fault}" for place, fault in zip(places, self.faults, strict=True))
        super().__init__(f"{count} in the profiles file\n" + "\n".join(lines))


class ProfileNotFound(ConfigurationError):
    """There is no such profiles file, or no such profile in it."""


class SecretUnavailable(ConfigurationError):
    """A secret's reference gives nothing here: no such variable or file, or its command failed."""


class CompositionConflict(ConfigurationError):
    """Two authentications that are put together write the same header or parameter."""


class HostNotAllowed(RequestsAuthException):
    """A credential does not go to this URL: the profile's `hosts` do not name it, or it is not https."""


class InteractionRequired(RequestsAuthException):
    """A person must sign in, and none can be asked here."""


class AuthenticationFailed(RequestsAuthException):
    """The sign-in did not end in a token."""


class _ProviderError(RequestsAuthException):
    """An error in the provider's own words.

    Args:
        message: what we asked for, and that it was refused.
        error: the provider's error code.
        error_description: its text for a developer, if it gave one.
        error_uri: its page on it, if it gave one.
        hint: what to type or change next.
    """

    def __init__(
        self,
        message: object = "",
        *_: object,
        error: str = "",
        error_description: str = "",
        error_uri: str = "",
        hint: str = "",
    ) -> None:
        said = f"{error} ({error_description})" if error_description else error
        super().__init__(f"{message}: {said}" if said else message, hint=hint)
        self.error = error
        self.error_description = error_description
        self.error_uri = error_uri


class RedirectPortUnavailable(AuthenticationFailed):
    """The port of the redirect URI cannot be listened on."""


class TimeoutOccurred(RequestsAuthException):
    """Nobody answered in time: the person in the browser, the provider, or another process that signs in.

    Args:
        message: who was waited for, and how long.
        holder: who has what was waited for, as in `another process (pid 4242)`; empty where nobody has.
        hint: what to type or change next.
    """

    def __init__(self, message: object = "", *_: object, holder: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class NotRevoked(RequestsAuthException):
    """A token is forgotten here, and still good where it was issued: it could not be ended there."""


class ProviderUnavailable(RequestsAuthException, requests.ConnectionError):
    """The identity provider cannot be reached, or fails; tokens that are there stay."""


class InvalidProviderResponse(RequestsAuthException):
    """The identity provider's answer breaks the standard, so nothing of it is used."""


class GrantNotProvided(InvalidProviderResponse):
    """There is no token in the provider's answer."""


class StateNotProvided(InvalidProviderResponse):
    """There is no state in the answer in the browser; here for code that names it: we go on waiting then."""


class InvalidToken(InvalidProviderResponse):
    """A token that cannot be accepted: its form, its type, or an ID token that is not for us."""


class TokenExpiryNotProvided(InvalidToken):
    """A token does not say when it ends; here for code that names it: we take such a token."""


class InvalidGrantRequest(_ProviderError):
    """The token endpoint refused the request (RFC 6749 section 5.2)."""


class SignInRefused(InvalidGrantRequest, AuthenticationFailed):
    """The provider refused the sign-in in the browser (RFC 6749 section 4.1.2.1)."""


class RefreshRefused(InvalidGrantRequest):
    """The token endpoint refused the refresh token (`invalid_grant`): only a new sign-in helps."""


class StoreError(RequestsAuthException):
    """The token store cannot do what was asked."""


class StoreChanged(StoreError):
    """Another process took over while this one stood still, and what it wrote was left as it is."""


class StoreKeyError(StoreError):
    """The key of the token store is missing, or is not the one that its documents were sealed with."""


class StoreVersionError(StoreError):
    """The token store was written by a newer version of this library."""


class StoreUnavailable(StoreError):
    """The token store cannot be read or written here: permissions, a full disk, no home."""
