"""The certificate authority of an installation in containers, and the certificates of its servers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.secret_files import create_once, replace_file

AUTHORITY_DAYS: Final = 3_650
SERVER_DAYS: Final = 800  # Apple's systems refuse certificates that are valid for more than 825 days
RENEWED_DAYS_BEFORE: Final = 90
CLOCK_SKEW: Final = timedelta(days=1)


def create_authority(folder: Path, now: datetime) -> None:
    """Create the files `authority.key` and `authority.pem`, the certificate, if they are missing."""
    create_once(folder / "authority.key", lambda: _key_text(ec.generate_private_key(ec.SECP256R1())))
    create_once(folder / "authority.pem", lambda: _certificate_text(_own_certificate(folder, now)))


def _own_certificate(folder: Path, now: datetime) -> x509.Certificate:
    key = _read_key(folder / "authority.key")
    # Each installation has a name of its own, so that a browser does not confuse their authorities.
    serial = x509.random_serial_number()
    name = _name(f"Jakpreneur {serial:x}"[:32])
    return (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def renew_certificate(
    authority: Path, file: Path, names: Sequence[str], now: datetime, mode: int = 0o600
) -> bool:
    """Write a new key and certificate to `file` if it lacks a certificate for `names`; return whether it did.

    A certificate is also replaced RENEWED_DAYS_BEFORE its end, and if another authority has signed it.
    `authority` is the folder of `create_authority`. The server must be restarted after the renewal.
    """
    signer = x509.load_pem_x509_certificate((authority / "authority.pem").read_bytes())
    if file.exists() and _is_valid(x509.load_pem_x509_certificate(file.read_bytes()), signer, names, now):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(names[0]), signer.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            # A broker is the client of the other brokers.
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(_authority_key_id(signer), critical=False)
        .sign(_read_key(authority / "authority.key"), hashes.SHA256())
    )
    replace_file(file, _key_text(key) + _certificate_text(certificate), mode)
    return True


def _is_valid(
    certificate: x509.Certificate, signer: x509.Certificate, names: Sequence[str], now: datetime
) -> bool:
    certified = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    signed_by = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return (
        certificate.not_valid_after_utc > now + timedelta(days=RENEWED_DAYS_BEFORE)
        and set(certified) == {_general_name(name) for name in names}
        and signed_by == _authority_key_id(signer)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


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


def _authority_key_id(signer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), f"{path} has another kind of key"
    return key


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _certificate_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
