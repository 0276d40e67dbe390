"""The shapes of the board's responses, for its OpenAPI document; `board.json_bodies` writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from board.web.query_params import Level

COUNTS_HEADERS: Final[dict[str, Any]] = {
    "ETag": {
        "description": "A weak tag of the counts and their state, the same on all replicas.",
        "schema": {"type": "string"},
    },
    "Counts-As-Of": {
        "description": "`as_of`, also of a body that the client already has.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "Counts-Audited-At": {
        "description": "`checked_at` of the audit, also of a body that the client already has.",
        "schema": {"type": "string", "format": "date-time"},
    },
}
# A list of tags, which OpenAPI cannot describe as a list, because tags may contain commas.
IF_NONE_MATCH: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "description": "The tags of the counts that the client has, or `*`.",
            "schema": {"type": "string"},
        }
    ]
}
FreshnessName = Literal["live", "catching_up", "stale"]


class AuditView(BaseModel):
    """The newest audit. Both drifts are null if it is too old to be evidence for the counts."""

    drift: int | None
    growth_drift: int | None
    checked_at: datetime
    cut: str


class PaceOfGrowthView(BaseModel):
    """The mean growth per minute in the last `minutes` minutes, which ended at `until`."""

    per_minute: float
    minutes: int
    until: datetime | None
    cut: str | None


class ForecastView(BaseModel):
    """The range of times in which the threshold will be reached, in four of five cases."""

    threshold: int
    begins: datetime = Field(serialization_alias="from")
    ends: datetime = Field(serialization_alias="to")


class GrowthView(BaseModel):
    """The growth at the cut. A figure that is not known is null."""

    stock: int
    today: int | None
    pace: PaceOfGrowthView | None
    next: int | None
    forecast: ForecastView | None


class HeadView(BaseModel):
    """What accompanies every count; also the data of the events `state` and `reset`.

    `as_of` is the time of the newest state of the register that is counted completely. It is null until the
    board has read one.
    """

    scope: str
    cut: str
    as_of: datetime | None
    state: FreshnessName
    coverage: float | None
    ignored: int
    audit: AuditView | None
    growth: GrowthView


class RowView(BaseModel):
    """A region with all its counts, by measure, and its target."""

    region: str
    name: str
    level: Level
    parent: str | None
    counts: dict[str, int]
    target: int | None


class CountsView(HeadView):
    """The counts of one scope at one cut; also the data of the events `snapshot` and `delta`."""

    rows: list[RowView]


class ChartView(BaseModel):
    """The growth in each minute, the oldest first, and the minutes that were counted late.

    Also the data of the event `pace`.
    """

    scope: str
    region: str
    minutes_cut: str | None
    minutes: list[tuple[datetime, int]]
    late: list[datetime]


class PaceView(ChartView, GrowthView):
    """The growth of one scope and region."""

    cut: str


class MilestoneView(BaseModel):
    """A threshold that was reached; also the data of the event `milestone`."""

    id: str
    scope: str
    region: str
    name: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    value: int
    cut: str
    crossed_at: datetime
    state: Literal["crossed", "retracted"]


class MilestonesView(BaseModel):
    """Milestones, the newest first; also the data of the event `milestones`."""

    milestones: list[MilestoneView]
