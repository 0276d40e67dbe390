"""Latches, epochs and silences in PostgreSQL; a crossing, its alerts and their jobs are one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from database.queries import load_queries
from notifier.domain.alerts import Message, Recipient, Silence, crossing_id, plan
from notifier.domain.milestones import Crossing, Latched, LatchKey, Rearmed
from notifier.domain.rules import Key
from outbox.table_source import append
from telemetry.failpoints import failpoint

QUEUE: Final = "delivery"
TASK: Final = "notifier.deliver"
TOPIC: Final = "milestones"

Connection = Any
"""An asyncpg connection, of a pool or not: its generic types do not exist at run time."""

QUERIES: Final = load_queries("notifier.store")


class LatchStore:
    """What was crossed, and what it set going.

    Crash points: notifier.before_latch, notifier.before_latch_commit, notifier.after_latch.
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def latches(self) -> dict[LatchKey, Latched]:
        """All latches, for `evaluate`."""
        return {
            (row["scope"], row["region"], row["rule"], row["threshold"], row["epoch_name"]): Latched(
                row["number"], row["closed"]
            )
            async for row in QUERIES.latches(self._pool)
        }

    async def bases(self) -> dict[str, dict[Key, int]]:
        """The counts at the opening of each epoch that is open."""
        return {
            row["name"]: {
                (scope, region, measure): n for scope, region, measure, n in json.loads(row["base"])
            }
            async for row in QUERIES.epochs(self._pool)
        }

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        """Store the counts from which the epoch's growth is measured; the first to do so decides them."""
        base = [[*key, count] for key, count in sorted(counts.items())]
        await QUERIES.put_epoch(self._pool, name=name, cut=cut, base=json.dumps(base))

    async def record(
        self, crossings: Sequence[Crossing], rearmed: Iterable[Rearmed], recipients: Sequence[Recipient]
    ) -> list[Crossing]:
        """Latch the crossings, tell the recipients and publish, all or nothing; returns those that were new.

        A crossing that another notifier has latched meanwhile is left to it.
        """
        failpoint("notifier.before_latch")
        async with self._pool.acquire() as connection, connection.transaction():
            records = [await _retract(connection, one) for one in rearmed]
            crossed_at = await _put(connection, crossings)
            new = [crossing for crossing in crossings if crossing_id(crossing) in crossed_at]
            silences = [Silence(**dict(row)) async for row in QUERIES.silences(connection)]
            await _tell(connection, list(plan(new, recipients, silences)))
            records += [_milestone(one, crossed_at[crossing_id(one)]) for one in new]
            await append(connection, TOPIC, [record for record in records if record is not None])
            failpoint("notifier.before_latch_commit")
        failpoint("notifier.after_latch")
        return new


async def _put(connection: Connection, crossings: Sequence[Crossing]) -> dict[Any, Any]:
    if not crossings:
        return {}
    rows = [
        {
            "id": str(crossing_id(one)),
            "scope": one.scope,
            "region": one.region,
            "rule": one.rule,
            "threshold": one.threshold,
            "epoch": one.epoch_label,
            "epoch_name": one.epoch,
            "number": one.number,
            "measure": one.measure,
            "value": one.value,
            "count": one.count,
            "percent": one.percent,
            "target": one.target,
            "cut": one.cut,
            "as_of": one.as_of.isoformat(),
        }
        for one in crossings
    ]
    inserted = QUERIES.put_latches(connection, crossings=json.dumps(rows))
    return {row["id"]: row["crossed_at"] async for row in inserted}


async def _retract(connection: Connection, rearmed: Rearmed) -> tuple[str, str] | None:
    scope, region, rule, threshold, epoch_name = rearmed.key
    row = await QUERIES.retract_latch(
        connection,
        scope=scope,
        region=region,
        rule=rule,
        threshold=threshold,
        epoch_name=epoch_name,
        number=rearmed.number,
        cut=rearmed.cut,
        value=rearmed.value,
    )
    return None if row is None else _record(dict(row), "retracted")


async def _tell(connection: Connection, messages: Sequence[Message]) -> None:
    if not messages:
        return
    rows = [
        {
            "id": str(message.id),
            "recipient": message.recipient,
            "channel": message.channel.value,
            "held_until": message.held_until and message.held_until.isoformat(),
        }
        for message in messages
    ]
    alerts = [
        {
            "id": str(alert.id),
            "latch_id": str(alert.crossing_id),
            "message_id": str(message.id),
            "recipient": alert.recipient,
        }
        for message in messages
        for alert in message.alerts
    ]
    await QUERIES.put_messages(connection, messages=json.dumps(rows))
    await QUERIES.put_alerts(connection, alerts=json.dumps(alerts))
    await defer(connection, [message.id for message in messages])


async def defer(connection: Connection | asyncpg.Pool[Any], ids: Sequence[Any]) -> None:
    """Give each open message a job, due when the message is."""
    await QUERIES.defer_messages(connection, queue=QUEUE, task=TASK, ids=list(ids))


def _milestone(crossing: Crossing, crossed_at: Any) -> tuple[str, str]:
    return _record(
        {
            "id": crossing_id(crossing),
            "scope": crossing.scope,
            "region": crossing.region,
            "rule": crossing.rule,
            "measure": crossing.measure,
            "threshold": crossing.threshold,
            "epoch": crossing.epoch_label,
            "value": crossing.value,
            "cut": crossing.cut,
            "crossed_at": crossed_at,
        },
        "crossed",
    )


def _record(fields: Mapping[str, Any], state: str) -> tuple[str, str]:
    """Key and value for the topic; the outbox puts the sequence in."""
    value = {
        **fields,
        "id": str(fields["id"]),
        "crossed_at": fields["crossed_at"].isoformat().replace("+00:00", "Z"),
        "state": state,
    }
    text = json.dumps(value, separators=(",", ":"))
    return value["id"], '{"sequence":{sequence},' + text[1:]
