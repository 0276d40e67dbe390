"""How long a worker lets records gather."""

from __future__ import annotations

from aggregator.worker import REST_S_MAX, WAITING_RECORDS_MIN, rest_s


def test_a_worker_with_time_to_spare_rests_in_proportion_to_its_work() -> None:
    assert 0 < rest_s(0.002, 20) < rest_s(0.05, 2_000) <= REST_S_MAX
    assert rest_s(5.0, 2_000) == REST_S_MAX


def test_a_worker_with_work_waiting_does_not_rest() -> None:
    assert rest_s(0.2, WAITING_RECORDS_MIN) == 0
