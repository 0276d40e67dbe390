"""Tests summing standings into tallies, reverting events, and comparing two sets of tallies."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from registration.audit.tallies import (
    DIFFERENCES_MAX,
    Difference,
    TallySums,
    ancestry,
    compare,
    live_counts,
)
from registration.domain.participant import Standing

KELURAHAN = ("31.71.01.1001", "31.71.02.1002", "31.72.01.1001")
STANDINGS = st.none() | st.builds(
    Standing,
    st.sampled_from([*KELURAHAN, "99.99"]),
    st.none() | st.just("ppkukm"),
    st.none() | st.just("fest"),
    st.sampled_from([(), ("P2",), ("P2", "P3")]),
    st.booleans(),
)


def _by_hand(standings: list[Standing | None]) -> dict[tuple[str, str, str], int]:
    """Return the tallies, computed one participant at a time without the code under test."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for standing in filter(None, standings):
        known = standing.region in KELURAHAN
        regions = [standing.region[:n] for n in (2, 5, 8, 13)] if known else ["31", "31.00"]
        scopes = ["all"]
        scopes += [f"agency:{standing.agency}"] if standing.agency else []
        scopes += [f"campaign:{standing.campaign}"] if standing.campaign else []
        measures = ["registered", *[f"step:{step}" for step in standing.steps]]
        measures += ["stock"] if standing.stock else []
        counts.update(product(scopes, regions, measures))
    return dict(counts)


@given(st.lists(st.tuples(st.integers(0, 2), STANDINGS), max_size=8), st.integers(0, 8))
def test_current_standings_without_later_events_are_the_earlier_standings(
    events: list[tuple[int, Standing | None]], then: int
) -> None:
    """Each event changes one of three participants' standings. Events after the first `then` are reverted."""
    at_then: list[Standing | None] = [None, None, None]
    for participant, after in events[:then]:
        at_then[participant] = after
    now, later = list(at_then), []
    for participant, after in events[then:]:
        later.append((now[participant], after))
        now[participant] = after
    sums = TallySums()

    for standing in now:
        sums.add(standing)
    for before, after in later:
        sums.revert(before, after)

    assert sums.tallies() == _by_hand(at_then)
    assert compare(sums.tallies(), _by_hand(at_then)).drift == 0


@given(
    st.dictionaries(st.integers(0, 30), st.integers(0, 3)),
    st.dictionaries(st.integers(0, 30), st.integers(0, 3)),
)
def test_drift_is_the_sum_of_absolute_differences_and_a_missing_tally_is_zero(
    expected: dict[int, int], found: dict[int, int]
) -> None:
    findings = compare(
        {("all", str(n), "registered"): count for n, count in expected.items()},
        {("all", str(n), "registered"): count for n, count in found.items()},
    )

    assert findings.drift == sum(abs(expected.get(n, 0) - found.get(n, 0)) for n in range(31))
    assert (findings.drift == 0) == (findings.differences == ())
    assert len(findings.differences) <= DIFFERENCES_MAX


def test_a_differing_tally_is_listed() -> None:
    findings = compare({("all", "31", "registered"): 7}, {("all", "31", "registered"): 9})

    assert findings.differences == (Difference("all", "31", "registered", 7, 9),)
    assert findings.drift == 2


def test_a_code_in_another_form_is_counted_under_31_00() -> None:
    assert ancestry("31.71.01.1001") == ("31", "31.71", "31.71.01", "31.71.01.1001")
    assert ancestry("31.71.01") == ("31", "31.00")
    assert ancestry("32.71.01.1001") == ("31", "31.00")
    assert ancestry("") == ("31", "31.00")


def test_live_participants_are_the_registered_without_the_stock() -> None:
    tallies = {
        ("all", "31", "registered"): 7,
        ("all", "31", "stock"): 5,
        ("all", "31", "step:P2"): 6,
        ("all", "31.71", "registered"): 5,
        ("all", "31.71", "stock"): 5,
        ("campaign:fest", "31", "registered"): 2,
        ("campaign:fest", "31.72", "stock"): 1,
    }

    live = live_counts(tallies)

    # Where only stock is registered, nobody is live; a live registration in quarantine can make it negative.
    assert live == {("all", "31"): 2, ("campaign:fest", "31"): 2, ("campaign:fest", "31.72"): -1}
