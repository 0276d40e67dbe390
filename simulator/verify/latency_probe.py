"""How long a registration takes from its 201 to the board's stream, measured from outside.

A count on the stream does not say whose registration it holds, so the watch makes its own. It opens a
campaign nobody else uses and registers probes into it, each in a kelurahan that has no other probe on its
way. The cell (that campaign, that kelurahan, registered) then rises by one exactly when the cut holding that
probe arrives: the cell names the probe, whatever else is registered, moved or withdrawn meanwhile. Both
instants are read from one monotonic clock in one process, so no clocks are compared. Measured is the whole
way: register's answer, relay, Kafka, counting, cut, board, stream; a viewer sees it this long after the
participant was told.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from simulator.clients.sse_client import Message
from simulator.load.latencies import Latencies
from simulator.load.load_runner import Fest


@dataclass(slots=True)
class Probes:
    """Which kelurahan are free for a probe, and what the others wait for; instants come as arguments."""

    regions: Iterable[str]
    latencies: Latencies = field(default_factory=Latencies)
    following: bool = False
    early: int = 0
    _free: deque[str] = field(init=False)
    _count: dict[str, int] = field(default_factory=dict)
    _expected: dict[str, int] = field(default_factory=dict)
    _told_s: dict[str, float] = field(default_factory=dict)
    _seen_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._free = deque(self.regions)

    def take(self) -> str | None:
        """A kelurahan for the next probe; None where every one waits for its count."""
        if not self._free:
            return None
        region = self._free.popleft()
        self._expected[region] = self._count.get(region, 0) + 1
        return region

    def drop(self, region: str) -> None:
        """Its probe was not accepted, or nobody knows: the kelurahan is not used again."""
        for table in (self._expected, self._told_s, self._seen_s):
            table.pop(region, None)

    def told(self, region: str, now_s: float) -> None:
        """The register has accepted the probe of this kelurahan."""
        if (seen_s := self._seen_s.pop(region, None)) is not None:
            self.early += 1
            self._done(region, max(seen_s - now_s, 0.0))
        else:
            self._told_s[region] = now_s

    def seen(self, region: str, count: int, now_s: float) -> None:
        """The stream shows this count for a kelurahan of the probes' campaign."""
        self._count[region] = count
        if region not in self._expected or count < self._expected[region]:
            return
        if (told_s := self._told_s.pop(region, None)) is not None:
            self._done(region, now_s - told_s)
        else:
            self._seen_s.setdefault(region, now_s)

    @property
    def on_their_way(self) -> int:
        """Probes accepted and not seen yet."""
        return len(self._told_s)

    def oldest_s(self, now_s: float) -> float:
        """How long the slowest of them has waited."""
        return now_s - min(self._told_s.values(), default=now_s)

    def _done(self, region: str, latency_s: float) -> None:
        self.latencies.add(latency_s)
        self._expected.pop(region)
        self._free.append(region)


async def follow(messages: AsyncIterator[Message], probes: Probes) -> None:
    """Hand every count of the probes' scope on the stream to the probes, with the instant it came."""
    async for message in messages:
        now_s = time.monotonic()
        if message.event not in ("snapshot", "delta"):
            continue
        probes.following = True
        for row in message.rows():
            count = row.get("counts", {}).get("registered")
            if count is not None and row["region"].count(".") == 3:
                probes.seen(row["region"], count, now_s)


async def watch(fest: Fest, probes: Probes, every_s: float, stopping: asyncio.Event) -> None:
    """Probe until the stop, once the stream of the probes' scope is there.

    A scope nobody was counted in is unknown to the board: somebody is registered into it first, in a
    kelurahan that no probe uses.
    """
    region = probes.take()
    assert region is not None, "there are kelurahan"
    probes.drop(region)
    await fest.carry_out(fest.crowd.newcomer("probe", region, fest.run.probe_campaign))
    while not probes.following and not stopping.is_set():
        await asyncio.sleep(0.1)
    await probe(fest, probes, every_s, stopping)


async def settled(probes: Probes, wait_s: float) -> bool:
    """Wait until every accepted probe was seen; False where one was not in time."""
    deadline = time.monotonic() + wait_s
    while probes.on_their_way and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return not probes.on_their_way


async def probe(fest: Fest, probes: Probes, every_s: float, stopping: asyncio.Event) -> None:
    """Register a probe every so often until the stop, noted in the ledger, and wait for their answers."""
    tasks: set[asyncio.Task[None]] = set()
    due_s = time.monotonic()
    while not stopping.is_set():
        if (region := probes.take()) is not None:
            task = asyncio.ensure_future(_probe_once(fest, probes, region))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        due_s += every_s
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), max(due_s - time.monotonic(), 0))
    await asyncio.gather(*tasks)


async def _probe_once(fest: Fest, probes: Probes, region: str) -> None:
    answer, told_s = await fest.carry_out(fest.crowd.newcomer("probe", region, fest.run.probe_campaign))
    if answer.outcome == "accepted":
        probes.told(region, told_s)
    else:
        probes.drop(region)
