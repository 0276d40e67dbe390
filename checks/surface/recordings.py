"""Reads and writes the recorded surface, one file per part, in `recorded/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).with_name("recorded")

Files = dict[str, str]
"""The text of each file of a surface, by file name."""


def as_json(value: Any) -> str:
    """Return JSON with sorted keys, so that equal values give equal text."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(files: Files) -> None:
    """Write these recordings; other recordings stay unchanged."""
    RECORDED.mkdir(exist_ok=True)
    for name, text in files.items():
        (RECORDED / name).write_text(text, "utf-8")


def read(name: str) -> str:
    """Return the text of a recording; empty if it does not exist."""
    path = RECORDED / name
    return path.read_text("utf-8") if path.exists() else ""
