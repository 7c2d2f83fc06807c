"""What requests calls: an authentication by one credential, or by several that sign each request together."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Self, cast

from requests import PreparedRequest, RequestException
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth, HTTPProxyAuth

from requests_auth_profiles._credential import Credential, WithoutToken
from requests_auth_profiles._hosts import Reach, is_plain
from requests_auth_profiles._signed import Placed, Signed
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    CompositionConflict,
    ConfigurationError,
    HostNotAllowed,
    RequestsAuthException,
)

__all__ = ["ComposedAuth", "ProfileAuth", "SupportMultiAuth", "for_any_client", "joined", "signed_out"]


class SupportMultiAuth:
    """Makes an authentication composable: `a + b` or `a & b` signs a request with both."""

    def __add__(self, other: object) -> "ComposedAuth":
        return _composed(self, other)

    def __radd__(self, other: object) -> "ComposedAuth":
        return _composed(other, self)

    __and__ = __add__
    __rand__ = __radd__


class ProfileAuth(SupportMultiAuth, AuthBase):
    """An authentication by one credential.

    Args:
        reach: whose it is, and where it may go.
        credential: what is written on a request.
    """

    def __init__(self, reach: Reach, credential: Credential) -> None:
        self._reach = reach
        self._credential = credential

    @property
    def name(self) -> str:
        """The name of the profile."""
        return self._reach.name

    @property
    def credential(self) -> Credential:
        """What is written on a request."""
        return self._credential

    @property
    def writes(self) -> tuple[str, ...]:
        """What it writes on a request."""
        return self._credential.writes

    def within(self, reach: Reach) -> "ProfileAuth":
        """The same for fewer URLs: those that this reach admits too."""
        return ProfileAuth(self._reach.within(reach), self._credential)

    def check(self, url: str) -> None:
        """Refuses a URL, as requests sends it, that the credential may not go to; see `Reach.check`."""
        self._reach.check(url)

    def token(self) -> Token:
        """A token that is good now.

        Raises:
            ConfigurationError: it has none, but answers a challenge.
        """
        if isinstance(self._credential, WithoutToken):
            raise ConfigurationError(
                f"{self.name} has no token: it talks with each server", hint="use it as auth=… of requests"
            )
        return self._credential.source.token()

    def headers(self, url: str, method: str = "GET") -> dict[str, str]:
        """The headers to send to a URL, for a client that is not requests.

        Args:
            url: where the request goes.
            method: its method. It counts with `dpop = true`, where these headers are good for one request.

        Raises:
            HostNotAllowed: the credential may not go there, or clients do not agree on where that is.
            ConfigurationError: it goes into the query, not into a header.
        """
        url = for_any_client(url)
        self.check(url)
        headers = self._credential.headers(self.token(), method, url)
        if headers is None:
            raise ConfigurationError(
                f"{self.name} goes into the query, not into a header",
                hint='in = "header" in a profile, or HeaderApiKey, if the API takes that',
            )
        return headers

    def stored(self) -> Token | None:
        """The token that is kept, good or not; None where nothing is."""
        return self._credential.source.stored()

    def login(self) -> Token:
        """A new token, whatever is kept."""
        return self._credential.source.login()

    def logout(self, *, revoke: bool = False) -> None:
        """Forgets the token that is kept.

        Args:
            revoke: whether it is ended where it was issued, too (RFC 7009).

        Raises:
            NotRevoked: it is forgotten, and still good there.
        """
        self._credential.source.logout(revoke=revoke)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a request.

        Raises:
            HostNotAllowed: the credential may not go there; no token was asked for.
        """
        r.register_hook("response", Signed(self.place(r)))  # type: ignore[no-untyped-call]
        return r

    def place(self, r: PreparedRequest) -> Placed:
        """Puts the credential on a request, for someone who looks after it.

        Raises:
            HostNotAllowed: the credential may not go there; no token was asked for.
        """
        self._reach.check(r.url or "")
        placed = Placed(self._reach, self._credential)
        placed.put(r)
        return placed

    def __repr__(self) -> str:
        if "_credential" not in vars(self):  # a debugger shows what failed while it was made
            return super().__repr__()
        return f"<ProfileAuth {self.name!r}: {', '.join(self.writes)}>"

    def __reduce__(self) -> Any:
        raise _no_pickle(self.name)


class ComposedAuth(SupportMultiAuth, AuthBase):
    """Several authentications that sign each request together, in their order.

    Args:
        name: whose it is, for messages.
        members: they, each a requests auth; those of ours refuse a URL before any asks for a token.

    Raises:
        CompositionConflict: two of them write the same header or parameter.
    """

    def __init__(self, name: str, members: Sequence[AuthBase]) -> None:
        self._name = name
        self._members = tuple(single for member in members for single in _singles(member))
        self._ours = [member for member in self._members if isinstance(member, ProfileAuth)]
        writers: dict[str, str] = {}
        for member in self._members:
            for written in _writes(member):
                if written in writers:
                    raise CompositionConflict(
                        f"{writers[written]} and {_name(member)} both write the {written}",
                        hint="leave one out, or give one another header_name or name",
                    )
                writers[written] = _name(member)
        self._writes = tuple(writers)

    @property
    def members(self) -> tuple[AuthBase, ...]:
        """They, those of a composition among them one by one."""
        return self._members

    @property
    def name(self) -> str:
        """The name of the profile, or the names of its members."""
        return self._name

    @property
    def writes(self) -> tuple[str, ...]:
        """What they write on a request."""
        return self._writes

    def within(self, reach: Reach) -> Self:
        """The same for fewer URLs: those that this reach admits too."""
        return type(self)(
            self._name,
            [member.within(reach) if isinstance(member, ProfileAuth) else member for member in self._members],
        )

    def check(self, url: str) -> None:
        """Refuses a URL that one of the credentials may not go to; see `Reach.check`."""
        for member in self._ours:
            member.check(url)

    def token(self) -> Token:
        """The token of the one member that there is.

        Raises:
            ConfigurationError: there are several.
        """
        if len(self._members) == 1 and self._ours:
            return self._ours[0].token()
        names = ", ".join(member.name for member in self._ours)
        raise ConfigurationError(f"{self.name} has several credentials", hint=f"name one of them: {names}")

    def headers(self, url: str, method: str = "GET") -> dict[str, str]:
        """The headers to send to a URL, for a client that is not requests; see `ProfileAuth.headers`."""
        self.check(for_any_client(url))
        if len(self._ours) != len(self._members):
            raise ConfigurationError(
                f"{self.name} has a member that only requests can use", hint="leave it out"
            )
        return {name: value for member in self._ours for name, value in member.headers(url, method).items()}

    def login(self) -> None:
        """New tokens for all of them, whatever is kept."""
        for member in self._ours:
            member.login()

    def logout(self, *, revoke: bool = False) -> None:
        """Forgets the tokens of all of them, whatever becomes of one; see `ProfileAuth.logout`."""
        if failures := signed_out(self._ours, revoke=revoke):
            raise joined(failures)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a request with each of them.

        Raises:
            HostNotAllowed: one of the credentials may not go there; no token was asked for.
        """
        self.check(r.url or "")
        placed = []
        for member in self._members:
            if isinstance(member, ProfileAuth):
                placed.append(member.place(r))
            else:
                r = member(r)
        r.register_hook("response", Signed(*placed))  # type: ignore[no-untyped-call]
        return r

    def __repr__(self) -> str:
        if "_writes" not in vars(self):
            return super().__repr__()
        return f"<ComposedAuth {self.name!r}: {', '.join(self.writes)}>"

    def __reduce__(self) -> Any:
        raise _no_pickle(self.name)


def signed_out(
    auths: Iterable[ProfileAuth | ComposedAuth], *, revoke: bool, done: Callable[[str], object] = str
) -> list[RequestsAuthException]:
    """Has all of them forget their tokens; gives what went wrong.

    Args:
        auths: they.
        revoke: see `ProfileAuth.logout`.
        done: called with the name of each where nothing did.
    """
    failures = []
    for auth in auths:
        try:
            auth.logout(revoke=revoke)
        except RequestsAuthException as failure:
            failures.append(failure)
        else:
            done(auth.name)
    return failures


def joined(failures: Sequence[RequestsAuthException]) -> RequestsAuthException:
    """One error that tells all of these."""
    *others, last = failures
    kind = type(last) if len({*map(type, failures)}) == 1 else RequestsAuthException
    return kind("\n".join([*map(str, others), last.message]), hint=last.hint) if others else last


def _composed(*parts: object) -> ComposedAuth:
    members: list[AuthBase] = []
    for part in parts:
        if isinstance(part, tuple) and len(part) == 2:  # noqa: PLR2004  what requests takes for Basic
            members.append(HTTPBasicAuth(*part))
        elif callable(part) and not isinstance(part, type):
            members.append(cast("AuthBase", part))  # any callable is an auth to requests
        else:
            what = f"the class {part.__name__}" if isinstance(part, type) else f"a {type(part).__name__}"
            raise TypeError(f"{what} is no requests auth")
    return ComposedAuth(" + ".join(map(_name, members)), members)


def _singles(member: AuthBase) -> tuple[AuthBase, ...]:
    return member.members if isinstance(member, ComposedAuth) else (member,)


def _name(member: AuthBase) -> str:
    return member.name if isinstance(member, (ProfileAuth, ComposedAuth)) else type(member).__name__


def _writes(member: AuthBase) -> tuple[str, ...]:
    if isinstance(member, ProfileAuth):
        return member.writes
    if isinstance(member, HTTPProxyAuth):
        return ("header Proxy-Authorization",)
    return ("header Authorization",) if isinstance(member, (HTTPBasicAuth, HTTPDigestAuth)) else ()


def for_any_client(url: str) -> str:
    """A URL as requests would send it, if every other client takes it for the same.

    Raises:
        HostNotAllowed: they do not: a backslash, a blank, an escape in the host; or requests cannot call it.
    """
    request = PreparedRequest()
    with suppress(RequestException, ValueError):  # they would show a password in the URL
        request.prepare_url(url, None)
    prepared = request.url or ""
    if not prepared:
        raise HostNotAllowed(
            "no URL that can be called", hint="write it in full, as in https://api.acme.com/me"
        )
    if not is_plain(url, prepared):
        raise HostNotAllowed(
            "the URL can be read in two ways, so it is not certain where it leads",
            hint="percent-encode blanks and backslashes, and write the host as it is",
        )
    return prepared


def _no_pickle(name: str) -> TypeError:
    return TypeError(
        f"{name!r} is not pickled or copied, as it would carry its secrets: make it anew; "
        "where it is a profile's, profile() gives it"
    )
