"""What a program finds in its environment."""

from pathlib import Path

import pytest

from parlour.run.environment import child_environment

AUTHORITY = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"


def made(bundles: Path, **given: str) -> dict[str, str]:
    """Return the environment of a program that finds ``given`` in ours."""
    return child_environment(
        given, proxy_port=1001, tls_port=1002, authority=AUTHORITY, bundles=bundles, credentials=("AC1", "secret")
    )


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"])
def test_the_proxy_is_named_in_both_spellings(tmp_path: Path, name: str) -> None:
    assert made(tmp_path, **{name: "http://before.example:3128"})[name] == "http://127.0.0.1:1001"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"])
def test_certificates_that_were_trusted_stay_trusted_beside_ours(tmp_path: Path, name: str) -> None:
    before = tmp_path / "before.pem"
    before.write_text("theirs\n")
    assert Path(made(tmp_path, **{name: str(before)})[name]).read_text() == f"theirs\n{AUTHORITY}"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_the_systems_certificates_stand_beside_ours_where_nothing_was_set(tmp_path: Path, name: str) -> None:
    assert Path(made(tmp_path)[name]).read_text().count("BEGIN CERTIFICATE") > 1


def test_hosts_that_need_no_proxy_still_need_none_but_the_vendors(tmp_path: Path) -> None:
    seen = made(tmp_path, NO_PROXY="intranet.example,.twilio.com,api.twilio.com,*")
    assert seen["NO_PROXY"] == seen["no_proxy"] == "intranet.example,localhost,127.0.0.1,::1"


def test_options_of_node_are_kept(tmp_path: Path) -> None:
    options = made(tmp_path, NODE_OPTIONS="--max-old-space-size=512")["NODE_OPTIONS"]
    assert options.startswith('--max-old-space-size=512 --require "/')


def test_a_program_without_an_account_gets_ours(tmp_path: Path) -> None:
    seen = made(tmp_path)
    assert (seen["TWILIO_ACCOUNT_SID"], seen["TWILIO_AUTH_TOKEN"]) == ("AC1", "secret")


def test_half_an_account_is_not_completed_with_another(tmp_path: Path) -> None:
    assert "TWILIO_AUTH_TOKEN" not in made(tmp_path, TWILIO_ACCOUNT_SID="AC2")
