"""The address of a database: its servers, name, role and TLS, as connection arguments of the two drivers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Literal

SslMode = Literal["disable", "require", "verify-ca", "verify-full"]
WRITABLE: Final = "read-write"
"""Among several servers, only the primary is used; a standby refuses writes."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and who connects to it. Its text never contains the password."""

    hosts: tuple[tuple[str, int], ...]
    """Host and port of each server; one of them is the primary."""
    name: str
    user: str
    password: str = field(repr=False)
    sslmode: SslMode = "disable"
    ca: str = ""
    """A file with the certificate authorities of the servers; empty: the system's authorities."""

    def asyncpg_options(self) -> dict[str, Any]:
        """Return the connection arguments of `asyncpg.connect` and `asyncpg.create_pool`."""
        return {
            "host": [host for host, _ in self.hosts],
            "port": [port for _, port in self.hosts],
            "database": self.name,
            "user": self.user,
            "password": self.password,
            "ssl": self._ssl_context(),
            "target_session_attrs": WRITABLE,
        }

    def libpq_options(self) -> dict[str, Any]:
        """Return the connection arguments of `psycopg.connect` and of PostgreSQL's programs."""
        options: dict[str, Any] = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(str(port) for _, port in self.hosts),
            "dbname": self.name,
            "user": self.user,
            "password": self.password,
            "sslmode": self.sslmode,
            "target_session_attrs": WRITABLE,
        }
        if self.sslmode.startswith("verify"):
            options["sslrootcert"] = self.ca or "system"
        return options

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings with which a service connects to this database."""
        values = {
            "HOSTS": ",".join(
                f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts
            ),
            "NAME": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "SSLMODE": self.sslmode,
            "CA": self.ca,
        }
        return {f"{service.upper()}_DATABASE_{name}": value for name, value in values.items()}

    def _ssl_context(self) -> ssl.SSLContext | Literal[False]:
        if self.sslmode == "disable":
            return False
        context = ssl.create_default_context(cafile=self.ca or None)
        context.check_hostname = self.sslmode == "verify-full"
        if self.sslmode == "require":
            context.verify_mode = ssl.CERT_NONE
        return context
