"""A reader names exactly the quarantined events of the cut that it holds."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cuts.quarantined_ranges import QuarantinedRanges
from cuts.records import CutRecord
from cuts.state import ApplyReason, CutState
from tests.support.samples.cuts import cut_record
from tests.support.samples.quarantine import events_in, ranges_of

Event = tuple[int, int]
Positions = tuple[int, int]

SEQUENCES = range(1, 5)
quarantines = st.sets(st.tuples(st.integers(0, 1), st.sampled_from(SEQUENCES)))
steps = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=5)


def test_a_range_that_continues_the_last_one_extends_it() -> None:
    ranges = QuarantinedRanges([(3, 5, 9), (7, 1, 1)])

    ranges.extend([(3, 10, 12), (7, 3, 4)])

    assert list(ranges) == [(3, 5, 12), (7, 1, 1), (7, 3, 4)]
    assert ranges.events == 11
    assert ranges == QuarantinedRanges([(3, 5, 12), (7, 1, 1), (7, 3, 4)])


@given(quarantines)
def test_any_events_are_named_once_by_the_fewest_ranges(events: set[Event]) -> None:
    ranges = QuarantinedRanges(ranges_of(events))

    assert events_in(ranges) == events
    assert ranges.events == len(events)
    assert tuple(ranges) == ranges_of(events)


def test_a_full_of_the_same_cut_with_other_quarantined_events_replaces_it() -> None:
    state = CutState()
    state.apply(cut_record(4, quarantined_ranges=((0, 1, 2),), quarantined_total=2))

    same = state.apply(cut_record(4, quarantined_ranges=((0, 1, 2),), quarantined_total=2))
    other = state.apply(cut_record(4, quarantined_ranges=((0, 2, 2),), quarantined_total=1))

    assert (same.reason, other.reason) == (ApplyReason.REPEATED, ApplyReason.REPLACED)
    assert list(state.quarantined) == [(0, 2, 2)]


def published(events: set[Event], moves: list[Positions], parts: int) -> list[CutRecord]:
    """Return the records of a publisher: a full, and for each move a change and a full in parts."""
    positions = [(0, 0)]
    for move in moves:
        positions.append(tuple(min(last + by, 4) for last, by in zip(positions[-1], move, strict=True)))  # type: ignore[arg-type]  # two partitions
    records = full(0, positions[0], events, parts)
    for cut, (before, after) in enumerate(pairwise(positions), start=1):
        added = {event for event in events if before[event[0]] < event[1] <= after[event[0]]}
        total = len(counted(events, after))
        change = cut_record(
            cut, base=cut - 1, positions=after, quarantined_ranges=ranges_of(added), quarantined_total=total
        )
        records += [change, *full(cut, after, events, parts)]
    return records


def full(cut: int, positions: Positions, events: set[Event], parts: int) -> list[CutRecord]:
    ranges = ranges_of(counted(events, positions))
    share = -(-len(ranges) // parts)
    return [
        cut_record(
            cut,
            positions=positions,
            part=part,
            parts=parts,
            quarantined_ranges=ranges[part * share : (part + 1) * share],
            quarantined_total=len(counted(events, positions)),
        )
        for part in range(parts)
    ]


def counted(events: set[Event], positions: Positions) -> set[Event]:
    """Return the quarantined events that the positions have passed."""
    return {event for event in events if event[1] <= positions[event[0]]}


@settings(max_examples=300)
@given(quarantines, steps, st.integers(1, 3), st.data())
def test_a_reader_that_misses_and_repeats_records_never_names_other_events(
    events: set[Event], moves: list[Positions], parts: int, data: st.DataObject
) -> None:
    records = published(events, moves, parts)
    read = data.draw(st.lists(st.sampled_from(range(len(records))), max_size=12).map(sorted))
    state = CutState()

    for index in [*read, *range(len(records) - parts, len(records))]:
        state.apply(records[index])

        if state.ready:
            held = (state.positions[0], state.positions[1])
            assert events_in(state.quarantined) == counted(events, held)
            assert state.quarantined.events == state.quarantined_total
    assert state.ready
