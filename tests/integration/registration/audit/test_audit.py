"""The audit says 0 for a true cut under load, names a planted miscount, and tells where the register
stands.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.integration.registration.relay.conftest import StartProcess
from tests.support.deadlines import until
from tests.support.registration.cut_publisher import Cell, CutPublisher
from tests.support.registration.event_topic import records
from tests.support.registration.register_writer import Register
from tests.support.topics import Topics

pytestmark = pytest.mark.integration

PLANTED = ("all", "31.71", "registered")
REGISTRATIONS = "SELECT partition, sequence FROM event WHERE value::json -> 'data' ->> 'before' IS NULL"


def _cells(standing: dict[str, Any]) -> list[Cell]:
    """By definition, and by hand."""
    scopes = ["all"]
    scopes += [f"agency:{standing['agency']}"] if standing["agency"] else []
    scopes += [f"campaign:{standing['campaign']}"] if standing["campaign"] else []
    measures = ["registered", *[f"step:{step}" for step in standing["steps"]]]
    regions = [standing["region"][:length] for length in (2, 5, 8, 13)]
    return [(scope, region, measure) for scope in scopes for region in regions for measure in measures]


async def _counted(
    pool: asyncpg.Pool[Any], positions: list[int], passed_over: tuple[tuple[int, int], ...] = ()
) -> dict[Cell, int]:
    """What counting the events up to these positions comes to, one by one."""
    rows = await pool.fetch(
        "SELECT partition, sequence, value FROM event WHERE sequence <= ($1::bigint[])[partition + 1]",
        positions,
    )
    values = [value for partition, sequence, value in rows if (partition, sequence) not in passed_over]
    # Apart from the loop: whoever writes meanwhile must not be kept waiting inside a transaction.
    return await asyncio.to_thread(_summed, values)


def _summed(values: list[str]) -> dict[Cell, int]:
    counts: Counter[Cell] = Counter()
    for value in values:
        change = json.loads(value)["data"]
        counts.update(_cells(change["after"]) if change["after"] else ())
        counts.subtract(_cells(change["before"]) if change["before"] else ())
    return {cell: count for cell, count in counts.items() if count}


async def _told(topics: Topics) -> dict[str, Any]:
    """The newest register state."""
    told = (await records(topics, "register-state", 1))[0]
    assert told, "nothing told yet"
    newest = told[-1]
    assert newest.key == b"state"
    state: dict[str, Any] = json.loads(newest.value)
    return state


async def _audited(topics: Topics, cut: str) -> dict[str, Any]:
    state = await _told(topics)
    assert state["audit"], "no audit yet"
    assert state["audit"]["cut"] == cut, state["audit"]["cut"]
    audit: dict[str, Any] = state["audit"]
    return audit


@asynccontextmanager
async def load(register: Register) -> AsyncIterator[None]:
    """Registrations, moves, steps and withdrawals that do not stop.

    Not a fixture: while other fixtures are made the loop stands still, and PostgreSQL ends who sleeps in a
    transaction.
    """
    enough = asyncio.Event()

    async def go_on() -> None:
        while not enough.is_set():
            await register.write(20)
            await asyncio.sleep(0.05)

    await register.write(300)
    writing = asyncio.ensure_future(go_on())
    try:
        yield
    finally:
        enough.set()
        await writing


async def _some_positions(register: Register, behind: int) -> list[int]:
    return [max(0, last - behind) for last in await register.last_sequences()]


async def test_true_cuts_have_no_drift_under_load_and_a_planted_miscount_is_named_within_10_seconds(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    start("audit", REGISTRATION_AUDIT_EVERY_S="1", REGISTRATION_AUDIT_PAUSE_FACTOR="1")
    async with load(register), CutPublisher(topics) as cuts:
        for number in (1, 2, 3):
            positions = await _some_positions(register, behind=2 * number)
            await cuts.publish(number, positions, await _counted(pool, positions))
            audit = await until(partial(_audited, topics, f"1.{number}"), 30, name="the cut is audited")
            assert (audit["drift"], audit["differences"]) == (0, [])

        positions = await _some_positions(register, behind=1)
        counts = await _counted(pool, positions)
        await cuts.publish(4, positions, counts)
        await until(lambda: _audited(topics, "1.4"), 30, name="the cut is audited")
        await cuts.publish(4, positions, {**counts, PLANTED: counts[PLANTED] + 7})

        async def the_miscount_is_named() -> bool:
            audit = await _audited(topics, "1.4")
            assert audit["drift"] == 7, audit
            scope, region, measure = PLANTED
            (difference,) = audit["differences"]
            return bool(
                difference
                == {
                    "scope": scope,
                    "region": region,
                    "measure": measure,
                    "expected": counts[PLANTED],
                    "found": counts[PLANTED] + 7,
                }
            )

        await until(the_miscount_is_named, 10)


async def test_quarantined_events_explain_what_is_missing(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(200)
    positions = await _some_positions(register, behind=0)
    passed_over = ((3, 1), (5, 2))
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, await _counted(pool, positions, passed_over), passed_over)

        audit = await until(lambda: _audited(topics, "1.1"), 30, name="the cut is audited")

    assert audit["drift"] == 0


async def test_a_count_below_zero_is_explained_by_registrations_in_quarantine(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(300)
    positions = await _some_positions(register, behind=0)
    rows = await pool.fetch(REGISTRATIONS)
    passed_over = tuple((row["partition"], row["sequence"]) for row in rows)
    counts = await _counted(pool, positions, passed_over)
    assert min(counts.values()) < 0
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, counts, passed_over)

        audit = await until(lambda: _audited(topics, "1.1"), 30, name="the cut is audited")

    assert audit["drift"] == 0


async def test_the_register_state_tells_positions_lag_and_whether_a_relay_lives(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(100)
    last = await register.last_sequences()
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, last, await _counted(pool, last))
        await until(lambda: _audited(topics, "1.1"), 30, name="the cut is audited")
        await register.write(40)
        after = await register.last_sequences()

        async def the_lag_is_told_and_grows_older() -> bool:
            state = await _told(topics)
            lag = state["lag"]
            return bool(lag["events"] == sum(after) - sum(last) and lag["standing_s"] >= 1.0)

        await until(the_lag_is_told_and_grows_older, 20)

    state = await _told(topics)
    assert state["last_sequence"] == after
    assert state["published"] == [0] * 12
    assert (state["epoch"], state["refused"], state["relay_alive"]) == (1, None, False)
    assert state["time"].endswith("Z")


async def test_a_cut_that_is_ahead_of_the_register_is_refused(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(100)
    last = await register.last_sequences()
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, [position + 1 for position in last], await _counted(pool, last))

        async def it_is_refused() -> bool:
            state = await _told(topics)
            return state["audit"] is None and "the register holds" in (state["refused"] or "")

        await until(it_is_refused, 20)


async def test_a_relay_that_refuses_is_passed_on_and_nothing_is_called_proved(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(100)
    last = await register.last_sequences()
    await pool.execute("UPDATE register SET refused = 'restored'")
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, last, await _counted(pool, last))

        async def it_is_passed_on() -> bool:
            state = await _told(topics)
            return state["refused"] == "restored" and state["audit"] is None

        await until(it_is_passed_on, 20)


async def test_a_second_audit_takes_over_in_a_higher_term_and_the_first_is_silent_then(
    register: Register, topics: Topics, start: StartProcess
) -> None:
    await register.write(50)
    first = start("audit")

    async def told_in_the_first_term() -> bool:
        return bool((await _told(topics))["term"] == 1)

    async def told_in_a_higher_term() -> bool:
        return bool((await _told(topics))["term"] > 1)

    await until(told_in_the_first_term, 20)
    first.send(signal.SIGSTOP)
    start("audit")
    await until(told_in_a_higher_term, 20)
    first.send(signal.SIGCONT)
    told_then = len((await records(topics, "register-state", 1))[0])

    async def five_more_are_told() -> bool:
        return len((await records(topics, "register-state", 1))[0]) >= told_then + 5

    await until(five_more_are_told, 30)
    terms = [json.loads(record.value)["term"] for record in (await records(topics, "register-state", 1))[0]]
    # What the first had in its hands when it was stopped may still come: one record at most.
    assert terms[told_then + 1 :].count(1) == 0


async def test_a_restored_lease_does_not_come_back_with_a_lower_term(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(50)
    await pool.execute("INSERT INTO lease VALUES ('audit', 'before', 40, '-infinity')")
    first = start("audit")

    async def told(above: int) -> bool:
        return bool((await _told(topics))["term"] > above)

    await until(lambda: told(40), 20, name="told in term 41")
    first.finish()
    await pool.execute("UPDATE lease SET term = 3, until = '-infinity' WHERE name = 'audit'")
    start("audit")

    await until(lambda: told(41), 20, name="told above term 41")
