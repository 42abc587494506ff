"""A host that is not the vendor's: a server with a certificate of its own, and the only way to its name."""

import http.server
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME: Final = "elsewhere.example"
ANSWER: Final = b"from elsewhere"


@dataclass
class Elsewhere:
    """A running host.

    :ivar certificate: the file of the certificate that whoever reaches it must trust.
    :ivar way: an HTTP proxy that leads its name to it.
    :ivar asked: what the proxy was asked for.
    """

    port: int
    certificate: Path
    way: str = ""
    asked: list[str] = field(default_factory=list)


class _Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def running(folder: Path) -> Iterator[Elsewhere]:
    """Run the host and the way to it until the block ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, both = _certificate(folder)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    host = Elsewhere(server.server_address[1], certificate)

    class Way(_Answering):
        def do_CONNECT(self) -> None:
            host.asked.append(self.path)
            with socket.create_connection(("127.0.0.1", host.port)) as far:
                self.send_response(200)
                self.end_headers()
                _join(self.connection, far)
            self.close_connection = True

    way = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Way)
    host.way = f"http://127.0.0.1:{way.server_address[1]}"
    threads = [threading.Thread(target=each.serve_forever, args=(0.05,)) for each in (server, way)]
    for thread in threads:
        thread.start()
    try:
        yield host
    finally:
        for each in (server, way):
            each.shutdown()
            each.server_close()
        for thread in threads:
            thread.join()


def _join(near: socket.socket, far: socket.socket) -> None:
    while True:
        ready = select.select([near, far], [], [], 30)[0]
        if not ready:
            return
        for each in ready:
            piece = each.recv(65536)
            if not piece:
                return
            (far if each is near else near).sendall(piece)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(hours=1)
    )
    made = made.add_extension(
        x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName("localhost")]), critical=False
    )
    text = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate, both = folder / "elsewhere.pem", folder / "elsewhere-both.pem"
    certificate.write_bytes(text)
    both.write_bytes(private + text)
    return certificate, both
