"""The way to a provider that a profile says in [profiles.NAME.http]."""

import importlib.util
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from requests_auth_profiles._config import addresses, environment
from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Http, Named
from requests_auth_profiles._oauth2.channel import Route
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["route_of"]


def route_of(http: Http) -> Route:
    """The way that a profile says, its proxy looked up and its files found to be what they should be.

    Raises:
        ConfigurationError: a file is missing or is something else, or the proxy has no URL.
    """
    return Route(
        proxy="" if http.proxy is None else _proxy(http.proxy),
        ca_bundle="" if http.ca_bundle is None else _ca_bundle(http.ca_bundle),
        cert="" if http.client_cert is None else _cert(http.client_cert, http.client_key),
    )


def _proxy(secret: Secret) -> str:
    url = secret()
    problem, has_socks = addresses.PROXY.problem(url), importlib.util.find_spec("socks") is not None
    needs_socks = url.startswith("socks")
    if problem is None and (has_socks or not needs_socks):
        return url
    del url  # debuggers show variables
    if problem is None:
        raise ConfigurationError(
            f"{secret.place}: a SOCKS proxy needs another package", hint='pip install "requests[socks]"'
        )
    raise ConfigurationError(
        f"{secret.place} = {secret}: {problem.message}", hint=f"as in {addresses.PROXY.example}"
    )


def _ca_bundle(named: Named) -> str:
    path = _path(named)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def load() -> None:
        folder = path.is_dir()
        context.load_verify_locations(None if folder else path, path if folder else None)

    return _loaded(named, path, load, "holds no certificate in PEM")


def _cert(cert: Named, key: Named | None) -> str | tuple[str, str]:
    path = _path(cert)
    key_path = None if key is None else _path(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def load() -> None:
        # A passphrase would be asked for in the terminal, at every call.
        context.load_cert_chain(path, key_path, password="")

    where = "in it" if key is None else "in client_key"
    problem = f"is not a certificate in PEM, or its key, without a passphrase, is not {where}"
    _loaded(cert, path, load, problem)
    return str(path) if key_path is None else (str(path), str(key_path))


def _loaded(named: Named, path: Path, load: Callable[[], None], problem: str) -> str:
    with suppress(ssl.SSLError, ValueError):
        load()
        return str(path)
    raise _wrong(named, problem, f"openssl x509 -noout -subject -in {typed(path)}")


def _path(named: Named) -> Path:
    """The file, which can be read."""
    found = environment.expanded(named.text)
    if found is None:
        raise _wrong(named, "there is no such home folder", "a path without ~")
    path = named.place.file.parent / found
    try:
        if not path.is_dir():
            path.open("rb").close()
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror or type(error).__name__}"
        raise _wrong(named, problem, f"ls -l {typed(path)}") from None
    return path


def _wrong(named: Named, problem: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f'{named.place} = "{named.text}": {problem}', hint=hint)
