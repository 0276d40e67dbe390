"""Stores latches and epochs in PostgreSQL. One transaction writes a crossing, its alerts and messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from database.sql_files import load_queries
from notifier.domain.alerts import Message, Recipient, Silence, crossing_id, plan_messages
from notifier.domain.evaluation_progress import Advance, EvaluatedCut
from notifier.domain.latch_audit import AuditError, StoredLatch
from notifier.domain.milestones import Crossing, LatchKey, LatchState, Retraction
from notifier.domain.rules import Key
from outbox.outbox_table import append
from telemetry.failpoints import failpoint

TOPIC: Final = "milestones"
RULES_KEY: Final = "rules"

Connection = Any
"""A connection of asyncpg, from a pool or not. Its generic types do not exist at run time, hence Any."""

QUERIES: Final = load_queries("notifier.store")


class LatchStore:
    """Stores latches, together with their alerts, messages and records for the topic milestones.

    Failpoints: notifier.before_latch, notifier.before_latch_commit, notifier.after_latch.
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def latches(self) -> dict[LatchKey, LatchState]:
        """Return the newest latch of each threshold, which `evaluate` needs."""
        return {
            (row["scope"], row["region"], row["rule"], row["threshold"], row["epoch_name"]): LatchState(
                row["number"], row["retracted"], row["register_epoch"]
            )
            async for row in QUERIES.latches(self._pool)
        }

    async def bases(self) -> dict[str, dict[Key, int]]:
        """Return the counts at the opening of each open epoch, by the epoch's name."""
        return {
            row["name"]: {
                (scope, region, measure): count for scope, region, measure, count in json.loads(row["base"])
            }
            async for row in QUERIES.epochs(self._pool)
        }

    async def open_epoch(self, name: str, cut: str, counts: Mapping[Key, int]) -> None:
        """Store the counts from which the epoch's growth is measured, unless they are already stored."""
        base = [[*key, count] for key, count in sorted(counts.items())]
        await QUERIES.put_epoch(self._pool, name=name, cut=cut, base=json.dumps(base))

    async def evaluated_cut(self) -> EvaluatedCut | None:
        """Return the last cut that a notifier has evaluated; None if there is none."""
        row = await QUERIES.evaluated_cut(self._pool)
        if row is None:
            return None
        full_version = (row["full_term"], row["full_cut"])
        return EvaluatedCut((row["term"], row["cut"]), row["as_of"], full_version, row["full_offset"])

    async def advance(self, advance: Advance) -> bool:
        """Store the evaluated cut. Return False, without a change, if another notifier has moved it."""
        return await _advance(self._pool, advance)

    async def confirm(self, latches: Sequence[LatchKey], register_epoch: int) -> None:
        """Store that the thresholds of these latches are reached in this epoch of the register."""
        names = ("scope", "region", "rule", "threshold", "epoch_name")
        rows = [dict(zip(names, key, strict=True)) for key in latches]
        await QUERIES.confirm_latches(self._pool, latches=json.dumps(rows), register_epoch=register_epoch)

    async def record(
        self,
        crossings: Sequence[Crossing],
        retractions: Iterable[Retraction],
        recipients: Sequence[Recipient],
        advance: Advance | None = None,
    ) -> list[Crossing] | None:
        """Latch the crossings, mark the retracted latches, and store the messages and the topic's records.

        All this is one transaction with `advance`. Return the crossings that this call latched; None, without
        a change, if another notifier has moved the evaluated cut.
        """
        failpoint("notifier.before_latch")
        async with self._pool.acquire() as connection, connection.transaction():
            if advance is not None and not await _advance(connection, advance):
                return None
            records = [await _retract_latch(connection, retraction) for retraction in retractions]
            crossed_at = await _insert_latches(connection, crossings)
            new = [crossing for crossing in crossings if crossing_id(crossing) in crossed_at]
            silences = [Silence(**dict(row)) async for row in QUERIES.silences(connection)]
            await insert_messages(connection, list(plan_messages(new, recipients, silences)))
            records += [_crossing_record(crossing, crossed_at[crossing_id(crossing)]) for crossing in new]
            await append(connection, TOPIC, [record for record in records if record is not None])
            failpoint("notifier.before_latch_commit")
        failpoint("notifier.after_latch")
        return new

    async def publish_rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Publish the thresholds of the rules, unless they are those that were published last."""
        value = _sequenced({"state": "rules", "rules": list(rules)})
        async with self._pool.acquire() as connection, connection.transaction():
            if await QUERIES.put_rules(connection, value=value):
                await append(connection, TOPIC, [(RULES_KEY, value)])

    async def stored_latches(self) -> list[StoredLatch]:
        """Return all latches with their evidence."""
        return [_stored_latch(row) async for row in QUERIES.latch_evidence(self._pool)]

    async def receipt_errors(self) -> dict[AuditError, int]:
        """Return the number of messages of the last day that contradict their attempts, by error."""
        return {AuditError(row["kind"]): row["errors"] async for row in QUERIES.receipt_errors(self._pool)}


def _stored_latch(row: Any) -> StoredLatch:
    fields = dict(row)
    return StoredLatch(fields.pop("id"), Crossing(**fields))


async def topic_records(connection: Connection) -> list[tuple[str, str | None]]:
    """Return the rules' record, and each latch's record with its newest state, for a topic that was lost."""
    records = [(RULES_KEY, row["value"]) async for row in QUERIES.rules(connection)]
    return records + [_topic_record(dict(row), row["state"]) async for row in QUERIES.all_latches(connection)]


async def _advance(connection: Connection, advance: Advance) -> bool:
    known_term, known_cut = advance.known.version if advance.known else (None, None)
    (term, cut), (full_term, full_cut) = advance.to.version, advance.to.full_version
    moved = await QUERIES.advance_evaluated_cut(
        connection,
        known_term=known_term,
        known_cut=known_cut,
        term=term,
        cut=cut,
        as_of=advance.to.as_of,
        full_term=full_term,
        full_cut=full_cut,
        full_offset=advance.to.full_offset,
    )
    return bool(moved)


async def _insert_latches(connection: Connection, crossings: Sequence[Crossing]) -> dict[Any, Any]:
    if not crossings:
        return {}
    rows = [
        {
            "id": str(crossing_id(crossing)),
            "scope": crossing.scope,
            "region": crossing.region,
            "rule": crossing.rule,
            "threshold": crossing.threshold,
            "epoch": crossing.epoch_label,
            "epoch_name": crossing.epoch,
            "number": crossing.number,
            "measure": crossing.measure,
            "value": crossing.value,
            "count": crossing.count,
            "percent": crossing.percent,
            "target": crossing.target,
            "cut": crossing.cut,
            "as_of": crossing.as_of.isoformat(),
            "register_epoch": crossing.register_epoch,
        }
        for crossing in crossings
    ]
    inserted = QUERIES.put_latches(connection, crossings=json.dumps(rows))
    return {row["id"]: row["crossed_at"] async for row in inserted}


async def _retract_latch(connection: Connection, retraction: Retraction) -> tuple[str, str] | None:
    scope, region, rule, threshold, epoch_name = retraction.key
    row = await QUERIES.retract_latch(
        connection,
        scope=scope,
        region=region,
        rule=rule,
        threshold=threshold,
        epoch_name=epoch_name,
        number=retraction.number,
        cut=retraction.cut,
        value=retraction.value,
    )
    return None if row is None else _topic_record(dict(row), "retracted")


async def insert_messages(connection: Connection, messages: Sequence[Message]) -> None:
    """Insert messages with their alerts, except those that are stored already."""
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


def _crossing_record(crossing: Crossing, crossed_at: Any) -> tuple[str, str]:
    return _topic_record(
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


def _topic_record(fields: Mapping[str, Any], state: str) -> tuple[str, str]:
    """Return the key and the value of a record for the topic milestones.

    The outbox replaces the text `{sequence}` in the value by the record's sequence.
    """
    value = {
        **fields,
        "id": str(fields["id"]),
        "crossed_at": fields["crossed_at"].isoformat().replace("+00:00", "Z"),
        "state": state,
    }
    return value["id"], _sequenced(value)


def _sequenced(value: Mapping[str, Any]) -> str:
    return '{"sequence":{sequence},' + json.dumps(value, separators=(",", ":"))[1:]
