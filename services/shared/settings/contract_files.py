"""Where the contract's data files are: `CONTRACT_DIR`, else the `contract/` folder beside `services/`."""

from __future__ import annotations

import os
from pathlib import Path


def contract_path(name: str) -> Path:
    """The path of a contract file such as `regions.csv`.

    Raises FileNotFoundError, naming the remedy, where it is missing.
    """
    folder = Path(os.environ.get("CONTRACT_DIR") or Path(__file__).resolve().parents[3] / "contract")
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: set CONTRACT_DIR to the project's contract folder")
    return path
