"""The quarantined events that a cut omits, as ranges of sequences."""

from collections.abc import Iterable, Iterator

Range = tuple[int, int, int]
"""(partition, first sequence, last sequence); every event of the range is quarantined."""


class QuarantinedRanges:
    """The fewest ranges that name all quarantined events of a cut, by partition and sequence.

    A change record names only events above the positions of its base, so its ranges always follow the held
    ranges of the same partition.
    """

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._by_partition: dict[int, list[tuple[int, int]]] = {}
        self.events = 0
        """The number of events in all ranges."""
        self.extend(ranges)

    def extend(self, ranges: Iterable[Range]) -> None:
        """Add ranges, in order of their sequences; a range that continues the last range extends it."""
        for partition, first, last in ranges:
            held = self._by_partition.setdefault(partition, [])
            if held and held[-1][1] + 1 == first:
                held[-1] = (held[-1][0], last)
            else:
                held.append((first, last))
            self.events += last - first + 1

    def __iter__(self) -> Iterator[Range]:
        for partition in sorted(self._by_partition):
            for first, last in self._by_partition[partition]:
                yield partition, first, last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QuarantinedRanges) and self._by_partition == other._by_partition

    __hash__ = None  # type: ignore[assignment]  # the ranges change
