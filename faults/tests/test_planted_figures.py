"""The planted bugs of the figures around the counts do what their names say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aggregator.domain import cut_record
from aggregator.domain.cut_record import CutHead, DueRecord, due_record
from aggregator.domain.minute_record import KeptCut
from aggregator.publishing import minute_keeper
from aggregator.rebuild.shadow_set import RegisterEpoch, ShadowSet
from aggregator.tallies.tally_store import PartitionPosition
from faults.planted import figure_bugs
from faults.planted.patches import patched
from registration.relay import partition_rewinder
from registration.relay.stall_cause import InspectedPartition, Stall

KEPT = KeptCut(
    datetime(2021, 10, 24, 12, 0, tzinfo=UTC), "1.1", datetime(2021, 10, 24, tzinfo=UTC), 1, 1, (0,), False
)


def test_an_empty_set_of_a_new_epoch_may_become_live() -> None:
    empty = ShadowSet(2, 1, 1, RegisterEpoch(2, (5,)), {0: PartitionPosition(2, 0, 0)})

    assert empty.behind(empty.required({0: 5})) == 5
    with patched(figure_bugs.EMPTY_EPOCH.patches):
        assert empty.behind(empty.required({0: 5})) == 0


def test_the_backlog_is_published_again_although_the_topic_has_it() -> None:
    stall = Stall(partition=0, position=10, published=500, number=1, next_offset=10)
    complete = InspectedPartition(has_next=True, highest=500)

    assert partition_rewinder.rewind_target(stall, complete) == 500  # type: ignore[attr-defined]  # the patched name
    with patched(figure_bugs.COPIED_BACKLOG.patches):
        assert partition_rewinder.rewind_target(stall, complete) == 10  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize("growth", [[], [("all", "31", 2), ("all", "31.71", 2)]])
def test_a_minute_has_a_thousand_registrations_too_many(growth: list[tuple[str, str, int]]) -> None:
    later = replace(KEPT, ends_at=datetime(2021, 10, 24, 12, 1, tzinfo=UTC))

    with patched(figure_bugs.WRONG_MINUTES.patches):
        minutes = minute_keeper.write_minutes(1, KEPT, later, growth)  # type: ignore[attr-defined]  # the patched name

    correct = {region: change for _, region, change in growth}.get("31", 0)
    assert dict(json.loads(minutes["all"])["rows"])["31"] == correct + 1_000


def test_a_full_record_is_due_after_four_seconds() -> None:
    head = CutHead(1, 1, 1, (5,), (), (5,))

    assert due_record(head, replace(head, positions=(6,)), 5, 0, is_last_full=False) is DueRecord.CHANGE
    with patched(figure_bugs.FREQUENT_FULLS.patches):
        due = due_record(head, replace(head, positions=(6,)), 5, 0, is_last_full=False)
    assert due is DueRecord.CHANGE_AND_FULL
    assert cut_record.FULL_EVERY_S == 60
