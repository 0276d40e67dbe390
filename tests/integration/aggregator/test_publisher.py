"""Publisher processes on a real broker: cuts are complete, in order, and continue under the next leader."""

from __future__ import annotations

import asyncio
import json
import signal
from itertools import chain, pairwise
from typing import Any

import httpx
import pytest

from aggregator.domain.cut_record import FULL_EVERY_S
from cuts.state import ApplyReason
from tests.support.aggregator.cut_checker import CutReader, following_cuts
from tests.support.aggregator.event_producer import EventProducer, event_value
from tests.support.aggregator.minutes_reader import following_minutes
from tests.support.aggregator.processes import Processes
from tests.support.deadlines import until
from tests.support.process_clock import clock_off
from tests.support.samples.quarantine import events_in
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

WAIT_S = 60
PROVINCE = ("all", "31", "registered")
QUARANTINE_EVERY_SECOND_EVENT = """
insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason)
select 1, partition, 2 * place - 1, 2 * place, 'malformed'
from generate_series(0, 11) partition, generate_series(1, $1::int) place
"""


async def wait_for_total(reader: CutReader, expected: int) -> None:
    await until(lambda: reader.total() == expected, WAIT_S, name=f"a cut shows {expected}")


async def test_cuts_contain_the_counts(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        for first in range(1, 101, 20):
            for partition in range(12):
                await producer.send(partition, range(first, first + 20))

        await wait_for_total(reader, 1_200)

        assert reader.state.positions == (100,) * 12
        records = len(reader.records)
        await until(lambda: len(reader.records) > records + 1, WAIT_S, name="heartbeats continue")


async def test_a_full_record_names_the_peak_of_a_count_that_has_fallen(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    """A new leader begins with a full record, so the test replaces the leader instead of waiting for one."""
    aggregator.start("worker")
    first = aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        await producer.send(3, range(1, 6))
        await wait_for_total(reader, 5)
        assert reader.state.peaks == {}
        before = reader.state.as_of
        withdrawals = [withdrawal(3, sequence, sequence - 5) for sequence in (6, 7)]
        await producer.send_values(3, withdrawals)
        await wait_for_total(reader, 3)

        first.kill()
        second = aggregator.start("publisher")
        await until(lambda: PROVINCE in reader.state.peaks, WAIT_S, name="a full record names the peak")

        peak, left_at = reader.state.peaks[PROVINCE]
        assert peak == 5
        assert before is not None
        assert left_at >= before
        await producer.send(3, range(8, 11))
        await wait_for_total(reader, 6)
        second.kill()
        aggregator.start("publisher")
        await until(lambda: PROVINCE not in reader.state.peaks, WAIT_S, name="the count exceeds its peak")


def withdrawal(partition: int, sequence: int, registered: int) -> bytes:
    """Return the event that withdraws the participant whom event `registered` registered."""
    data = json.loads(event_value(partition, registered))["data"]
    data |= {"before": data["after"], "after": None, "revision": 2}
    return event_value(partition, sequence, type="id.jakpreneur.participant.withdrawn.v1", data=data)


async def test_after_a_killed_leader_the_next_one_continues_the_cut_numbers(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    points = ("publisher.before_reserve:3", "publisher.before_produce:4", "publisher.after_produce:4")
    sequence = 0
    async with following_cuts(topics) as reader:
        for point in points:
            leader = aggregator.start("publisher", AGGREGATOR_CRASH_AT=point)
            while not leader.ended():
                sequence += 1
                await producer.send(3, [sequence])
                await asyncio.sleep(0.1)
            assert leader.process.returncode == -signal.SIGKILL

        aggregator.start("publisher")

        await until(lambda: reader.state.term == 4, WAIT_S, name="the fourth publisher leads")
        await wait_for_total(reader, sequence)


async def test_readers_ignore_a_publisher_that_was_suspended_and_replaced(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    async with following_cuts(topics) as reader:
        deposed = aggregator.start("publisher")
        await producer.send(3, range(1, 11))
        await wait_for_total(reader, 10)
        deposed.signal(signal.SIGSTOP)

        aggregator.start("publisher")
        await producer.send(3, range(11, 21))
        await wait_for_total(reader, 20)
        deposed.signal(signal.SIGCONT)
        await producer.send(3, range(21, 31))

        await wait_for_total(reader, 30)
        await until(
            lambda: deposed.has_logged('"term": null'),
            WAIT_S,
            name="the deposed publisher knows that it no longer leads",
        )
        assert reader.state.term == 2


async def test_a_cut_contains_a_gap_until_the_missing_event_arrives(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        await producer.send(3, [1, 2, 4])
        await until(lambda: reader.state.gaps, WAIT_S, name="a cut contains the gap")
        (gap,) = reader.state.gaps
        assert (gap.partition, gap.expected, gap.seen) == (3, 3, 4)

        await producer.send(3, [3, 4])

        await wait_for_total(reader, 4)
        assert reader.state.gaps == ()


async def test_cuts_name_100_000_scattered_quarantined_events_and_a_change_only_the_new_ones(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    await counts.execute(QUARANTINE_EVERY_SECOND_EVENT, 8_334)
    await counts.execute("update position set sequence = 2 * 8334")
    scattered = {(partition, 2 * place) for partition in range(12) for place in range(1, 8_335)}
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        await until(lambda: reader.state.ready, WAIT_S, name="a full is complete")
        assert events_in(reader.state.quarantined) == scattered

        aggregator.start("worker")
        await producer.send_values(
            3, [event_value(3, 16_669), *(event_value(3, place, data=None) for place in (16_670, 16_671))]
        )
        await until(
            lambda: (reader.total(), reader.state.quarantined_total) == (1, 100_010),
            WAIT_S,
            name="all events",
        )
        await until(
            lambda: (reader.state.version, "full") in [(cut.version, cut.kind) for cut in reader.records],
            FULL_EVERY_S + WAIT_S,
            name="a full of the cut",
        )

        assert events_in(reader.state.quarantined) == scattered | {(3, 16_670), (3, 16_671)}
        assert reader.state.quarantined.events == reader.state.quarantined_total == 100_010
        assert (reader.state.version, ApplyReason.REPLACED) not in reader.versions
        changes = [cut.quarantined_ranges for cut in reader.records if cut.kind == "change"]
        assert events_in(chain.from_iterable(changes)) == {(3, 16_670), (3, 16_671)}


ALL_TEN_COUNTED = "select sum(sequence) = 10 from position join live using (set_id)"
NO_MINUTE_ENDS = "update kept_cut set ends_at = date_trunc('minute', now()) + interval '1 hour'"
END_A_MINUTE = """
update kept_cut set ends_at = date_trunc('minute', now()) - interval '1 minute', behind = false
"""
A_MINUTE_HAS_TIME_LEFT = "select extract(second from clock_timestamp()) between 1 and 50"


async def end_a_minute(counts: Any) -> None:
    """End a minute, but not just before a real minute ends: the publisher would find two ended minutes."""
    await until(lambda: counts.fetchval(A_MINUTE_HAS_TIME_LEFT), name="a minute has time left")
    await counts.execute(END_A_MINUTE)


async def test_at_the_end_of_a_minute_the_growth_since_the_former_kept_cut_is_published(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    await counts.execute(NO_MINUTE_ENDS)
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader, following_minutes(topics) as minutes:

        def growth() -> list[int]:
            rows = [dict(minute["rows"]) for minute in minutes.history if minute["scope"] == "all"]
            return [of_minute["31"] for of_minute in rows if of_minute]

        await producer.send(3, range(1, 11))
        await wait_for_total(reader, 10)
        await end_a_minute(counts)
        await until(lambda: growth() == [10], WAIT_S, name="the first minute")
        await counts.execute(NO_MINUTE_ENDS)
        await producer.send(4, range(1, 6))
        await wait_for_total(reader, 15)
        await end_a_minute(counts)

        await until(lambda: growth() == [10, 5], WAIT_S, name="the second minute")

        whole = [minute for minute in minutes.history if minute["scope"] == "all"]
        assert all(later["from"] == former["to"] for former, later in pairwise(whole))
        assert whole[-1]["to"]["cut"] in {f"{cut.term}.{cut.cut}" for cut in reader.records}
        assert whole[-1]["to"]["positions"] == list(reader.state.positions)
        assert not any(minute["late"] for minute in whole)


async def test_stock_is_in_the_counts_and_not_in_the_growth(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    await counts.execute(NO_MINUTE_ENDS)
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader, following_minutes(topics) as minutes:
        await producer.send(3, range(1, 11))
        await producer.send_values(3, [stock_registration(3, sequence) for sequence in range(11, 31)])
        await wait_for_total(reader, 30)

        await end_a_minute(counts)

        await until(lambda: minutes.newest("all"), WAIT_S, name="a minute is published")
        first, *_ = [minute for minute in minutes.history if minute["scope"] == "all"]
        assert dict(first["rows"])["31"] == 10
        assert reader.state.counts["all", "31", "stock"] == 20


def stock_registration(partition: int, sequence: int) -> bytes:
    """Return the event with which an import registers a participant of the baseline."""
    data = json.loads(event_value(partition, sequence))["data"]
    data["after"]["stock"] = True
    return event_value(partition, sequence, data=data | {"channel": "import"})


async def test_minutes_are_deleted_after_48_hours_by_the_databases_clock(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    await counts.execute(NO_MINUTE_ENDS)
    aggregator.start("worker")
    aggregator.start("publisher")
    await producer.send(3, range(1, 11))
    # Events that are counted after the minute would get a minute of their own, which is not old.
    await until(lambda: counts.fetchval(ALL_TEN_COUNTED), WAIT_S, name="all events are counted")
    async with following_minutes(topics) as minutes:
        await end_a_minute(counts)
        await until(lambda: minutes.newest("all"), WAIT_S, name="a minute is published")

        await counts.execute("update kept_minute set minute = minute - interval '49 hours'")

        none_is_expired = "select count(*) = 0 from kept_minute where minute < now() - interval '48 hours'"
        await until(lambda: counts.fetchval(none_is_expired), WAIT_S, name="expired minutes are deleted")
        await until(lambda: None in minutes.records.values(), WAIT_S, name="a tombstone was written")


async def test_a_minute_after_an_outage_of_the_publisher_is_late_and_has_the_whole_growth(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    aggregator.start("worker")
    await producer.send(3, range(1, 11))
    await until(lambda: counts.fetchval(ALL_TEN_COUNTED), WAIT_S)
    await counts.execute("update kept_cut set ends_at = date_trunc('minute', now()) - interval '7 minutes'")

    aggregator.start("publisher")

    async with following_minutes(topics) as minutes:
        await until(lambda: minutes.newest("all"), WAIT_S, name="a minute is published")
        # A minute that really ends during the test follows the late one.
        late, *later = [minute for minute in minutes.history if minute["scope"] == "all"]
        assert (late["late"], dict(late["rows"])["31"]) == (True, 10)
        assert all(minute["minute"] > late["minute"] and not minute["late"] for minute in later)


async def test_kept_minutes_are_published_again_if_the_topic_was_made_again(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    aggregator.start("worker")
    publisher = aggregator.start("publisher")
    await producer.send(3, range(1, 11))
    async with following_minutes(topics) as minutes:
        await counts.execute(END_A_MINUTE)
        await until(lambda: minutes.newest("all"), WAIT_S, name="a minute is published")
    published = minutes.records
    publisher.signal(signal.SIGTERM)
    await until(publisher.ended, WAIT_S)
    await topics.create_again("region-minutes")

    aggregator.start("publisher")

    async with following_minutes(topics) as minutes:
        await until(
            lambda: minutes.records.keys() >= published.keys(), WAIT_S, name="the minutes are published again"
        )
        assert {key: minutes.records[key] for key in published} == published


@pytest.mark.needs("faketime")
async def test_a_publisher_whose_clock_is_three_days_ahead_keeps_minutes_and_reports_its_clock(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    aggregator.start("worker")
    publisher = aggregator.start("publisher", **clock_off("+3d"))
    await producer.send(3, range(1, 11))
    async with following_minutes(topics) as minutes:
        await counts.execute(END_A_MINUTE)
        await until(lambda: minutes.newest("all"), WAIT_S, name="a minute is published")

        async def clock() -> str:
            async with httpx.AsyncClient() as client:
                ready = await client.get(f"http://127.0.0.1:{publisher.port}/health/ready")
            assert ready.status_code == 200
            detail: str = ready.json()["details"].get("clock", "")
            return detail

        assert "from the database's clock" in await until(clock, WAIT_S, name="the clock is reported")
        assert await counts.fetchval("select count(*) > 0 from kept_minute")
        assert None not in minutes.records.values()
