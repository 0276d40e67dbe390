"""Stores acknowledgements and silences in PostgreSQL, and reads alerts in the form that the API returns."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from database.sql_files import load_queries

QUERIES: Final = load_queries("notifier.store")


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """A filter of alerts.

    A field that is None matches all alerts. `region` also matches the alerts of all regions inside it.
    """

    recipient: str | None = None
    region: str | None = None
    rule: str | None = None
    scope: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class NewSilence:
    """A silence to store.

    `id` is derived from the caller and the idempotency key, and `body_hash` from the request body.
    """

    id: uuid.UUID
    recipient: str | None
    region: str | None
    rule: str | None
    until: datetime
    reason: str
    body_hash: str


class AlertStore:
    """Reads alerts with their delivery attempts, and stores acknowledgements and silences."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def list_page(
        self, alert_filter: AlertFilter, before: int | None, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return at most `limit` alerts, newest first, and the value of `before` for the next page.

        On the last page, this value is None.
        """
        rows = await self._rows(alert_filter, before, None, limit + 1)
        next_before = rows[limit - 1]["number"] if len(rows) > limit else None
        return await self._with_attempts(rows[:limit]), next_before

    async def get(self, alert_id: uuid.UUID) -> dict[str, Any] | None:
        """Return the alert with this id; None if there is no such alert."""
        alerts = await self._with_attempts(await self._rows(AlertFilter(), None, alert_id, 1))
        return alerts[0] if alerts else None

    async def acknowledge(self, alert_id: uuid.UUID, by: str) -> bool | None:
        """Acknowledge the alert. Return False if it was acknowledged before, None if no alert has this id."""
        row = await QUERIES.acknowledge(self._pool, id=alert_id, who=by)
        return None if row is None else bool(row["is_first"])

    async def acknowledge_message(self, message_id: uuid.UUID, by: str) -> None:
        """Acknowledge the alerts of a message that are not acknowledged yet."""
        await QUERIES.acknowledge_message(self._pool, id=message_id, who=by)

    async def alerts_of_message(self, message_id: uuid.UUID) -> list[Any]:
        """Return the alerts of a message, with the values of their crossings."""
        return [row async for row in QUERIES.message_alerts(self._pool, id=message_id)]

    async def put_silence(self, silence: NewSilence) -> tuple[dict[str, Any], bool]:
        """Store a silence unless its id is already stored.

        Return the stored silence, and True if this call stored it.
        """
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

    async def active_silences(self) -> list[dict[str, Any]]:
        """Return the silences that have not ended; the silence that ends next comes first."""
        return [dict(row) async for row in QUERIES.list_silences(self._pool)]

    async def _rows(
        self, alert_filter: AlertFilter, before: int | None, alert_id: uuid.UUID | None, limit: int
    ) -> list[Any]:
        return [
            row
            async for row in QUERIES.list_alerts(
                self._pool,
                before=before,
                limit=limit,
                recipient=alert_filter.recipient,
                region=alert_filter.region,
                rule=alert_filter.rule,
                scope=alert_filter.scope,
                state=alert_filter.state,
                id=alert_id,
            )
        ]

    async def _with_attempts(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        attempts: dict[uuid.UUID, list[dict[str, Any]]] = {}
        ids = list({row["message_id"] for row in rows})
        async for row in QUERIES.attempts_of(self._pool, ids=ids):
            attempts.setdefault(row["message_id"], []).append(_attempt(row))
        return [_alert(row, attempts.get(row["message_id"], [])) for row in rows]


def _attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "started_at": utc_text(row["started_at"]),
        "ended_at": utc_text(row["ended_at"]),
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
        "created_at": utc_text(row["created_at"]),
        "due_at": utc_text(row["due_at"]) if row["ended_at"] is None else None,
        "ended_at": utc_text(row["ended_at"]),
        "acknowledged_at": utc_text(row["acknowledged_at"]),
        "acknowledged_by": row["acknowledged_by"],
        "message_id": str(row["message_id"]),
        "crossing": {
            "id": str(row["crossing_id"]),
            **{name: row[name] for name in crossing_fields},
            "cut": row["cut"],
            "as_of": utc_text(row["as_of"]),
            "crossed_at": utc_text(row["crossed_at"]),
            "state": row["crossing_state"],
        },
        "attempts": attempts,
    }


def utc_text(time: datetime | None) -> str | None:
    """Return a time in RFC 3339 and UTC, as the API writes it; None if `time` is None."""
    return None if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")
