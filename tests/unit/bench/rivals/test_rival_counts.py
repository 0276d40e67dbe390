from __future__ import annotations

import pytest

from bench.fixtures.event_backlog import Source
from bench.paths.model import WrongCountsError
from bench.rivals.rival_process import check


def test_counts_are_compared_per_region_whatever_else_the_keys_say() -> None:
    check({"31.71.01.1001": 3}, {"31.71.01.1001|ppkukm|fest-2021": 1, "31.71.01.1001|ppapp|fest-2021": 2})


@pytest.mark.parametrize(
    "counts", [{"31.71.01.1001": 2}, {"31.71.01.1001": 3, "31.71.01.1002": 1}, {}, {"31.71.01.1002": 3}]
)
def test_a_region_too_many_too_few_or_missing_is_a_wrong_count(counts: dict[str, int]) -> None:
    with pytest.raises(WrongCountsError):
        check(counts, {"31.71.01.1001|ppkukm|fest-2021": 3})


def test_a_source_counts_what_it_gives_out_and_numbers_each_partition_from_one() -> None:
    made = Source(["31.71.01.1001"], "2021-10-24T12:05:00.000Z")

    values = [*made.values(0, 2), *made.values(3, 1), *made.values(0, 1)]

    assert [
        b'"sequence":%d,' % number in value for number, (_, value) in zip((1, 2, 1, 3), values, strict=True)
    ] == ([True] * 4)
    assert made.truth.total() == 4
