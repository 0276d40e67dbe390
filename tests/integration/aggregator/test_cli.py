"""The operator commands, on a real broker and database."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.aggregator.test_publisher import QUARANTINE_EVERY_SECOND_EVENT, wait_for_total
from tests.support.aggregator.cut_checker import CutReader, following_cuts
from tests.support.aggregator.event_producer import EventProducer, event_value
from tests.support.aggregator.processes import Processes
from tests.support.deadlines import until
from tests.support.samples.quarantine import events_in
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

WAIT_S = 60
CHANGE: dict[str, Any] = {
    "before": None,
    "after": {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": []},
}


def outstanding(reader: CutReader) -> set[tuple[int, int]]:
    return events_in(reader.state.quarantined)


async def command(aggregator: Processes, *arguments: str) -> int:
    return await aggregator.start(*arguments).exit_code(WAIT_S)


async def test_a_quarantined_event_is_applied_once(
    aggregator: Processes, producer: EventProducer, topics: Topics, tmp_path: Path
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    options = ("--partition", "3", "--sequence", "2")
    change = tmp_path / "change.json"
    change.write_text(json.dumps(CHANGE))
    async with following_cuts(topics) as reader:
        await producer.send_values(3, [event_value(3, 1), event_value(3, 2, data=None), event_value(3, 3)])
        await wait_for_total(reader, 2)
        assert outstanding(reader) == {(3, 2)}
        generation = reader.state.generation

        unreadable = await command(aggregator, "quarantine", "apply", *options, "--reason", "test")
        with_file = ("quarantine", "apply", *options, "--reason", "test", "--change", str(change))
        first = await command(aggregator, *with_file)
        second = await command(aggregator, *with_file)

        assert (unreadable, first, second) == (1, 0, 1)
        await wait_for_total(reader, 3)
        assert not outstanding(reader)
        assert reader.state.generation == generation + 1


async def test_a_skip_moves_past_one_event_and_lists_it_as_uncounted(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        await producer.send_values(3, [event_value(3, 1), b"unreadable", event_value(3, 3)])
        await until(lambda: reader.state.gaps, WAIT_S, name="a cut contains the gap")

        early = await command(aggregator, "skip", "--partition", "3", "--sequence", "3", "--reason", "test")
        skipped = await command(aggregator, "skip", "--partition", "3", "--sequence", "2", "--reason", "test")
        await producer.send(3, [3, 4])

        assert (early, skipped) == (1, 0)
        await wait_for_total(reader, 3)
        assert outstanding(reader) == {(3, 2)}


async def test_quarantine_list_names_every_record_in_lines_of_text_or_json(
    aggregator: Processes, counts: Any
) -> None:
    await counts.execute(QUARANTINE_EVERY_SECOND_EVENT, 250)
    await counts.execute(
        "insert into quarantine (epoch, partition, kafka_offset, reason) values (1, 3, 9, 'no')"
    )
    text, as_json = aggregator.start("quarantine", "list"), aggregator.start("quarantine", "list", "--json")

    assert (await text.exit_code(WAIT_S), await as_json.exit_code(WAIT_S)) == (0, 0)

    listed = [json.loads(line) for line in as_json.log.read_text().splitlines()]
    assert len(text.log.read_text().splitlines()) == len(listed) == 3_001
    assert {(record["partition"], record["sequence"]) for record in listed[:-1]} == {
        (partition, 2 * place) for partition in range(12) for place in range(1, 251)
    }
    assert listed[-1].pop("at").endswith("Z")
    assert listed[-1] == {
        "partition": 3,
        "sequence": None,
        "offset": 9,
        "reason": "no",
        "state": "quarantined",
        "note": None,
    }


async def test_a_rebuild_under_load_corrects_a_miscount_and_positions_never_decrease(
    aggregator: Processes, producer: EventProducer, topics: Topics, counts: Any
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        for partition in range(12):
            await producer.send(partition, range(1, 101))
        await wait_for_total(reader, 1_200)
        chain = ["31", "31.71", "31.71.01", "31.71.01.1001"]
        await counts.execute("update tally set count = count + 5 where region = any($1)", chain)
        await wait_for_total(reader, 1_205)

        rebuild = aggregator.start("rebuild")
        sequence = 101
        while not rebuild.ended():
            for partition in range(12):
                await producer.send(partition, [sequence])
            sequence += 1

        assert await rebuild.exit_code() == 0
        # The former generation can pass the same total, because it has five more than are counted.
        total = 12 * (sequence - 1)
        await until(lambda: (reader.state.generation, reader.total()) == (2, total), WAIT_S, name="rebuilt")
        positions = [record.positions for record in reader.records]
        assert all(
            position <= next_position
            for before, after in pairwise(positions)
            for position, next_position in zip(before, after, strict=True)
        )


async def test_a_rebuild_keeps_quarantined_applied_and_skipped_events(
    aggregator: Processes, producer: EventProducer, topics: Topics, tmp_path: Path
) -> None:
    aggregator.start("worker")
    aggregator.start("publisher")
    change = tmp_path / "change.json"
    change.write_text(json.dumps(CHANGE))
    bad = [event_value(3, sequence, data=None) for sequence in (1, 2)]
    async with following_cuts(topics) as reader:
        await producer.send_values(3, [*bad, event_value(3, 3), b"unreadable", event_value(3, 5)])
        await until(lambda: reader.state.gaps, WAIT_S, name="a cut contains the gap")
        options = ("--partition", "3", "--reason", "test", "--sequence")
        applied = await command(aggregator, "quarantine", "apply", *options, "2", "--change", str(change))
        skipped = await command(aggregator, "skip", *options, "4")
        await producer.send(3, [5])
        await wait_for_total(reader, 3)

        rebuilt = await command(aggregator, "rebuild")

        assert (applied, skipped, rebuilt) == (0, 0, 0)
        await until(lambda: reader.state.generation == 4, WAIT_S, name="the rebuilt counts are shown")
        assert reader.total() == 3
        assert outstanding(reader) == {(3, 1), (3, 4)}


async def test_a_new_epoch_is_published_only_once_it_has_the_events_that_the_register_had(
    aggregator: Processes, producer: EventProducer, topics: Topics
) -> None:
    """The topic is emptied and filled again. Publishers die meanwhile, and the epoch rises a second time."""
    aggregator.start("worker")
    publisher = aggregator.start("publisher")
    async with following_cuts(topics) as reader:
        await producer.send(3, range(1, 21))
        await wait_for_total(reader, 20)
        shown = len(reader.records)
        await topics.empty("participant-events", 12)
        await publish_epoch(topics, 2, last_sequence=12)
        await until(lambda: publisher.has_logged("rebuild started"), WAIT_S)
        await producer.send(3, range(1, 6))
        publisher.kill()
        second = aggregator.start("publisher")
        await until(lambda: second.has_logged("rebuild started"), WAIT_S)
        await publish_epoch(topics, 3, last_sequence=10)

        await until(lambda: second.has_logged('"epoch": 3'), WAIT_S)
        await producer.send(3, range(6, 11))

        await wait_for_total(reader, 10)
        assert reader.state.positions[3] == 10
        assert {(record.epoch, record.positions[3]) for record in reader.records[shown:]} == {
            (1, 20),
            (3, 10),
        }
        assert reader.state.peaks["all", "31", "registered"][0] == 20
        await producer.send(3, range(11, 16))
        await wait_for_total(reader, 15)


async def publish_epoch(topics: Topics, epoch: int, last_sequence: int) -> None:
    """Publish a register state whose partition 3 has `last_sequence` events."""
    sequences = [0, 0, 0, last_sequence, *[0] * 8]
    state = {
        "time": "2021-10-24T12:05:01.200Z",
        "term": 1,
        "epoch": epoch,
        "last_sequence": sequences,
        "published": sequences,
        "audit": None,
        "lag": {"events": 0, "standing_s": 0.0},
        "refused": None,
    }
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(topics.name("register-state"), json.dumps(state).encode(), b"state")
    await producer.stop()
