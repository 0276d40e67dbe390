"""Finds the contract's data files in `CONTRACT_DIR`, by default the folder `contract/` of the project."""

from __future__ import annotations

import os
from pathlib import Path


def contract_path(name: str) -> Path:
    """Return the path of a contract file such as `regions.csv`.

    Raises FileNotFoundError if the file is missing; the message says how to set CONTRACT_DIR.
    """
    folder = Path(os.environ.get("CONTRACT_DIR") or Path(__file__).resolve().parents[3] / "contract")
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: set CONTRACT_DIR to the project's contract folder")
    return path
