"""Folding batches of events and rolling the folds up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.event import BadEvent, OffsetEvent, QuarantineReason
from aggregator.domain.event_fold import Fold, fold
from aggregator.domain.roll_up import regions_of, roll_up
from tests.support.samples.events import (
    PARTITION,
    batches,
    count_one_by_one,
    event,
    good_events,
    in_order,
    standing,
    with_offsets,
)

ALL_OF_JAKARTA = ("all", "31", "registered")


@given(position=st.integers(0, 4), batch=batches)
def test_a_fold_equals_counting_event_by_event(position: int, batch: list[OffsetEvent]) -> None:
    last, tallies, quarantined = count_one_by_one(position, batch)

    result = fold(position, batch)

    assert result.last == last
    assert roll_up([result]).changes == tallies
    assert [bad.sequence for bad in result.quarantined] == quarantined
    assert result.counted + len(quarantined) == last - position
    assert result.passed == len(batch) - (last - position)


@given(batch=st.lists(good_events, min_size=1, max_size=8).map(in_order))
def test_a_batch_in_order_is_counted_completely(batch: list[OffsetEvent]) -> None:
    last, tallies, _ = count_one_by_one(0, batch)

    result = fold(0, batch)

    assert (result.last, result.counted, result.passed) == (last, len(batch), 0)
    assert result.next_offset == batch[-1][0] + 1
    assert roll_up([result]).changes == tallies


@given(first=batches, second=batches)
def test_two_batches_fold_as_one(first: list[OffsetEvent], second: list[OffsetEvent]) -> None:
    whole = fold(0, first + second)

    first_fold = fold(0, first)
    second_fold = fold(first_fold.last, second)

    assert second_fold.last == whole.last
    assert roll_up([first_fold, second_fold]) == roll_up([whole])


@given(batch=batches)
def test_a_batch_sent_twice_counts_once(batch: list[OffsetEvent]) -> None:
    once = fold(0, batch)

    again = fold(once.last, batch)

    counted_before = [entry for entry in batch if entry[1].sequence <= once.last]
    assert again.last >= once.last
    assert fold(once.last, counted_before) == Fold(once.last, once.last, passed=len(counted_before))


@given(position=st.integers(0, 4), batch=batches)
def test_the_gap_is_the_lowest_sequence_beyond_the_position(position: int, batch: list[OffsetEvent]) -> None:
    result = fold(position, batch)

    beyond = [event.sequence for _, event in batch if event.sequence > result.last + 1]
    assert result.gap == min(beyond, default=None)


@given(position=st.integers(0, 3), batch=batches, settled=st.sets(st.integers(1, 4)))
def test_settled_sequences_are_passed_without_being_counted(
    position: int, batch: list[OffsetEvent], settled: set[int]
) -> None:
    result = fold(position, batch, settled)

    assert not settled & {bad.sequence for bad in result.quarantined}
    assert result.last + 1 not in settled
    passed = [sequence for sequence in range(position + 1, result.last + 1) if sequence in settled]
    assert result.counted + len(result.quarantined) + len(passed) == result.last - position


def test_a_run_sent_twice_inside_one_batch_counts_once() -> None:
    run = [event(sequence, standing()) for sequence in (1, 2, 3)]

    result = fold(0, with_offsets(*run, *run))

    assert roll_up([result]).changes[ALL_OF_JAKARTA] == 3
    assert result.last == 3


def test_events_beyond_a_gap_change_nothing_and_the_gap_is_reported() -> None:
    result = fold(0, with_offsets(event(1, standing()), event(3, standing()), event(4, standing())))

    assert (result.last, result.gap, result.next_offset) == (1, 3, 101)
    assert roll_up([result]).changes[ALL_OF_JAKARTA] == 1


def test_a_move_is_one_event_and_no_total_dips() -> None:
    result = fold(
        0, with_offsets(event(1, before=standing("31.71.01.1001"), after=standing("31.71.02.1003")))
    )

    assert ALL_OF_JAKARTA not in roll_up([result]).changes
    assert roll_up([result]).changes == {
        ("all", "31.71.01", "registered"): -1,
        ("all", "31.71.01.1001", "registered"): -1,
        ("all", "31.71.02", "registered"): 1,
        ("all", "31.71.02.1003", "registered"): 1,
    }


def test_a_region_of_another_shape_counts_under_31_00() -> None:
    assert regions_of("32.01.01.1001") == ("31.00", "31")
    assert regions_of("31.71.01") == ("31.00", "31")
    assert regions_of("31.71.01.1001\n") == ("31.00", "31")


def test_a_bad_event_that_is_next_is_passed_and_reported() -> None:
    bad_event = BadEvent(PARTITION, 1, QuarantineReason.MALFORMED)

    result = fold(0, with_offsets(bad_event, event(2, standing())))

    assert [(bad.sequence, bad.offset, bad.reason) for bad in result.quarantined] == [
        (1, 100, QuarantineReason.MALFORMED)
    ]
    assert result.last == 2
    assert roll_up([result]).changes[ALL_OF_JAKARTA] == 1


def test_an_event_is_counted_completely_or_not_at_all() -> None:
    partly_bad = event(1, before=standing(agency="Not An Id"), after=standing())

    result = fold(0, with_offsets(partly_bad))

    assert [bad.reason for bad in result.quarantined] == [QuarantineReason.BAD_SCOPE]
    assert roll_up([result]).changes == {}


def test_a_scope_is_an_id_of_at_most_64_characters() -> None:
    good, long = standing(agency="a" * 64), standing(agency="a" * 65)

    result = fold(0, with_offsets(event(1, good), event(2, long), event(3, standing(campaign="a" * 10_000))))

    assert [bad.sequence for bad in result.quarantined] == [2, 3]
    assert result.counted == 1


def test_a_step_named_twice_counts_once() -> None:
    result = fold(0, with_offsets(event(1, standing("31.71.01.1001", None, None, "P2", "P2"))))

    assert roll_up([result]).changes["all", "31", "step:P2"] == 1


def test_without_a_next_event_the_position_stays() -> None:
    assert fold(7, with_offsets(event(3, standing()))) == Fold(7, 7, passed=1)
