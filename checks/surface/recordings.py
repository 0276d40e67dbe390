"""The recordings: a file per kind, in `recorded/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).with_name("recorded")

Files = dict[str, str]
"""A surface as text, by the name of the recording's file."""


def as_json(value: Any) -> str:
    """JSON that is the same for the same value."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(files: Files) -> None:
    """Write the recordings of these names; others stay."""
    RECORDED.mkdir(exist_ok=True)
    for name, text in files.items():
        (RECORDED / name).write_text(text, "utf-8")


def read(name: str) -> str:
    """A recording; empty where there is none yet."""
    path = RECORDED / name
    return path.read_text("utf-8") if path.exists() else ""
