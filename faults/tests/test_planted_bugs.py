"""Each planted bug replaces a name that the service uses. After a rename these tests fail."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import kafka.leader_producer
from aggregator.decoding import batch_decoder
from aggregator.decoding.batch_decoder import EventBatch
from aggregator.domain.event import Change, Event, OffsetEvent, Standing
from aggregator.domain.event_fold import Fold
from aggregator.tallies.batch_counter import BatchCounter
from cuts.records import CutRecord
from cuts.state import CutState
from deploy.local.one_shot_commands import clean_environment
from deploy.local.process_definitions import PROCESSES
from faults.planted import bugs
from faults.planted.bug import PlantedBug
from faults.planted.bugs import BUGS
from faults.planted.patches import Patch, PatchTargetMissingError, patched
from kafka.leader_producer import LeaderRecord
from notifier.domain.alerts import alert_id, crossing_id
from outbox.publisher import Pending, Publisher, PublishLimits, PublishOutcome, TopicChannel
from tests.support.fakes.leases_and_broker import (
    MemoryBatch,
    MemoryBroker,
    MemoryLeases,
    MemoryTable,
    leader_producer,
    leadership,
)
from tests.support.manual_clock import ManualClock
from tests.support.samples.milestones import crossing

PATCHES = [
    pytest.param(patch, id=f"{bug.name} {patch.name}") for bug in BUGS.values() for patch in bug.patches
]


@pytest.mark.parametrize("patch", PATCHES)
def test_the_name_that_the_service_uses_is_replaced_and_restored(patch: Patch) -> None:
    original = vars(patch.owner)[patch.name]

    with patched([patch]):
        inside = _used_value(patch)

    assert inside is patch.replacement
    assert _used_value(patch) is original


def _used_value(patch: Patch) -> Any:
    """Return the value that the function `used_by` finds for the name.

    The function looks in its own module if that is the patch's owner, and otherwise in the owner.
    """
    is_in_module = patch.used_by.__globals__ is vars(patch.owner)
    return patch.used_by.__globals__[patch.name] if is_in_module else getattr(patch.owner, patch.name)


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PatchTargetMissingError, match="no fold_batch"):
        Patch(batch_decoder, "fold_batch", None, EventBatch.fold).plant()


def test_a_name_that_the_service_no_longer_uses_is_refused() -> None:
    with pytest.raises(PatchTargetMissingError, match="does not use fold"):
        Patch(batch_decoder, "fold", None, BatchCounter.load_offsets).plant()


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_every_bug_names_existing_processes_faults_and_an_invariant(bug: PlantedBug) -> None:
    assert {name.removesuffix("-2") for name in bug.processes} <= PROCESSES.keys()
    assert bug.faults
    assert 1 <= bug.invariant <= 10


def test_there_are_seventeen_bugs() -> None:
    assert len(BUGS) == 17


def test_the_launcher_runs_the_service() -> None:
    command = [sys.executable, "-m", "faults.planted", "past-gaps", "aggregator", "worker", "--help"]

    process = subprocess.run(command, env=clean_environment({}), capture_output=True, text=True, timeout=60)

    assert process.returncode == 0, process.stderr
    assert "Count events" in process.stdout


def test_the_launcher_refuses_an_unknown_bug() -> None:
    command = [sys.executable, "-m", "faults.planted", "none", "aggregator", "worker"]

    process = subprocess.run(command, env=clean_environment({}), capture_output=True, text=True, timeout=60)

    assert process.returncode != 0
    assert "past-gaps" in process.stderr


def _event(sequence: int) -> Event:
    standing = Standing("31.71.01.1001", None, None, ())
    return Event(0, sequence, Change(None, standing))


def _folded(bug: PlantedBug, *sequences: int) -> Fold:
    placed: list[OffsetEvent] = [(offset, _event(sequence)) for offset, sequence in enumerate(sequences)]
    with patched(bug.patches):
        fold: Fold = batch_decoder.fold(0, placed)  # type: ignore[attr-defined]  # the patched name
    return fold


def test_with_the_stored_position_events_twice_in_a_batch_count_twice() -> None:
    twice = _folded(bugs.STORED_POSITION, 1, 2, 1, 2)

    assert (twice.last, sum(twice.standing_changes.values())) == (2, 4)


def test_counting_continues_past_a_gap_without_reporting_it() -> None:
    past = _folded(bugs.PAST_GAPS, 1, 3, 3)

    assert (past.last, sum(past.standing_changes.values()), past.gap) == (3, 2, None)


class _TableWithHole(MemoryTable):
    """A table whose first event was never committed."""

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        return [
            partition._replace(records=partition.records[1:])
            for partition in await super().pending(records_max, skip)
        ]


async def test_the_relay_with_a_plain_sequence_sends_beyond_a_hole() -> None:
    clock = ManualClock()
    leases = MemoryLeases(clock)
    broker, table = MemoryBroker(1), _TableWithHole(leases, "relay", 1)
    lease = leadership(leases, "relay", "A", clock)
    await lease.renew()
    table.last = [3]
    channel = TopicChannel(leader_producer(lease, broker.open), "t")
    publisher = Publisher(table, channel, limits=PublishLimits(drain_s_max=0), clock=clock)

    with patched(bugs.PLAIN_SEQUENCE.patches):
        outcome = await publisher.publish_once(1)

    assert outcome is PublishOutcome.PUBLISHED
    assert (broker.logs, table.published) == ([[2, 3]], [3])


def test_without_a_unique_latch_each_process_derives_other_ids() -> None:
    alert, id_of_crossing = alert_id(crossing(), "official:governor"), crossing_id(crossing())

    with patched(bugs.NO_UNIQUE_LATCH.patches):
        assert alert_id(crossing(), "official:governor") != alert
        assert crossing_id(crossing()) != id_of_crossing


def _full(term: int, cut: int) -> CutRecord:
    return CutRecord(
        term=term, cut=cut, kind="full", as_of=datetime(2021, 10, 24, tzinfo=UTC), positions=(cut,), rows=()
    )


def test_a_reader_that_ignores_the_term_accepts_an_older_cut() -> None:
    state = CutState()
    with patched(bugs.TERM_IGNORED.patches):
        for record in (_full(1, 1), _full(2, 3), _full(1, 2)):
            state.apply(record)

    assert state.version == (1, 2)


async def test_a_publisher_that_lost_its_lease_still_sends() -> None:
    sent: list[str] = []

    class Producer:
        def create_batch(self) -> MemoryBatch:
            return MemoryBatch(records_max=2)

        async def send_batch(self, _batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
            sent.append(topic)
            done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            done.set_result(type("Acknowledged", (), {"offset": 7}))
            return done

        async def abandon(self) -> None:
            """Do nothing, because there is no connection to drop."""

    clock = ManualClock()
    former_leader: Any = leadership(MemoryLeases(clock), "publisher", "A", clock)

    async def open_fake(_options: Mapping[str, Any], _bytes: int) -> Producer:
        return Producer()

    producer = leader_producer(former_leader, open_fake)
    with patched(bugs.TERM_IGNORED.patches):
        offset = await producer.send("region-counts", [LeaderRecord(None, b"1")], term=1)
        assert kafka.leader_producer.ACK_S_MAX > 10

    assert (offset, sent) == (7, ["region-counts"])
