"""Alerts as the interface shows them, their acknowledgements, and silences, in PostgreSQL."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from database.queries import load_queries

QUERIES: Final = load_queries("notifier.store")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts; None matches everything, a region also what lies in it."""

    recipient: str | None = None
    region: str | None = None
    rule: str | None = None
    scope: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class NewSilence:
    """A silence to be stored; `id` is derived from the request's key, `body_hash` from its body."""

    id: uuid.UUID
    recipient: str | None
    region: str | None
    rule: str | None
    until: datetime
    reason: str
    body_hash: str


class AlertStore:
    """What was told to whom, and how it went."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def page(
        self, wanted: Filter, before: int | None, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Alerts, newest first, and where the next page begins."""
        rows = await self._rows(wanted, before, None, limit + 1)
        following = rows[limit - 1]["number"] if len(rows) > limit else None
        return await self._shown(rows[:limit]), following

    async def one(self, alert_id: uuid.UUID) -> dict[str, Any] | None:
        """One alert, as on a page."""
        shown = await self._shown(await self._rows(Filter(), None, alert_id, 1))
        return shown[0] if shown else None

    async def acknowledge(self, alert_id: uuid.UUID, who: str) -> bool | None:
        """Note that the alert is known; False where it was already, None where there is none."""
        row = await QUERIES.acknowledge(self._pool, id=alert_id, who=who)
        return None if row is None else bool(row["is_first"])

    async def acknowledge_message(self, message_id: uuid.UUID, who: str) -> None:
        """The same for all alerts of a message."""
        await QUERIES.acknowledge_message(self._pool, id=message_id, who=who)

    async def of_message(self, message_id: uuid.UUID) -> list[Any]:
        """The alerts that a message carries."""
        return [row async for row in QUERIES.message_alerts(self._pool, id=message_id)]

    async def put_silence(self, silence: NewSilence) -> tuple[dict[str, Any], bool]:
        """Store a silence once; returns what stands under its id, and whether that is new."""
        row = await QUERIES.put_silence(
            self._pool,
            id=silence.id,
            recipient=silence.recipient,
            region=silence.region,
            rule=silence.rule,
            until=silence.until,
            reason=silence.reason,
            body_hash=silence.body_hash,
        )
        stored = await QUERIES.silence(self._pool, id=silence.id)
        return dict(stored), row is not None

    async def silences(self) -> list[dict[str, Any]]:
        """The silences that hold now."""
        return [dict(row) async for row in QUERIES.list_silences(self._pool)]

    async def _rows(
        self, wanted: Filter, before: int | None, alert_id: uuid.UUID | None, limit: int
    ) -> list[Any]:
        return [
            row
            async for row in QUERIES.list_alerts(
                self._pool,
                before=before,
                limit=limit,
                recipient=wanted.recipient,
                region=wanted.region,
                rule=wanted.rule,
                scope=wanted.scope,
                state=wanted.state,
                id=alert_id,
            )
        ]

    async def _shown(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        attempts: dict[uuid.UUID, list[dict[str, Any]]] = {}
        ids = list({row["message_id"] for row in rows})
        async for row in QUERIES.attempts_of(self._pool, ids=ids):
            attempts.setdefault(row["message_id"], []).append(_attempt(row))
        return [_alert(row, attempts.get(row["message_id"], [])) for row in rows]


def _attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "started_at": utc(row["started_at"]),
        "ended_at": utc(row["ended_at"]),
        "reason": row["reason"],
        "receipt": json.loads(row["receipt"]),
    }


def _alert(row: Mapping[str, Any], attempts: list[dict[str, Any]]) -> dict[str, Any]:
    crossing_fields = (
        "scope",
        "region",
        "rule",
        "measure",
        "threshold",
        "epoch",
        "value",
        "count",
        "percent",
        "target",
    )
    return {
        "id": str(row["id"]),
        "recipient": row["recipient"],
        "channel": row["channel"],
        "state": row["state"],
        "reason": row["reason"],
        "created_at": utc(row["created_at"]),
        "due_at": utc(row["due_at"]) if row["ended_at"] is None else None,
        "ended_at": utc(row["ended_at"]),
        "acknowledged_at": utc(row["acknowledged_at"]),
        "acknowledged_by": row["acknowledged_by"],
        "message_id": str(row["message_id"]),
        "crossing": {
            "id": str(row["crossing_id"]),
            **{name: row[name] for name in crossing_fields},
            "cut": row["cut"],
            "as_of": utc(row["as_of"]),
            "crossed_at": utc(row["crossed_at"]),
            "state": row["crossing_state"],
        },
        "attempts": attempts,
    }


def utc(moment: datetime | None) -> str | None:
    """A moment as the interface writes it."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
