"""The notifier's settings, which are read from the environment and from secret files."""

from __future__ import annotations

import base64
import binascii
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from database.settings import DatabaseSettings, OwnerSettings
from notifier.email_address import EmailAddress
from settings.secret_values import Secret


def _webhook_secret(value: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(value.get_secret_value().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError("the secret must be whsec_ and 24 to 64 bytes in base64")
    return value


class Endpoint(BaseModel):
    """The URL of a webhook and the secret that signs its calls."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: HttpUrl
    secret: Annotated[Secret, AfterValidator(_webhook_secret)]


class NotifierSettings(DatabaseSettings):
    """The settings of `notifier run`; docs/settings.md describes each setting."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    rules_file: Path
    targets_file: Path
    host: str = "127.0.0.1"
    port: int = Field(default=8003, ge=1, le=65535)
    stop_announced_s: float = Field(default=0.0, ge=0, le=60)
    public_url: HttpUrl = HttpUrl("http://127.0.0.1:8003")
    board_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    smtp_host: str = Field(default="127.0.0.1", pattern=r"^[A-Za-z0-9.-]+$")
    smtp_port: int = Field(default=8025, ge=1, le=65535)
    smtp_security: Literal["insecure", "starttls", "ssl"] = "insecure"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: EmailAddress = "jakpreneur@example.org"
    mail_timeout_s: float = Field(default=10.0, gt=0, le=60)
    webhooks: dict[str, Endpoint] = Field(default={})
    webhook_timeout_s: float = Field(default=5.0, gt=0, le=60)
    webhook_allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    retried_h: float = Field(default=48.0, gt=0, le=720)
    retry_delay_s: float = Field(default=2.0, gt=0, le=3600)
    retry_delay_s_max: float = Field(default=3600.0, gt=0, le=86400)
    deliveries_at_once: int = Field(default=8, ge=1, le=64)
    officer_key_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    link_secret: Secret | None = Field(default=None, min_length=32)
    crash_at: str = ""


class CommandSettings(DatabaseSettings):
    """The settings of the operator's commands."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")


class MigrationSettings(OwnerSettings):
    """The settings of `notifier migrate`."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")
