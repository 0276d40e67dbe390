"""Settings of the audit."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from settings.loader import Settings


class AuditSettings(Settings):
    """Settings of the audit process alone."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_AUDIT_")

    port: int = Field(default=8012, ge=0, le=65535, description="Port of health checks and metrics")
    every_s: float = Field(default=5.0, gt=0, description="Shortest pause between two audits")
    pause_factor: float = Field(
        default=10.0,
        ge=1,
        description="Shortest pause between two audits, as a multiple of the last audit's duration",
    )
