"""Settings in groups, so that each process loads only what it needs. The relay never loads the secret key."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from database.settings import DatabaseSettings, OwnerSettings
from registration.cipher import secret_from_text
from settings.loader import Settings
from settings.secret_values import Secret

# The form of the id of a consent, campaign or agency, as in contract/schemas/words.json.
SCOPE_ID: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"


def _secret_key(value: SecretStr) -> SecretStr:
    secret_from_text(value.get_secret_value())
    return value


def _consents(value: str) -> str:
    if not all(re.fullmatch(SCOPE_ID, part.strip()) for part in value.split(",")):
        raise ValueError("must be ids of published consent texts, separated by commas")
    return value


class RegisterSettings(DatabaseSettings):
    """Settings of every process and command of the registration service."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_")

    host: str = Field(default="127.0.0.1", description="Address that processes listen on")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    crash_at: str = Field(default="", description="Crash points for fault tests; empty otherwise")


class MigrationSettings(OwnerSettings):
    """Settings of the command `migrate`."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_")


class SecretSettings(Settings):
    """Settings of processes that encrypt or fingerprint personal data, or that validate registrations."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_")

    secret_key: Annotated[Secret, AfterValidator(_secret_key)] = Field(
        description="32 bytes in base64; NIK fingerprints and encryption keys are derived from it"
    )
    consents: Annotated[str, AfterValidator(_consents)] = Field(
        default="2026-01", description="Ids of the published consent texts, separated by commas"
    )

    @property
    def secret(self) -> bytes:
        """The secret key: 32 bytes."""
        return secret_from_text(self.secret_key.get_secret_value())

    @property
    def consent_ids(self) -> frozenset[str]:
        """The ids of the consent texts to which a person may agree when registering."""
        return frozenset(part.strip() for part in self.consents.split(","))

    @property
    def current_consent(self) -> str:
        """The id of the consent text that the public form shows: the last id in the setting `consents`."""
        return self.consents.split(",")[-1].strip()


class ApiSettings(Settings):
    """Settings of the api process."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_")

    port: int = Field(default=8001, ge=0, le=65535, description="Port of the API")
    stop_announced_s: float = Field(
        default=0.0, ge=0, le=60, description="Seconds between SIGTERM and the end of accepting requests"
    )
    public_url: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8001"),
        description="Address of the public form without its path, for the links of venue codes",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses of trusted proxies, separated by commas: only their X-Forwarded-For is used",
    )
    body_bytes_max: int = Field(
        default=65_536, ge=1024, description="Largest body; imports have their own limit"
    )
    queue_length_max: int = Field(default=10_000, ge=1, description="Requests that may wait to be written")
    batch_rows_max: int = Field(
        default=2_000, ge=1, le=2_000, description="Requests written in one transaction"
    )
    waited_s_max: float = Field(
        default=2.0, gt=0, description="Seconds after which a request not yet written is answered 503"
    )
    ambiguous_s_max: float = Field(
        default=30.0,
        gt=0,
        description="Seconds to retry a batch whose COMMIT got no reply",
    )
    public_per_address_per_minute: int = Field(
        default=60,
        ge=1,
        description="Registrations without an access key that one address may send in a minute",
    )
    public_mistakes_per_minute: int = Field(
        default=30,
        ge=1,
        description="Registrations with invalid fields that one address may send in a minute for free",
    )
    public_per_venue_per_minute: int = Field(
        default=600, ge=1, description="Registrations by the form with one venue code in a minute"
    )
    public_per_nik_per_hour: int = Field(
        default=10, ge=1, description="Registrations without an access key for one NIK in an hour"
    )
    idempotency_kept_h: int = Field(
        default=48, ge=1, description="Hours for which an idempotency key and its answer are kept"
    )
    import_rejections_kept_d: int = Field(
        default=90, ge=1, description="Days for which the rejections of an ended import are kept"
    )
    import_cells_kept_d: int = Field(
        default=30,
        ge=1,
        description="Days for which held files and, encrypted, the cells of rejected rows are kept",
    )

    @property
    def form_url(self) -> str:
        """The setting `public_url` without a slash at its end."""
        return str(self.public_url).rstrip("/")
