"""Which record of a cut is due, and its encoding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.cut_record import (
    CHANGE_BYTES_MAX,
    HEAD_BYTES,
    NO_CONTENT,
    PART_BYTES_MAX,
    RANGE_BYTES,
    Cut,
    CutContent,
    CutHead,
    DueRecord,
    Row,
    differing_rows,
    due_record,
    fits_change,
    write_change,
    write_full,
)
from cuts.records import decode_cut
from cuts.state import ApplyReason, CutState

HEAD = CutHead(1, 1, 1, (1,) * 12, ())
MOVED = replace(HEAD, positions=(2,) * 12)
AS_OF = datetime(2021, 10, 24, 12, 5, 1, 200_000, tzinfo=UTC)
rows = st.dictionaries(
    st.tuples(
        st.sampled_from(["all", "campaign:fest-2021"]),
        st.sampled_from(["31", "31.71", "31.74"]),
        st.sampled_from(["registered", "step:P2"]),
    ),
    st.integers(1, 9),
    max_size=12,
).map(lambda counts: [(*key, count) for key, count in sorted(counts.items())])


def due(
    last: CutHead | None, current: CutHead, since_full_s: float, since_record_s: float, *, full: bool = False
) -> DueRecord:
    return due_record(last, current, since_full_s, since_record_s, is_last_full=full)


def test_a_term_begins_with_a_full() -> None:
    assert due(None, HEAD, 0, 0) is DueRecord.FULL_OF_NEW_CUT


def test_a_new_generation_or_set_is_published_as_a_full() -> None:
    assert due(HEAD, replace(HEAD, generation=2), 0, 0) is DueRecord.FULL_OF_NEW_CUT
    assert due(HEAD, replace(HEAD, set_id=2), 0, 0) is DueRecord.FULL_OF_NEW_CUT


def test_a_changed_head_is_published_at_once() -> None:
    assert due(HEAD, MOVED, 1, 0.1) is DueRecord.CHANGE
    assert due(HEAD, replace(HEAD, gaps=((3, 17, 19),)), 1, 0.1) is DueRecord.CHANGE
    assert due(HEAD, MOVED, 60, 0.1) is DueRecord.CHANGE_AND_FULL


def test_without_changes_a_heartbeat_is_due_each_second_and_a_full_every_minute() -> None:
    assert due(HEAD, HEAD, 59, 0.5) is DueRecord.NOTHING
    assert due(HEAD, HEAD, 59, 1) is DueRecord.HEARTBEAT
    assert due(HEAD, HEAD, 60, 0.5) is DueRecord.FULL_OF_SAME_CUT


def test_a_full_of_an_unchanged_cut_is_repeated_every_four_hours() -> None:
    assert due(HEAD, HEAD, 14_399, 0.5, full=True) is DueRecord.NOTHING
    assert due(HEAD, HEAD, 14_400, 0.5, full=True) is DueRecord.FULL_OF_SAME_CUT
    assert due(HEAD, MOVED, 60, 0.5, full=True) is DueRecord.CHANGE_AND_FULL


@given(published=rows, current=rows)
def test_the_differing_rows_turn_the_published_counts_into_the_current_ones(
    published: list[Row], current: list[Row]
) -> None:
    counts = {row[:3]: row[3] for row in published}

    differing = differing_rows(counts, current)

    assert all(counts.get(row[:3], 0) != row[3] for row in differing)
    counts.update({row[:3]: row[3] for row in differing})
    assert {key: count for key, count in counts.items() if count} == {row[:3]: row[3] for row in current}


@given(first=rows, second=rows, bytes_max=st.sampled_from([HEAD_BYTES + 200, PART_BYTES_MAX]))
def test_a_reader_of_fulls_and_changes_has_the_same_counts(
    first: list[Row], second: list[Row], bytes_max: int
) -> None:
    state = CutState()
    for record in write_full(Cut(7, 1, AS_OF, HEAD), -1, CutContent((), first), bytes_max):
        state.apply(decode_cut(record))
    zeros: list[Row] = [(*row[:3], 0) for row in first if row[:3] not in {other[:3] for other in second}]
    changed = [row for row in second if row not in first] + zeros

    change = write_change(Cut(7, 2, AS_OF, MOVED), 1, 0, CutContent((), changed))
    applied = state.apply(decode_cut(change))

    assert applied.reason is ApplyReason.CHANGED
    assert state.counts == {row[:3]: row[3] for row in second}
    assert state.id == "7.2"


@given(st.integers(0, 3_000))
def test_every_part_of_a_full_stays_below_its_limit(number: int) -> None:
    many: list[Row] = [
        ("campaign:fest-2021", f"31.71.01.{row:04}", "registered", row) for row in range(number)
    ]

    ranges = [(row % 12, 2 * row + 1, 2 * row + 1) for row in range(number)]

    parts = write_full(Cut(7, 1, AS_OF, HEAD), -1, CutContent(ranges, many), 64 * 1024)

    assert all(len(part) <= 64 * 1024 for part in parts)
    records = [decode_cut(part) for part in parts]
    assert [(record.part, record.parts) for record in records] == [
        (part, len(parts)) for part in range(len(parts))
    ]
    assert [row for record in records for row in record.rows] == many
    assert [span for record in records for span in record.quarantined_ranges] == ranges


def test_the_longest_head_fits_in_its_bytes() -> None:
    largest = 9_007_199_254_740_000
    gaps = tuple((partition, largest, largest) for partition in range(12))
    head = CutHead(32_767, largest, largest, (largest,) * 12, gaps, (largest,) * 12)

    (part,) = write_full(Cut(largest, largest, AS_OF, head, largest), largest, NO_CONTENT)

    assert len(part) <= HEAD_BYTES


def test_a_reader_of_a_full_names_100_000_scattered_quarantined_events() -> None:
    ranges = [(place % 12, 200_000 + 2 * place, 200_000 + 2 * place) for place in range(100_000)]
    cut = Cut(7, 1, AS_OF, HEAD, 100_000)
    state = CutState()

    parts = write_full(cut, -1, CutContent(ranges, ()))
    for part in parts:
        state.apply(decode_cut(part))

    assert max(map(len, parts)) <= PART_BYTES_MAX
    assert list(state.quarantined) == sorted(ranges)
    assert state.quarantined.events == state.quarantined_total == 100_000


def test_a_change_of_too_many_rows_does_not_fit_in_a_record() -> None:
    many: list[Row] = [
        ("campaign:fest-2021", "31.71.01.1001", "registered", count) for count in range(20_000)
    ]

    assert fits_change(CutContent((), many[:1_000]))
    assert not fits_change(CutContent((), many))


def test_a_change_of_too_many_ranges_does_not_fit_in_a_record() -> None:
    largest = 9_007_199_254_740_000
    ranges = [(11, largest + place, largest + place) for place in range(CHANGE_BYTES_MAX // RANGE_BYTES)]

    assert len(write_change(Cut(7, 1, AS_OF, HEAD), 1, 0, CutContent(ranges, ()))) < CHANGE_BYTES_MAX
    assert fits_change(CutContent(ranges, ()))
    assert not fits_change(CutContent([*ranges, ranges[0]], ()))


def test_the_time_is_written_in_utc_with_milliseconds() -> None:
    record = msgspec.json.decode(write_change(Cut(7, 1, AS_OF, HEAD), 1, 0, NO_CONTENT))

    assert record["as_of"] == "2021-10-24T12:05:01.200Z"
