"""What is to be reached: the targets file, `scope, region, measure, value, by` in a list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from cuts.state import Key


class InvalidTargetsError(Exception):
    """The targets file is not as it should be; the message says where."""


class Target(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: str
    region: str
    measure: str
    value: int = Field(gt=0)
    by: date | None = None


def load_targets(path: Path) -> dict[Key, int]:
    """Read the file. Raises InvalidTargetsError."""
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        targets = TypeAdapter(list[Target]).validate_python(listed)
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidTargetsError(f"{path}: {error}") from error
    found = {(target.scope, target.region, target.measure): target.value for target in targets}
    if len(found) != len(targets):
        raise InvalidTargetsError(f"{path}: a scope, region and measure has two targets")
    return found
