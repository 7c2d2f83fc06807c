"""Client: who may ask the authorization server for something."""

from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["Client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client that the server knows (RFC 6749 section 2).

    Args:
        secret: what it proves itself with; None = a public client, which must use PKCE.
        redirect_uris: where codes may go, to the letter; None = any http URI of the loopback, any port.
    """

    secret: str | None = field(default=None, repr=False)
    redirect_uris: Collection[str] | None = None

    def redirects_to(self, uri: str) -> bool:
        """Whether a browser may be sent to this URI with an answer for this client."""
        if self.redirect_uris is not None:
            return uri in self.redirect_uris
        try:
            parts = urlsplit(uri)
        except ValueError:
            return False
        on_loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        return parts.scheme == "http" and on_loopback and "#" not in uri
