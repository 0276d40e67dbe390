"""Builds the JSON of HTTP responses and server-sent events: a cut's head, region rows and milestones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from board.regions import Region, Regions
from board.state.counts import BoardState, Head
from board.state.growth import Chart, GrowthFigures
from board.state.milestones import Crossing

encode = msgspec.json.Encoder(uuid_format="canonical").encode


def head_body(scope: str, head: Head, figures: GrowthFigures) -> dict[str, Any]:
    """Return the scope, the head and the growth of the province, which accompany every count."""
    return {
        "scope": scope,
        "cut": head.cut,
        "as_of": head.as_of,
        "state": head.state.value,
        "coverage": head.coverage,
        "ignored": head.ignored,
        "audit": audit_body(head),
        "growth": growth_body(figures),
    }


def audit_body(head: Head) -> dict[str, Any] | None:
    """Return the last audit; None before the first audit. Without a recent audit both drifts are None."""
    audit = head.audit
    if audit is None:
        return None
    return {
        "drift": audit.drift if head.audited else None,
        "growth_drift": head.growth_audit.drift if head.growth_audit and head.audited else None,
        "checked_at": audit.checked_at,
        "cut": audit.cut,
    }


def row_body(board_state: BoardState, scope: str, region: Region) -> dict[str, Any]:
    """Return one region with all its counts and its target."""
    return {
        "region": region.code,
        "name": region.name,
        "level": region.level,
        "parent": region.parent,
        "counts": board_state.counts(scope, region.code),
        "target": board_state.target(scope, region.code),
    }


def counts_body(
    board_state: BoardState, head: dict[str, Any], scope: str, regions: Iterable[Region]
) -> dict[str, Any]:
    """Return the response of /v1/counts, which is also the data of a snapshot event or a delta event."""
    return head | {"rows": [row_body(board_state, scope, region) for region in regions]}


def growth_body(figures: GrowthFigures) -> dict[str, Any]:
    """Return the figures of growth, which accompany every count and belong to its cut."""
    pace, expected = figures.pace, figures.forecast
    return {
        "stock": figures.stock,
        "today": figures.today,
        "pace": pace
        and {
            "per_minute": round(pace.per_minute, 2),
            "minutes": pace.minutes,
            "until": figures.pace_until,
            "cut": figures.pace_cut,
        },
        "next": figures.next_threshold,
        "forecast": expected
        and {
            "threshold": expected.threshold,
            "from": expected.begins.replace(microsecond=0),
            "to": expected.ends.replace(microsecond=0),
        },
    }


def chart_body(scope: str, region: str, chart: Chart) -> dict[str, Any]:
    """Return the data of a pace event: the growth per minute, and the cut kept after the last minute."""
    return {
        "scope": scope,
        "region": region,
        "minutes_cut": chart.cut,
        "minutes": chart.minutes,
        "late": chart.late,
    }


def milestones_body(regions: Regions, crossings: Iterable[Crossing]) -> dict[str, Any]:
    """Return the response of /v1/milestones, which is also the data of a milestones event."""
    return {"milestones": [crossing_body(regions, crossing) for crossing in crossings]}


def crossing_body(regions: Regions, crossing: Crossing) -> dict[str, Any]:
    """Return one milestone, with the name of its region."""
    return {
        "id": crossing.id,
        "scope": crossing.scope,
        "region": crossing.region,
        "name": regions.get(crossing.region).name,
        "rule": crossing.rule,
        "measure": crossing.measure,
        "threshold": crossing.threshold,
        "epoch": crossing.epoch,
        "value": crossing.value,
        "cut": crossing.cut,
        "crossed_at": crossing.crossed_at,
        "state": crossing.state,
    }
