"""Quarantined events as pairs and as ranges, computed without the code under test."""

from collections.abc import Iterable

Range = tuple[int, int, int]
"""(partition, first sequence, last sequence)"""


def ranges_of(events: Iterable[tuple[int, int]]) -> tuple[Range, ...]:
    """Return the fewest ranges that name these (partition, sequence) pairs, in order."""
    ranges: list[Range] = []
    for partition, sequence in sorted(events):
        if ranges and ranges[-1][0] == partition and ranges[-1][2] == sequence - 1:
            ranges[-1] = (partition, ranges[-1][1], sequence)
        else:
            ranges.append((partition, sequence, sequence))
    return tuple(ranges)


def events_in(ranges: Iterable[Range]) -> set[tuple[int, int]]:
    """Return the (partition, sequence) pairs that the ranges name."""
    return {(partition, sequence) for partition, first, last in ranges for sequence in range(first, last + 1)}
