"""The pause between two fetches of a worker."""

from __future__ import annotations

from aggregator.consumer.fetch_pause import BACKLOG_RECORDS_MIN, PAUSE_S_MAX, pause_s


def test_a_worker_without_a_backlog_pauses_in_proportion_to_its_work() -> None:
    assert 0 < pause_s(0.002, 200) < pause_s(0.05, 2_000) <= PAUSE_S_MAX
    assert pause_s(5.0, 10_000) == PAUSE_S_MAX


def test_a_worker_with_a_backlog_does_not_pause() -> None:
    assert pause_s(0.2, BACKLOG_RECORDS_MIN) == 0


def test_a_slow_database_does_not_delay_a_few_records() -> None:
    assert pause_s(5.0, 20) < 0.01
