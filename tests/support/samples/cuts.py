"""Samples of cut records and register states. A test sets only the fields that matter to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cuts.records import CutRecord, RegisterState, Row

START = datetime(2021, 10, 24, 12, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def cut_record(cut: int, *, base: int | None = None, term: int = 1, **fields: Any) -> CutRecord:
    """Return a full record of `cut`, or a change record if `base` is given."""
    return CutRecord(
        cut=cut,
        term=term,
        kind="full" if base is None else "change",
        base=base,
        **{"as_of": at(cut), "positions": (cut,), "rows": (), **fields},
    )


def row(region: str, count: int, measure: str = "registered", scope: str = "all") -> Row:
    return (scope, region, measure, count)


def register_state(second: float, *last_sequence: int, **fields: Any) -> RegisterState:
    return RegisterState(
        time=at(second),
        last_sequence=last_sequence,
        **{"term": 1, "published": last_sequence, **fields},
    )
