"""What an import may be told: how much at once, how large a file, where uploads wait."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from settings.loader import Settings


class ImportSettings(Settings):
    """The bounds of imports, for the API and the command."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_")

    import_rows_max: int = Field(
        default=1_000, ge=1, le=10_000, description="Rows written in one transaction"
    )
    import_bytes_max: int = Field(
        default=268_435_456, ge=1, description="Largest file that POST /v1/imports takes"
    )
    import_spool_dir: Path = Field(
        default=Path("/var/tmp/jakpreneur-imports"),  # noqa: S108 - must outlive a restart; made with mode 0700
        description="Where uploaded files wait until they are imported; each process its own",
    )
