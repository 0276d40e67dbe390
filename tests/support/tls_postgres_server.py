"""A PostgreSQL server that accepts only TLS, from Debian's package: PyPI's build has no TLS."""

from __future__ import annotations

import datetime
import ipaddress
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg import sql

from database.address import DatabaseAddress
from deploy.local.postgres import ROLES_SQL, UNPRIVILEGED
from tests.support.ports import free_ports

PASSWORD: Final = "a-password-of-a-test"
DATABASE: Final = "jakpreneur"
DAYS: Final = 2
START_S_MAX: Final = 60.0


def debian_programs() -> Path | None:
    """Return the folder of Debian's programs of the newest version; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Authority:
    """A certificate authority and the file with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path


def make_authority(folder: Path, name: str) -> Authority:
    """Make a certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(key, certificate, file)


@contextmanager
def serve_tls(authority: Authority, name: str = "127.0.0.1") -> Iterator[DatabaseAddress]:
    """Start a server whose certificate is for `name`; yield the address of the register without its TLS."""
    folder = Path(tempfile.mkdtemp(prefix="jakpreneur-tls-"))
    owner = pwd.getpwnam(UNPRIVILEGED)
    (port,) = free_ports(1)
    try:
        _write_certificate(folder, authority, name)
        (folder / "password").write_text(PASSWORD)
        (folder / "hba").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        for path in (folder, *folder.iterdir()):
            path.chmod(0o700 if path.is_dir() else 0o600)
            shutil.chown(path, owner.pw_uid, owner.pw_gid)
        programs = debian_programs()
        assert programs is not None, "Debian's package postgresql is missing"
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            "postgres",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        _run([*initdb, "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"])
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": folder / "server.pem",
            "ssl_key_file": folder / "server.key",
            "hba_file": folder / "hba",
        }
        options = [part for setting, value in settings.items() for part in ("-c", f"{setting}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *options],
                stdout=log,
                stderr=log,
                user=UNPRIVILEGED,
                extra_groups=[],
                cwd="/",
            )
        try:
            yield _prepared(port)
        finally:
            process.kill()
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(port: int) -> DatabaseAddress:
    """Wait for the server and create the services' roles; return the address of the register."""
    admin = DatabaseAddress((("127.0.0.1", port),), "postgres", "postgres", PASSWORD, "require")
    deadline_s = time.monotonic() + START_S_MAX
    while True:
        try:
            with psycopg.connect(**admin.libpq_options(), autocommit=True) as connection:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
            break
        except psycopg.OperationalError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)
    with psycopg.connect(**replace(admin, name=DATABASE).libpq_options(), autocommit=True) as connection:
        connection.execute("select set_config('jakpreneur.registration_password', %s, false)", [PASSWORD])
        connection.execute(ROLES_SQL.read_bytes())
    return DatabaseAddress((("127.0.0.1", port),), DATABASE, "registration", PASSWORD)


def _write_certificate(folder: Path, authority: Authority, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    certificate = (
        _builder(subject, authority.certificate.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=DAYS))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )


def _run(command: list[str | Path]) -> None:
    subprocess.run(command, check=True, capture_output=True, user=UNPRIVILEGED, extra_groups=[], cwd="/")
