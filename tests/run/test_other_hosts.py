"""Hosts that are not the vendor's are themselves, or are refused."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LiveServer
from tests.run import elsewhere
from tests.run.elsewhere import ANSWER, NAME, Elsewhere
from tests.run.programs import clean_environment, parlour_run, run


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Elsewhere]:
    """Another host, whose certificate nobody trusts but who is told to."""
    with elsewhere.running(tmp_path) as host:
        yield host


def test_another_host_answers_with_its_own_certificate(server: LiveServer, tmp_path: Path, other: Elsewhere) -> None:
    known = {"HTTPS_PROXY": other.way, "CURL_CA_BUNDLE": str(other.certificate)}
    ran = run(server, tmp_path, "curl", "-sS", f"https://{NAME}/", environment=known)
    assert ran.stdout.encode() == ANSWER, ran.stderr
    assert other.asked == [f"{NAME}:443"]


def test_a_host_of_this_machine_is_reached_through_the_proxy_as_well(
    server: LiveServer, tmp_path: Path, other: Elsewhere
) -> None:
    here = ("--noproxy", "", "-k", f"https://127.0.0.1:{other.port}/")
    ran = run(server, tmp_path, "curl", "-sS", *here, options=("--offline",))
    assert ran.stdout.encode() == ANSWER, ran.stderr


def test_who_trusts_another_host_trusts_ours_too(server: LiveServer, tmp_path: Path, other: Elsewhere) -> None:
    known = {"CURL_CA_BUNDLE": str(other.certificate)}
    url = "https://conversations.twilio.com/v1/Nothing"
    ran = run(server, tmp_path, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url, environment=known)
    assert ran.stdout == "404", ran.stderr


def test_another_host_without_a_good_certificate_is_not_made_good(
    server: LiveServer, tmp_path: Path, other: Elsewhere
) -> None:
    ran = run(server, tmp_path, "curl", "-sS", f"https://{NAME}/", environment={"HTTPS_PROXY": other.way})
    assert ran.returncode == 60, ran.stderr  # the peer's certificate could not be verified


def test_offline_refuses_another_host(server: LiveServer, tmp_path: Path, other: Elsewhere) -> None:
    known = {"HTTPS_PROXY": other.way}
    ran = run(server, tmp_path, "curl", "-sS", f"https://{NAME}/", options=("--offline",), environment=known)
    assert ran.returncode != 0
    assert "502" in ran.stderr
    assert other.asked == []


def test_offline_says_why(server: LiveServer, tmp_path: Path) -> None:
    ran = run(server, tmp_path, "curl", "-sS", "-w", "%{http_code}", f"http://{NAME}/", options=("--offline",))
    assert f"{NAME} is not served by Parlour" in ran.stdout
    assert "--offline" in ran.stdout
    assert ran.stdout.endswith("502")


def test_offline_leaves_the_vendors_hosts(server: LiveServer, tmp_path: Path) -> None:
    url = "https://conversations.twilio.com/v1/Nothing"
    ran = run(server, tmp_path, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url, options=("--offline",))
    assert ran.stdout == "404", ran.stderr


def test_a_server_behind_tls_is_asked_by_tls(tmp_path: Path, other: Elsewhere) -> None:
    far = [*parlour_run(f"https://localhost:{other.port}", tmp_path), "curl", "-sS", "https://api.twilio.com/anything"]
    known = clean_environment(SSL_CERT_FILE=str(other.certificate), TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="own")
    ran = subprocess.run(far, capture_output=True, check=False, timeout=60, env=known)
    assert ran.stdout == ANSWER, ran.stderr
