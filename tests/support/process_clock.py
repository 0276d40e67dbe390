"""Gives one process a wrong wall clock by libfaketime. The process's monotonic clock stays right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

LIBRARY: Final = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
"""The library's path in Debian's package libfaketime; None if it is not installed."""


def clock_off(by: str) -> Mapping[str, str]:
    """Return the environment variables that offset a process's clock, for example by "+1h"."""
    assert LIBRARY is not None, "install libfaketime (Debian's package of this name)"
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
