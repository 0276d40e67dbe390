"""The settings of a service's database. A service inherits them and sets its prefix."""

from __future__ import annotations

import re
import ssl
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from database.address import DatabaseAddress, SslMode
from settings.loader import Settings
from settings.secret_values import Secret

HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})")
PORT_MAX: Final = 65_535


def _hosts(text: str) -> tuple[tuple[str, int], ...]:
    """Return host and port of each server. Raises ValueError for any other text."""
    found = [HOST.fullmatch(part.strip()) for part in text.split(",")]
    if not all(match and 1 <= int(match["port"]) <= PORT_MAX for match in found):
        raise ValueError("must be host:port of each server, separated by commas; IPv6 addresses in brackets")
    return tuple((match["v6"] or match["name"], int(match["port"])) for match in found if match)


def _valid_hosts(text: str) -> str:
    _hosts(text)
    return text


class ServerSettings(Settings):
    """The settings of a service's database, without the role that logs in."""

    database_hosts: Annotated[str, AfterValidator(_valid_hosts)] = Field(
        description="host:port of each server, separated by commas; the primary among them is used"
    )
    database_name: str = Field(min_length=1, max_length=63, description="Name of the database")
    database_sslmode: SslMode = Field(
        default="verify-full",
        description="verify-full checks the server's certificate and name; disable uses no TLS",
    )
    database_ca: str = Field(
        default="",
        description="File with the authorities of the servers' certificates; empty: the system's authorities",
    )

    @model_validator(mode="after")
    def _require_a_readable_authority(self) -> Self:
        if not self.database_ca:
            return self
        variable = self.variable("database_ca")
        if not self.database_sslmode.startswith("verify"):
            raise ValueError(f"{variable} has an effect only with sslmode verify-ca or verify-full")
        try:
            ssl.create_default_context(cafile=self.database_ca)
        except OSError as error:  # also ssl.SSLError
            raise ValueError(f"{variable} is no readable file of certificates: {error}") from None
        return self

    def _address(self, user: str, password: SecretStr) -> DatabaseAddress:
        return DatabaseAddress(
            hosts=_hosts(self.database_hosts),
            name=self.database_name,
            user=user,
            password=password.get_secret_value(),
            sslmode=self.database_sslmode,
            ca=self.database_ca,
        )


class DatabaseSettings(ServerSettings):
    """The settings `<SERVICE>_DATABASE_…` of processes and commands."""

    database_user: str = Field(min_length=1, max_length=63, description="Role that the process logs in as")
    database_password: Secret = Field(description="Password of the role")

    @property
    def database(self) -> DatabaseAddress:
        """The address of the database, for the drivers."""
        return self._address(self.database_user, self.database_password)


class OwnerSettings(ServerSettings):
    """The settings `<SERVICE>_DATABASE_…` of the command `migrate`, which logs in as the schema's owner."""

    database_owner_password: Secret = Field(description="Password of the role that owns the schema")

    def owner(self, role: str) -> DatabaseAddress:
        """Return the address of the database for the role that owns the schema."""
        return self._address(role, self.database_owner_password)
