"""Writes records to the board's five topics: cuts, register states, starts of days, minutes, milestones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer

from localization.formats import JAKARTA
from tests.support.background_task import background_task
from tests.support.topic_prefixes import Topics

PARTITIONS = 12
CITY = "31.71"
Region = str


def prefixes(region: Region) -> list[Region]:
    """Return the region and all regions that contain it."""
    parts = region.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


class TopicWriter:
    """Counts registrations, and writes records in place of the publisher, the audit and the notifier."""

    def __init__(self, producer: AIOKafkaProducer, topics: Topics) -> None:
        self._producer = producer
        self._topics = topics
        self.term = 7
        self.cut = 0
        self.full_offset = -1
        self.counts: dict[tuple[str, str, str], int] = {}
        self.accepted = [0] * PARTITIONS
        self.positions = [0] * PARTITIONS
        self.audit_age_s = 0.0
        self._changed: set[tuple[str, str, str]] = set()
        self._days: dict[str, Mapping[Region, int]] = {}
        self._day = ""

    def register(self, region: Region, count: int = 1, *, counted: bool = True, scope: str = "all") -> None:
        """Accept `count` registrations in a region. If `counted` is False, the next cut lacks them."""
        self.accepted[0] += count
        if counted:
            self.positions[0] = self.accepted[0]
            for code in prefixes(region):
                key = (scope, code, "registered")
                self.counts[key] = self.counts.get(key, 0) + count
                self._changed.add(key)

    def mark_as_stock(self, region: Region, count: int) -> None:
        """Make `count` of the registered participants of a region stock."""
        for code in prefixes(region):
            self.counts["all", code, "stock"] = self.counts.get(("all", code, "stock"), 0) + count
            self._changed.add(("all", code, "stock"))

    async def full(self, parts: int = 2) -> None:
        """Publish the whole cut in `parts` full records, with the next number if counts have changed."""
        self._advance_cut()
        rows = [[*key, count] for key, count in self.counts.items()]
        head = self._head() | {"kind": "full", "base": None, "parts": parts}
        offsets = [
            await self._put("region-counts", head | {"part": part, "rows": rows[part::parts]})
            for part in range(parts)
        ]
        self.full_offset = offsets[0]

    async def change(self) -> None:
        """Publish the changes since the last cut. If there are none, the record is a heartbeat."""
        base, changed = self.cut, sorted(self._changed)
        self._advance_cut()
        rows = [[*key, self.counts[key]] for key in changed]
        await self._put("region-counts", self._head() | {"kind": "change", "base": base, "rows": rows})

    async def change_of_lower_term(self, count: int) -> None:
        """Publish a change of a lower term, like a publisher that lost its lease while suspended."""
        head = self._head() | {
            "term": self.term - 1,
            "cut": self.cut + 50,
            "kind": "change",
            "base": self.cut,
        }
        await self._put("region-counts", head | {"rows": [["all", "31", "registered", count]]})

    async def register_state(self, **fields: Any) -> None:
        """Publish a register state. `fields` replace the default values."""
        state = {
            "time": _now(),
            "term": 3,
            "epoch": 1,
            "last_sequence": self.accepted,
            "published": self.accepted,
            "audit": {
                "cut": f"{self.term}.{self.cut}",
                "drift": 0,
                "checked_at": _now(),
                "age_s": self.audit_age_s,
                "differences": [],
            },
            "lag": {"events": 0, "standing_s": 0.0},
            "refused": None,
        }
        await self._put("register-state", state | fields, b"state")

    async def minute(self, at: datetime, rows: Mapping[Region, int], **fields: Any) -> None:
        """Publish the growth in the minute of `at`, by region. `fields` replace the default values."""
        minute = _text(at.replace(second=0, microsecond=0))
        body = {
            "scope": "all",
            "minute": minute,
            "term": self.term,
            "late": False,
            "rows": list(rows.items()),
        }
        await self._put("region-minutes", body | fields, f"all|{minute}".encode())

    async def day(self, rows: Mapping[Region, int], scope: str = "all") -> None:
        """Publish the counts at the start of the current day in Jakarta.

        If a midnight passes during `publishing`, they are published for the new day, too.
        """
        self._days[scope], self._day = rows, _today()
        body = {"scope": scope, "day": self._day, "term": 3, "epoch": 1, "rows": list(rows.items())}
        await self._put("register-days", body, scope.encode())

    async def rules(self, **thresholds: Any) -> None:
        """Publish one milestone rule; `thresholds` has its place and its thresholds."""
        rule = {"rule": "steps", "scope": "all", "measure": "registered", "epoch": "ever", "above": 0}
        await self._put(
            "milestones", {"sequence": 1, "state": "rules", "rules": [rule | thresholds]}, b"rules"
        )

    async def milestone(self, region: Region, threshold: int, sequence: int = 1, **fields: Any) -> None:
        """Publish a crossing. `fields` replace the default values."""
        crossing = {
            "sequence": sequence,
            "id": f"{region}-{threshold}",
            "scope": "all",
            "region": region,
            "rule": "absolute",
            "measure": "registered",
            "threshold": threshold,
            "epoch": "ever",
            "value": threshold,
            "cut": f"{self.term}.{self.cut}",
            "crossed_at": _now(),
            "state": "crossed",
        }
        await self._put("milestones", crossing | fields, f"{region}-{threshold}".encode())

    async def raw(self, topic: str, value: bytes) -> None:
        """Write any bytes to a topic, even a malformed record."""
        await self._producer.send_and_wait(self._topics.name(topic), value)

    @asynccontextmanager
    async def publishing(self, every_s: float = 0.3) -> AsyncIterator[None]:
        """Publish the changes and a register state every `every_s` seconds while the context is open.

        A reader takes records that it finds when it starts as history, which proves no freshness. So a single
        register state can have come too early, and only this makes counts live.
        """

        async def publish() -> None:
            while True:
                await self.change()
                await self.register_state()
                if self._day != _today():
                    for scope, rows in list(self._days.items()):
                        await self.day(rows, scope)
                await asyncio.sleep(every_s)

        async with background_task(publish()):
            yield

    def _advance_cut(self) -> None:
        if self._changed or not self.cut:
            self.cut += 1
        self._changed.clear()

    def _head(self) -> dict[str, Any]:
        return {
            "cut": self.cut,
            "term": self.term,
            "as_of": _now(),
            "positions": self.positions,
            "gaps": [],
            "quarantined_ranges": [],
            "quarantined_total": 0,
            "generation": 1,
            "full_offset": self.full_offset,
        }

    async def _put(self, topic: str, body: Mapping[str, Any], key: bytes | None = None) -> int:
        value = json.dumps(body).encode()
        sent = await self._producer.send_and_wait(self._topics.name(topic), value, key=key)
        return int(sent.offset)


@asynccontextmanager
async def topic_writer(topics: Topics) -> AsyncIterator[TopicWriter]:
    """Yield a writer to these topics."""
    producer = AIOKafkaProducer(**topics.settings().client_options(), enable_idempotence=True)
    await producer.start()
    try:
        yield TopicWriter(producer, topics)
    finally:
        await producer.stop()


def _today() -> str:
    return datetime.now(JAKARTA).date().isoformat()


def _now() -> str:
    return _text(datetime.now(UTC))


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def minutes_ago(minutes: int) -> datetime:
    """Return the time that was `minutes` minutes ago."""
    return datetime.now(UTC) - timedelta(minutes=minutes)
