"""The bodies of answers and events: rows under a head, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from board.regions import Region, Regions
from board.state.board_state import BoardState, Head
from board.state.milestones import Crossing
from cuts.records import Audit

encode = msgspec.json.Encoder(uuid_format="canonical").encode


def head_body(scope: str, head: Head) -> dict[str, Any]:
    """What stands above the rows."""
    return {
        "scope": scope,
        "cut": head.cut,
        "as_of": head.as_of,
        "state": head.state.value,
        "coverage": head.coverage,
        "audit": audit_body(head.audit),
    }


def audit_body(audit: Audit | None) -> dict[str, Any] | None:
    """The last audit, or None before the first."""
    if audit is None:
        return None
    return {"drift": audit.drift, "checked_at": audit.checked_at, "cut": audit.cut}


def row_body(showing: BoardState, scope: str, region: Region) -> dict[str, Any]:
    """One region with all its counts."""
    return {
        "region": region.code,
        "name": region.name,
        "level": region.level,
        "parent": region.parent,
        "counts": showing.counts(scope, region.code),
        "target": showing.target(scope, region.code),
    }


def counts_body(showing: BoardState, scope: str, head: Head, regions: Iterable[Region]) -> dict[str, Any]:
    """The answer of /v1/counts, and the data of a snapshot or a delta."""
    return head_body(scope, head) | {"rows": [row_body(showing, scope, region) for region in regions]}


def crossing_body(regions: Regions, crossing: Crossing) -> dict[str, Any]:
    """One milestone with the name of its region."""
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
