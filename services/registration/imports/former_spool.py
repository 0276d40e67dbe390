"""Finds the uploads that versions before migration 0014 left in a directory, and the rest of their files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

COMPLETE: Final = "*.csv"
PARTIAL: Final = "*.part"
CONVERTED: Final = "converted-*"


class FormerUpload(NamedTuple):
    """An uploaded file that has not been imported to its end."""

    import_id: str
    path: Path


def former_uploads(folder: Path) -> Iterator[FormerUpload]:
    """Iterate over the complete uploads in the folder, if it exists."""
    for path in sorted(folder.glob(COMPLETE)):
        yield FormerUpload(path.stem, path)


def delete_partial_files(folder: Path) -> None:
    """Delete the rest: incomplete uploads, whose clients have received no response, and converted sheets."""
    for path in folder.glob(PARTIAL):
        path.unlink(missing_ok=True)
    for path in folder.glob(CONVERTED):
        shutil.rmtree(path, ignore_errors=True)
