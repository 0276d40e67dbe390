"""Invariant 10 holds if few events are written twice, full cuts are rare, and an event takes few bytes."""

from __future__ import annotations

from dataclasses import replace

from faults.invariants.disk_writes import (
    BYTES_MAX,
    COPIES_FREE,
    FULL_PAUSE_S_MIN,
    StoredVolume,
    check_stored_volume,
)

VOLUME = StoredVolume(
    events=10_000,
    records=10_100,
    resent_max=0,
    full_pauses_s=[60.0, 3600.0],
    log_bytes=30_000_000,
    topic_bytes=70_000_000,
)


def test_few_copies_rare_fulls_and_few_bytes_pass() -> None:
    result = check_stored_volume(VOLUME)

    assert result.holds
    assert result.notes == [
        "100 copies, at most 4,000 allowed; 10.0 kB per event: 30 MB of WAL, 70 MB of topics"
    ]


def test_more_copies_than_faults_explain_are_a_violation() -> None:
    copied = replace(VOLUME, records=11_000 + COPIES_FREE + 10_000)

    assert not check_stored_volume(copied).holds
    assert check_stored_volume(replace(copied, resent_max=10_000)).violations == []


def test_full_records_of_the_same_counts_in_quick_succession_are_a_violation() -> None:
    assert not check_stored_volume(replace(VOLUME, full_pauses_s=[60.0, FULL_PAUSE_S_MIN - 1])).holds


def test_too_many_bytes_per_event_are_a_violation() -> None:
    assert not check_stored_volume(replace(VOLUME, topic_bytes=10_000 * BYTES_MAX)).holds
