"""NTLM, as requests_auth has it."""

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._hosts import Reach
from requests_auth_profiles._ntlm import ByNtlm, by_password, by_windows
from requests_auth_profiles._requests_auth.oauth2 import discreet, needed, no_text

__all__ = ["NTLM"]


class NTLM(ProfileAuth):
    """A Windows user: with a password, or, on Windows, whoever is signed in.

    The server lets in a connection, and a session keeps it for what it sends next: one session for each user.

    Args:
        username: the user's name, with a domain and a backslash before it or without; None = whoever is
            signed in.
        password: the user's password.

    Raises:
        ConfigurationError: one of them is missing, or no text; or both are missing, and this is not Windows
            or has no requests-negotiate-sspi.
    """

    @discreet
    def __init__(
        self,
        username: str = None,  # type: ignore[assignment]  # noqa: RUF013  upstream's signature
        password: str = None,  # type: ignore[assignment]  # noqa: RUF013
    ) -> None:
        if username or password:
            needed("NTLM", username=username, password=password)
            for name, said in (("username", username), ("password", password)):
                if not isinstance(said, str):
                    del said  # debuggers show variables
                    raise no_text("NTLM", name)
            talker = by_password(lambda: username, lambda: password)
        else:
            talker = by_windows()
        reach = Reach("NTLM", (), allow_http=False)
        super().__init__(reach, ByNtlm(talker))
