"""A certificate is renewed in time, for new names, and after a change of the authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from deploy.authority import AUTHORITY_DAYS, SERVER_DAYS, create_authority, renew_certificate

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NAMES = ("kafka", "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path) -> Path:
    create_authority(tmp_path, NOW)
    assert renew_certificate(tmp_path, tmp_path / "server.pem", NAMES, NOW)
    return tmp_path / "server.pem"


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_client_of_the_authority_accepts_the_certificate_for_its_names(server: Path) -> None:
    store = Store([certificate(server.with_name("authority.pem"))])
    policy = PolicyBuilder().store(store).time(NOW)

    policy.build_server_verifier(x509.DNSName("kafka")).verify(certificate(server), [])

    with pytest.raises(Exception, match="subject"):
        policy.build_server_verifier(x509.DNSName("postgres")).verify(certificate(server), [])


def test_a_certificate_is_kept_until_it_expires_soon(server: Path) -> None:
    former = server.read_text()

    assert not renew_certificate(server.parent, server, NAMES, NOW + timedelta(days=SERVER_DAYS - 91))
    assert server.read_text() == former
    assert renew_certificate(server.parent, server, NAMES, NOW + timedelta(days=SERVER_DAYS - 90))
    assert certificate(server).not_valid_after_utc > NOW + timedelta(days=SERVER_DAYS)


def test_a_certificate_is_renewed_for_other_names(server: Path) -> None:
    assert renew_certificate(server.parent, server, (*NAMES, "kafka-2"), NOW)
    assert not renew_certificate(server.parent, server, ("kafka-2", *NAMES), NOW)


def test_a_certificate_is_renewed_if_another_authority_has_signed_it(server: Path) -> None:
    (server.parent / "authority.key").unlink()
    (server.parent / "authority.pem").unlink()
    create_authority(server.parent, NOW)

    assert renew_certificate(server.parent, server, NAMES, NOW)


def test_the_authority_is_created_once_and_outlives_its_certificates(server: Path) -> None:
    before = server.with_name("authority.pem").read_text()

    create_authority(server.parent, NOW)

    assert server.with_name("authority.pem").read_text() == before
    assert AUTHORITY_DAYS > 4 * SERVER_DAYS
