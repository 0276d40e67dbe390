"""Each bug lies where the service looks: a rename breaks a test here instead of planting nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from aggregator.decoding import decoder
from aggregator.decoding.decoder import EventBatch
from aggregator.domain.counting import Fold
from aggregator.domain.event import Change, Event, Placed, Standing
from aggregator.tallies.batch_counter import BatchCounter
from cuts.records import CutRecord
from cuts.state import CutState
from deploy.local.commands import clean_environment
from deploy.local.processes import PROCESSES
from faults.planted import bugs
from faults.planted.bugs import BUGS, Planted
from faults.planted.patches import Patch, PatchPointGoneError, in_place
from notifier.domain.alerts import alert_id, crossing_id
from outbox import leader_producer
from outbox.leader_producer import LeaderProducer, LeaderRecord
from outbox.publisher import Pending, Publisher, PublishLimits, PublishOutcome, TopicChannel
from tests.support.fakes.outbox import Clock, MemoryBroker, MemoryLeases, MemoryTable, leadership
from tests.support.samples.milestones import crossing

PATCHES = [
    pytest.param(patch, id=f"{bug.name} {patch.name}") for bug in BUGS.values() for patch in bug.patches
]


@pytest.mark.parametrize("patch", PATCHES)
def test_what_the_service_looks_up_is_replaced_and_put_back(patch: Patch) -> None:
    original = vars(patch.owner)[patch.name]

    with in_place([patch]):
        inside = _looked_up(patch)

    assert inside is patch.replacement
    assert _looked_up(patch) is original


def _looked_up(patch: Patch) -> Any:
    """What `used_by` finds under the name: in its own module where that is the owner, else in the owner."""
    in_its_module = patch.used_by.__globals__ is vars(patch.owner)
    return patch.used_by.__globals__[patch.name] if in_its_module else getattr(patch.owner, patch.name)


def test_a_name_that_is_gone_is_refused() -> None:
    with pytest.raises(PatchPointGoneError, match="no fold_batch"):
        Patch(decoder, "fold_batch", None, EventBatch.fold).plant()


def test_a_name_that_the_service_does_not_look_up_any_more_is_refused() -> None:
    with pytest.raises(PatchPointGoneError, match="does not look fold up"):
        Patch(decoder, "fold", None, BatchCounter.load).plant()


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_every_bug_names_processes_there_are_faults_and_what_breaks(bug: Planted) -> None:
    assert {name.removesuffix("-2") for name in bug.processes} <= PROCESSES.keys()
    assert bug.faults
    assert 1 <= bug.invariant <= 5


def test_there_are_eight() -> None:
    assert len(BUGS) == 8


def test_the_launcher_becomes_the_service() -> None:
    command = [sys.executable, "-m", "faults.planted", "past-gaps", "aggregator", "worker", "--help"]

    ended = subprocess.run(command, env=clean_environment({}), capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0, ended.stderr
    assert "Count events" in ended.stdout


def test_the_launcher_refuses_a_bug_it_does_not_know() -> None:
    command = [sys.executable, "-m", "faults.planted", "none", "aggregator", "worker"]

    ended = subprocess.run(command, env=clean_environment({}), capture_output=True, text=True, timeout=60)

    assert ended.returncode != 0
    assert "past-gaps" in ended.stderr


def _event(sequence: int) -> Event:
    standing = Standing("31.71.01.1001", None, None, ())
    return Event(0, sequence, "2021-10-24T12:05:00Z", Change(None, standing))


def _folded(bug: Planted, *sequences: int) -> Fold:
    placed: list[Placed] = [(offset, _event(sequence)) for offset, sequence in enumerate(sequences)]
    with in_place(bug.patches):
        fold: Fold = decoder.fold(0, placed)  # type: ignore[attr-defined]  # the name that is patched
    return fold


def test_compared_with_the_stored_position_a_run_that_comes_twice_counts_twice() -> None:
    twice = _folded(bugs.STORED_POSITION, 1, 2, 1, 2)

    assert (twice.last, sum(twice.leaves.values())) == (2, 4)


def test_past_a_gap_counting_goes_on_and_names_none() -> None:
    past = _folded(bugs.PAST_GAPS, 1, 3, 3)

    assert (past.last, sum(past.leaves.values()), past.gap) == (3, 2, None)


class _Holed(MemoryTable):
    """Its first event was never committed."""

    async def pending(self, records_max: int, skip: Collection[int]) -> Sequence[Pending]:
        return [each._replace(records=each.records[1:]) for each in await super().pending(records_max, skip)]


async def test_the_relay_of_a_plain_sequence_sends_past_a_hole() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    broker, table = MemoryBroker(1), _Holed(leases, "relay", 1)
    lease = leadership(leases, "relay", "A", clock)
    await lease.renew()
    table.last = [3]
    publisher = Publisher(
        table,
        lease,
        TopicChannel("t", {}),
        limits=PublishLimits(drain_s_max=0),
        open_producer=broker.open,
        clock=clock,
    )

    with in_place(bugs.PLAIN_SEQUENCE.patches):
        outcome = await publisher.publish_once()

    assert outcome is PublishOutcome.PUBLISHED
    assert (broker.logs, table.published) == ([[2, 3]], [3])


def test_without_a_unique_latch_ids_are_those_of_one_life() -> None:
    alert, id_of_crossing = alert_id(crossing(), "official:governor"), crossing_id(crossing())

    with in_place(bugs.NO_UNIQUE_LATCH.patches):
        assert alert_id(crossing(), "official:governor") != alert
        assert crossing_id(crossing()) != id_of_crossing


def _full(term: int, cut: int) -> CutRecord:
    return CutRecord(
        term=term, cut=cut, kind="full", as_of=datetime(2021, 10, 24, tzinfo=UTC), positions=(cut,), rows=()
    )


def test_readers_that_ignore_the_term_go_back() -> None:
    state = CutState()
    with in_place(bugs.TERM_IGNORED.patches):
        for record in (_full(1, 1), _full(2, 3), _full(1, 2)):
            state.apply(record)

    assert state.version == (1, 2)


async def test_a_deposed_publisher_sends_all_the_same() -> None:
    sent: list[str] = []

    class Producer:
        async def send(self, topic: str, *_: object, partition: int) -> asyncio.Future[Any]:
            sent.append(topic)
            done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            done.set_result(type("Acknowledged", (), {"offset": 7}))
            return done

        async def abandon(self) -> None:
            """Nothing to drop."""

    clock = Clock()
    deposed: Any = leadership(MemoryLeases(clock), "publisher", "A", clock)
    speaking = LeaderProducer({}, deposed)
    speaking._producer = Producer()  # type: ignore[assignment]  # as much of one as the wire needs
    with in_place(bugs.TERM_IGNORED.patches):
        offset = await speaking.send([LeaderRecord("region-counts", None, b"{}")], term=1)
        assert leader_producer.ACK_S_MAX > 10

    assert (offset, sent) == (7, ["region-counts"])
