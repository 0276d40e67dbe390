"""A register under load, its expected tallies, and the states that the audit publishes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.support.registration.cut_publisher import Cell
from tests.support.registration.event_topic import records
from tests.support.registration.register_writer import Register
from tests.support.topic_prefixes import Topics

REGISTRATIONS = "SELECT partition, sequence FROM event WHERE value::json -> 'data' ->> 'before' IS NULL"


def cells_of(standing: dict[str, Any]) -> list[Cell]:
    """Return the tallies in which this standing is counted, computed without the code under test."""
    scopes = ["all"]
    scopes += [f"agency:{standing['agency']}"] if standing["agency"] else []
    scopes += [f"campaign:{standing['campaign']}"] if standing["campaign"] else []
    measures = ["registered", *[f"step:{step}" for step in standing["steps"]]]
    measures += ["stock"] if standing.get("stock") else []
    regions = [standing["region"][:length] for length in (2, 5, 8, 13)]
    return [(scope, region, measure) for scope in scopes for region in regions for measure in measures]


async def counted_at(
    pool: asyncpg.Pool[Any], positions: list[int], quarantined: Collection[tuple[int, int]] = ()
) -> dict[Cell, int]:
    """Return the tallies at these positions, summed from all events that are not quarantined."""
    rows = await pool.fetch(
        "SELECT partition, sequence, value FROM event WHERE sequence <= ($1::bigint[])[partition + 1]",
        positions,
    )
    values = [value for partition, sequence, value in rows if (partition, sequence) not in quarantined]
    # Sum in a thread, so that concurrent writers do not have to wait inside their transactions.
    return await asyncio.to_thread(_summed, values)


def _summed(values: list[str]) -> dict[Cell, int]:
    counts: Counter[Cell] = Counter()
    for value in values:
        change = json.loads(value)["data"]
        counts.update(cells_of(change["after"]) if change["after"] else ())
        counts.subtract(cells_of(change["before"]) if change["before"] else ())
    return {cell: count for cell, count in counts.items() if count}


async def newest_state(topics: Topics) -> dict[str, Any]:
    """Return the value of the newest record of `register-state`."""
    published = (await records(topics, "register-state", 1))[0]
    assert published, "no state yet"
    newest = published[-1]
    assert newest.key == b"state"
    state: dict[str, Any] = json.loads(newest.value)
    return state


async def audited(topics: Topics, cut: str) -> dict[str, Any]:
    state = await newest_state(topics)
    assert state["audit"], "no audit yet"
    assert state["audit"]["cut"] == cut, state["audit"]["cut"]
    audit: dict[str, Any] = state["audit"]
    return audit


async def unexplained(topics: Topics) -> dict[str, Any]:
    state = await newest_state(topics)
    assert state["audit_outcome"] == "unexplained", state["audit_outcome"]
    return state


def live(counts: dict[Cell, int]) -> Counter[tuple[str, str]]:
    """Return the number of live participants by scope and region; only the keys whose number is not zero."""
    numbers: Counter[tuple[str, str]] = Counter()
    for (scope, region, measure), count in counts.items():
        numbers[scope, region] += {"registered": count, "stock": -count}.get(measure, 0)
    return Counter({place: number for place, number in numbers.items() if number})


@asynccontextmanager
async def load(register: Register) -> AsyncIterator[None]:
    """Write registrations, moves, steps and withdrawals until the `with` block ends.

    This cannot be a fixture, because the event loop does not run while other fixtures are set up. A
    transaction of the writer would then be idle, so that PostgreSQL would terminate its session.
    """
    stop = asyncio.Event()

    async def write_until_stopped() -> None:
        while not stop.is_set():
            await register.write(20)
            await asyncio.sleep(0.05)

    await register.write(300)
    writing = asyncio.ensure_future(write_until_stopped())
    try:
        yield
    finally:
        stop.set()
        await writing


async def some_positions(register: Register, behind: int) -> list[int]:
    return [max(0, last - behind) for last in await register.last_sequences()]
