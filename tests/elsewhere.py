"""Hosts of the wide web that stand on this machine: a proxy for https, at whose far end a test answers."""

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOSTS = ("acme.okta.com", "login.microsoftonline.com", "testserver.okta-emea.com")


@contextmanager
def elsewhere(folder: Path, answer: Callable[[str], bytes]) -> Iterator[list[str]]:
    """Answers for `HOSTS` to whoever heeds the environment; gives the URLs that were asked for.

    Args:
        folder: where the certificate is written.
        answer: the HTTP response for a URL.
    """
    pem = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with (
                suppress(OSError),  # the client may leave in the middle
                context.wrap_socket(self.connection, server_side=True) as line,
                line.makefile("rwb") as stream,
            ):
                path = stream.readline().split()[1].decode()
                while stream.readline().strip():
                    pass
                url = f"https://{self.path.removesuffix(':443')}{path}"
                asked.append(url)
                stream.write(answer(url))
                stream.flush()

        def log_message(self, *_: object) -> None:
            pass

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        for name in ("https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
        patch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def _certificate(folder: Path) -> Path:
    """A file with a key and a certificate for `HOSTS`, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, HOSTS)), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "elsewhere.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
