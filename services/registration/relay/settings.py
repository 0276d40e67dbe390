"""Settings of the relay."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from settings.loader import Settings


class RelaySettings(Settings):
    """Settings of the relay process alone."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_RELAY_")

    port: int = Field(default=8011, ge=0, le=65535, description="Port of health checks and metrics")
    records_max: int = Field(
        default=1_000, ge=1, le=10_000, description="Events in one batch of a partition, at most"
    )
    batch_bytes_max: int = Field(
        default=900_000,
        ge=10_000,
        description="Bytes of a batch before compression, at most; must be below message.max.bytes",
    )
    idle_ms: int = Field(default=25, ge=1, le=1_000, description="Pause between two queries for new events")
