"""The authority speaks for the vendor's host names and for nothing else."""

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from parlour.run.certificates import RENEWED_BEFORE, Authority, authority


def now() -> datetime:
    """Return the time, which openssl looks at too."""
    return datetime.now(UTC)


def verify(folder: Path, made_by: Authority, leaf: x509.Certificate) -> "subprocess.CompletedProcess[str]":
    """Have openssl check a certificate, strictly."""
    (folder / "authority.pem").write_text(made_by.pem)
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"]
    command += ["-CAfile", str(folder / "authority.pem"), str(folder / "leaf.pem")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def address_leaf(made_by: Authority) -> x509.Certificate:
    """Return what a thief of the key would make: a certificate for an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder(
        made_by.certificate.subject,
        x509.Name([]),
        key.public_key(),
        x509.random_serial_number(),
        now() - timedelta(hours=1),
        now() + timedelta(hours=1),
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("192.0.2.1"))])
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(made_by.key.public_key())
    return made.add_extension(names, True).add_extension(known, False).sign(made_by.key, hashes.SHA256())


@pytest.mark.parametrize("host", ["conversations.twilio.com", "tsock.us1.twilio.com", "media.twiliocdn.com"])
def test_a_certificate_for_a_host_of_the_vendor_is_good(tmp_path: Path, host: str) -> None:
    made = authority(tmp_path / "run", now())
    assert verify(tmp_path, made, made.leaf(host, now())[0]).returncode == 0


@pytest.mark.parametrize("host", ["example.com", "nottwilio.com", "twilio.com.example.org"])
def test_a_certificate_for_another_host_is_worth_nothing(tmp_path: Path, host: str) -> None:
    made = authority(tmp_path / "run", now())
    checked = verify(tmp_path, made, made.leaf(host, now())[0])
    assert checked.returncode != 0
    assert "permitted subtree violation" in checked.stderr


def test_a_certificate_for_an_address_is_worth_nothing(tmp_path: Path) -> None:
    made = authority(tmp_path / "run", now())
    checked = verify(tmp_path, made, address_leaf(made))
    assert checked.returncode != 0
    assert "excluded subtree violation" in checked.stderr


def test_a_certificate_lives_for_a_day(tmp_path: Path) -> None:
    made = authority(tmp_path / "run", now())
    leaf, _ = made.leaf("api.twilio.com", now())
    assert leaf.not_valid_after_utc - now() <= timedelta(days=1)


def test_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    authority(tmp_path / "run", now())
    assert stat.S_IMODE((tmp_path / "run" / "ca-key.pem").stat().st_mode) == 0o600


def test_it_is_made_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: authority(tmp_path / "run", now()).pem, range(8)))
    assert len(set(made)) == 1


def test_it_is_made_anew_before_it_ends(tmp_path: Path) -> None:
    first = authority(tmp_path / "run", now())
    nearly = first.certificate.not_valid_after_utc - RENEWED_BEFORE + timedelta(minutes=1)
    assert authority(tmp_path / "run", nearly).pem != first.pem


def test_a_key_that_belongs_to_another_certificate_is_not_used(tmp_path: Path) -> None:
    first = authority(tmp_path / "one", now())
    authority(tmp_path / "two", now())
    (tmp_path / "one" / "ca-key.pem").write_bytes((tmp_path / "two" / "ca-key.pem").read_bytes())
    assert authority(tmp_path / "one", now()).pem != first.pem
