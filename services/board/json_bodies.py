"""Builds the JSON of HTTP responses and server-sent events: a cut's head, region rows and milestones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from board.regions import Region, Regions
from board.state.counts import BoardState, Head
from board.state.day_growth import DayGrowth
from board.state.milestones import Crossing
from board.state.registration_rate import RegistrationRate, forecast

encode = msgspec.json.Encoder(uuid_format="canonical").encode


def head_body(scope: str, head: Head) -> dict[str, Any]:
    """Return the scope and the head, which accompany every count."""
    return {
        "scope": scope,
        "cut": head.cut,
        "as_of": head.as_of,
        "state": head.state.value,
        "coverage": head.coverage,
        "ignored": head.ignored,
        "audit": audit_body(head),
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


def counts_body(board_state: BoardState, scope: str, head: Head, regions: Iterable[Region]) -> dict[str, Any]:
    """Return the response of /v1/counts, which is also the data of a snapshot event or a delta event."""
    return head_body(scope, head) | {"rows": [row_body(board_state, scope, region) for region in regions]}


def pace_body(
    shown: tuple[BoardState, RegistrationRate, DayGrowth], place: tuple[str, str], now: datetime, minutes: int
) -> dict[str, Any]:
    """Return the response of /v1/pace, which is also the data of a pace event. `place`: scope and region."""
    board_state, rate, days = shown
    scope, region = place
    count = board_state.count(scope, region)
    threshold = board_state.next_threshold(scope, region)
    series = rate.series(scope, region, now, minutes)
    at = forecast(count, threshold, rate.per_minute(scope, region, now), now)
    return {
        "scope": scope,
        "region": region,
        "minutes": series,
        "late": rate.late_minutes(series),
        "today": days.today(place, board_state.live_count(scope, region), board_state.cuts.epoch, now),
        "threshold": threshold,
        "eta": at and {"threshold": threshold, "at": at.replace(microsecond=0)},
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
