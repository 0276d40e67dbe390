"""Settings of imports: rows per transaction, maximum file size, and directory of temporary files."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from settings.loader import Settings


class ImportSettings(Settings):
    """Settings of imports, for the API and the command `import`."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_")

    import_rows_max: int = Field(
        default=1_000, ge=1, le=10_000, description="Rows written in one transaction"
    )
    import_bytes_max: int = Field(
        default=268_435_456, ge=1, description="Largest file that POST /v1/imports accepts, in bytes"
    )
    import_spool_dir: Path = Field(
        default=Path("/var/tmp/jakpreneur-imports"),  # noqa: S108 - created with mode 0700
        description="Directory of files without a name, while an upload is received or imported",
    )
