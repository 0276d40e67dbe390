"""Adjusts the JSON schemas that pydantic generates, so that clients can be generated from them."""

from __future__ import annotations

from typing import Any


def omit_defaults(schema: dict[str, Any]) -> None:
    """Remove the defaults from a model's JSON schema.

    Generated clients send a default for a missing field, or demand the field.
    """
    for field in schema["properties"].values():
        field.pop("default", None)
