"""Replaces values that differ in each run, such as ids and times, by placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UTC_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DERIVED: Final = 5
"""The UUID version of ids that are computed from other values, and so are the same in every run."""


def replaced(value: Any, names: Mapping[str, str]) -> Any:
    """Return a JSON value with its ids and UTC times replaced.

    `names` gives the participants' names by id. Derived ids are kept. Times with another offset are also
    kept, because clients have sent them.
    """
    if isinstance(value, dict):
        return {key: replaced(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, names) for inner in value]
    return text_replaced(value, names) if isinstance(value, str) else value


def text_replaced(text: str, names: Mapping[str, str]) -> str:
    """Return the text, or its placeholder if the whole text is an id or a UTC time."""
    if text in names:
        return f"<{names[text]}>"
    if UUID_TEXT.fullmatch(text):
        version = UUID(text).version
        return text if version == DERIVED else f"<id of version {version}>"
    if match := UTC_TEXT.fullmatch(text):
        return f"<time with {len(match[1]) - 1} decimals>" if match[1] else "<time>"
    return text
