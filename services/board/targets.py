"""Reads the targets file, a YAML list of entries with scope, region, measure, value and by."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from cuts.state import Key


class InvalidTargetsError(Exception):
    """The targets file is invalid. The message names the file and the error."""


class Target(BaseModel):
    """One entry of the file. `value` is the count to reach, and `by` the last day for reaching it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: str
    region: str
    measure: str
    value: int = Field(gt=0)
    by: date | None = None


def load_targets(path: Path) -> dict[Key, int]:
    """Return the target values by (scope, region, measure). Raises InvalidTargetsError."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        targets = TypeAdapter(list[Target]).validate_python(entries)
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidTargetsError(f"{path}: {error}") from error
    values = {(target.scope, target.region, target.measure): target.value for target in targets}
    if len(values) != len(targets):
        raise InvalidTargetsError(f"{path}: a scope, region and measure has two targets")
    return values
