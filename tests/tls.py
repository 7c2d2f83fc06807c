"""A provider behind TLS, who vouches for it, and a proxy that wants a password: all on this machine."""

import http.server
import json
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PASSPHRASE = b"of-the-key"


class Authority:
    """Signs certificates.

    Attributes:
        certificate: its own, in a file.
    """

    def __init__(self, folder: Path, name: str = "acme") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self.certificate = self._written(f"{name}-ca.pem", _pem(certificate))

    def issued(self, name: str, *, passphrase: bytes | None = None) -> tuple[Path, Path]:
        """The files of a certificate for 127.0.0.1, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        closed = serialization.BestAvailableEncryption(passphrase) if passphrase else None
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            closed or serialization.NoEncryption(),
        )
        certificate = self._written(f"{name}.pem", _pem(self._signed(_named(name), key, names)))
        return certificate, self._written(f"{name}.key", private)

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )

    def _written(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class Provider:
    """A token endpoint behind TLS.

    Attributes:
        url: where it is.
        clients: who showed a certificate, for each request; empty where there was none.
        connections: how many there were.
        stumbles: how many of the first it hangs up on before anything can be said.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: list[str] = []
        self.connections = 0
        self.stumbles = 0


@contextmanager
def provider(authority: Authority, *, clients: Authority | None = None) -> Iterator[Provider]:
    """A token endpoint for as long as the block lasts.

    Args:
        authority: who vouches for it.
        clients: who must vouch for those that call it; None = anybody may.
    """
    context = _context(authority, clients)

    class Handler(http.server.BaseHTTPRequestHandler):
        def setup(self) -> None:
            here.connections += 1
            if here.connections <= here.stumbles:
                raise ConnectionError
            self.request.settimeout(20)
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            shown = self.request.getpeercert() or {}
            here.clients.append("".join(value for part in shown.get("subject", ()) for _, value in part))
            body = json.dumps({"access_token": "t", "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with _running(Handler) as port:
        here = Provider(f"https://127.0.0.1:{port}/token")
        yield here


@contextmanager
def in_front_of(port: int, authority: Authority, *, clients: Authority | None = None) -> Iterator[str]:
    """The https URL of a plain server, for as long as the block lasts.

    Args:
        port: where that one listens.
        authority: who vouches for it.
        clients: who must vouch for those that call it; None = anybody may.
    """
    context = _context(authority, clients)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),  # the client may leave in the middle, or trust nobody
                context.wrap_socket(self.request, server_side=True) as near,
                socket.create_connection(("127.0.0.1", port), 20) as far,
            ):
                _joined(near, far)

    with _running(Handler) as here:
        yield f"https://127.0.0.1:{here}"


def _context(authority: Authority, clients: Authority | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issued("provider"))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.certificate)
    return context


class Proxy:
    """A proxy for https.

    Attributes:
        host: where it is, and its port.
        targets: what it was asked for, by whoever knows the password.
        refused: how many others came.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.targets: list[str] = []
        self.refused = 0


@contextmanager
def proxy(authorization: str = "") -> Iterator[Proxy]:
    """A proxy for as long as the block lasts.

    Args:
        authorization: what it wants as Proxy-Authorization; empty = nothing.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.close_connection = True
            if authorization and self.headers.get("Proxy-Authorization") != authorization:
                here.refused += 1
                self.send_response(407)
                self.end_headers()
                return
            here.targets.append(self.path)
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), 20) as target:
                self.send_response(200)
                self.end_headers()
                _joined(self.connection, target)

        def log_message(self, *_: object) -> None:
            pass

    with _running(Handler) as port:
        here = Proxy(f"127.0.0.1:{port}")
        yield here


def _joined(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while ready := select.select([one, other], [], [], 20)[0]:
            for each in ready:
                data = each.recv(65536)
                if not data:
                    return
                (other if each is one else one).sendall(data)


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client may leave in the middle, or trust nobody."""


@contextmanager
def _running(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
