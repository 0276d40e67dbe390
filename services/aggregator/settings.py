"""The aggregator's settings."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from aggregator.decoding.decoder_selection import CompiledMode
from database.settings import DatabaseSettings, OwnerSettings

EVENT_TOPIC: Final = "participant-events"


class AggregatorSettings(DatabaseSettings):
    """Settings of the worker, the publisher and the commands, from environment variables `AGGREGATOR_…`."""

    model_config = SettingsConfigDict(env_prefix="AGGREGATOR_")

    host: str = "127.0.0.1"
    port: int = Field(default=8002, ge=1, le=65_535)
    index: int = Field(default=0, ge=0, le=99)
    publisher_port: int = Field(default=8022, ge=1, le=65_535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    group: str = Field(default="aggregator", pattern=r"^[A-Za-z0-9._-]{1,80}$")
    failing_s_max: float = Field(default=60.0, gt=0, le=600)
    stalled_s_max: float = Field(default=15.0, ge=3, le=600)
    session_timeout_s: float = Field(default=6.0, ge=1, le=10)
    compiled: CompiledMode = "auto"
    unreadable_kept: int = Field(default=10_000, ge=1)
    crash_at: str = ""

    @property
    def worker_port(self) -> int:
        """The TCP port on which this worker serves its health and metrics."""
        return self.port + self.index


class MigrationSettings(OwnerSettings):
    """Settings of the command `migrate`."""

    model_config = SettingsConfigDict(env_prefix="AGGREGATOR_")
