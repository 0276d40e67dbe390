"""Under load the audit finds a miscount, finds no drift in correct cuts, and publishes `register-state`."""

from __future__ import annotations

import json
import signal
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.integration.registration.audit.audit_expectations import (
    audited,
    counted_at,
    live,
    load,
    newest_state,
    some_positions,
    unexplained,
)
from tests.integration.registration.relay.conftest import StartProcess
from tests.support.deadlines import until
from tests.support.registration.cut_publisher import Cell, CutPublisher
from tests.support.registration.event_topic import records
from tests.support.registration.register_writer import Register
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

PLANTED = ("all", "31.71", "registered")
WAIT_S = 60


async def test_correct_cuts_have_no_drift_under_load_and_a_miscount_is_found(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    start("audit", REGISTRATION_AUDIT_EVERY_S="1", REGISTRATION_AUDIT_PAUSE_FACTOR="1")
    async with load(register), CutPublisher(topics) as cuts:
        for number in (1, 2, 3):
            positions = await some_positions(register, behind=2 * number)
            await cuts.publish(number, positions, await counted_at(pool, positions))
            audit = await until(partial(audited, topics, f"1.{number}"), WAIT_S, name="the cut is audited")
            assert (audit["drift"], audit["differences"]) == (0, [])

        positions = await some_positions(register, behind=1)
        counts = await counted_at(pool, positions)
        await cuts.publish(4, positions, counts)
        await until(lambda: audited(topics, "1.4"), WAIT_S, name="the cut is audited")
        await cuts.publish(4, positions, {**counts, PLANTED: counts[PLANTED] + 7})

        async def the_miscount_is_found() -> bool:
            audit = await audited(topics, "1.4")
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

        await until(the_miscount_is_found, WAIT_S)


def _growth(former: dict[Cell, int], current: dict[Cell, int]) -> dict[str, dict[str, int]]:
    growth: dict[str, dict[str, int]] = {"all": {}}
    before, after = live(former), live(current)
    for scope, region in before.keys() | after.keys():
        change = after[scope, region] - before[scope, region]
        if change:
            growth.setdefault(scope, {})[region] = change
    return growth


async def test_a_minute_with_planted_growth_or_without_a_scope_is_drift_until_it_is_corrected(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    async def growth_drift() -> int:
        audit = (await newest_state(topics))["growth_audit"]
        assert audit, "no minute is audited yet"
        drift: int = audit["drift"]
        return drift

    async def is_found(drift: int) -> bool:
        assert (found := await growth_drift()) == drift, found
        return True

    await register.write(200)
    first = await some_positions(register, behind=1)
    await register.write(200)
    second = await some_positions(register, behind=1)
    quarantined = ((3, first[3] + 1), (5, first[5]))
    growth = _growth(await counted_at(pool, first, quarantined), await counted_at(pool, second, quarantined))
    start("audit")
    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, second, await counted_at(pool, second, quarantined), quarantined)
        await cuts.publish_minute((first, first), {"all": {}}, "2021-10-24T12:03:00Z")
        await cuts.publish_minute((first, second), growth)
        await until(lambda: is_found(0), WAIT_S)

        planted = {**growth, "all": {**growth["all"], "31": growth["all"]["31"] + 1_000}}
        await cuts.publish_minute((first, second), planted)
        await until(lambda: is_found(1_000), WAIT_S, name="the planted growth is found")
        await cuts.publish_minute((first, second), growth)
        await until(lambda: is_found(0), WAIT_S, name="the corrected minute is exact")

        lacking = {scope: rows for scope, rows in growth.items() if not scope.startswith("campaign:")}
        missing = {scope: rows for scope, rows in growth.items() if scope.startswith("campaign:")}
        await cuts.publish_minute((first, second), lacking)
        size = sum(abs(change) for rows in missing.values() for change in rows.values())
        assert size
        await until(lambda: is_found(size), WAIT_S, name="the missing scope is found")


async def test_attempts_without_a_result_leave_the_last_audit_and_its_age_grows(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(50)
    positions = await some_positions(register, behind=0)
    counts = await counted_at(pool, positions)
    start("audit", REGISTRATION_AUDIT_EVERY_S="0.5", REGISTRATION_AUDIT_PAUSE_FACTOR="1")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, positions, counts)
        await until(lambda: audited(topics, "1.1"), WAIT_S, name="the first cut is audited")
        await cuts.publish(2, positions, counts, unnamed=1)

        async def the_audit_is_old() -> dict[str, Any]:
            state = await unexplained(topics)
            assert state["audit"]["age_s"] > 3
            return state

        state = await until(the_audit_is_old, WAIT_S, name="the audit is older than three seconds")

    assert (state["audit"]["cut"], state["audit"]["drift"]) == ("1.1", 0)


async def test_the_register_state_has_positions_lag_and_whether_a_relay_runs(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(100)
    last = await register.last_sequences()
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, last, await counted_at(pool, last))
        await until(lambda: audited(topics, "1.1"), WAIT_S, name="the cut is audited")
        await register.write(40)
        after = await register.last_sequences()

        async def the_lag_is_published_and_ages() -> bool:
            state = await newest_state(topics)
            lag = state["lag"]
            return bool(lag["events"] == sum(after) - sum(last) and lag["standing_s"] >= 1.0)

        await until(the_lag_is_published_and_ages, WAIT_S)

    state = await newest_state(topics)
    assert state["last_sequence"] == after
    assert state["published"] == [0] * 12
    assert (state["epoch"], state["refused"], state["relay_alive"]) == (1, None, False)
    assert state["time"].endswith("Z")


async def test_a_cut_above_the_register_is_refused(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(100)
    last = await register.last_sequences()
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, [position + 1 for position in last], await counted_at(pool, last))

        async def it_is_refused() -> bool:
            state = await newest_state(topics)
            return state["audit"] is None and "the register holds" in (state["refused"] or "")

        await until(it_is_refused, WAIT_S)


async def test_a_refusal_of_the_relay_is_published_without_an_audit_result(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(100)
    last = await register.last_sequences()
    await pool.execute("UPDATE register SET refused = 'restored'")
    start("audit")

    async with CutPublisher(topics) as cuts:
        await cuts.publish(1, last, await counted_at(pool, last))

        async def it_is_published() -> bool:
            state = await newest_state(topics)
            return state["refused"] == "restored" and state["audit"] is None

        await until(it_is_published, WAIT_S)


async def test_the_start_of_the_day_has_the_counts_of_the_events_recorded_before_midnight(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(300)
    await pool.execute("grant update on event to current_user")
    await pool.execute("UPDATE event SET recorded_at = recorded_at - interval '25 hours'")
    positions = await register.last_sequences()
    await register.write(100)
    # Move the new events to after a midnight that may pass during the test.
    await pool.execute(
        "UPDATE event SET recorded_at = recorded_at + interval '1 hour'"
        " WHERE recorded_at > now() - interval '1 hour'"
    )
    start("audit")

    async def published() -> dict[tuple[str, str], int]:
        days = [json.loads(record.value) for record in (await records(topics, "register-days", 1))[0]]
        assert [day["scope"] for day in days][-1:] == ["all"], "not every scope is published"
        assert {record.key for record in (await records(topics, "register-days", 1))[0]} == {
            day["scope"].encode() for day in days
        }
        return {(day["scope"], region): count for day in days for region, count in day["rows"]}

    counts = await until(published, WAIT_S)

    assert counts == live(await counted_at(pool, positions))


async def test_a_second_audit_takes_over_in_a_higher_term_and_silences_the_first(
    register: Register, topics: Topics, start: StartProcess
) -> None:
    await register.write(50)
    first = start("audit")

    async def published_in_the_first_term() -> bool:
        return bool((await newest_state(topics))["term"] == 1)

    async def published_in_a_higher_term() -> bool:
        return bool((await newest_state(topics))["term"] > 1)

    await until(published_in_the_first_term, WAIT_S)
    first.send(signal.SIGSTOP)
    start("audit")
    await until(published_in_a_higher_term, WAIT_S)
    first.send(signal.SIGCONT)
    published_before = len((await records(topics, "register-state", 1))[0])

    async def five_more_are_published() -> bool:
        return len((await records(topics, "register-state", 1))[0]) >= published_before + 5

    await until(five_more_are_published, WAIT_S)
    terms = [json.loads(record.value)["term"] for record in (await records(topics, "register-state", 1))[0]]
    # One record is skipped, because the first audit may have been sending it when it was suspended.
    assert terms[published_before + 1 :].count(1) == 0


async def test_a_restored_lease_does_not_publish_in_a_lower_term(
    register: Register, topics: Topics, start: StartProcess, pool: asyncpg.Pool[Any]
) -> None:
    await register.write(50)
    await pool.execute("INSERT INTO lease VALUES ('audit', 'before', 40, '-infinity')")
    first = start("audit")

    async def term_is(above: int) -> bool:
        return bool((await newest_state(topics))["term"] > above)

    await until(lambda: term_is(40), WAIT_S, name="published in term 41")
    first.finish()
    await pool.execute("UPDATE lease SET term = 3, until = '-infinity' WHERE name = 'audit'")
    start("audit")

    await until(lambda: term_is(41), WAIT_S, name="published above term 41")
