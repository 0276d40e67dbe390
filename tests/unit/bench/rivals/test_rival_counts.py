from __future__ import annotations

import pytest

from bench.fixtures.event_backlog import EventGenerator
from bench.paths.path_definition import WrongCountsError
from bench.rivals.rival_measurement import check


def test_counts_are_compared_by_region_and_the_rest_of_the_key_is_ignored() -> None:
    check({"31.71.01.1001": 3}, {"31.71.01.1001|ppkukm|fest-2021": 1, "31.71.01.1001|ppapp|fest-2021": 2})


@pytest.mark.parametrize(
    "counts", [{"31.71.01.1001": 2}, {"31.71.01.1001": 3, "31.71.01.1002": 1}, {}, {"31.71.01.1002": 3}]
)
def test_an_extra_missing_or_different_region_is_a_wrong_count(counts: dict[str, int]) -> None:
    with pytest.raises(WrongCountsError):
        check(counts, {"31.71.01.1001|ppkukm|fest-2021": 3})


def test_a_generator_counts_its_events_and_numbers_each_partition_from_one() -> None:
    generator = EventGenerator(["31.71.01.1001"], "2021-10-24T12:05:00.000Z")

    values = [*generator.values(0, 2), *generator.values(3, 1), *generator.values(0, 1)]

    assert [
        b'"sequence":%d,' % number in value for number, (_, value) in zip((1, 2, 1, 3), values, strict=True)
    ] == ([True] * 4)
    assert generator.expected.total() == 4
