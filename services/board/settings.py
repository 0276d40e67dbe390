"""The board's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, FilePath
from pydantic_settings import SettingsConfigDict

from settings.loader import Settings


class BoardSettings(Settings):
    """The board's address, files, limit of open streams and log level; docs/settings.md describes each."""

    model_config = SettingsConfigDict(env_prefix="BOARD_")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    targets_file: FilePath
    state_file: Path
    stop_announced_s: float = Field(default=0.0, ge=0, le=60)
    viewers_max: int = Field(default=10_000, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
