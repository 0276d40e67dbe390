"""When a cut is due, and how it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.cut import Cut, CutHead, Due, Row, due, fits_change, write_change, write_full
from cuts.records import decode_cut
from cuts.state import ApplyReason, CutState

HEAD = CutHead(1, 1, 1, (1,) * 12, (), (), 0)
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


def test_a_new_term_begins_with_a_full() -> None:
    assert due(None, HEAD, 0, 0) is Due.FULL_ANEW


def test_counts_changed_otherwise_than_by_events_are_told_in_a_full() -> None:
    assert due(HEAD, replace(HEAD, generation=2), 0, 0) is Due.FULL_ANEW
    assert due(HEAD, replace(HEAD, set_id=2), 0, 0) is Due.FULL_ANEW


def test_what_moved_is_told_at_once() -> None:
    assert due(HEAD, MOVED, 1, 0.1) is Due.CHANGE
    assert due(HEAD, replace(HEAD, gaps=((3, 17, 19),)), 1, 0.1) is Due.CHANGE
    assert due(HEAD, replace(HEAD, quarantined_total=1), 1, 0.1) is Due.CHANGE
    assert due(HEAD, MOVED, 10, 0.1) is Due.CHANGE_AND_FULL


def test_where_nothing_moves_a_heart_beat_follows_each_second_and_a_full_each_four() -> None:
    assert due(HEAD, HEAD, 3, 0.5) is Due.NOTHING
    assert due(HEAD, HEAD, 3, 1) is Due.HEART_BEAT
    assert due(HEAD, HEAD, 4, 0.5) is Due.FULL_AGAIN


@given(first=rows, second=rows, bytes_max=st.sampled_from([33_000, 256 * 1024]))
def test_a_reader_of_fulls_and_changes_knows_the_counts(
    first: list[Row], second: list[Row], bytes_max: int
) -> None:
    state = CutState()
    for record in write_full(Cut(7, 1, AS_OF, HEAD), -1, first, bytes_max):
        state.apply(decode_cut(record))
    zeros: list[Row] = [(*row[:3], 0) for row in first if row[:3] not in {one[:3] for one in second}]
    changed = [row for row in second if row not in first] + zeros

    applied = state.apply(decode_cut(write_change(Cut(7, 2, AS_OF, MOVED), 1, 0, changed)))

    assert applied.reason is ApplyReason.CHANGED
    assert state.counts == {row[:3]: row[3] for row in second}
    assert state.id == "7.2"


@given(st.integers(0, 3_000))
def test_every_part_of_a_full_stays_below_its_limit(number: int) -> None:
    many: list[Row] = [
        ("campaign:fest-2021", f"31.71.01.{one:04}", "registered", one) for one in range(number)
    ]

    parts = write_full(Cut(7, 1, AS_OF, HEAD), -1, many, 64 * 1024)

    assert all(len(part) <= 64 * 1024 for part in parts)
    records = [decode_cut(part) for part in parts]
    assert [(record.part, record.parts) for record in records] == [
        (one, len(parts)) for one in range(len(parts))
    ]
    assert [row for record in records for row in record.rows] == many


def test_a_thousand_named_events_fit_in_the_head() -> None:
    named = tuple((11, 9_007_199_254_740_000 + one) for one in range(1_000))
    head = replace(HEAD, quarantined=named, quarantined_total=1_000)

    (part,) = write_full(Cut(7, 1, AS_OF, head), -1, [])

    assert len(part) <= 32 * 1024


def test_a_change_of_nearly_everything_is_told_as_a_full() -> None:
    many: list[Row] = [("campaign:fest-2021", "31.71.01.1001", "registered", one) for one in range(20_000)]

    assert fits_change(many[:1_000])
    assert not fits_change(many)


def test_the_moment_is_written_in_utc_with_milliseconds() -> None:
    record = msgspec.json.decode(write_change(Cut(7, 1, AS_OF, HEAD), 1, 0, []))

    assert record["as_of"] == "2021-10-24T12:05:01.200Z"
