"""The figures of the peer comparison: scaling to 100 kills, and reading regions from changelog keys."""

from __future__ import annotations

from collections import Counter

import pytest

from faults.counter_comparison import Trial, _by_region, as_json, as_markdown
from faults.peer_counters import _text

TRIAL = Trial(
    name="a counter", kills=12, events=300, counted_early=100, counted=250, lost=60, doubled=10, settled_s=9.0
)


def test_lost_and_doubled_are_scaled_to_100_kills() -> None:
    assert (
        as_json([TRIAL])[0] | {"lost_per_100_kills": 500, "doubled_per_100_kills": 83} == as_json([TRIAL])[0]
    )
    assert "| a counter | 12 | 300 | 100 | 250 | 500 | 83 | 9 s |" in as_markdown([TRIAL])


@pytest.mark.parametrize("stored", [b"31.71|ppkukm|", b'"31.71|ppkukm|"'], ids=["bare", "as JSON"])
def test_a_key_is_read_whether_stored_bare_or_as_json(stored: bytes) -> None:
    assert _text(stored) == "31.71|ppkukm|"


def test_the_counts_of_one_region_are_summed() -> None:
    assert _by_region({"31.71|a|": 2, "31.71|b|": 1, "31.72|a|": 4}) == Counter({"31.71": 3, "31.72": 4})
