"""A batch gives the same results as events and as a straight run, in pure Python or compiled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.decoding.batch_decoder import (
    DecodedBatch,
    FoldStraightRun,
    StraightBatch,
    decode_batch,
    decode_events,
)
from aggregator.domain.straight_run import fold_straight_run
from deploy.local.decoder_build import can_compile
from tests.support.samples.irregular_events import (
    EXTRAS,
    PARTITION,
    STANDINGS,
    TIMES,
    SampleRecord,
    event_json,
    records_of,
    values,
)

FOLDS: dict[str, FoldStraightRun] = {"python": fold_straight_run}
if can_compile():
    from aggregator.decoding.compiled import decoder

    FOLDS["compiled"] = decoder.Decoder().fold_straight_run


@st.composite
def runs_in_order(draw: st.DrawFn, irregular: bool) -> list[SampleRecord]:
    first = draw(st.integers(1, 4))
    return records_of([draw(values(irregular, first + index)) for index in range(draw(st.integers(1, 9)))])


arbitrary_values = values() | st.none() | st.binary(max_size=8)
plain_runs = runs_in_order(irregular=False)
batches = (
    st.lists(arbitrary_values, max_size=9).map(records_of)
    | st.lists(values(irregular=False), max_size=12).map(records_of)
    | plain_runs
    | runs_in_order(irregular=True)
)
positions_lists = st.lists(st.integers(0, 5), min_size=1, max_size=3)


@pytest.fixture(params=FOLDS)
def fold_run(request: pytest.FixtureRequest) -> FoldStraightRun:
    """Run a test with each fold of straight runs."""
    return FOLDS[request.param]


def decoded(batch: Sequence[SampleRecord]) -> list[DecodedBatch]:
    """Decode with each fold of straight runs."""
    return [decode_batch(batch, PARTITION, fold_run) for fold_run in FOLDS.values()]


@pytest.mark.needs("cc")
def test_both_folds_are_tested() -> None:
    assert set(FOLDS) == {"python", "compiled"}


@given(batches, positions_lists, st.sets(st.integers(1, 12)))
def test_every_decoder_gives_the_same_folds_and_unsequenced_records(
    batch: list[SampleRecord], positions: list[int], settled: set[int]
) -> None:
    events = decode_events(batch, PARTITION)

    for found in decoded(batch):
        assert list(found.unsequenced) == events.unsequenced
        for position in positions:
            assert found.fold(position) == events.fold(position)
            assert found.fold(position, settled) == events.fold(position, settled)


@given(plain_runs)
def test_plain_events_in_order_are_folded_as_a_straight_run(batch: list[SampleRecord]) -> None:
    for found in decoded(batch):
        assert isinstance(found, StraightBatch)


@given(st.sampled_from(EXTRAS), st.sampled_from(STANDINGS), st.sampled_from(TIMES), st.booleans())
def test_every_decoder_reads_every_irregular_value_alike(
    extra: Any, standing: Any, time: Any, ascii_only: bool
) -> None:
    event = {
        "x": extra,
        "partition": 3,
        "sequence": 1,
        "time": time,
        "data": {"before": None, "after": standing},
    }
    batch = records_of([json.dumps(event, ensure_ascii=ascii_only).encode()])
    events = decode_events(batch, PARTITION)

    for found in decoded(batch):
        assert (list(found.unsequenced), found.fold(0)) == (events.unsequenced, events.fold(0))


def test_equal_standings_in_different_bytes_are_summed_together(fold_run: FoldStraightRun) -> None:
    first, second = event_json(1, "ppkukm"), event_json(2, "ppkukm").replace(b": ", b":")

    fold = fold_run(records_of([first, second]), PARTITION)

    assert fold is not None
    assert list(fold.standing_changes.values()) == [2]


@pytest.mark.parametrize(
    "sequences", [(1, 3), (1, 1), (2, 1), (1, 2, 2, 3)], ids=["gap", "repeat", "backwards", "repeat inside"]
)
def test_a_run_that_is_not_in_sequence_is_no_straight_run(
    fold_run: FoldStraightRun, sequences: tuple[int, ...]
) -> None:
    batch = records_of([event_json(sequence, "ppkukm") for sequence in sequences])

    assert fold_run(batch, PARTITION) is None


@pytest.mark.needs("cc")
@pytest.mark.parametrize("extra", [1, 3, 5_000])
def test_a_full_standing_table_is_replaced(extra: int) -> None:
    batch = records_of(
        [event_json(sequence, f"agency-{sequence}") for sequence in range(1, decoder.STANDINGS_MAX + extra)]
    )
    fold_run = decoder.Decoder().fold_straight_run
    expected = [decode_events(part, PARTITION).fold(0) for part in (batch, batch[:extra])]

    folds = [fold_run(part, PARTITION) for part in (batch, batch[:extra], batch)]

    assert folds == [*expected, expected[0]]


def test_a_run_that_is_rejected_leaves_nothing_behind(fold_run: FoldStraightRun) -> None:
    good = records_of([event_json(1, "ppkukm"), event_json(2, "ppkukm")])
    rejected = records_of([event_json(1, "ppkukm"), event_json(2, "Not An Id")])

    found = [fold_run(batch, PARTITION) for batch in (good, rejected, good)]

    assert found == [decode_events(good, PARTITION).fold(0), None, decode_events(good, PARTITION).fold(0)]
