"""The settings of the relay and of the audit, beside those of every process of the register."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from settings.loader import Settings


class RelaySettings(Settings):
    """What the relay alone needs."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_RELAY_")

    port: int = Field(default=8011, ge=0, le=65535, description="Port of the relay's health and metrics")
    records_max: int = Field(default=1_000, ge=1, le=10_000, description="Events in one batch of a partition")
    batch_bytes_max: int = Field(
        default=900_000, ge=10_000, description="Bytes of a batch before compression; below message.max.bytes"
    )
    idle_ms: int = Field(default=25, ge=1, le=1_000, description="Pause between two looks for new events")


class AuditSettings(Settings):
    """What the audit alone needs."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_AUDIT_")

    port: int = Field(default=8012, ge=0, le=65535, description="Port of the audit's health and metrics")
    every_s: float = Field(default=5.0, gt=0, description="Pause between two audits, at least")
    pause_factor: float = Field(
        default=10.0, ge=1, description="Pause between two audits, in durations of the last"
    )
