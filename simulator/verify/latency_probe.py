"""Measures, outside the services, the latency from a registration's response 201 to its count on the stream.

A count on the board's stream does not show whose registration it contains. So this module registers probes in
a campaign that nobody else uses, each in a kelurahan without another pending probe. The tally (campaign,
kelurahan, registered) then rises by one exactly when the cut with the probe arrives, no matter who else is
registered, moved or withdrawn. Both times are read from the monotonic clock of one process, so no two clocks
are compared. The latency covers response, relay, Kafka, counting, cut, board and stream. It is the time from
the response until a viewer sees the registration.
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
from simulator.load.load_runner import LoadRunner


@dataclass(slots=True)
class LatencyProbes:
    """The pending probes, at most one per kelurahan, and the measured latencies.

    Every method that needs the current time takes it as an argument.
    """

    regions: Iterable[str]
    latencies: Latencies = field(default_factory=Latencies)
    stream_connected: bool = False
    early: int = 0
    _free: deque[str] = field(init=False)
    _count: dict[str, int] = field(default_factory=dict)
    _expected: dict[str, int] = field(default_factory=dict)
    _accepted_s: dict[str, float] = field(default_factory=dict)
    _observed_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._free = deque(self.regions)

    def next_region(self) -> str | None:
        """Return a kelurahan for the next probe; None if every kelurahan has a pending probe."""
        if not self._free:
            return None
        region = self._free.popleft()
        self._expected[region] = self._count.get(region, 0) + 1
        return region

    def retire(self, region: str) -> None:
        """Never use a kelurahan again, because its probe was refused or its outcome is unknown."""
        for table in (self._expected, self._accepted_s, self._observed_s):
            table.pop(region, None)

    def accepted(self, region: str, now_s: float) -> None:
        """Note that the register accepted the probe of a kelurahan."""
        if (observed_s := self._observed_s.pop(region, None)) is not None:
            self.early += 1
            self._complete(region, max(observed_s - now_s, 0.0))
        else:
            self._accepted_s[region] = now_s

    def observed(self, region: str, count: int, now_s: float) -> None:
        """Note the count that the stream shows for a kelurahan in the probes' campaign."""
        self._count[region] = count
        if region not in self._expected or count < self._expected[region]:
            return
        if (accepted_s := self._accepted_s.pop(region, None)) is not None:
            self._complete(region, now_s - accepted_s)
        else:
            self._observed_s.setdefault(region, now_s)

    @property
    def pending(self) -> int:
        """The number of accepted probes that the stream has not shown yet."""
        return len(self._accepted_s)

    def oldest_s(self, now_s: float) -> float:
        """Return for how many seconds the oldest pending probe has been accepted."""
        return now_s - min(self._accepted_s.values(), default=now_s)

    def _complete(self, region: str, latency_s: float) -> None:
        self.latencies.add(latency_s)
        self._expected.pop(region)
        self._free.append(region)


async def observe_stream(messages: AsyncIterator[Message], probes: LatencyProbes) -> None:
    """Pass each count of a kelurahan on the stream to `probes`, with its arrival time.

    The stream is that of the probes' scope.
    """
    async for message in messages:
        now_s = time.monotonic()
        if message.event not in ("snapshot", "delta"):
            continue
        probes.stream_connected = True
        for row in message.rows():
            count = row.get("counts", {}).get("registered")
            if count is not None and row["region"].count(".") == 3:
                probes.observed(row["region"], count, now_s)


async def run_probes(
    runner: LoadRunner, probes: LatencyProbes, every_s: float, stopping: asyncio.Event
) -> None:
    """Wait for the stream of the probes' scope, then register probes until the stop.

    The board does not know a scope without counts. So one person is registered in the probes' scope first, in
    a kelurahan that no probe uses.
    """
    region = probes.next_region()
    assert region is not None, "there is at least one kelurahan"
    probes.retire(region)
    await runner.execute(runner.scenario.newcomer("probe", region, runner.run.probe_campaign))
    while not probes.stream_connected and not stopping.is_set():
        await asyncio.sleep(0.1)
    await _probe_repeatedly(runner, probes, every_s, stopping)


async def all_observed(probes: LatencyProbes, wait_s: float) -> bool:
    """Wait until the stream has shown every accepted probe; return False after `wait_s` seconds."""
    deadline = time.monotonic() + wait_s
    while probes.pending and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return not probes.pending


async def _probe_repeatedly(
    runner: LoadRunner, probes: LatencyProbes, every_s: float, stopping: asyncio.Event
) -> None:
    """Register a probe every `every_s` seconds until the stop, and then wait for all answers."""
    tasks: set[asyncio.Task[None]] = set()
    due_s = time.monotonic()
    while not stopping.is_set():
        if (region := probes.next_region()) is not None:
            task = asyncio.ensure_future(_probe_once(runner, probes, region))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        due_s += every_s
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), max(due_s - time.monotonic(), 0))
    await asyncio.gather(*tasks)


async def _probe_once(runner: LoadRunner, probes: LatencyProbes, region: str) -> None:
    answer, accepted_s = await runner.execute(
        runner.scenario.newcomer("probe", region, runner.run.probe_campaign)
    )
    if answer.outcome == "accepted":
        probes.accepted(region, accepted_s)
    else:
        probes.retire(region)
