"""Writes participants and their events in one transaction, as the intake does, but with SQL of its own."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

KELURAHAN = ("31.71.01.1001", "31.71.02.1002", "31.72.01.1001", "31.01.01.1001")
STEPS = ("P2", "P3", "P4")

_LOCK_PARTITIONS = (
    "SELECT partition, last_sequence FROM partition WHERE partition = ANY($1) ORDER BY partition FOR UPDATE"
)
_UPDATE_SEQUENCES = """
UPDATE partition SET last_sequence = n.last FROM unnest($1::smallint[], $2::bigint[]) AS n (partition, last)
 WHERE partition.partition = n.partition
"""
_INSERT_EVENTS = """
INSERT INTO event SELECT partition, sequence, (value::json ->> 'id')::uuid, (value::json ->> 'subject')::uuid,
                         'id.jakpreneur.participant.registered.v1', now(), value
  FROM unnest($1::smallint[], $2::bigint[], $3::text[]) AS e (partition, sequence, value)
"""
_REGISTER_MANY = """
WITH made AS (
    SELECT gen_random_uuid() AS id, sequence, ($4::text[])[1 + sequence % cardinality($4)] AS region
      FROM generate_series(1::bigint, $2) AS sequence
), participants AS (
    INSERT INTO participant (id, cipher_key_id, region, steps, standing, consent, channel)
    SELECT id, 'k', region, '{}', 'registered', '2026-01', 'booth' FROM made
), positions AS (
    UPDATE partition SET last_sequence = $2 WHERE partition = $1
)
INSERT INTO event
SELECT $1, sequence, gen_random_uuid(), id, 'id.jakpreneur.participant.registered.v1', now(),
       replace($3, '<region>', region)
  FROM made
"""
_UPSERT_PARTICIPANT = """
INSERT INTO participant
       (id, cipher_key_id, region, agency, campaign, steps, stock, standing, consent, channel)
VALUES ($1, 'k', $2, $3, $4, $5, $6, $7, '2026-01', 'booth')
ON CONFLICT (id) DO UPDATE SET region = excluded.region, steps = excluded.steps, standing = excluded.standing
"""


def partition_of(participant: UUID) -> int:
    """Return the partition as the contract defines it: the id's last four bytes modulo 12."""
    return int.from_bytes(participant.bytes[-4:], "big") % 12


Change = tuple[UUID, dict[str, Any] | None, dict[str, Any] | None]


class Register:
    """Writes random changes to the register through `pool`. `seed` makes the changes repeatable."""

    def __init__(self, pool: asyncpg.Pool[Any], seed: int = 7) -> None:
        self._pool = pool
        self._random = random.Random(seed)
        self.standing: dict[UUID, dict[str, Any] | None] = {}

    async def write(self, number: int) -> None:
        """Write `number` events in one transaction: registrations, moves, completed steps, withdrawals."""
        changes = [self._change() for _ in range(number)]
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.executemany(
                _UPSERT_PARTICIPANT, [_participant_row(*change) for change in changes]
            )
            await self._append_events(connection, changes)

    async def write_events(self, number: int) -> None:
        """Write `number` events without participant rows, for tests of the relay alone."""
        changes: list[Change] = [
            (uuid4(), None, {"region": KELURAHAN[0], "agency": None, "campaign": None, "steps": []})
            for _ in range(number)
        ]
        async with self._pool.acquire() as connection, connection.transaction():
            await self._append_events(connection, changes)

    async def register_many(self, per_partition: int) -> None:
        """Register this number of participants in each partition of an empty register."""
        after: dict[str, Any] = {"region": "<region>", "agency": None, "campaign": None, "steps": []}
        value = json.dumps({"data": {"before": None, "after": after}})
        for partition in range(12):
            await self._pool.execute(_REGISTER_MANY, partition, per_partition, value, list(KELURAHAN))

    def _change(self) -> Change:
        known = [participant for participant, standing in self.standing.items() if standing is not None]
        if not known or self._random.random() < 0.6:
            participant, before = uuid4(), None
            after: dict[str, Any] | None = {
                "region": self._random.choice(KELURAHAN),
                "agency": self._random.choice([None, "ppkukm"]),
                "campaign": self._random.choice([None, "fest"]),
                "steps": [],
                **self._random.choice([{}, {"stock": True}]),
            }
        else:
            participant = self._random.choice(known)
            before = self.standing[participant]
            assert before is not None
            after = self._random.choice(
                [
                    {**before, "region": self._random.choice(KELURAHAN)},
                    {**before, "steps": sorted({*before["steps"], self._random.choice(STEPS)})},
                    None,
                ]
            )
        self.standing[participant] = after
        return participant, before, after

    async def _append_events(self, connection: Any, changes: Sequence[Change]) -> None:
        partitions = sorted({partition_of(participant) for participant, _, _ in changes})
        last = {row[0]: row[1] for row in await connection.fetch(_LOCK_PARTITIONS, partitions)}
        rows: list[tuple[int, int, str]] = []
        for participant, before, after in changes:
            partition = partition_of(participant)
            last[partition] += 1
            rows.append(
                (
                    partition,
                    last[partition],
                    _event_json(participant, partition, last[partition], before, after),
                )
            )
        await connection.execute(_UPDATE_SEQUENCES, list(last), list(last.values()))
        await connection.execute(_INSERT_EVENTS, *map(list, zip(*rows, strict=True)))

    async def last_sequences(self) -> list[int]:
        """Return the last sequence of each partition, in the order of partitions."""
        return [
            row[0] for row in await self._pool.fetch("SELECT last_sequence FROM partition ORDER BY partition")
        ]

    async def published(self) -> list[int]:
        """Return the published position of each partition, in the order of partitions."""
        return [
            row[0] for row in await self._pool.fetch("SELECT published FROM partition ORDER BY partition")
        ]

    async def ids(self) -> list[list[str]]:
        """Return the event ids of each partition, in sequence order."""
        found: list[list[str]] = [[] for _ in range(12)]
        for row in await self._pool.fetch(
            "SELECT partition, id::text FROM event ORDER BY partition, sequence"
        ):
            found[row[0]].append(row[1])
        return found


def _participant_row(
    participant: UUID, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> tuple[object, ...]:
    current = after or before
    assert current is not None
    standing = "registered" if after else "withdrawn"
    return (
        participant,
        current["region"],
        current["agency"],
        current["campaign"],
        current["steps"],
        current.get("stock", False),
        standing,
    )


def _event_json(
    participant: UUID,
    partition: int,
    sequence: int,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": "/registration",
            "type": "id.jakpreneur.participant.registered.v1",
            "subject": str(participant),
            "time": "2021-10-24T12:05:00Z",
            "datacontenttype": "application/json",
            "partition": partition,
            "sequence": sequence,
            "data": {
                "revision": 1,
                "before": before,
                "after": after,
                "occurred_at": None,
                "channel": "booth",
            },
        }
    )
