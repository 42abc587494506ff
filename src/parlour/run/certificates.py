"""An authority that can speak for the vendor's host names and for nothing else.

Made at first use in the data folder and trusted only by the programs that `parlour run` starts. Its certificate is
name-constrained (RFC 5280 §4.2.1.10), so that even its stolen key opens no other host.
"""

import contextlib
import fcntl
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from parlour.run.hosts import DOMAINS, is_vendors

AUTHORITY_LIFE: Final = timedelta(days=825)
RENEWED_BEFORE: Final = timedelta(days=30)
LEAF_LIFE: Final = timedelta(hours=24)
SKEW: Final = timedelta(hours=1)  # clocks of containers beside us may be behind
LONGEST_NAME: Final = 64  # characters of a common name

Now = Callable[[], datetime]


@dataclass(frozen=True)
class Authority:
    """A certificate authority.

    :ivar pem: its certificate.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """Return the certificate as programs read it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def leaf(self, host: str, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Return a certificate for one host name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            _certificate(key.public_key(), self.certificate.subject, now, LEAF_LIFE)
            .subject_name(_name(host[:LONGEST_NAME]))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        return made.sign(self.key, hashes.SHA256()), key


def authority(folder: Path, now: datetime) -> Authority:
    """Return the authority of a folder; make it at first use, and anew when it nears its end.

    :param folder: where ``ca.pem`` and ``ca-key.pem`` (0600) are; made 0700 when missing.
    :raises OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder / "ca.lock"):
        found = _read(folder)
        if found is None or found.certificate.not_valid_after_utc - now < RENEWED_BEFORE:
            found = _make(now)
            _write(folder / "ca-key.pem", _private(found.key), 0o600)
            _write(folder / "ca.pem", found.pem.encode(), 0o644)
        return found


class Contexts:
    """The TLS of each host name, made when it is first asked for.

    :param scratch: a private folder; certificate and key lie there while they are loaded.
    """

    def __init__(self, made_by: Authority, scratch: Path, now: Now) -> None:
        self._authority = made_by
        self._scratch = scratch
        self._now = now
        self._known: dict[str, tuple[datetime, ssl.SSLContext]] = {}

    def entrance(self) -> ssl.SSLContext:
        """Return the context of a listener: it takes the vendor's names and turns every other away."""
        context = _server_context()

        def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
            if name is None or not is_vendors(name):
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = self.of(name.lower())
            return None

        context.sni_callback = choose
        return context

    def of(self, host: str) -> ssl.SSLContext:
        """Return the context of a host name; one that lived half its life is made anew."""
        now = self._now()
        known = self._known.get(host)
        if known is not None and now - known[0] < LEAF_LIFE / 2:
            return known[1]
        certificate, key = self._authority.leaf(host, now)
        context = _server_context()
        with tempfile.NamedTemporaryFile(dir=self._scratch, suffix=".pem") as file:  # 0600
            file.write(_private(key) + certificate.public_bytes(serialization.Encoding.PEM))
            file.flush()
            context.load_cert_chain(file.name)
        self._known[host] = (now, context)
        return context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _make(now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Parlour, for programs of this data folder only")
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain) for domain in DOMAINS],
        # A list of permitted host names says nothing of addresses: these are excluded by name.
        excluded_subtrees=[
            x509.IPAddress(ipaddress.ip_network("0.0.0.0/0")),
            x509.IPAddress(ipaddress.ip_network("::/0")),
        ],
    )
    made = (
        _certificate(key.public_key(), name, now, AUTHORITY_LIFE)
        .subject_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(made.sign(key, hashes.SHA256()), key)


def _certificate(
    key: ec.EllipticCurvePublicKey, issuer: x509.Name, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read(folder: Path) -> Authority | None:
    """Return what a folder holds; None where it holds nothing, or a pair that does not belong together."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Authority(certificate, key)


def _write(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time make the authority of a folder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
