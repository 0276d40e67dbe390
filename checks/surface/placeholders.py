"""Replaces what differs from run to run by what stands for it: ids, times, places in a log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UTC_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DERIVED: Final = 5
"""The version of ids that are derived from what they name, and so the same in every run."""


def replaced(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value with ids and times in UTC replaced, wherever they stand.

    `names` gives participants' names by id. Derived ids stay, and times with an offset, which callers send.
    """
    if isinstance(value, dict):
        return {key: replaced(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, names) for inner in value]
    return text_replaced(value, names) if isinstance(value, str) else value


def text_replaced(text: str, names: Mapping[str, str]) -> str:
    """A text, replaced where it is an id or a time as a whole."""
    if text in names:
        return f"<{names[text]}>"
    if UUID_TEXT.fullmatch(text):
        version = UUID(text).version
        return text if version == DERIVED else f"<id of version {version}>"
    if match := UTC_TEXT.fullmatch(text):
        return f"<time with {len(match[1]) - 1} decimals>" if match[1] else "<time>"
    return text
